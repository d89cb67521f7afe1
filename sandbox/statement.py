"""What the front end does with one SQL statement: send it on, rewrite it, or run it itself."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from .alter_table import plan_alter_table
from .copy_command import plan_copy
from .create_table import plan_create_table
from .errors import not_modelled, syntax_error, unsupported
from .parameters import plan_reset, plan_set, plan_show
from .plan import Plan
from .spelling import spelled_for_postgres
from .tokens import Reader, Token, at_top_level, render, rendered_name, split_statements, tokenise
from .unload_command import plan_unload

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTERS = frozenset(
    {"PG_LAST_COPY_COUNT", "PG_LAST_COPY_ID", "PG_LAST_QUERY_ID", "PG_LAST_UNLOAD_COUNT"}
)

REFUSED = (
    ("CREATE", "INDEX"),
    ("CREATE", "UNIQUE", "INDEX"),
    ("CREATE", "TRIGGER"),
    ("CREATE", "RULE"),
    ("CREATE", "SEQUENCE"),
    ("CREATE", "DOMAIN"),
    ("CREATE", "TYPE"),
    ("CREATE", "EXTENSION"),
    ("CREATE", "OPERATOR"),
    ("CREATE", "AGGREGATE"),
    ("CREATE", "UNLOGGED"),
    ("SAVEPOINT",),
    ("RELEASE",),
    ("ROLLBACK", "TO"),
    ("LISTEN",),
    ("NOTIFY",),
    ("UNLISTEN",),
    ("REINDEX",),
    ("CLUSTER",),
    ("CHECKPOINT",),
    ("DO",),
    ("LOAD",),
)
"""Statements of PostgreSQL's that Redshift lacks (AWS: c_unsupported-postgresql-features)."""

_LONGEST_REMEMBERED = 4096
"""Characters of a statement whose plan is kept; longer ones (rows in an INSERT) seldom recur."""
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})


def split(sql: str) -> list[str]:
    """Cut the text of a simple query into its statements."""
    return [render(piece) for piece in split_statements(tokenise(sql))]


def plan_statement(sql: str, *, case_sensitive: bool = False) -> Plan:
    """Decide how one statement is carried out.

    Args:
        sql: One statement; an empty one is sent on.
        case_sensitive: The session's enable_case_sensitive_identifier.

    Raises:
        RedshiftError: Redshift, or the sandbox, refuses it.
    """
    plan = _remembered if len(sql) <= _LONGEST_REMEMBERED else _planned
    return plan(sql, case_sensitive=case_sensitive)


def _planned(sql: str, *, case_sensitive: bool) -> Plan:
    pieces = split_statements(tokenise(sql))
    if not pieces:
        return Plan(text="", word="")
    if len(pieces) > 1:
        raise syntax_error(";") from None
    tokens = spelled_for_postgres(pieces[0], case_sensitive=case_sensitive)
    reader = Reader(tokens)
    _refuse_what_redshift_lacks(reader)
    word = reader.peek()
    plan = _PLANNERS.get(word, _sent_on)(tokens) or _sent_on(tokens)
    counters = any(token.word() in COUNTERS for token in reader.tokens)
    return replace(plan, reads_counters=counters)


_remembered = lru_cache(maxsize=1024)(_planned)


def _refuse_what_redshift_lacks(reader: Reader) -> None:
    for words in REFUSED:
        if reader.accept(*words):
            name = reader.peek()
            what = " ".join((*words, name)).strip().lower()
            raise unsupported(f'SQL command "{what}" not supported on Redshift tables.')


def _sent_on(tokens: list[Token]) -> Plan:
    return Plan(text=render(tokens), word=Reader(tokens).peek())


def _begin(tokens: list[Token]) -> Plan:
    """Leave the isolation level to the database (AWS: r_BEGIN)."""
    read_only = "READ ONLY" in " ".join(token.word() for token in Reader(tokens).tokens)
    return Plan(text="BEGIN READ ONLY" if read_only else "BEGIN", word="BEGIN")


def _write(tokens: list[Token]) -> Plan:
    """Lock the table that is written before the statement's snapshot is taken.

    Writers of one table wait for each other and readers wait for none of them, and a first
    DELETE takes its snapshot after its wait (AWS: c_write_readwrite, c_serial_isolation).
    """
    _refuse_clauses(tokens)
    reader = Reader(tokens)
    word = reader.next().word()
    reader.accept("INTO") or reader.accept("FROM")
    reader.accept("ONLY")
    return Plan(text=render(tokens), word=word, locks=(rendered_name(reader.qualified_name()),))


def _refuse_clauses(tokens: list[Token]) -> None:
    """Refuse ON CONFLICT and RETURNING, which the grammar of PostgreSQL 8.0 does not have."""
    top = [token.word() for token in at_top_level(tokens)]
    if "RETURNING" in top:
        raise syntax_error("RETURNING")
    if top[0] == "INSERT" and any(pair == ("ON", "CONFLICT") for pair in pairwise(top)):
        raise syntax_error("ON")


def _with(tokens: list[Token]) -> Plan:
    for token in at_top_level(tokens):
        if token.word() in _WRITES:
            raise syntax_error(token.text)
    return _sent_on(tokens)


def _truncate(tokens: list[Token]) -> Plan:
    """AWS: r_TRUNCATE, "commits the transaction in which it is run"."""
    reader = Reader(tokens)
    reader.expect("TRUNCATE")
    reader.accept("TABLE")
    name = rendered_name(reader.qualified_name())
    return Plan(text=f"TRUNCATE TABLE {name}", word="TRUNCATE", commits=True)


def _vacuum(tokens: list[Token]) -> Plan:
    """Redshift's kinds of VACUUM are one here; it stays forbidden in a transaction block."""
    reader = Reader(tokens)
    reader.expect("VACUUM")
    for kind in (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",)):
        if reader.accept(*kind):
            break
    name = "" if reader.done() else rendered_name(reader.qualified_name())
    return Plan(text=f"VACUUM {name}", word="VACUUM")


def _analyze(tokens: list[Token]) -> Plan:
    reader = Reader(tokens)
    reader.next()
    if reader.accept("COMPRESSION"):
        raise not_modelled("ANALYZE COMPRESSION")
    reader.accept("VERBOSE")
    if reader.done():
        return Plan(text="ANALYZE", word="ANALYZE")
    name = rendered_name(reader.qualified_name())
    columns = (
        "" if reader.peek() != "(" else ", ".join(f'"{n}"' for n in reader.names_in_brackets())
    )
    return Plan(text=f"ANALYZE {name} {f'({columns})' if columns else ''}", word="ANALYZE")


_PLANNERS: dict[str, Callable[[list[Token]], Plan | None]] = {
    "ABORT": _sent_on,
    "ALTER": plan_alter_table,
    "ANALYSE": _analyze,
    "ANALYZE": _analyze,
    "BEGIN": _begin,
    "COPY": plan_copy,
    "CREATE": plan_create_table,
    "DELETE": _write,
    "INSERT": _write,
    "MERGE": _write,
    "RESET": plan_reset,
    "SET": plan_set,
    "SHOW": plan_show,
    "START": _begin,
    "TRUNCATE": _truncate,
    "UNLOAD": plan_unload,
    "UPDATE": _write,
    "VACUUM": _vacuum,
    "WITH": _with,
}
