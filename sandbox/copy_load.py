"""The carrying out of a COPY: from the files on S3 into the table, in the session's transaction."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .copy_rows import RowShaper, make_encoder
from .copy_source import LoadError, files_of
from .errors import BackendError, ClientGoneError, RedshiftError
from .parquet_types import Column, FileCheck
from .tokens import quote_literal, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .copy_command import CopyCommand
    from .session import Session
    from .storage import StoredObject
    from .untyped import RecordBatch

_BATCH_ROWS = 32_768

_COLUMNS = """
SELECT a.attname, coalesce(nullif(t.typbasetype, 0)::regtype::text, ''), a.atttypid::regtype::text,
       a.atttypmod, a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attidentity <> ''
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = {table}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


class CopyLoad:
    """One run of a COPY.

    Args:
        command: What to load.
        session: The session that asked.
    """

    def __init__(self, command: CopyCommand, session: Session) -> None:
        self._command = command
        self._session = session
        self._cluster = session.cluster
        self._rows = 0
        self._files: list[StoredObject] = []
        self._started = datetime.now(UTC)

    def run(self) -> None:
        """Load.

        Raises:
            RedshiftError: Redshift would refuse the statement.
            LoadError: It would fail; SYS_LOAD_ERROR_DETAIL has a row then.
        """
        columns = self._columns()
        session, backend = self._session, self._session.backend
        session.counters.copy_id = session.counters.query_id
        # An autocommit COPY goes on when its client has gone; one in a transaction is rolled back
        # (AWS: copy-usage_notes-multiple-files).
        backend.watching = session.transaction.is_the_clients
        began = time.monotonic()
        try:
            self._load(columns)
        except (LoadError, BackendError) as error:
            session.counters.copy_count = 0
            if isinstance(error, LoadError):
                error.query = session.counters.query_id
                self._log_error(error)
            self._log_load("aborted", time.monotonic() - began)
            raise
        finally:
            backend.watching = True
        session.counters.copy_count = self._rows
        self._log_load("completed", time.monotonic() - began)
        session.say(
            f"Load into table '{self._command.table_name}' completed,"
            f" {self._rows} record(s) loaded successfully."
        )

    def _columns(self) -> list[Column]:
        """Give the columns to load, in the order of the column list."""
        table = quote_literal(self._command.table)
        found = self._session.backend.run(_COLUMNS.format(table=table))
        every = {str(row[0]): row for row in found}
        listed = self._command.columns
        for name in listed:
            if name not in every:
                text = f'column "{name}" of relation "{self._command.table_name}" does not exist'
                raise RedshiftError("42703", text)
        if listed:
            for name, row in every.items():
                if name not in listed and row[4] == "t" and row[5] == "f":
                    text = "NOT NULL column without DEFAULT must be included in column list"
                    raise RedshiftError("42601", text)
        chosen = listed or tuple(name for name, row in every.items() if row[6] == "f")
        return [_column(every[name]) for name in chosen]

    def _load(self, columns: list[Column]) -> None:
        self._files = files_of(self._command, self._cluster.storage)
        if not self._files:
            return
        encoder, backend = make_encoder(), self._session.backend
        names = ", ".join(quote_name(column.name) for column in columns)
        backend.copy_in(
            f"COPY {self._command.table} ({names}) FROM STDIN (FORMAT {encoder.format})"
        )
        try:
            for found in self._files:
                for batch in self._batches(found, columns):
                    backend.copy_data(encoder.encode(batch))
                    self._rows += batch.num_rows
            backend.copy_data(encoder.finish())
        except (BackendError, ClientGoneError):
            raise  # PostgreSQL has ended the COPY itself, or the session is over
        except BaseException:
            backend.copy_fail()
            raise
        backend.copy_done()

    def _batches(self, found: StoredObject, columns: list[Column]) -> Iterator[RecordBatch]:
        """Open one file, compare it with the table, and give its rows batch by batch."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        command, region = self._command, self._cluster.region
        with self._cluster.storage.open_input(found) as source:
            try:
                file = pq.ParquetFile(source, pre_buffer=True, coerce_int96_timestamp_unit="us")
            except pa.ArrowInvalid as error:
                context = f"File '{found.url}' has an invalid Parquet footer: {error}"
                raise LoadError.scanning(context, file_name=found.url) from error
            check = FileCheck(file, found, region)
            check.run(columns, fill_record=command.fill_record)
            check.check_pages(source)
            shaper = RowShaper(columns, found, region, command.replace_invalid)
            for group in range(file.num_row_groups):
                # One at a time: what is read ahead is held until its reader is gone.
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                    yield shaper.shape(batch)

    def _log_error(self, error: LoadError) -> None:
        self._cluster.log_row(
            "redshift_load_errors",
            self._who()
            | {
                "table_id": self._cluster.table_oid(self._command.table),
                "file_name": error.file_name,
                "line_number": 0,
                "column_name": error.column,
                "column_type": error.column_type,
                "column_length": error.column_length,
                "position": 0,
                "error_code": error.code,
                "error_message": error.context or error.message,
            },
        )

    def _log_load(self, status: str, seconds: float) -> None:
        done, size = status == "completed", sum(found.size for found in self._files)
        self._cluster.log_row(
            "redshift_loads",
            self._who()
            | {
                "status": status,
                "table_name": self._command.table_name,
                "start_time": self._started.replace(tzinfo=None),
                "end_time": datetime.now(UTC).replace(tzinfo=None),
                "duration": int(seconds * 1_000_000),
                "data_source": self._command.source,
                "file_format": "PARQUET",
                "loaded_rows": self._rows if done else 0,
                "loaded_bytes": size if done else 0,
                "source_file_count": len(self._files),
                "source_file_bytes": size,
                "file_count_scanned": len(self._files),
                "file_bytes_scanned": size,
                "error_count": 0 if done else 1,
            },
        )

    def _who(self) -> dict[str, object]:
        session = self._session
        return {
            "user_id": 100,
            "query_id": session.counters.query_id,
            "session_id": session.process_id,
            "database_name": session.database,
        }


def _column(row: list[str | None]) -> Column:
    name, _, kind, modifier, not_null, default, _ = row
    return Column(
        name=str(name),
        type=str(kind),
        modifier=int(modifier or -1),
        not_null=not_null == "t",
        has_default=default == "t",
    )
