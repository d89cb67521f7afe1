"""How the loader process is stopped: by a signal, or by the death of who launched it."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from shared_protocol.environment import LOADER_PARENT_PID

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class InterruptedLoadError(BaseException):
    """A signal asked the loader to stop.

    No ``Exception``, so that no handler of a library takes it for an error of its own.
    """


class _Interrupts:
    """What the handlers share: the signal that came, whether it has to wait, where we are."""

    came = 0
    held = False
    in_driver = False


_AGAIN_SECONDS = 0.2


def stop_on_signals() -> None:
    """Turn the first SIGTERM, SIGINT or SIGHUP into :class:`InterruptedLoadError`.

    Later ones are passed over, so that the roll-back and the clean-up are not cut short.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt_again)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    first = not _Interrupts.came
    _Interrupts.came = number
    if first and not _Interrupts.held:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
        raise InterruptedLoadError(signal.Signals(number).name)


def _interrupt_again(number: int, frame: FrameType | None) -> None:
    del number, frame
    if _Interrupts.in_driver and not _Interrupts.held:
        raise InterruptedLoadError(signal.Signals(_Interrupts.came).name)


def stop_interrupting() -> None:
    """Call the repeated interrupt off: it has come out where it was to.

    A timer that goes on would end the interpreter while it shuts down.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def in_driver() -> Iterator[None]:
    """Mark a call of the database driver, in which an interrupt can get lost.

    ``redshift_connector`` 2.2.0 has bare ``except:`` clauses that swallow whatever is raised in
    them; while a call is marked, the interrupt is raised again until it comes out.
    """
    _Interrupts.in_driver = True
    try:
        yield
    finally:
        _Interrupts.in_driver = False
    raise_what_came()


def raise_what_came() -> None:
    """Raise the interrupt that came and was swallowed, unless it has to wait.

    Raises:
        InterruptedLoadError: see there.
    """
    if _Interrupts.came and not _Interrupts.held:
        raise InterruptedLoadError(signal.Signals(_Interrupts.came).name)


def hold_signals() -> None:
    """Let signals wait from here on: COMMIT is about to be sent.

    What was interrupted would not know whether it is committed; and once it is, there is nothing
    left to stop but the clean-up and the report.
    """
    _Interrupts.held = True


def release_signals() -> None:
    """Let signals through again: nothing was committed after all.

    Raises:
        InterruptedLoadError: one came meanwhile.
    """
    _Interrupts.held = False
    raise_what_came()


def stop_with_parent(environ: Mapping[str, str]) -> None:
    """End with SIGTERM when the launching process dies, where the launcher asked for that.

    Linux only; the signal follows the thread that launched us, which the launcher waits in.
    """
    parent = environ.get(LOADER_PARENT_PID, "")
    if not parent.isdigit() or not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before we could ask
        raise InterruptedLoadError("the launching process is gone")
