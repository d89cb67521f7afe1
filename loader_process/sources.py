"""The input files of a request: found as they were promised, and open for reading."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from loader_process.footer import ColumnForm, Footer, read_footer
from loader_process.s3 import SCHEME, ObjectFacts, ObjectName, ObjectReader, ObjectStore
from shared_protocol import ErrorCode, FileFormat, Phase, SourceFile, refuse

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 4_096
"""Rows that are read at once: few, so that the longest strings stay within a few hundred MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One input, checked against the request.

    Attributes:
        uri: absolute: a local path, or ``s3://bucket/key``.
        bytes: its size.
        format: what it is.
        footer: its rows and columns.
        version: S3's ETag, or the time of a local file's last change.
    """

    uri: str
    bytes: int
    format: FileFormat
    footer: Footer
    version: str

    @property
    def identity(self) -> str:
        """What names the very file, however its path is spelled."""
        return self.uri if self.object_name else os.path.realpath(self.uri)

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
            version=found.etag,
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
        return replace(source, footer=footer)

    def check_again(self, source: Source) -> None:
        """Make sure that an input is still the one that was checked.

        Raises:
            FailureError: ``input_missing`` or ``input_changed``.
        """
        _, found = self._find(source.uri)
        if found is None or (found.bytes, found.etag) != (source.bytes, source.version):
            raise refuse(
                ErrorCode.INPUT_CHANGED,
                self._store.phase,
                f"The input {source.uri} was changed while it was being loaded; nothing was kept.",
                "Stage the data again; inputs may not change until the load is done.",
            )

    def batches(
        self, source: Source, columns: list[str], *, int96_unit: str = "us"
    ) -> Iterator["pa.RecordBatch"]:
        """Read some columns of an input, batch by batch, in the file's order of rows.

        Args:
            source: the input.
            columns: their names.
            int96_unit: what INT96, Spark's timestamp, is read as: microseconds hold every year,
                nanoseconds hold every digit.

        Raises:
            FailureError: ``input_unreadable``.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self.opened(source) as file, _readable(source):
            if source.format is FileFormat.PARQUET:
                parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit=int96_unit)
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
        facts = ObjectFacts(source.bytes, source.version)
        with ObjectReader(self._store, name, facts) as reader:
            yield cast("IO[bytes]", reader)

    def _find(self, uri: str) -> tuple[str, ObjectFacts | None]:
        if uri.startswith(SCHEME):
            return uri, self._store.facts(ObjectName.parse(uri))
        path = self._root / uri  # an absolute path stays what it is
        try:
            found = path.stat()
            return str(path), ObjectFacts(found.st_size, str(found.st_mtime_ns))
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
