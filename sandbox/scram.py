"""The client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), to log in to PostgreSQL."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class ScramClient:
    """One exchange: `first()`, `final(server_first)`, then `verify(server_final)`.

    Args:
        password: As the user typed it. PostgreSQL prepares passwords with SASLprep and falls
            back to the bytes as they are; for ASCII the two agree.
    """

    MECHANISM = "SCRAM-SHA-256"

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._bare = f"n=,r={base64.b64encode(secrets.token_bytes(18)).decode()}"
        self._signature = b""

    def first(self) -> bytes:
        """Give the client-first-message. PostgreSQL takes the user from the startup packet."""
        return f"n,,{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        """Give the client-final-message with the proof."""
        challenge = server_first.decode()
        given = dict(part.split("=", 1) for part in challenge.split(","))
        salt, rounds = base64.b64decode(given["s"]), int(given["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        client_key = _mac(salted, b"Client Key")
        without_proof = f"c=biws,r={given['r']}"
        signed = f"{self._bare},{challenge},{without_proof}".encode()
        signature = _mac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = _mac(_mac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> bool:
        """Tell whether the server knew the password too."""
        expected = b"v=" + base64.b64encode(self._signature)
        return hmac.compare_digest(expected, server_final)


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
