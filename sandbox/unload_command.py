"""UNLOAD ('query') TO 's3://...': the statement and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .authorization import accept_authorization, missing_authorization
from .errors import SYNTAX_ERROR, RedshiftError, not_modelled, unsupported
from .plan import Plan
from .spelling import spelled_for_postgres
from .tokens import Reader, Token, at_top_level, render, tokenise

if TYPE_CHECKING:
    from .session import Session

_MEGABYTE, _GIGABYTE = 1 << 20, 1 << 30
SMALLEST_FILE, LARGEST_FILE = 5 * _MEGABYTE, int(6.2 * _GIGABYTE)
"""Bytes; MAXFILESIZE's range and default (AWS: r_UNLOAD)."""

SMALLEST_ROW_GROUP, LARGEST_ROW_GROUP = 32 * _MEGABYTE, 128 * _MEGABYTE
"""Bytes; ROWGROUPSIZE's range, and its default is the smallest (AWS: r_UNLOAD)."""

_NOT_FOR_PARQUET = frozenset(
    ["DELIMITER", "FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "NULL", "HEADER", "GZIP", "BZIP2", "ZSTD"]
)


@dataclass(kw_only=True)
class UnloadCommand:
    """An UNLOAD to Parquet files on S3.

    Args:
        query: The query, in PostgreSQL's spelling.
        destination: `s3://bucket/prefix`.
        manifest: Whether a manifest is written.
        verbose: Whether the manifest holds the schema.
        overwrite: ALLOWOVERWRITE.
        clean: CLEANPATH.
        parallel: Whether every slice writes files of its own.
        file_bytes: The largest file, in bytes.
        row_group_bytes: The target of a row group, in bytes.
    """

    query: str
    destination: str
    parquet: bool = False
    authorized: bool = False
    manifest: bool = False
    verbose: bool = False
    overwrite: bool = False
    clean: bool = False
    parallel: bool = True
    file_bytes: int = LARGEST_FILE
    row_group_bytes: int = 32 * _MEGABYTE

    def run(self, session: Session) -> str:
        """Write the files."""
        from .unload_files import Unload

        Unload(self, session).run()
        return "UNLOAD"


def plan_unload(tokens: list[Token]) -> Plan:
    """Plan UNLOAD.

    Raises:
        RedshiftError: 42601, 0A000, or a missing authorization.
    """
    reader = Reader(tokens)
    reader.expect("UNLOAD", "(")
    inner = reader.string()
    reader.expect(")", "TO")
    command = UnloadCommand(query=_query(inner), destination=reader.string())
    if not command.destination.startswith("s3://"):
        raise not_modelled("UNLOAD to anything but s3://")
    while not reader.done():
        if accept_authorization(reader):
            command.authorized = True
        else:
            _option(reader, command)
    if not command.authorized:
        raise missing_authorization("UNLOAD")
    if not command.parquet:
        raise not_modelled("UNLOAD in a format other than PARQUET")
    if command.clean and command.overwrite:
        raise RedshiftError(SYNTAX_ERROR, "CLEANPATH and ALLOWOVERWRITE exclude each other")
    return Plan(text="", word="UNLOAD", command=command)


def _query(inner: str) -> str:
    """Spell the query for PostgreSQL.

    Raises:
        RedshiftError: 42601 `Limit clause is not supported` for a LIMIT outside every bracket,
            as seen on a real Redshift.
    """
    tokens = spelled_for_postgres(tokenise(inner), case_sensitive=False)
    if any(token.word() == "LIMIT" for token in at_top_level(tokens)):
        raise RedshiftError(SYNTAX_ERROR, "Limit clause is not supported")
    return render(tokens).strip().rstrip(";")


def _option(reader: Reader, command: UnloadCommand) -> None:  # noqa: C901 - one branch an option
    if reader.accept("FORMAT"):
        reader.accept("AS")
        reader.expect("PARQUET")
        command.parquet = True
    elif reader.accept("PARQUET"):
        command.parquet = True
    elif reader.accept("MANIFEST"):
        command.manifest, command.verbose = True, reader.accept("VERBOSE")
    elif reader.accept("ALLOWOVERWRITE"):
        command.overwrite = True
    elif reader.accept("CLEANPATH"):
        command.clean = True
    elif reader.accept("PARALLEL"):
        command.parallel = not (reader.accept("OFF") or reader.accept("FALSE"))
        reader.accept("ON") or reader.accept("TRUE")
    elif reader.accept("MAXFILESIZE"):
        command.file_bytes = _file_bytes(reader)
    elif reader.accept("ROWGROUPSIZE"):
        command.row_group_bytes = _row_group_bytes(reader)
    elif reader.accept("REGION"):
        reader.accept("AS")
        reader.string()
    elif reader.peek() == "PARTITION":
        raise not_modelled("UNLOAD ... PARTITION BY")
    elif reader.peek() in _NOT_FOR_PARQUET:
        # AWS: r_UNLOAD says that it cannot be combined; the text is the sandbox's own.
        raise unsupported(f"{reader.peek()} is not supported for UNLOAD to PARQUET")
    else:
        reader.refuse()


def _size(reader: Reader) -> int:
    reader.accept("AS")
    count = reader.number()
    unit = _GIGABYTE if reader.accept("GB") else _MEGABYTE
    reader.accept("MB")
    return int(count * unit)


def _row_group_bytes(reader: Reader) -> int:
    size = _size(reader)
    if not SMALLEST_ROW_GROUP <= size <= LARGEST_ROW_GROUP:
        raise RedshiftError(SYNTAX_ERROR, "ROWGROUPSIZE must be between 32 MB and 128 MB")
    return size


def _file_bytes(reader: Reader) -> int:
    size = _size(reader)
    if not SMALLEST_FILE <= size <= LARGEST_FILE:
        raise RedshiftError(SYNTAX_ERROR, "MAXFILESIZE must be between 5 MB and 6.2 GB")
    return size
