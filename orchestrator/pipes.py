"""A reader of Pipes messages that nothing a loader writes can stop.

The stock reader of a temporary file takes half a line for a line: its thread then dies, every later
message is lost, and the run is green. This one waits for the end of the line, and passes over what
it does not understand.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_pipes import (
    DAGSTER_PIPES_CONTEXT_ENV_VAR,
    DAGSTER_PIPES_MESSAGES_ENV_VAR,
    PipesDefaultMessageWriter,
    PipesParams,
)

from shared_protocol.messages import Progress, parse_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import PipesMessageHandler

    from shared_protocol import Outcome

PIPES_VARIABLES = frozenset({DAGSTER_PIPES_CONTEXT_ENV_VAR, DAGSTER_PIPES_MESSAGES_ENV_VAR})
"""The environment variables that lead a process to its Pipes session."""

_POLL_SECONDS = 0.02
_PROGRESS_SECONDS = 5.0
_METHODS = frozenset({"opened", "closed", "log", "log_external_stream"})
"""What a loader sends besides its own messages: no materialization, which is not its to report."""


class LoaderMessages(dg.PipesMessageReader):
    """Reads one loader's messages, and keeps what they said; one instance serves one start.

    Attributes:
        outcome: the copy of the outcome that the loader sent, if it arrived.
        passed_over: how many lines were no message of a loader's.
    """

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self._last_phase = ""
        self._last_told = 0.0
        self.outcome: Outcome | None = None
        self.passed_over = 0

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Follow a file of messages for as long as the session lasts, and read it to its end."""
        with tempfile.TemporaryDirectory(prefix="redshift-loader-pipes-") as folder:
            path = Path(folder) / "messages"
            path.touch()
            ended = Event()
            thread = Thread(target=self._follow, args=(path, handler, ended), daemon=True)
            thread.start()
            try:
                yield {
                    PipesDefaultMessageWriter.FILE_PATH_KEY: str(path),
                    PipesDefaultMessageWriter.INCLUDE_STDIO_IN_MESSAGES_KEY: False,
                }
            finally:
                ended.set()
                thread.join()
        if self.passed_over:
            self._log.warning(
                f"{self.passed_over} messages of the loader were not understood and passed over; "
                "its report on disk is complete."
            )

    @property
    def expected_writer_count(self) -> int:
        """One loader writes. Dagster's own property is a preview, and warns of that every time."""
        return 1

    def no_messages_debug_text(self) -> str:
        """Say where messages were looked for."""
        return "Looked for messages in a temporary file on this machine."

    def _follow(self, path: Path, handler: PipesMessageHandler, ended: Event) -> None:
        rest = b""
        with path.open("rb") as file:
            while True:
                last_look = ended.is_set()
                if chunk := file.read(1 << 20):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        self._take(line, handler)
                elif last_look:
                    break
                else:
                    ended.wait(_POLL_SECONDS)
        if rest:  # a loader that was killed in the middle of a word
            self.passed_over += 1

    def _take(self, line: bytes, handler: PipesMessageHandler) -> None:
        try:
            message = json.loads(line)
            method = message["method"]
            if method == "report_custom_message":
                self._take_custom(message["params"]["payload"])
            elif method in _METHODS:
                handler.handle_message(message)
            else:
                self.passed_over += 1
        except Exception:  # noqa: BLE001  # whatever one line does, the next ones are read
            self.passed_over += 1

    def _take_custom(self, payload: Any) -> None:  # noqa: ANN401  # JSON has no narrower type
        message = parse_message(payload)
        if message is None:
            self.passed_over += 1
            return
        if message.outcome is not None:
            self.outcome = message.outcome
        if message.progress is not None:
            self._tell(message.progress)

    def _tell(self, progress: Progress) -> None:
        """Log progress: when a phase begins, and then every few seconds."""
        now = time.monotonic()
        if progress.phase == self._last_phase and now - self._last_told < _PROGRESS_SECONDS:
            return
        self._last_phase, self._last_told = progress.phase, now
        self._log.info(progress_text(progress))


def progress_text(progress: Progress) -> str:
    """Say how far a phase is."""
    if progress.unit == "bytes":
        done, total = f"{progress.done / 1e6:,.1f}", f"{progress.total / 1e6:,.1f} MB"
    else:
        done, total = f"{progress.done:,}", f"{progress.total:,} {progress.unit}"
    if not progress.total:
        return f"{progress.phase}: {done} {'MB' if progress.unit == 'bytes' else progress.unit}"
    return f"{progress.phase}: {done} of {total} ({100 * progress.done // progress.total} %)"
