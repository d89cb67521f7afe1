"""CREATE TABLE: what PostgreSQL has no word for is taken out and remembered as facts.

The facts (distribution, sort keys, encodings, the primary key) travel to an event trigger in
PostgreSQL as a session setting; it writes them beside the table, in the same transaction. Keys
are accepted and not enforced (AWS: r_CREATE_TABLE_NEW, "informational only").
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .errors import unsupported
from .plan import Plan
from .tokens import Reader, Token, rendered_name

FACTS_SETTING = "redshift.table_facts"

_SERIAL = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2"})
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"})
_COLUMN_ATTRIBUTES = frozenset({
    "COLLATE", "DEFAULT", "DISTKEY", "ENCODE", "GENERATED", "IDENTITY", "NOT", "NULL", "PRIMARY",
    "REFERENCES", "SORTKEY", "UNIQUE",
})  # fmt: skip


@dataclass
class TableFacts:
    """What Redshift keeps about a table and PostgreSQL does not."""

    diststyle: str = ""
    distkey: str = ""
    sortstyle: str = ""
    sortkeys: list[str] = field(default_factory=list)
    encodings: dict[str, str] = field(default_factory=dict)
    primary_key: list[str] = field(default_factory=list)
    like: str = ""

    def setting(self) -> tuple[str, str]:
        """Give the session setting that carries them."""
        return FACTS_SETTING, json.dumps(vars(self))


def plan_create_table(tokens: list[Token]) -> Plan | None:
    """Plan CREATE [TEMP] TABLE; None when the statement creates something else.

    Raises:
        RedshiftError: 42601, or 0A000 for a type that Redshift lacks.
    """
    reader, facts = Reader(tokens), TableFacts()
    reader.expect("CREATE")
    reader.accept("LOCAL")
    temporary = reader.accept("TEMP") or reader.accept("TEMPORARY")
    if not reader.accept("TABLE"):
        return None
    absent = reader.accept("IF", "NOT", "EXISTS")
    table = reader.qualified_name()
    temporary = temporary or table[-1].startswith("#")  # AWS: r_CREATE_TABLE_NEW
    head = f"CREATE {'TEMP ' if temporary else ''}TABLE {'IF NOT EXISTS ' if absent else ''}"
    text = head + rendered_name(table)
    if reader.peek() == "(":
        text += _columns(reader.in_brackets(), table[-1], facts)
    _table_attributes(reader, facts)
    if reader.accept("AS"):
        text += " AS " + " ".join(token.text for token in reader.tokens[reader.at :])
    elif not reader.done():
        reader.refuse()
    return Plan(text=text, word="CREATE", settings=(facts.setting(),))


def _columns(tokens: list[Token], table: str, facts: TableFacts) -> str:
    kept = []
    for element in _elements(tokens):
        first = element[0].word()
        if first in _TABLE_CONSTRAINTS:
            _table_constraint(Reader(element), facts)
        elif first == "LIKE":
            reader = Reader(element[1:])
            facts.like = rendered_name(reader.qualified_name())
            kept.append(" ".join(token.text for token in element))
        else:
            kept.append(column(Reader(element), table, facts))
    return f" ({', '.join(kept)})"


def _elements(tokens: list[Token]) -> list[list[Token]]:
    """Cut at the commas outside brackets."""
    depth, elements = 0, [list[Token]()]
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            elements.append([])
        else:
            elements[-1].append(token)
    return [element for element in elements if element]


def _table_constraint(reader: Reader, facts: TableFacts) -> None:
    if reader.accept("CONSTRAINT"):
        reader.name()
    if reader.accept("PRIMARY", "KEY"):
        facts.primary_key = list(reader.names_in_brackets())


def column(reader: Reader, table: str, facts: TableFacts) -> str:
    """Rewrite one column definition and note its facts.

    Args:
        reader: Stands before the column's name.
        table: The table's name, for error texts.
        facts: Where distribution, sort key, encoding and primary key are noted.
    """
    name_token = reader.next()
    name = name_token.name()
    if reader.peek() in _SERIAL:
        serial = reader.next().text.lower()
        raise unsupported(f'Column "{table}.{name}" has unsupported type "{serial}"')
    kept = [name_token.text, *_type(reader)]
    while not reader.done():
        kept += _column_attribute(reader, name, facts)
    return " ".join(kept)


def _type(reader: Reader) -> list[str]:
    if reader.peek() in ("VARBYTE", "VARBINARY") or (reader.peek(), reader.peek(1)) == (
        "BINARY",
        "VARYING",
    ):
        reader.next()
        reader.accept("VARYING")
        if reader.peek() == "(":
            reader.in_brackets()
        return ["varbyte"]
    kept = []
    while not reader.done() and reader.peek() not in _COLUMN_ATTRIBUTES:
        kept.append(reader.next().text)
    return kept


def _column_attribute(reader: Reader, name: str, facts: TableFacts) -> list[str]:
    """Take one attribute: give what PostgreSQL is to see of it, note the rest."""
    if reader.accept("DISTKEY"):
        facts.distkey, facts.diststyle = name, "KEY"
    elif reader.accept("SORTKEY"):
        facts.sortkeys, facts.sortstyle = [name], "COMPOUND"
    elif reader.accept("ENCODE"):
        facts.encodings[name] = reader.name()
    elif reader.accept("PRIMARY", "KEY"):
        facts.primary_key = [name]
        return ["NOT", "NULL"]
    elif reader.accept("COLLATE"):
        reader.name()
    elif not _informational(reader):
        return _kept_attribute(reader)
    return []


def _informational(reader: Reader) -> bool:
    """Take UNIQUE or REFERENCES if one comes; they are not enforced."""
    if reader.accept("UNIQUE"):
        return True
    if not reader.accept("REFERENCES"):
        return False
    reader.qualified_name()
    if reader.peek() == "(":
        reader.names_in_brackets()
    return True


def _identity(reader: Reader, when: str) -> list[str]:
    numbers = "".join(token.text for token in reader.in_brackets()).split(",")
    if len(numbers) != 2:
        reader.refuse()
    return [f"GENERATED {when} AS IDENTITY (START {numbers[0]} INCREMENT {numbers[1]})"]


def _kept_attribute(reader: Reader) -> list[str]:
    """Take IDENTITY, which is spelled anew, or NOT NULL, NULL and DEFAULT as they are."""
    if reader.accept("IDENTITY"):
        return _identity(reader, "ALWAYS")
    if reader.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
        return _identity(reader, "BY DEFAULT")
    kept = [reader.next().text]
    if kept[0].upper() == "NOT":
        kept.append(reader.next().text)
    elif kept[0].upper() == "DEFAULT":
        kept.append(reader.next().text)
        depth = 1 if kept[-1] == "(" else 0
        while not reader.done() and (depth or reader.peek() not in _COLUMN_ATTRIBUTES):
            kept.append(reader.next().text)
            depth += {"(": 1, ")": -1}.get(kept[-1], 0)
    elif kept[0].upper() != "NULL":
        reader.at -= 1
        reader.refuse()
    return kept


def _table_attributes(reader: Reader, facts: TableFacts) -> None:
    while table_attribute(reader, facts):
        pass


def table_attribute(reader: Reader, facts: TableFacts) -> bool:
    """Take one of DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO, BACKUP; tell whether there was one."""
    if reader.accept("DISTSTYLE"):
        facts.diststyle = reader.name().upper()
    elif reader.accept("DISTKEY"):
        facts.distkey, facts.diststyle = reader.names_in_brackets()[0], "KEY"
    elif reader.peek() in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
        _sort_key(reader, facts)
    elif not (
        reader.accept("ENCODE", "AUTO")
        or reader.accept("BACKUP", "YES")
        or reader.accept("BACKUP", "NO")
    ):
        return False
    return True


def _sort_key(reader: Reader, facts: TableFacts) -> None:
    facts.sortstyle = reader.name().upper() if reader.peek() != "SORTKEY" else "COMPOUND"
    reader.expect("SORTKEY")
    if reader.accept("AUTO"):
        facts.sortstyle = ""
    else:
        facts.sortkeys = list(reader.names_in_brackets())
