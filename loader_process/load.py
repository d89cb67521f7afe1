"""The story of one load: check, plan, upload, prepare, load, report."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from loader_process.binding import check_slice
from loader_process.encode import measured
from loader_process.inputs import check_types, checked_inputs, refuse_lossy_inputs
from loader_process.job import LoadJob, LoadOptions
from loader_process.ledger import Ledger
from loader_process.prepare import columns_of, folded_table, refuse_view
from loader_process.redshift import Session, connect
from loader_process.reporter import ByteMeter, Reporter, Stopwatch, counted
from loader_process.s3 import ObjectStore
from loader_process.settings import Settings
from loader_process.sources import SourceReader
from loader_process.table_plan import TablePlan, plan_table
from loader_process.transaction import find_loaded
from loader_process.upload import LoadFiles, Uploader, key_prefix
from shared_protocol import (
    PROTOCOL_VERSION,
    DataColumn,
    ErrorCode,
    LoadReport,
    LoadRequest,
    LoadStatus,
    Phase,
    RowCounts,
    Table,
    TableColumn,
    WriteMode,
    refuse,
)


def load(
    request: LoadRequest,
    *,
    root: Path,
    attempt_id: str,
    folder: Path,
    settings: Settings,
    reporter: Reporter,
    clock: Stopwatch,
    options: LoadOptions,
) -> LoadReport:
    """Run one load to its end.

    Args:
        request: what to load.
        root: the staging path, for inputs named relative to it.
        attempt_id: of this attempt.
        folder: of this attempt, for parts that are encoded anew.
        settings: how to log in.
        reporter: where news goes.
        clock: adds up the phases.
        options: see there.

    Raises:
        FailureError: the load did not happen; nothing but the table's shape was changed. With the
            code ``commit_unknown`` it may have happened.
    """
    store = ObjectStore(region=request.s3.region, phase=Phase.CHECK)
    reader = SourceReader(store, root)
    open_session = partial(connect, settings, options=request.session, run=request.run)

    _refuse_unbuilt(request)
    check_types(request.columns)
    with clock(Phase.CONNECT):
        session = open_session()
    with session, clock(Phase.CHECK):
        session.phase = Phase.CHECK
        table = folded_table(session, request.table)
        ledger = Ledger(table, request.session)
        draft = _draft(request, table, attempt_id)
        found = None if options.again else find_loaded(session, ledger, draft)
        existing = columns_of(session, table)
        if found is not None and existing is not None:
            return _told(found, reporter)
        sources = checked_inputs(request, reader)
        columns = measured(reader, sources, request.columns)
        store.check_bucket(request.s3.bucket)
        plan = _first_plan(session, request, table, columns, existing)
        refuse_lossy_inputs(sources, plan)

    store.phase = Phase.UPLOAD
    meter = ByteMeter(reporter, Phase.UPLOAD, sum(source.bytes for source in sources))
    uploader = Uploader(
        store,
        reader,
        bucket=request.s3.bucket,
        prefix=key_prefix(request.s3, request.table, request.load_key, attempt_id),
        folder=folder,
        options=request.parquet,
        on_bytes=meter.add,
    )
    try:
        with clock(Phase.UPLOAD):
            files = uploader.run(sources, plan.staged_forms)
        _tell_upload(files, reporter)
        job = LoadJob(
            request=request,
            sources=sources,
            reader=reader,
            table=table,
            ledger=ledger,
            columns=columns,
            staged_forms=plan.staged_forms,
            files=files,
            draft=draft,
            open_session=open_session,
            clock=clock,
            reporter=reporter,
            options=options,
        )
        store.phase = Phase.LOAD
        report = job.run()
    finally:
        if not options.keep:
            _remove(store, uploader.result, reporter)
    if report.status is LoadStatus.ALREADY_LOADED:
        return _told(report, reporter)
    return replace(report, seconds=dict(clock.seconds))


def _draft(request: LoadRequest, table: Table, attempt_id: str) -> LoadReport:
    """Begin the report with what the request says."""
    return LoadReport(
        protocol_version=PROTOCOL_VERSION,
        load_key=request.load_key,
        attempt_id=attempt_id,
        status=LoadStatus.LOADED,
        database=request.target.database,
        schema=table.schema,
        table=table.name,
        rows=RowCounts(staged=0, deleted=0, copied=0, in_table=0),
        committed_at="",
        requested_at=request.created_at,
    )


def _told(report: LoadReport, reporter: Reporter) -> LoadReport:
    reporter.note(
        f"{report.schema}.{report.table} got this load already, at {report.committed_at} by "
        f"attempt {report.attempt_id}; no row was changed. Add --force to load it again."
    )
    return report


def _refuse_unbuilt(request: LoadRequest) -> None:
    if request.write_mode is not WriteMode.REPLACE:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.CHECK,
            f"write_mode={request.write_mode.value!r} is not in this version: it is held back "
            "until it is exactly-once.",
            "Use write_mode='replace'.",
        )


def _first_plan(
    session: Session,
    request: LoadRequest,
    table: Table,
    columns: tuple[DataColumn, ...],
    existing: tuple[TableColumn, ...] | None,
) -> TablePlan:
    """Plan before anything is sent, so that what cannot be is refused first."""
    refuse_view(session, table)
    plan = plan_table(table, columns, existing, case_sensitive=session.case_sensitive)
    if request.slice is not None:
        check_slice(session, table, request.slice, plan, existing)
    return plan


def _tell_upload(files: LoadFiles, reporter: Reporter) -> None:
    for reason in files.reasons:
        reporter.note(f"encoded anew: {reason}")
    reporter.note(
        f"on S3: {counted(len(files.files), 'file')} with {counted(files.rows, 'row')}, "
        f"{files.bytes / 1e6:.2f} MB"
    )


def _remove(store: ObjectStore, files: LoadFiles, reporter: Reporter) -> None:
    """Remove what was uploaded; that it could not be is no reason to call the load failed."""
    try:
        store.delete(files.put)
    except Exception as error:  # noqa: BLE001  # whatever it is, the load has happened or not
        reporter.warn(f"the uploaded files could not be removed: {error}")
