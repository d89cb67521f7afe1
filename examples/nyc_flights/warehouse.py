"""What is in Redshift, asked without any part of the loader: a second opinion for the demo."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redshift_connector

_HEX = "0123456789abcdef"
_BOOLEAN_OID = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """How many rows a table has, and a checksum of them that does not depend on their order."""

    rows: int
    checksum: int


def states_of(schema: str, tables: Iterable[str]) -> dict[str, TableState]:
    """Count the tables' rows and add up their checksums, each in one query."""
    with _connect() as connection:
        cursor = connection.cursor()
        return {table: _state_of(cursor, f'"{schema}"."{table}"') for table in tables}


def _state_of(cursor: Any, table: str) -> TableState:  # noqa: ANN401  # the driver has no types
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608  # the example's own names
    cursor.execute(checksum_query(table, [(name, oid) for name, oid, *_ in cursor.description]))
    ((rows, checksum),) = cursor.fetchall()
    return TableState(rows=int(rows), checksum=int(checksum))


def checksum_query(table: str, columns: Sequence[tuple[str, int]]) -> str:
    """Write the query for a table's row count and checksum.

    The checksum is the sum, over all rows, of the first 32 bits of the row's MD5: it sees a row
    that changed, is missing or stands twice. STRPOS turns the hexadecimal digits into numbers,
    because Redshift and PostgreSQL have no function for it that is called the same.

    Args:
        table: quoted as SQL needs it.
        columns: name and type OID of each.
    """
    row = " || '|' || ".join(_as_text(name, oid) for name, oid in columns)
    bits = " + ".join(
        f"CAST(STRPOS('{_HEX}', SUBSTRING(digest, {place}, 1)) - 1 AS BIGINT) * {16 ** (8 - place)}"
        for place in range(1, 9)
    )
    return (
        f"SELECT COUNT(*), COALESCE(SUM({bits}), 0) "  # noqa: S608  # the example's own names
        f"FROM (SELECT MD5({row}) AS digest FROM {table}) AS digests"
    )


def _as_text(name: str, oid: int) -> str:
    quoted = '"{}"'.format(name.replace('"', '""'))
    if oid == _BOOLEAN_OID:  # Redshift casts no BOOLEAN to VARCHAR
        return f"CASE WHEN {quoted} THEN 't' WHEN NOT {quoted} THEN 'f' ELSE '~' END"
    return f"COALESCE(CAST({quoted} AS VARCHAR), '~')"


def _connect() -> Any:  # noqa: ANN401  # the driver has no types
    sslmode = os.environ.get("REDSHIFT_SSLMODE") or "verify-full"
    connection = redshift_connector.connect(
        host=os.environ["REDSHIFT_HOST"],
        port=int(os.environ["REDSHIFT_PORT"]),
        database=os.environ["REDSHIFT_DATABASE"],
        user=os.environ["REDSHIFT_USER"],
        password=os.environ["REDSHIFT_PASSWORD"],
        **({"ssl": False} if sslmode == "disable" else {"ssl": True, "sslmode": sslmode}),
    )
    connection.autocommit = True
    return connection
