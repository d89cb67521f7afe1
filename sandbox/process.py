"""Programs that the sandbox starts, and how they end with it.

On Linux each child asks the kernel for a signal when its parent dies, so that nothing outlives a
sandbox that was killed. The kernel watches the *thread* that started the child; all are started
from one thread that lives as long as the process.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

NOBODY = 65534
"""The user that PostgreSQL runs as when the sandbox runs as root, which PostgreSQL refuses."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def runs_as_root() -> bool:
    """Tell whether this process may change its user."""
    return os.geteuid() == 0


class _Starter(threading.Thread):
    """Starts children on behalf of other threads, and never ends before the process does."""

    def __init__(self) -> None:
        super().__init__(name="sandbox-starter", daemon=True)
        self._orders: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            future, order = self._orders.get()
            try:
                future.set_result(order())
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that ordered
                future.set_exception(error)

    def carry_out(self, order: Callable[[], Any]) -> Any:  # noqa: ANN401 - the order's own result
        future: Future[Any] = Future()
        self._orders.put((future, order))
        return future.result()


_starter: _Starter | None = None
_starter_lock = threading.Lock()


def start(
    command: Sequence[object],
    *,
    log: Path | None = None,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    as_nobody: bool = False,
    when_orphaned: signal.Signals = signal.SIGKILL,
    in_foreground: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process.

    Args:
        command: The program and its arguments; paths and numbers are written as text.
        log: A file that takes its output; None lets it use ours.
        cwd: Its working directory.
        env: Its environment.
        as_nobody: Whether to drop root's rights; ignored when this process is not root.
        when_orphaned: The signal that it gets when this process dies (Linux).
        in_foreground: Whether it stays in our process group, so that the terminal's Ctrl-C
            reaches it. Servers do not: they are stopped in order.
    """
    global _starter  # noqa: PLW0603 - one thread for the whole process
    with _starter_lock:
        if _starter is None or not _starter.is_alive():
            _starter = _Starter()
        starter = _starter
    user: dict[str, Any] = {}
    if as_nobody and runs_as_root():
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    parent = os.getpid()

    def prepare_child() -> None:
        # Runs after the change of user, which would clear the setting.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, when_orphaned)
            if os.getppid() != parent:
                os._exit(1)

    def order() -> subprocess.Popen[bytes]:
        output = log.open("ab") if log else None
        try:
            return subprocess.Popen(
                list(map(str, command)),
                stdin=None if in_foreground else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=dict(env) if env is not None else None,
                start_new_session=not in_foreground,
                preexec_fn=prepare_child,  # noqa: PLW1509 - it only makes two system calls
                **user,
            )
        finally:
            if output:
                output.close()

    process: subprocess.Popen[bytes] = starter.carry_out(order)
    return process


def stop(process: subprocess.Popen[bytes], how: signal.Signals, patience: float) -> None:
    """End a program: ask, wait `patience` seconds, then kill."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
