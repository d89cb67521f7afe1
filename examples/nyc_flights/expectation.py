"""What the tables have to hold, counted from the source without Dagster and without a database."""

import polars as pl

from examples.nyc_flights import lake, source


def row_counts() -> dict[str, int]:
    """Count the rows of each table's source."""
    return {
        "airlines": source.airlines().height,
        "airports": source.airports().height,
        "planes": source.planes().height,
        "weather": source.weather().height,
        "flights": source.FLIGHTS_ROWS,
        "hourly_weather": lake.hourly_weather().height,
        "carrier_delays": source.flights().collect()["carrier"].n_unique(),
    }


def flights_by_month() -> dict[str, int]:
    """Count the flights of each partition."""
    months = (
        source.flights()
        .group_by(month=pl.col("flight_date").dt.month_start().cast(pl.String))
        .agg(pl.len())
        .sort("month")
        .collect()
    )
    return dict(months.iter_rows())
