"""Rows become cells: counting rules, row conditions, aggregation, availability, the ledger."""
