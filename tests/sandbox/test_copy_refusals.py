"""What COPY refuses, with Redshift's words where they are known."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("region 'us-east-1'", "REGION"),
        ("region as 'us-east-1'", "REGION"),
        ("truncatecolumns", "TRUNCATECOLUMNS"),
        ("compupdate off", "COMPUPDATE"),
        ("maxerror 10", "MAXERROR"),
        ("maxerror as 10", "MAXERROR"),
        ("ignoreheader 1", "IGNOREHEADER"),
        ("acceptanydate", "ACCEPTANYDATE"),
        ("gzip", "GZIP"),
        ("null as 'x'", "NULL"),
        ("noload", "NOLOAD"),
    ],
)
def test_options_that_parquet_does_not_take_are_refused(client, name, role, option, named):
    fields = client.fails(f"copy {name} from 's3://sandbox/x' {role} parquet {option}")
    assert (fields["C"], fields["M"]) == (
        "0A000",
        f"{named} argument is not supported for PARQUET based COPY",
    )


@pytest.mark.parametrize(
    "option", ["maxerror 0", "statupdate on", "statupdate", "acceptinvchars", "fillrecord"]
)
def test_options_that_parquet_takes_are_taken(client, name, role, option):
    client.run(f"create table {name} (a int)")
    client.run(f"copy {name} from 's3://sandbox/nothing' {role} format parquet {option}")


@pytest.mark.parametrize(
    "authorization",
    [
        "iam_role default",
        "iam_role 'default'",
        "iam_role 'arn:aws:iam::123456789012:role/a,arn:aws:iam::210987654321:role/b'",
        "credentials 'aws_iam_role=arn:aws:iam::123456789012:role/a'",
        "access_key_id 'x' secret_access_key 'y' session_token 'z'",
    ],
)
def test_forms_of_authorization_are_taken(client, name, authorization):
    client.run(f"create table {name} (a int)")
    client.run(f"copy {name} from 's3://sandbox/nothing' {authorization} parquet")


@pytest.mark.parametrize("authorization", ["", "iam_role 'my-role'", "credentials 'user=me'"])
def test_a_missing_or_wrong_authorization_is_refused(client, name, authorization):
    client.run(f"create table {name} (a int)")
    assert (
        client.fails(f"copy {name} from 's3://sandbox/nothing' {authorization} parquet")["S"]
        == "ERROR"
    )


def array(values, type_):
    return pa.array(values, type_)


@pytest.mark.parametrize(
    ("column", "data", "described"),
    [
        (
            "integer",
            array([1], pa.int64()),
            "Column type: INT, Parquet schema: optional int64 x [i:0 d:1 r:0]",
        ),
        (
            "bigint",
            array(["1"], pa.string()),
            "Column type: BIGINT, Parquet schema: optional byte_array x",
        ),
        ("bigint", array([Decimal(1)], pa.decimal128(20, 0)), "Column type: BIGINT"),
        ("bigint", array([1], pa.uint32()), "Column type: BIGINT"),
        ("bigint", array([1], pa.uint64()), "Column type: BIGINT"),
        ("smallint", array([1], pa.uint8()), "Column type: SMALLINT"),
        (
            "decimal(18,2)",
            array([1.5], pa.float64()),
            "Column type: DECIMAL(18,2), Parquet schema: optional double",
        ),
        ("double precision", array([1.5], pa.float32()), "Column type: DOUBLE"),
        ("real", array([1.5], pa.float64()), "Column type: FLOAT"),
        ("varchar(9)", array([1], pa.int64()), "Column type: VARCHAR"),
        ("varchar(9)", array([b"x"], pa.binary()), "Column type: VARCHAR"),
        (
            "varchar(9)",
            array([["x"]], pa.list_(pa.string())),
            "Column type: VARCHAR, Parquet schema: optional group",
        ),
        ("boolean", array([1], pa.int32()), "Column type: BOOLEAN"),
        ("date", array(["2024-01-01"], pa.string()), "Column type: DATE"),
        ("timestamp", array([dt.date(2024, 1, 1)], pa.date32()), "Column type: TIMESTAMP"),
        (
            "timestamptz",
            array([dt.datetime(2024, 1, 1)], pa.timestamp("us")),
            "Column type: TIMESTAMPTZ",
        ),
        ("time", array([dt.time(1)], pa.time64("us")), "Column type: TIME"),
        ("varbyte", array([b"abc"], pa.binary(3)), "Column type: VARBYTE"),
    ],
)
def test_nothing_is_cast(client, bucket, role, name, column, data, described):
    bucket.put("x.parquet", pa.table({"x": data}), version="2.6")
    client.run(f"create table {name} (c {column})")
    fields = client.fails(f"copy {name} from '{bucket.url}' {role} parquet")
    assert (fields["C"], fields["M"]) == ("XX000", "Spectrum Scan Error")
    assert "code:      15007" in fields["D"]
    assert (
        f"has an incompatible Parquet schema for column '{bucket.url}x.parquet.c'. {described}"
        in fields["D"]
    )


@pytest.mark.parametrize(
    ("column", "data"),
    [
        ("bigint", array([1], pa.int32())),
        ("bigint", array([1], pa.int8())),
        ("smallint", array([1], pa.int8())),
        ("decimal(18,2)", array([Decimal("1.25")], pa.decimal128(18, 2))),
        ("varchar(9)", array(["x"], pa.large_string())),
    ],
)
def test_what_fits_is_taken(client, bucket, role, name, column, data):
    bucket.put("x.parquet", pa.table({"x": data}))
    client.run(f"create table {name} (c {column})")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select count(c) from {name}") == [(1,)]


def test_a_decimal_stored_as_int64_is_taken(client, bucket, role, name):
    data = pa.table({"x": pa.array([Decimal("1.25")], pa.decimal128(18, 2))})
    bucket.put("x.parquet", data, store_decimal_as_integer=True)
    client.run(f"create table {name} (c decimal(18, 2))")
    client.run(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select c from {name}") == [(Decimal("1.25"),)]


@pytest.mark.parametrize(
    ("column", "type_", "expected"),
    [
        (
            "decimal(18,9)",
            pa.decimal128(30, 9),
            "has an invalid type length. Expecting: 8 len in file: 13",
        ),
        (
            "decimal(18,2)",
            pa.decimal128(18, 3),
            "has a scale that does not match the table metadata scale",
        ),
        (
            "decimal(18,2)",
            pa.decimal128(17, 2),
            "has a precision that does not match the table metadata precision",
        ),
    ],
)
def test_decimals_must_agree_in_everything(client, bucket, role, name, column, type_, expected):
    bucket.put("x.parquet", pa.table({"x": pa.array([Decimal(1)], type_)}))
    client.run(f"create table {name} (c {column})")
    assert expected in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]


def test_a_number_that_does_not_fit_is_refused(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"x": pa.array([70_000], pa.int32())}))
    client.run(f"create table {name} (c smallint)")
    assert "out of range" in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]


def test_text_that_is_too_long_in_bytes_is_refused_with_both_lengths(client, bucket, role, name):
    bucket.put("x y.parquet", pa.table({"x": ["ok", "éé"]}))
    client.run(f"create table {name} (c varchar(3))")
    detail = client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]
    assert (
        "The length of the data column c is longer than the length defined in the table."
        " Table: 3, Data: 4" in detail
    )
    assert f"File name: https://s3.us-east-1.amazonaws.com/sandbox/{name}/x%20y.parquet" in detail


def test_a_null_where_none_may_be_is_refused(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"x": pa.array([1, None])}))
    client.run(f"create table {name} (c bigint not null)")
    fields = client.fails(f"copy {name} from '{bucket.url}' {role} parquet")
    assert (fields["C"], fields["M"]) == ("XX000", "Cannot insert a NULL value into column c")
    assert "8007" in fields["D"]


def test_a_super_column_needs_serializetojson(client, bucket, role, name):
    bucket.put("x.parquet", pa.table({"x": ["{}"]}))
    client.run(f"create table {name} (c super)")
    fields = client.fails(f"copy {name} from '{bucket.url}' {role} parquet")
    assert fields["M"] == "SUPER column in COPY query requires SERIALIZETOJSON option"


def test_a_file_that_is_no_parquet_is_refused(client, bucket, role, name):
    bucket.put_bytes("x.parquet", b"a,b\n1,2\n" * 100)
    client.run(f"create table {name} (c bigint)")
    assert "Parquet footer" in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"data_page_version": "2.0"}, "data page version 2"),
        (
            {"use_dictionary": False, "column_encoding": {"x": "DELTA_BINARY_PACKED"}},
            "DELTA_BINARY_PACKED",
        ),
        ({"compression": "lz4"}, "LZ4"),
        ({"compression": "brotli"}, "BROTLI"),
    ],
)
def test_what_no_document_of_redshift_names_is_refused(client, bucket, role, name, options, named):
    bucket.put("x.parquet", pa.table({"x": [1, 2, 3]}), **options)
    client.run(f"create table {name} (c bigint)")
    assert named in client.fails(f"copy {name} from '{bucket.url}' {role} parquet")["D"]


def test_a_failure_in_a_later_file_loads_nothing(client, bucket, role, name):
    bucket.put("1", pa.table({"x": list(range(100_000))}))
    bucket.put("2", pa.table({"x": ["text"]}))
    client.run(f"create table {name} (c bigint)")
    client.fails(f"copy {name} from '{bucket.url}' {role} parquet")
    assert client.run(f"select count(*) from {name}") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    ["copy {t} from 's3://sandbox/x' {role} csv", "copy {t} from 's3://sandbox/x' {role}"],
)
def test_formats_that_are_not_modelled_say_so(client, name, role, statement):
    fields = client.fails(statement.format(t=name, role=role))
    assert "limit of the sandbox, not of Redshift" in fields["M"]


def test_a_table_that_is_not_there_is_refused(client, name, role):
    assert client.fails(f"copy {name} from 's3://sandbox/x' {role} parquet")["C"] == "42P01"


def test_a_bucket_that_is_not_there_is_an_empty_prefix(client, name, role):
    client.run(f"create table {name} (c bigint)")
    client.run(f"copy {name} from 's3://no-such-bucket/x' {role} parquet")
