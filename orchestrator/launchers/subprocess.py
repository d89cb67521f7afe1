"""A loader as a child process of the step."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from pydantic import Field

from orchestrator.launchers.base import Launcher, LoaderCall, LoaderEnd
from orchestrator.pipes import PIPES_VARIABLES, LoaderMessages
from shared_protocol import ErrorCode, Phase, refuse
from shared_protocol.environment import LOADER_PARENT_PID


class SubprocessLauncher(Launcher):
    """Runs the loader as a child process, on the machine of the step.

    On an interrupt the loader gets SIGINT, rolls back and reports; after ``grace_seconds`` its
    whole process group is killed.
    """

    grace_seconds: float = Field(
        default=20.0, ge=0, description="Seconds between SIGINT and SIGKILL at an interrupt."
    )
    command: list[str] = Field(
        default_factory=list,
        description=(
            "The loader's program and first arguments; empty is this Python with -m loader_process."
        ),
    )

    def launch(self, call: LoaderCall) -> LoaderEnd:
        """Run a loader to its end, in this thread from start to end.

        The loader asks the kernel to end it with the *thread* that started it, so that a step that
        is killed leaves no loader behind (Linux, ``PR_SET_PDEATHSIG``).

        Raises:
            FailureError: the program could not be started.
        """
        command = self.command or [sys.executable, "-m", "loader_process"]
        messages = LoaderMessages(call.log)
        with call.pipes_session(messages) as bootstrap:
            code = self._run(
                [*command, call.verb, call.staging_path],
                {**_inherited(call), LOADER_PARENT_PID: str(os.getpid()), **bootstrap},
            )
        return LoaderEnd(
            exit_code=code if code >= 0 else None,
            signal=_signal_name(-code) if code < 0 else None,
            messages=messages,
        )

    def _run(self, command: list[str], environment: Mapping[str, str]) -> int:
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                # Ctrl-C in a terminal goes to the step, which passes it on: once, and in order.
                start_new_session=True,
            )
        except OSError as error:
            raise refuse(
                ErrorCode.SETTINGS_MISSING,
                Phase.LAUNCH,
                f"The loader {command[0]!r} cannot be started: {error.strerror or error}.",
                "Check SubprocessLauncher(command=...).",
            ) from error
        try:
            _await_end(process)
            return process.wait()
        except BaseException:
            self._stop(process)
            raise

    def _stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask the loader to end, and make it."""
        try:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            process.wait(self.grace_seconds)
        except BaseException:  # noqa: BLE001  # a second interrupt means: at once
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_end(process: "subprocess.Popen[bytes]") -> None:
    """Wait in a way that an interrupt breaks off.

    polars sets SIGINT's action anew when it is imported, so that a wait for a child is taken up
    again before Python hears of the signal (seen with polars 2.1); a poll never is (signal(7)).
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # no Linux, an old one, or a sandbox: the wait has to do
        return
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        while not poller.poll():
            continue
    finally:
        os.close(descriptor)


def _inherited(call: LoaderCall) -> dict[str, str]:
    """Drop the Pipes session that this very step may itself run in: it is not the loader's."""
    return {name: value for name, value in call.environment.items() if name not in PIPES_VARIABLES}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
