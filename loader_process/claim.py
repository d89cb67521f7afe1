"""Staging paths on the local disk: the request, the claim of an attempt, its outcome."""

import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from shared_protocol import ErrorCode, Outcome, Phase, refuse
from shared_protocol.staging_path import (
    ATTEMPTS_DIR,
    CLAIM_BEAT_SECONDS,
    CLAIM_FILE,
    CLAIM_LEASE_SECONDS,
    REPORT_FILE,
    REQUEST_FILE,
    attempt_dir,
    dump_outcome,
)


def read_request_text(path: Path) -> bytes:
    """Read ``request.json`` of a staging path.

    Raises:
        FailureError: ``input_missing`` where there is none: the staging path is torn, or no
            staging path.
    """
    try:
        return (path / REQUEST_FILE).read_bytes()
    except OSError as error:
        raise refuse(
            ErrorCode.INPUT_MISSING,
            Phase.REQUEST,
            f"{path} holds no {REQUEST_FILE} ({error.strerror}), so that it is no complete staging "
            "path.",
            "Give the path that the failed run's error names; one that was torn while staging "
            "cannot be loaded.",
        ) from error


class Attempt:
    """This process's turn at a staging path, from its claim to its outcome.

    Attempts are numbered and their folder is made exclusively, so that of two loaders that start at
    once one loses. A claim is alive while its file is touched; a dead one is passed over.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.id = f"{number:04d}-{secrets.token_hex(4)}"
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None

    @classmethod
    def claim(cls, path: Path) -> "Attempt":
        """Take the next turn at a staging path.

        Raises:
            FailureError: ``path_claimed`` while another loader is at it.
        """
        attempts = path / ATTEMPTS_DIR
        attempts.mkdir(exist_ok=True)
        numbers = sorted(int(entry.name) for entry in attempts.iterdir() if entry.name.isdigit())
        for number in numbers:
            _refuse_if_alive(path / attempt_dir(number))
        number = numbers[-1] + 1 if numbers else 1
        folder = path / attempt_dir(number)
        try:
            folder.mkdir()
        except FileExistsError as error:
            raise _claimed(folder, "just now") from error
        attempt = cls(folder, number)
        attempt._sign()
        return attempt

    def _sign(self) -> None:
        claim = {
            "attempt_id": self.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "pid_namespace": _pid_namespace(),
            "claimed_at": datetime.now(UTC).isoformat(),
        }
        (self.folder / CLAIM_FILE).write_text(json.dumps(claim) + "\n", encoding="utf-8")
        self._beat = threading.Thread(target=self._keep_alive, name="claim", daemon=True)
        self._beat.start()

    def _keep_alive(self) -> None:
        while not self._stop.wait(CLAIM_BEAT_SECONDS):
            # A staging path that was removed under us ends the beat, not the load.
            with suppress(OSError):
                os.utime(self.folder / CLAIM_FILE)

    def finish(self, outcome: Outcome) -> None:
        """Write the outcome, atomically, and let go of the path."""
        self._stop.set()
        if self._beat is not None:
            self._beat.join()
        draft = self.folder / (REPORT_FILE + ".tmp")
        with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(dump_outcome(outcome))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / REPORT_FILE)


def _refuse_if_alive(folder: Path) -> None:
    if (folder / REPORT_FILE).exists():
        return
    claim = folder / CLAIM_FILE
    try:
        age = time.time() - (claim if claim.exists() else folder).stat().st_mtime
    except OSError:
        return
    if age > CLAIM_LEASE_SECONDS or _is_dead(claim):
        return
    raise _claimed(folder, f"{age:.0f} s ago")


def _is_dead(claim: Path) -> bool:
    """Tell whether the claim's process is known to be gone, which only its own host can say."""
    try:
        told = json.loads(claim.read_text(encoding="utf-8"))
        if (told["host"], told["pid_namespace"]) != (socket.gethostname(), _pid_namespace()):
            return False
        os.kill(int(told["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError):
        return False
    return False


def _pid_namespace() -> str:
    # A container may share the host's name, and number its processes anew.
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _claimed(folder: Path, when: str) -> Exception:
    return refuse(
        ErrorCode.PATH_CLAIMED,
        Phase.REQUEST,
        f"Another loader is at work on this staging path ({folder.name}, last seen {when}).",
        f"Wait for it to end; a loader that died is passed over after {CLAIM_LEASE_SECONDS:.0f} s.",
    )
