"""Words everyone shares: ethnic categories, indicators, parameters, standard populations."""
