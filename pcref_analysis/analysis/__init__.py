"""Which estimate for which indicator: levels, gaps, medians, model checks and teams of a whole run."""
