"""The assets: what each table is made of, and how it lies in Redshift."""

import warnings

import dagster as dg
import polars as pl

from examples.nyc_flights import lake, source
from orchestrator import redshift_asset, redshift_table

# Every process of a run would say on the terminal that BackfillPolicy is what Dagster calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

SCHEMA = "nyc_flights"
"""The last part of an asset's key prefix is the schema of its table."""

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")


@dg.asset(key_prefix=SCHEMA, kinds={"redshift", "polars"})
def airlines() -> pl.DataFrame:
    """Carrier codes and names."""
    return source.airlines()


@dg.asset(key_prefix=SCHEMA, kinds={"redshift", "polars"})
def airports() -> pl.DataFrame:
    """Where the airports lie."""
    return source.airports()


@dg.asset(key_prefix=SCHEMA, kinds={"redshift", "polars"})
def planes() -> pl.DataFrame:
    """What is known of each plane, by tail number."""
    return source.planes()


@dg.asset(
    key_prefix=SCHEMA,
    kinds={"redshift", "polars"},
    metadata=redshift_table(sort_key=["time_hour"]),
)
def weather() -> pl.DataFrame:
    """The weather at the three origins, hour by hour."""
    return source.weather()


@dg.asset(
    key_prefix=SCHEMA,
    kinds={"redshift", "polars"},
    partitions_def=MONTHS,
    # One run for a range of months: one COPY, one transaction.
    backfill_policy=dg.BackfillPolicy.single_run(),
    metadata=redshift_table(partition_expr="flight_date", sort_key=["flight_date"]),
)
def flights(context: dg.AssetExecutionContext) -> pl.LazyFrame:
    """Every departure of the run's months; streamed to Parquet, never whole in memory."""
    start, end = context.partition_time_window
    return source.flights().filter(
        pl.col("flight_date").is_between(start.date(), end.date(), closed="left")
    )


@redshift_asset(key=[SCHEMA, "hourly_weather"], kinds={"redshift", "parquet"})
def hourly_weather() -> str:
    """Parquet that something else wrote: only its address is returned, COPY reads it in place."""
    return lake.hourly_weather_uri()


@dg.asset(
    key_prefix=SCHEMA,
    kinds={"redshift", "polars"},
    # Of the widest table only these columns leave Redshift.
    ins={
        "flights": dg.AssetIn([SCHEMA, "flights"], metadata={"columns": ["carrier", "dep_delay"]})
    },
)
def carrier_delays(flights: pl.LazyFrame, airlines: pl.DataFrame) -> pl.DataFrame:
    """How many flights each airline had, and how late they left."""
    return (
        flights.group_by("carrier")
        .agg(flights=pl.len().cast(pl.Int32), mean_departure_delay=pl.mean("dep_delay"))
        .join(airlines.lazy(), on="carrier")
        .select("name", "flights", "mean_departure_delay")
        .sort("name")
        .collect()
    )


ALL = [airlines, airports, planes, weather, flights, hourly_weather, carrier_delays]
