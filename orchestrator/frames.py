"""Whatever an asset returns as a frame, as one lazy polars frame in the types that COPY takes.

What cannot be loaded is refused here, by name and before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared_protocol import ErrorCode, FailureError, Phase, RedshiftType, refuse
from shared_protocol.names import check_columns
from shared_protocol.type_table import UnsupportedTypeError, rule_for

if TYPE_CHECKING:
    import polars as pl
    from polars._typing import PolarsDataType

ACCEPTED = (
    "a polars DataFrame or LazyFrame, a pyarrow Table or RecordBatch, a pandas DataFrame, or data "
    "URIs (str, Path, or a list of them)"
)


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """One column: its name, its Arrow type as it came, and the polars type to stage it in."""

    name: str
    arrow_type: str
    staged: PolarsDataType


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that has not been computed yet, and its columns."""

    lazy: pl.LazyFrame
    columns: tuple[FrameColumn, ...]


def to_frame(value: object) -> Frame:
    """Take any frame that an asset may return.

    Raises:
        FailureError: ``duplicate_column``, ``bad_name``, ``unsupported_type`` or ``usage``.
    """
    import polars as pl

    if isinstance(value, pl.DataFrame):
        return _of_polars(value.lazy(), value.schema)
    if isinstance(value, pl.LazyFrame):
        return _of_polars(value, value.collect_schema())
    home = type(value).__module__.partition(".")[0]
    if home == "pyarrow":
        return _of_arrow(value)
    if home == "pandas":
        return _of_pandas(value)
    raise refuse(
        ErrorCode.USAGE,
        Phase.STAGE,
        f"The Redshift IO manager got {_kind(value)}, and takes {ACCEPTED}.",
        "Return one of these.",
    )


def _of_polars(lazy: pl.LazyFrame, schema: pl.Schema) -> Frame:
    check_columns(schema.names(), phase=Phase.STAGE)
    return Frame(lazy, tuple(_column(name, _arrow_name(t)) for name, t in schema.items()))


def _of_arrow(value: Any) -> Frame:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa

    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if not isinstance(value, pa.Table):
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The Redshift IO manager got {_kind(value)}, and takes {ACCEPTED}.",
            "Return one of these.",
        )
    check_columns(value.schema.names, phase=Phase.STAGE)
    columns = tuple(_column(field.name, str(field.type)) for field in value.schema)
    return Frame(_table_to_polars(value).lazy(), columns)


def _table_to_polars(table: Any) -> pl.DataFrame:  # noqa: ANN401  # pyarrow has no types
    """Hand an Arrow table to polars, with the few types changed that polars does not take."""
    import polars as pl
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if kind := _taken_as(field.type):
            try:
                values = table.column(index).cast(kind, safe=True)
            except pa.ArrowInvalid as error:
                raise out_of_range(field.name, str(error)) from error
            table = table.set_column(index, field.name, values)
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):  # from_arrow gives a Series for an array only
        raise TypeError(f"polars made {_kind(frame)} of a table")
    return frame


def _taken_as(kind: Any) -> Any:  # noqa: ANN401  # pyarrow has no types
    """Give the type to cast to, safely, before polars has a column; None leaves it as it is.

    polars multiplies seconds without looking whether they fit, and knows no fixed offsets.
    """
    import pyarrow as pa

    if pa.types.is_decimal256(kind) and kind.precision <= 38:
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_date64(kind):
        return pa.date32()
    if pa.types.is_timestamp(kind):
        unit = kind.unit if kind.unit == "ns" else "us"
        zone = "UTC" if kind.tz is not None else None
        wanted = pa.timestamp(unit, zone)
        return wanted if wanted != kind else None
    return None


def out_of_range(name: str, what: str) -> FailureError:
    """Make the refusal of a column with an instant that microseconds do not hold."""
    return refuse(
        ErrorCode.LOSSY_VALUE,
        Phase.STAGE,
        f"Column {name!r}: a time is out of range: {what}.",
        "Take it out, or replace it by NULL or by a date that Redshift holds (up to the year "
        "294276).",
        column=name,
    )


def _of_pandas(value: Any) -> Frame:  # noqa: ANN401  # pandas is optional
    import pyarrow as pa

    if not hasattr(value, "columns"):
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The Redshift IO manager got {_kind(value)}, and takes {ACCEPTED}.",
            "Turn it into a DataFrame, as with .to_frame().",
        )
    # An index that somebody named holds data; the counter that pandas makes by itself does not.
    if any(name is not None for name in value.index.names):
        if twice := [name for name in value.index.names if name in set(value.columns)]:
            raise refuse(
                ErrorCode.DUPLICATE_COLUMN,
                Phase.STAGE,
                f"The pandas frame has the index {twice[0]!r} and a column of the same name.",
                "Rename one of them, or drop the index, as with df.reset_index(drop=True).",
            )
        value = value.reset_index()
    for name in value.columns:
        if not isinstance(name, str):
            raise refuse(
                ErrorCode.BAD_NAME,
                Phase.STAGE,
                f"A column of the pandas frame is named {name!r}, {_kind(name)}, and a column of "
                "Redshift needs a text.",
                "Rename it, as with df.columns = df.columns.map(str).",
            )
    check_columns(value.columns, phase=Phase.STAGE)
    try:
        return _of_arrow(pa.Table.from_pandas(value, preserve_index=False))
    except (pa.ArrowException, TypeError) as error:
        raise refuse(
            ErrorCode.UNSUPPORTED_TYPE,
            Phase.STAGE,
            f"A column of the pandas frame is of no one type: {'; '.join(map(str, error.args))}.",
            "Give the column one type, as with df.astype({'column': 'string'}).",
        ) from error


def _column(name: str, arrow_type: str) -> FrameColumn:
    try:
        return FrameColumn(name, arrow_type, staged_type(rule_for(arrow_type).staged))
    except UnsupportedTypeError as error:
        raise unsupported(name, error) from error


def unsupported(name: str, error: UnsupportedTypeError) -> FailureError:
    """Make the refusal of a column by its type."""
    return refuse(ErrorCode.UNSUPPORTED_TYPE, Phase.STAGE, f"Column {name!r}: {error}")


def _arrow_name(dtype: PolarsDataType) -> str:
    """Spell a polars type as pyarrow does; a type that Arrow lacks is spelled as polars does."""
    import polars as pl
    import pyarrow as pa

    if dtype == pl.Object:
        return "object"
    try:
        return str(pl.Series([], dtype=dtype).to_arrow().type)
    except pa.ArrowInvalid:  # the 128-bit integers
        return str(dtype)


def staged_type(arrow_type: str) -> PolarsDataType:
    """Give the polars type whose Parquet form is that of a staged Arrow type."""
    import polars as pl

    if arrow_type.startswith("decimal"):
        decimal = RedshiftType.parse(arrow_type.replace("decimal128", "decimal"))
        return pl.Decimal(decimal.precision, decimal.scale or 0)
    return {
        "bool": pl.Boolean(),
        "int16": pl.Int16(),
        "int32": pl.Int32(),
        "int64": pl.Int64(),
        "float": pl.Float32(),
        "double": pl.Float64(),
        "string": pl.String(),
        "date32[day]": pl.Date(),
        "timestamp[us]": pl.Datetime("us"),
        "timestamp[us, tz=UTC]": pl.Datetime("us", "UTC"),
    }[arrow_type]


def _kind(value: object) -> str:
    return f"a value of type {type(value).__module__}.{type(value).__qualname__}"
