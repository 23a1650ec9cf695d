"""What may be shown: disclosure control first, then figures, tables, priorities and the report."""
