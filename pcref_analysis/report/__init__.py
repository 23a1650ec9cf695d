"""What has to run again, notebooks, what is checked and signed; what readers see is in `pages`."""
