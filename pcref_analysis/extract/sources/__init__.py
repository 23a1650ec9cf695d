"""Where an extract comes from: folder, DuckDB, PostgreSQL, SQL Server, Spark."""
