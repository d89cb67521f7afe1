"""How a loader's start is judged: by the report that it left, and never by its exit code alone."""

from orchestrator.launchers import Launcher, LoaderCall, LoaderEnd
from orchestrator.staging import StagingPath
from shared_protocol import ErrorCode, ExitCode, Failure, FailureError, Outcome, Phase

_MEMORY_HINT = (
    "Nobody but the machine kills with SIGKILL unasked: it most likely ran out of memory. Give the "
    "step more, or let fewer loads run at once."
)


def run_loader(launcher: Launcher, call: LoaderCall, staging: StagingPath) -> Outcome:
    """Start a loader on a staging path and give the outcome of that very start.

    The report on disk is the authority, the copy that came through Pipes stands in for it.

    Raises:
        FailureError: the loader failed, or it ended without a word about the data.
    """
    before = staging.last_attempt()
    end = launcher.launch(call)
    outcome = _outcome_of(end, staging, before)
    if outcome is None:
        raise FailureError(_silent(end))
    if outcome.failed is not None:
        raise FailureError(outcome.failed)
    if (outcome.loaded if call.verb == "load" else outcome.read) is None:
        raise FailureError(
            Failure(
                code=ErrorCode.INTERNAL,
                phase=Phase.REPORT,
                message=f"The loader was asked to {call.verb}, and reported something else.",
            )
        )
    return outcome


def _outcome_of(end: LoaderEnd, staging: StagingPath, before: int) -> Outcome | None:
    told = end.messages.outcome
    claimed = told is not None and told.failed and told.failed.code is ErrorCode.PATH_CLAIMED
    # A loader that found the path claimed has no attempt of its own: the newest is the other's.
    return told if claimed else staging.outcome_after(before) or told


def _silent(end: LoaderEnd) -> Failure:
    if end.signal is not None:
        return Failure(
            code=ErrorCode.KILLED,
            phase=Phase.REPORT,
            message=f"The loader process was killed by {end.signal} before it reported.",
            hint=_MEMORY_HINT if end.signal == "SIGKILL" else "",
            details={"signal": end.signal},
        )
    how = "ended" if end.exit_code is None else f"exited with {_named(end.exit_code)}"
    return Failure(
        code=ErrorCode.NO_REPORT,
        phase=Phase.REPORT,
        message=f"The loader process {how}, and left no report of what it did.",
        hint="See what it printed, in the step's compute logs.",
        details={} if end.exit_code is None else {"exit_code": str(end.exit_code)},
    )


def _named(code: int) -> str:
    if code == ExitCode.DONE or code not in list(ExitCode):
        return str(code)
    return f"{code} ({ExitCode(code).name.lower().replace('_', ' ')})"
