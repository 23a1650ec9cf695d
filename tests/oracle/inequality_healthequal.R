# Writes the data of healthequal 1.0.1's own tests (WHO; AGPL-3) as CSV. The expected values in
# inequality_healthequal.json are those that its tests hold, which its authors took from independent calculations:
# tests/testthat/test-*.R. Run with R 4.2.2: Rscript inequality_healthequal.R
set.seed(123)
pop <- round(rnorm(25, 1000, 300))
est <- rbinom(25, 1000, .065)
se <- rbinom(25, 100, .045)
ref <- rep(0, 25)
ref[sample(25, 1)] <- 1
write.csv(data.frame(group = 1:25, residents = pop, estimate = est, std_error = se, reference = ref),
          "inequality_healthequal_unordered.csv", row.names = FALSE, quote = FALSE)
set.seed(123)
write.csv(data.frame(group = 1:5, residents = round(rnorm(5, 100, 40)), estimate = c(20, 30, 40, 50, 60)),
          "inequality_healthequal_ordered.csv", row.names = FALSE, quote = FALSE)
