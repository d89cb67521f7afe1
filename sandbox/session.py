"""One client's session: its messages in, PostgreSQL's answers and the sandbox's own out.

Messages are taken one at a time and each is answered before the next is read. That costs a
round trip over a unix socket and makes it plain, at every statement, what PostgreSQL has done.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from .answer import for_the_client
from .counters import Counters
from .errors import (
    ACTIVE_TRANSACTION,
    BackendError,
    ClientGoneError,
    RedshiftError,
    as_redshift,
)
from .parameters import CASE_SENSITIVE, is_on
from .statement import plan_statement, split
from .tokens import quote_literal
from .transaction import Transaction
from .wire import (
    Stream,
    command_complete,
    error_response,
    malformed,
    message,
    notice,
    read_fields,
    ready,
    split_text,
    text,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from .backend import Backend
    from .cluster import Cluster
    from .plan import Plan


class Session:
    """A client and its session in PostgreSQL.

    Attributes:
        transaction: The session's transaction.
        counters: What the pg_last_...() functions tell.
        process_id: PostgreSQL's process, which pg_backend_pid() tells.
        database: Its database.

    Args:
        client: The client's stream, after it has logged in.
        backend: Its session in PostgreSQL.
        cluster: What all sessions share.
        log: Where the sandbox's own errors go.
    """

    def __init__(
        self, client: Stream, backend: Backend, cluster: Cluster, log: logging.Logger
    ) -> None:
        self.client = client
        self.backend = backend
        self.cluster = cluster
        self.log = log
        self.transaction = Transaction(backend)
        self.counters = Counters()
        self._case_sensitive = False
        self.process_id = struct.unpack_from("!i", backend.key)[0] if backend.key else 0
        self.database = backend.database
        self._plans: dict[bytes, Plan] = {}
        self._portals: dict[bytes, Plan] = {}
        self._skipping = False
        self._output: list[bytes] = []

    # -- the message loop

    def serve(self) -> None:
        """Answer messages until the client leaves.

        Raises:
            ClientGoneError: It left without a word.
            RedshiftError: A fatal one: it does not speak the protocol.
        """
        handlers = {
            b"P": self._parse, b"B": self._bind, b"D": self._describe, b"E": self._execute,
            b"C": self._close, b"S": self._sync, b"H": self._flush, b"Q": self._simple_query,
        }  # fmt: skip
        try:
            self._answer_messages(handlers)
        finally:
            with contextlib.suppress(ClientGoneError):
                self._write_out()  # PostgreSQL's last words, when it was PostgreSQL that ended

    def _answer_messages(self, handlers: dict[bytes, Callable[[bytes], None]]) -> None:
        while True:
            if not self.client.buffered():
                self._write_out()
            kind, body = self.client.message()
            if kind == b"X":
                return
            handler = handlers.get(kind)
            if handler is None:
                if kind in b"dcf":
                    continue  # left over from a COPY that was refused
                raise malformed(f"kind {kind!r}")
            if self._skipping and kind not in b"SQH":
                continue
            self._guarded(handler, body)

    def _guarded(self, handler: Callable[[bytes], None], body: bytes) -> None:
        try:
            handler(body)
        except BackendError as error:
            self._failed(error.fields)
        except RedshiftError as error:
            if error.fatal:
                raise
            self._refused(error)
        except ClientGoneError:
            raise
        except struct.error as error:
            raise malformed(str(error)) from error
        except Exception as error:
            self.log.exception("a bug of the sandbox")
            sentence = f"the sandbox failed: {type(error).__name__}: {error}"
            self._refused(RedshiftError("XX000", sentence))

    def _failed(self, fields: dict[str, str]) -> None:
        """Tell the client an error that PostgreSQL already knows of."""
        self._send(error_response(self._worded(fields)))
        self._skipping = True

    def _refused(self, error: RedshiftError) -> None:
        """Tell the client an error of ours, and fail its transaction as that error would."""
        self.backend.fail()
        self._send(error_response(error.fields()))
        self._skipping = True

    def _worded(self, fields: dict[str, str]) -> dict[str, str]:
        oid = (
            self.cluster.table_oid(self.transaction.last_written)
            if fields.get("C") == "40001"
            else 0
        )
        return as_redshift(fields, table_oid=oid)

    def _send(self, data: bytes) -> None:
        self._output.append(data)

    def _write_out(self) -> None:
        if self._output:
            data, self._output = b"".join(self._output), []
            self.client.send(data)

    # -- the extended protocol

    def _parse(self, body: bytes) -> None:
        name, rest = split_text(body)
        sql, types = split_text(rest)
        self._plans.pop(name, None)
        plan = self._plan(_decoded(sql))
        self._plans[name] = plan
        if plan.command:
            self._send(message(b"1"))
            return
        self._prepare(plan)
        self.backend.send(b"P", name + b"\0" + text(plan.text) + types)
        self._relay_until(b"1")

    def _bind(self, body: bytes) -> None:
        portal, rest = split_text(body)
        name, _ = split_text(rest)
        plan = self._plans.get(name)
        if plan is None:
            raise RedshiftError("26000", f'prepared statement "{_shown(name)}" does not exist')
        self._portals[portal] = plan
        if plan.command:
            self._send(message(b"2"))
            return
        self._prepare(plan)
        self.backend.send(b"B", body)
        self._relay_until(b"2")

    def _describe(self, body: bytes) -> None:
        of_statement = body[:1] == b"S"
        plan = (self._plans if of_statement else self._portals).get(body[1:-1])
        if plan and plan.command:
            self._send((message(b"t", b"\0\0") if of_statement else b"") + message(b"n"))
            return
        self.backend.send(b"D", body)
        self._relay_until(b"Tn")

    def _execute(self, body: bytes) -> None:
        portal, _ = split_text(body)
        plan = self._portals.get(portal)
        if plan is None:
            raise RedshiftError("34000", f'portal "{_shown(portal)}" does not exist')
        if plan.command:
            self._run(plan)
            return
        self.counters.next_query()
        self.backend.send(b"E", body)
        if self._relay_until(b"CIs"):
            self._after(plan)

    def _close(self, body: bytes) -> None:
        kept = self._plans if body[:1] == b"S" else self._portals
        plan = kept.pop(body[1:-1], None)
        if plan and plan.command:
            self._send(message(b"3"))
            return
        self.backend.send(b"C", body)
        self._relay_until(b"3")

    def _flush(self, _: bytes) -> None:
        self._write_out()

    def _sync(self, _: bytes) -> None:
        failed, self._skipping = self._skipping, False
        try:
            self.transaction.end_ours(failed=failed)
        except BackendError as error:
            self._send(error_response(self._worded(error.fields)))
        for kind, body in self.backend.sync():
            if kind == b"E":
                self._send(error_response(self._worded(read_fields(body))))
            else:
                self._send(message(kind, body))
        self.transaction.settle()
        self._send(ready(self.backend.status))

    # -- the simple protocol

    def _simple_query(self, body: bytes) -> None:
        self._skipping = False
        self._guarded(self._statements, body)
        self._sync(b"")

    def _statements(self, body: bytes) -> None:
        """Run the statements of a simple query one after the other, as one transaction."""
        statements = split(_decoded(split_text(body)[0]))
        if len(statements) > 1 and self.transaction.is_idle:
            self.transaction.begin_ours()
        for sql in statements:
            self._simple_statement(self._plan(sql))
            if self._skipping:
                return
        if not statements:
            self._send(message(b"I"))

    def _simple_statement(self, plan: Plan) -> None:
        if plan.command:
            self._run(plan)
            return
        self._prepare(plan)
        self.backend.sync()  # what was prepared by the extended protocol must not hang over
        self.counters.next_query()
        self.backend.send(b"Q", text(plan.text))
        if self._relay_until(b"Z"):
            self._after(plan)

    # -- one statement

    def _plan(self, sql: str) -> Plan:
        return plan_statement(sql, case_sensitive=self._case_sensitive)

    def _prepare(self, plan: Plan) -> None:
        """Do what must be done before PostgreSQL takes a snapshot for this statement.

        PostgreSQL takes it when it parses or binds, so the write lock comes before both.
        """
        if self.transaction.has_failed:
            return
        if plan.forbidden_in_block and self.transaction.is_the_clients:
            raise RedshiftError(ACTIVE_TRANSACTION, plan.forbidden_in_block)
        if plan.locks and self.transaction.is_idle:
            self.transaction.begin_ours()
        for table in plan.locks:
            self.transaction.lock(table)
        counters = self.counters.settings() if plan.reads_counters else {}
        for name, value in (*plan.settings, *counters.items()):
            self.backend.run(f"SET {name} TO {quote_literal(value)}")

    def _run(self, plan: Plan) -> None:
        """Carry out a statement that the sandbox runs itself."""
        if plan.command is None:
            return
        if self.transaction.has_failed:
            self.backend.run("SELECT 1")  # fails with 25P02
        self._prepare(plan)
        self.counters.next_query()
        self._send(command_complete(plan.command.run(self)))

    def _after(self, plan: Plan) -> None:
        """Follow up a statement that PostgreSQL has carried out."""
        if plan.parameter and plan.parameter[0] == CASE_SENSITIVE:
            self._case_sensitive = is_on(plan.parameter[1])
        if plan.commits and self.transaction.is_the_clients:
            self.backend.run("COMMIT")
            self.transaction.follow(b"COMMIT")

    def say(self, sentence: str) -> None:
        """Send an INFO notice with the statement's result."""
        self._send(notice("INFO", sentence))

    # -- relaying

    def _relay_until(self, kinds: bytes) -> bool:
        """Relay PostgreSQL's answer up to a message of these kinds; tell whether it succeeded."""
        if kinds != b"Z":
            self.backend.flush()
        succeeded, finished = True, False
        while not finished:
            for one in self.backend.messages():
                kind = one[:1].tobytes()
                if kind == b"E":
                    succeeded, self._skipping = False, True
                    self._send(error_response(self._worded(read_fields(bytes(one[5:])))))
                elif kind == b"Z":
                    self.backend.status = bytes(one[5:])
                else:
                    self._send(for_the_client(kind, one))
                    if kind == b"C":
                        self.transaction.follow(one[5:].tobytes())
                finished |= kind in kinds or (kind == b"E" and kinds != b"Z")
            if not finished:
                self._write_out()
        return succeeded


def _shown(name: bytes) -> str:
    return name.decode(errors="replace")


def _decoded(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        raise RedshiftError("22021", "invalid byte sequence for encoding UTF8") from error
