"""Errors as Redshift words them, and PostgreSQL's errors turned into Redshift's.

Every text and code here that is Redshift's own carries its source beside it; the table
`docs/local-redshift.md` repeats them. What PostgreSQL words and Redshift words alike
(a missing relation, a syntax error) is passed on unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SYNTAX_ERROR = "42601"
UNSUPPORTED = "0A000"
INTERNAL = "XX000"
BAD_AUTHORIZATION = "28000"
ACTIVE_TRANSACTION = "25001"
PROTOCOL_VIOLATION = "08P01"
TOO_LONG = "22001"


@dataclass(eq=False)
class RedshiftError(Exception):
    """An error that the client sees.

    Args:
        sqlstate: Five characters, field `C` of an ErrorResponse.
        message: Field `M`.
        detail: Field `D`, or empty.
        hint: Field `H`, or empty.
        fatal: Whether the connection ends with it.
    """

    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    fatal: bool = False

    def __str__(self) -> str:
        return self.message

    def fields(self) -> dict[str, str]:
        """Give the one-letter fields of the wire protocol."""
        severity = "FATAL" if self.fatal else "ERROR"
        given = {"S": severity, "C": self.sqlstate, "M": self.message}
        given |= {"D": self.detail} if self.detail else {}
        return given | ({"H": self.hint} if self.hint else {})


@dataclass(eq=False)
class BackendError(Exception):
    """PostgreSQL answered with an ErrorResponse; `fields` are its one-letter fields."""

    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.fields.get('C', '?????')} {self.fields.get('M', '')}"


class ClientGoneError(Exception):
    """The client closed its connection, or its machine did."""


def syntax_error(near: str) -> RedshiftError:
    """Refuse a token the way the grammar does."""
    return RedshiftError(SYNTAX_ERROR, f'syntax error at or near "{near}"')


def unsupported(message: str) -> RedshiftError:
    """Refuse what Redshift refuses with 0A000."""
    return RedshiftError(UNSUPPORTED, message)


def not_modelled(what: str) -> RedshiftError:
    """Refuse what Redshift can do and the sandbox cannot, and say which of the two it is."""
    return RedshiftError(
        UNSUPPORTED,
        f"{what} is not modelled by the sandbox (this is a limit of the sandbox, not of Redshift)",
    )


BYTE_CHECK_PREFIX = "redshift_bytes_"
"""Name prefix of the CHECK constraints that count VARCHAR lengths in bytes."""


def as_redshift(fields: dict[str, str], *, table_oid: int = 0) -> dict[str, str]:
    """Turn PostgreSQL's error fields into those that Redshift would send.

    Args:
        fields: One-letter fields of PostgreSQL's ErrorResponse.
        table_oid: The table that the session wrote last, for the text of error 1023.
    """
    code, constraint = fields.get("C", ""), fields.get("n", "")
    common = {"S": fields.get("S", "ERROR")}
    if code == "28P01":
        # Redshift sends 28000; redshift_connector turns exactly that into InterfaceError.
        return common | {"C": BAD_AUTHORIZATION, "M": fields["M"]}
    if code == "40001":
        # AWS: c_serial_isolation, "ERROR:1023 DETAIL: Serializable isolation violation on table".
        detail = (
            f"Serializable isolation violation on table - {table_oid}, "
            "transactions forming the cycle are: unknown to the sandbox"
        )
        return common | {"C": INTERNAL, "M": "1023", "D": detail}
    if code == "23514" and constraint.startswith(BYTE_CHECK_PREFIX):
        length = constraint.removeprefix(BYTE_CHECK_PREFIX).split("_")[0]
        text = f"value too long for type character varying({length})"
        return common | {"C": TOO_LONG, "M": text}
    if code == "23502":
        # Measured on a real Redshift: "Cannot insert a NULL value into column c".
        text = f"Cannot insert a NULL value into column {fields.get('c', '')}"
        return common | {"C": INTERNAL, "M": text}
    return fields
