"""Redshift's rules for names of schemas, tables and columns: checks only, no SQL.

Source: AWS, r_names: 1 to 127 bytes of UTF-8; a longer one is cut without a word, and plain and
quoted names alike are folded to lower case (ASCII letters) unless
``enable_case_sensitive_identifier`` is on.
"""

from collections.abc import Iterable

from shared_protocol.failure import ErrorCode, Phase, refuse

MAX_NAME_BYTES = 127

_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold(name: str, *, case_sensitive: bool = False) -> str:
    """Give the name as Redshift's catalog holds it."""
    return name if case_sensitive else name.translate(_FOLD)


def check_name(name: str, *, what: str, phase: Phase) -> str:
    """Return ``name`` if Redshift can hold it whole.

    Args:
        name: as the user gave it.
        what: what it names, for the sentence: ``"column"``, ``"table"``, ``"schema"``.
        phase: where the check happens.

    Raises:
        FailureError: code ``bad_name``.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise refuse(
            ErrorCode.BAD_NAME,
            phase,
            f"The {what} name {name!r} holds half of a surrogate pair, which is no text.",
            "Rename it.",
        ) from error
    if not name:
        raise refuse(ErrorCode.BAD_NAME, phase, f"A {what} has an empty name.", "Give it a name.")
    if "\0" in name:
        raise refuse(
            ErrorCode.BAD_NAME, phase, f"The {what} name {name!r} holds a NUL byte.", "Rename it."
        )
    if size > MAX_NAME_BYTES:
        raise refuse(
            ErrorCode.BAD_NAME,
            phase,
            f"The {what} name {name[:40]!r}... has {size} bytes, and Redshift holds at most "
            f"{MAX_NAME_BYTES} and would cut the rest without a word.",
            "Shorten it.",
        )
    return name


def check_columns(names: Iterable[str], *, phase: Phase, case_sensitive: bool = False) -> None:
    """Check the columns of one table: each name by itself, and that no two become one.

    Raises:
        FailureError: code ``bad_name`` or ``duplicate_column``.
    """
    seen: dict[str, str] = {}
    for name in names:
        check_name(name, what="column", phase=phase)
        folded = fold(name, case_sensitive=case_sensitive)
        if folded in seen:
            first = seen[folded]
            same = "stands twice" if first == name else f"and {first!r} are one name to Redshift"
            raise refuse(
                ErrorCode.DUPLICATE_COLUMN,
                phase,
                f"The column {name!r} {same}, which folds names to lower case."
                if first != name
                else f"The column {name!r} {same}.",
                "Rename one of them.",
            )
        seen[folded] = name
    if not seen:
        raise refuse(
            ErrorCode.BAD_NAME,
            phase,
            "The data has no column at all.",
            "Give it at least one column.",
        )
