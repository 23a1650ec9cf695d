"""Released tables as people read them: tables, figures, sentences, number formats."""
