"""The load transaction: all of a load's rows, or none.

The order of its statements is the safety of the whole: see :mod:`loader_process.ledger`. It is run
anew as a whole, on a fresh connection, when Redshift says that another transaction came between.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from loader_process import statements
from loader_process.ledger import Ledger, stored_report
from loader_process.process import hold_signals, release_signals
from loader_process.redshift import Session
from loader_process.slice_sql import SliceSql
from loader_process.statements import statement_timeout
from loader_process.table_plan import StagedColumn
from shared_protocol import (
    ErrorCode,
    FailureError,
    LoadReport,
    LoadStatus,
    PartitionRows,
    Phase,
    RowCounts,
    Table,
    refuse,
)

LOOK_MS = 500
"""How long the look that may spare an upload waits for the ledger."""

_CANCELLED = "57014"  # query_canceled: statement_timeout, or a WLM rule


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWork:
    """One load, everything on S3 and the table ready.

    Attributes:
        table: the target.
        columns: COPY's column list.
        rows: the slice; None for the whole table.
        manifest_uri: what COPY reads; None where there is no row to copy.
        iam_role: who reads it.
        staged_rows: rows in the manifest's files, by their footers.
        ledger: the table's ledger.
        again: load even if the ledger has the load already, or a newer one of the same rows.
        replay: somebody repeats the load of a path that may be old.
        partition_keys: of the slice; empty for the whole table.
        check_inputs: refuses inputs on S3 that were changed while COPY read them.
        draft: the report, as far as it is known before the transaction.
    """

    table: Table
    columns: tuple[StagedColumn, ...]
    rows: SliceSql | None
    manifest_uri: str | None
    iam_role: str
    staged_rows: int
    ledger: Ledger
    again: bool
    replay: bool
    partition_keys: tuple[str, ...]
    check_inputs: Callable[[], None]
    draft: LoadReport


def load_transaction(session: Session, work: LoadWork) -> LoadReport:
    """Replace the slice's rows by the manifest's, check the counts, and commit.

    Returns:
        The report of this load; or the stored one of an earlier attempt at the same load.

    Raises:
        FailureError: nothing was changed; except ``commit_unknown``, which :func:`settle` clears.
    """
    session.phase = Phase.LOAD
    session.execute(statements.BEGIN)
    _lock(session, work.ledger)
    found = session.rows(work.ledger.find(work.draft.load_key))
    stored = _stored(found)
    if stored is not None and _is_this_staging(stored, work.draft) and not work.again:
        session.execute(statements.ROLLBACK)
        return stored
    if work.replay and not work.again:
        _refuse_older(session, work)
    deleted = session.execute(statements.delete_rows(work.table, work.rows))
    copied, query_ids = _copy(session, work)
    partitions, in_table = _checked_counts(session, work, copied)
    work.check_inputs()
    report = replace(
        work.draft,
        committed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        rows=RowCounts(staged=work.staged_rows, deleted=deleted, copied=copied, in_table=in_table),
        partitions=partitions,
        query_ids=query_ids,
    )
    session.execute(work.ledger.forget(report.load_key))
    session.execute(work.ledger.record(report))
    _commit(session)
    return report


def find_loaded(session: Session, ledger: Ledger, draft: LoadReport) -> LoadReport | None:
    """Look for a load in the ledger, to spare its upload.

    That it is there is certain; that it is not is for the transaction to say, behind the lock. A
    ledger that another load has locked is not waited for.
    """
    if not session.value(ledger.exists):
        return None
    session.execute(statement_timeout(LOOK_MS))
    try:
        stored = _stored(session.rows(ledger.find(draft.load_key)))
    except FailureError as error:
        if error.failure.code is ErrorCode.CONNECTION_LOST:
            raise
        stored = None
    session.execute(statement_timeout(session.timeout_ms))
    return stored if stored is not None and _is_this_staging(stored, draft) else None


def _is_this_staging(stored: LoadReport, draft: LoadReport) -> bool:
    """Whether a committed load was of the very data that is staged now.

    A retry that computed its data anew has the same load_key and may have other rows: to replace
    once more costs a load, to skip it would leave the old rows under a green run.
    """
    return stored.requested_at == draft.requested_at


def _refuse_older(session: Session, work: LoadWork) -> None:
    """Refuse to put old rows over newer ones of the same partitions.

    Raises:
        FailureError: code ``newer_commit``.
    """
    requested = datetime.fromisoformat(work.draft.requested_at)
    pieces: dict[str, list[str]] = {}
    for load_key, piece in session.rows(work.ledger.since(requested)):
        pieces.setdefault(str(load_key), []).append(str(piece))
    for report in filter(None, (stored_report(some) for some in pieces.values())):
        theirs = {partition.key for partition in report.partitions}
        overlaps = not theirs or not work.partition_keys or theirs & set(work.partition_keys)
        newer = report.requested_at and datetime.fromisoformat(report.requested_at) > requested
        if overlaps and newer:
            raise refuse(
                ErrorCode.NEWER_COMMIT,
                Phase.LOAD,
                f"This data was staged at {work.draft.requested_at}, and newer data of the same "
                f"rows of {work.table.label}, staged at {report.requested_at}, is loaded already.",
                "Add --force to put the old rows back.",
            )


def _lock(session: Session, ledger: Ledger) -> None:
    """Take the table's turn; a session that may not wait so long is worth another try."""
    try:
        session.execute(ledger.lock)
    except FailureError as error:
        if error.failure.details.get("sqlstate") != _CANCELLED:
            raise
        raise FailureError(replace(error.failure, code=ErrorCode.CONFLICT)) from error


def _stored(found: list[tuple[Any, ...]]) -> LoadReport | None:
    """Read the ledger's report; None where there is none, or one of another version."""
    report = stored_report([str(piece) for _, piece in found]) if found else None
    return report and replace(report, status=LoadStatus.ALREADY_LOADED)


def _copy(session: Session, work: LoadWork) -> tuple[int, tuple[int, ...]]:
    if work.manifest_uri is None:
        return 0, ()
    copy = statements.copy_parquet(work.table, work.columns, work.manifest_uri, work.iam_role)
    session.execute(copy, otherwise=ErrorCode.COPY_FAILED)
    copied = int(session.value(statements.COPIED_ROWS))
    query_ids = (int(session.value(statements.COPY_QUERY)),)
    if copied != work.staged_rows:
        raise refuse(
            ErrorCode.COUNT_MISMATCH,
            Phase.LOAD,
            f"Redshift copied {copied} rows and {work.staged_rows} were staged; nothing was kept.",
            "Look at SYS_LOAD_HISTORY and SYS_LOAD_ERROR_DETAIL for the query "
            f"{query_ids[0]}, and report it: this should not happen.",
        )
    return copied, query_ids


def _checked_counts(
    session: Session, work: LoadWork, copied: int
) -> tuple[tuple[PartitionRows, ...], int]:
    """Count what the slice and the table now hold, and refuse rows that are not the slice's."""
    in_table = int(session.value(statements.count_rows(work.table)))
    if work.rows is None:
        _refuse_difference(work, in_table, copied)
        return (), in_table
    groups = session.rows(statements.count_groups(work.table, work.rows))
    in_slice = sum(int(group[-1]) for group in groups)
    _refuse_difference(work, in_slice, copied)
    partitions = work.rows.count(groups)
    if sum(partition.rows for partition in partitions) != in_slice:
        raise refuse(
            ErrorCode.COUNT_MISMATCH,
            Phase.LOAD,
            f"The slice holds {in_slice} rows, and its partitions "
            f"{sum(partition.rows for partition in partitions)}; nothing was kept.",
            "Report it: this should not happen.",
        )
    return partitions, in_table


def _refuse_difference(work: LoadWork, held: int, copied: int) -> None:
    if held == copied:
        return
    if work.rows is not None and held < copied:
        raise refuse(
            ErrorCode.ROWS_OUTSIDE_SLICE,
            Phase.LOAD,
            f"{copied - held} of the {copied} rows do not belong to the partitions of this run, by "
            f"{work.rows.expressions}; nothing was kept.",
            "Let the asset return the rows of its partitions only, none with NULL in that column; "
            "or mend partition_expr.",
        )
    raise refuse(
        ErrorCode.COUNT_MISMATCH,
        Phase.LOAD,
        f"Redshift copied {copied} rows, and {held} are where they should be; nothing was kept.",
        "Report it: this should not happen.",
    )


def _commit(session: Session) -> None:
    hold_signals()
    try:
        session.execute(statements.COMMIT)
    except FailureError as error:
        if error.failure.code is not ErrorCode.CONNECTION_LOST:
            release_signals()
            raise
        raise _uncertain() from error
    except Exception as error:
        raise _uncertain() from error


def _uncertain() -> FailureError:
    return refuse(
        ErrorCode.COMMIT_UNKNOWN,
        Phase.LOAD,
        "The connection was lost while the load was being committed.",
    )
