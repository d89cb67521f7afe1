"""The folder that one sandbox keeps its files in, and the sweeping of folders left by dead ones."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO

from .process import runs_as_root

PREFIX = "redshift-sandbox-"
_LONGEST_BASE = 60
"""Bytes. A unix socket's path may have 107; the folder and the socket's name need the rest."""
_LOCK = "owner.lock"
_SOCKETS = "sockets"


class Folder:
    """A folder of this sandbox's own, locked as long as its owner lives.

    Args:
        base: Where it is made; by default the first of the system's temporary folders that
            PostgreSQL can reach.
    """

    def __init__(self, base: Path | None = None) -> None:
        base = base or _base()
        sweep(base)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self.path.chmod(0o711)  # PostgreSQL's user must pass through it
        self._lock: IO[str] = (self.path / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()
        self.log = self.path / "sandbox.log"

    def remember_socket(self, path: Path) -> None:
        """Note a socket outside the folder that a killed server would leave behind."""
        with (self.path / _SOCKETS).open("a") as sockets:
            sockets.write(f"{path}\n")

    def remove(self) -> None:
        """Delete everything, then let the lock go."""
        _remove(self.path)
        self._lock.close()


def sweep(base: Path) -> None:
    """Delete the folders in `base` whose owners are dead."""
    for path in base.glob(f"{PREFIX}*"):
        try:
            if path.stat().st_uid != os.geteuid():
                continue
            with (path / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
        except OSError:
            continue  # its owner lives, or another sandbox sweeps it, or it is being made


def _remove(path: Path) -> None:
    listed = path / _SOCKETS
    if listed.exists():
        for socket in listed.read_text().splitlines():
            Path(socket).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _base() -> Path:
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        short = len(os.fsencode(candidate)) <= _LONGEST_BASE
        if short and candidate.is_dir() and os.access(candidate, os.W_OK) and reachable(candidate):
            return candidate
    raise FileNotFoundError(
        "no temporary folder has a path short enough for a unix socket and is open to PostgreSQL's"
        " user; set TMPDIR to one that is"
    )


def reachable(path: Path) -> bool:
    """Tell whether PostgreSQL's user can pass through this folder and all above it."""
    if not runs_as_root():
        return True
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))
