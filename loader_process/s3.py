"""S3 as the loader uses it: the one home of boto3."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loader_process.errors import storage_failure
from shared_protocol import ErrorCode, FailureError, Phase, refuse

MIB = 1024 * 1024
TRANSFER_PART_BYTES = 16 * MIB
READ_AHEAD_BYTES = 4 * MIB
MOST_DELETED_AT_ONCE = 1000  # AWS, DeleteObjects
SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class ObjectName:
    """One object: its bucket and key."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "ObjectName":
        """Read ``s3://bucket/key``.

        Raises:
            FailureError: code ``bad_request``.
        """
        bucket, slash, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not bucket or not slash or not key:
            raise refuse(
                ErrorCode.BAD_REQUEST,
                Phase.REQUEST,
                f"{uri!r} names no object on S3.",
                "Give it as s3://bucket/key.",
            )
        return cls(bucket, key)

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"{SCHEME}{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """Size in bytes and ETag (with its quotes) of an object."""

    bytes: int
    etag: str


class ObjectStore:
    """S3 with the credentials and endpoint of the environment, in one Region.

    Every error is a :class:`FailureError` of the phase that ``phase`` names at the time.
    """

    def __init__(self, *, region: str, phase: Phase) -> None:
        self._region = region
        self.phase = phase

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401  # boto3 ships no types
        import boto3
        from botocore.config import Config

        # The checksums that S3 asks for by default cost CPU on both sides and add nothing that TLS
        # and Content-MD5 do not; stores other than AWS refuse some of them.
        config = Config(
            max_pool_connections=16,
            retries={"mode": "standard", "max_attempts": 6},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._answers("start a client"):
            return boto3.client("s3", region_name=self._region or None, config=config)

    def check_bucket(self, bucket: str) -> None:
        """Make sure that the bucket is there and may be used.

        Raises:
            FailureError: ``bucket_missing``, ``storage_refused`` or ``storage_unavailable``.
        """
        try:
            with self._answers(f"find the bucket {bucket!r}"):
                self._client.head_bucket(Bucket=bucket)
        except FailureError as error:
            if error.failure.code is ErrorCode.INPUT_CHANGED:  # a bare 404
                raise refuse(
                    ErrorCode.BUCKET_MISSING,
                    self.phase,
                    f"The S3 bucket {bucket!r} does not exist.",
                    "Create it, or name another one in S3Staging.",
                ) from error
            raise

    def facts(self, name: ObjectName) -> ObjectFacts | None:
        """Look an object up; None where there is none."""
        try:
            with self._answers(f"look up {name.uri}"):
                head = self._client.head_object(Bucket=name.bucket, Key=name.key)
        except FailureError as error:
            if error.failure.code in (ErrorCode.INPUT_CHANGED, ErrorCode.BUCKET_MISSING):
                return None
            raise
        return ObjectFacts(int(head["ContentLength"]), str(head["ETag"]))

    def upload(self, path: Path, name: ObjectName, on_bytes: Callable[[int], None]) -> None:
        """Send a file; ``on_bytes`` is called from several threads with the bytes just sent."""
        from boto3.s3.transfer import TransferConfig

        # "classic": with a custom endpoint the CRT client of boto3 1.44 goes to AWS instead
        # (boto/boto3#4839).
        transfer = TransferConfig(
            multipart_threshold=TRANSFER_PART_BYTES,
            multipart_chunksize=TRANSFER_PART_BYTES,
            max_concurrency=4,
            preferred_transfer_client="classic",
        )
        with self._answers(f"upload {name.uri}"):
            self._client.upload_file(
                str(path), name.bucket, name.key, Config=transfer, Callback=on_bytes
            )

    def put(self, name: ObjectName, data: bytes) -> None:
        """Write a small object."""
        with self._answers(f"write {name.uri}"):
            self._client.put_object(Bucket=name.bucket, Key=name.key, Body=data)

    def get(self, name: ObjectName) -> bytes:
        """Read a small object whole."""
        with self._answers(f"read {name.uri}"):
            answer = self._client.get_object(Bucket=name.bucket, Key=name.key)
            return bytes(answer["Body"].read())

    def download(self, name: ObjectName, path: Path, on_bytes: Callable[[int], None]) -> None:
        """Fetch an object into a file."""
        with self._answers(f"download {name.uri}"):
            self._client.download_file(name.bucket, name.key, str(path), Callback=on_bytes)

    def read_range(self, name: ObjectName, etag: str, start: int, stop: int) -> bytes:
        """Read bytes ``start`` to ``stop`` (exclusive) of that very version of an object."""
        with self._answers(f"read {name.uri}"):
            answer = self._client.get_object(
                Bucket=name.bucket, Key=name.key, IfMatch=etag, Range=f"bytes={start}-{stop - 1}"
            )
            return bytes(answer["Body"].read())

    def delete(self, names: list[ObjectName]) -> None:
        """Remove objects of one bucket; ones that are gone already are no error."""
        for start in range(0, len(names), MOST_DELETED_AT_ONCE):
            some = names[start : start + MOST_DELETED_AT_ONCE]
            with self._answers(f"remove {len(some)} objects such as {some[0].uri}"):
                answer = self._client.delete_objects(
                    Bucket=some[0].bucket,
                    Delete={"Objects": [{"Key": name.key} for name in some], "Quiet": True},
                )
            for refusal in answer.get("Errors", ()):
                raise FailureError(
                    storage_failure(
                        code=str(refusal.get("Code", "")),
                        message=str(refusal.get("Message", "")),
                        doing=f"remove {refusal.get('Key')}",
                        phase=self.phase,
                    )
                )

    def names_under(self, bucket: str, prefix: str) -> list[ObjectName]:
        """List the objects whose key starts with ``prefix``."""
        with self._answers(f"list s3://{bucket}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix
            )
            return [
                ObjectName(bucket, item["Key"]) for p in pages for item in p.get("Contents", ())
            ]

    @contextmanager
    def _answers(self, doing: str) -> Iterator[None]:
        import boto3.exceptions
        import botocore.exceptions as aws

        try:
            yield
        except (aws.NoCredentialsError, aws.PartialCredentialsError) as error:
            raise refuse(
                ErrorCode.SETTINGS_MISSING,
                self.phase,
                f"The loader has no AWS credentials to {doing}.",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the "
                "process a role.",
            ) from error
        except (aws.NoRegionError, aws.InvalidRegionError) as error:
            raise refuse(
                ErrorCode.SETTINGS_MISSING, self.phase, f"{error}", "Set AWS_REGION."
            ) from error
        except aws.ClientError as error:
            raise FailureError(self._refusal(error, doing)) from error
        except boto3.exceptions.Boto3Error as error:
            cause = error.__context__
            if isinstance(cause, aws.ClientError):
                raise FailureError(self._refusal(cause, doing)) from error
            raise refuse(
                ErrorCode.STORAGE_UNAVAILABLE, self.phase, f"S3 could not {doing}: {error}"
            ) from error
        except (aws.BotoCoreError, aws.HTTPClientError) as error:
            raise refuse(
                ErrorCode.STORAGE_UNAVAILABLE,
                self.phase,
                f"S3 did not answer when asked to {doing}: {error}",
                "Check AWS_ENDPOINT_URL_S3 and the network.",
            ) from error

    def _refusal(self, error: Any, doing: str) -> Any:  # noqa: ANN401  # botocore ships no types
        answer = error.response.get("Error", {})
        return storage_failure(
            code=str(answer.get("Code", "")),
            message=str(answer.get("Message", error)),
            doing=doing,
            phase=self.phase,
        )


class ObjectReader(io.RawIOBase):
    """One version of an object as a file that can be read anywhere, by ranged GETs.

    An object that changed meanwhile is an error, not other bytes: every GET names the ETag.
    """

    def __init__(self, store: ObjectStore, name: ObjectName, facts: ObjectFacts) -> None:
        super().__init__()
        self._store, self._name, self._facts = store, name, facts
        self._at = 0
        self._ahead = b""
        self._ahead_at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Give the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in bytes."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._facts.bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # any writable buffer
        """Fill ``buffer`` from the position on and return the bytes read; 0 at the end."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._facts.bytes - self._at)
        if wanted <= 0:
            return 0
        if not self._ahead_at <= self._at < self._ahead_at + len(self._ahead):
            stop = min(self._facts.bytes, self._at + max(wanted, READ_AHEAD_BYTES))
            self._ahead = self._store.read_range(self._name, self._facts.etag, self._at, stop)
            self._ahead_at = self._at
        offset = self._at - self._ahead_at
        piece = self._ahead[offset : offset + wanted]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
