"""What is tried again inside the loader, how often, and how long it waits between."""

from collections.abc import Iterator
from typing import Any

from loader_process.process import raise_what_came
from loader_process.reporter import Reporter
from shared_protocol import ErrorCode, FailureError

TRIES = 8
SETTLING_TRIES = 20
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0

# What another try on a fresh connection can overcome. A wrong address is not among it: the load's
# first connection was made before, outside of these.
_OVERCOME = frozenset({ErrorCode.CONFLICT, ErrorCode.CONNECTION_LOST, ErrorCode.UNREACHABLE})


class OvertakenError(FailureError):
    """A conflict that only a new load can overcome, because its data has to be sent again."""


def transaction_attempts(reporter: Reporter) -> Iterator[Any]:
    """Give context managers, one for each try, that swallow what the next try can overcome.

    Waits between tries grow from half a second to 20 seconds, with jitter.
    """
    return _attempts(reporter, TRIES)


def settling_attempts(reporter: Reporter) -> Iterator[Any]:
    """Give context managers for asking after an uncertain COMMIT: for about five minutes."""
    return _attempts(reporter, SETTLING_TRIES)


def _attempts(reporter: Reporter, tries: int) -> Iterator[Any]:
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    def can_overcome(error: Exception) -> bool:
        raise_what_came()  # an interrupted statement looks like a lost connection
        if not isinstance(error, FailureError) or isinstance(error, OvertakenError):
            return False
        if error.failure.code not in _OVERCOME:
            return False
        reporter.warn(f"trying again: {error.failure.message}")
        return True

    set_on_retry_hooks([])  # we tell it ourselves
    yield from stamina.retry_context(
        on=can_overcome,
        attempts=tries,
        timeout=None,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
    )
