"""Dagster's partition keys become exact slices, and nothing is guessed."""

import dagster as dg
import pytest

from orchestrator.partitions import partition_slice
from shared_protocol import DimensionKind, ErrorCode, FailureError

DAYS = dg.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")
SHOPS = dg.StaticPartitionsDefinition(["us", "it's"])
HOURS = dg.HourlyPartitionsDefinition("2024-01-01-00:00")
WEEKS = dg.WeeklyPartitionsDefinition("2024-01-01")
MONTHS = dg.MonthlyPartitionsDefinition("2024-01-01")
YEARS = dg.TimeWindowPartitionsDefinition(start="2024", fmt="%Y", cron_schedule="0 0 1 1 *")
GRID = dg.MultiPartitionsDefinition({"day": DAYS, "shop": SHOPS})


def sliced(definition, keys, expr, key_format=None):
    return partition_slice(definition, keys, expr, key_format, label="The asset 'a'")


def refusal(definition, keys, expr, key_format=None):
    with pytest.raises(FailureError) as caught:
        sliced(definition, keys, expr, key_format)
    assert caught.value.failure.code is ErrorCode.PARTITION_EXPR
    return str(caught.value)


def test_static_keys_are_kept_as_they_are_in_an_order_of_their_own():
    found = sliced(SHOPS, ["us", "it's", "us"], "shop")
    assert [p.key for p in found.partitions] == ["it's", "us"]
    assert found.dimensions[0].kind is DimensionKind.KEYS
    assert found.dimensions[0].expression == "shop"
    assert found.dimensions[0].name == ""


def test_dynamic_keys_are_keys():
    found = sliced(dg.DynamicPartitionsDefinition(name="files"), ["a/b|c d"], "file")
    assert found.partitions[0].values[0].key == "a/b|c d"


def test_a_day_of_a_time_zone_is_a_window_with_its_offset_and_as_long_as_that_day():
    found = sliced(DAYS, ["2024-03-31"], "at")
    value = found.partitions[0].values[0]
    assert (value.start, value.end) == ("2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00")
    assert found.dimensions[0].time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("definition", "key", "start", "end"),
    [
        (HOURS, "2024-01-01-23:00", "2024-01-01T23", "2024-01-02T00"),
        (WEEKS, "2024-01-07", "2024-01-07T00", "2024-01-14T00"),
        (MONTHS, "2024-02-01", "2024-02-01T00", "2024-03-01T00"),
        (YEARS, "2024", "2024-01-01T00", "2025-01-01T00"),
    ],
)
def test_every_kind_of_time_window_is_end_exclusive(definition, key, start, end):
    value = sliced(definition, [key], "at").partitions[0].values[0]
    assert (value.start[:13], value.end[:13]) == (start, end)


def test_the_two_hours_of_a_fold_are_two_windows():
    hours = dg.HourlyPartitionsDefinition("2024-10-26-00:00", timezone="Europe/Berlin")
    keys = [k for k in hours.get_partition_keys() if k.startswith("2024-10-27-02")]
    windows = [p.values[0].window for p in sliced(hours, keys, "at").partitions]
    assert len(windows) == 2
    assert windows[0][1] == windows[1][0]


def test_a_multi_dimensional_key_has_a_value_in_each_dimension_by_name():
    keys = [dg.MultiPartitionKey({"day": "2024-01-02", "shop": "it's"}), "2024-01-03|us"]
    found = sliced(GRID, keys, {"shop": "shop_id", "day": "sold_on"})
    assert [d.name for d in found.dimensions] == ["day", "shop"]
    assert [d.expression for d in found.dimensions] == ["sold_on", "shop_id"]
    values = [[value.key for value in p.values] for p in found.partitions]
    assert values == [["2024-01-02", "it's"], ["2024-01-03", "us"]]


def test_a_key_format_goes_to_the_time_dimension():
    found = sliced(GRID, ["2024-01-02|us"], {"shop": "s", "day": "d"}, "%Y%m%d")
    assert [d.key_format for d in found.dimensions] == ["%Y%m%d", None]


def test_ten_years_of_days_take_no_time_worth_telling():
    keys = dg.DailyPartitionsDefinition("2010-01-01", end_date="2020-01-01").get_partition_keys()
    assert len(sliced(dg.DailyPartitionsDefinition("2010-01-01"), keys, "d").partitions) == 3652


@pytest.mark.parametrize(
    ("definition", "keys", "expr", "key_format", "said"),
    [
        (DAYS, ["2024-01-01"], None, None, "its metadata has no partition_expr"),
        (DAYS, ["2024-01-01"], {"day": "d"}, None, "as a string"),
        (GRID, ["2024-01-01|us"], None, None, "{'day': '...', 'shop': '...'}"),
        (GRID, ["2024-01-01|us"], "d", None, "is the one expression 'd'"),
        (GRID, ["2024-01-01|us"], {"day": "d"}, None, "lacks the dimension 'shop'"),
        (GRID, ["2024-01-01|us"], {"day": "d", "shop": "s", "hour": "h"}, None, "names 'hour'"),
        (SHOPS, ["us"], "s", "%Y", "none of its partitions is a time window"),
    ],
)
def test_a_partition_expr_that_does_not_fit_is_refused(definition, keys, expr, key_format, said):
    assert said in refusal(definition, keys, expr, key_format)
