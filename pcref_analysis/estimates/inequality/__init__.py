"""Summary measures of inequality over unordered groups and along a gradient."""
