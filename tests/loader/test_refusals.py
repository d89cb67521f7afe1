"""Bad input gives one sentence, the right exit code, and changes nothing."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox import Sandbox
from shared_protocol import (
    DataColumn,
    ErrorCode,
    ExitCode,
    SchemaChange,
    SourceFile,
    Table,
    WriteMode,
)
from shared_protocol.staging_path import REQUEST_FILE, dump_request, part_name
from tests.conftest import Database
from tests.loader.conftest import Finished, Loader
from tests.loader.staging import days_slice, keys_slice, stage

D1, D2 = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
ROWS = pa.table({"day": pa.array([D1, D2], pa.date32()), "n": [1, 2], "s": ["a", "b"]})


@pytest.fixture
def loaded(box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path) -> Table:
    """A table with two rows, for refusals to leave alone."""
    table = Table(schema=schema, name="t")
    stage(tmp_path / "before", box.environ, table, ROWS)
    assert loader(tmp_path / "before").exit_code == 0
    return table


def assert_refused(found: Finished, code: ErrorCode, *, says: str) -> None:
    assert found.failed.code is code, found.stderr
    assert found.exit_code == code_exit(code)
    sentence = found.stderr.strip().splitlines()[-1]
    assert sentence.startswith("redshift-loader: ")
    assert says in sentence
    assert "Traceback" not in found.stderr


def code_exit(code: ErrorCode) -> int:
    from shared_protocol.failure import EXIT_CODES

    return int(EXIT_CODES[code])


def assert_untouched(database: Database, table: Table) -> None:
    assert database.rows(f"select day, n, s from {table.label} order by n") == [
        (D1, 1, "a"),
        (D2, 2, "b"),
    ]


def test_rows_outside_the_slice_are_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    stage(tmp_path / "now", box.environ, loaded, ROWS, slice=days_slice("day", "2024-01-01"))
    found = loader(tmp_path / "now")
    assert_refused(found, ErrorCode.ROWS_OUTSIDE_SLICE, says="1 of the 2 rows do not belong")
    assert_untouched(database, loaded)


def test_rows_without_a_partition_value_are_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    data = pa.table({"day": pa.array([D1, None], pa.date32()), "n": [3, 4], "s": ["c", "d"]})
    stage(tmp_path / "now", box.environ, loaded, data, slice=days_slice("day", "2024-01-01"))
    assert_refused(loader(tmp_path / "now"), ErrorCode.ROWS_OUTSIDE_SLICE, says="NULL")
    assert_untouched(database, loaded)


@pytest.mark.parametrize(
    ("expression", "says"),
    [("dya", "is no column of"), ("lower(dya)", "is no column of"), ("n = 1", "BOOL"),
     ("day; drop table x", "not one SQL expression")],
)  # fmt: skip
def test_a_partition_expr_that_redshift_does_not_understand_is_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path,
    expression: str, says: str,
) -> None:  # fmt: skip
    rows = keys_slice(expression, "2024-01-01")
    stage(tmp_path / "now", box.environ, loaded, ROWS, slice=rows)
    found = loader(tmp_path / "now")
    assert found.failed.code is ErrorCode.PARTITION_EXPR
    assert says == "BOOL" or says in found.failed.message
    assert_untouched(database, loaded)


def test_a_misspelt_partition_column_of_a_new_table_leaves_no_table(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    stage(tmp_path, box.environ, table, ROWS, slice=days_slice("dya", "2024-01-01"))
    assert_refused(loader(tmp_path), ErrorCode.PARTITION_EXPR, says="the columns are day, n, s")
    assert database.rows(f"select count(*) from pg_namespace where nspname = '{schema}'") == [(0,)]


@pytest.mark.parametrize(
    ("arrow_type", "advice"),
    [("time64[us]", "timestamp"), ("list<item: int64>", "JSON"), ("binary", "base64"),
     ("struct<a: int64>", "Unnest"), ("duration[us]", "integer")],
)  # fmt: skip
def test_types_that_have_no_column_are_refused_with_advice(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path, arrow_type: str, advice: str
) -> None:
    columns = (
        DataColumn(name="n", arrow_type="int64"),
        DataColumn(name="x", arrow_type=arrow_type),
    )
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), ROWS, columns=columns)
    found = loader(tmp_path)
    assert_refused(found, ErrorCode.UNSUPPORTED_TYPE, says="Column 'x'")
    assert advice in found.stderr


def test_a_string_over_the_limit_is_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    long = pa.table({"day": pa.array([D1], pa.date32()), "n": [1], "s": ["é" * 40_000]})
    stage(tmp_path / "now", box.environ, loaded, long)
    found = loader(tmp_path / "now")
    assert_refused(found, ErrorCode.VALUE_TOO_LARGE, says="80000 bytes")
    assert_untouched(database, loaded)


def test_a_name_over_the_limit_is_refused(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), pa.table({"é" * 64: [1]}))
    assert_refused(loader(tmp_path), ErrorCode.BAD_NAME, says="128 bytes")


def test_a_value_that_does_not_fit_its_column_is_refused_with_its_row(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    database.run(f"create schema {schema}")
    database.run(f"create table {schema}.t (n smallint)")
    data = pa.table({"n": pa.array([1, 2, 70_000], pa.int64())})
    stage(tmp_path, box.environ, Table(schema=schema, name="t"), data)
    assert_refused(loader(tmp_path), ErrorCode.VALUE_TOO_LARGE, says="row 3 of")
    assert database.count(f"{schema}.t") == 0


def test_nanoseconds_that_would_be_lost_are_refused(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    data = pa.table({"at": pa.array([1_000, 1_001], pa.timestamp("ns"))})
    pq.write_table(data, tmp_path / "ns.parquet")
    source = SourceFile(
        uri=str(tmp_path / "ns.parquet"), bytes=(tmp_path / "ns.parquet").stat().st_size
    )
    columns = (DataColumn(name="at", arrow_type="timestamp[ns]"),)
    table = Table(schema=schema, name="t")
    stage(tmp_path, box.environ, table, inputs=(source,), columns=columns)
    assert_refused(loader(tmp_path), ErrorCode.LOSSY_VALUE, says="row 2 of")


def test_a_frozen_table_refuses_a_new_column(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    frozen = replace(loaded, schema_change=SchemaChange.FREEZE)
    stage(tmp_path / "now", box.environ, frozen, ROWS.append_column("new", pa.array([1, 2])))
    assert_refused(loader(tmp_path / "now"), ErrorCode.SCHEMA_CONFLICT, says="add new BIGINT")
    assert_untouched(database, loaded)


def test_a_hint_that_lies_fails_the_copy_and_shows_redshifts_own_record(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    long = pa.table({"day": pa.array([D1], pa.date32()), "n": [1], "s": ["x" * 500]})
    columns = tuple(
        DataColumn(name=f.name, arrow_type=str(f.type), longest_bytes=3) for f in long.schema
    )
    stage(tmp_path / "now", box.environ, loaded, long, columns=columns)
    found = loader(tmp_path / "now")
    assert found.failed.code is ErrorCode.COPY_FAILED
    assert found.exit_code == ExitCode.REFUSED
    assert [row.column_name for row in found.failed.load_errors] == ["s"]
    assert "500" in found.failed.load_errors[0].message
    assert "longer than the length" in found.stderr
    assert_untouched(database, loaded)


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.UPSERT])
def test_modes_that_are_not_exactly_once_yet_are_refused_by_name(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path, mode: WriteMode
) -> None:
    stage(tmp_path / "now", box.environ, loaded, ROWS, write_mode=mode)
    assert_refused(loader(tmp_path / "now"), ErrorCode.NOT_SUPPORTED, says=f"write_mode='{mode}'")
    assert_untouched(database, loaded)


@pytest.mark.parametrize("harm", ["removed", "cut short", "replaced"])
def test_inputs_that_are_not_as_promised_are_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, loaded, ROWS)
    part = path / part_name(0)
    if harm == "removed":
        part.unlink()
    elif harm == "cut short":
        part.write_bytes(part.read_bytes()[:-100])
    else:
        pq.write_table(pa.table({"n": [1]}), part)
    code = ErrorCode.INPUT_MISSING if harm == "removed" else ErrorCode.INPUT_CHANGED
    assert_refused(loader(path), code, says="Stage the data again")
    assert_untouched(database, loaded)


def test_an_input_of_the_right_size_that_is_damaged_is_refused(
    box: Sandbox, loader: Loader, loaded: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, loaded, ROWS)
    part = path / part_name(0)
    part.write_bytes(b"\0" * part.stat().st_size)
    assert_refused(loader(path), ErrorCode.INPUT_UNREADABLE, says="cannot be read as parquet")


def test_a_file_with_fewer_rows_than_promised_is_refused(
    box: Sandbox, loader: Loader, loaded: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    request = stage(path, box.environ, loaded, ROWS)
    liar = replace(request, inputs=(replace(request.inputs[0], rows=3),))
    (path / REQUEST_FILE).write_text(dump_request(liar))
    assert_refused(loader(path), ErrorCode.INPUT_CHANGED, says="holds 2 rows")


def test_an_object_that_changed_since_it_was_listed_is_refused(
    box: Sandbox, loader: Loader, loaded: Table, s3: Any, tmp_path: Path
) -> None:
    bucket, key = box.environ["SANDBOX_BUCKET"], f"lake/{loaded.schema}/x.parquet"
    pq.write_table(ROWS, tmp_path / "x.parquet")
    s3.upload_file(str(tmp_path / "x.parquet"), bucket, key)
    size = (tmp_path / "x.parquet").stat().st_size
    source = SourceFile(uri=f"s3://{bucket}/{key}", bytes=size, etag='"0123456789abcdef"')
    request = stage(tmp_path / "now", box.environ, loaded, ROWS)
    changed = replace(request, inputs=(source,))
    (tmp_path / "now" / REQUEST_FILE).write_text(dump_request(changed))
    assert_refused(loader(tmp_path / "now"), ErrorCode.INPUT_CHANGED, says="with ETag")


def test_files_of_one_load_with_different_columns_are_refused(
    box: Sandbox, loader: Loader, loaded: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    request = stage(path, box.environ, loaded, ROWS)
    pq.write_table(ROWS.append_column("odd", pa.array([1, 2])), path / part_name(1))
    second = SourceFile(uri=part_name(1), bytes=(path / part_name(1)).stat().st_size)
    both = replace(request, inputs=(*request.inputs, second))
    (path / REQUEST_FILE).write_text(dump_request(both))
    assert_refused(
        loader(path), ErrorCode.INPUT_CHANGED, says="other columns than the request: odd"
    )


def test_a_folder_without_a_request_is_refused(loader: Loader, tmp_path: Path) -> None:
    found = loader(tmp_path)
    assert found.exit_code == ExitCode.REFUSED
    assert "no complete staging path" in found.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"protocol_version": 99}, "this side is too old"),
        ({"protocol_version": 0}, "the other side is too old"),
        ({"surprise": 1}, "$.surprise"),
        ({"inputs": "none"}, "$.inputs"),
    ],
)
def test_a_request_of_another_form_is_refused(
    box: Sandbox, loader: Loader, loaded: Table, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "now"
    request = stage(path, box.environ, loaded, ROWS)
    text = json.loads(dump_request(request)) | change
    (path / REQUEST_FILE).write_text(json.dumps(text))
    found = loader(path)
    assert found.exit_code == ExitCode.REFUSED
    assert says in found.stderr


@pytest.mark.parametrize(
    ("environ", "code", "says"),
    [
        ({"REDSHIFT_PASSWORD": None}, ErrorCode.SETTINGS_MISSING, "no REDSHIFT_PASSWORD"),
        ({"REDSHIFT_PASSWORD": "wrong-s3cret"}, ErrorCode.LOGIN_REFUSED, "Check REDSHIFT_USER"),
        ({"REDSHIFT_HOST": "elsewhere"}, ErrorCode.TARGET_MISMATCH, "--target-from-env"),
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
             "AWS_EC2_METADATA_DISABLED": "true"},
            ErrorCode.SETTINGS_MISSING, "no AWS credentials",
        ),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, ErrorCode.STORAGE_REFUSED, "AWS credentials"),
        (
            {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},
            ErrorCode.STORAGE_UNAVAILABLE, "AWS_ENDPOINT_URL_S3",
        ),
        ({"SSL_CERT_FILE": "/dev/null"}, ErrorCode.LOGIN_REFUSED, "SSL_CERT_FILE"),
    ],
    ids=["no password", "wrong password", "another host", "no AWS keys", "wrong AWS keys",
         "no S3 there", "unknown certificate"],
)  # fmt: skip
def test_what_is_wrong_with_the_environment_is_told(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path,
    environ: dict[str, str | None], code: ErrorCode, says: str,
) -> None:  # fmt: skip
    stage(tmp_path / "now", box.environ, loaded, ROWS)
    found = loader(tmp_path / "now", **environ)
    if found.outcome is None:  # refused before the path was claimed
        assert found.exit_code == code_exit(code)
        assert says in found.stderr
    else:
        assert_refused(found, code, says=says)
    assert box.environ["REDSHIFT_PASSWORD"] not in found.stderr
    assert "wrong-s3cret" not in found.stderr + found.stdout
    assert_untouched(database, loaded)


def test_an_unreachable_host_is_told_and_may_be_tried_again(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path
) -> None:
    request = stage(tmp_path, box.environ, Table(schema=schema, name="t"), ROWS)
    elsewhere = replace(request, target=replace(request.target, host="127.0.0.1", port=9))
    (tmp_path / REQUEST_FILE).write_text(dump_request(elsewhere))
    found = loader(tmp_path, REDSHIFT_HOST=None, REDSHIFT_PORT=None)
    assert_refused(found, ErrorCode.UNREACHABLE, says="Nothing answers at 127.0.0.1:9")
    assert found.exit_code == ExitCode.TRANSIENT


def test_a_missing_bucket_is_told(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    request = stage(tmp_path / "now", box.environ, loaded, ROWS)
    nowhere = replace(request, s3=replace(request.s3, bucket="no-such-bucket"))
    (tmp_path / "now" / REQUEST_FILE).write_text(dump_request(nowhere))
    assert_refused(
        loader(tmp_path / "now"), ErrorCode.BUCKET_MISSING, says="'no-such-bucket' does not exist"
    )
    assert_untouched(database, loaded)


def test_a_wrong_call_is_told(loader: Loader, tmp_path: Path) -> None:
    found = loader(tmp_path, "--nonsense")
    assert found.exit_code == ExitCode.USAGE
    remote = loader("s3://bucket/prefix")
    assert remote.exit_code == ExitCode.USAGE
    assert "local folder" in remote.stderr


def test_the_environment_wins_only_when_told_to(
    box: Sandbox, loader: Loader, loaded: Table, tmp_path: Path
) -> None:
    request = stage(tmp_path / "now", box.environ, loaded, ROWS)
    moved = replace(request, target=replace(request.target, host="old.example.com"))
    (tmp_path / "now" / REQUEST_FILE).write_text(dump_request(moved))
    assert loader(tmp_path / "now").exit_code == ExitCode.REFUSED
    assert loader(tmp_path / "now", "--target-from-env").exit_code == ExitCode.DONE


MIXED = [
    (pa.array([0.5], pa.float32()), pa.array([0.1], pa.float64())),
    (pa.array([Decimal("1.00")], pa.decimal128(10, 2)), pa.array([7.129])),
    (pa.array([True]), pa.array([5], pa.int64())),
    (pa.array([D1], pa.date32()), pa.array([dt.datetime(2024, 1, 2, 13, 45)], pa.timestamp("us"))),
    (pa.array([0], pa.timestamp("us", "UTC")), pa.array([0], pa.timestamp("us"))),
    (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "Europe/Berlin"))),
    (pa.array([1], pa.int64()), pa.array([True])),
    (pa.array(["a"]), pa.array([7], pa.int64())),
    (pa.array([1], pa.int64()), pa.array(["7"])),
]
NESTED = [pa.array([["a"]]), pa.array([{"a": 1}]), pa.array([b"\xff"])]


@pytest.mark.parametrize("second", NESTED, ids=str)
def test_a_later_file_with_a_type_that_has_no_column_is_refused(
    box: Sandbox, loader: Loader, schema: str, tmp_path: Path, second: pa.Array
) -> None:
    first = pa.table({"c": ["x"]})
    table = Table(schema=schema, name="t")
    request = stage(tmp_path, box.environ, table, first, measured=False)
    pq.write_table(pa.table({"c": second}), tmp_path / part_name(1))
    other = SourceFile(uri=part_name(1), bytes=(tmp_path / part_name(1)).stat().st_size)
    both = replace(request, inputs=(*request.inputs, other))
    (tmp_path / REQUEST_FILE).write_text(dump_request(both))
    assert_refused(loader(tmp_path), ErrorCode.UNSUPPORTED_TYPE, says="Column 'c'")


@pytest.mark.parametrize(("first", "second"), MIXED, ids=str)
def test_files_of_one_load_whose_types_differ_with_loss_are_refused(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path,
    first: pa.Array, second: pa.Array,
) -> None:  # fmt: skip
    request = stage(tmp_path, box.environ, Table(schema=schema, name="t"), pa.table({"c": first}))
    pq.write_table(pa.table({"c": second}), tmp_path / part_name(1))
    other = SourceFile(uri=part_name(1), bytes=(tmp_path / part_name(1)).stat().st_size)
    both = replace(request, inputs=(*request.inputs, other))
    (tmp_path / REQUEST_FILE).write_text(dump_request(both))
    assert_refused(loader(tmp_path), ErrorCode.SCHEMA_CONFLICT, says="Column 'c' is")
    assert database.rows(f"select count(*) from pg_namespace where nspname = '{schema}'") == [(0,)]


def test_a_file_that_is_listed_twice_is_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    request = stage(path, box.environ, loaded, ROWS)
    again = replace(request.inputs[0], uri="data/../" + request.inputs[0].uri)
    twice = replace(request, inputs=(*request.inputs, again))
    (path / REQUEST_FILE).write_text(dump_request(twice))
    assert_refused(loader(path), ErrorCode.BAD_REQUEST, says="listed twice")
    assert_untouched(database, loaded)


def test_a_view_is_refused(
    box: Sandbox, loader: Loader, database: Database, loaded: Table, tmp_path: Path
) -> None:
    database.run(f"create view {loaded.schema}.v as select * from {loaded.label}")
    stage(tmp_path / "now", box.environ, replace(loaded, name="v"), ROWS)
    assert_refused(loader(tmp_path / "now"), ErrorCode.SCHEMA_CONFLICT, says="is a view")
    assert_untouched(database, loaded)


def test_nanoseconds_of_int96_that_would_be_lost_are_refused(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    path = tmp_path / "spark.parquet"
    table = Table(schema=schema, name="t")
    columns = (DataColumn(name="at", arrow_type="timestamp[us]"),)

    def load(values: pa.Array, name: str) -> Finished:
        pq.write_table(pa.table({"at": values}), path, use_deprecated_int96_timestamps=True)
        source = SourceFile(uri=str(path), bytes=path.stat().st_size)
        stage(tmp_path / name, box.environ, table, inputs=(source,), columns=columns)
        return loader(tmp_path / name)

    lost = load(pa.array([1_000, 1_123], pa.timestamp("ns")), "lost")
    assert_refused(lost, ErrorCode.LOSSY_VALUE, says="row 2 of")
    far = [dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1), dt.datetime(2024, 1, 1, 1, 1, 1, 1)]
    assert load(pa.array(far, pa.timestamp("us")), "far").exit_code == 0
    assert {at for (at,) in database.rows(f"select at from {schema}.t")} == set(far)


def test_a_part_that_the_disk_has_no_room_for_is_told(
    box: Sandbox, schema: str, tmp_path: Path
) -> None:
    """A limit on the size of files stands in for a full disk."""
    numbers = pa.table({"n": pa.array(range(200_000), pa.uint32())})
    path = tmp_path / "foreign.parquet"
    pq.write_table(numbers, path)
    source = SourceFile(uri=str(path), bytes=path.stat().st_size)
    columns = (DataColumn(name="n", arrow_type="uint32"),)
    table = Table(schema=schema, name="t")
    stage(tmp_path / "now", box.environ, table, inputs=(source,), columns=columns)
    limited = (
        "import resource, signal, sys; from loader_process.cli import run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "sys.exit(run(['load', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path / "now")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert "own machine refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("now/attempts/*/part-*"))


def test_an_old_staging_path_does_not_replace_newer_rows(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    old, new = (ROWS.slice(n, 1) for n in (0, 1))
    stage(tmp_path / "old", box.environ, table, old)
    stage(tmp_path / "new", box.environ, table, new)
    assert loader(tmp_path / "new").exit_code == 0
    assert_refused(loader(tmp_path / "old"), ErrorCode.NEWER_COMMIT, says="--force")
    assert database.rows(f"select n from {schema}.t") == [(2,)]
    assert loader(tmp_path / "old", "--force").exit_code == 0
    assert database.rows(f"select n from {schema}.t") == [(1,)]


def test_newer_rows_of_other_partitions_are_no_obstacle(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    table = Table(schema=schema, name="t")
    for name, row, day in (("old", 0, "2024-01-01"), ("new", 1, "2024-01-02")):
        rows = days_slice("day", day)
        stage(tmp_path / name, box.environ, table, ROWS.slice(row, 1), slice=rows)
    assert loader(tmp_path / "new").exit_code == 0
    assert loader(tmp_path / "old").exit_code == 0
    assert database.rows(f"select n from {schema}.t order by n") == [(1,), (2,)]
