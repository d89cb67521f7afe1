"""Data that does not fit as it is: measured, cast and written anew, batch by batch.

Memory holds a batch and a row group, whatever the size of the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader_process.sources import Source, SourceReader
from shared_protocol import DataColumn, ErrorCode, ParquetOptions, Phase, refuse
from shared_protocol.type_table import rule_for

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_BYTES = 64 * 1024 * 1024
"""Size in memory at which a row group is closed, however few its rows."""

# zstd's first level: a third less to send than Snappy, and no slower over the whole way to S3.
_LEVELS: dict[str, int | None] = {"zstd": 1, "snappy": None, "gzip": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file that was written: where, its rows, its size."""

    path: Path
    rows: int
    bytes: int


def measured(
    reader: SourceReader, sources: tuple[Source, ...], columns: tuple[DataColumn, ...]
) -> tuple[DataColumn, ...]:
    """Give the columns with the longest string of each, read from the files where it is not known.

    Args:
        reader: opens the sources.
        sources: all of the inputs.
        columns: as the request has them.
    """
    unknown = [
        column.name
        for column in columns
        if column.longest_bytes is None and rule_for(column.arrow_type).staged == "string"
    ]
    if not unknown:
        return columns
    longest = dict.fromkeys(unknown, 0)
    for source in sources:
        for batch in reader.batches(source, unknown):
            for name in unknown:
                longest[name] = max(longest[name], _longest_bytes(batch.column(name)))
    return tuple(
        replace(column, longest_bytes=longest.get(column.name, column.longest_bytes))
        for column in columns
    )


def _longest_bytes(values: Any) -> int:  # noqa: ANN401  # pyarrow ships no types
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.dictionary
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        values = values.cast(pa.large_string())  # binary_length knows no string views
    return int(pc.max(pc.binary_length(values)).as_py() or 0)


def encoded(
    reader: SourceReader,
    source: Source,
    wanted: tuple[tuple[str, str], ...],
    *,
    options: ParquetOptions,
    folder: Path,
    first_part: int,
) -> Iterator[Part]:
    """Write a source anew as Parquet that COPY takes, in parts of about ``options.part_bytes``.

    Each part is handed over when it is complete, so that the caller can send and remove it before
    the next one is written.

    Args:
        reader: opens the source.
        source: what to read.
        wanted: each column's name and the Arrow type to cast it to, in COPY's order.
        options: part size, row group size, compression.
        folder: where to write.
        first_part: number of the first part, for its name.

    Raises:
        FailureError: ``lossy_value``, ``value_too_large`` or ``unsupported_type``: a value does not
            fit; the sentence names the column and the first row.
    """
    import pyarrow as pa

    _refuse_lost_nanoseconds(reader, source)
    schema = pa.schema([(name, _arrow_type(staged)) for name, staged in wanted])
    number, rows_before, writer = first_part, 0, None
    names = [name for name, _ in wanted]
    pending: list[pa.RecordBatch] = []
    pending_rows = pending_bytes = 0
    for batch in reader.batches(source, names):
        pending.append(_cast(batch, schema, source, rows_before))
        pending_rows += batch.num_rows
        pending_bytes += pending[-1].nbytes
        rows_before += batch.num_rows
        if pending_rows < options.row_group_rows and pending_bytes < ROW_GROUP_BYTES:
            continue
        writer = writer or _PartWriter(folder, number, schema, options)
        writer.write(pending, schema)
        pending, pending_rows, pending_bytes = [], 0, 0
        if writer.bytes_written >= options.part_bytes:
            yield writer.close()
            number, writer = number + 1, None
    if pending:
        writer = writer or _PartWriter(folder, number, schema, options)
        writer.write(pending, schema)
    if writer is not None:
        yield writer.close()


def _refuse_lost_nanoseconds(reader: SourceReader, source: Source) -> None:
    """Refuse INT96 timestamps whose nanoseconds a column of Redshift has no room for.

    They are encoded as microseconds, which hold every year; read as nanoseconds they hold every
    digit, but end in 2262 and begin again: there, nothing is compared.
    """
    names = [column.name for column in source.footer.columns if column.physical == "INT96"]
    if not names:
        return
    rows_before = 0
    pairs = zip(
        reader.batches(source, names, int96_unit="ns"), reader.batches(source, names), strict=True
    )
    for fine, coarse in pairs:
        for name in names:
            row = _first_lost(fine.column(name), coarse.column(name))
            if row is not None:
                raise refuse(
                    ErrorCode.LOSSY_VALUE,
                    Phase.CHECK,
                    f"Column {name!r}: the timestamp in row {rows_before + row + 1} of "
                    f"{source.uri} has nanoseconds, and Redshift keeps microseconds.",
                    "Round the column before it is loaded.",
                    column=name,
                )
        rows_before += fine.num_rows


_NANOSECOND_YEARS = 9_223_372_036_854_775  # in microseconds, either side of 1970


def _first_lost(fine: Any, coarse: Any) -> int | None:  # noqa: ANN401  # pyarrow ships no types
    import pyarrow as pa
    import pyarrow.compute as pc

    nanoseconds, microseconds = fine.cast(pa.int64()), coarse.cast(pa.int64())
    held = pc.less(pc.abs(microseconds), _NANOSECOND_YEARS)
    # Out of range the product wraps round, and is not looked at.
    rest = pc.subtract(nanoseconds, pc.multiply(microseconds, 1000))
    lost = pc.fill_null(pc.and_(held, pc.not_equal(rest, 0)), fill_value=False)
    row = pc.index(lost, pa.scalar(value=True)).as_py()
    return None if row < 0 else int(row)


class _PartWriter:
    def __init__(
        self, folder: Path, number: int, schema: "pa.Schema", options: ParquetOptions
    ) -> None:
        import pyarrow.parquet as pq

        self._path = folder / f"part-{number:05d}.parquet"
        self._file = self._path.open("wb")
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression=options.compression,
            compression_level=_LEVELS[options.compression],
            data_page_version="1.0",
            version="2.6",
            store_schema=False,
        )
        self._rows = 0

    @property
    def bytes_written(self) -> int:
        return self._file.tell()

    def write(self, batches: "list[pa.RecordBatch]", schema: "pa.Schema") -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(batches, schema=schema)
        self._writer.write_table(table, row_group_size=table.num_rows or None)
        self._rows += table.num_rows

    def close(self) -> Part:
        self._writer.close()
        self._file.close()
        return Part(path=self._path, rows=self._rows, bytes=self._path.stat().st_size)


def _cast(
    batch: "pa.RecordBatch", schema: "pa.Schema", source: Source, rows_before: int
) -> "pa.RecordBatch":
    import pyarrow as pa

    arrays = []
    for field in schema:
        values = batch.column(field.name)
        try:
            arrays.append(_cast_values(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise _refused(values, field, source, rows_before, error) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast_values(values: Any, wanted: Any) -> Any:  # noqa: ANN401  # pyarrow ships no types
    import pyarrow as pa

    if values.type == wanted:
        return values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_integer(values.type) and pa.types.is_decimal(wanted):
        # pyarrow asks for digits enough for any int64; whether these fit is tested next.
        values = values.cast(pa.decimal128(38, wanted.scale))
    return values.cast(wanted, safe=True)


def _refused(
    values: Any,  # noqa: ANN401  # pyarrow ships no types
    field: Any,  # noqa: ANN401
    source: Source,
    rows_before: int,
    error: Exception,
) -> Exception:
    import pyarrow as pa

    for row in range(len(values)):
        try:
            _cast_values(values.slice(row, 1), field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            break
    else:
        row = 0
    lossy = pa.types.is_temporal(field.type) or pa.types.is_floating(field.type)
    return refuse(
        ErrorCode.LOSSY_VALUE if lossy else ErrorCode.VALUE_TOO_LARGE,
        Phase.CHECK,
        f"Column {field.name!r} is {values.type} in the data and {field.type} in the table, and "
        f"row {rows_before + row + 1} of {source.uri} does not fit: {error}.",
        "Cast or round the column before it is loaded, or give it another type in the table.",
        column=str(field.name),
        row=str(rows_before + row + 1),
    )


def _arrow_type(staged: str) -> Any:  # noqa: ANN401  # pyarrow ships no types
    """Make the Arrow type that the table of types names."""
    import pyarrow as pa

    if staged.startswith("decimal128("):
        precision, scale = (int(number) for number in staged[11:-1].split(","))
        return pa.decimal128(precision, scale)
    return {
        "bool": pa.bool_(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "date32[day]": pa.date32(),
        "timestamp[us]": pa.timestamp("us"),
        "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
    }[staged]
