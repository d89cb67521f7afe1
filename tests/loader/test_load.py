"""A load: what is in the table afterwards, and what is not."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox import Sandbox
from shared_protocol import (
    FileFormat,
    LoadStatus,
    ParquetOptions,
    RowCounts,
    SessionOptions,
    SourceFile,
    Table,
)
from tests.conftest import Database
from tests.loader.conftest import Loader
from tests.loader.staging import data_columns, days_slice, keys_slice, source_file, stage


def days(**columns: list[Any]) -> pa.Table:
    return pa.table(
        {
            name: pa.array(values, pa.date32()) if name == "day" else pa.array(values)
            for name, values in columns.items()
        }
    )


D1, D2, D3 = dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 1, 3)


def test_a_load_makes_the_table_and_reports_what_redshift_counted(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    data = days(day=[D1, D1, D2], n=[1, 2, 3], name=["a", "é", None])
    stage(tmp_path, box.environ, Table(schema=schema, name="t", sort_key=("day",)), data)
    report = loader(tmp_path).loaded
    assert report.rows == RowCounts(staged=3, deleted=0, copied=3, in_table=3)
    assert report.status is LoadStatus.LOADED
    assert [(c.name, c.type, c.sort_key) for c in report.columns] == [
        ("day", "DATE", 1),
        ("n", "BIGINT", 0),
        ("name", "VARCHAR(32)", 0),
    ]
    assert database.rows(f"select * from {schema}.t order by n") == [
        (D1, 1, "a"),
        (D1, 2, "é"),
        (D2, 3, None),
    ]


def test_a_slice_is_replaced_and_its_neighbours_are_not(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    stage(tmp_path / "1", box.environ, table, days(day=[D1, D2, D2, D3], n=[1, 2, 3, 4]))
    loader(tmp_path / "1")
    again = days(day=[D2], n=[20])
    rows = days_slice("day", "2024-01-02")
    stage(tmp_path / "2", box.environ, table, again, slice=rows)
    report = loader(tmp_path / "2").loaded
    assert report.rows == RowCounts(staged=1, deleted=2, copied=1, in_table=3)
    assert [(p.key, p.rows) for p in report.partitions] == [("2024-01-02", 1)]
    assert database.rows(f"select n from {schema}.t order by n") == [(1,), (4,), (20,)]


def test_a_range_reports_the_rows_of_each_partition(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    rows = days_slice("day", "2024-01-01", "2024-01-02", "2024-01-03")
    data = days(day=[D3, D1, D3], n=[1, 2, 3])
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), data, slice=rows)
    report = loader(tmp_path).loaded
    assert [(p.key, p.rows) for p in report.partitions] == [
        ("2024-01-01", 1),
        ("2024-01-02", 0),
        ("2024-01-03", 2),
    ]


def test_hostile_names_and_keys_are_values_and_never_sql(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    column = """we"ird; drop table "x" --"""
    keys = ["it's", "a'); drop schema public; --", "back\\slash", "ключ {0} %s"]
    data = pa.table({column: [*keys, "it's"], "n": [1, 2, 3, 4, 5]})
    rows = keys_slice(column, *keys)
    table = Table(schema=schema, name='t "quoted" {x}')
    for attempt in ("1", "2"):
        stage(tmp_path / attempt, box.environ, table, data, slice=rows)
        report = loader(tmp_path / attempt).loaded
    assert report.rows == RowCounts(staged=5, deleted=5, copied=5, in_table=5)
    assert {p.key: p.rows for p in report.partitions} == dict(zip(keys, [2, 1, 1, 1], strict=True))
    quoted = column.replace('"', '""')
    found = database.rows(f'select "{quoted}" from {schema}."t ""quoted"" {{x}}" order by n')
    assert [value for (value,) in found] == [*keys, "it's"]


def test_an_empty_frame_makes_the_table_and_empties_its_slice(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    empty = days(day=[D1], n=[1]).slice(0, 0)
    stage(tmp_path / "1", box.environ, table, empty, slice=days_slice("day", "2024-01-01"))
    assert loader(tmp_path / "1").loaded.rows == RowCounts(
        staged=0, deleted=0, copied=0, in_table=0
    )
    stage(tmp_path / "2", box.environ, table, days(day=[D1, D2], n=[1, 2]))
    loader(tmp_path / "2")
    stage(tmp_path / "3", box.environ, table, empty, slice=days_slice("day", "2024-01-01"))
    assert loader(tmp_path / "3").loaded.rows == RowCounts(
        staged=0, deleted=1, copied=0, in_table=1
    )
    assert database.rows(f"select n from {schema}.t") == [(2,)]


def test_the_same_load_twice_loads_once(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    first = loader(tmp_path).loaded
    database.run(f"insert into {schema}.t values ('2024-05-05', 99)")
    second = loader(tmp_path).loaded
    assert second == replace(first, status=LoadStatus.ALREADY_LOADED, seconds=second.seconds)
    assert database.count(f"{schema}.t") == 2
    forced = loader(tmp_path, "--force").loaded
    assert forced.status is LoadStatus.LOADED
    assert forced.rows == RowCounts(staged=1, deleted=2, copied=1, in_table=1)


def test_a_table_grows_columns_and_wider_strings(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    stage(tmp_path / "1", box.environ, table, days(day=[D1], name=["a"]))
    loader(tmp_path / "1")
    later = days(day=[D2], name=["ö" * 40], more=[1.5])
    stage(tmp_path / "2", box.environ, table, later, slice=days_slice("day", "2024-01-02"))
    report = loader(tmp_path / "2").loaded
    assert [s.split('"t" ')[1] for s in report.schema_changes] == [
        'ADD COLUMN "more" DOUBLE PRECISION',
        'ALTER COLUMN "name" TYPE VARCHAR(128)',
    ]
    assert database.rows(f"select day, name, more from {schema}.t order by day") == [
        (D1, "a", None),
        (D2, "ö" * 40, 1.5),
    ]


def test_columns_are_matched_by_name_whatever_the_tables_order(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    database.run(f"create schema {schema}")
    database.run(f"create table {schema}.t (b bigint, extra varchar(9), a bigint default 7)")
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), pa.table({"a": [1], "b": [2]}))
    loader(tmp_path)
    assert database.rows(f"select a, b, extra from {schema}.t") == [(1, 2, None)]


def test_data_is_cast_to_the_types_of_an_existing_table(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    database.run(f"create schema {schema}")
    database.run(
        f"create table {schema}.t (i integer, d decimal(25,3), x double precision, at timestamp)"
    )
    data = pa.table(
        {
            "i": pa.array([1, -2], pa.int64()),
            "d": pa.array([5, None], pa.int64()),
            "x": pa.array([0.5, None], pa.float32()),
            "at": pa.array([D1, D2], pa.date32()),
        }
    )
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), data)
    report = loader(tmp_path).loaded
    assert report.reencoded_files == 1
    rows = database.rows(f"select i, d, x, at from {schema}.t order by at")
    assert [(r[0], r[1] and int(r[1]), r[2], r[3]) for r in rows] == [
        (1, 5, 0.5, dt.datetime(2024, 1, 1)),
        (-2, None, None, dt.datetime(2024, 1, 2)),
    ]


def foreign(folder: Path, rows: int) -> tuple[pa.Table, Path]:
    """Parquet as nobody here writes it: dictionaries, decimals of other widths, nanoseconds."""
    table = pa.table(
        {
            "id": pa.array(range(rows), pa.uint32()),
            "kind": pa.array(["x", "yy", None] * rows, pa.string())[:rows].dictionary_encode(),
            "amount": pa.array(range(rows), pa.int64()).cast(pa.decimal128(21, 2)),
            "at": pa.array([i * 1_000_000_000 for i in range(rows)], pa.timestamp("ns")),
            "flag": pa.array([True, None] * rows)[:rows],
        }
    )
    path = folder / "foreign.parquet"
    pq.write_table(
        table, path, data_page_version="2.0", compression="brotli", row_group_size=1000,
        version="2.6", store_decimal_as_integer=True,
    )  # fmt: skip
    return table, path


def test_foreign_parquet_is_encoded_anew_in_parts_and_loses_nothing(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table, path = foreign(tmp_path, 5000)
    stage(
        tmp_path,
        box.environ,
        Table(schema=schema, name="t"),
        inputs=(source_file(path),),
        columns=data_columns(table, measured=False),
        parquet=ParquetOptions(part_bytes=8_000, row_group_rows=1000),
    )
    report = loader(tmp_path).loaded
    assert report.reencoded_files == 1
    assert report.files > 1
    assert [c.type for c in report.columns] == [
        "BIGINT",
        "VARCHAR(32)",
        "DECIMAL(21,2)",
        "TIMESTAMP",
        "BOOLEAN",
    ]
    rows = database.rows(f"select id, kind, amount, at, flag from {schema}.t order by id")
    expected = table.set_column(3, "at", table["at"].cast(pa.timestamp("us"))).to_pylist()
    assert [tuple(row.values()) for row in expected] == rows
    assert path.exists()


def test_arrow_files_and_streams_are_loaded(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    data = pa.table({"n": [1, 2, 3], "s": ["a", "bb", None]})
    for number, opener in enumerate((pa.ipc.new_file, pa.ipc.new_stream)):
        with opener(str(tmp_path / f"{number}.arrow"), data.schema) as writer:
            writer.write_table(data)
    stage(
        tmp_path,
        box.environ,
        Table(schema=schema, name="t"),
        inputs=tuple(source_file(tmp_path / f"{n}.arrow", FileFormat.ARROW) for n in (0, 1)),
        columns=data_columns(data, measured=False),
    )
    assert loader(tmp_path).loaded.rows.copied == 6
    assert database.rows(f"select n, s, count(*) from {schema}.t group by 1, 2 order by 1") == [
        (1, "a", 2),
        (2, "bb", 2),
        (3, None, 2),
    ]


def on_s3(box: Sandbox, s3: Any, path: Path, key: str) -> SourceFile:
    bucket = box.environ["SANDBOX_BUCKET"]
    s3.upload_file(str(path), bucket, key)
    head = s3.head_object(Bucket=bucket, Key=key)
    return SourceFile(uri=f"s3://{bucket}/{key}", bytes=head["ContentLength"], etag=head["ETag"])


def keys_under(box: Sandbox, s3: Any, prefix: str) -> list[str]:
    found = s3.list_objects_v2(Bucket=box.environ["SANDBOX_BUCKET"], Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", ())]


def test_data_on_s3_that_fits_is_copied_where_it_lies_and_stays(
    box: Sandbox, loader: Loader, database: Database, schema: str, s3: Any, tmp_path: Path
) -> None:
    data = pa.table({"n": [1, 2, 3], "s": ["a", "bb", None]})
    pq.write_table(data, tmp_path / "part.parquet")
    source = on_s3(box, s3, tmp_path / "part.parquet", f"lake/{schema}/part.parquet")
    stage(
        tmp_path,
        box.environ,
        Table(schema=schema, name="t"),
        inputs=(source,),
        columns=data_columns(data, measured=False),
    )
    report = loader(tmp_path).loaded
    assert (report.files, report.reencoded_files) == (1, 0)
    assert database.count(f"{schema}.t") == 3
    assert keys_under(box, s3, f"lake/{schema}/") == [f"lake/{schema}/part.parquet"]


def test_foreign_data_on_s3_is_read_by_ranges_and_encoded_anew(
    box: Sandbox, loader: Loader, database: Database, schema: str, s3: Any, tmp_path: Path
) -> None:
    table, path = foreign(tmp_path, 2500)
    source = on_s3(box, s3, path, f"lake/{schema}/foreign.parquet")
    stage(
        tmp_path,
        box.environ,
        Table(schema=schema, name="t"),
        inputs=(source,),
        columns=data_columns(table, measured=False),
    )
    assert loader(tmp_path).loaded.reencoded_files == 1
    assert database.rows(f"select count(*), sum(id) from {schema}.t") == [(2500, sum(range(2500)))]


def test_uploads_are_removed_unless_they_are_to_be_kept(
    box: Sandbox, loader: Loader, schema: str, s3: Any, tmp_path: Path
) -> None:
    request = stage(tmp_path, box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    prefix = f"tests/{schema}/t/{request.load_key}/"
    loader(tmp_path)
    assert keys_under(box, s3, prefix) == []
    loader(tmp_path, "--force", "--keep")
    assert [key.rsplit("/")[-1] for key in keys_under(box, s3, prefix)] == [
        "manifest.json",
        "part-00000.parquet",
    ]


def test_a_dropped_table_is_loaded_again_whatever_the_ledger_says(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    loader(tmp_path)
    database.run(f"drop table {schema}.t")
    assert loader(tmp_path).loaded.status is LoadStatus.LOADED
    assert database.count(f"{schema}.t") == 1


def test_a_load_that_is_committed_needs_its_inputs_no_more(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    loader(tmp_path)
    (tmp_path / "data" / "part-00000.parquet").unlink()
    assert loader(tmp_path).loaded.status is LoadStatus.ALREADY_LOADED


def test_a_ledger_schema_is_folded_as_every_name(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    session = SessionOptions(ledger_schema=f"Ledger_{schema}")
    for name in ("1", "2"):
        data = days(day=[D1], n=[1])
        stage(tmp_path / name, box.environ, Table(schema=schema, name="t"), data, session=session)
        assert loader(tmp_path / name).loaded.status is LoadStatus.LOADED


def test_a_terminal_that_is_gone_costs_the_news_and_not_the_load(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    command = f"{sys.executable} -m loader_process load"
    for name, sink in (
        ("1", "| true"),
        ("2", "> /dev/full 2>&1"),
        ("3", ">&- 2>&-"),
        ("4", "--json >&-"),
    ):
        path = tmp_path / name
        stage(path, box.environ, Table(schema=schema, name=f"t{name}"), days(day=[D1], n=[1]))
        script = f"set -o pipefail; {command} {path} {sink}"
        done = subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True)
        assert done.returncode == 0, (sink, done.stderr)
        assert database.count(f"{schema}.t{name}") == 1


def test_a_broken_channel_to_dagster_costs_the_news_and_not_the_load(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    broken = {"DAGSTER_PIPES_CONTEXT": "garbage", "DAGSTER_PIPES_MESSAGES": "garbage"}
    assert loader(tmp_path, **broken).loaded.rows.copied == 1
    assert database.count(f"{schema}.t") == 1


def test_a_relative_path_is_loaded_as_well(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path, monkeypatch: Any
) -> None:
    stage(tmp_path / "here", box.environ, Table(schema=schema, name="t"), days(day=[D1], n=[1]))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    assert loader("here").loaded.rows.copied == 1


def test_dagsters_own_load_of_older_data_is_made_though_its_channel_is_broken(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    for name, n in (("older", 1), ("newer", 2)):
        stage(tmp_path / name, box.environ, table, days(day=[D1], n=[n]))
    loader(tmp_path / "newer")
    broken = {"DAGSTER_PIPES_CONTEXT": "garbage", "DAGSTER_PIPES_MESSAGES": "garbage"}
    assert loader(tmp_path / "older", **broken).loaded.rows.copied == 1
    assert database.rows(f"select n from {schema}.t") == [(1,)]


def test_a_ledger_row_that_does_not_say_when_it_was_asked_for_is_passed_over(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    for name in ("1", "2"):
        stage(tmp_path / name, box.environ, table, days(day=[D1], n=[1]))
    when = loader(tmp_path / "1").loaded.requested_at
    ledger = f'redshift_loader."{schema}__t"'
    database.run(f"update {ledger} set report = replace(report, '{when}', '')")
    assert loader(tmp_path / "2").loaded.status is LoadStatus.LOADED
