"""The transaction of a session: the client's own, or one that the sandbox opens for a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BackendError

if TYPE_CHECKING:
    from .backend import Backend

_LOCK = "LOCK TABLE {table} IN {mode} MODE"
_WRITE, _INSERT_ONLY = "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE"
_NOT_ALLOWED = "42501"


class Transaction:
    """Knows whether a transaction is open, whose it is, and which tables it has locked.

    Args:
        backend: The session in PostgreSQL.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._is_ours = False
        self._locked: set[str] = set()
        self.last_written = ""

    @property
    def is_idle(self) -> bool:
        """Tell whether none is open."""
        return self._backend.status == b"I"

    @property
    def has_failed(self) -> bool:
        """Tell whether the open one takes nothing but a rollback."""
        return self._backend.status == b"E"

    @property
    def is_the_clients(self) -> bool:
        """Tell whether the client has one open (and not only the sandbox for it)."""
        return self._backend.status == b"T" and not self._is_ours

    def begin_ours(self) -> None:
        """Open one for a single statement of an autocommit client, or for several sent at once."""
        self._backend.run("BEGIN")
        self._backend.status = b"T"
        self._is_ours = True

    def end_ours(self, *, failed: bool) -> None:
        """Commit or roll back what `begin_ours` opened, if it did.

        Raises:
            BackendError: The commit failed.
        """
        if not self._is_ours:
            return
        self._is_ours = False
        if failed:
            self._backend.sync()
        self._backend.run("ROLLBACK" if failed else "COMMIT")

    def lock(self, table: str) -> None:
        """Take a table's write lock, once in a transaction.

        PostgreSQL grants it to those who may update or delete; for others, who may only insert,
        there is a weaker one.

        Raises:
            BackendError: There is no such table, or this user may not write it.
        """
        self.last_written = table
        if table in self._locked:
            return
        self._backend.run("SAVEPOINT redshift_lock")
        try:
            self._backend.run(_LOCK.format(table=table, mode=_WRITE))
        except BackendError as error:
            if error.fields.get("C") != _NOT_ALLOWED:
                raise
            self._backend.sync()
            self._backend.run("ROLLBACK TO redshift_lock")
            self._backend.run(_LOCK.format(table=table, mode=_INSERT_ONLY))
        self._backend.run("RELEASE redshift_lock")
        self._locked.add(table)

    def follow(self, tag: bytes) -> None:
        """Know the status from a statement's tag, before the next Sync tells it."""
        if tag.startswith((b"BEGIN", b"START")):
            self._backend.status, self._is_ours = b"T", False
        elif tag.startswith((b"COMMIT", b"ROLLBACK")):
            self._backend.status, self._is_ours = b"I", False
            self._locked.clear()

    def settle(self) -> None:
        """Forget the locks of a transaction that is over."""
        if self.is_idle:
            self._locked.clear()
