"""The predicate of a slice holds exactly its rows, whatever the column's type."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loader_process.dimension_sql import DimensionSql, merged
from loader_process.slice_sql import SliceSql
from loader_process.sql import ident
from shared_protocol import (
    DimensionKind,
    FailureError,
    PartitionSlice,
    SliceDimension,
    SlicePartition,
    SliceValue,
)
from tests.loader.staging import days_slice, keys_slice


def bound(rows: PartitionSlice, *types: str) -> SliceSql:
    return SliceSql(
        rows,
        tuple(
            DimensionSql(dimension=d, operand=ident(d.expression), type_name=t)
            for d, t in zip(rows.dimensions, types, strict=True)
        ),
    )


def predicate(rows: PartitionSlice, *types: str) -> str:
    return bound(rows, *types).predicate.text


def test_touching_days_become_one_range() -> None:
    rows = days_slice("day", "2024-01-03", "2024-01-01", "2024-01-02", "2024-01-07")
    assert predicate(rows, "DATE") == (
        "((\"day\" >= CAST('2024-01-01' AS DATE) AND \"day\" < CAST('2024-01-04' AS DATE))"
        " OR (\"day\" >= CAST('2024-01-07' AS DATE) AND \"day\" < CAST('2024-01-08' AS DATE)))"
    )


def test_a_naive_timestamp_is_compared_with_wall_time_of_the_zone() -> None:
    rows = days_slice("at", "2024-03-10", time_zone="America/New_York")
    assert predicate(rows, "TIMESTAMP") == (
        "(\"at\" >= CAST('2024-03-10 00:00:00' AS TIMESTAMP)"
        " AND \"at\" < CAST('2024-03-11 00:00:00' AS TIMESTAMP))"
    )


def test_an_aware_timestamp_is_compared_with_instants_on_a_short_day() -> None:
    rows = days_slice("at", "2024-03-10", time_zone="America/New_York")
    assert predicate(rows, "TIMESTAMPTZ") == (
        "(\"at\" >= CAST('2024-03-10 05:00:00+00:00' AS TIMESTAMPTZ)"
        " AND \"at\" < CAST('2024-03-11 04:00:00+00:00' AS TIMESTAMPTZ))"
    )


def test_text_is_compared_with_the_keys_and_never_with_a_window() -> None:
    rows = days_slice("day", "2024-06-01", "2024-06-02")
    assert predicate(rows, "VARCHAR") == "\"day\" IN ('2024-06-01', '2024-06-02')"


def test_hostile_keys_are_literals() -> None:
    rows = keys_slice("k", "it's", "x' OR '1'='1", "back\\slash", "naïve — ключ")
    assert predicate(rows, "VARCHAR") == (
        "\"k\" IN ('back\\\\slash', 'it''s', 'naïve — ключ', 'x'' OR ''1''=''1')"
    )


def test_an_integer_column_holds_times_only_in_a_declared_format() -> None:
    with pytest.raises(FailureError, match="partition_key_format"):
        predicate(days_slice("day", "2024-06-01"), "INTEGER")
    rows = days_slice("day", "2024-06-01", key_format="%Y%m%d")
    assert predicate(rows, "INTEGER") == '"day" IN (20240601)'


@pytest.mark.parametrize("type_name", ["BOOLEAN", "REAL", "SUPER", "TIMESTAMP"])
def test_a_column_that_holds_no_such_keys_is_refused(type_name: str) -> None:
    with pytest.raises(FailureError, match="no partition key can be compared"):
        predicate(keys_slice("c", "a"), type_name)


def test_a_key_that_is_no_integer_is_refused_for_an_integer_column() -> None:
    with pytest.raises(FailureError, match="no integer"):
        predicate(keys_slice("c", "seven"), "BIGINT")


@pytest.mark.parametrize("key", ["07", "٣", "-0", "+7", " 7", "7.0"])
def test_a_key_that_is_spelled_otherwise_than_its_integer_is_refused(key: str) -> None:
    """Its rows would be those of another key, and each load would delete the other's."""
    with pytest.raises(FailureError, match="no integer"):
        predicate(keys_slice("c", key), "BIGINT")


def hours(day: datetime, count: int, zone: str) -> PartitionSlice:
    partitions = []
    for number in range(count):
        start = (day + timedelta(hours=number)).astimezone(ZoneInfo(zone))
        end = (day + timedelta(hours=number + 1)).astimezone(ZoneInfo(zone))
        value = SliceValue(key=str(number), start=start.isoformat(), end=end.isoformat())
        partitions.append(SlicePartition(key=str(number), values=(value,)))
    return PartitionSlice(
        dimensions=(SliceDimension(expression="at", kind=DimensionKind.TIME, time_zone=zone),),
        partitions=tuple(partitions),
    )


def test_hours_that_a_naive_column_cannot_tell_apart_are_refused() -> None:
    fold = datetime(2024, 11, 3, 5, tzinfo=UTC)  # 01:00 in New York, for the first time
    with pytest.raises(FailureError, match="twice"):
        predicate(hours(fold, 1, "America/New_York"), "TIMESTAMP")
    assert "05:00:00+00:00" in predicate(hours(fold, 1, "America/New_York"), "TIMESTAMPTZ")


def test_hours_of_a_date_column_are_refused() -> None:
    with pytest.raises(FailureError, match="midnight"):
        predicate(hours(datetime(2024, 1, 1, tzinfo=UTC), 1, "UTC"), "DATE")


def two_dimensions(*pairs: tuple[str, str]) -> PartitionSlice:
    days = {day: days_slice("day", day).partitions[0].values[0] for day, _ in pairs}
    return PartitionSlice(
        dimensions=(
            SliceDimension(expression="day", kind=DimensionKind.TIME, name="date"),
            SliceDimension(expression="country", kind=DimensionKind.KEYS, name="country"),
        ),
        partitions=tuple(
            SlicePartition(key=f"{c}|{d}", values=(days[d], SliceValue(key=c))) for d, c in pairs
        ),
    )


def test_a_box_over_two_dimensions_is_one_condition() -> None:
    rows = two_dimensions(
        ("2024-01-01", "us"), ("2024-01-01", "de"), ("2024-01-02", "us"), ("2024-01-02", "de")
    )
    assert predicate(rows, "DATE", "VARCHAR") == (
        "((\"day\" >= CAST('2024-01-01' AS DATE) AND \"day\" < CAST('2024-01-03' AS DATE))"
        " AND (\"country\" IN ('de', 'us')))"
    )


def test_a_set_that_is_no_box_does_not_reach_into_a_neighbour() -> None:
    rows = two_dimensions(("2024-01-01", "us"), ("2024-01-02", "de"))
    text = predicate(rows, "DATE", "VARCHAR")
    assert text.count(" OR ") == 1
    assert "IN ('us')" in text
    assert "IN ('de')" in text


def test_rows_are_counted_by_partition() -> None:
    rows = bound(days_slice("at", "2024-01-01", "2024-01-05"), "TIMESTAMP")
    assert [g.text for g in rows.groupings] == ["DATE_TRUNC('day', \"at\")"]
    counted = rows.count([(datetime(2024, 1, 5), 3), (datetime(2024, 1, 1), 4)])
    assert [(p.key, p.rows) for p in counted] == [("2024-01-01", 4), ("2024-01-05", 3)]


def test_a_partition_without_a_row_counts_zero() -> None:
    rows = bound(days_slice("day", "2024-01-01", "2024-01-02"), "DATE")
    assert [p.rows for p in rows.count([(date(2024, 1, 2), 9)])] == [0, 9]


def test_groups_are_fine_enough_for_a_zone_with_half_hours() -> None:
    rows = bound(days_slice("at", "2024-01-01", time_zone="Asia/Kolkata"), "TIMESTAMPTZ")
    assert rows.groupings[0].text == "DATE_TRUNC('minute', \"at\")"
    inside = datetime(2023, 12, 31, 18, 30, tzinfo=UTC)
    assert rows.count([(inside, 1), (inside - timedelta(minutes=1), 5)])[0].rows == 1


def test_a_char_column_gives_its_keys_back_padded() -> None:
    rows = bound(keys_slice("c", "ab"), "CHAR")
    assert rows.count([("ab   ", 2)])[0].rows == 2


def test_ten_years_of_days_are_one_range() -> None:
    first = datetime(2014, 1, 1)
    days = [(first + timedelta(days=n)).date().isoformat() for n in range(3650)]
    assert predicate(days_slice("day", *days), "DATE").count("CAST") == 2


def test_ranges_merge_when_they_touch_or_overlap() -> None:
    assert merged([(5, 7), (1, 3), (3, 5), (9, 10)]) == [(1, 7), (9, 10)]


@pytest.mark.parametrize(
    ("day", "key_format"),
    [("2024-01-05", "%Y%m"), ("2024-01-01", "%Y%m"), ("2024-01-31", "%Y%m"), ("2024-12-31", "%Y")],
)
def test_an_integer_form_that_spells_neighbours_alike_is_refused(day: str, key_format: str) -> None:
    """Each day's load would delete the other days of its month."""
    with pytest.raises(FailureError, match="its neighbour alike"):
        predicate(days_slice("day", day, key_format=key_format), "INTEGER")


def test_the_hour_that_comes_twice_has_no_integer() -> None:
    first = datetime(2024, 10, 27, 0, tzinfo=UTC)  # 02:00 in Berlin, for the first time
    for offset in (0, 1):
        rows = hours(first + timedelta(hours=offset), 1, "Europe/Berlin")
        dimension = replace(rows.dimensions[0], key_format="%Y%m%d%H")
        with pytest.raises(FailureError, match="alike"):
            predicate(replace(rows, dimensions=(dimension,)), "INTEGER")


def test_keys_that_end_in_a_blank_are_refused() -> None:
    """Redshift takes 'a' and 'a ' for equal, and would delete the neighbour's rows."""
    for type_name in ("VARCHAR", "CHAR"):
        with pytest.raises(FailureError, match="ends in a blank"):
            predicate(keys_slice("c", "a "), type_name)


def test_data_that_ends_in_a_blank_counts_to_its_key() -> None:
    assert bound(keys_slice("c", "a"), "VARCHAR").count([("a ", 2), ("a", 1)])[0].rows == 3


def test_a_naive_group_of_an_aware_column_is_utc() -> None:
    """AWS, r_DATE_TRUNC: it returns a TIMESTAMP whatever it is given."""
    rows = bound(days_slice("at", "2024-01-01"), "TIMESTAMPTZ")
    assert rows.count([(datetime(2024, 1, 1), 4)])[0].rows == 4


@pytest.mark.parametrize(
    ("zone", "day"), [("Africa/Cairo", "2024-04-26"), ("America/Santiago", "2024-09-08")]
)
def test_a_day_that_begins_at_one_owns_its_rows_from_midnight(zone: str, day: str) -> None:
    for type_name in ("DATE", "TIMESTAMP"):
        text = predicate(days_slice("d", day, time_zone=zone), type_name)
        assert f"'{day}" in text
        assert "01:00" not in text
    before = (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
    assert f"< CAST('{day}" in predicate(days_slice("d", before, time_zone=zone), "DATE")


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/Berlin", "2024-10-27"), ("America/Havana", "2024-11-03")]
)
def test_a_day_of_twenty_five_hours_is_whole(zone: str, day: str) -> None:
    assert f"'{day} 00:00:00'" in predicate(days_slice("at", day, time_zone=zone), "TIMESTAMP")


def test_a_quarter_of_the_hour_that_comes_twice_is_refused() -> None:
    for first in (
        datetime(2024, 10, 27, 0, 15, tzinfo=UTC),
        datetime(2024, 10, 27, 1, 15, tzinfo=UTC),
    ):
        start = first.astimezone(ZoneInfo("Europe/Berlin"))
        end = (first + timedelta(minutes=15)).astimezone(ZoneInfo("Europe/Berlin"))
        value = SliceValue(key="q", start=start.isoformat(), end=end.isoformat())
        rows = PartitionSlice(
            dimensions=(
                SliceDimension(expression="at", kind=DimensionKind.TIME, time_zone="Europe/Berlin"),
            ),
            partitions=(SlicePartition(key="q", values=(value,)),),
        )
        with pytest.raises(FailureError, match="twice"):
            predicate(rows, "TIMESTAMP")
