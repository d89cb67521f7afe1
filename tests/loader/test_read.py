"""A read: the files hold the table's rows, and nothing stays behind."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox import Sandbox
from shared_protocol import ErrorCode, Table
from shared_protocol.staging_path import REQUEST_FILE, dump_request
from tests.conftest import Database
from tests.loader.conftest import Loader
from tests.loader.staging import days_slice, read_request, stage

D1, D2 = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
D1_NOON = dt.datetime(2024, 1, 1, 12)


def ask(folder: Path, box: Sandbox, table: Table, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    request = read_request(box.environ, table, **changes)
    (folder / REQUEST_FILE).write_text(dump_request(request))
    return folder


def rows_in(folder: Path, order: str) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted((folder / "data").glob("*.parquet"))]
    return pa.concat_tables(tables).sort_by(order).to_pylist() if tables else []


def test_what_was_loaded_is_read_back(
    box: Sandbox, loader: Loader, schema: str, s3: Any, tmp_path: Path
) -> None:
    decimals = [Decimal("1.25"), None, Decimal("-9.99"), Decimal(0)]
    moments = [dt.datetime(1900, 1, 1), None, dt.datetime(2262, 1, 1, 1, 1, 1, 1), D1_NOON]
    data = pa.table(
        {
            "n": pa.array([1, 2, 3, 4], pa.int64()),
            "s": ["", None, "quote ' and \\ and \n", "日本"],
            "d": pa.array(decimals, pa.decimal128(20, 2)),
            "x": pa.array([float("inf"), None, -0.0, 1e-300]),
            "at": pa.array(moments, pa.timestamp("us")),
            "flag": [True, False, None, True],
        }
    )
    table = Table(schema=schema, name="t")
    stage(tmp_path / "load", box.environ, table, data)
    loader(tmp_path / "load")
    path = ask(tmp_path / "read", box, table)
    report = loader(path, command="read").read
    assert report.rows == 4
    assert [c.type for c in report.columns][:3] == ["BIGINT", "VARCHAR(32)", "DECIMAL(20,2)"]
    found = rows_in(path, "n")
    for row in found:  # UNLOAD writes timestamps as INT96, which pyarrow takes for nanoseconds
        row["at"] = row["at"] and row["at"].to_pydatetime()
    assert found == data.to_pylist()
    left = s3.list_objects_v2(Bucket=box.environ["SANDBOX_BUCKET"], Prefix=f"tests/{schema}/")
    assert left["KeyCount"] == 0


def test_columns_and_partitions_are_chosen_in_the_database(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    data = pa.table({"day": pa.array([D1, D2, D2], pa.date32()), "n": [1, 2, 3], "wide": ["x"] * 3})
    table = Table(schema=schema, name="t")
    stage(tmp_path / "load", box.environ, table, data)
    loader(tmp_path / "load")
    rows = days_slice("day", "2024-01-02")
    path = ask(tmp_path / "read", box, table, columns=("n", "day"), slice=rows)
    assert loader(path, command="read").read.rows == 2
    assert rows_in(path, "n") == [{"n": 2, "day": D2}, {"n": 3, "day": D2}]


def test_no_row_is_no_file_and_no_error(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    database.run(f"create schema {schema}")
    database.run(f"create table {schema}.t (n bigint)")
    path = ask(tmp_path / "read", box, Table(schema=schema, name="t"))
    report = loader(path, command="read").read
    assert (report.rows, report.files) == (0, ())
    assert [c.type for c in report.columns] == ["BIGINT"]


def test_a_table_that_is_not_there_is_told(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    path = ask(tmp_path / "read", box, Table(schema=schema, name="nothing"))
    found = loader(path, command="read")
    assert found.failed.code is ErrorCode.TABLE_MISSING
    assert "Materialize the asset first" in found.stderr


def test_a_column_that_is_not_there_is_told(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    database.run(f"create schema {schema}")
    database.run(f"create table {schema}.t (n bigint)")
    path = ask(tmp_path / "read", box, Table(schema=schema, name="t"), columns=("m",))
    assert "no column 'm'; it has n" in loader(path, command="read").stderr


def test_a_read_that_is_repeated_leaves_no_file_of_the_first(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    stage(tmp_path / "load", box.environ, table, pa.table({"n": list(range(100))}))
    loader(tmp_path / "load")
    path = ask(tmp_path / "read", box, table)
    loader(path, command="read")
    database.run(f"delete from {schema}.t where n > 0")
    loader(path, command="read")
    assert rows_in(path, "n") == [{"n": 0}]
