"""The authorization clauses of COPY and UNLOAD.

They are checked for their form only: the sandbox reads and writes S3 with keys of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import INTERNAL, SYNTAX_ERROR, RedshiftError

if TYPE_CHECKING:
    from .tokens import Reader

_ROLES = re.compile(
    r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+(,arn:aws[\w-]*:iam::\d{12}:role/[\w+=.@/-]+)*"
)
_PAIRS = frozenset({"aws_iam_role", "aws_access_key_id", "aws_secret_access_key", "token"})


def accept_authorization(reader: Reader) -> bool:
    """Take one authorization clause if one comes (AWS: copy-parameters-authorization).

    Raises:
        RedshiftError: The clause has not the right form.
    """
    if reader.accept("IAM_ROLE"):
        if not reader.accept("DEFAULT"):
            _check_role(reader.string())
    elif reader.peek() in ("CREDENTIALS", "WITH"):
        reader.accept("WITH")
        reader.expect("CREDENTIALS")
        reader.accept("AS")
        _check_pairs(reader.string())
    elif reader.peek() in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        reader.next()
        reader.accept("AS")
        reader.string()
    else:
        return False
    return True


def missing_authorization(command: str) -> RedshiftError:
    """Give the error for a statement that names no authorization; the text is the sandbox's own."""
    return RedshiftError(
        SYNTAX_ERROR, f"CREDENTIALS argument is required but is missing for {command}"
    )


def _check_role(role: str) -> None:
    if role != "default" and not _ROLES.fullmatch(role):
        raise RedshiftError(INTERNAL, f"Invalid IAM role ARN: {role!r}")


def _check_pairs(text: str) -> None:
    given = dict(part.partition("=")[::2] for part in text.split(";"))
    if not given.keys() <= _PAIRS:
        raise RedshiftError(
            INTERNAL, "Invalid credentials. Must be of the format: aws_iam_role=..."
        )
    if "aws_iam_role" in given:
        _check_role(given["aws_iam_role"])
