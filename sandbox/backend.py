"""A connection to PostgreSQL, spoken by hand.

libpq keeps its own idea of the transaction's status, which goes stale when a client's bytes are
relayed past it; here one object sends the relayed bytes and the sandbox's own statements, so
the status is always the server's.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import TYPE_CHECKING

from .errors import BackendError, ClientGoneError
from .scram import ScramClient
from .wire import CANCEL_REQUEST, PROTOCOL_3_0, Stream, message, read_fields, split_text, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_OWN = b"_sandbox\0"
"""The name of the sandbox's own prepared statement and portal in a client's session."""
_FREE_NAME = message(b"C", b"P" + _OWN) + message(b"C", b"S" + _OWN)
_CHUNK = 1 << 20


class Backend:
    """One session in PostgreSQL.

    Args:
        socket_path: PostgreSQL's unix socket.
        watch: The client's stream; while waiting for PostgreSQL its disappearance raises
            `ClientGoneError`. None watches nobody.
    """

    def __init__(self, socket_path: Path, watch: Stream | None = None) -> None:
        self._path = socket_path
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(socket_path))
        except OSError:
            sock.close()
            raise
        self.stream = Stream(sock)
        self.status = b"I"
        self.key = b""
        self.database = ""
        self.greeting: list[tuple[bytes, bytes]] = []
        self.watching = watch is not None
        self._client = watch.sock if watch else None
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    # -- logging in

    def log_in(self, parameters: Mapping[str, str], password: str) -> None:
        """Log in with the client's own user and password; PostgreSQL checks them.

        Raises:
            BackendError: What PostgreSQL said (28P01, 3D000, ...).
        """
        self.database = parameters.get("database", "")
        pairs = b"".join(text(name) + text(value) for name, value in parameters.items())
        body = struct.pack("!i", PROTOCOL_3_0) + pairs + b"\0"
        self.stream.send(struct.pack("!i", len(body) + 4) + body)
        scram = ScramClient(password)
        while True:
            kind, body = self.read()
            if kind == b"R":
                self._authenticate(scram, body)
            elif kind == b"E":
                raise BackendError(read_fields(body))
            elif kind == b"Z":
                self.status = body
                return
            else:
                self.key = body if kind == b"K" else self.key
                self.greeting.append((kind, body))

    def _authenticate(self, scram: ScramClient, body: bytes) -> None:
        request, rest = struct.unpack_from("!i", body)[0], body[4:]
        if request == 10:
            first = scram.first()
            size = struct.pack("!i", len(first))
            self.send(b"p", text(ScramClient.MECHANISM) + size + first)
        elif request == 11:
            self.send(b"p", scram.final(rest))
        elif request == 12 and not scram.verify(rest):
            raise BackendError(
                {"S": "FATAL", "C": "28000", "M": "PostgreSQL failed to prove itself"}
            )

    # -- raw messages

    def send(self, kind: bytes, body: bytes = b"") -> None:
        """Send one message."""
        self.stream.send(message(kind, body))

    def flush(self) -> None:
        """Ask for the answers to what was sent so far, without ending the implicit transaction."""
        self.send(b"H")

    def wait(self) -> None:
        """Wait until PostgreSQL has sent something.

        Raises:
            ClientGoneError: The watched client went away meanwhile.
        """
        while True:
            for ready_socket, _ in self._poll.poll(250):
                if ready_socket == self.stream.sock.fileno():
                    return
            self.check_client()

    def check_client(self) -> None:
        """Raise `ClientGoneError` when the watched client has closed its connection."""
        if not self.watching or self._client is None:
            return
        if self._client.fileno() < 0:
            raise ClientGoneError("the client's socket is closed")
        hang_up = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
        poll = select.poll()
        poll.register(self._client, hang_up)
        if poll.poll(0):
            raise ClientGoneError("the client closed its connection")

    def read(self) -> tuple[bytes, bytes]:
        """Read one message: its kind and its body."""
        taken = self.messages(limit=1)[0]
        return bytes(taken[:1]), bytes(taken[5:])

    def messages(self, *, limit: int = 0) -> list[memoryview]:
        """Read at least one whole message; all that have arrived unless a limit is given."""
        while True:
            taken = self.stream.take_messages(limit)
            if taken:
                return taken
            self.wait()
            self.stream.receive()

    # -- the sandbox's own statements

    def query(self, sql: str) -> list[list[str | None]]:
        """Run statements by the simple protocol and give the rows as text.

        Raises:
            BackendError: The statement failed; the session is ready for the next one.
        """
        self.send(b"Q", text(sql))
        rows: list[list[str | None]] = []
        failure: BackendError | None = None
        while True:
            kind, body = self.read()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                failure = BackendError(read_fields(body))
            elif kind == b"Z":
                self.status = body
                break
        if failure:
            raise failure
        return rows

    def run(self, sql: str) -> list[list[str | None]]:
        """Run one statement by the extended protocol, inside the client's implicit transaction.

        It leaves the client's own prepared statements and portals alone, and no Sync is sent.

        Raises:
            BackendError: The statement failed; PostgreSQL now ignores messages until a Sync.
        """
        # One that failed has left its statement and portal behind, so the name is freed first.
        parse = _FREE_NAME + message(b"P", _OWN + text(sql) + b"\0\0")
        bind = message(b"B", _OWN + _OWN + b"\0\0\0\0\0\0")
        execute = message(b"E", _OWN + b"\0\0\0\0")
        self.stream.send(parse + bind + execute + _FREE_NAME + message(b"H"))
        rows: list[list[str | None]] = []
        closed = 0
        while closed < 4:
            kind, body = self.read()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                raise BackendError(read_fields(body))
            closed += kind == b"3"
        return rows

    def sync(self) -> list[tuple[bytes, bytes]]:
        """End the implicit transaction; give what came before ReadyForQuery (an error, notices)."""
        self.send(b"S")
        before: list[tuple[bytes, bytes]] = []
        while True:
            kind, body = self.read()
            if kind == b"Z":
                self.status = body
                return before
            before.append((kind, body))

    def fail(self) -> None:
        """Fail the open transaction, if any, as an error of Redshift would."""
        self.send(b"P", b"\0" + text("!") + b"\0\0")
        self.flush()
        while self.read()[0] != b"E":
            pass

    def describe(self, sql: str) -> list[tuple[str, int, int]]:
        """Give a query's columns: name, type OID, type modifier."""
        self.stream.send(
            _FREE_NAME
            + message(b"P", _OWN + text(sql) + b"\0\0")
            + message(b"D", b"S" + _OWN)
            + message(b"H")
        )
        while True:
            kind, body = self.read()
            if kind == b"E":
                raise BackendError(read_fields(body))
            if kind == b"T":
                return row_description(body)
            if kind == b"n":
                return []

    # -- COPY

    def copy_in(self, sql: str) -> None:
        """Start COPY ... FROM STDIN."""
        self.sync()  # the two protocols are not mixed without one
        self.send(b"Q", text(sql))
        self._until(b"G")

    def copy_data(self, data: bytes) -> None:
        """Send a piece of it; notice an error that PostgreSQL sent meanwhile."""
        for at in range(0, len(data), _CHUNK):
            self.send(b"d", data[at : at + _CHUNK])
            self.check_client()
            if self._poll.poll(0):
                self.messages_or_error()

    def messages_or_error(self) -> None:
        """Read what came while data was being sent; only an error or notice can come."""
        kind, body = self.read()
        if kind == b"E":
            self._until_ready()
            raise BackendError(read_fields(body))

    def copy_done(self) -> None:
        """End the COPY and wait for its result."""
        self.send(b"c")
        self._until(b"C")
        self._until_ready()

    def copy_fail(self) -> None:
        """Give the COPY up. The transaction is in the failed state afterwards."""
        self.send(b"f", text("given up"))
        self._until_ready()

    def copy_out(self, sql: str) -> Iterator[bytes]:
        """Run COPY ... TO STDOUT and give its rows, several at a time."""
        self.sync()
        self.send(b"Q", text(sql))
        self._until(b"H")
        failure: BackendError | None = None
        while True:
            rows: list[bytes] = []
            for one in self.messages():
                if one[0] == ord("d"):
                    rows.append(bytes(one[5:]))
                elif one[0] == ord("E"):
                    failure = BackendError(read_fields(bytes(one[5:])))
                elif one[0] == ord("Z"):
                    self.status = bytes(one[5:])
                    if failure:
                        raise failure
                    yield b"".join(rows)
                    return
            yield b"".join(rows)

    def _until(self, wanted: bytes) -> None:
        while True:
            kind, body = self.read()
            if kind == b"E":
                self._until_ready()
                raise BackendError(read_fields(body))
            if kind == wanted:
                return

    def _until_ready(self) -> None:
        while True:
            kind, body = self.read()
            if kind == b"Z":
                self.status = body
                return

    # -- ending

    def cancel(self) -> None:
        """Ask PostgreSQL to cancel what this session is doing."""
        forward_cancel(self._path, self.key)

    def close(self, *, busy: bool = False) -> None:
        """End the session, which rolls its transaction back; never fails.

        Args:
            busy: Whether a statement may still be running (waiting for a lock, copying).
        """
        try:
            if busy:
                self.cancel()
            self.send(b"X")
        except (OSError, ClientGoneError):
            pass  # PostgreSQL is gone, and the transaction with it
        self.stream.close()


def forward_cancel(socket_path: Path, key: bytes) -> None:
    """Send a CancelRequest for the session with this key (process id and secret)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(str(socket_path))
        sock.sendall(struct.pack("!ii", 8 + len(key), CANCEL_REQUEST) + key)
        sock.recv(1)  # the server closes when it has taken the request


def row_description(body: bytes) -> list[tuple[str, int, int]]:
    """Decode a RowDescription: name, type OID and type modifier of each column."""
    count, rest, columns = struct.unpack_from("!h", body)[0], body[2:], []
    for _ in range(count):
        name, rest = split_text(rest)
        _, _, oid, _, modifier, _ = struct.unpack_from("!ihihih", rest)
        columns.append((name.decode(), oid, modifier))
        rest = rest[18:]
    return columns


def _row(body: bytes) -> list[str | None]:
    count, at, values = struct.unpack_from("!h", body)[0], 2, []
    for _ in range(count):
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return values
