"""The loader as a process of its own, the way a shell or Dagster starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Sandbox
from shared_protocol import Failure, LoadReport, Outcome, ReadReport
from shared_protocol.staging_path import ATTEMPTS_DIR, REPORT_FILE, parse_outcome


@dataclass
class Finished:
    """How a loader process ended."""

    exit_code: int
    stdout: str
    stderr: str
    outcome: Outcome | None

    @property
    def loaded(self) -> LoadReport:
        assert self.outcome is not None, self.stderr
        assert self.outcome.loaded is not None, self.stderr
        assert self.exit_code == 0
        return self.outcome.loaded

    @property
    def read(self) -> ReadReport:
        assert self.outcome is not None, self.stderr
        assert self.outcome.read is not None, self.stderr
        return self.outcome.read

    @property
    def failed(self) -> Failure:
        assert self.outcome is not None, self.stderr
        assert self.outcome.failed is not None, self.stdout
        return self.outcome.failed


class Loader:
    """Starts loader processes; none outlives the test."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, path: Path | str, *arguments: str, command: str = "load", **environ: str | None
    ) -> subprocess.Popen[str]:
        merged = {**os.environ, **environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "loader_process", command, str(path), *arguments],
            env={name: value for name, value in merged.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], path: Path | str) -> Finished:
        stdout, stderr = process.communicate(timeout=120)
        return Finished(process.returncode, stdout, stderr, last_outcome(path))

    def __call__(
        self, path: Path | str, *arguments: str, command: str = "load", **environ: str | None
    ) -> Finished:
        return self.finish(self.start(path, *arguments, command=command, **environ), path)


def last_outcome(path: Path | str) -> Outcome | None:
    attempts = sorted((Path(path) / ATTEMPTS_DIR).glob("*"))
    report = attempts[-1] / REPORT_FILE if attempts else None
    return parse_outcome(report.read_bytes()) if report and report.exists() else None


@pytest.fixture
def loader(box: Sandbox) -> Iterator[Loader]:
    made = Loader()
    yield made
    for process in made.started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to become true, or fail."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)
