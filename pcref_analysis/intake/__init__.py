"""From the world to cells: contracts, sources, counting rules, populations, published figures."""
