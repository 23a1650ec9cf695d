"""What unknown ethnic group may hide: bounds, strata, coding flags."""
