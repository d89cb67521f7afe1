"""A load's report as metadata of the materialization, under the keys that Dagster's UI knows.

Source: the web UI of Dagster 1.13 matches ``dagster/row_count``, ``dagster/size_bytes``,
``dagster/table_name``, ``dagster/column_schema``, ``dagster/storage_kind`` and ``dagster/uri`` by
key, and plots what is a number on the latest materialization: so every load reports every number.
"""

from collections.abc import Mapping

import dagster as dg

from shared_protocol import LoadReport, LoadStatus, ReadReport, TableColumn

Metadata = dict[str, dg.MetadataValue]


def load_metadata(
    report: LoadReport,
    *,
    seconds: Mapping[str, float],
    staging_path: str | None = None,
    host: str = "",
) -> Metadata:
    """Tell a load.

    Args:
        report: of the loader.
        seconds: what the orchestrator measured: ``stage``, ``launch`` (the loader's whole life) and
            ``total``.
        staging_path: where it was kept.
        host: ``host:port`` of the database, for the table's URI.
    """
    value = dg.MetadataValue
    rows = report.rows
    address = f"{report.database}.{report.schema}.{report.table}".lower()
    found: Metadata = {
        "dagster/row_count": value.int(rows.in_table),
        "dagster/table_name": value.text(address),
        "dagster/storage_kind": value.text("redshift"),
        "dagster/size_bytes": value.int(report.bytes),
        "dagster/column_schema": value.table_schema(column_schema(report.columns)),
        "rows_staged": value.int(rows.staged),
        "rows_deleted": value.int(rows.deleted),
        "rows_copied": value.int(rows.copied),
        "files": value.int(report.files),
        "files_reencoded": value.int(report.reencoded_files),
        "bytes": value.int(report.bytes),
        "load_key": value.text(report.load_key),
        "status": value.text(report.status.value),
        **_seconds(report, seconds),
    }
    if host:
        path = f"{report.database}/{report.schema}/{report.table}"
        found["dagster/uri"] = value.text(f"redshift://{host}/{path}")
    if report.copy_sql:
        found["Query"] = value.md(f"```sql\n{report.copy_sql}\n```")
    if report.query_ids:
        found["query_ids"] = value.text(", ".join(map(str, report.query_ids)))
    if report.schema_changes:
        statements = "\n".join(f"{text.rstrip(';')};" for text in report.schema_changes)
        found["schema_changes"] = value.md(f"```sql\n{statements}\n```")
    if report.warnings:
        found["warnings"] = value.md("\n".join(f"- {text}" for text in report.warnings))
    if staging_path:
        found["staging_path"] = value.path(staging_path)
    return found


def partition_metadata(report: LoadReport) -> dict[str, Metadata]:
    """Tell each partition's own rows."""
    return {
        part.key: {"dagster/partition_row_count": dg.MetadataValue.int(part.rows)}
        for part in report.partitions
    }


def column_schema(columns: tuple[TableColumn, ...]) -> dg.TableSchema:
    """Give a table's columns as Dagster's UI shows them."""
    return dg.TableSchema(columns=[_column(column) for column in columns])


def summary(report: LoadReport) -> str:
    """Say in one line what a load did."""
    rows = report.rows
    name = f"{report.schema}.{report.table}"
    if report.status is LoadStatus.ALREADY_LOADED:
        return f"{name}: this load was committed before ({report.committed_at}); nothing was done."
    return (
        f"{name}: {rows.deleted:,} rows deleted, {rows.copied:,} rows copied from {report.files} "
        f"files ({report.bytes / 1e6:,.1f} MB), {rows.in_table:,} rows in the table."
    )


def read_summary(report: ReadReport) -> str:
    """Say in one line what a read did."""
    size = f"{report.bytes / 1e6:,.1f} MB in {len(report.files)} files"
    return f"{report.schema}.{report.table}: {report.rows:,} rows read ({size})."


def _column(column: TableColumn) -> dg.TableColumn:
    other = ["distkey"] if column.dist_key else []
    if column.sort_key:
        other.append(f"sortkey {column.sort_key}")
    if column.encoding:
        other.append(f"encode {column.encoding}")
    return dg.TableColumn(
        name=column.name,
        type=column.type,
        constraints=dg.TableColumnConstraints(nullable=column.nullable, other=other),
    )


def _seconds(report: LoadReport, seconds: Mapping[str, float]) -> Metadata:
    found: Metadata = {
        f"seconds_{phase}": dg.MetadataValue.float(round(taken, 3))
        for phase, taken in {**report.seconds, **seconds}.items()
    }
    total = seconds.get("total", 0.0)
    if total > 0:
        per_second = report.rows.copied / total
        found["rows_per_second"] = dg.MetadataValue.float(round(per_second, 1))
        found["mb_per_second"] = dg.MetadataValue.float(round(report.bytes / 1e6 / total, 3))
    return found
