"""What the loader takes from its environment: how to log in to the target that the request names.

AWS credentials, Region and endpoints are botocore's own business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared_protocol import AuthKind, ErrorCode, Phase, Target, refuse
from shared_protocol import environment as env

_SSL_MODES = ("verify-full", "verify-ca", "disable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach the database.

    Attributes:
        target: the database.
        password: of ``target.user``; never shown.
        sslmode: ``verify-full``, ``verify-ca`` or ``disable``.
    """

    target: Target
    password: str = field(repr=False)
    sslmode: str = "verify-full"


def settings_for(
    target: Target, environ: Mapping[str, str], *, target_from_env: bool = False
) -> Settings:
    """Join the request's target with the environment's credentials.

    Args:
        target: of the request.
        environ: the process environment.
        target_from_env: take host, port, database and user from the environment instead; a replay
            against another database than the request's is refused without it.

    Raises:
        FailureError: ``settings_missing`` names every missing variable at once;
            ``target_mismatch``; ``not_supported``.
    """
    if target_from_env:
        target = _target_of(environ, target)
    else:
        _refuse_other_target(target, environ)
    # Whose password it is; another person may repeat a load as themselves.
    target = replace(target, user=environ.get(env.REDSHIFT_USER) or target.user)
    if target.auth is not AuthKind.PASSWORD:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.CONNECT,
            f"This version logs in by password only; the request asks for {target.auth.value!r}.",
            "Set REDSHIFT_AUTH=password, REDSHIFT_USER and REDSHIFT_PASSWORD.",
        )
    sslmode = environ.get(env.REDSHIFT_SSLMODE) or "verify-full"
    if sslmode not in _SSL_MODES:
        raise refuse(
            ErrorCode.USAGE,
            Phase.CONNECT,
            f"REDSHIFT_SSLMODE is {sslmode!r}, and is to be one of {', '.join(_SSL_MODES)}.",
        )
    missing = [
        name
        for name, value in (
            (env.REDSHIFT_HOST, target.host),
            (env.REDSHIFT_DATABASE, target.database),
            (env.REDSHIFT_USER, target.user),
            (env.REDSHIFT_PASSWORD, environ.get(env.REDSHIFT_PASSWORD)),
        )
        if not value
    ]
    if missing:
        raise refuse(
            ErrorCode.SETTINGS_MISSING,
            Phase.CONNECT,
            f"The loader has no {' and no '.join(missing)} to log in to Redshift with.",
            "Set the environment variable" + ("s." if len(missing) > 1 else "."),
        )
    return Settings(target=target, password=environ[env.REDSHIFT_PASSWORD], sslmode=sslmode)


def _target_of(environ: Mapping[str, str], target: Target) -> Target:
    return replace(
        target,
        host=environ.get(env.REDSHIFT_HOST) or target.host,
        port=_port(environ.get(env.REDSHIFT_PORT)) or target.port,
        database=environ.get(env.REDSHIFT_DATABASE) or target.database,
        auth=_auth(environ.get(env.REDSHIFT_AUTH)) or target.auth,
    )


def _refuse_other_target(target: Target, environ: Mapping[str, str]) -> None:
    asked = {
        env.REDSHIFT_HOST: target.host,
        env.REDSHIFT_PORT: str(target.port),
        env.REDSHIFT_DATABASE: target.database,
    }
    for name, wanted in asked.items():
        found = environ.get(name)
        if found and wanted and found != wanted:
            raise refuse(
                ErrorCode.TARGET_MISMATCH,
                Phase.CONNECT,
                f"The request is for {target.label}, and the environment says {name}={found}.",
                "Unset it to load where the request says, or add --target-from-env to load where "
                "the environment says.",
            )


def _auth(text: str | None) -> AuthKind | None:
    if not text:
        return None
    try:
        return AuthKind(text)
    except ValueError as error:
        raise refuse(
            ErrorCode.USAGE,
            Phase.CONNECT,
            f"REDSHIFT_AUTH is {text!r}, and is to be one of "
            f"{', '.join(kind.value for kind in AuthKind)}.",
        ) from error


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise refuse(
            ErrorCode.USAGE,
            Phase.CONNECT,
            f"REDSHIFT_PORT is {text!r}, and is to be a port number.",
        )
    return int(text)
