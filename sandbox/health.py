"""A health check: does what the environment names answer?"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from .seaweed import answers
from .wire import SSL_REQUEST

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 5.0


def check(environ: Mapping[str, str]) -> list[str]:
    """Ask both servers; needs no password.

    Args:
        environ: REDSHIFT_HOST, REDSHIFT_PORT and AWS_ENDPOINT_URL_S3 are read.

    Returns:
        A sentence for each one that does not answer.
    """
    problems = []
    host, port = environ.get("REDSHIFT_HOST", "localhost"), environ.get("REDSHIFT_PORT", "5439")
    if not _redshift_answers(host, int(port)):
        problems.append(f"no Redshift answers at {host}:{port}")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3", "")
    if not endpoint:
        problems.append("AWS_ENDPOINT_URL_S3 is not set")
    elif not answers(endpoint):
        problems.append(f"no S3 answers at {endpoint}")
    return problems


def _redshift_answers(host: str, port: int) -> bool:
    """Ask whether TLS is spoken; any answer will do."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as sock:
            sock.sendall(struct.pack("!ii", 8, SSL_REQUEST))
            return sock.recv(1) in (b"S", b"N")
    except OSError:
        return False
