"""The ledger: one small table for each target table, which is both its lock and its record.

LOCK of the ledger is the first statement of every load transaction, so that two loads of one table
take turns while readers of the table itself never wait (LOCK is ACCESS EXCLUSIVE: AWS, r_LOCK).
Nothing that fixes a snapshot may come before it: Redshift takes a transaction's snapshot at its
first SELECT, DML or DDL (AWS, c_serial_isolation), and a snapshot from before the lock would not
see the rows that the load before has just committed, delete nothing, and double them.

A row per committed load says which attempt committed, so that data which was staged once is not
loaded twice and an uncertain COMMIT can be settled. A report too long for one VARCHAR is spread
over several rows.
"""

import hashlib
import json
from datetime import UTC, datetime

from loader_process.sql import Sql, ident, join, literal, sql
from shared_protocol import LoadReport, Phase, SessionOptions, Table
from shared_protocol.codec import DecodeError, decode, encode, parse_json
from shared_protocol.names import MAX_NAME_BYTES, check_name, fold

_PIECE_BYTES = 60_000
# The sandbox's PostgreSQL holds names of 63 bytes, Redshift 127: one that neither cuts serves both.
_NAME_BYTES = 63
_HASH_DIGITS = 16


class Ledger:
    """The statements of one table's ledger; it runs none itself."""

    def __init__(self, table: Table, options: SessionOptions) -> None:
        self.schema = check_name(fold(options.ledger_schema), what="schema", phase=Phase.CHECK)
        self.table = _ledger_name(table)
        self._days = options.ledger_days

    @property
    def _name(self) -> Sql:
        return ident(self.schema, self.table)

    @property
    def exists(self) -> Sql:
        """Count the ledger tables of that name."""
        return sql(
            "SELECT count(*) FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = {schema} AND c.relname = {table}",
            schema=literal(self.schema),
            table=literal(self.table),
        )

    @property
    def create(self) -> Sql:
        """Make the ledger table."""
        return sql(
            "CREATE TABLE {ledger} ("
            "load_key VARCHAR(256) NOT NULL, attempt_id VARCHAR(64) NOT NULL, "
            "committed_at TIMESTAMP NOT NULL, piece SMALLINT NOT NULL, report VARCHAR(65535))",
            ledger=self._name,
        )

    @property
    def lock(self) -> Sql:
        """Take the table's turn; waits for whoever has it."""
        return sql("LOCK TABLE {ledger}", ledger=self._name)

    def find(self, load_key: str) -> Sql:
        """Select the pieces of a load's report, if it is committed."""
        return sql(
            "SELECT attempt_id, report FROM {ledger} WHERE load_key = {key} ORDER BY piece",
            ledger=self._name,
            key=literal(load_key),
        )

    def since(self, moment: datetime) -> Sql:
        """Select the pieces of every report that may be newer than a moment (UTC).

        With an hour to spare, because the server's clock is not the orchestrator's.
        """
        return sql(
            "SELECT load_key, report FROM {ledger} "
            "WHERE committed_at > DATEADD(hour, -1, CAST({moment} AS TIMESTAMP)) "
            "ORDER BY load_key, piece",
            ledger=self._name,
            moment=literal(moment.astimezone(UTC).replace(tzinfo=None)),
        )

    def forget(self, load_key: str) -> Sql:
        """Remove a load's rows, and those that are older than the ledger is kept."""
        return sql(
            "DELETE FROM {ledger} WHERE load_key = {key} "
            "OR committed_at < DATEADD(day, {days}, GETDATE())",
            ledger=self._name,
            key=literal(load_key),
            days=literal(-self._days),
        )

    def record(self, report: LoadReport) -> Sql:
        """Insert a load's rows."""
        # ASCII only, so that characters are bytes and a piece never ends within one.
        text = json.dumps(encode(report), separators=(",", ":"))
        pieces = [text[at : at + _PIECE_BYTES] for at in range(0, len(text), _PIECE_BYTES)]
        rows = (
            sql(
                "({key}, {attempt}, GETDATE(), {number}, {piece})",
                key=literal(report.load_key),
                attempt=literal(report.attempt_id),
                number=literal(number),
                piece=literal(piece),
            )
            for number, piece in enumerate(pieces)
        )
        return sql(
            "INSERT INTO {ledger} (load_key, attempt_id, committed_at, piece, report) "
            "VALUES {rows}",
            ledger=self._name,
            rows=join(", ", rows),
        )


def stored_report(pieces: list[str]) -> LoadReport | None:
    """Put a report together again; None where another version of the protocol wrote it."""
    try:
        return decode(LoadReport, parse_json("".join(pieces)))
    except DecodeError:
        return None


def _ledger_name(table: Table) -> str:
    """Name the ledger after its table; a name that would be cut gets a hash instead of its end."""
    whole = f"{table.schema}__{table.name}"
    name = fold(whole)
    # "a__b"."c" and "a"."b__c" are two tables, and so are "a_"."b" and "a"."_b".
    plain = whole.count("__") == 1 and "___" not in whole and name == whole
    if plain and len(name.encode()) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(f"{table.schema}\0{table.name}".encode()).hexdigest()[:_HASH_DIGITS]
    room = min(_NAME_BYTES, MAX_NAME_BYTES) - _HASH_DIGITS - 1
    return name.encode()[:room].decode(errors="ignore") + "_" + digest
