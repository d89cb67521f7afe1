"""The first packets of a connection: TLS, the startup parameters, the password, cancel requests."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .backend import Backend, forward_cancel
from .errors import BAD_AUTHORIZATION, BackendError, ClientGoneError, RedshiftError
from .wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    PROTOCOL_3_0,
    SSL_REQUEST,
    Stream,
    malformed,
    message,
    ready,
    text,
)

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

ADMINISTRATOR = "rdsdb"
"""The cluster's own user (Redshift's has this name too); no client may log in as it."""

KEPT_PARAMETERS = frozenset({"user", "database", "application_name", "options", "client_encoding"})
"""What PostgreSQL is told. The driver sends more, which PostgreSQL would refuse (42704)."""

REPORTED = {
    b"server_version": b"8.0.2",
    # Redshift's plain literals read backslashes.
    b"standard_conforming_strings": b"off",
}
"""Parameters reported other than PostgreSQL reports them.

The driver parses server_version and counts rows by it. Without a server_protocol_version it talks
protocol 0 (text NUMERIC, plain row descriptions).
"""

_PATIENCE = 30.0
"""Seconds that a client has for its first packets and its password."""


def open_session(client: Stream, socket_path: Path, tls: ssl.SSLContext | None) -> Backend | None:
    """Greet a client and log it in to PostgreSQL; None when it only came to cancel.

    Raises:
        BackendError: PostgreSQL refused it (28P01, 3D000).
        RedshiftError: 28000 or 08P01.
        ClientGoneError: It went away.
    """
    client.sock.settimeout(_PATIENCE)
    code, body = client.startup()
    while code in (SSL_REQUEST, GSS_REQUEST):
        code, body = _encrypt(client, code, tls)
    if code == CANCEL_REQUEST:
        forward_cancel(socket_path, body)
        return None
    if code >> 16 != PROTOCOL_3_0 >> 16:
        raise malformed(f"protocol {code >> 16}.{code & 0xFFFF} is not spoken here")
    parameters = _parameters(body)
    backend = Backend(socket_path, watch=client)
    try:
        backend.log_in(parameters, _password(client))
        client.send(_welcome(backend))
    except BaseException:
        backend.close()
        raise
    client.sock.settimeout(None)
    return backend


def _encrypt(client: Stream, code: int, tls: ssl.SSLContext | None) -> tuple[int, bytes]:
    if code == GSS_REQUEST or tls is None:
        client.send(b"N")
        return client.startup()
    if client.buffered():
        raise malformed("unencrypted bytes after the request for TLS")
    client.send(b"S")
    try:
        client.sock = tls.wrap_socket(client.sock, server_side=True)
    except (OSError, ValueError) as error:
        raise ClientGoneError(f"TLS failed: {error}") from error
    return client.startup()


def _parameters(body: bytes) -> dict[str, str]:
    parts = [part.decode(errors="replace") for part in body.rstrip(b"\0").split(b"\0")]
    given = dict(zip(parts[::2], parts[1::2], strict=False))
    if not given.get("user"):
        raise RedshiftError(BAD_AUTHORIZATION, "no user name given in startup packet", fatal=True)
    user = given["user"]
    if user.lower() == ADMINISTRATOR:
        refusal = f'password authentication failed for user "{user}"'
        raise RedshiftError(BAD_AUTHORIZATION, refusal, fatal=True)
    kept = {name: value for name, value in given.items() if name in KEPT_PARAMETERS}
    return {"database": user} | kept


def _password(client: Stream) -> str:
    client.send(message(b"R", struct.pack("!i", 3)))
    kind, body = client.message()
    if kind != b"p":
        raise malformed("a password was expected")
    return body.rstrip(b"\0").decode(errors="replace")


def _welcome(backend: Backend) -> bytes:
    answer = [message(b"R", struct.pack("!i", 0))]
    for kind, body in backend.greeting:
        name = body.partition(b"\0")[0]
        if kind == b"S" and name in REPORTED:
            answer.append(message(b"S", name + b"\0" + REPORTED[name] + b"\0"))
        elif kind in b"SKN":
            answer.append(message(kind, body))
    return b"".join(answer) + ready(b"I")


def refusal(error: BackendError | RedshiftError) -> dict[str, str]:
    """Give the fields of the error that ends a connection attempt."""
    from .errors import as_redshift

    given = as_redshift(error.fields) if isinstance(error, BackendError) else error.fields()
    return given | {"S": "FATAL"}


__all__ = ["ADMINISTRATOR", "open_session", "refusal", "text"]
