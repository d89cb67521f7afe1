"""The files of a read, as the kind of frame that the input asks for, in the types of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.parquet_parts import exactly
from shared_protocol import ErrorCode, Phase, ReadReport, RedshiftType, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl
    from polars._typing import PolarsDataType

KINDS = (
    "a polars DataFrame (also where nothing is said), a polars LazyFrame, a pyarrow Table, or a "
    "pandas DataFrame"
)


def reader_for(
    annotation: object, *, input_name: str
) -> tuple[Callable[[pl.LazyFrame], Any], bool]:
    """Choose how an input's frame is made, and whether it needs its files afterwards.

    Args:
        annotation: the input's type; ``typing.Any`` where it has none.
        input_name: for the sentence.

    Raises:
        FailureError: ``not_supported``.
    """
    import polars as pl

    if annotation in (Any, pl.DataFrame):
        return _collect, False
    if annotation is pl.LazyFrame:
        return _as_it_is, True
    name = f"{getattr(annotation, '__module__', '')}.{getattr(annotation, '__qualname__', '')}"
    home = name.partition(".")[0]
    if home == "pyarrow" and name.endswith(".Table"):
        return _to_arrow, False
    if home == "pandas" and name.endswith(".DataFrame"):
        return _to_pandas, False
    raise refuse(
        ErrorCode.NOT_SUPPORTED,
        Phase.REQUEST,
        f"The input {input_name!r} asks for {annotation!r}, and the Redshift IO manager gives "
        f"{KINDS}.",
        "Annotate the input with one of these.",
    )


def scan(report: ReadReport, folder: Path) -> pl.LazyFrame:
    """Scan the files of a read, cast to the table's types, in the report's order.

    UNLOAD writes a TIMESTAMP as INT96 and drops the zone of a TIMESTAMPTZ; no file means no row.

    Args:
        report: of the read.
        folder: the read path.
    """
    import polars as pl

    types = {column.name: polars_type(column.type) for column in report.columns}
    if not report.files:
        schema = {name: dtype or pl.String() for name, dtype in types.items()}
        return pl.LazyFrame(schema=schema)
    # Not one scan of them all: the files of one UNLOAD may differ in a type that comes from values.
    scans = [_scan_file(folder / file.path).select(_casts(types)) for file in report.files]
    return scans[0] if len(scans) == 1 else pl.concat(scans)


def _scan_file(path: Path) -> pl.LazyFrame:
    """Scan one file, its INT96 timestamps as microseconds.

    Left alone, polars takes INT96 for nanoseconds, and makes 2262-04-11 of every later time without
    a word (seen with polars 2.1).
    """
    import polars as pl

    schema = pl.read_parquet_schema(path)
    nanoseconds = pl.Datetime("ns")
    return pl.scan_parquet(
        path,
        schema={
            name: pl.Datetime("us") if dtype == nanoseconds else dtype
            for name, dtype in schema.items()
        },
    )


def _casts(types: dict[str, PolarsDataType | None]) -> list[pl.Expr]:
    return [
        exactly(name) if dtype is None else _cast(exactly(name), dtype)
        for name, dtype in types.items()
    ]


def _cast(column: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    import polars as pl

    if dtype == pl.Datetime("us", "UTC"):
        # The files hold the instant in UTC, with or without a mark that says so.
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return column.cast(dtype)


def polars_type(column_type: str) -> PolarsDataType | None:
    """Give the polars type in which a Redshift column comes back; None leaves it as it came.

    Args:
        column_type: as DDL or the catalog spells it.
    """
    import polars as pl

    found = RedshiftType.parse(column_type)
    if found.name == "DECIMAL":
        return pl.Decimal(found.precision, found.scale or 0)
    return {
        "BOOLEAN": pl.Boolean(),
        "SMALLINT": pl.Int16(),
        "INTEGER": pl.Int32(),
        "BIGINT": pl.Int64(),
        "REAL": pl.Float32(),
        "DOUBLE PRECISION": pl.Float64(),
        "VARCHAR": pl.String(),
        "CHAR": pl.String(),
        "DATE": pl.Date(),
        "TIMESTAMP": pl.Datetime("us"),
        "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    }.get(found.name)


def _collect(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect(engine="streaming")


def _as_it_is(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame


def _to_arrow(frame: pl.LazyFrame) -> Any:  # noqa: ANN401  # pyarrow has no types
    return _collect(frame).to_arrow()


def _to_pandas(frame: pl.LazyFrame) -> Any:  # noqa: ANN401  # pandas is optional
    return _collect(frame).to_arrow().to_pandas()


def selected_columns(metadata: object, *, input_name: str) -> tuple[str, ...] | None:
    """Read the column selection of an input's metadata; None is every column.

    Raises:
        FailureError: ``usage``.
    """
    if metadata is None:
        return None
    if isinstance(metadata, str) or not _texts(metadata):
        raise refuse(
            ErrorCode.USAGE,
            Phase.REQUEST,
            f"The metadata 'columns' of the input {input_name!r} is {metadata!r}, and is to be a "
            "list of at least one column name.",
            "Write it as AssetIn(metadata={'columns': ['a', 'b']}).",
        )
    return tuple(metadata)  # type: ignore[arg-type]  # checked above


def _texts(value: object) -> bool:
    if not isinstance(value, list | tuple) or not value:
        return False
    texts: Sequence[object] = value
    return all(isinstance(item, str) for item in texts)
