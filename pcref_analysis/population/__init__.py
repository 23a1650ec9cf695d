"""Residents by ethnic group, sex, age and deprivation of any catchment; ``folder`` holds the published figures."""
