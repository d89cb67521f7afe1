"""A frame into Parquet parts that COPY takes as they are, measured in the same pass.

The measures come with the sink from one ``collect_all``: polars runs what both share once (seen
with a counted ``map_batches``), so that a lazy frame is computed a single time and never collected.
A Python source is the exception: polars 2.1 runs it once for each. ``LazyFrame.cache`` would share
it too, and was seen to hold the whole frame in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared_protocol import DataColumn, ErrorCode, FailureError, Phase, SourceFile, refuse
from shared_protocol.redshift_type import MAX_VARCHAR_BYTES
from shared_protocol.staging_path import part_name

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from polars.io.partition import FileProviderArgs

    from orchestrator.frames import Frame, FrameColumn

ROWS_PER_PART = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was written: the files in the order of their rows, and the columns as measured."""

    files: tuple[SourceFile, ...]
    columns: tuple[DataColumn, ...]


def write_parts(frame: Frame, folder: Path, *, rows_per_part: int = ROWS_PER_PART) -> Parts:
    """Write a frame's Parquet parts under a staging path.

    Raises:
        FailureError: a value is too long, holds a NUL, or would lose nanoseconds.
        Exception: whatever computing the frame raises, unchanged.
    """
    import polars as pl

    sink = frame.lazy.select(_cast(column) for column in frame.columns).sink_parquet(
        pl.PartitionBy(
            folder,
            file_path_provider=_name_part,
            max_rows_per_file=rows_per_part,
            # Its default splits by in-memory bytes too, and makes parts of uneven rows.
            approximate_bytes_per_file=None,
        ),
        compression="zstd",
        compression_level=1,
        statistics=True,
        mkdir=True,
        lazy=True,
    )
    measure = frame.lazy.select(_measures(frame.columns))
    _, measured = pl.collect_all([sink, measure], engine="streaming")
    found = _Found(measured.row(0, named=True))
    files = _files(folder)
    _refuse_values(frame.columns, found, folder)
    _check_rows(files, found.rows)
    columns = (found.column(index, column) for index, column in enumerate(frame.columns))
    return Parts(files=files, columns=tuple(columns))


def _name_part(part: FileProviderArgs) -> str:
    return part_name(part.index_in_partition)


def _cast(column: FrameColumn) -> pl.Expr:

    return exactly(column.name).cast(column.staged)


def exactly(name: str) -> pl.Expr:
    """Name one column, whatever is in its name: ``pl.col`` takes ``*`` for all of them."""
    import polars.selectors as cs

    return cs.by_name(name).as_expr()


def _is_text(column: FrameColumn) -> bool:
    import polars as pl

    return bool(column.staged == pl.String)


def _drops_nanoseconds(column: FrameColumn) -> bool:
    return column.arrow_type.startswith("timestamp[ns")


def _measures(columns: tuple[FrameColumn, ...]) -> list[pl.Expr]:
    """Name each measure by the column's number: a column's own name could collide with another."""
    import polars as pl

    found = [pl.len().alias("rows")]
    for index, column in enumerate(columns):
        value = exactly(column.name)
        found.append(value.null_count().alias(f"nulls {index}"))
        if _is_text(column):
            text = value.cast(pl.String)
            found.append(text.str.len_bytes().max().alias(f"longest {index}"))
            found.append(text.str.contains("\0", literal=True).any().alias(f"nul {index}"))
        if _drops_nanoseconds(column):
            lossy = value.dt.nanosecond() % 1000 != 0
            found.append(lossy.sum().alias(f"lossy {index}"))
    return found


class _Found:
    """The row of measures."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row
        self.rows = int(row["rows"])

    def longest(self, index: int) -> int | None:
        if f"longest {index}" not in self._row:
            return None
        return int(self._row[f"longest {index}"] or 0)

    def holds_nul(self, index: int) -> bool:
        return bool(self._row.get(f"nul {index}"))

    def lossy(self, index: int) -> int:
        return int(self._row.get(f"lossy {index}") or 0)

    def column(self, index: int, column: FrameColumn) -> DataColumn:
        return DataColumn(
            name=column.name,
            arrow_type=column.arrow_type,
            longest_bytes=self.longest(index),
            nulls=int(self._row[f"nulls {index}"]),
        )


def _files(folder: Path) -> tuple[SourceFile, ...]:
    import pyarrow.parquet as pq

    paths = sorted((folder / part_name(0)).parent.iterdir())
    return tuple(
        SourceFile(
            uri=path.relative_to(folder).as_posix(),
            bytes=path.stat().st_size,
            rows=pq.read_metadata(path).num_rows,
        )
        for path in paths
    )


def _check_rows(files: tuple[SourceFile, ...], rows: int) -> None:
    written = sum(file.rows or 0 for file in files)
    if written != rows:
        raise refuse(
            ErrorCode.INTERNAL,
            Phase.STAGE,
            f"The frame has {rows} rows, and the parts that were staged of it hold {written}.",
            "A lazy frame must give the same rows however it is run.",
        )


def _refuse_values(columns: tuple[FrameColumn, ...], found: _Found, folder: Path) -> None:

    for index, column in enumerate(columns):
        text = exactly(column.name)
        longest = found.longest(index) or 0
        if longest > MAX_VARCHAR_BYTES:
            row = _first_row(folder, text.str.len_bytes() > MAX_VARCHAR_BYTES)
            raise _too_long(column.name, longest, row)
        if found.holds_nul(index):
            row = _first_row(folder, text.str.contains("\0", literal=True))
            raise refuse(
                ErrorCode.UNSUPPORTED_TYPE,
                Phase.STAGE,
                f"Column {column.name!r}: a string holds a NUL character (0x00), first in row "
                f"{row}, and Redshift stores none in VARCHAR.",
                'Take it out, as with .str.replace_all("\\0", "", literal=True).',
                column=column.name,
                row=str(row),
            )
        if lossy := found.lossy(index):
            raise refuse(
                ErrorCode.LOSSY_VALUE,
                Phase.STAGE,
                f"Column {column.name!r}: {lossy} of {found.rows} timestamps have nanoseconds, and "
                "Redshift keeps microseconds.",
                'Round them yourself, as with .dt.round("1us") or .dt.cast_time_unit("us").',
                column=column.name,
            )


def _too_long(name: str, longest: int, row: int) -> FailureError:
    return refuse(
        ErrorCode.VALUE_TOO_LARGE,
        Phase.STAGE,
        f"Column {name!r}: a string has {longest} bytes of UTF-8, the first that is too long "
        f"stands in row {row}, and a VARCHAR of Redshift holds at most {MAX_VARCHAR_BYTES}.",
        "Shorten it, or split it over several rows or columns.",
        column=name,
        row=str(row),
        bytes=str(longest),
    )


def _first_row(folder: Path, condition: pl.Expr) -> int:
    """Find the first row, counted from 1, that meets a condition: in the parts themselves."""
    import polars as pl

    parts = pl.scan_parquet((folder / part_name(0)).parent)
    numbered = parts.with_row_index("row", offset=1)
    row = numbered.filter(condition).select("row").head(1).collect()
    return int(row.item())
