"""The story of one read: plan, UNLOAD, download, check, report."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from loader_process import statements
from loader_process.binding import bind_slice
from loader_process.footer import read_footer
from loader_process.prepare import columns_of, folded_table
from loader_process.redshift import Session, connect
from loader_process.reporter import ByteMeter, Reporter, Stopwatch
from loader_process.s3 import ObjectName, ObjectStore
from loader_process.settings import Settings
from loader_process.sql import Sql
from loader_process.table_plan import TablePlan
from loader_process.upload import key_prefix
from shared_protocol import (
    PROTOCOL_VERSION,
    ErrorCode,
    Phase,
    ReadFile,
    ReadReport,
    ReadRequest,
    RedshiftType,
    Table,
    TableColumn,
    refuse,
)
from shared_protocol.names import fold
from shared_protocol.staging_path import DATA_DIR, part_name
from shared_protocol.type_table import staged_type_for

DOWNLOADS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unloaded:
    """One file that UNLOAD wrote, as its manifest tells."""

    name: ObjectName
    bytes: int
    rows: int


def read(
    request: ReadRequest,
    *,
    root: Path,
    attempt_id: str,
    settings: Settings,
    reporter: Reporter,
    clock: Stopwatch,
) -> ReadReport:
    """Run one read to its end: Parquet files under ``root/data``.

    Args:
        request: what to read.
        root: the read path.
        attempt_id: of this attempt.
        settings: how to log in.
        reporter: where news goes.
        clock: adds up the phases.

    Raises:
        FailureError: nothing can be relied on under ``root/data``.
    """
    store = ObjectStore(region=request.s3.region, phase=Phase.UNLOAD)
    with clock(Phase.CHECK):
        store.check_bucket(request.s3.bucket)
    prefix = key_prefix(request.s3, request.table, request.read_key, attempt_id) + "/"
    try:
        with clock(Phase.CONNECT):
            session = connect(settings, options=request.session, run=request.run)
        with session:
            with clock(Phase.CHECK):
                plan = _plan(session, request)
            with clock(Phase.UNLOAD):
                target = ObjectName(request.s3.bucket, prefix)
                unload = statements.unload_parquet(plan.query, target.uri, request.s3.iam_role)
                session.phase = Phase.UNLOAD
                session.execute(unload, otherwise=ErrorCode.UNLOAD_FAILED)
                rows = int(session.value(statements.UNLOADED_ROWS))
                query_ids = (int(session.value(statements.LAST_QUERY)),)
        with clock(Phase.DOWNLOAD):
            store.phase = Phase.DOWNLOAD
            unloaded = _manifest(store, target) if rows else []
            files = _downloaded(store, unloaded, root, reporter)
        _refuse_difference(rows, files)
    finally:
        _remove(store, request.s3.bucket, prefix, reporter)
    return ReadReport(
        protocol_version=PROTOCOL_VERSION,
        read_key=request.read_key,
        attempt_id=attempt_id,
        database=request.target.database,
        schema=plan.table.schema,
        table=plan.table.name,
        rows=rows,
        bytes=sum(file.bytes for file in files),
        files=files,
        columns=plan.columns,
        unload_sql=unload.text,
        query_ids=query_ids,
        seconds=dict(clock.seconds),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadPlan:
    table: Table
    columns: tuple[TableColumn, ...]
    query: Sql


def _plan(session: Session, request: ReadRequest) -> _ReadPlan:
    session.phase = Phase.CHECK
    table = folded_table(session, request.table)
    existing = columns_of(session, table)
    if existing is None:
        raise refuse(
            ErrorCode.TABLE_MISSING,
            Phase.CHECK,
            f"There is no table {table.label} in {request.target.label} that the loader can see.",
            "Materialize the asset first, or check schema and table.",
        )
    columns = tuple(_chosen(session, request, table, existing))
    nothing = TablePlan(columns=())
    rows = bind_slice(session, table, request.slice, nothing, existing) if request.slice else None
    query = statements.select_columns(table, tuple(column.name for column in columns), rows)
    return _ReadPlan(table=table, columns=columns, query=query)


def _chosen(
    session: Session, request: ReadRequest, table: Table, existing: tuple[TableColumn, ...]
) -> Iterator[TableColumn]:
    by_name = {column.name: column for column in existing}
    asked = request.columns
    seen: set[str] = set()
    for name in asked if asked is not None else by_name:
        column = by_name.get(fold(name, case_sensitive=session.case_sensitive))
        if column is None:
            raise refuse(
                ErrorCode.SCHEMA_CONFLICT,
                Phase.CHECK,
                f"{table.label} has no column {name!r}; it has {', '.join(by_name)}.",
                "Mend the input's column selection.",
            )
        if column.name in seen:
            raise refuse(
                ErrorCode.DUPLICATE_COLUMN,
                Phase.CHECK,
                f"The column selection names {name!r} twice.",
                "Name each column once.",
            )
        seen.add(column.name)
        if not _can_unload(column):
            raise refuse(
                ErrorCode.UNSUPPORTED_TYPE,
                Phase.CHECK,
                f"Column {name!r} of {table.label} is {column.type}, which this version cannot "
                "read back.",
                "Leave it out of the input's column selection.",
            )
        yield column


def _can_unload(column: TableColumn) -> bool:
    try:
        return staged_type_for(RedshiftType.parse(column.type)) is not None
    except ValueError:
        return False


def _manifest(store: ObjectStore, target: ObjectName) -> list[_Unloaded]:
    """Read the manifest that UNLOAD wrote (AWS, r_UNLOAD: MANIFEST VERBOSE)."""
    told = json.loads(store.get(ObjectName(target.bucket, target.key + "manifest")))
    return [
        _Unloaded(
            name=ObjectName.parse(entry["url"]),
            bytes=int(entry["meta"]["content_length"]),
            rows=int(entry["meta"]["record_count"]),
        )
        for entry in told["entries"]
    ]


def _downloaded(
    store: ObjectStore, unloaded: list[_Unloaded], root: Path, reporter: Reporter
) -> tuple[ReadFile, ...]:
    (root / DATA_DIR).mkdir(exist_ok=True)
    for left in (root / DATA_DIR).glob("*.parquet"):  # of an attempt that failed
        left.unlink()
    meter = ByteMeter(reporter, Phase.DOWNLOAD, sum(file.bytes for file in unloaded))
    counter = Lock()

    def count(received: int) -> None:
        with counter:
            meter.add(received)

    def fetch(numbered: tuple[int, _Unloaded]) -> ReadFile:
        number, file = numbered
        path = root / part_name(number)
        store.download(file.name, path, count)
        with path.open("rb") as opened:
            rows = read_footer(opened).rows
        return ReadFile(path=part_name(number), rows=rows, bytes=path.stat().st_size)

    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, thread_name_prefix="download") as pool:
        files = tuple(pool.map(fetch, enumerate(unloaded)))
    for promised, found in zip(unloaded, files, strict=True):
        if (promised.rows, promised.bytes) != (found.rows, found.bytes):
            raise refuse(
                ErrorCode.COUNT_MISMATCH,
                Phase.DOWNLOAD,
                f"{promised.name.uri} was unloaded with {promised.rows} rows and {promised.bytes} "
                f"bytes, and came with {found.rows} rows and {found.bytes} bytes.",
                "Read again.",
            )
    return files


def _remove(store: ObjectStore, bucket: str, prefix: str, reporter: Reporter) -> None:
    """Remove what was unloaded; that it could not be must not hide how the read ended."""
    try:
        store.delete(store.names_under(bucket, prefix))
    except Exception as error:  # noqa: BLE001  # see above
        reporter.warn(f"the unloaded files could not be removed: {error}")


def _refuse_difference(rows: int, files: tuple[ReadFile, ...]) -> None:
    found = sum(file.rows for file in files)
    if found != rows:
        raise refuse(
            ErrorCode.COUNT_MISMATCH,
            Phase.DOWNLOAD,
            f"Redshift unloaded {rows} rows, and {found} came.",
            "Read again; report it if it happens twice.",
        )
