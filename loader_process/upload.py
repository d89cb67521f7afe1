"""The data on its way to S3: sent as it is where it fits, encoded anew where it does not."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock

from loader_process.encode import encoded
from loader_process.footer import misfits
from loader_process.s3 import ObjectName, ObjectStore
from loader_process.sources import Source, SourceReader
from shared_protocol import ParquetOptions, S3Location, Table

UPLOADS_AT_ONCE = 2
"""Files in flight: enough to keep the line busy, few enough to bound disk and memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFile:
    """One file for COPY: where, how large, how many rows."""

    name: ObjectName
    bytes: int
    rows: int


@dataclass(slots=True)
class LoadFiles:
    """What COPY is to read, and what is to be removed afterwards."""

    files: list[LoadFile] = field(default_factory=list)
    reencoded: int = 0
    reasons: list[str] = field(default_factory=list)
    manifest: ObjectName | None = None
    put: list[ObjectName] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows in all files, by their footers."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)


def key_prefix(location: S3Location, table: Table, key: str, attempt_id: str) -> str:
    """Name the key prefix of one attempt's files, which no other attempt shares.

    It is ``prefix/schema/table/key/attempt``, each made safe for a key and a URL.
    """
    parts = (table.schema, table.name, key, attempt_id)
    return "/".join((*filter(None, [location.prefix.strip("/")]), *(_safe(part) for part in parts)))


def _misnamed(name: ObjectName | None) -> str:
    """Say why a name alone keeps an object from COPY, which unpacks by it (AWS, columnar usage)."""
    if name is not None and name.key.endswith((".gz", ".snappy", ".bz2")):
        return "its name says that it is packed as a whole, and COPY would unpack it"
    return ""


def _safe(part: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.-]", "-", part).strip(".")
    # Two names that differ only in what was replaced stay two.
    return safe if safe == part else f"{safe}-{sha256(part.encode()).hexdigest()[:8]}"


class UploadStoppedError(Exception):
    """Ends a transfer of a thread, because the load has failed or was interrupted."""


class Uploader:
    """Brings the sources of one attempt to S3."""

    def __init__(
        self,
        store: ObjectStore,
        reader: SourceReader,
        *,
        bucket: str,
        prefix: str,
        folder: Path,
        options: ParquetOptions,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._store, self._reader = store, reader
        self._bucket, self._prefix = bucket, prefix
        self._folder, self._options = folder, options
        self._on_bytes = on_bytes
        self._result = LoadFiles()
        self._counter = Lock()
        self._stopped = False

    @property
    def result(self) -> LoadFiles:
        """What was put so far, also after a failure."""
        return self._result

    def run(self, sources: tuple[Source, ...], wanted: tuple[tuple[str, str], ...]) -> LoadFiles:
        """Send every source and the manifest.

        Args:
            sources: the inputs; ones without a row are passed over.
            wanted: each column's name in the data and the Arrow type it is staged as.

        Raises:
            FailureError: S3 refused, or a value does not fit.
        """
        try:
            with ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="upload") as pool:
                try:
                    self._send_all(pool, sources, wanted)
                except BaseException:
                    self._stopped = True
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        finally:
            for part in self._folder.glob("part-*.parquet"):
                part.unlink()
        for source in sources:
            if source.object_name is None:
                self._reader.check_again(source)
        if self._result.files:
            self._put_manifest()
        return self._result

    def _send_all(
        self,
        pool: ThreadPoolExecutor,
        sources: tuple[Source, ...],
        wanted: tuple[tuple[str, str], ...],
    ) -> None:
        waiting: list[Future[None]] = []
        for path, file in self._files(sources, wanted):
            self._result.files.append(file)
            if path is None:
                continue
            self._result.put.append(file.name)
            waiting.append(pool.submit(self._send, path, file.name))
            # An encoded part is removed once it is sent, so that the disk holds a few of them.
            while len(waiting) > UPLOADS_AT_ONCE:
                waiting.pop(0).result()
        for future in waiting:
            future.result()

    def _files(
        self, sources: tuple[Source, ...], wanted: tuple[tuple[str, str], ...]
    ) -> Iterator[tuple[Path | None, LoadFile]]:
        number = 0
        for source in sources:
            if not source.footer.rows:
                continue  # a file without a row is not known to go through COPY
            name = source.object_name
            reason = misfits(source.footer, wanted) or _misnamed(name)
            if not reason and name is not None:
                yield (
                    None,
                    LoadFile(name=name, bytes=source.bytes, rows=source.footer.rows),
                )
                continue
            if not reason:
                target = self._part(number)
                number += 1
                yield (
                    Path(source.uri),
                    LoadFile(name=target, bytes=source.bytes, rows=source.footer.rows),
                )
                continue
            self._result.reencoded += 1
            self._result.reasons.append(f"{source.uri}: {reason}")
            for part in encoded(
                self._reader,
                source,
                wanted,
                options=self._options,
                folder=self._folder,
                first_part=number,
            ):
                target = self._part(number)
                number += 1
                yield part.path, LoadFile(name=target, bytes=part.bytes, rows=part.rows)

    def _part(self, number: int) -> ObjectName:
        return ObjectName(self._bucket, f"{self._prefix}/part-{number:05d}.parquet")

    def _send(self, path: Path, name: ObjectName) -> None:
        self._store.upload(path, name, self._count)
        if path.parent == self._folder:
            path.unlink()

    def _count(self, sent: int) -> None:
        if self._stopped:  # an interrupt does not wait for the rest of a large part
            raise UploadStoppedError
        with self._counter:
            self._on_bytes(sent)

    def _put_manifest(self) -> None:
        """Write the list that COPY reads.

        Source: AWS, loading-data-files-using-manifest: ``meta.content_length`` is required for
        Parquet; ``mandatory`` makes a missing file an error instead of fewer rows.
        """
        entries = [
            {"url": file.name.uri, "mandatory": True, "meta": {"content_length": file.bytes}}
            for file in self._result.files
        ]
        name = ObjectName(self._bucket, f"{self._prefix}/manifest.json")
        self._result.put.append(name)
        self._store.put(name, json.dumps({"entries": entries}).encode())
        self._result.manifest = name
