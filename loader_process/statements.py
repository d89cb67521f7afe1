"""Every statement that a load or a read runs, as text. No decisions."""

from loader_process.slice_sql import SliceSql
from loader_process.sql import Sql, ident, join, literal, sql
from loader_process.table_plan import NewColumn, StagedColumn, TablePlan
from shared_protocol import RedshiftType, Table

BEGIN = sql("BEGIN")
COMMIT = sql("COMMIT")
ROLLBACK = sql("ROLLBACK")
COPIED_ROWS = sql("SELECT pg_last_copy_count()")
COPY_QUERY = sql("SELECT pg_last_copy_id()")
LAST_QUERY = sql("SELECT pg_last_query_id()")
UNLOADED_ROWS = sql("SELECT pg_last_unload_count()")


def table_columns(schema: str, table: str) -> Sql:
    """Select name, type, NOT NULL, DEFAULT and kind of relation of a table's columns, in its order.

    From the catalog's own tables: they show every column, length and schema to any user, whatever
    the search path (PG_TABLE_DEF does not) and cost the leader node only.
    """
    return sql(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, "
        "c.relkind "
        "FROM pg_catalog.pg_attribute a "
        "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = {schema} AND c.relname = {table} "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        schema=literal(schema),
        table=literal(table),
    )


def column_keys(database: str, schema: str, table: str) -> Sql:
    """Select name, encoding, DISTKEY and SORTKEY place of a table's columns.

    Source: AWS, r_SVV_REDSHIFT_COLUMNS.
    """
    return sql(
        "SELECT column_name, encoding, distkey, sortkey FROM svv_redshift_columns "
        "WHERE database_name = {database} "
        "AND schema_name = {schema} AND table_name = {table}",
        database=literal(database),
        schema=literal(schema),
        table=literal(table),
    )


def create_schema(name: str) -> Sql:
    """Make a schema unless it is there."""
    return sql("CREATE SCHEMA IF NOT EXISTS {name}", name=ident(name))


def schema_exists(name: str) -> Sql:
    """Count the schemas of that name: CREATE SCHEMA asks for rights even where it does nothing."""
    return sql(
        "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = {name}", name=literal(name)
    )


def create_table(table: Table, plan: TablePlan) -> Sql:
    """Make the table.

    Without IF NOT EXISTS: who loses a race is to read the winner's table and plan anew.
    """
    options = []
    if plan.dist_style is not None:
        options.append(sql("DISTSTYLE {style}", style=Sql(plan.dist_style.value.upper())))
    if plan.dist_key is not None:
        options.append(sql("DISTKEY ({column})", column=ident(plan.dist_key)))
    if plan.sort_key:
        columns = join(", ", (ident(name) for name in plan.sort_key))
        options.append(sql("COMPOUND SORTKEY ({columns})", columns=columns))
    return sql(
        "CREATE TABLE {table} ({columns}){options}",
        table=ident(table.schema, table.name),
        columns=join(", ", (_defined(column) for column in plan.create)),
        options=join("", (sql(" {option}", option=option) for option in options)),
    )


def add_column(table: Table, column: NewColumn) -> Sql:
    """Add one column: Redshift takes no more in one statement (AWS, r_ALTER_TABLE)."""
    return sql(
        "ALTER TABLE {table} ADD COLUMN {column}",
        table=ident(table.schema, table.name),
        column=_defined(column),
    )


def widen_column(table: Table, column: NewColumn) -> Sql:
    """Make a VARCHAR longer; refused inside a transaction block (AWS, r_ALTER_TABLE)."""
    return sql(
        "ALTER TABLE {table} ALTER COLUMN {name} TYPE {type}",
        table=ident(table.schema, table.name),
        name=ident(column.name),
        type=_type(column.type),
    )


def _defined(column: NewColumn) -> Sql:
    return sql("{name} {type}", name=ident(column.name), type=_type(column.type))


def _type(column_type: RedshiftType) -> Sql:
    return Sql(str(column_type))


def delete_rows(table: Table, rows: SliceSql | None) -> Sql:
    """Remove a slice's rows, or all.

    Not TRUNCATE, which commits the transaction that it runs in (AWS, r_TRUNCATE).
    """
    name = ident(table.schema, table.name)
    if rows is None:
        return sql("DELETE FROM {table}", table=name)
    return sql("DELETE FROM {table} WHERE {rows}", table=name, rows=rows.predicate)


def count_rows(table: Table) -> Sql:
    """Count the table's rows."""
    return sql("SELECT count(*) FROM {table}", table=ident(table.schema, table.name))


def count_groups(table: Table, rows: SliceSql) -> Sql:
    """Count a slice's rows in groups each of which lies in one partition."""
    groups = join(", ", rows.groupings)
    return sql(
        "SELECT {groups}, count(*) FROM {table} WHERE {rows} GROUP BY {places}",
        groups=groups,
        table=ident(table.schema, table.name),
        rows=rows.predicate,
        places=join(", ", (literal(n + 1) for n in range(len(rows.groupings)))),
    )


def expression_type(table: Table, operand: Sql) -> Sql:
    """Select nothing of an expression, to learn its type."""
    return sql(
        "SELECT {operand} FROM {table} LIMIT 0",
        operand=operand,
        table=ident(table.schema, table.name),
    )


def iam_role(role: str) -> Sql:
    """Name the role that COPY and UNLOAD take on (AWS, copy-parameters-authorization)."""
    return (
        sql("IAM_ROLE default") if role == "default" else sql("IAM_ROLE {arn}", arn=literal(role))
    )


def copy_parquet(
    table: Table, columns: tuple[StagedColumn, ...], manifest_uri: str, role: str
) -> Sql:
    """Copy the manifest's files in.

    Always with a column list: COPY of Parquet maps by position, and a list says onto what. Never
    with REGION, which COPY of Parquet refuses (AWS, copy-usage_notes-copy-from-columnar).
    """
    return sql(
        "COPY {table} ({columns}) FROM {manifest} {role} FORMAT AS PARQUET MANIFEST",
        table=ident(table.schema, table.name),
        columns=join(", ", (ident(column.name) for column in columns)),
        manifest=literal(manifest_uri),
        role=iam_role(role),
    )


def select_columns(table: Table, columns: tuple[str, ...], rows: SliceSql | None) -> Sql:
    """Select columns of a slice, or of all rows."""
    query = sql(
        "SELECT {columns} FROM {table}",
        columns=join(", ", (ident(name) for name in columns)),
        table=ident(table.schema, table.name),
    )
    if rows is None:
        return query
    return sql("{query} WHERE {rows}", query=query, rows=rows.predicate)


def unload_parquet(query: Sql, prefix_uri: str, role: str) -> Sql:
    """Unload a query to Parquet files and a manifest that tells their rows (AWS, r_UNLOAD)."""
    return sql(
        "UNLOAD ({query}) TO {prefix} {role} FORMAT AS PARQUET MANIFEST VERBOSE",
        query=literal(query.text),
        prefix=literal(prefix_uri),
        role=iam_role(role),
    )


def statement_timeout(milliseconds: int) -> Sql:
    """Limit the statements that follow; 0 gives the user's own limit back (AWS, r_RESET)."""
    if not milliseconds:
        return sql("RESET statement_timeout")
    return sql("SET statement_timeout TO {limit}", limit=literal(milliseconds))


def load_errors(pid: int) -> Sql:
    """Select the load errors of one session, newest first (AWS, r_SYS_LOAD_ERROR_DETAIL)."""
    return sql(
        "SELECT file_name, line_number, column_name, column_type, error_code, error_message "
        "FROM sys_load_error_detail WHERE session_id = {pid} ORDER BY start_time DESC LIMIT 20",
        pid=literal(pid),
    )


def end_session(pid: int) -> Sql:
    """End another session of the same user."""
    return sql("SELECT pg_terminate_backend({pid})", pid=literal(pid))
