"""A slice says exactly which rows a run owns, or is refused."""

import pytest

from shared_protocol import (
    DimensionKind,
    PartitionSlice,
    SliceDimension,
    SlicePartition,
    SliceValue,
)

from .samples import load_request, month_slice

JANUARY = SliceValue(key="2013-01", start="2013-01-01T00:00-05:00", end="2013-02-01T00:00-05:00")
MONTH = SliceDimension(
    expression="flight_date", kind=DimensionKind.TIME, time_zone="America/New_York"
)
CARRIER = SliceDimension(expression="carrier", kind=DimensionKind.KEYS)


def test_a_slice_of_two_dimensions_has_a_value_for_each():
    partition = SlicePartition(key="2013-01|UA", values=(JANUARY, SliceValue(key="UA")))
    assert PartitionSlice(dimensions=(MONTH, CARRIER), partitions=(partition,))


def test_a_request_tells_the_keys_of_its_slice():
    assert load_request().partition_keys == ("2013-01-01",)
    assert load_request(slice=None).partition_keys == ()


@pytest.mark.parametrize(("dimensions", "partitions"), [((), ()), ((CARRIER,), ())])
def test_a_slice_of_nothing_is_refused(dimensions, partitions):
    with pytest.raises(ValueError, match="at least one dimension and one partition"):
        PartitionSlice(dimensions=dimensions, partitions=partitions)


@pytest.mark.parametrize("values", [(), (SliceValue(key="UA"), SliceValue(key="DL"))])
def test_a_partition_has_one_value_for_each_dimension(values):
    with pytest.raises(ValueError, match="'UA' has not one value for each dimension"):
        PartitionSlice(dimensions=(CARRIER,), partitions=(SlicePartition(key="UA", values=values),))


@pytest.mark.parametrize(
    ("dimension", "value"), [(CARRIER, JANUARY), (MONTH, SliceValue(key="2013-01"))]
)
def test_time_dimensions_and_no_others_have_windows(dimension, value):
    with pytest.raises(ValueError, match="only a time dimension has a window"):
        PartitionSlice(
            dimensions=(dimension,), partitions=(SlicePartition(key="p", values=(value,)),)
        )


def test_a_key_stands_once():
    partition = SlicePartition(key="UA", values=(SliceValue(key="UA"),))
    with pytest.raises(ValueError, match="a partition key stands twice"):
        PartitionSlice(dimensions=(CARRIER,), partitions=(partition, partition))


@pytest.mark.parametrize("window", [{"start": JANUARY.start}, {"end": JANUARY.end}])
def test_half_a_window_is_refused(window):
    with pytest.raises(ValueError, match="both a start and an end"):
        SliceValue(key="2013-01", **window)


@pytest.mark.parametrize("end", ["2013-01-01T00:00+00:00", "2012-12-01T00:00+00:00"])
def test_a_window_ends_after_its_start(end):
    with pytest.raises(ValueError, match="ends at or before its start"):
        month_slice("2013-01-01", end[:10])


def test_a_window_is_compared_as_instants_and_not_as_text():
    with pytest.raises(ValueError, match="ends at or before its start"):
        SliceValue(key="k", start="2013-01-01T00:00-05:00", end="2013-01-01T04:00+00:00")
    assert SliceValue(key="k", start="2013-01-01T05:00+05:00", end="2013-01-01T01:00+00:00")


@pytest.mark.parametrize("start", ["2013-01-01", "2013-01-01T00:00"])
def test_a_window_without_an_offset_is_refused(start):
    with pytest.raises(ValueError, match="no offset from UTC"):
        SliceValue(key="k", start=start, end="2013-02-01T00:00+00:00")


def test_what_is_no_instant_is_refused():
    with pytest.raises(ValueError, match="January"):
        SliceValue(key="k", start="January", end="2013-02-01T00:00+00:00")


def test_a_key_without_a_window_has_none_to_give():
    with pytest.raises(ValueError, match="'UA' has no window"):
        _ = SliceValue(key="UA").window


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "a//b"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(ValueError, match="is no IANA time zone"):
        SliceDimension(expression="t", kind=DimensionKind.TIME, time_zone=zone)
