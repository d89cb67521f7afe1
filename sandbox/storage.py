"""S3 as the cluster sees it: listing, reading and writing with the cluster's own keys."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .credentials import Keys
    from .untyped import FileSystem, NativeFile, S3Client

_PATIENCE = 20.0
_DELETED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: bucket, key and size in bytes."""

    bucket: str
    key: str
    size: int

    @property
    def url(self) -> str:
        """Its address as COPY and manifests write it."""
        return f"s3://{self.bucket}/{self.key}"


def split_url(url: str) -> tuple[str, str]:
    """Cut `s3://bucket/key` in two."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


class Storage:
    """An S3 endpoint.

    Args:
        address: `host:port`.
        keys: The keys to use.
        region: AWS region.
    """

    def __init__(self, address: str, keys: Keys, region: str) -> None:
        self._address = address
        self._keys = keys
        self._region = region

    @cached_property
    def _client(self) -> S3Client:
        import boto3
        from botocore.config import Config

        session = boto3.session.Session(
            aws_access_key_id=self._keys.access_key_id,
            aws_secret_access_key=self._keys.secret_access_key,
            region_name=self._region,
        )
        style = {"addressing_style": "path"}
        retries = {"max_attempts": 4, "mode": "standard"}
        config = Config(s3=style, retries=retries, proxies={}, max_pool_connections=32)
        return session.client("s3", endpoint_url=f"http://{self._address}", config=config)

    @cached_property
    def _filesystem(self) -> FileSystem:
        from pyarrow import fs

        return fs.S3FileSystem(
            endpoint_override=self._address,
            scheme="http",
            access_key=self._keys.access_key_id,
            secret_key=self._keys.secret_access_key,
            region=self._region,
        )

    def wait_for_bucket(self, bucket: str) -> None:
        """Wait until a bucket exists; make it if need be."""
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._client.head_bucket(Bucket=bucket)
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def objects(self, url: str) -> list[StoredObject]:
        """List the objects whose keys begin with this address; none when the bucket is absent."""
        from botocore.exceptions import ClientError

        bucket, prefix = split_url(url)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        try:
            return [
                StoredObject(bucket, one["Key"], one["Size"])
                for page in pages
                for one in page.get("Contents", ())
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucket":
                return []
            raise

    def find(self, url: str) -> StoredObject | None:
        """Look one object up."""
        from botocore.exceptions import ClientError

        bucket, key = split_url(url)
        try:
            answer = self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return None
            raise
        return StoredObject(bucket, key, answer["ContentLength"])

    def read(self, url: str) -> bytes:
        """Read a small object whole."""
        bucket, key = split_url(url)
        body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def write(self, url: str, data: bytes) -> None:
        """Write a small object."""
        bucket, key = split_url(url)
        self._client.put_object(Bucket=bucket, Key=key, Body=data)

    def delete(self, objects: list[StoredObject]) -> None:
        """Delete objects of one bucket."""
        for at in range(0, len(objects), _DELETED_AT_ONCE):
            some = objects[at : at + _DELETED_AT_ONCE]
            keys = {"Objects": [{"Key": one.key} for one in some], "Quiet": True}
            self._client.delete_objects(Bucket=some[0].bucket, Delete=keys)

    def open_input(self, found: StoredObject) -> NativeFile:
        """Open an object for reading at any place."""
        return self._filesystem.open_input_file(f"{found.bucket}/{found.key}")

    def open_output(self, url: str) -> NativeFile:
        """Open an object for writing from start to end; it exists once that is closed."""
        return self._filesystem.open_output_stream(url.removeprefix("s3://"))
