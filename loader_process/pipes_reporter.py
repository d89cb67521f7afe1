"""News to Dagster through Pipes: the one home of dagster_pipes.

Outside Dagster ``open_dagster_pipes`` gives an object that takes every call and answers every
question with another such object; whether we were launched by Dagster is asked first.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from loader_process.reporter import failure_text, tell
from shared_protocol import PROTOCOL_VERSION, Outcome
from shared_protocol.messages import PipesMessage, Progress, dump_message


def is_launched_by_dagster() -> bool:
    """Whether Dagster Pipes launched this process."""
    from dagster_pipes import PipesEnvVarParamsLoader

    loader = PipesEnvVarParamsLoader()  # type: ignore[no-untyped-call]  # its __init__ has no types
    return bool(loader.is_dagster_pipes_process())


class PipesReporter:
    """Log lines at their level, progress and the outcome as custom messages.

    A channel that breaks costs the news and not the load: ``report.json`` is the authority.
    """

    def __init__(self, pipes: Any) -> None:  # noqa: ANN401  # dagster_pipes.PipesContext
        self._pipes = pipes

    def note(self, text: str) -> None:
        """Log at info."""
        with _unharmed():
            self._pipes.log.info(text)

    def warn(self, text: str) -> None:
        """Log at warning."""
        with _unharmed():
            self._pipes.log.warning(text)

    def progress(self, progress: Progress) -> None:
        """Send progress."""
        self._send(PipesMessage(protocol_version=PROTOCOL_VERSION, progress=progress))

    def finish(self, outcome: Outcome) -> None:
        """Send a copy of the outcome; a failure also goes to stderr, which Dagster keeps."""
        if outcome.failed is not None:
            tell(sys.stderr, failure_text(outcome.failed))
        self._send(PipesMessage(protocol_version=PROTOCOL_VERSION, outcome=outcome))

    def _send(self, message: PipesMessage) -> None:
        with _unharmed():
            self._pipes.report_custom_message(dump_message(message))


@contextmanager
def _unharmed() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever the channel's writer raises
        tell(sys.stderr, f"redshift-loader: news to Dagster were lost: {error}\n")


def pipes_reporter() -> AbstractContextManager[PipesReporter]:
    """Open the channel; it is closed at the end of the block.

    Raises:
        Exception: whatever dagster_pipes raises where there is no channel to be had.
    """
    from dagster_pipes import open_dagster_pipes

    return _closing(open_dagster_pipes())


@contextmanager
def _closing(pipes: Any) -> Iterator[PipesReporter]:  # noqa: ANN401  # dagster_pipes.PipesContext
    try:
        yield PipesReporter(pipes)
    finally:
        with _unharmed():
            pipes.close()
