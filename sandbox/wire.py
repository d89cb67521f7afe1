"""The wire protocol's framing: messages in and out of a byte stream (PostgreSQL's protocol 3.0)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING

from .errors import PROTOCOL_VIOLATION, ClientGoneError, RedshiftError

if TYPE_CHECKING:
    from collections.abc import Mapping

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_3_0 = 196608

LONGEST_MESSAGE = 256 << 20
"""Bytes. Redshift takes statements up to 16 MB; bound parameters may be larger."""
LONGEST_STARTUP = 10_000
"""Bytes, PostgreSQL's own limit for a startup packet."""

_LENGTH = struct.Struct("!i")
_RECEIVE = 1 << 18
_GOODBYE = 0.2
"""Seconds that the other side has to end TLS too."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Frame one message."""
    return kind + _LENGTH.pack(len(body) + 4) + body


def text(value: str) -> bytes:
    """Encode a zero-terminated string."""
    return value.encode() + b"\0"


def error_response(fields: Mapping[str, str]) -> bytes:
    """Frame an ErrorResponse. redshift_connector needs field `C` in every one."""
    return message(b"E", _fields(fields))


def notice(severity: str, sentence: str) -> bytes:
    """Frame a NoticeResponse."""
    return message(b"N", _fields({"S": severity, "C": "00000", "M": sentence}))


def _fields(fields: Mapping[str, str]) -> bytes:
    return b"".join(text(key + value) for key, value in fields.items()) + b"\0"


def read_fields(body: bytes) -> dict[str, str]:
    """Decode the fields of an ErrorResponse or NoticeResponse."""
    parts = (part for part in body.split(b"\0") if part)
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in parts}


def command_complete(tag: str) -> bytes:
    """Frame a CommandComplete."""
    return message(b"C", text(tag))


def ready(status: bytes) -> bytes:
    """Frame a ReadyForQuery with a transaction status: `I`, `T` or `E`."""
    return message(b"Z", status)


def split_text(body: bytes) -> tuple[bytes, bytes]:
    """Take one zero-terminated string off the front of a message body.

    Raises:
        RedshiftError: 08P01 when there is none.
    """
    head, found, rest = body.partition(b"\0")
    if not found:
        raise malformed("a string has no end")
    return head, rest


def malformed(why: str) -> RedshiftError:
    """Give the error for bytes that are not the protocol; it ends the connection."""
    return RedshiftError(PROTOCOL_VIOLATION, f"invalid message: {why}", fatal=True)


class Stream:
    """A socket read message by message and written whole.

    Args:
        sock: A connected, blocking socket; TLS or not.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = b""
        self._at = 0

    def buffered(self) -> bool:
        """Tell whether bytes that were received wait to be read."""
        return self._at < len(self._buffer)

    def receive(self) -> None:
        """Wait for more bytes.

        Raises:
            ClientGoneError: The other side closed.
        """
        try:
            data = self.sock.recv(_RECEIVE)
        except OSError as error:
            raise ClientGoneError(str(error)) from error
        if not data:
            raise ClientGoneError("the connection was closed")
        self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def exactly(self, count: int) -> bytes:
        """Read `count` bytes."""
        while len(self._buffer) - self._at < count:
            self.receive()
        data = self._buffer[self._at : self._at + count]
        self._at += count
        return data

    def startup(self) -> tuple[int, bytes]:
        """Read a startup packet: its code and the rest of it."""
        length, code = struct.unpack("!ii", self.exactly(8))
        if not 8 <= length <= LONGEST_STARTUP:
            raise malformed(f"a startup packet of {length} bytes")
        return code, self.exactly(length - 8)

    def message(self) -> tuple[bytes, bytes]:
        """Read one message: its kind and its body."""
        head = self.exactly(5)
        length = _LENGTH.unpack_from(head, 1)[0]
        if not 4 <= length <= LONGEST_MESSAGE:
            raise malformed(f"a message of {length} bytes")
        return head[:1], self.exactly(length - 4)

    def take_messages(self, limit: int = 0) -> list[memoryview]:
        """Take the whole messages received so far, with their headers; none if there is none yet.

        Args:
            limit: The most messages to take; 0 is all.
        """
        view, end = memoryview(self._buffer), len(self._buffer)
        taken: list[memoryview] = []
        while end - self._at >= 5 and (not limit or len(taken) < limit):
            size = _LENGTH.unpack_from(view, self._at + 1)[0] + 1
            if end - self._at < size:
                break
            taken.append(view[self._at : self._at + size])
            self._at += size
        return taken

    def send(self, data: bytes | memoryview) -> None:
        """Send all of it.

        Raises:
            ClientGoneError: The other side is not there any more.
        """
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise ClientGoneError(str(error)) from error

    def close(self) -> None:
        """Close the socket; never fails."""
        with contextlib.suppress(OSError):  # it was closed by the other side
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def say_goodbye(self) -> None:
        """End TLS in order; libpq takes an end without it for an attack."""
        if isinstance(self.sock, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.sock.settimeout(_GOODBYE)
                self.sock.unwrap()
