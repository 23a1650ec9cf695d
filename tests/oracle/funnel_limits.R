# Exact funnel limits from R's own distribution functions (R 4.2.2): Rscript funnel_limits.R > funnel_limits.csv
# Spiegelhalter (2005), appendix A.1.1: interpolated quantiles of events. The upper limit interpolates P(R >= r).
lower <- function(p, q, cdf) { r <- q(p); r - (cdf(r) - p) / (cdf(r) - cdf(r - 1)) }
upper <- function(p, q, cdf) {  # the r with P(R >= r) = p, linear between whole numbers
  at_least <- function(r) 1 - cdf(r - 1)
  r <- q(1 - p) + 1
  r - (p - at_least(r)) / (at_least(r - 1) - at_least(r))
}
out <- NULL
for (kind in c("ratio", "percent")) for (size in c(3, 10, 25, 100, 400, 2500)) for (target in c(.1, .35, .8))
  for (level in c(.95, .998)) {
    p <- (1 - level) / 2
    if (kind == "ratio") {
      q <- function(p) qpois(p, size * target); cdf <- function(r) ppois(r, size * target)
    } else {
      q <- function(p) qbinom(p, size, target); cdf <- function(r) pbinom(r, size, target)
    }
    top <- if (kind == "percent") size else Inf
    out <- rbind(out, data.frame(kind, size, target, level, lower = max(0, lower(p, q, cdf)) / size,
                                 upper = min(top, upper(p, q, cdf)) / size))
  }
options(digits = 17)
write.csv(out, row.names = FALSE, quote = FALSE)
