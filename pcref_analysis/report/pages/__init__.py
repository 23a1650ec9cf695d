"""What readers see: pages, dashboard, papers and workbook, made of released tables."""
