"""What the front end does for one statement: a value, so that it can be cached and tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .session import Session


class Command(Protocol):
    """A statement that the sandbox carries out itself; it returns no rows."""

    def run(self, session: Session) -> str:
        """Carry it out and give the command tag.

        Raises:
            RedshiftError: What the client is told; the transaction fails with it.
        """


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a statement is carried out.

    Args:
        text: What PostgreSQL is sent.
        word: The statement's first word, upper case.
        locks: Tables, as SQL text, whose write lock is taken before the statement's snapshot.
        command: What the sandbox runs in place of sending `text`.
        settings: Session settings (name, value) made just before the statement runs.
        reads_counters: Whether it reads the pg_last_...() functions.
        commits: Whether the transaction ends with it, as TRUNCATE's does.
        forbidden_in_block: The error's text when it comes inside a transaction block, or empty.
        parameter: A session parameter of Redshift's that the front end follows: name and value.
    """

    text: str
    word: str
    locks: tuple[str, ...] = ()
    command: Command | None = None
    settings: tuple[tuple[str, str], ...] = ()
    reads_counters: bool = False
    commits: bool = False
    forbidden_in_block: str = ""
    parameter: tuple[str, str] | None = None


@dataclass(frozen=True)
class NoOperation:
    """A statement that Redshift takes and that changes nothing here."""

    tag: str

    def run(self, session: Session) -> str:  # noqa: ARG002 - the protocol's signature
        """Do nothing."""
        return self.tag
