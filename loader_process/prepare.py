"""The table made ready for a load: its state read, and what it lacks added.

Each statement commits by itself, outside the load transaction: ALTER locks readers out until its
transaction ends, and widening is refused inside one (AWS, r_ALTER_TABLE). A load that fails later
may leave a wider or an empty table, never changed rows.
"""

from dataclasses import replace

from loader_process import statements
from loader_process.ledger import Ledger
from loader_process.redshift import Session
from loader_process.slice_sql import DimensionSql, SliceSql
from loader_process.sql import Sql, expression, ident
from loader_process.table_plan import TablePlan, plan_table
from shared_protocol import (
    DataColumn,
    ErrorCode,
    FailureError,
    PartitionSlice,
    Phase,
    RedshiftType,
    SliceDimension,
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
    if not rows:
        return None
    return tuple(
        TableColumn(name=name, type=_spelled(type_), nullable=not not_null, has_default=has_default)
        for name, type_, not_null, has_default in rows
    )


def _spelled(catalog_type: str) -> str:
    try:
        return str(RedshiftType.parse(catalog_type))
    except ValueError:
        return catalog_type.upper()  # a type that we neither make nor fill


def described_columns(session: Session, table: Table) -> tuple[TableColumn, ...]:
    """Read a table's columns with their encoding, DISTKEY and SORTKEY, for the report."""
    columns = columns_of(session, table) or ()
    try:
        keys = {
            row[0]: row for row in session.rows(statements.column_keys(table.schema, table.name))
        }
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
    for turn in range(_RACES):
        try:
            _make_ledger(session, ledger)
            existing = columns_of(session, table)
            plan = plan_table(table, data, existing, case_sensitive=session.case_sensitive)
            _carry_out(session, table, plan, done)
        except FailureError as error:
            if error.failure.code is ErrorCode.CONFLICT and turn < _RACES - 1:
                continue
            raise
        return plan, tuple(done)
    raise AssertionError("the last turn returns or raises")


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


def bind_slice(
    session: Session,
    table: Table,
    rows: PartitionSlice | None,
    plan: TablePlan,
    existing: tuple[TableColumn, ...] | None,
) -> SliceSql | None:
    """Bind a slice to the columns that the table has, or will have.

    Args:
        session: asked for the type of an expression.
        table: the table.
        rows: the slice.
        plan: what is to be done to the table.
        existing: the table's columns; None where there is no table yet, so that an expression
            cannot be asked about and is left for after it was made.

    Returns:
        The slice; None where the whole table is meant, or where an expression has to wait.

    Raises:
        FailureError: code ``partition_expr``: a column that cannot hold the keys, or no column and
            no expression that Redshift understands.
    """
    if rows is None:
        return None
    types = {column.name: column.type.split("(")[0] for column in existing or ()}
    types |= {column.name: column.type.name for column in (*plan.create, *plan.add)}
    bound = []
    for dimension in rows.dimensions:
        name = fold(dimension.expression, case_sensitive=session.case_sensitive)
        if name in types:
            operand, type_name = ident(name), types[name]
        else:
            operand = expression(dimension.expression)
            if _is_name(dimension.expression):
                raise _no_such_column(table, dimension, types)
            if existing is None:
                return None
            type_name = _type_of_expression(session, table, dimension, operand, types)
        bound.append(DimensionSql(dimension=dimension, operand=operand, type_name=type_name))
    return SliceSql(rows, tuple(bound))


def _is_name(text: str) -> bool:
    return text.strip().isidentifier()


# Source: the driver's table of type OIDs.
_OID_TYPES = {
    21: "SMALLINT",
    23: "INTEGER",
    20: "BIGINT",
    1043: "VARCHAR",
    25: "VARCHAR",
    1042: "CHAR",
    1082: "DATE",
    1114: "TIMESTAMP",
    1184: "TIMESTAMPTZ",
}


def _type_of_expression(
    session: Session, table: Table, dimension: SliceDimension, operand: Sql, types: dict[str, str]
) -> str:
    try:
        oid = session.type_of(statements.expression_type(table, operand))
    except FailureError as error:
        if error.failure.code is not ErrorCode.STATEMENT_FAILED:
            raise
        raise _no_such_column(table, dimension, types) from error
    return _OID_TYPES.get(oid, f"of type {oid}")


def _no_such_column(table: Table, dimension: SliceDimension, types: dict[str, str]) -> FailureError:
    return refuse(
        ErrorCode.PARTITION_EXPR,
        Phase.CHECK,
        f"The partition_expr {dimension.expression!r} is no column of {table.label} and no "
        f"expression that Redshift understands; the columns are {', '.join(types)}.",
        "Name the column that holds the partition.",
    )
