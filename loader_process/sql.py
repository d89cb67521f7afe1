"""SQL that may be executed: built from text of our own, quoted names and quoted literals.

The one place where quotes are made. A session executes :class:`Sql` only, so that a plain ``str``,
whatever it holds, is a type error and never a statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

from shared_protocol import ErrorCode, Phase, refuse


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL whose every part is either ours or quoted."""

    text: str

    def __str__(self) -> str:
        """Give the statement's text."""
        return self.text


def sql(template: LiteralString, /, **parts: Sql) -> Sql:
    """Fill a statement of ours with pieces that are safe already.

    Args:
        template: text written in this program, with ``{name}`` where a part goes.
        parts: the pieces.
    """
    return Sql(template.format(**{name: part.text for name, part in parts.items()}))


def join(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """Put a separator of ours between pieces."""
    return Sql(separator.join(part.text for part in parts))


def ident(*names: str) -> Sql:
    """Quote a name, or the parts of a qualified one.

    Source: AWS, r_names: a name in double quotes, a double quote in it written twice.
    """
    return Sql(".".join('"' + _whole(name).replace('"', '""') + '"' for name in names))


def literal(value: str | float | date | datetime | None) -> Sql:
    r"""Quote a value.

    A backslash is doubled with the quote: Redshift reads backslash escapes in plain literals, as
    the PostgreSQL 8.0 that it comes from does.
    """
    if value is None:
        return Sql("NULL")
    if isinstance(value, bool):
        return Sql("TRUE" if value else "FALSE")
    if isinstance(value, int | float):
        return Sql(repr(value))
    if isinstance(value, datetime):
        return literal(value.isoformat(sep=" "))
    if isinstance(value, date):
        return literal(value.isoformat())
    return Sql("'" + _whole(value).replace("\\", "\\\\").replace("'", "''") + "'")


def expression(text: str) -> Sql:
    """Take an expression of SQL that the asset's author wrote, in parentheses.

    It is the author's own code; what is refused is what would end it or hide what follows: a
    semicolon, a comment, an open quote or parenthesis.

    Raises:
        FailureError: code ``partition_expr``.
    """
    problem = _unbalanced(text)
    if problem:
        raise refuse(
            ErrorCode.PARTITION_EXPR,
            Phase.CHECK,
            f"The partition_expr {text!r} is not one SQL expression: {problem}.",
            "Give the name of a column, or one expression over the table's columns.",
        )
    return Sql(f"({text})")


def _whole(text: str) -> str:
    half = any("\ud800" <= letter <= "\udfff" for letter in text)
    if half or "\0" in text:
        what = "half of a surrogate pair" if half else "a NUL byte"
        raise refuse(
            ErrorCode.BAD_NAME,
            Phase.CHECK,
            f"{text!r} holds {what}, which no name or text of Redshift can.",
            "Remove it.",
        )
    return text


def _unbalanced(text: str) -> str:
    if not text.strip():
        return "it is empty"
    depth, quote = 0, ""
    for here, after in zip(text, text[1:] + " ", strict=True):
        if quote:
            quote = "" if here == quote else quote
        elif here in "'\"":
            quote = here
        elif here == ";" or here + after in ("--", "/*"):
            return f"it holds {here if here == ';' else here + after!r}"
        else:
            depth += (here == "(") - (here == ")")
            if depth < 0:
                return "it closes a parenthesis that it did not open"
    if "\\" in text:
        return "it holds a backslash"
    return "a quote is open" if quote else "a parenthesis is open" if depth else ""
