"""The predicate of a slice, and which of its rows belong to which partition. Pure."""

from collections import defaultdict
from typing import Any

from loader_process.dimension_sql import DimensionSql
from loader_process.sql import Sql, join, sql
from shared_protocol import ErrorCode, PartitionRows, PartitionSlice, Phase, refuse


class SliceSql:
    """A slice bound to a table: its predicate, and its rows by partition."""

    def __init__(self, rows: PartitionSlice, dimensions: tuple[DimensionSql, ...]) -> None:
        self._dimensions = dimensions
        self._keys = {
            tuple(d.bound(v) for d, v in zip(dimensions, p.values, strict=True)): p.key
            for p in rows.partitions
        }
        if len(self._keys) != len(rows.partitions):
            raise refuse(
                ErrorCode.PARTITION_EXPR,
                Phase.CHECK,
                "Two partitions of the run stand for the same rows: "
                + _same(rows, dimensions)
                + ".",
                "Mend partition_key_format, or partition by a column that tells them apart.",
            )
        self._order = [p.key for p in rows.partitions]

    @property
    def expressions(self) -> str:
        """The partition expressions, for a person."""
        return ", ".join(d.dimension.expression for d in self._dimensions)

    @property
    def predicate(self) -> Sql:
        """The condition that is true of the slice's rows and of no other."""
        return join(" OR ", _conditions(self._dimensions, set(self._keys)))

    @property
    def groupings(self) -> tuple[Sql, ...]:
        """What to group by to count rows by partition."""
        return tuple(
            dimension.grouping([bounds[index] for bounds in self._keys])
            for index, dimension in enumerate(self._dimensions)
        )

    def count(self, groups: list[tuple[Any, ...]]) -> tuple[PartitionRows, ...]:
        """Add up groups by partition.

        Args:
            groups: rows of one value for each grouping, and a count.
        """
        finders = [
            dimension.finder([bounds[index] for bounds in self._keys])
            for index, dimension in enumerate(self._dimensions)
        ]
        totals = dict.fromkeys(self._order, 0)
        for *values, count in groups:
            bounds = tuple(find(value) for find, value in zip(finders, values, strict=True))
            key = self._keys.get(bounds)
            if key is not None:
                totals[key] += int(count)
        return tuple(PartitionRows(key=key, rows=rows) for key, rows in totals.items())


def _conditions(dimensions: tuple[DimensionSql, ...], members: set[tuple[Any, ...]]) -> list[Sql]:
    """Cover a set of tuples with boxes: values of the first dimension that share all the rest."""
    first, rest = dimensions[0], dimensions[1:]
    if not rest:
        return [first.condition([value for (value,) in members])]
    tails: dict[Any, set[tuple[Any, ...]]] = defaultdict(set)
    for value, *tail in members:
        tails[value].add(tuple(tail))
    boxes: dict[frozenset[tuple[Any, ...]], list[Any]] = defaultdict(list)
    for value, tail_set in tails.items():
        boxes[frozenset(tail_set)].append(value)
    return [
        sql(
            "({first} AND ({rest}))",
            first=first.condition(values),
            rest=join(" OR ", _conditions(rest, set(tail_set))),
        )
        for tail_set, values in boxes.items()
    ]


def _same(rows: PartitionSlice, dimensions: tuple[DimensionSql, ...]) -> str:
    seen: dict[tuple[Any, ...], str] = {}
    for partition in rows.partitions:
        bounds = tuple(d.bound(v) for d, v in zip(dimensions, partition.values, strict=True))
        if bounds in seen:
            return f"{seen[bounds]!r} and {partition.key!r}"
        seen[bounds] = partition.key
    return ""
