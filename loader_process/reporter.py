"""How a load tells what it does: on a terminal, as JSON lines, or to Dagster through Pipes.

No reporter raises: a terminal that is gone or a full disk costs the news and not the load.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO

from shared_protocol import Failure, LoadReport, Outcome, Phase, ReadReport
from shared_protocol.codec import encode
from shared_protocol.messages import Progress

PROGRESS_SECONDS = 0.5
"""The least time between two reports of progress."""


class Reporter(Protocol):
    """Where a load's news goes."""

    def note(self, text: str) -> None:
        """Tell what is being done."""

    def warn(self, text: str) -> None:
        """Tell what a person should know although the load goes on."""

    def progress(self, progress: Progress) -> None:
        """Tell how far a phase is."""

    def finish(self, outcome: Outcome) -> None:
        """Tell how it ended; the last call."""


class Stopwatch:
    """Adds up wall time by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.phase = Phase.REQUEST

    @contextmanager
    def __call__(self, phase: Phase) -> Iterator[None]:
        """Time a block as part of a phase."""
        before, self.phase = self.phase, phase
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.seconds[phase.value] = round(self.seconds.get(phase.value, 0.0) + took, 4)
        self.phase = before


class ByteMeter:
    """Counts bytes and reports them at a moderate rate."""

    def __init__(self, reporter: Reporter, phase: Phase, total: int) -> None:
        self._reporter, self._phase, self._total = reporter, phase, total
        self._done = 0
        self._told_at = time.monotonic()

    def add(self, count: int) -> None:
        """Count bytes; not safe for several threads at once."""
        self._done += count
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self._reporter.progress(
                Progress(phase=self._phase, done=self._done, total=max(self._total, self._done))
            )


def tell(stream: TextIO | None, text: str) -> None:
    """Write and flush; where nobody reads any more, pass it over.

    Args:
        stream: None where the process was started with the stream closed.
        text: what to write.
    """
    if stream is None:
        return
    with suppress(OSError, ValueError):  # ValueError: the stream was closed
        stream.write(text)
        stream.flush()


class JsonReporter:
    """One JSON object per line, for programs."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out

    def note(self, text: str) -> None:
        """Write a line with ``event`` "note"."""
        self._write({"event": "note", "text": text})

    def warn(self, text: str) -> None:
        """Write a line with ``event`` "warning"."""
        self._write({"event": "warning", "text": text})

    def progress(self, progress: Progress) -> None:
        """Write a line with ``event`` "progress"."""
        self._write({"event": "progress", **encode(progress)})

    def finish(self, outcome: Outcome) -> None:
        """Write the last line, with ``event`` "outcome"."""
        self._write({"event": "outcome", **encode(outcome)})

    def _write(self, line: dict[str, object]) -> None:
        tell(self._out, json.dumps(line) + "\n")


class TerminalReporter:
    """Plain lines for a person, and a live line of progress where there is a terminal."""

    def __init__(self, out: TextIO | None, err: TextIO | None) -> None:
        self._out, self._err = out, err
        self._bar: _LiveLine | None = None

    def note(self, text: str) -> None:
        """Write a line."""
        self._line(text)

    def warn(self, text: str) -> None:
        """Write a line that says warning."""
        self._line(f"warning: {text}")

    def progress(self, progress: Progress) -> None:
        """Draw or write how far it is."""
        if self._err is None or not self._err.isatty():
            self._line(describe(progress))
            return
        with suppress(OSError):
            self._bar = self._bar or _LiveLine(self._err)
            self._bar.show(progress)

    def finish(self, outcome: Outcome) -> None:
        """Write a failure to stderr, or a summary to stdout."""
        self._end_bar()
        if outcome.failed is not None:
            tell(self._err, failure_text(outcome.failed))
        report = outcome.loaded or outcome.read
        if report is not None:
            tell(self._out, summary_text(report))

    def _line(self, text: str) -> None:
        self._end_bar()
        tell(self._err, f"{text}\n")

    def _end_bar(self) -> None:
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()
            self._bar = None


class _LiveLine:
    """A progress bar; the one home of rich."""

    def __init__(self, err: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=err),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=None)

    def show(self, progress: Progress) -> None:
        self._bar.update(
            self._task,
            description=progress.phase.value,
            completed=progress.done,
            total=progress.total or None,
        )

    def stop(self) -> None:
        self._bar.stop()


def counted(number: int, noun: str) -> str:
    """Say how many, in English: ``1 file``, ``1,000 files``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def describe(progress: Progress) -> str:
    """Say in words how far a phase is."""
    share = f" ({100 * progress.done // progress.total} %)" if progress.total else ""
    if progress.unit == "bytes":
        return f"{progress.phase.value}: {progress.done / 1e6:.1f} MB{share}"
    return f"{progress.phase.value}: {progress.done} {progress.unit}{share}"


def failure_text(failure: Failure) -> str:
    """Say what went wrong, for a terminal: the sentence, the load errors, a stack if it has one."""
    lines = [f"redshift-loader: {failure.sentence}"]
    lines += [
        f"  {row.file_name} line {row.line_number} column {row.column_name}: {row.message}"
        for row in failure.load_errors
    ]
    if failure.stack:
        lines.append(failure.stack.rstrip())
    return "\n".join(lines) + "\n"


def summary_text(report: LoadReport | ReadReport) -> str:
    """Say what was done, for a terminal."""
    table = f"{report.database}.{report.schema}.{report.table}"
    total = sum(report.seconds.values())
    phases = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in report.seconds.items())
    timing = f"  seconds       {total:.2f}: {phases}\n"
    if isinstance(report, ReadReport):
        return (
            f"read {table}\n"
            f"  rows          {report.rows}\n"
            f"  files         {len(report.files)}, {report.bytes / 1e6:.2f} MB\n" + timing
        )
    rows = report.rows
    head = "already loaded" if report.status.value == "already_loaded" else "loaded"
    text = (
        f"{head} {table}\n"
        f"  rows          {rows.staged} staged, {rows.deleted} deleted, {rows.copied} copied, "
        f"{rows.in_table} in the table\n"
        f"  files         {report.files}, {report.bytes / 1e6:.2f} MB, "
        f"{report.reencoded_files} encoded anew\n"
        f"  committed     {report.committed_at} by attempt {report.attempt_id}\n" + timing
    )
    if report.partitions:
        text += f"  partitions    {len(report.partitions)}\n"
    for change in report.schema_changes:
        text += f"  schema        {change}\n"
    for warning in report.warnings:
        text += f"  warning       {warning}\n"
    return text
