"""All flights that left New York City in 2013, as a small Dagster project."""
