"""ALTER TABLE: one change at a time, and what only Redshift has kept as facts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .create_table import TableFacts, column, table_attribute
from .errors import (
    SYNTAX_ERROR,
    UNSUPPORTED,
    RedshiftError,
    not_modelled,
    syntax_error,
    unsupported,
)
from .plan import Plan
from .tokens import Reader, Token, quote_literal, quote_name, render, rendered_name

if TYPE_CHECKING:
    from .session import Session

IN_BLOCK = "ALTER TABLE ALTER COLUMN cannot run inside a transaction block"
"""AWS: r_ALTER_TABLE says that it cannot; SQLSTATE 25001."""

_TYPE_OF = """
SELECT atttypid::regtype, atttypmod - 4 FROM pg_attribute
 WHERE attrelid = {table}::regclass AND attname = {name} AND attnum > 0
"""
_VARCHAR = frozenset({"VARCHAR", "CHARACTER", "TEXT"})
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"})


@dataclass(frozen=True)
class RememberFacts:
    """A change of facts that no row shows: keys, distribution, encodings."""

    table: str
    facts: str
    tag: str = "ALTER TABLE"

    def run(self, session: Session) -> str:
        """Write the facts beside the table, in the session's transaction."""
        name, facts = quote_literal(self.table), quote_literal(self.facts)
        session.backend.run(f"SELECT pg_catalog.redshift_remember({name}::regclass, {facts})")
        return self.tag


@dataclass(frozen=True)
class WidenVarchar:
    """ALTER TABLE t ALTER COLUMN c TYPE VARCHAR(n)."""

    table: str
    column: str
    length: int

    def run(self, session: Session) -> str:
        """Change the length, and the check that counts it in bytes.

        Raises:
            RedshiftError: The column is no VARCHAR, or is longer already.
        """
        table, name = quote_literal(self.table), quote_literal(self.column)
        # The lock comes before the snapshot, so that of two at once the second sees the first's.
        if session.transaction.is_idle:
            session.transaction.begin_ours()
        session.backend.run(f"LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")
        found = session.backend.run(_TYPE_OF.format(table=table, name=name))
        if not found:
            missing = f'column "{self.column}" of relation {self.table} does not exist'
            raise RedshiftError("42703", missing)
        kind, length = found[0]
        if kind != "character varying":
            raise unsupported(f'cannot alter type of column "{self.column}": it is not a VARCHAR')
        if length is not None and self.length < int(length):
            # AWS: r_ALTER_TABLE refuses a size below existing data; the text is the sandbox's own.
            smaller = f'cannot alter column "{self.column}" to a size below VARCHAR({length})'
            raise RedshiftError(UNSUPPORTED, smaller)
        session.backend.run(
            f"SELECT pg_catalog.redshift_widen({table}::regclass, {name}, {self.length})"
        )
        return "ALTER TABLE"


def plan_alter_table(tokens: list[Token]) -> Plan | None:
    """Plan ALTER TABLE; None when something else is altered.

    Raises:
        RedshiftError: 42601, or 0A000 for what is not modelled.
    """
    reader = Reader(tokens)
    if not reader.accept("ALTER", "TABLE"):
        return None
    table = reader.qualified_name()
    name = rendered_name(table)
    if reader.accept("APPEND"):
        raise not_modelled("ALTER TABLE APPEND")
    if reader.accept("ADD"):
        return _add(reader, table)
    if reader.accept("DROP", "CONSTRAINT"):
        return Plan(text="", word="ALTER", command=RememberFacts(name, '{"primary_key": []}'))
    if reader.accept("ALTER"):
        return _alter(reader, name)
    return Plan(text=render(tokens), word="ALTER", settings=(TableFacts().setting(),))


def _add(reader: Reader, table: tuple[str, ...]) -> Plan:
    name, facts = rendered_name(table), TableFacts()
    if reader.peek() in _CONSTRAINTS:
        if reader.accept("CONSTRAINT"):
            reader.name()
        if not reader.accept("PRIMARY", "KEY"):
            return Plan(text="", word="ALTER", command=RememberFacts(name, "{}"))
        key = json.dumps({"primary_key": reader.names_in_brackets()})
        return Plan(text="", word="ALTER", command=RememberFacts(name, key))
    reader.accept("COLUMN")
    if reader.peek() == "IF":
        raise syntax_error("IF")  # not in the grammar of AWS: r_ALTER_TABLE
    rest = reader.tokens[reader.at :]
    _refuse_second(rest)
    added = column(Reader(rest), table[-1], facts)
    words = [token.word() for token in rest]
    if "NOT" in words and "DEFAULT" not in words:
        # Seen in django-redshift-backend's issue 96; the SQLSTATE is the sandbox's own.
        sentence = (
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
        raise unsupported(sentence)
    text = f"ALTER TABLE {name} ADD COLUMN {added}"
    return Plan(text=text, word="ALTER", settings=(facts.setting(),))


def _refuse_second(tokens: list[Token]) -> None:
    """Refuse a second change: "You can add only one column" (AWS: r_ALTER_TABLE)."""
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            raise RedshiftError(SYNTAX_ERROR, 'syntax error at or near ","')


def _alter(reader: Reader, name: str) -> Plan:
    facts = TableFacts()
    if reader.accept("DISTKEY"):
        facts.distkey, facts.diststyle = reader.name(), "KEY"
        return Plan(text="", word="ALTER", command=RememberFacts(name, facts.setting()[1]))
    if table_attribute(reader, facts):
        return Plan(text="", word="ALTER", command=RememberFacts(name, facts.setting()[1]))
    reader.accept("COLUMN")
    altered = reader.name()
    if reader.accept("ENCODE"):
        encoding = json.dumps({"encodings": {altered: reader.name()}})
        return Plan(text="", word="ALTER", command=RememberFacts(name, encoding))
    reader.expect("TYPE")
    if reader.peek() not in _VARCHAR:
        raise unsupported(f"cannot alter type of column {quote_name(altered)}: only VARCHAR can be")
    reader.next()
    reader.accept("VARYING")
    length = int(float(reader.in_brackets()[0].text))
    widen = WidenVarchar(name, altered, length)
    return Plan(text="", word="ALTER", command=widen, forbidden_in_block=IN_BLOCK)
