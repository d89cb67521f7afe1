"""What all sessions of one cluster share: PostgreSQL, S3 and the load log."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .errors import BackendError, ClientGoneError
from .tokens import quote_literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .backend import Backend
    from .credentials import Keys
    from .postgres import Postgres
    from .storage import Storage

DATABASE, USER = "dev", "awsuser"


@dataclass
class Cluster:
    """The parts of a cluster.

    Args:
        postgres: The running server.
        s3_address: `host:port` of S3.
        s3_keys: The cluster's own keys.
        region: AWS region.
    """

    postgres: Postgres
    s3_address: str
    s3_keys: Keys
    region: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _administrator: Backend | None = None

    @cached_property
    def storage(self) -> Storage:
        """S3 as COPY and UNLOAD see it."""
        from .storage import Storage

        return Storage(self.s3_address, self.s3_keys, self.region)

    def administer(self, sql: str) -> list[list[str | None]]:
        """Run statements in a session of the cluster's own, committed at once."""
        with self._lock:
            if self._administrator is None:
                self._administrator = self.postgres.connect(DATABASE)
            try:
                return self._administrator.query(sql)
            except (ClientGoneError, OSError):
                self._administrator = None
                raise

    def table_oid(self, name: str) -> int:
        """Look a table up; 0 when it is not found (a temporary one of another session, say)."""
        try:
            return int(
                self.administer(f"SELECT coalesce(to_regclass({quote_literal(name)})::oid, 0)")[0][
                    0
                ]
                or 0
            )
        except (BackendError, ClientGoneError, OSError):
            return 0

    def log_row(self, table: str, row: Mapping[str, object]) -> None:
        """Write a row of the load log; it stays whatever the client's transaction does."""
        names = ", ".join(row)
        values = ", ".join("NULL" if v is None else quote_literal(str(v)) for v in row.values())
        self.administer(f"INSERT INTO pg_catalog.{table} ({names}) VALUES ({values})")  # noqa: S608

    def prepare(self, password: str) -> None:
        """Make the catalog, the database and the user when they are absent; set the password."""
        from .catalog import install

        if self.postgres.is_new:
            install(self.postgres)
        self.administer(f"ALTER USER {USER} PASSWORD {quote_literal(password)}")

    def close(self) -> None:
        """Close the cluster's own session."""
        if self._administrator:
            self._administrator.close()
