"""Fixtures of the sandbox's own tests."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox

ROLE = "IAM_ROLE 'arn:aws:iam::123456789012:role/copy'"
_numbers = itertools.count()


def _connected(options: dict[str, Any]) -> Any:
    """Connect without the driver's own warnings.

    It makes its TLS context in a deprecated way, and after a refused login leaves its socket to the
    garbage collector.
    """
    import redshift_connector

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return redshift_connector.connect(**options)
        except redshift_connector.Error as error:
            refusal = type(error)(*error.args)
        gc.collect()
    raise refusal


class Client:
    """A connection of redshift_connector with the settings that the project uses."""

    def __init__(self, box: Sandbox, **options: Any) -> None:
        given = {
            "host": box.redshift.host,
            "port": box.redshift.port,
            "database": box.redshift.database,
            "user": box.redshift.user,
            "password": box.redshift.password,
            "max_prepared_statements": 0,
        }
        autocommit = options.pop("autocommit", True)
        self.connection = _connected(given | options)
        self.connection.autocommit = autocommit

    def run(self, sql: str, *args: Any) -> Any:
        cursor = self.connection.cursor()
        cursor.execute(sql, args or None)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount

    def fails(self, sql: str) -> dict[str, str]:
        import redshift_connector

        with pytest.raises(redshift_connector.Error) as caught:
            self.run(sql)
        fields: dict[str, str] = caught.value.args[0]
        return fields

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.connection.close()


@pytest.fixture
def connect(box: Sandbox) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def open_one(**options: Any) -> Client:
        clients.append(Client(box, **options))
        return clients[-1]

    yield open_one
    for one in clients:
        one.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def name() -> str:
    return f"t{next(_numbers)}"


class Bucket:
    """Puts Parquet files and manifests where COPY finds them."""

    def __init__(self, s3: Any, prefix: str) -> None:
        self.s3 = s3
        self.prefix = prefix
        self.url = f"s3://sandbox/{prefix}"

    def put(self, name: str, table: Any, **options: Any) -> str:
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        return self.put_bytes(name, buffer.getvalue())

    def put_bytes(self, name: str, data: bytes) -> str:
        self.s3.put_object(Bucket="sandbox", Key=f"{self.prefix}{name}", Body=data)
        return f"{self.url}{name}"

    def size(self, name: str) -> int:
        return int(
            self.s3.head_object(Bucket="sandbox", Key=f"{self.prefix}{name}")["ContentLength"]
        )

    def names(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket="sandbox", Prefix=self.prefix).get("Contents", ())
        return [one["Key"].removeprefix(self.prefix) for one in found]

    def read(self, name: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket="sandbox", Key=f"{self.prefix}{name}")[
            "Body"
        ].read()
        return body


@pytest.fixture
def bucket(s3: Any, name: str) -> Bucket:
    return Bucket(s3, f"{name}/")


@pytest.fixture
def role() -> str:
    return ROLE
