"""The table made ready for a load: its state read, and what it lacks added.

Each statement commits by itself, outside the load transaction: ALTER locks readers out until its
transaction ends, and widening is refused inside one (AWS, r_ALTER_TABLE). A load that fails later
may leave a wider or an empty table, never changed rows.
"""

from dataclasses import replace

from loader_process import statements
from loader_process.ledger import Ledger
from loader_process.redshift import Session
from loader_process.sql import Sql
from loader_process.table_plan import TablePlan, plan_table
from shared_protocol import (
    DataColumn,
    ErrorCode,
    FailureError,
    Phase,
    RedshiftType,
    Table,
    TableColumn,
    refuse,
)
from shared_protocol.names import fold

_RACES = 5
"""How often the table may be changed under us before we give up."""


def folded_table(session: Session, table: Table) -> Table:
    """Give the table under the names that the catalog holds."""
    return replace(
        table,
        schema=fold(table.schema, case_sensitive=session.case_sensitive),
        name=fold(table.name, case_sensitive=session.case_sensitive),
    )


def columns_of(session: Session, table: Table) -> tuple[TableColumn, ...] | None:
    """Read a table's columns, without what the keys catalog knows; None where there is no table."""
    rows = session.rows(statements.table_columns(table.schema, table.name))
    return tuple(_column(*row) for row in rows) or None


def refuse_view(session: Session, table: Table) -> None:
    """Refuse to write to what is no table.

    Raises:
        FailureError: code ``schema_conflict``.
    """
    rows = session.rows(statements.table_columns(table.schema, table.name))
    if any(row[-1] not in ("r", b"r") for row in rows):
        raise refuse(
            ErrorCode.SCHEMA_CONFLICT,
            Phase.CHECK,
            f"{table.label} is a view or another relation that COPY cannot load, and no table.",
            "Name the table, or drop the view.",
        )


def _column(name: str, type_: str, not_null: object, has_default: object, _: object) -> TableColumn:
    return TableColumn(
        name=name, type=_spelled(type_), nullable=not not_null, has_default=bool(has_default)
    )


def _spelled(catalog_type: str) -> str:
    try:
        return str(RedshiftType.parse(catalog_type))
    except ValueError:
        return catalog_type.upper()  # a type that we neither make nor fill


def described_columns(session: Session, database: str, table: Table) -> tuple[TableColumn, ...]:
    """Read a table's columns with their encoding, DISTKEY and SORTKEY, for the report."""
    columns = columns_of(session, table) or ()
    try:
        asked = statements.column_keys(database, table.schema, table.name)
        keys = {row[0]: row for row in session.rows(asked)}
    except FailureError:
        keys = {}  # a view that this user or server does not have costs the report three facts
    described = []
    for column in columns:
        _, encoding, dist_key, sort_key = keys.get(column.name, (column.name, "", False, 0))
        described.append(
            replace(
                column,
                encoding=str(encoding or ""),
                dist_key=dist_key in (True, "t", "true"),
                sort_key=int(sort_key or 0),
            )
        )
    return tuple(described)


def prepare(
    session: Session, table: Table, data: tuple[DataColumn, ...], ledger: Ledger
) -> tuple[TablePlan, tuple[str, ...]]:
    """Make schema, table and ledger what the load needs.

    Who loses a race against another session reads the table again and plans anew.

    Returns:
        The plan that the table now satisfies, and the statements that were run.

    Raises:
        FailureError: ``schema_conflict`` and its like; or what Redshift refuses.
    """
    done: list[str] = []
    for _ in range(_RACES):
        existing = columns_of(session, table)
        try:
            _make_ledger(session, ledger)
            plan = plan_table(table, data, existing, case_sensitive=session.case_sensitive)
            _carry_out(session, table, plan, done)
        except FailureError as error:
            if not _was_overtaken(session, table, existing, error):
                raise
            continue
        return plan, tuple(done)
    raise refuse(
        ErrorCode.CONFLICT,
        Phase.PREPARE,
        f"Other sessions changed {table.label} {_RACES} times while it was being prepared.",
        "Load again when they are done.",
    )


def _was_overtaken(
    session: Session,
    table: Table,
    before: tuple[TableColumn, ...] | None,
    error: FailureError,
) -> bool:
    """Whether a statement failed because another session was quicker."""
    if error.failure.code is ErrorCode.CONFLICT:
        return True
    refused = error.failure.code is ErrorCode.STATEMENT_FAILED
    return refused and columns_of(session, table) != before


def _make_ledger(session: Session, ledger: Ledger) -> None:
    if session.value(ledger.exists):
        return
    _make_schema(session, ledger.schema, [])
    session.execute(ledger.create)


def _make_schema(session: Session, name: str, done: list[str]) -> None:
    # Looked up first: CREATE SCHEMA IF NOT EXISTS asks for the right to create one all the same.
    if not session.value(statements.schema_exists(name)):
        _run(session, statements.create_schema(name), done)


def _carry_out(session: Session, table: Table, plan: TablePlan, done: list[str]) -> None:
    if plan.create:
        _make_schema(session, table.schema, done)
        _run(session, statements.create_table(table, plan), done)
    for column in plan.add:
        _run(session, statements.add_column(table, column), done)
    for column in plan.widen:
        _run(session, statements.widen_column(table, column), done)


def _run(session: Session, statement: Sql, done: list[str]) -> None:
    session.execute(statement)
    done.append(statement.text)
