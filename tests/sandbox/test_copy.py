"""COPY of Parquet files: what loads, and what is told about it."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal

import pyarrow as pa
import pytest

COLUMNS = """a bigint, b integer, c smallint, d real, e double precision, f decimal(20, 4),
             g varchar(20), h boolean, i date, j timestamp, k timestamptz, l char(3), m varbyte"""
ROW = {
    "a": 2**40, "b": -7, "c": 300, "d": 0.5, "e": math.pi,
    "f": Decimal("1234567890123456.7891"), "g": "ü, \"x\"\n",
    "h": True, "i": dt.date(1969, 7, 20), "j": dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
    "k": dt.datetime(2024, 2, 29, 12, 0, tzinfo=dt.UTC), "l": "ab", "m": b"\x00\xff",
}  # fmt: skip
FIELDS = {
    "a": pa.int64(), "b": pa.int32(), "c": pa.int16(), "d": pa.float32(), "e": pa.float64(),
    "f": pa.decimal128(20, 4), "g": pa.string(), "h": pa.bool_(), "i": pa.date32(),
    "j": pa.timestamp("us"), "k": pa.timestamp("us", "UTC"), "l": pa.string(), "m": pa.binary(),
}  # fmt: skip
SCHEMA = pa.schema(FIELDS)


def manifest(*entries) -> bytes:
    return json.dumps({"entries": list(entries)}).encode()


def entry(url, length, mandatory=True):
    return {"url": url, "mandatory": mandatory, "meta": {"content_length": length}}


@pytest.mark.parametrize("encoder", ["BinaryEncoder", "CsvEncoder"])
def test_every_type_arrives_as_it_was(client, bucket, role, name, monkeypatch, encoder):
    from sandbox import copy_load, copy_rows

    monkeypatch.setattr(copy_load, "make_encoder", getattr(copy_rows, encoder))
    empty = dict.fromkeys(ROW) | {"g": ""}
    bucket.put("x.parquet", pa.Table.from_pylist([ROW, empty], schema=SCHEMA), version="2.6")
    client.run(f"create table {name} ({COLUMNS})")
    client.run(f"copy {name} from '{bucket.url}' {role} format as parquet")
    full, nulls = client.run(f"select * from {name} order by a nulls last")
    assert dict(zip(ROW, full, strict=True)) == ROW | {"l": "ab ", "m": "\\x00ff"}
    assert dict(zip(ROW, nulls, strict=True)) == empty


def test_special_numbers_survive(client, bucket, role, name):
    values = [math.nan, math.inf, -math.inf, -0.0]
    bucket.put("x.parquet", pa.table({"a": pa.array(values, pa.float64())}))
    client.run(f"create table {name} (a float)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    found = [row[0] for row in client.run(f"select a from {name} order by a")]
    assert [str(value) for value in found] == ["-inf", "-0.0", "inf", "nan"]


def test_the_counts_and_the_notice_tell_the_rows(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"a": range(5)}))
    client.run(f"create table {name} (a bigint)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    count, query = client.run("select pg_last_copy_count(), pg_last_copy_id()")[0]
    assert count == 5
    notice = client.connection.notices[-1]
    assert (
        notice[b"M"]
        == f"Load into table '{name}' completed, 5 record(s) loaded successfully.".encode()
    )
    history = client.run(
        "select status, loaded_rows, source_file_count, file_format"
        f" from sys_load_history where query_id = {query}"
    )
    assert history == [("completed", 5, 1, "PARQUET")]


def test_columns_are_matched_by_position_and_never_by_name(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"b": [1], "a": [2]}))
    client.run(f"create table {name} (a bigint, b bigint)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select a, b from {name}") == [(1, 2)]


def test_a_column_list_takes_its_order_and_leaves_the_rest_to_defaults(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"x": ["q"], "y": [7]}))
    client.run(
        f"create table {name} (id bigint identity(1,1), a bigint, b varchar(3), c int default 9)"
    )
    client.run(f"copy {name} (\"B\", a) from '{bucket.url}' {role} parquet")
    assert client.run(f"select id, a, b, c from {name}") == [(1, 7, "q", 9)]


def test_a_column_list_that_cannot_be_is_refused(client, bucket, role, name):
    client.run(f"create table {name} (a bigint not null, b bigint)")
    fields = client.fails(f"copy {name} (a, extra) from '{bucket.url}' {role} parquet")
    assert (fields["C"], fields["M"]) == (
        "42703",
        f'column "extra" of relation "{name}" does not exist',
    )
    fields = client.fails(f"copy {name} (b) from '{bucket.url}' {role} parquet")
    assert (fields["C"], fields["M"]) == (
        "42601",
        "NOT NULL column without DEFAULT must be included in column list",
    )


def test_fillrecord_fills_columns_missing_at_the_end(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"a": [1]}))
    client.run(f"create table {name} (a bigint, b varchar(3))")
    assert (
        "Unmatched number of columns"
        in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]
    )
    client.run(f"copy {name} from '{bucket.url}' {role} parquet fillrecord")
    assert client.run(f"select * from {name}") == [(1, None)]


def test_a_prefix_takes_every_key_that_begins_with_it(client, bucket, role, name):
    for key in ("day=1/a", "day=1/b.parquet", "day=11/c"):
        bucket.put(key, pa.table({"a": [1]}))
    client.run(f"create table {name} (a bigint)")
    client.run(f"copy {name} from '{bucket.url}day=1' {role} parquet")
    assert client.run(f"select count(*) from {name}") == [(3,)]


def test_a_prefix_that_matches_nothing_loads_nothing_silently(client, bucket, role, name):
    client.run(f"create table {name} (a bigint)")
    client.run(f"copy {name} from '{bucket.url}nothing' {role} parquet")
    assert client.run(f"select (select count(*) from {name}), pg_last_copy_count()") == [(0, 0)]


def test_a_manifest_takes_exactly_its_files(client, bucket, role, name):
    first = bucket.put("a=1/x y.parquet", pa.table({"a": [1, 2]}))
    bucket.put("a=1/other.parquet", pa.table({"a": [3]}))
    size = bucket.size("a=1/x y.parquet")
    document = manifest(
        entry(first, size), entry(f"{bucket.url}absent", 10, mandatory=False), entry(first, size)
    )
    url = bucket.put_bytes("manifest", document)
    client.run(f"create table {name} (a bigint)")
    client.run(f"copy {name} from '{url}' {role} manifest parquet statupdate off")
    assert client.run(f"select a, count(*) from {name} group by a order by a") == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            lambda url, size: manifest({"url": url, "mandatory": True}),
            "File entry does not have 'meta' key.",
        ),
        (lambda url, size: manifest(entry(url, size + 1)), "HTTP response error code: 416"),
        (lambda url, size: manifest(entry(url + "x", size)), "File not found"),
        (lambda url, size: b"no json", "not in correct json format"),
        (lambda url, size: b'{"entries": [{"uri": "x"}]}', "not in correct json format"),
    ],
)
def test_a_manifest_that_is_wrong_loads_nothing(client, bucket, role, name, document, expected):
    file = bucket.put("x.parquet", pa.table({"a": [1]}))
    url = bucket.put_bytes("manifest", document(file, bucket.size("x.parquet")))
    client.run(f"create table {name} (a bigint)")
    fields = client.fails(f"copy {name} from '{url}' {role} manifest parquet")
    assert fields["C"] == "XX000"
    assert expected in fields["D"]
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_a_missing_manifest_is_an_error(client, bucket, role, name):
    client.run(f"create table {name} (a bigint)")
    assert (
        client.fails(f"copy {name} from '{bucket.url}manifest' {role} manifest parquet")["C"]
        == "XX000"
    )


def test_copy_takes_part_in_the_sessions_transaction(connect, client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"a": [1, 2]}))
    client.run(f"create table {name} (a bigint)")
    loader = connect(autocommit=False)
    loader.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert loader.run(f"select count(*) from {name}") == [(2,)]
    assert client.run(f"select count(*) from {name}") == [(0,)]
    loader.connection.rollback()
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_a_failed_copy_undoes_the_transaction_and_leaves_its_error_behind(
    connect, client, bucket, role, name
):
    bucket.put("x.parquet", pa.table({"a": ["far too long"]}))
    client.run(f"create table {name} (a varchar(3))")
    loader = connect(autocommit=False)
    loader.run(f"insert into {name} values ('x')")
    detail = loader.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]
    assert loader.fails("select 1")["C"] == "25P02"
    loader.connection.rollback()
    query = loader.run("select pg_last_copy_id()")[0][0]
    assert f"query:     {query}" in detail
    assert loader.run("select pg_last_copy_count()") == [(0,)]
    found = loader.run(
        "select trim(file_name), trim(column_name), trim(column_type), error_code,"
        f" trim(error_message) from sys_load_error_detail where query_id = {query}"
    )
    assert found[0][:4] == (f"{bucket.url}x.parquet", "a", "VARCHAR", 15007)
    assert "Table: 3, Data: 12" in found[0][4]
    assert client.run(f"select count(*) from stl_load_errors where query = {query}") == [(1,)]
    assert client.run(f"select status from sys_load_history where query_id = {query}") == [
        ("aborted",)
    ]
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_nanoseconds_are_read_as_microseconds_as_the_real_one_does(client, bucket, role, name):
    moment = dt.datetime(2023, 9, 11)
    bucket.put("x.parquet", pa.table({"a": pa.array([moment], pa.timestamp("ns"))}), version="2.6")
    client.run(f"create table {name} (a timestamp)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select extract(year from a)::int from {name}") == [(55663,)]


def test_timestamps_of_old_writers_are_read(client, bucket, role, name):
    moments = pa.table({"a": pa.array([dt.datetime(2024, 1, 1, 1)], pa.timestamp("us"))})
    bucket.put("int96", moments, use_deprecated_int96_timestamps=True)
    bucket.put("millis", moments, coerce_timestamps="ms")
    client.run(f"create table {name} (a timestamp)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select a::varchar, count(*) from {name} group by 1") == [
        ("2024-01-01 01:00:00", 2)
    ]


def test_an_instant_loaded_into_timestamp_keeps_its_wall_time_in_utc(client, bucket, role, name):
    moment = dt.datetime(2024, 1, 1, 1, tzinfo=dt.UTC)
    bucket.put("x.parquet", pa.table({"a": pa.array([moment], pa.timestamp("us", "Asia/Tokyo"))}))
    client.run(f"create table {name} (a timestamp)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select a::varchar from {name}") == [("2024-01-01 01:00:00",)]


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "none"])
def test_documented_codecs_and_dictionaries_are_read(client, bucket, role, name, codec):
    words = pa.array(["x", "y", "x"] * 50).dictionary_encode()
    bucket.put("x.parquet", pa.table({"a": words}), compression=codec)
    client.run(f"create table {name} (a varchar(1))")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select a, count(*) from {name} group by a order by a") == [
        ("x", 100),
        ("y", 50),
    ]


def test_a_file_without_rows_loads_nothing(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"a": pa.array([], pa.int64())}))
    client.run(f"create table {name} (a bigint)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run("select pg_last_copy_count()") == [(0,)]


def test_a_temporary_table_is_loaded(connect, bucket, role, name):
    bucket.put("x.parquet", pa.table({"a": [1]}))
    client = connect(autocommit=False)
    client.run(f"create temp table {name} (a bigint)")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select a from {name}") == [(1,)]


def test_invalid_utf8_is_refused_or_replaced(client, bucket, role, name):
    broken = pa.array([b"a\xff\xfeb"], pa.binary()).view(pa.string())
    bucket.put("x.parquet", pa.table({"a": broken}))
    client.run(f"create table {name} (a varchar(9))")
    assert "UTF8" in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]
    client.run(f"copy {name} from '{bucket.url}' {role} parquet acceptinvchars as '^'")
    assert client.run(f"select a from {name}") == [("a^^b",)]
