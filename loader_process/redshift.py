"""A session with Redshift: the one home of the driver.

Facts of ``redshift_connector`` 2.2.0 that this rests on, read in its source and seen in tests: it
opens a transaction by itself unless ``autocommit`` is set; a statement cache may hold a plan of a
table that is gone; after any error that is not the server's answer it can hand a later statement an
earlier one's result, so that such a session is never used again; ``timeout`` also cuts a COPY
short.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from loader_process.errors import failure_of
from loader_process.process import in_driver
from loader_process.settings import Settings
from loader_process.sql import Sql, literal, sql
from loader_process.statements import statement_timeout
from shared_protocol import ErrorCode, Failure, FailureError, Phase, RunInfo, SessionOptions, refuse

CONNECT_SECONDS = 15.0
"""How long to wait for the server to take a connection."""

Row = tuple[Any, ...]


class Session:
    """One connection, each statement its own transaction unless ``BEGIN`` was executed.

    What the server refuses, and a lost connection, is a :class:`FailureError` of the phase that
    ``phase`` names at the time; an error of our own comes out as it is.
    """

    def __init__(self, connection: Any) -> None:  # noqa: ANN401  # the driver has no useful types
        self._connection = connection
        self._cursor = connection.cursor()
        self._broken = False
        self.phase = Phase.CONNECT
        self.pid = 0
        self.timeout_ms = 0

    def __enter__(self) -> Self:
        """Use the session for one block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, which rolls back what was not committed."""
        self.close()

    def execute(self, statement: Sql, *, otherwise: ErrorCode = ErrorCode.STATEMENT_FAILED) -> int:
        """Run a statement and return the rows it changed; -1 where the server tells none.

        Args:
            statement: what to run.
            otherwise: the reason of the failure where the server's text means nothing special.

        Raises:
            FailureError: the server refused, or the connection is gone.
        """
        with self._answers(otherwise):
            self._cursor.execute(statement.text)
            return int(self._cursor.rowcount)

    def rows(self, query: Sql) -> list[Row]:
        """Run a query and return its rows; meant for small results: the driver holds them all.

        Raises:
            FailureError: the server refused, or the connection is gone.
        """
        with self._answers(ErrorCode.STATEMENT_FAILED):
            self._cursor.execute(query.text)
            return [tuple(row) for row in self._cursor.fetchall()]

    def value(self, query: Sql) -> Any:  # noqa: ANN401  # whatever the query selects
        """Run a query of one row and one column."""
        ((value,),) = self.rows(query)
        return value

    def type_of(self, query: Sql) -> int:
        """Run a query of one column and return that column's type OID."""
        with self._answers(ErrorCode.STATEMENT_FAILED):
            self._cursor.execute(query.text)
            self._cursor.fetchall()
            return int(self._cursor.description[0][1])

    @cached_property
    def case_sensitive(self) -> bool:
        """Whether the session keeps the case of names; read, never set.

        Source: AWS, r_enable_case_sensitive_identifier.
        """
        found = self.value(sql("SHOW enable_case_sensitive_identifier"))
        return str(found).lower() in ("on", "true")

    def close(self) -> None:
        """Close the connection; the server rolls back what was not committed."""
        try:
            self._connection.close()
        except Exception as error:  # noqa: BLE001  # it may be gone already, which is what we want
            del error

    @contextmanager
    def _answers(self, otherwise: ErrorCode) -> Iterator[None]:
        if self._broken:
            raise self._lost("it was lost before")
        try:
            with in_driver():
                yield
        except Exception as error:
            answer = _answer_of(error)
            if answer is None:
                self._broken = True
                if not _is_of_the_connection(error):
                    raise
                raise self._lost(f"{type(error).__name__}: {error}") from error
            failure = failure_of(
                sqlstate=answer.get("C", ""),
                message=answer.get("M", ""),
                detail=answer.get("D", ""),
                phase=self.phase,
                otherwise=otherwise,
            )
            raise FailureError(failure) from error
        except BaseException:
            # An interrupt may have left an answer unread.
            self._broken = True
            raise

    def _lost(self, what: str) -> FailureError:
        return refuse(
            ErrorCode.CONNECTION_LOST, self.phase, f"The connection to Redshift was lost ({what})."
        )


def _answer_of(error: Exception) -> dict[str, str] | None:
    """Give the fields of the server's error message; None where the error is not the server's."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict) and "C" in fields:
        return {str(key): str(value) for key, value in fields.items()}
    return None


def _is_of_the_connection(error: Exception) -> bool:
    """Tell a broken wire from an error of ours, which no other try would overcome."""
    import struct

    from redshift_connector.error import Error

    return isinstance(error, OSError | EOFError | struct.error | Error)


def connect(settings: Settings, *, options: SessionOptions, run: RunInfo) -> Session:
    """Log in and set the session up.

    Args:
        settings: where and as whom.
        options: what the session is told.
        run: named in the session, so that an administrator finds the run behind a query.

    Raises:
        FailureError: ``unreachable``, ``login_refused`` or ``permission_denied``.
    """
    import redshift_connector

    target = settings.target
    _check_reachable(target.host, target.port)
    encrypted = settings.sslmode != "disable"
    tls: dict[str, Any] = {"ssl": encrypted, **({"sslmode": settings.sslmode} if encrypted else {})}
    try:
        with in_driver():
            connection = redshift_connector.connect(
                host=target.host,
                port=target.port,
                database=target.database,
                user=target.user,
                password=settings.password,
                **tls,
                application_name=f"redshift-loader {run.run_id}".strip(),
                max_prepared_statements=0,
                tcp_keepalive=True,
                tcp_keepalive_idle=30,
                tcp_keepalive_interval=10,
                tcp_keepalive_count=5,
            )
    except Exception as error:
        raise FailureError(_connect_failure(error, settings)) from error
    connection.autocommit = True
    session = Session(connection)
    session.execute(sql("SET timezone TO 'UTC'"))
    if options.query_group:
        session.execute(sql("SET query_group TO {group}", group=literal(options.query_group)))
    session.timeout_ms = options.statement_timeout_ms
    if session.timeout_ms:
        session.execute(statement_timeout(session.timeout_ms))
    session.pid = int(session.value(sql("SELECT pg_backend_pid()")))
    return session


def _check_reachable(host: str, port: int) -> None:
    # The driver's own time limit would also cut a COPY short, so that we knock first.
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise refuse(
            ErrorCode.UNREACHABLE,
            Phase.CONNECT,
            f"Nothing answers at {host}:{port}: {error}.",
            "Check REDSHIFT_HOST and REDSHIFT_PORT, and that the security group lets this machine "
            "in.",
        ) from error


def _connect_failure(error: Exception, settings: Settings) -> Failure:
    target = settings.target
    answer = _answer_of(error)
    if answer is not None:
        return failure_of(
            sqlstate=answer["C"],
            message=answer.get("M", ""),
            detail=answer.get("D", ""),
            phase=Phase.CONNECT,
            otherwise=ErrorCode.LOGIN_REFUSED,
        )
    text = f"{type(error).__name__}: {error}"
    # Not every error with SSL in its text: a line that breaks while shaking hands is passing.
    if "certificate" in text.lower() or "refuses ssl" in text.lower():
        return Failure(
            code=ErrorCode.LOGIN_REFUSED,
            phase=Phase.CONNECT,
            message=f"No encrypted connection to {target.label} could be made: {text}.",
            hint="Set SSL_CERT_FILE to a bundle with the server's CA, or REDSHIFT_SSLMODE.",
        )
    return Failure(
        code=ErrorCode.UNREACHABLE,
        phase=Phase.CONNECT,
        message=f"The connection to {target.label} could not be made: {text}.",
        hint="Check REDSHIFT_HOST and REDSHIFT_PORT.",
    )
