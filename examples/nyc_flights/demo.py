"""The main job on real data, checked: ``python -m examples.nyc_flights.demo``.

Materializes every asset twice, and compares the tables with the source, the two passes with each
other, and what is read back (the whole weather table, one month of flights) with the source. Exits
with 0 when all of it agrees, 1 when something differs or fails, and 2 where there is no Redshift to
run against.
"""

import logging
import sys
import time
from collections.abc import Mapping

import dagster as dg
import polars as pl
from rich.console import Console
from rich.markup import escape

from examples.nyc_flights import expectation, lake, source, warehouse
from examples.nyc_flights.assets import SCHEMA
from examples.nyc_flights.comparison import (
    count_differences,
    frame_differences,
    partition_differences,
    pass_differences,
    report_differences,
)
from examples.nyc_flights.definitions import defs
from examples.nyc_flights.home import missing_settings, temporary_dagster_home
from examples.nyc_flights.loads import Load
from examples.nyc_flights.report import WIDTH, table_of
from examples.nyc_flights.run import RunFailedError, materialize
from examples.nyc_flights.warehouse import TableState

MONTH_READ_BACK = "2013-02-01"


def main() -> int:
    """Run the demo and tell how it went; the exit code is for a script."""
    # Where no terminal says how wide it is, as in a log file, there is room enough.
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    if problem := missing_settings():
        console.print(problem)
        return 2
    try:
        with temporary_dagster_home(log_level="CRITICAL"), dg.DagsterInstance.get() as instance:
            differences = _demo(console, instance)
    except RunFailedError as error:
        console.print(f"[bold red]The run failed.[/] {escape(str(error))}")
        return 1
    for difference in differences:
        console.print(f"[bold red]Differs:[/] {escape(difference)}")
    return 1 if differences else 0


def _demo(console: Console, instance: dg.DagsterInstance) -> list[str]:
    """Do it twice, read back, and give every difference as a sentence."""
    started = time.monotonic()
    console.print(f"Parquet of another team lies at {lake.put_hourly_weather()}")
    expected = expectation.row_counts()

    first = materialize(instance, console, "Pass 1 of 2")
    after_first = warehouse.states_of(SCHEMA, expected)
    second = materialize(instance, console, "Pass 2 of 2")
    after_second = warehouse.states_of(SCHEMA, expected)
    console.print(table_of([first, second], width=console.width))

    differences = [
        *_load_differences(expected, [*first, *second]),
        *count_differences(expected, after_second),
        *pass_differences(after_first, after_second),
        *_read_back_differences(console, instance),
    ]
    if not differences:
        _tell_agreement(console, after_second, time.monotonic() - started)
    return differences


def _load_differences(expected: Mapping[str, int], loads: list[Load]) -> list[str]:
    by_month = expectation.flights_by_month()
    flights = [load for load in loads if load.asset == "flights"]
    return [
        *report_differences(expected, loads),
        *(text for load in flights for text in partition_differences(by_month, load)),
    ]


def _read_back_differences(console: Console, instance: dg.DagsterInstance) -> list[str]:
    """Read a whole table and one partition through the IO manager, as a notebook would."""
    console.print(f"[bold]Weather, and flights of {MONTH_READ_BACK}, read back")
    logging.disable(logging.INFO)  # outside a run Dagster's log has no level to set
    month = pl.col("flight_date").dt.month_start() == pl.lit(MONTH_READ_BACK).str.to_date()
    # Inside the block, because the files behind a LazyFrame go when the loader is closed.
    with defs.get_asset_value_loader(instance) as loader:
        weather = loader.load_asset_value(
            dg.AssetKey([SCHEMA, "weather"]), python_type=pl.DataFrame
        )
        flights = loader.load_asset_value(
            dg.AssetKey([SCHEMA, "flights"]),
            python_type=pl.LazyFrame,
            partition_key=MONTH_READ_BACK,
        )
        return [
            *frame_differences("weather", source.weather(), weather),
            *frame_differences(
                f"flights of {MONTH_READ_BACK}",
                source.flights().filter(month).collect(),
                flights.collect(),
            ),
        ]


def _tell_agreement(console: Console, states: Mapping[str, TableState], seconds: float) -> None:
    rows = sum(state.rows for state in states.values())
    console.print(
        f"[bold green]All agrees:[/] {len(states)} tables with {rows:,} rows hold what their "
        f"source holds; the second pass changed no count and no checksum; weather, and "
        f"flights of {MONTH_READ_BACK}, read back, equal the source. {seconds:.0f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
