"""A sandbox: both servers, started and stopped together, and the facts that a client needs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import logging
    from pathlib import Path
    from types import TracebackType

    from .cluster import Cluster
    from .folder import Folder
    from .front_end import FrontEnd
    from .postgres import Postgres
    from .seaweed import Seaweed

REGION = "us-east-1"
LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedshiftFacts:
    """Where the local Redshift is and how to log in."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "verify-full"
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Facts:
    """Where the local S3 is and how to log in."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = REGION
    bucket: str = "sandbox"


class Sandbox:
    """A running sandbox; leave its `with` block, or call `stop`, to end it.

    Attributes:
        redshift: Where Redshift is.
        s3: Where S3 is.
        log: The file that the sandbox's own errors go to.
    """

    def __init__(self, folder: Folder, *, keeps_data: bool) -> None:
        self.redshift: RedshiftFacts
        self.s3: S3Facts
        self.log = folder.log
        self._folder = folder
        self._keeps_data = keeps_data
        self._logger = _logger(folder)
        self._postgres: Postgres | None = None
        self._seaweed: Seaweed | None = None
        self._cluster: Cluster | None = None
        self._front_end: FrontEnd | None = None
        self._stopped = False

    @classmethod
    def start(
        cls,
        *,
        data_dir: Path | None = None,
        tls: bool = True,
        bucket: str = "sandbox",
        host: str = LOCAL,
        redshift_port: int = 0,
        s3_port: int = 0,
        advertise: str | None = None,
    ) -> Self:
        """Start both servers.

        Args:
            data_dir: Where tables and objects are kept for the next start; None keeps nothing.
            tls: Whether connections to Redshift can be (and by default are) encrypted.
            bucket: A bucket that exists once the sandbox runs.
            host: The address to bind to.
            redshift_port: Redshift's port; 0 chooses a free one.
            s3_port: S3's port; 0 chooses a free one.
            advertise: The host name that clients are told; it is in the certificate.

        Raises:
            FileNotFoundError: PostgreSQL or SeaweedFS is not installed.
            RuntimeError: A server did not start.
        """
        from .folder import Folder

        box = cls(Folder(), keeps_data=data_dir is not None)
        try:
            box._start(
                data_dir=data_dir,
                tls=tls,
                bucket=bucket,
                host=host,
                redshift_port=redshift_port,
                s3_port=s3_port,
                advertise=advertise,
            )
        except BaseException:
            box.stop()
            raise
        return box

    def _start(
        self,
        *,
        data_dir: Path | None,
        tls: bool,
        bucket: str,
        host: str,
        redshift_port: int,
        s3_port: int,
        advertise: str | None,
    ) -> None:
        from .cluster import DATABASE, USER, Cluster
        from .credentials import Keys, identities, make_certificate
        from .front_end import FrontEnd
        from .postgres import Postgres
        from .seaweed import Seaweed

        data = data_dir.absolute() if data_dir else self._folder.path
        user_keys, cluster_keys, password = Keys(), Keys(), secrets.token_urlsafe(18)
        self._seaweed = Seaweed(
            self._folder,
            data / "s3",
            identities(user_keys, cluster_keys),
            bucket=bucket,
            host=host,
            port=s3_port,
        )
        self._seaweed.start()
        self._postgres = Postgres(
            self._folder.path / "pg", data / "postgres", self._folder.path / "postgres.log"
        )
        self._postgres.start()
        names = tuple(dict.fromkeys(name for name in ("localhost", LOCAL, advertise) if name))
        bundle = self._folder.path / "ca.pem"
        context = make_certificate(bundle, names) if tls else None
        self._seaweed.wait()
        self._cluster = Cluster(self._postgres, self._seaweed.address, cluster_keys, REGION)
        self._cluster.prepare(password)
        self._front_end = FrontEnd(
            self._cluster, host=host, port=redshift_port, tls=context, log=self._logger
        )
        self._front_end.start()
        self.redshift = RedshiftFacts(
            host=advertise or "localhost",
            port=self._front_end.port,
            database=DATABASE,
            user=USER,
            password=password,
            ca_file=bundle if tls else None,
        )
        self.s3 = S3Facts(
            endpoint_url=f"http://{advertise or LOCAL}:{self._seaweed.port}",
            access_key_id=user_keys.access_key_id,
            secret_access_key=user_keys.secret_access_key,
            bucket=bucket,
        )
        self._cluster.storage.wait_for_bucket(bucket)

    @property
    def environ(self) -> dict[str, str]:
        """The environment that makes a loader, the driver and boto3 use this sandbox."""
        values = {
            "REDSHIFT_AUTH": "password",
            "REDSHIFT_HOST": self.redshift.host,
            "REDSHIFT_PORT": str(self.redshift.port),
            "REDSHIFT_DATABASE": self.redshift.database,
            "REDSHIFT_USER": self.redshift.user,
            "REDSHIFT_PASSWORD": self.redshift.password,
            "AWS_ACCESS_KEY_ID": self.s3.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_access_key,
            "AWS_REGION": self.s3.region,
            "AWS_DEFAULT_REGION": self.s3.region,
            "AWS_ENDPOINT_URL_S3": self.s3.endpoint_url,
            "SANDBOX_BUCKET": self.s3.bucket,
        }
        if self.redshift.ca_file:
            values |= {
                "REDSHIFT_SSLMODE": self.redshift.sslmode,
                "SSL_CERT_FILE": str(self.redshift.ca_file),
            }
        return values

    def ended(self) -> str:
        """Name the server that has ended by itself; empty while both run."""
        servers = {"PostgreSQL": self._postgres, "SeaweedFS": self._seaweed}
        return next((name for name, server in servers.items() if server and not server.runs()), "")

    def stop(self) -> None:
        """Stop both servers and delete the sandbox's files; a second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._front_end:
            self._front_end.stop()
        if self._cluster:
            self._cluster.close()
        if self._postgres:
            self._postgres.stop(keep=self._keeps_data)
        if self._seaweed:
            self._seaweed.stop(keep=self._keeps_data)
        for handler in list(self._logger.handlers):
            handler.close()
            self._logger.removeHandler(handler)
        self._folder.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _logger(folder: Folder) -> logging.Logger:
    """Log into the sandbox's folder and nowhere else."""
    import logging

    logger = logging.getLogger(f"sandbox.{folder.path.name}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.FileHandler(folder.log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger
