"""Exactly which rows of a table the partitions of one run own.

A slice is a set of partitions, each a tuple of values, one for every dimension: a key, and for a
time dimension the window that the key stands for. Nothing is condensed here; whoever writes the
predicate may merge windows that touch and tuples that form a box.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class DimensionKind(StrEnum):
    """What a partition's value in a dimension stands for."""

    KEYS = "keys"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDimension:
    """One dimension of a partitioned table.

    Attributes:
        expression: a column's name, or an expression of SQL that the asset's author wrote.
        kind: keys or time windows.
        name: the dimension's name in a multi-dimensional partitioning; empty in a plain one.
        time_zone: the partitioning's zone, an IANA name; time only.
        key_format: the ``strftime`` form in which an integer column holds the window's start.
    """

    expression: str
    kind: DimensionKind
    name: str = ""
    time_zone: str = "UTC"
    key_format: str | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown time zone.

        Raises:
            ValueError: the zone is unknown.
        """
        try:
            ZoneInfo(self.time_zone)
        except Exception as error:  # a name with a slash too many raises other kinds
            raise ValueError(f"{self.time_zone!r} is no IANA time zone") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceValue:
    """One partition's value in one dimension.

    Attributes:
        key: the partition key (of this dimension).
        start: the window's first instant, ISO 8601 with an offset; time only.
        end: the first instant after the window; time only.
    """

    key: str
    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        """Refuse half a window, one without an offset, or one that ends before it starts.

        Raises:
            ValueError: says which.
        """
        if (self.start is None) != (self.end is None):
            raise ValueError("a window has both a start and an end")
        if self.start is not None and self.window[0] >= self.window[1]:
            raise ValueError(f"the window of {self.key!r} ends at or before its start")

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Start and end as aware instants; of a time dimension only."""
        if self.start is None or self.end is None:
            raise ValueError(f"{self.key!r} has no window")
        start, end = datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError(f"the window of {self.key!r} has no offset from UTC")
        return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePartition:
    """One partition: its key as Dagster spells it, and its value in each dimension, in order."""

    key: str
    values: tuple[SliceValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSlice:
    """The rows of one run: the union of its partitions."""

    dimensions: tuple[SliceDimension, ...]
    partitions: tuple[SlicePartition, ...]

    def __post_init__(self) -> None:
        """Refuse a slice of nothing, and values that do not match the dimensions.

        Raises:
            ValueError: says what.
        """
        if not self.dimensions or not self.partitions:
            raise ValueError("a slice has at least one dimension and one partition")
        for partition in self.partitions:
            if len(partition.values) != len(self.dimensions):
                raise ValueError(f"{partition.key!r} has not one value for each dimension")
            for dimension, value in zip(self.dimensions, partition.values, strict=True):
                if (dimension.kind is DimensionKind.TIME) != (value.start is not None):
                    raise ValueError(f"{partition.key!r}: only a time dimension has a window")
        if len({partition.key for partition in self.partitions}) != len(self.partitions):
            raise ValueError("a partition key stands twice in the slice")
