"""The demo's comparison is silent about what agrees, and says what does not."""

from dataclasses import replace

import polars as pl
import pytest

from examples.nyc_flights.comparison import (
    count_differences,
    frame_differences,
    partition_differences,
    pass_differences,
    report_differences,
)
from examples.nyc_flights.loads import Load
from examples.nyc_flights.report import span_of
from examples.nyc_flights.warehouse import TableState, checksum_query

LOAD = Load(
    asset="flights",
    partitions=("2013-01-01", "2013-02-01"),
    rows_by_partition={"2013-01-01": 27, "2013-02-01": 24},
    staged=51,
    deleted=51,
    copied=51,
    in_table=51,
    files=1,
    bytes=1000,
    seconds={"load": 0.5},
)
FRAME = pl.DataFrame({"carrier": ["UA", "DL", None], "delay": [1, None, 3]})


def test_equal_counts_are_no_difference():
    assert count_differences({"a": 3}, {"a": TableState(rows=3, checksum=1)}) == []


def test_a_missing_row_is_told_with_both_counts():
    assert count_differences({"a": 1_000}, {"a": TableState(rows=999, checksum=1)}) == [
        "a has 999 rows in Redshift, and its source has 1,000."
    ]


def test_a_pass_that_changes_nothing_is_no_difference():
    state = {"a": TableState(rows=3, checksum=7)}
    assert pass_differences(state, dict(state)) == []


def test_doubled_rows_are_told():
    before, after = TableState(rows=3, checksum=7), TableState(rows=6, checksum=14)
    (told,) = pass_differences({"a": before}, {"a": after})
    assert told == "a had 3 rows after the first pass, and 6 after the second."


def test_changed_rows_are_told_although_there_are_as_many():
    before, after = TableState(rows=3, checksum=7), TableState(rows=3, checksum=8)
    (told,) = pass_differences({"a": before}, {"a": after})
    assert "checksum 7 became 8" in told


def test_a_report_that_agrees_is_no_difference():
    assert report_differences({"flights": 51}, [LOAD]) == []


@pytest.mark.parametrize(
    ("field", "what"),
    [("staged", "staged"), ("copied", "copied"), ("in_table", "in the table")],
)
def test_a_report_that_is_one_off_is_told(field, what):
    (told,) = report_differences({"flights": 51}, [replace(LOAD, **{field: 50})])
    assert told == f"The load of flights reports 50 rows {what}, and its source has 51."


def test_partitions_that_agree_are_no_difference():
    assert partition_differences({"2013-01-01": 27, "2013-02-01": 24}, LOAD) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"2013-01-01": 27, "2013-02-01": 25}, "2013-02-01 has 24 rows, and its source has 25"),
        ({"2013-01-01": 27}, "2013-02-01 has 24 rows, and its source has 0"),
        (
            {"2013-01-01": 27, "2013-02-01": 24, "2013-03-01": 1},
            "2013-03-01 has 0 rows, and its source has 1",
        ),
    ],
    ids=["other count", "one too many", "one missing"],
)
def test_a_partition_that_is_off_is_told(expected, told):
    (difference,) = partition_differences(expected, LOAD)
    assert told in difference


def test_frames_are_equal_in_any_order_of_their_rows():
    assert frame_differences("a", FRAME, FRAME.reverse()) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (FRAME.head(2), "a has 2 rows read back, and 3 at source"),
        (FRAME.cast({"delay": pl.Int32}), "a has delay as Int32 in Redshift, and as Int64"),
        (FRAME.drop("delay"), "a has delay as None in Redshift, and as Int64"),
        (FRAME.select("delay", "carrier"), "a has its columns in another order"),
        (FRAME.with_columns(delay=pl.Series([1, None, 4])), "a has other values in delay"),
        (FRAME.with_columns(delay=pl.col("delay").fill_null(0)), "a has other values in delay"),
    ],
    ids=["row", "type", "column", "order", "value", "null"],
)
def test_a_frame_that_came_back_otherwise_is_told(found, told):
    differences = frame_differences("a", FRAME, found)
    assert len(differences) == 1
    assert told in differences[0]


def test_the_checksum_reads_every_column_and_casts_no_boolean():
    query = checksum_query('"s"."t"', [("carrier", 1043), ("raining", 16), ('odd"name', 23)])
    assert "COALESCE(CAST(\"carrier\" AS VARCHAR), '~')" in query
    assert "CASE WHEN \"raining\" THEN 't' WHEN NOT \"raining\" THEN 'f' ELSE '~' END" in query
    assert 'CAST("odd""name" AS VARCHAR)' in query


@pytest.mark.parametrize(
    ("partitions", "span"),
    [
        ((), "whole table"),
        (("2013-01-01",), "2013-01-01"),
        (("2013-01-01", "2013-02-01", "2013-03-01"), "3 from 2013-01-01"),
    ],
)
def test_partitions_are_told_by_the_first_and_how_many(partitions, span):
    assert span_of(partitions) == span
