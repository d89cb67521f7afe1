"""UNLOAD to Parquet files, and the way back."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FILLED = """insert into {t} select n, 'name ' || n, n / 8.0, n % 2 = 0
              from generate_series(1, {n}) as g(n)"""


@pytest.fixture
def table(client, name):
    client.run(f"create table {name} (a int, b varchar(20), c decimal(12, 4), d boolean)")
    client.run(FILLED.format(t=name, n=1000))
    return name


def files(bucket):
    return [one for one in bucket.names() if one.endswith(".parquet")]


def rows(bucket):
    read = (pq.read_table(io.BytesIO(bucket.read(one))).to_pylist() for one in files(bucket))
    return [row for some in read for row in some]


def test_rows_go_out_and_come_back(client, bucket, role, table):
    client.run(
        f"unload ('select * from {table}') to '{bucket.url}' {role}"
        " format as parquet manifest verbose"
    )
    assert client.run("select pg_last_unload_count()") == [(1000,)]
    client.run(f"create table {table}b (like {table})")
    client.run(f"copy {table}b from '{bucket.url}manifest' {role} parquet manifest")
    assert client.run(
        f"select count(*) from (select * from {table} except select * from {table}b) q"
    ) == [(0,)]
    assert client.run(f"select count(*) from {table}b") == [(1000,)]


def test_slices_write_files_of_their_own_unless_parallel_is_off(client, bucket, role, table):
    client.run(f"unload ('select * from {table}') to '{bucket.url}p/x' {role} parquet")
    client.run(f"unload ('select * from {table}') to '{bucket.url}q/x' {role} parquet parallel off")
    assert files(bucket) == ["p/x0000_part_00.parquet", "p/x0001_part_00.parquet", "q/x000.parquet"]


def test_types_are_written_as_the_real_one_writes_them(client, bucket, role, name):
    client.run(
        f"create table {name} (a bigint, b smallint, c real, d decimal(18,2), e timestamp,"
        " f timestamptz, g super, h char(3))"
    )
    client.run(
        f"insert into {name} values (1, 2, 0.5, 1.25, '2024-01-01 00:00:00.000001',"
        " '2024-01-01 02:00+02', '[1]', 'a')"
    )
    client.run(f"unload ('select * from {name}') to '{bucket.url}' {role} parquet")
    file = pq.ParquetFile(io.BytesIO(bucket.read(files(bucket)[0])))
    leaves = [file.schema.column(i) for i in range(8)]
    assert [one.physical_type for one in leaves] == [
        "INT64", "INT32", "FLOAT", "FIXED_LEN_BYTE_ARRAY", "INT96", "INT96",
        "BYTE_ARRAY", "BYTE_ARRAY",
    ]  # fmt: skip
    assert leaves[3].length == 8
    assert {one.max_definition_level for one in leaves} == {1}
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    row = file.read().to_pylist()[0]
    assert (row["e"], row["f"]) == (dt.datetime(2024, 1, 1, 0, 0, 0, 1), dt.datetime(2024, 1, 1))
    assert (row["d"], row["g"], row["h"]) == (Decimal("1.25"), "[1]", "a  ")


def test_null_and_the_empty_string_stay_apart(client, bucket, role, name):
    client.run(f"create table {name} (a varchar(9))")
    client.run(f"insert into {name} values (null), (''), ('NULL'), ('a\"b,\nc')")
    client.run(f"unload ('select a from {name}') to '{bucket.url}' {role} parquet")
    found = [row["a"] for row in rows(bucket)]
    assert set(found) == {None, "", "NULL", 'a"b,\nc'}
    assert len(found) == 4


def test_the_manifest_tells_files_rows_and_schema(client, bucket, role, table):
    client.run(
        f"unload ('select a, b, c from {table}') to '{bucket.url}' {role} parquet manifest verbose"
    )
    manifest = json.loads(bucket.read("manifest"))
    assert sum(one["meta"]["record_count"] for one in manifest["entries"]) == 1000
    assert {one["url"]: one["meta"]["content_length"] for one in manifest["entries"]} == {
        f"{bucket.url}{one}": bucket.size(one) for one in files(bucket)
    }
    assert manifest["schema"]["elements"] == [
        {"name": "a", "type": {"base": "integer"}},
        {"name": "b", "type": {"base": "character varying", "max_length": 20}},
        {"name": "c", "type": {"base": "numeric", "precision": 12, "scale": 4}},
    ]
    assert manifest["meta"]["record_count"] == 1000


def test_an_empty_result_writes_no_file_and_no_manifest(client, bucket, role, table):
    client.run(
        f"unload ('select * from {table} where a < 0') to '{bucket.url}' {role} parquet manifest"
    )
    assert bucket.names() == []
    assert client.run("select pg_last_unload_count()") == [(0,)]


def test_quotes_and_backslashes_in_the_query_are_read(client, bucket, role, table):
    client.run(
        f"unload ('select a from {table} where b = \\'name 7\\' or b = ''name 8''')"
        f" to '{bucket.url}' {role} parquet"
    )
    assert sorted(row["a"] for row in rows(bucket)) == [7, 8]


def test_the_sessions_own_rows_and_temporary_tables_are_seen(connect, bucket, role, table):
    client = connect(autocommit=False)
    client.run(f"create temp table {table}t as select * from {table}")
    client.run(f"delete from {table}t where a > 3")
    client.run(f"unload ('select * from {table}t') to '{bucket.url}' {role} parquet")
    assert len(rows(bucket)) == 3


def test_a_destination_that_is_not_empty_is_refused_unless_told_otherwise(
    client, bucket, role, table
):
    unload = f"unload ('select * from {table}') to '{bucket.url}' {role} parquet"
    bucket.put_bytes("old", b"x")
    assert client.fails(unload)["M"].startswith("Specified unload destination on S3 is not empty.")
    client.run(f"{unload} allowoverwrite")
    assert "old" in bucket.names()
    client.run(f"{unload} cleanpath")
    assert "old" not in bucket.names()


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        (
            "unload ('select 1 limit 1') to '{u}' {r} parquet",
            "42601",
            "Limit clause is not supported",
        ),
        ("unload ('select ''a''::time') to '{u}' {r} parquet", None, None),
        ("unload ('select from_hex(''00'') as v') to '{u}' {r} parquet", "0A000", "VARBYTE"),
        ("unload ('select ''01:00''::time as v') to '{u}' {r} parquet", "0A000", "TIME"),
        ("unload ('select 1') to '{u}' {r} parquet gzip", "0A000", "GZIP"),
        ("unload ('select 1') to '{u}' {r} csv", "42601", "csv"),
        ("unload ('select 1') to '{u}' parquet", "42601", "CREDENTIALS"),
        ("unload ('select 1') to '{u}' {r} parquet maxfilesize 1 mb", "42601", "MAXFILESIZE"),
        ("unload ('select * from nothing_there') to '{u}' {r} parquet", "42P01", "nothing_there"),
        ("unload ('selec 1') to '{u}' {r} parquet", "42601", "selec"),
    ],
)
def test_what_cannot_be_unloaded_is_refused(client, bucket, role, statement, code, message):
    fields = client.fails(statement.format(u=bucket.url, r=role))
    if code:
        assert fields["C"] == code and message in fields["M"]
    assert bucket.names() == []
    assert client.run("select 1") == [(1,)]


def test_a_limit_inside_brackets_is_taken(client, bucket, role, table):
    client.run(
        f"unload ('select * from (select a from {table} order by a limit 3)')"
        f" to '{bucket.url}' {role} parquet"
    )
    assert sorted(row["a"] for row in rows(bucket)) == [1, 2, 3]


def test_a_query_that_fails_halfway_leaves_the_session_usable(client, bucket, role, table):
    assert (
        client.fails(
            f"unload ('select 1 / (500 - a) from {table}') to '{bucket.url}' {role} parquet"
        )["C"]
        == "22012"
    )
    assert client.run("select 1") == [(1,)]


def test_files_are_cut_at_maxfilesize(client, bucket, role, name):
    client.run(f"create table {name} (a varchar(40))")
    client.run(f"insert into {name} select md5(n::varchar) from generate_series(1, 500000) g(n)")
    client.run(
        f"unload ('select * from {name}') to '{bucket.url}' {role}"
        " parquet parallel off maxfilesize 5 mb"
    )
    assert len(files(bucket)) > 1
    assert len(rows(bucket)) == 500_000


def test_the_scale_of_an_expression_is_found(client, bucket, role, table):
    client.run(
        f"unload ('select sum(c) as total from {table}')"
        f" to '{bucket.url}' {role} parquet parallel off"
    )
    assert rows(bucket) == [{"total": Decimal("62562.5000")}]
    assert pq.read_schema(io.BytesIO(bucket.read(files(bucket)[0]))).field(
        "total"
    ).type == pa.decimal128(38, 4)
