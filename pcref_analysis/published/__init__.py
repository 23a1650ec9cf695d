"""National statistics as counts known to an interval."""
