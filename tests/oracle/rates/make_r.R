# Expected values from R and epitools; writes expected_r.csv. Run in this folder: Rscript make_r.R
suppressWarnings(suppressMessages({library(epitools)}))
r <- paste("R", getRversion()); epi <- paste("epitools", packageVersion("epitools"))
out <- list()
add <- function(software, method, case, level, estimate, lower, upper)
  out[[length(out) + 1]] <<- data.frame(software, method, case, level, estimate, lower, upper)
for (level in c(0.8, 0.95, 0.998)) {
  for (x in c(0, 1, 2, 5, 9, 10, 11, 50, 1000, 123456)) {
    ci <- poisson.test(x, conf.level = level)$conf.int
    add(r, "exact_poisson", paste0("n", x), level, x, ci[1], ci[2])
  }
  for (case in list(c(0, 20), c(1, 20), c(9, 20), c(20, 20), c(10, 37), c(11, 4000), c(3999, 4000))) {
    name <- paste(case, collapse = "/")
    ci <- binom.test(case[1], case[2], conf.level = level)$conf.int
    add(r, "clopper_pearson", name, level, case[1] / case[2], ci[1], ci[2])
    w <- binom.wilson(case[1], case[2], conf.level = level)
    add(epi, "wilson", name, level, w$proportion, w$lower, w$upper)
  }
  for (values in list(c(3, 4), c(1, 5, 2, 8, 40), c(-3.5, 2, 0, 7, 7, 1.25, 90))) {
    t <- t.test(values, conf.level = level)
    add(r, "student_t", paste(values, collapse = " "), level, mean(values), t$conf.int[1], t$conf.int[2])
  }
  cells <- read.csv("cells.csv")
  for (g in unique(cells$group)) {
    part <- cells[cells$group == g, ]
    d <- ageadjust.direct(part$events, part$at_risk, stdpop = part$weight, conf.level = level)
    add(epi, "gamma", g, level, d[["adj.rate"]], d[["lci"]], d[["uci"]])
    # Tiwari, Clegg and Zou 2006, from the paper, with R's own gamma quantiles
    w <- part$weight / sum(part$weight) / part$at_risk; y <- sum(w * part$events); v <- sum(w^2 * part$events)
    a <- 1 - level; y1 <- y + mean(w); v1 <- v + mean(w^2)
    add(r, "tiwari", g, level, y, qgamma(a / 2, y^2 / v, scale = v / y), qgamma(1 - a / 2, y1^2 / v1, scale = v1 / y1))
  }
}
write.csv(format(do.call(rbind, out), digits = 16), "expected_r.csv", row.names = FALSE, quote = FALSE)
