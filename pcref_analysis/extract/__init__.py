"""What an extract must look like: schema, parsing, checks, data dictionary."""
