"""Passwords, keys and certificates of one sandbox; all new at every start."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A pair of S3 keys."""

    access_key_id: str = field(default_factory=lambda: "AKIA" + secrets.token_hex(8).upper())
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)


def identities(user: Keys, cluster: Keys) -> dict[str, object]:
    """Give SeaweedFS's list of who may log in: the user, and the cluster for COPY and UNLOAD."""
    return {
        "identities": [
            {
                "name": name,
                "credentials": [
                    {"accessKey": keys.access_key_id, "secretKey": keys.secret_access_key}
                ],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
            for name, keys in (("user", user), ("cluster", cluster))
        ]
    }


def make_certificate(bundle: Path, names: tuple[str, ...]) -> ssl.SSLContext:
    """Make an authority and a server certificate, and write the bundle that clients trust.

    Args:
        bundle: Becomes the machine's authorities and ours, in PEM, for SSL_CERT_FILE. It holds
            the machine's too because SSL_CERT_FILE replaces them.
        names: Host names and addresses in the certificate.
    """
    import trustme

    authority = trustme.CA(organization_name="redshift sandbox")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    bundle.write_bytes(_machine_authorities() + b"\n" + authority.cert_pem.bytes())
    bundle.chmod(0o644)
    return context


def _machine_authorities() -> bytes:
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    return b""
