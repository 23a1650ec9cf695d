# Expected values for tests/oracle/regression/test_regression_against_r.py, made by independent software.
# Run in this folder:  Rscript make_expected.R      (R, MASS and sandwich; versions are written beside the figures)
library(MASS)
library(sandwich)

set.seed(20261122)
tight <- glm.control(epsilon = 1e-14, maxit = 200)
groups <- c("White British", "Asian or Asian British", "Black or Black British", "Mixed")
bands <- c("16-19", "20-24", "25-34", "35-49", "50-64", "65+")

# --- people: one to four rows each, personal liability, make-up differing by group -------------------------------
n <- 900
g <- sample(1:4, n, TRUE, c(.55, .2, .17, .08))
person <- data.frame(
  person = seq_len(n), ethnic_group = groups[g], sex = sample(c("Female", "Male"), n, TRUE),
  age_band = bands[pmin(1 + rbinom(n, 5, c(.6, .4, .35, .3)[g]), 6)], liability = rgamma(n, .5, .5))
rows <- person[rep(seq_len(n), 1 + rbinom(n, 3, .3)), ]
rate <- exp(-.9 + c(0, -.2, .7, .2)[match(rows$ethnic_group, groups)] + .3 * (rows$sex == "Male")) * rows$liability
rows$t <- round(runif(nrow(rows), .1, 2), 3)
rows$y <- rpois(nrow(rows), rate * rows$t)
rows$seen <- as.integer(runif(nrow(rows)) < 1 - exp(-rate))
rows$days <- ceiling(rgamma(nrow(rows), 1.3, .08 / (.4 + rate)))
rows$liability <- NULL
write.csv(rows, "rows.csv", row.names = FALSE)

# --- strata: counts that vary more than Poisson ---------------------------------------------------------------
strata <- expand.grid(ethnic_group = groups, sex = c("Female", "Male"), age_band = bands, imd_quintile = 1:3,
                      stringsAsFactors = FALSE)
strata$at_risk <- round(exp(rnorm(nrow(strata), 6.5, .8)))
mu <- strata$at_risk * exp(-4 + c(0, -.3, .8, .1)[match(strata$ethnic_group, groups)] +
                           .2 * (strata$sex == "Male") - .1 * strata$imd_quintile)
strata$events <- rnegbin(nrow(strata), mu, theta = 6)
strata$events <- pmin(strata$events, strata$at_risk)
write.csv(strata, "strata.csv", row.names = FALSE)

for (frame in c("rows", "strata")) {
  data <- get(frame)
  data$ethnic_group <- relevel(factor(data$ethnic_group), "White British")
  assign(frame, data)
}
out <- data.frame()
keep <- function(case, fit, v) {
  name <- grep("^ethnic_group[^:]*$", names(coef(fit)), value = TRUE)
  out <<- rbind(out, data.frame(case = case, ethnic_group = sub("ethnic_group", "", name),
    coefficient = sprintf("%.15g", coef(fit)[name]), std_error = sprintf("%.15g", sqrt(diag(v))[name])))
}
full <- events ~ ethnic_group + sex + age_band + factor(imd_quintile)
ps <- glm(update(full, . ~ . + offset(log(at_risk))), poisson, strata, control = tight)
qs <- glm(update(full, . ~ . + offset(log(at_risk))), quasipoisson, strata, control = tight)
nb <- glm.nb(update(full, . ~ . + offset(log(at_risk))), strata, control = tight)
lg <- glm(cbind(events, at_risk - events) ~ ethnic_group + sex + age_band + factor(imd_quintile), binomial, strata,
          control = tight)
keep("poisson", ps, vcov(ps))
keep("quasipoisson", qs, vcov(qs))
keep("negbin", nb, vcov(nb))
keep("logistic", lg, vcov(lg))
keep("poisson HC0 of strata", ps, vcovHC(ps, type = "HC0"))
keep("logistic HC0 of strata", lg, vcovHC(lg, type = "HC0"))

rp <- glm(y ~ ethnic_group + sex + age_band + offset(log(t)), poisson, rows, control = tight)
rl <- glm(seen ~ ethnic_group + sex + age_band, binomial, rows, control = tight)
rm <- glm(seen ~ ethnic_group + sex + age_band, poisson, rows, control = tight)
first <- rows[!duplicated(rows$person), ]
rg <- glm(days ~ ethnic_group + sex + age_band, Gamma("log"), first, control = tight)
clustered <- function(fit) vcovCL(fit, cluster = rows$person, type = "HC0", cadjust = FALSE)
keep("poisson clustered", rp, clustered(rp))
keep("logistic clustered", rl, clustered(rl))
keep("modified poisson clustered", rm, clustered(rm))
keep("gamma", rg, vcov(rg))

# --- joint Wald test of group x sex, clustered ------------------------------------------------------------------
ri <- glm(y ~ ethnic_group * sex + age_band + offset(log(t)), poisson, rows, control = tight)
cross <- grep(":", names(coef(ri)))
wald <- drop(coef(ri)[cross] %*% solve(clustered(ri)[cross, cross], coef(ri)[cross]))

# --- exact one-sided limit for a group without events: 0 of 0 + 37, 1,250 against 46,000 at risk -------------------
p <- binom.test(0, 37, alternative = "less", conf.level = .95)$conf.int[2]

other <- data.frame(
  name = c("theta", "quasipoisson dispersion", "gamma dispersion", "wald", "wald p", "exact limit"),
  value = sprintf("%.15g", c(nb$theta, summary(qs)$dispersion, summary(rg)$dispersion, wald,
                             pchisq(wald, length(cross), lower.tail = FALSE), p / (1 - p) * 46000 / 1250)))
write.csv(out, "expected_coefficients.csv", row.names = FALSE)
write.csv(other, "expected_other.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("MASS", packageVersion("MASS")), paste("sandwich", packageVersion("sandwich"))),
           "made_with.txt")
