"""Rows of a Parquet file, made ready for PostgreSQL's own COPY."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .copy_source import NULL_ERROR, LoadError, web_address
from .errors import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .parquet_types import Column
    from .storage import StoredObject
    from .untyped import Array, DataType, RecordBatch

_ARROW: dict[str, Callable[[Any], DataType]] = {
    "smallint": lambda pa: pa.int16(),
    "integer": lambda pa: pa.int32(),
    "bigint": lambda pa: pa.int64(),
    "real": lambda pa: pa.float32(),
    "double precision": lambda pa: pa.float64(),
    "boolean": lambda pa: pa.bool_(),
    "character varying": lambda pa: pa.string(),
    "character": lambda pa: pa.string(),
    "date": lambda pa: pa.date32(),
    "timestamp without time zone": lambda pa: pa.timestamp("us"),
    "timestamp with time zone": lambda pa: pa.timestamp("us", "UTC"),
    "varbyte": lambda pa: pa.binary(),
}
"""The Arrow type that the encoder is given for a column's type; DECIMAL keeps its own."""


@dataclass(frozen=True)
class RowShaper:
    """Turns record batches of one file into batches of the table's types.

    Args:
        columns: The table's columns, in the file's order; those past the file's end are NULL.
        found: The file, for error texts.
        region: For its address in error texts.
        replace_invalid: ACCEPTINVCHARS's character, or empty.
    """

    columns: list[Column]
    found: StoredObject
    region: str
    replace_invalid: str = ""

    def shape(self, batch: RecordBatch) -> RecordBatch:
        """Check and convert one batch.

        Raises:
            LoadError: A NULL where none may be, a string that is too long, a number too large.
        """
        import pyarrow as pa

        arrays = []
        for at, column in enumerate(self.columns):
            missing = at >= batch.num_columns
            target = _ARROW[column.type](pa) if column.type in _ARROW else None
            given = pa.nulls(batch.num_rows, target or pa.string()) if missing else batch.column(at)
            if column.not_null and given.null_count:
                raise self._null(column)
            arrays.append(given if missing else self._converted(column, given, target))
        return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in self.columns])

    def _converted(self, column: Column, given: Array, target: DataType | None) -> Array:
        import pyarrow as pa

        if pa.types.is_timestamp(given.type) and given.type.unit == "ns":
            # Redshift reads nanoseconds as if they were microseconds: 2023 becomes the year 161065
            # (apache/arrow issue 38000). The sandbox does the same, so that a test can see it.
            given = given.cast(pa.int64()).cast(pa.timestamp("us"))
        if target is not None and given.type != target:
            given = self._cast(column, given, target)
        if column.length:
            given = self._checked_text(column, given)
        return given

    def _cast(self, column: Column, given: Array, target: DataType) -> Array:
        import pyarrow as pa

        try:
            if pa.types.is_timestamp(target) and pa.types.is_timestamp(given.type):
                return given.cast(pa.timestamp("us", given.type.tz), safe=False).cast(target)
            return given.cast(target)
        except pa.ArrowInvalid as error:
            raise LoadError.scanning(
                f"{column.shown} out of range: {error}", **self._facts(column)
            ) from error

    def _checked_text(self, column: Column, given: Array) -> Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            given.validate(full=True)
        except pa.ArrowInvalid as error:
            if not self.replace_invalid:
                context = f"String contains invalid or unsupported UTF8 codepoints: {column.name}"
                raise LoadError.scanning(context, **self._facts(column)) from error
            given = self._replaced(given)
        longest = pc.max(pc.binary_length(given)).as_py() or 0
        if longest > column.length:
            raise LoadError.scanning(
                f"The length of the data column {column.name} is longer than the length defined in"
                f" the table. Table: {column.length}, Data: {longest},"
                f" File name: {web_address(self.found, self.region)}",
                **self._facts(column),
            )
        return given

    def _replaced(self, given: Array) -> Array:
        """Put ACCEPTINVCHARS's character for every invalid byte."""
        import pyarrow as pa

        mark = self.replace_invalid

        def cleaned(value: bytes | None) -> str | None:
            if value is None:
                return None
            text = value.decode("utf-8", "surrogateescape")
            return "".join(mark if "\udc80" <= letter <= "\udcff" else letter for letter in text)

        return pa.array(
            [cleaned(value) for value in given.cast(pa.binary()).to_pylist()], pa.string()
        )

    def _null(self, column: Column) -> LoadError:
        context = f"Cannot insert a NULL value into column {column.name}"
        return LoadError(INTERNAL, context, code=NULL_ERROR, context=context, **self._facts(column))

    def _facts(self, column: Column) -> dict[str, Any]:
        return {
            "file_name": self.found.url,
            "column": column.name,
            "column_type": column.shown,
            "column_length": str(column.length or ""),
        }


class Encoder(Protocol):
    """Encodes batches for COPY ... FROM STDIN."""

    format: str

    def encode(self, batch: RecordBatch) -> bytes:
        """Encode one batch."""

    def finish(self) -> bytes:
        """Give what ends the data."""


class BinaryEncoder:
    """PostgreSQL's binary format, made by pgpq."""

    format = "BINARY"

    def __init__(self) -> None:
        import pgpq

        self._make = pgpq.ArrowToPostgresBinaryEncoder
        self._encoder: Any = None

    def encode(self, batch: RecordBatch) -> bytes:
        """Encode one batch; the first one brings the header."""
        head = b""
        if self._encoder is None:
            self._encoder = self._make(batch.schema)
            head = self._encoder.write_header()
        return head + bytes(self._encoder.write_batch(batch))

    def finish(self) -> bytes:
        """Give the trailer, or a whole empty stream."""
        if self._encoder is None:
            return b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"
        return bytes(self._encoder.finish())


class CsvEncoder:
    """CSV, made by pyarrow; about half as fast."""

    format = "CSV"

    def encode(self, batch: RecordBatch) -> bytes:
        """Encode one batch."""
        import pyarrow as pa
        from pyarrow import csv

        arrays = [_as_text(array) for array in batch.columns]
        batch = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
        sink = pa.BufferOutputStream()
        csv.write_csv(batch, sink, csv.WriteOptions(include_header=False))
        encoded: bytes = sink.getvalue().to_pybytes()
        return encoded

    def finish(self) -> bytes:
        """CSV has no end mark."""
        return b""


def _as_text(array: Array) -> Array:
    import pyarrow as pa

    if pa.types.is_binary(array.type):
        return pa.array(
            [None if value is None else "\\x" + value.hex() for value in array.to_pylist()],
            pa.string(),
        )
    return array


def make_encoder() -> Encoder:
    """Take pgpq where it is installed (it has no wheel for Linux on ARM), CSV elsewhere."""
    try:
        return BinaryEncoder()
    except ImportError:
        return CsvEncoder()
