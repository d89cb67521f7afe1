"""The table of types: what an Arrow column becomes in Parquet and in Redshift.

The orchestrator stages by it, the loader creates and checks tables by it, and ``docs/types.md`` is
printed from it. AWS publishes no matrix of Parquet against Redshift types for COPY; the staged form
is in each case one that was seen to load (AWS SDK for pandas and dlt write these), signed, and of
the very width of the column, because COPY casts nothing.
"""

import re
from dataclasses import dataclass

from shared_protocol.redshift_type import (
    DEFAULT_VARCHAR_BYTES,
    MAX_PRECISION,
    MAX_VARCHAR_BYTES,
    RedshiftType,
)

SHORTEST_VARCHAR = 32


class UnsupportedTypeError(ValueError):
    """Redshift, or this version, cannot hold a column of that type; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRule:
    """One row of the table of types.

    Attributes:
        arrow: the Arrow type as ``str(pyarrow.DataType)`` spells it; ``…`` stands for parameters.
        staged: the Arrow type whose Parquet form COPY takes into the column.
        redshift: the column type made for it.
        comes_back: the polars type that reading the column gives.
    """

    arrow: str
    staged: str
    redshift: str
    comes_back: str


TYPE_TABLE: tuple[TypeRule, ...] = (
    TypeRule(arrow="bool", staged="bool", redshift="BOOLEAN", comes_back="Boolean"),
    TypeRule(arrow="int8", staged="int16", redshift="SMALLINT", comes_back="Int16"),
    TypeRule(arrow="int16", staged="int16", redshift="SMALLINT", comes_back="Int16"),
    TypeRule(arrow="int32", staged="int32", redshift="INTEGER", comes_back="Int32"),
    TypeRule(arrow="int64", staged="int64", redshift="BIGINT", comes_back="Int64"),
    TypeRule(arrow="uint8", staged="int16", redshift="SMALLINT", comes_back="Int16"),
    TypeRule(arrow="uint16", staged="int32", redshift="INTEGER", comes_back="Int32"),
    TypeRule(arrow="uint32", staged="int64", redshift="BIGINT", comes_back="Int64"),
    TypeRule(
        arrow="uint64",
        staged="decimal128(20, 0)",
        redshift="DECIMAL(20,0)",
        comes_back="Decimal(20,0)",
    ),
    TypeRule(arrow="halffloat", staged="float", redshift="REAL", comes_back="Float32"),
    TypeRule(arrow="float", staged="float", redshift="REAL", comes_back="Float32"),
    TypeRule(arrow="double", staged="double", redshift="DOUBLE PRECISION", comes_back="Float64"),
    TypeRule(
        arrow="decimal…",
        staged="decimal128(p, s)",
        redshift="DECIMAL(p,s)",
        comes_back="Decimal(p,s)",
    ),
    TypeRule(arrow="string", staged="string", redshift="VARCHAR(n)", comes_back="String"),
    TypeRule(arrow="large_string", staged="string", redshift="VARCHAR(n)", comes_back="String"),
    TypeRule(arrow="string_view", staged="string", redshift="VARCHAR(n)", comes_back="String"),
    TypeRule(arrow="dictionary…", staged="string", redshift="VARCHAR(n)", comes_back="String"),
    TypeRule(arrow="null", staged="string", redshift="VARCHAR(256)", comes_back="String"),
    TypeRule(arrow="date32[day]", staged="date32[day]", redshift="DATE", comes_back="Date"),
    TypeRule(arrow="date64[ms]", staged="date32[day]", redshift="DATE", comes_back="Date"),
    TypeRule(
        arrow="timestamp[…]",
        staged="timestamp[us]",
        redshift="TIMESTAMP",
        comes_back="Datetime(us)",
    ),
    TypeRule(
        arrow="timestamp[…, tz=…]",
        staged="timestamp[us, tz=UTC]",
        redshift="TIMESTAMPTZ",
        comes_back="Datetime(us, UTC)",
    ),
)

_RULES = {rule.arrow: rule for rule in TYPE_TABLE}
_DECIMAL = re.compile(r"decimal(?:32|64|128|256)\((\d+), (-?\d+)\)")
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(, tz=.+)?\]")
_DICTIONARY = re.compile(r"dictionary<values=(string|large_string|string_view), .*")

_ADVICE: tuple[tuple[str, str], ...] = (
    ("time", "Cast it to a string or to a timestamp."),
    ("duration", "Cast it to an integer of a unit that you name, such as microseconds."),
    ("binary", "Encode it as a string, in hexadecimal or base64."),
    ("large_binary", "Encode it as a string, in hexadecimal or base64."),
    ("fixed_size_binary", "Encode it as a string, in hexadecimal or base64."),
    ("list", "Turn it into a JSON string, or into a table of its own."),
    ("large_list", "Turn it into a JSON string, or into a table of its own."),
    ("fixed_size_list", "Turn it into a JSON string, or into a table of its own."),
    ("struct", "Unnest it into columns, or turn it into a JSON string."),
    ("map", "Turn it into a JSON string."),
)


def rule_for(arrow_type: str) -> TypeRule:
    """Find the row for an Arrow type, its parameters filled in.

    Args:
        arrow_type: as ``str(pyarrow.DataType)`` spells it.

    Raises:
        UnsupportedTypeError: no row takes it; the text says what to do.
    """
    if arrow_type in _RULES:
        return _RULES[arrow_type]
    if match := _DECIMAL.fullmatch(arrow_type):
        return _decimal_rule(arrow_type, int(match[1]), int(match[2]))
    if match := _TIMESTAMP.fullmatch(arrow_type):
        return _RULES["timestamp[…, tz=…]" if match[2] else "timestamp[…]"]
    if _DICTIONARY.fullmatch(arrow_type):
        return _RULES["dictionary…"]
    raise UnsupportedTypeError(_advice(arrow_type))


def _decimal_rule(arrow_type: str, precision: int, scale: int) -> TypeRule:
    if precision > MAX_PRECISION or not 0 <= scale <= min(precision, 37):
        raise UnsupportedTypeError(
            f"{arrow_type} does not fit: a DECIMAL of Redshift has up to 38 digits, 0 to 37 of "
            "them behind the point. Cast it to a smaller decimal or to a string."
        )
    return TypeRule(
        arrow=arrow_type,
        staged=f"decimal128({precision}, {scale})",
        redshift=f"DECIMAL({precision},{scale})",
        comes_back=f"Decimal({precision},{scale})",
    )


def _advice(arrow_type: str) -> str:
    stem = re.split(r"[\[<(]|\d", arrow_type, maxsplit=1)[0]
    advice = dict(_ADVICE).get(stem, "Cast it to one of the types in docs/types.md.")
    return f"{arrow_type} cannot be loaded by this version. {advice}"


def redshift_type_for(arrow_type: str, longest_bytes: int | None = None) -> RedshiftType:
    """Choose the type of a new column.

    Args:
        arrow_type: as ``str(pyarrow.DataType)`` spells it.
        longest_bytes: the longest value in bytes of UTF-8, for strings; unknown when None.

    Raises:
        UnsupportedTypeError: Redshift, or this version, cannot hold it.
    """
    rule = rule_for(arrow_type)
    if rule.redshift == "VARCHAR(n)":
        return RedshiftType(name="VARCHAR", length=varchar_length(longest_bytes))
    return RedshiftType.parse(rule.redshift)


def varchar_length(longest_bytes: int | None) -> int:
    """Size a VARCHAR, in bytes, with head room for the loads to come.

    A quarter more than the longest value, up to the next power of two: longer values in a later
    load then seldom need the column to be altered, and Redshift, which reserves memory by the
    declared size, is not given 65,535 where 40 do.
    """
    if longest_bytes is None:
        return DEFAULT_VARCHAR_BYTES
    wanted = max(SHORTEST_VARCHAR, longest_bytes + longest_bytes // 4)
    return min(MAX_VARCHAR_BYTES, 1 << (wanted - 1).bit_length())


_STAGED_FOR: dict[str, str] = {
    "BOOLEAN": "bool",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "REAL": "float",
    "DOUBLE PRECISION": "double",
    "VARCHAR": "string",
    "CHAR": "string",
    "DATE": "date32[day]",
    "TIMESTAMP": "timestamp[us]",
    "TIMESTAMPTZ": "timestamp[us, tz=UTC]",
}


def staged_type_for(column: RedshiftType) -> str | None:
    """Name the Arrow type whose Parquet form COPY takes into a column; None where there is none."""
    if column.name == "DECIMAL":
        return f"decimal128({column.precision}, {column.scale})"
    return _STAGED_FOR.get(column.name)


def markdown_table() -> str:
    """Print the table of types for the documentation; a test holds the pages against it."""
    rows = [("Arrow type of the data", "Parquet as staged", "Redshift column", "polars type back")]
    rows += [(rule.arrow, rule.staged, rule.redshift, rule.comes_back) for rule in TYPE_TABLE]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * 4, *lines[1:]]) + "\n"
