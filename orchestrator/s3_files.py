"""The one place of the orchestrator that talks to S3: list objects, read a few ranges of one.

Region, endpoint and credentials are botocore's own, from the environment.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared_protocol import ErrorCode, FailureError, Phase, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "NoSuchBucket": (ErrorCode.BUCKET_MISSING, "Check the bucket's name and Region."),
    "AccessDenied": (ErrorCode.STORAGE_REFUSED, "Grant s3:ListBucket and s3:GetObject."),
    "403": (ErrorCode.STORAGE_REFUSED, "Grant s3:ListBucket and s3:GetObject."),
    "InvalidAccessKeyId": (ErrorCode.STORAGE_REFUSED, "Check the AWS credentials."),
    "SignatureDoesNotMatch": (ErrorCode.STORAGE_REFUSED, "Check the AWS credentials."),
    "ExpiredToken": (ErrorCode.STORAGE_REFUSED, "Renew the AWS credentials."),
    "SlowDown": (ErrorCode.STORAGE_UNAVAILABLE, "Try again."),
    "InternalError": (ErrorCode.STORAGE_UNAVAILABLE, "Try again."),
    "ServiceUnavailable": (ErrorCode.STORAGE_UNAVAILABLE, "Try again."),
}
"""What S3 calls an error, what we call it, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Object:
    """One object: its key, its size in bytes, and its ETag with the quotes."""

    key: str
    size: int
    etag: str


def list_objects(bucket: str, key: str, *, region: str = "") -> list[S3Object]:
    """List what lies below a folder (a key that ends in a slash, or none), or one object.

    Raises:
        FailureError: what S3 says.
    """
    folder = not key or key.endswith("/")
    with _refusals(f"s3://{bucket}/{key}"):
        pages = (
            _client(region)
            .get_paginator("list_objects_v2")
            .paginate(
                Bucket=bucket,
                Prefix=key,
                # Of all keys that start with one, S3 lists the key itself first.
                PaginationConfig={} if folder else {"MaxItems": 1},
            )
        )
        # The folder's own marker object ends in a slash too, and is no file.
        return [
            S3Object(key=found["Key"], size=found["Size"], etag=found["ETag"])
            for page in pages
            for found in page.get("Contents", ())
            if (not found["Key"].endswith("/") if folder else found["Key"] == key)
        ]


@contextmanager
def open_object(bucket: str, key: str, *, size: int, region: str = "") -> Iterator[io.RawIOBase]:
    """Open an object for reading a few of its bytes, each range by a GET of its own.

    Raises:
        FailureError: what S3 says.
    """
    with _refusals(f"s3://{bucket}/{key}"):
        yield _Ranges(_client(region), bucket, key, size)


class _Ranges(io.RawIOBase):
    """A seekable file over ranged GETs: enough for a footer."""

    def __init__(self, client: Any, bucket: str, key: str, size: int) -> None:  # noqa: ANN401
        super().__init__()
        self._client, self._bucket, self._key, self._size = client, bucket, key, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        rest = max(0, self._size - self._at)
        wanted = rest if size is None or size < 0 else min(size, rest)
        if not wanted:
            return b""
        answer = self._client.get_object(
            Bucket=self._bucket, Key=self._key, Range=f"bytes={self._at}-{self._at + wanted - 1}"
        )
        data = bytes(answer["Body"].read())
        self._at += len(data)
        return data


def _client(region: str) -> Any:  # noqa: ANN401  # boto3 has no types
    import boto3

    return boto3.client("s3", region_name=region or None)


@contextmanager
def _refusals(uri: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        code, hint = _REFUSALS.get(
            str(told.get("Code", "")), (ErrorCode.STORAGE_REFUSED, "See what S3 says.")
        )
        raise _refusal(code, uri, f"{told.get('Code')}: {told.get('Message')}", hint) from error
    except NoCredentialsError as error:
        raise _refusal(
            ErrorCode.SETTINGS_MISSING,
            uri,
            "there are no AWS credentials",
            "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        ) from error
    except BotoCoreError as error:
        raise _refusal(
            ErrorCode.STORAGE_UNAVAILABLE, uri, str(error), "Check the network and the endpoint."
        ) from error


def _refusal(code: ErrorCode, uri: str, reason: str, hint: str) -> FailureError:
    return refuse(code, Phase.STAGE, f"{uri!r} cannot be listed or read: {reason}.", hint)
