"""The Redshift database that assets land in, and how the loader logs in to it."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from shared_protocol import AuthKind, ErrorCode, Phase, SessionOptions, Target, refuse
from shared_protocol import environment as env

_OURS = (
    env.REDSHIFT_AUTH,
    env.REDSHIFT_HOST,
    env.REDSHIFT_PORT,
    env.REDSHIFT_DATABASE,
    env.REDSHIFT_USER,
    env.REDSHIFT_PASSWORD,
    env.REDSHIFT_CLUSTER_IDENTIFIER,
    env.REDSHIFT_WORKGROUP,
    env.REDSHIFT_DB_USER,
    env.REDSHIFT_SECRET_ARN,
)


class RedshiftConnection(dg.ConfigurableResource[Any]):
    """The Redshift database and its login.

    Give the password as ``dg.EnvVar("REDSHIFT_PASSWORD")``: a literal stands in plain text in
    Dagster's record of the run. Neither ``repr`` nor ``str`` shows it.
    """

    host: str = Field(description="Name or address of the cluster or workgroup.")
    port: int = Field(default=5439, description="TCP port.")
    database: str = Field(description="Name of the database.")
    user: str = Field(default="", description="Database user.")
    password: str = Field(default="", description="Its password, best given as dg.EnvVar(...).")
    auth: str = Field(
        default=AuthKind.PASSWORD.value,
        description="How to log in; this version knows 'password' only.",
    )
    sslmode: str | None = Field(
        default=None,
        description=(
            "'verify-full', 'verify-ca' or 'disable'. None takes REDSHIFT_SSLMODE of the "
            "environment, and 'verify-full' where that is not set."
        ),
    )
    query_group: str = Field(default="", description="WLM label of the statements; '' sets none.")
    statement_timeout_seconds: int = Field(
        default=0, ge=0, description="After this Redshift cancels a statement; 0 sets no limit."
    )
    ledger_schema: str = Field(
        default="redshift_loader",
        description="Schema of the small tables that record which loads are committed.",
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Give pydantic's ``repr`` and ``str`` what they may show."""
        for name, value in super().__repr_args__():
            yield name, "***" if name == "password" and value else value

    def target(self) -> Target:
        """Give the database as a request names it.

        Raises:
            FailureError: ``not_supported`` for another ``auth`` than ``"password"``;
                ``settings_missing`` names what is empty.
        """
        if self.auth != AuthKind.PASSWORD:
            raise refuse(
                ErrorCode.NOT_SUPPORTED,
                Phase.REQUEST,
                f"RedshiftConnection has auth={self.auth!r}, and this version logs in by "
                "'password' only.",
                "Leave auth out, and set user and password.",
            )
        missing = [name for name in ("host", "database", "user", "password") if not self._has(name)]
        if missing:
            raise refuse(
                ErrorCode.SETTINGS_MISSING,
                Phase.REQUEST,
                f"RedshiftConnection has no {' and no '.join(missing)}.",
                f'Set {missing[-1]}=dg.EnvVar("REDSHIFT_{missing[-1].upper()}"), or a value.',
            )
        return Target(
            host=self.host,
            port=self.port,
            database=self.database,
            user=self.user,
            auth=AuthKind.PASSWORD,
        )

    def _has(self, name: str) -> bool:
        return bool(getattr(self, name))

    def session(self) -> SessionOptions:
        """Give what the database session is told."""
        return SessionOptions(
            query_group=self.query_group,
            statement_timeout_ms=1000 * self.statement_timeout_seconds,
            ledger_schema=self.ledger_schema,
        )

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Give a loader's environment: ``base``, with this login in place of any that is there.

        Args:
            base: the environment of this process. What it says of *another* login would make the
                loader refuse the request, so it is left out.
        """
        kept = {name: value for name, value in base.items() if name not in _OURS}
        kept[env.REDSHIFT_AUTH] = AuthKind.PASSWORD.value
        kept[env.REDSHIFT_HOST] = self.host
        kept[env.REDSHIFT_PORT] = str(self.port)
        kept[env.REDSHIFT_DATABASE] = self.database
        kept[env.REDSHIFT_USER] = self.user
        kept[env.REDSHIFT_PASSWORD] = self.password
        if self.sslmode:
            kept[env.REDSHIFT_SSLMODE] = self.sslmode
        return kept
