"""What is asked of Redshift after a transaction went wrong: did COMMIT land, why did COPY fail."""

import time
from collections.abc import Callable
from typing import Any

from loader_process import statements
from loader_process.ledger import stored_report
from loader_process.process import release_signals
from loader_process.redshift import Session
from loader_process.reporter import Reporter
from loader_process.retry import settling_attempts
from loader_process.statements import statement_timeout
from loader_process.transaction import LoadWork
from shared_protocol import ErrorCode, Failure, FailureError, LoadErrorRow, LoadReport, Phase

SETTLE_LOCK_MS = 60_000
"""How long an uncertain COMMIT's lock is waited for before its session is ended."""

# The record is seen some seconds after the error, 1.5 to 12 on one serverless workgroup.
_RECORD_WAITS = (1.0, 3.0)


def settle(
    open_session: Callable[[], Session], work: LoadWork, lost_pid: int, reporter: Reporter
) -> LoadReport | None:
    """Find out whether an uncertain COMMIT took effect.

    Never by a look alone: the old COMMIT may still land after it. The ledger's lock is waited for,
    which the old transaction holds to its end; after a while its session is ended. A server that
    does not answer, as while it starts again, is asked again for minutes.

    Returns:
        The stored report if it did, None if it did not.

    Raises:
        FailureError: ``commit_unknown``: it cannot be told; the sentence has the query that can.
    """
    found: list[tuple[Any, ...]] = []
    try:
        for attempt in settling_attempts(reporter):
            with attempt, open_session() as session:
                session.phase = Phase.LOAD
                found = _look_behind_the_lock(session, work, lost_pid)
    except FailureError as error:
        raise FailureError(_unknown(work, error.failure.message)) from error
    except Exception as error:
        raise FailureError(_unknown(work, f"{type(error).__name__}: {error}")) from error
    mine = [str(piece) for attempt_id, piece in found if attempt_id == work.draft.attempt_id]
    if not mine:
        release_signals()
        return None
    return stored_report(mine) or work.draft


def _look_behind_the_lock(session: Session, work: LoadWork, lost_pid: int) -> list[tuple[Any, ...]]:
    session.execute(statement_timeout(SETTLE_LOCK_MS))
    try:
        session.execute(statements.BEGIN)
        session.execute(work.ledger.lock)
    except FailureError as error:
        if error.failure.code is ErrorCode.CONNECTION_LOST:
            raise
        session.execute(statements.ROLLBACK)
        session.rows(statements.end_session(lost_pid))
        session.execute(statements.BEGIN)
        session.execute(work.ledger.lock)
    found = session.rows(work.ledger.find(work.draft.load_key))
    session.execute(statements.ROLLBACK)
    return found


def _unknown(work: LoadWork, reason: str) -> Failure:
    query = work.ledger.find(work.draft.load_key).text
    return Failure(
        code=ErrorCode.COMMIT_UNKNOWN,
        phase=Phase.LOAD,
        message=(
            "The connection was lost while the load was being committed, and whether it was cannot "
            f"be told: {reason}"
        ),
        hint=(
            "Run this; a row with the attempt "
            f"{work.draft.attempt_id} means that it was committed: {query}"
        ),
    )


def load_error_rows(session: Session, failed_pid: int) -> tuple[LoadErrorRow, ...]:
    """Read what Redshift recorded of the COPY that failed in another session of ours.

    Source: AWS, r_SYS_LOAD_ERROR_DETAIL. The session had one COPY, so that its rows are the COPY's.
    """
    try:
        rows = session.rows(statements.load_errors(failed_pid))
        for seconds in _RECORD_WAITS:
            if rows:
                break
            time.sleep(seconds)
            rows = session.rows(statements.load_errors(failed_pid))
    except FailureError:
        return ()  # not every user may read it; the COPY's own error is told all the same
    return tuple(
        LoadErrorRow(
            file_name=str(file_name or "").strip(),
            line_number=line_number,
            column_name=str(column_name or "").strip() or None,
            column_type=str(column_type or "").strip() or None,
            error_code=error_code,
            message=str(message or "").strip(),
        )
        for file_name, line_number, column_name, column_type, error_code, message in rows
    )
