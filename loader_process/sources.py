"""The input files of a request: found as they were promised, and open for reading."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from loader_process.footer import ColumnForm, Footer, read_footer
from loader_process.s3 import SCHEME, ObjectFacts, ObjectName, ObjectReader, ObjectStore
from shared_protocol import ErrorCode, FileFormat, Phase, SourceFile, refuse

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
"""Rows that are read at once: the lever for memory when a file is measured or encoded anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input, checked against the request.

    Attributes:
        uri: absolute: a local path, or ``s3://bucket/key``.
        bytes: its size.
        format: what it is.
        footer: its rows and columns.
        etag: S3's; None for a local file.
    """

    uri: str
    bytes: int
    format: FileFormat
    footer: Footer
    etag: str | None = None

    @property
    def object_name(self) -> ObjectName | None:
        """Where it lies on S3; None for a local file."""
        return ObjectName.parse(self.uri) if self.uri.startswith(SCHEME) else None


class SourceReader:
    """Opens inputs, local or on S3."""

    def __init__(self, store: ObjectStore, root: Path) -> None:
        self._store = store
        self._root = root

    def check(self, promised: SourceFile) -> Source:
        """Find an input, compare it with what the request says, and read its footer.

        Raises:
            FailureError: ``input_missing``, ``input_changed`` or ``input_unreadable``.
        """
        uri, found = self._find(promised.uri)
        if found is None:
            raise refuse(
                ErrorCode.INPUT_MISSING,
                Phase.CHECK,
                f"The input {uri} is gone; the request lists it with {promised.bytes} bytes.",
                "Stage the data again.",
            )
        self._compare(uri, promised, found)
        source = Source(
            uri=uri,
            bytes=found.bytes,
            format=promised.format,
            footer=Footer(rows=0, columns=()),
            etag=promised.etag,
        )
        footer = self._footer(source)
        if promised.rows is not None and promised.rows != footer.rows:
            raise refuse(
                ErrorCode.INPUT_CHANGED,
                Phase.CHECK,
                f"The input {uri} holds {footer.rows} rows, and the request lists it with "
                f"{promised.rows}.",
                "Stage the data again.",
            )
        return Source(
            uri=uri, bytes=found.bytes, format=promised.format, footer=footer, etag=found.etag
        )

    def batches(self, source: Source, columns: list[str]) -> Iterator["pa.RecordBatch"]:
        """Read some columns of an input, batch by batch, in the file's order of rows.

        Raises:
            FailureError: ``input_unreadable``.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self.opened(source) as file, _readable(source):
            if source.format is FileFormat.PARQUET:
                parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
                yield from parquet.iter_batches(
                    batch_size=BATCH_ROWS, columns=columns, use_threads=False
                )
                return
            for batch in _arrow_batches(pa.PythonFile(file, mode="r")):
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(start, BATCH_ROWS).select(columns)

    @contextmanager
    def opened(self, source: Source) -> Iterator[IO[bytes]]:
        """Open an input for reading at any place."""
        name = source.object_name
        if name is None:
            with Path(source.uri).open("rb") as file:
                yield file
            return
        facts = ObjectFacts(source.bytes, source.etag or "")
        with ObjectReader(self._store, name, facts) as reader:
            yield cast("IO[bytes]", reader)

    def _find(self, uri: str) -> tuple[str, ObjectFacts | None]:
        if uri.startswith(SCHEME):
            return uri, self._store.facts(ObjectName.parse(uri))
        path = self._root / uri  # an absolute path stays what it is
        try:
            return str(path), ObjectFacts(path.stat().st_size, "")
        except OSError:
            return str(path), None

    @staticmethod
    def _compare(uri: str, promised: SourceFile, found: ObjectFacts) -> None:
        same_version = promised.etag is None or promised.etag == found.etag
        if promised.bytes == found.bytes and same_version:
            return
        raise refuse(
            ErrorCode.INPUT_CHANGED,
            Phase.CHECK,
            f"The input {uri} is not the one that the request lists: {found.bytes} bytes"
            + (f" with ETag {found.etag}" if promised.etag else "")
            + f", expected {promised.bytes}"
            + (f" with {promised.etag}." if promised.etag else "."),
            "Stage the data again; inputs may not change between staging and loading.",
        )

    def _footer(self, source: Source) -> Footer:
        import pyarrow as pa

        with self.opened(source) as file, _readable(source):
            if source.format is FileFormat.PARQUET:
                return read_footer(file)
            return _arrow_footer(pa.PythonFile(file, mode="r"))


@contextmanager
def _readable(source: Source) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise refuse(
            ErrorCode.INPUT_UNREADABLE,
            Phase.CHECK,
            f"The input {source.uri} cannot be read as {source.format.value}: {error}",
            "Write it again; it is damaged, truncated, or of another format.",
        ) from error


def _arrow_batches(file: "pa.NativeFile") -> Iterator["pa.RecordBatch"]:
    """Read an Arrow IPC file, or a stream, which has no footer and another beginning."""
    import pyarrow as pa

    try:
        reader = pa.ipc.open_file(file)
    except pa.ArrowInvalid:
        file.seek(0)
        yield from pa.ipc.open_stream(file)
        return
    for index in range(reader.num_record_batches):
        yield reader.get_batch(index)


def _arrow_footer(file: "pa.NativeFile") -> Footer:
    import pyarrow as pa

    schema, rows = None, 0
    for batch in _arrow_batches(file):
        schema, rows = batch.schema, rows + batch.num_rows
    if schema is None:
        file.seek(0)
        schema = _arrow_schema(file)
    forms = tuple(
        ColumnForm(
            name=field.name,
            arrow_type=str(field.type),
            physical="",
            logical={},
            byte_length=0,
            flat=not pa.types.is_nested(field.type),
            problem="it is Arrow IPC, not Parquet",
        )
        for field in schema
    )
    return Footer(rows=rows, columns=forms)


def _arrow_schema(file: "pa.NativeFile") -> "pa.Schema":
    import pyarrow as pa

    try:
        return pa.ipc.open_file(file).schema
    except pa.ArrowInvalid:
        file.seek(0)
        return pa.ipc.open_stream(file).schema
