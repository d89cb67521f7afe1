"""Data that something else wrote: the files that data URIs name, listed and never touched.

A URI is a local path or ``s3://bucket/key``. One that ends in a slash, or a local directory, is a
folder and stands for all the files below it; it is never a bare prefix, under which ``day=1`` would
find ``day=10`` as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from orchestrator.frames import unsupported
from shared_protocol import (
    DataColumn,
    ErrorCode,
    FailureError,
    FileFormat,
    Phase,
    SourceFile,
    refuse,
)
from shared_protocol.names import check_columns
from shared_protocol.type_table import UnsupportedTypeError, rule_for

DataUris = str | Path | list[str | Path] | tuple[str | Path, ...]

_FORMATS = {
    ".parquet": FileFormat.PARQUET,
    ".arrow": FileFormat.ARROW,
    ".feather": FileFormat.ARROW,
    ".ipc": FileFormat.ARROW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A file that a URI names.

    ``below`` is its place below the URI's folder, empty where the URI is the file's own.
    """

    uri: str
    below: str
    size: int
    etag: str | None = None


def is_data_uris(value: object) -> TypeGuard[DataUris]:
    """Tell data URIs from frames."""
    if isinstance(value, str | Path):
        return True
    return isinstance(value, list | tuple) and all(isinstance(v, str | Path) for v in value)


def list_data_uris(
    uris: DataUris, *, region: str = ""
) -> tuple[tuple[SourceFile, ...], tuple[DataColumn, ...]]:
    """List the files that URIs name, and the columns of the first.

    Raises:
        FailureError: ``input_missing``, ``not_supported``, ``input_unreadable``,
            ``unsupported_type``, ``duplicate_column``, ``bad_name``, or what S3 says.
    """
    each = [uris] if isinstance(uris, str | Path) else uris
    files = tuple(_file(found) for uri in each for found in _list(uri, region))
    if not files:
        raise refuse(
            ErrorCode.INPUT_MISSING,
            Phase.STAGE,
            "The asset returned an empty list of data URIs.",
            "Return the URI of at least one file; a file of no rows empties the partition.",
        )
    if twice := _repeated(files):
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The data URIs name the file {twice!r} twice, whose rows would be loaded twice.",
            "Name each file once.",
        )
    return files, _columns(files[0], region)


def _list(uri: str | Path, region: str) -> list[_Found]:
    text = os.fspath(uri)
    if isinstance(uri, str) and "://" in text and not text.startswith("s3://"):
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.STAGE,
            f"The data URI {text!r} is neither a local path nor s3://bucket/key.",
            "Copy the files to S3 or to local disk first.",
        )
    if not text.strip("./ "):
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The data URI is {text!r}, which names no place of data.",
            "Give an absolute path or s3://bucket/key; was a variable of it empty?",
        )
    listed = _list_s3(text, region) if text.startswith("s3://") else _list_local(text)
    files = sorted((file for file in listed if not _hidden(file.below)), key=lambda f: f.uri)
    if not files:
        raise refuse(
            ErrorCode.INPUT_MISSING,
            Phase.STAGE,
            f"The data URI {text!r} names no file.",
            "Check the path; a folder on S3 ends in a slash, and files whose name starts with "
            "'.' or '_' do not count.",
        )
    return files


def _list_local(text: str) -> list[_Found]:
    path = Path(text).expanduser().absolute()
    if path.is_file() and not text.endswith("/"):
        return [_Found(uri=str(path), below="", size=path.stat().st_size)]
    if not path.is_dir():
        return []
    return [
        _Found(
            uri=str(file),
            below=file.relative_to(path).as_posix(),
            size=file.stat().st_size,
        )
        for file in path.rglob("*")
        if file.is_file()
    ]


def _list_s3(uri: str, region: str) -> list[_Found]:
    from orchestrator.s3_files import list_objects

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    folder = not key or key.endswith("/")
    return [
        _Found(
            uri=f"s3://{bucket}/{found.key}",
            below=found.key.removeprefix(key) if folder else "",
            size=found.size,
            etag=found.etag,
        )
        for found in list_objects(bucket, key, region=region)
    ]


def _hidden(below: str) -> bool:
    parts = PurePosixPath(below).parts
    if "_delta_log" in parts:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.STAGE,
            "The data URI names a Delta Lake table: not all of its Parquet files are its rows.",
            "Read it with polars' scan_delta and return the frame.",
        )
    return any(part.startswith((".", "_")) for part in parts)


def _file(found: _Found) -> SourceFile:
    folders = PurePosixPath(found.below).parts[:-1]
    if column := next((folder for folder in folders if "=" in folder), None):
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.STAGE,
            f"The file {found.uri!r} lies under the Hive partition {column!r}: that column stands "
            "in the path, and COPY reads only the file.",
            "Name the folder of one partition if the column is not needed, or return "
            "pl.scan_parquet(..., hive_partitioning=True).",
        )
    file_format = _FORMATS.get(PurePosixPath(found.uri).suffix.lower())
    if file_format is None:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.STAGE,
            f"The file {found.uri!r} is neither Parquet (.parquet) nor Arrow (.arrow, .feather, "
            ".ipc) by its name.",
            "Rename it, keep it out of the folder, or return a frame that reads it.",
        )
    return SourceFile(uri=found.uri, bytes=found.size, format=file_format, etag=found.etag)


def _repeated(files: tuple[SourceFile, ...]) -> str | None:
    seen: set[str] = set()
    for file in files:
        if file.uri in seen:
            return file.uri
        seen.add(file.uri)
    return None


def _columns(file: SourceFile, region: str) -> tuple[DataColumn, ...]:
    schema = _schema(file, region)
    check_columns(schema.names, phase=Phase.STAGE)
    return tuple(_column(field.name, str(field.type)) for field in schema)


def _column(name: str, arrow_type: str) -> DataColumn:
    try:
        rule_for(arrow_type)
    except UnsupportedTypeError as error:
        raise unsupported(name, error) from error
    return DataColumn(name=name, arrow_type=arrow_type)


def _schema(file: SourceFile, region: str) -> Any:  # noqa: ANN401  # pyarrow has no types
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _open(file, region) as source:
            if file.format is FileFormat.PARQUET:
                return pq.read_schema(source)
            return _arrow_schema(pa, source)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(file, error) from error


def _arrow_schema(pa: Any, source: Any) -> Any:  # noqa: ANN401  # pyarrow has no types
    """Read the schema of an IPC file, or of an IPC stream that was stored as one."""
    try:
        return pa.ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source).schema


def _open(file: SourceFile, region: str) -> Any:  # noqa: ANN401  # a binary file
    if not file.uri.startswith("s3://"):
        return Path(file.uri).open("rb")
    from orchestrator.s3_files import open_object

    bucket, _, key = file.uri.removeprefix("s3://").partition("/")
    return open_object(bucket, key, size=file.bytes, region=region)


def _unreadable(file: SourceFile, error: Exception) -> FailureError:
    return refuse(
        ErrorCode.INPUT_UNREADABLE,
        Phase.STAGE,
        f"The file {file.uri!r} cannot be read as {file.format.value}: "
        f"{str(error).splitlines()[0] if str(error) else type(error).__name__}.",
        "Check that it was written to its end.",
    )
