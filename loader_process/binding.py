"""A slice bound to a table: which columns or expressions its dimensions are, and of what type."""

from loader_process import statements
from loader_process.dimension_sql import DimensionSql
from loader_process.redshift import Session
from loader_process.slice_sql import SliceSql
from loader_process.sql import Sql, expression, ident
from loader_process.table_plan import TablePlan
from shared_protocol import (
    ErrorCode,
    FailureError,
    PartitionSlice,
    Phase,
    SliceDimension,
    Table,
    TableColumn,
    refuse,
)
from shared_protocol.names import fold


def check_slice(
    session: Session,
    table: Table,
    rows: PartitionSlice,
    plan: TablePlan,
    existing: tuple[TableColumn, ...] | None,
) -> None:
    """Refuse a slice that the table cannot be asked about, before anything is sent or made.

    Args:
        session: asked for the type of an expression.
        table: the table.
        rows: the slice.
        plan: what is to be done to the table.
        existing: the table's columns; None where there is no table yet, so that an expression
            cannot be asked about and is left for after it was made.

    Raises:
        FailureError: code ``partition_expr``.
    """
    types = _types(plan, existing or ())
    bound = []
    for dimension in rows.dimensions:
        if existing is None and not _is_column(session, dimension, types):
            if dimension.expression.strip().isidentifier():
                raise _no_such_column(table, dimension, types)
            expression(dimension.expression)
            return
        bound.append(_bound(session, table, dimension, types))
    SliceSql(rows, tuple(bound))


def bind_slice(
    session: Session,
    table: Table,
    rows: PartitionSlice,
    plan: TablePlan,
    existing: tuple[TableColumn, ...],
) -> SliceSql:
    """Bind a slice to a table that is there.

    Raises:
        FailureError: code ``partition_expr``: a column that cannot hold the keys, or no column and
            no expression that Redshift understands.
    """
    types = _types(plan, existing)
    return SliceSql(
        rows, tuple(_bound(session, table, dimension, types) for dimension in rows.dimensions)
    )


def _types(plan: TablePlan, existing: tuple[TableColumn, ...]) -> dict[str, str]:
    types = {column.name: column.type.split("(")[0] for column in existing}
    return types | {column.name: column.type.name for column in (*plan.create, *plan.add)}


def _is_column(session: Session, dimension: SliceDimension, types: dict[str, str]) -> bool:
    return fold(dimension.expression, case_sensitive=session.case_sensitive) in types


def _bound(
    session: Session, table: Table, dimension: SliceDimension, types: dict[str, str]
) -> DimensionSql:
    if _is_column(session, dimension, types):
        name = fold(dimension.expression, case_sensitive=session.case_sensitive)
        return DimensionSql(dimension=dimension, operand=ident(name), type_name=types[name])
    operand = expression(dimension.expression)
    type_name = _type_of_expression(session, table, dimension, operand, types)
    return DimensionSql(dimension=dimension, operand=operand, type_name=type_name)


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
