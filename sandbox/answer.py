"""PostgreSQL's answers on their way to the client: what is passed on, changed, or left out."""

from __future__ import annotations

import struct

from .wire import message, read_fields

_JSON, _SUPER = struct.pack("!i", 114), struct.pack("!i", 4000)
_ALREADY_IN_TRANSACTION = "25001"
_AFTER_NAME = 18
"""Bytes of a column in a RowDescription after its name; the type's OID is at 6."""


def for_the_client(kind: bytes, one: memoryview) -> bytes:
    """Give a message as the client is to see it; empty when it is not to see it.

    Args:
        kind: The message's kind, no ErrorResponse.
        one: The message with its header.
    """
    if kind == b"T":
        return message(b"T", _with_super(bytes(one[5:])))
    if kind == b"N" and read_fields(bytes(one[5:])).get("C") == _ALREADY_IN_TRANSACTION:
        return b""  # Redshift takes BEGIN inside a transaction without a word
    return one.tobytes()


def _with_super(body: bytes) -> bytes:
    """Say OID 4000 (SUPER) where PostgreSQL says 114 (json)."""
    if _JSON not in body:
        return body
    count, at, patched = struct.unpack_from("!h", body)[0], 2, bytearray(body)
    for _ in range(count):
        at = body.index(b"\0", at) + 1
        if body[at + 6 : at + 10] == _JSON:
            patched[at + 6 : at + 10] = _SUPER
        at += _AFTER_NAME
    return bytes(patched)
