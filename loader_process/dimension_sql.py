"""One dimension of a slice, in the terms of the column that holds it. Pure.

The type of the column decides the literal. A time window is compared with wall time in the
partitioning's zone where the column is DATE or TIMESTAMP, with instants where it is TIMESTAMPTZ,
and as a formatted key where it is text or an integer: ``'2024-06-01' >= '2024-06-01 00:00:00'`` is
false for text, so that a DELETE by window would find nothing and every run would double its rows.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loader_process.sql import Sql, join, literal, sql
from shared_protocol import (
    DimensionKind,
    ErrorCode,
    FailureError,
    Phase,
    SliceDimension,
    SliceValue,
    refuse,
)

_INTEGERS = ("SMALLINT", "INTEGER", "BIGINT")
_TEXTS = ("VARCHAR", "CHAR")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")

# What one value of a partition stands for in the column's own terms: a range whose end is
# exclusive, or one value.
Range = tuple[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionSql:
    """One dimension bound to a column or expression of a known type.

    Attributes:
        dimension: as the request has it.
        operand: the column, quoted, or the expression, in parentheses.
        type_name: Redshift's name for its type, such as ``"TIMESTAMPTZ"``.
    """

    dimension: SliceDimension
    operand: Sql
    type_name: str

    @property
    def is_range(self) -> bool:
        """Whether values are compared as ranges, not as keys."""
        return self.dimension.kind is DimensionKind.TIME and self.type_name in _TIMES

    def bound(self, value: SliceValue) -> object:
        """Give a value of the request in the column's own terms: a range, or one value.

        Raises:
            FailureError: code ``partition_expr``: the column cannot hold such a key or window.
        """
        if self.is_range:
            return self._range(value)
        if self.type_name in _TEXTS:
            return self._text(value)
        if self.type_name in _INTEGERS:
            return self._integer(value)
        if self.type_name == "DATE":
            return self._date(value)
        raise self._refusal(
            f"is {self.type_name}, which no partition key can be compared with",
            "Partition by a column that is DATE, TIMESTAMP, TIMESTAMPTZ, VARCHAR or an integer.",
        )

    def _text(self, value: SliceValue) -> str:
        if value.key.endswith(" "):
            # AWS, r_Character_types: blanks at the end do not count in a comparison, so that the
            # DELETE would take the neighbour's rows along.
            raise self._refusal(
                f"is {self.type_name}, and the partition key {value.key!r} ends in a blank, which "
                "Redshift does not tell from the same key without it",
                "Rename the partition.",
            )
        return value.key

    def _range(self, value: SliceValue) -> Range:
        start, end = value.window
        if self.type_name == "TIMESTAMPTZ":
            return start.astimezone(UTC), end.astimezone(UTC)
        zone = ZoneInfo(self.dimension.time_zone)
        if not _tells_apart(start.astimezone(zone), end.astimezone(zone)):
            raise self._refusal(
                f"is {self.type_name}, without a time zone, and the partition {value.key!r} lies "
                f"in the hour that {self.dimension.time_zone} has twice",
                "Make the column TIMESTAMPTZ, or partition by UTC.",
            )
        low, high = _wall_time(start, zone), _wall_time(end, zone)
        if self.type_name == "TIMESTAMP":
            return low, high
        if low.time() != time.min or high.time() != time.min:
            raise self._refusal(
                f"is DATE, and the partition {value.key!r} does not begin and end at midnight",
                "Partition by a TIMESTAMP column.",
            )
        return low.date(), high.date()

    def _integer(self, value: SliceValue) -> int:
        if self.dimension.kind is DimensionKind.KEYS:
            text = value.key
        elif self.dimension.key_format is None:
            raise self._refusal(
                f"is {self.type_name}, and how it holds a time is not told",
                "Say so with partition_key_format, such as '%Y%m%d'.",
            )
        else:
            text = self._formatted(value, self.dimension.key_format)
        is_key = self.dimension.kind is DimensionKind.KEYS
        if not re.fullmatch("-?[0-9]+", text) or (is_key and str(int(text)) != text):
            raise self._refusal(
                f"is {self.type_name}, and the partition key {text!r} is no integer",
                "Partition by a column that holds the keys as text.",
            )
        return int(text)

    def _formatted(self, value: SliceValue, key_format: str) -> str:
        """Spell a window's start; two windows must never be spelled alike."""
        zone = ZoneInfo(self.dimension.time_zone)
        start, end = value.window
        text = start.astimezone(zone).strftime(key_format)
        neighbours = (start - _INSTANT, end)
        alike = any(m.astimezone(zone).strftime(key_format) == text for m in neighbours)
        if alike or start.astimezone(zone).fold:
            raise self._refusal(
                f"is {self.type_name} in the form {key_format!r}, which spells the partition "
                f"{value.key!r} and its neighbour alike ({text})",
                "Give partition_key_format more digits, or partition by a TIMESTAMPTZ column.",
            )
        return text

    def _date(self, value: SliceValue) -> date:
        try:
            return date.fromisoformat(value.key)
        except ValueError:
            raise self._refusal(
                f"is DATE, and the partition key {value.key!r} is no date",
                "Partition by a column that holds the keys as text.",
            ) from None

    def _refusal(self, problem: str, hint: str) -> FailureError:
        return refuse(
            ErrorCode.PARTITION_EXPR,
            Phase.CHECK,
            f"The partition_expr {self.dimension.expression!r} {problem}.",
            hint,
        )

    def condition(self, bounds: list[Any]) -> Sql:
        """Say that the column is in one of these ranges, or one of these values."""
        if not self.is_range:
            return sql(
                "{operand} IN ({values})",
                operand=self.operand,
                values=join(", ", (literal(value) for value in sorted(set(bounds)))),
            )
        ranges = [
            sql(
                "({operand} >= {low} AND {operand} < {high})",
                operand=self.operand,
                low=self._moment(low),
                high=self._moment(high),
            )
            for low, high in merged(bounds)
        ]
        return ranges[0] if len(ranges) == 1 else sql("({any})", any=join(" OR ", ranges))

    def _moment(self, value: Any) -> Sql:  # noqa: ANN401  # a date, or a datetime with or without zone
        return sql("CAST({value} AS {type})", value=literal(value), type=Sql(self.type_name))

    def grouping(self, bounds: list[Any]) -> Sql:
        """Give what to group by, so that every group lies in one partition."""
        if not self.is_range or self.type_name == "DATE":
            return self.operand
        unit = _coarsest_unit([moment for pair in bounds for moment in pair])
        return sql("DATE_TRUNC({unit}, {operand})", unit=literal(unit), operand=self.operand)

    def finder(self, bounds: list[Any]) -> Callable[[Any], Any]:
        """Give a function from a group's value to the bound that holds it; None where none does."""
        if not self.is_range:
            known = set(bounds)
            # Blanks at the end do not count when Redshift compares texts, and pad a CHAR.
            return lambda value: next(
                (
                    v
                    for v in (value, value.rstrip(" ") if isinstance(value, str) else value)
                    if v in known
                ),
                None,
            )
        ordered = sorted(set(bounds))
        starts = [low for low, _ in ordered]

        def find(value: Any) -> Any:  # noqa: ANN401  # a date, or a datetime with or without zone
            if value is None:
                return None
            if self.type_name == "TIMESTAMPTZ" and value.tzinfo is None:
                # AWS, r_DATE_TRUNC: it returns a TIMESTAMP; the session's zone is UTC.
                value = value.replace(tzinfo=UTC)
            index = bisect_right(starts, value) - 1
            return ordered[index] if index >= 0 and value < ordered[index][1] else None

        return find


_INSTANT = timedelta(microseconds=1)


def _wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the clock's time at a moment; where the clock jumps ahead, what it shows before that.

    In Cairo, Havana or Santiago a day of spring begins at 01:00: its rows are those from midnight.
    """
    before = (moment - _INSTANT).astimezone(zone).replace(tzinfo=None) + _INSTANT
    return min(before, moment.astimezone(zone).replace(tzinfo=None))


def _tells_apart(start: datetime, end: datetime) -> bool:
    """Whether the clock's time alone says of any moment if it lies in the window."""
    if start.fold or end.fold or start.replace(tzinfo=None) >= end.replace(tzinfo=None):
        return False
    if _comes_twice(start) and start.replace(fold=1).timestamp() >= end.timestamp():
        return False  # the hour's second half belongs to somebody else
    return not _comes_twice((end.astimezone(UTC) - _INSTANT).astimezone(end.tzinfo)) or (
        not _comes_twice(end)
    )


def _comes_twice(local: datetime) -> bool:
    first, second = local.replace(fold=0), local.replace(fold=1)
    return first.timestamp() < second.timestamp()


def merged(ranges: list[Any]) -> list[Range]:
    """Join ranges that touch or overlap."""
    result: list[Range] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


_UNITS: tuple[tuple[str, timedelta], ...] = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)


def _coarsest_unit(moments: list[datetime]) -> str:
    since_midnight = [
        moment - datetime.combine(moment.date(), time.min, tzinfo=moment.tzinfo)
        for moment in moments
    ]
    for name, length in _UNITS:
        if not any(offset % length for offset in since_midnight):
            return name
    return "microseconds"
