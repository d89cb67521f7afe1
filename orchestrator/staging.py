"""A staging path on local disk: made, filled, asked for its outcome, removed."""

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.data_uris import is_data_uris, list_data_uris
from orchestrator.frames import to_frame
from orchestrator.parquet_parts import ROWS_PER_PART, Parts, write_parts
from shared_protocol import ErrorCode, LoadRequest, Outcome, Phase, ReadRequest, refuse
from shared_protocol.staging_path import (
    ATTEMPTS_DIR,
    CLAIM_FILE,
    CLAIM_LEASE_SECONDS,
    REPORT_FILE,
    REQUEST_FILE,
    attempt_dir,
    dump_request,
    parse_outcome,
)


@dataclass(frozen=True, slots=True)
class StagingPath:
    """One staging path; what lies under it is told by ``shared_protocol.staging_path``."""

    path: Path

    def fill(self, data: object, *, region: str = "", rows_per_part: int = ROWS_PER_PART) -> Parts:
        """Write a frame's parts here, or list the files that data URIs name.

        Args:
            data: what the asset returned.
            region: of S3, for data URIs; empty leaves it to the environment.
            rows_per_part: rows in one Parquet part.

        Raises:
            FailureError: the data cannot be loaded; the text says why.
            Exception: whatever computing the frame raises, unchanged.
        """
        if is_data_uris(data):
            files, columns = list_data_uris(data, region=region)
            return Parts(files=files, columns=columns)
        return write_parts(to_frame(data), self.path, rows_per_part=rows_per_part)

    def write_request(self, request: LoadRequest | ReadRequest) -> None:
        """Write ``request.json``: last, for it makes the path complete, and whole or not at all."""
        target = self.path / REQUEST_FILE
        draft = target.with_suffix(".tmp")
        with draft.open("w", encoding="utf-8") as file:
            file.write(dump_request(request))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def last_attempt(self) -> int:
        """Give the number of the newest attempt; 0 where there was none."""
        return max(self._attempts(), default=0)

    def outcome_after(self, attempt: int) -> Outcome | None:
        """Read the report of the newest attempt above a number; None where none left one.

        Raises:
            FailureError: the report is not of the protocol's form or version.
        """
        for number in sorted(self._attempts(), reverse=True):
            report = self.path / attempt_dir(number) / REPORT_FILE
            if number > attempt and report.is_file():
                return parse_outcome(report.read_bytes())
        return None

    def _attempts(self) -> list[int]:
        folder = self.path / ATTEMPTS_DIR
        if not folder.is_dir():
            return []
        return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()]

    def of_earlier_tries(self) -> list["StagingPath"]:
        """List the paths that earlier tries of this load left, but for one that a loader is at."""
        stem = self.path.name.rpartition("-")[0]
        others = [path for path in self.path.parent.glob(f"{stem}-*") if path != self.path]
        return [StagingPath(path) for path in others if not StagingPath(path).is_claimed()]

    def is_claimed(self) -> bool:
        """Whether a loader is at work here: it touches its claim every few seconds."""
        claims = self.path.glob(f"{ATTEMPTS_DIR}/*/{CLAIM_FILE}")
        unfinished = [claim for claim in claims if not claim.with_name(REPORT_FILE).exists()]
        oldest_alive = time.time() - CLAIM_LEASE_SECONDS
        return any(claim.stat().st_mtime > oldest_alive for claim in unfinished)

    def remove(self) -> None:
        """Remove the path with all that lies under it."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def removed_on_error(staging: StagingPath) -> Iterator[None]:
    """Leave no half-written staging path behind, whatever stops the writing."""
    try:
        yield
    except BaseException:
        staging.remove()
        raise


def new_staging_path(base: str | None, *, kind: str, label: str, key: str) -> StagingPath:
    """Make a new, empty staging path, for this user alone.

    A retry gets a path of its own: the loader of the attempt before may still be at work in the
    old one.

    Args:
        base: the folder for all of them; None is one in the system's temporary folder.
        kind: ``"load"`` or ``"read"``.
        label: the table, so that a person finds it.
        key: the load key or read key.

    Raises:
        FailureError: ``usage``, where the folder cannot be made or is not ours.
    """
    root = Path(base).expanduser().absolute() if base else _default_base()
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", label).strip("-.")[:60]
    path = root / f"{kind}-{readable}-{key}-{secrets.token_hex(3)}"
    try:
        path.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The staging folder {str(path)!r} cannot be made: {error.strerror or error}.",
            "Set staging_dir of the Redshift IO manager to a folder that this user may write.",
        ) from error
    return StagingPath(path)


def _default_base() -> Path:
    base = Path(tempfile.gettempdir()) / f"redshift-loader-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    # The name is guessable and the folder above is everybody's: take no one else's.
    status = base.lstat()
    if base.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The staging folder {str(base)!r} is not a folder of this user alone (mode 0700).",
            "Remove it, or set staging_dir of the Redshift IO manager.",
        )
    return base
