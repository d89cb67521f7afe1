"""The story of one load: check, plan, upload, prepare, load, report."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from loader_process.binding import bind_slice, check_slice
from loader_process.encode import check_types, measured
from loader_process.ledger import Ledger
from loader_process.prepare import (
    columns_of,
    described_columns,
    folded_table,
    prepare,
    refuse_view,
)
from loader_process.redshift import Session, connect
from loader_process.reporter import ByteMeter, Reporter, Stopwatch
from loader_process.retry import OvertakenError, transaction_attempts
from loader_process.s3 import ObjectStore
from loader_process.settings import Settings
from loader_process.sources import Source, SourceReader
from loader_process.statements import copy_parquet
from loader_process.table_plan import TablePlan, goes_into, plan_table
from loader_process.transaction import (
    LoadWork,
    find_loaded,
    load_error_rows,
    load_transaction,
    settle,
)
from loader_process.upload import LoadFiles, Uploader, key_prefix
from shared_protocol import (
    PROTOCOL_VERSION,
    DataColumn,
    ErrorCode,
    Failure,
    FailureError,
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
from shared_protocol.type_table import UnsupportedTypeError


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What whoever runs the loader may choose.

    Attributes:
        again: load even if the ledger has the load already.
        keep: leave the uploaded Parquet on S3.
        replay: somebody repeats the load of a path that may be old; newer rows are not replaced.
    """

    again: bool = False
    keep: bool = False
    replay: bool = False


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
        sources = _checked_sources(request, reader)
        columns = measured(reader, sources, request.columns)
        store.check_bucket(request.s3.bucket)
        plan = _first_plan(session, request, table, columns, existing)
        _refuse_lossy_files(sources, plan)

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
        job = _Job(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A load whose data is on S3: what every attempt at its transaction needs."""

    request: LoadRequest
    sources: tuple[Source, ...]
    reader: SourceReader
    table: Table
    ledger: Ledger
    columns: tuple[DataColumn, ...]
    staged_forms: tuple[tuple[str, str], ...]
    files: LoadFiles
    draft: LoadReport
    open_session: Callable[[], Session]
    clock: Stopwatch
    reporter: Reporter
    options: LoadOptions

    def run(self) -> LoadReport:
        """Try the transaction until it is committed, refused, or has been tried often enough."""
        for attempt in transaction_attempts(self.reporter):
            with attempt:
                return self._attempt()
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self) -> LoadReport:
        with self.clock(Phase.CONNECT):
            session = self.open_session()
        with session:
            with self.clock(Phase.PREPARE):
                work = self._prepared(session)
            with self.clock(Phase.LOAD):
                try:
                    return load_transaction(session, work)
                except FailureError as error:
                    session.close()
                    return self._recovered(work, session.pid, error)

    def _prepared(self, session: Session) -> LoadWork:
        session.phase = Phase.PREPARE
        plan, changes = prepare(session, self.table, self.columns, self.ledger)
        if plan.staged_forms != self.staged_forms:
            raise OvertakenError(
                Failure(
                    code=ErrorCode.CONFLICT,
                    phase=Phase.PREPARE,
                    message=(
                        f"{self.table.label} was changed while the data was being uploaded, so "
                        "that it would have to be encoded otherwise."
                    ),
                    hint="Load again.",
                )
            )
        existing = described_columns(session, self.request.target.database, self.table)
        slice_ = self.request.slice
        return LoadWork(
            table=self.table,
            columns=plan.columns,
            rows=bind_slice(session, self.table, slice_, plan, existing) if slice_ else None,
            manifest_uri=self.files.manifest.uri if self.files.manifest else None,
            iam_role=self.request.s3.iam_role,
            staged_rows=self.files.rows,
            ledger=self.ledger,
            # A table that had to be made does not hold what the ledger says of it.
            again=self.options.again or bool(plan.create),
            replay=self.options.replay,
            partition_keys=self.request.partition_keys,
            check_inputs=self._check_inputs,
            draft=self._completed(plan, existing, changes),
        )

    def _completed(
        self, plan: TablePlan, existing: tuple[TableColumn, ...], changes: tuple[str, ...]
    ) -> LoadReport:
        """Add to the draft what is known before the transaction."""
        manifest, role = self.files.manifest, self.request.s3.iam_role
        copy = copy_parquet(self.table, plan.columns, manifest.uri, role).text if manifest else ""
        return replace(
            self.draft,
            rows=RowCounts(staged=self.files.rows, deleted=0, copied=0, in_table=0),
            files=len(self.files.files),
            bytes=self.files.bytes,
            reencoded_files=self.files.reencoded,
            columns=existing,
            schema_changes=changes,
            copy_sql=copy,
            seconds=dict(self.clock.seconds),
        )

    def _check_inputs(self) -> None:
        """Make sure that what COPY read where it lies is what was checked: it names no version."""
        for source in self.sources:
            if source.object_name is not None:
                self.reader.check_again(source)

    def _recovered(self, work: LoadWork, pid: int, error: FailureError) -> LoadReport:
        """Settle an uncertain COMMIT, and add Redshift's record to the error of a COPY."""
        failure = error.failure
        if failure.code is ErrorCode.COMMIT_UNKNOWN:
            report = settle(self.open_session, work, pid, self.reporter)
            if report is not None:
                return report
            raise FailureError(
                replace(failure, code=ErrorCode.CONNECTION_LOST, hint="It was not committed.")
            ) from error
        if failure.code is ErrorCode.COPY_FAILED:
            raise FailureError(self._explained(failure, pid)) from error
        raise error

    def _explained(self, failure: Failure, pid: int) -> Failure:
        try:
            with self.open_session() as session:
                session.phase = Phase.LOAD
                if self._was_altered(session):
                    return replace(failure, code=ErrorCode.CONFLICT)
                return replace(failure, load_errors=load_error_rows(session, pid))
        except FailureError:
            return failure  # the COPY's own error is the one to tell

    def _was_altered(self, session: Session) -> bool:
        """Whether another session took back what this load had prepared.

        Two loads may widen one column at once, and Redshift lets the later ALTER make it shorter
        again while no row is longer (AWS, r_ALTER_TABLE).
        """
        existing = columns_of(session, self.table)
        plan = plan_table(self.table, self.columns, existing, case_sensitive=session.case_sensitive)
        return bool(plan.create or plan.add or plan.widen)


def _refuse_unbuilt(request: LoadRequest) -> None:
    if request.write_mode is not WriteMode.REPLACE:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.CHECK,
            f"write_mode={request.write_mode.value!r} is not in this version: it is held back "
            "until it is exactly-once.",
            "Use write_mode='replace'.",
        )


def _checked_sources(request: LoadRequest, reader: SourceReader) -> tuple[Source, ...]:
    sources = tuple(reader.check(promised) for promised in request.inputs)
    expected = {column.name for column in request.columns}
    seen: set[str] = set()
    for source in sources:
        found = [column.name for column in source.footer.columns]
        if set(found) != expected or len(found) != len(expected):
            odd = sorted(expected.symmetric_difference(found)) or ["one of them twice"]
            raise refuse(
                ErrorCode.INPUT_CHANGED,
                Phase.CHECK,
                f"The input {source.uri} has other columns than the request: {', '.join(odd)}.",
                "Let all files of one load have the same columns.",
            )
        if source.identity in seen:
            raise refuse(
                ErrorCode.BAD_REQUEST,
                Phase.CHECK,
                f"The input {source.uri} is listed twice, and its rows would be doubled.",
                "List each file once.",
            )
        seen.add(source.identity)
    return sources


def _refuse_lossy_files(sources: tuple[Source, ...], plan: TablePlan) -> None:
    """Refuse a file whose column is of another type than the first file's, and would lose by it."""
    columns = {column.data_name: column for column in plan.columns}
    for source in sources:
        for found in source.footer.columns:
            column = columns[found.name]
            try:
                fits = goes_into(found.arrow_type, column.type)
            except UnsupportedTypeError:
                fits = False
            if not fits:
                raise refuse(
                    ErrorCode.SCHEMA_CONFLICT,
                    Phase.CHECK,
                    f"Column {found.name!r} is {found.arrow_type} in {source.uri} and "
                    f"{column.type} in the table; one does not go into the other without loss.",
                    "Let all files of one load have the same types.",
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
        f"{len(files.files)} files with {files.rows} rows and {files.bytes / 1e6:.2f} MB are on S3"
    )


def _remove(store: ObjectStore, files: LoadFiles, reporter: Reporter) -> None:
    """Remove what was uploaded; that it could not be is no reason to call the load failed."""
    try:
        store.delete(files.put)
    except Exception as error:  # noqa: BLE001  # whatever it is, the load has happened or not
        reporter.warn(f"the uploaded files could not be removed: {error}")
