"""What has to run again, notebooks, pages and workbook."""
