"""Residents by ethnic group, sex, age and deprivation for any catchment."""
