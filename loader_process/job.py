"""A load whose data is on S3: its attempts at the table, until one is committed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from loader_process.aftermath import load_error_rows, settle
from loader_process.binding import bind_slice
from loader_process.ledger import Ledger
from loader_process.prepare import columns_of, described_columns, prepare
from loader_process.redshift import Session
from loader_process.reporter import Reporter, Stopwatch
from loader_process.retry import OvertakenError, transaction_attempts
from loader_process.sources import Source, SourceReader
from loader_process.statements import copy_parquet
from loader_process.table_plan import TablePlan, plan_table
from loader_process.transaction import LoadWork, load_transaction
from loader_process.upload import LoadFiles
from shared_protocol import (
    DataColumn,
    ErrorCode,
    Failure,
    FailureError,
    LoadReport,
    LoadRequest,
    Phase,
    RowCounts,
    Table,
    TableColumn,
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob:
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
