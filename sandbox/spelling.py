"""Redshift's spelling of names, literals and a few functions, in PostgreSQL's.

These rewrites apply to every statement, whatever it is; each is of single tokens or of a short
run of them.
"""

from __future__ import annotations

from .errors import not_modelled
from .tokens import COMMENT, NUMBER, QUOTED, SPACE, STRING, WORD, Token, quote_name

LONGEST_NAME = 127
"""Bytes; Redshift cuts longer names silently (AWS: r_names)."""
POSTGRES_LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of a name."""

DATEPART_FUNCTIONS = frozenset({"DATEADD", "DATEDIFF", "DATE_DIFF"})
"""Their first argument is a bare word in Redshift and a string in our functions."""

RENAMED = {"NVL": "coalesce", "SYSDATE": "localtimestamp"}
"""Words that mean another word of PostgreSQL's. SYSDATE is the transaction's start."""


def spelled_for_postgres(tokens: list[Token], *, case_sensitive: bool) -> list[Token]:
    """Rewrite names, literals and functions.

    Args:
        tokens: A whole statement, space included.
        case_sensitive: enable_case_sensitive_identifier; while it is off, names in quotes are
            folded to lower case too (AWS: r_names).

    Raises:
        RedshiftError: 0A000 for a name that PostgreSQL would cut.
    """
    spelled = [_spelled(token, case_sensitive=case_sensitive) for token in tokens]
    places = [i for i, token in enumerate(spelled) if token.kind not in (SPACE, COMMENT)]
    for n, place in enumerate(places):
        if spelled[place].kind != WORD:
            continue
        around = [spelled[places[k]].word() if k < len(places) else "" for k in range(n, n + 5)]
        before = spelled[places[n - 1]].text if n else ""
        _respell(spelled, places, n, around, before)
    return spelled


def _respell(
    spelled: list[Token], places: list[int], n: int, around: list[str], before: str
) -> None:
    """Rewrite the word at `places[n]` if it and what follows it call for that."""
    word, place = around[0], places[n]
    if word in DATEPART_FUNCTIONS and around[1] == "(" and around[3] == ",":
        datepart = spelled[places[n + 2]]
        if datepart.kind == WORD:
            spelled[places[n + 2]] = Token(STRING, f"'{datepart.text.lower()}'")
    elif word in RENAMED and _is_renamed(word, around[1], before):
        spelled[place] = Token(WORD, RENAMED[word])
    elif around[1:4] == ["(", "MAX", ")"] and word in ("VARCHAR", "NVARCHAR", "VARYING"):
        spelled[places[n + 2]] = Token(NUMBER, "65535")
    elif word == "NVARCHAR":
        spelled[place] = Token(WORD, "varchar")


def _is_renamed(word: str, after: str, before: str) -> bool:
    if word == "NVL":
        return after == "("
    return before not in (".", "AS") and after not in (".", "(")


def _spelled(token: Token, *, case_sensitive: bool) -> Token:
    if token.kind == QUOTED:
        return _name(token, token.name() if case_sensitive else _folded(token.name()))
    if token.kind == WORD and len(token.text) > POSTGRES_LONGEST_NAME // 4:
        _name(token, token.name())
    if token.kind == STRING and "\\" in token.text and token.text[0] == "'":
        # A plain literal of Redshift's reads backslash escapes, as PostgreSQL 8.0 did.
        return Token(STRING, "E" + token.text)
    return token


def _folded(name: str) -> str:
    """Fold ASCII letters only (AWS: r_names)."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _name(token: Token, name: str) -> Token:
    kept = name.encode()[:LONGEST_NAME].decode(errors="ignore")
    if len(kept.encode()) > POSTGRES_LONGEST_NAME:
        raise not_modelled(f'a name of more than {POSTGRES_LONGEST_NAME} bytes ("{kept}")')
    return Token(QUOTED, quote_name(kept)) if token.kind == QUOTED else token
