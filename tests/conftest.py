"""What the tests share: one sandbox a worker, and an eye of their own on its tables.

Nothing here goes through the code under test: tables are looked at with the plain driver.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A local Redshift and S3, for as long as the worker runs; its environment is the process's."""
    with Sandbox.start() as started:
        before = dict(os.environ)
        os.environ.update(started.environ)
        try:
            yield started
        finally:
            os.environ.clear()
            os.environ.update(before)


class Database:
    """The sandbox's tables as anybody sees them, through the plain driver."""

    def __init__(self, environ: dict[str, str]) -> None:
        import redshift_connector

        self.connection = redshift_connector.connect(
            host=environ["REDSHIFT_HOST"],
            port=int(environ["REDSHIFT_PORT"]),
            database=environ["REDSHIFT_DATABASE"],
            user=environ["REDSHIFT_USER"],
            password=environ["REDSHIFT_PASSWORD"],
            max_prepared_statements=0,
        )
        self.connection.autocommit = True

    def run(self, statement: str) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.rowcount

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def count(self, table: str) -> int:
        return self.rows(f"select count(*) from {table}")[0][0]


@pytest.fixture
def database(box: Sandbox) -> Iterator[Database]:
    found = Database(box.environ)
    yield found
    found.connection.close()


@pytest.fixture
def schema() -> str:
    """A schema name that no other test uses."""
    return f"test_{secrets.token_hex(4)}"


@pytest.fixture
def s3(box: Sandbox) -> Any:
    import boto3

    client = boto3.client("s3", region_name=box.environ["AWS_REGION"])
    yield client
    client.close()
