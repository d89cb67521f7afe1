"""Frames become Parquet parts of the table's types; what cannot be loaded leaves nothing behind."""

import datetime as dt
import json
import os
import stat
import time
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.io.plugins import register_io_source

from orchestrator.frames import to_frame
from orchestrator.staging import StagingPath, new_staging_path, removed_on_error
from shared_protocol import ErrorCode, FailureError
from shared_protocol.type_table import TYPE_TABLE


@pytest.fixture
def path(tmp_path):
    return StagingPath(tmp_path)


def staged(path):
    return pl.concat([pl.read_parquet(p) for p in sorted((path.path / "data").iterdir())])


def refusal(path, value):
    with pytest.raises(FailureError) as caught:
        path.fill(value)
    return caught.value.failure


NOON = dt.datetime(2024, 7, 1, 12, 0, 0, 123456)
SAMPLES = {
    "bool": ([True, None], pa.bool_(), "bool"),
    "int8": ([-1, None], pa.int8(), "int16"),
    "int16": ([-1, None], pa.int16(), "int16"),
    "int32": ([-1, None], pa.int32(), "int32"),
    "int64": ([-1, None], pa.int64(), "int64"),
    "uint8": ([255, None], pa.uint8(), "int16"),
    "uint16": ([65535, None], pa.uint16(), "int32"),
    "uint32": ([2**32 - 1, None], pa.uint32(), "int64"),
    "uint64": ([2**64 - 1, None], pa.uint64(), "decimal128(20, 0)"),
    "halffloat": ([1.5, None], pa.float16(), "float"),
    "float": ([1.5, None], pa.float32(), "float"),
    "double": ([1.5, None], pa.float64(), "double"),
    "decimal…": ([Decimal("1.20"), None], pa.decimal128(10, 2), "decimal128(10, 2)"),
    "string": (["ä", None], pa.string(), "large_string"),
    "large_string": (["ä", None], pa.large_string(), "large_string"),
    "string_view": (["ä", None], pa.string_view(), "large_string"),
    "dictionary…": (["ä", None], pa.dictionary(pa.int32(), pa.string()), "large_string"),
    "null": ([None, None], pa.null(), "large_string"),
    "date32[day]": ([NOON.date(), None], pa.date32(), "date32[day]"),
    "date64[ms]": ([NOON.date(), None], pa.date64(), "date32[day]"),
    "timestamp[…]": ([NOON, None], pa.timestamp("ns"), "timestamp[us]"),
    "timestamp[…, tz=…]": (
        [NOON.replace(tzinfo=dt.UTC), None],
        pa.timestamp("ms", "Europe/Berlin"),
        "timestamp[us, tz=UTC]",
    ),
}


def test_the_samples_are_the_whole_table_of_types():
    assert set(SAMPLES) == {rule.arrow for rule in TYPE_TABLE}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_type_is_staged_as_the_table_of_types_says(path, name):
    values, arrow_type, parquet = SAMPLES[name]
    if arrow_type == pa.timestamp("ms", "Europe/Berlin"):
        values = [NOON.replace(microsecond=123000, tzinfo=dt.UTC), None]
    parts = path.fill(pa.table({"c": pa.array(values, arrow_type)}))
    assert parts.columns[0].arrow_type == str(arrow_type)
    assert parts.columns[0].nulls == values.count(None)
    schema = pq.read_schema(path.path / "data" / "part-00000.parquet")
    assert str(schema.field("c").type) == parquet
    assert staged(path)["c"].to_list() == values


@pytest.mark.parametrize(
    ("arrow_type", "value"),
    [(pa.decimal256(38, 2), Decimal("1.20")), (pa.decimal32(5, 2), Decimal("1.20"))],
)
def test_decimals_of_any_width_that_fit_are_staged(path, arrow_type, value):
    path.fill(pa.table({"c": pa.array([value], arrow_type)}))
    assert staged(path)["c"].to_list() == [value]


def test_an_aware_timestamp_keeps_its_instant(path):
    berlin = pl.Series([dt.datetime(2024, 7, 1, 12)]).dt.replace_time_zone("Europe/Berlin")
    path.fill(pl.DataFrame({"at": berlin}))
    assert staged(path)["at"].to_list() == [dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)]


def test_a_lazy_frame_is_computed_once_in_parts_of_even_rows_in_their_order(path):
    calls = []

    def count(frame):
        calls.append(frame.height)
        return frame

    frame = pl.LazyFrame({"n": range(2500), "s": ["ä" * (i % 7) for i in range(2500)]})
    parts = path.fill(frame.map_batches(count, streamable=True), rows_per_part=1000)
    assert sum(calls) == 2500
    assert [file.rows for file in parts.files] == [1000, 1000, 500]
    assert [file.uri for file in parts.files] == [f"data/part-0000{i}.parquet" for i in range(3)]
    assert all(f.bytes == (path.path / f.uri).stat().st_size for f in parts.files)
    assert staged(path)["n"].to_list() == list(range(2500))
    assert parts.columns[1].longest_bytes == 12
    assert parts.columns[0].longest_bytes is None


def test_an_empty_frame_is_one_part_of_no_rows(path):
    parts = path.fill(pl.DataFrame(schema={"n": pl.Int64, "s": pl.String}))
    assert [file.rows for file in parts.files] == [0]
    assert parts.columns[1].longest_bytes == 0


def test_a_record_batch_is_a_frame_too(path):
    path.fill(pa.record_batch({"n": [1, 2], "u": pa.array([1, None], pa.uint64())}))
    assert staged(path)["n"].to_list() == [1, 2]


def test_a_pandas_frame_is_staged_without_its_counter_and_with_a_named_index(path, tmp_path):
    frame = pd.DataFrame({"n": [1, 2], "s": ["a", None]}, index=[7, 8])
    path.fill(frame)
    assert staged(path).to_dict(as_series=False) == {"n": [1, 2], "s": ["a", None]}
    second = StagingPath(tmp_path / "second")
    second.fill(frame.rename_axis("id"))
    assert staged(second).to_dict(as_series=False)["id"] == [7, 8]


TWICE, TYPE = ErrorCode.DUPLICATE_COLUMN, ErrorCode.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    ("frame", "code", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), TWICE, "'a' stands twice"),
        (pd.DataFrame({0: [1]}), ErrorCode.BAD_NAME, "is named 0"),
        (pd.DataFrame({"a": [1, "x"]}), TYPE, "of no one type"),
        (pa.Table.from_arrays([pa.array([1])] * 2, ["a", "a"]), TWICE, "twice"),
        (pl.DataFrame({"a": [1], "A": [2]}), TWICE, "are one name to Redshift"),
        (pl.DataFrame({"x" * 128: [1]}), ErrorCode.BAD_NAME, "has 128 bytes"),
        (pl.DataFrame(), ErrorCode.BAD_NAME, "no column at all"),
        (pl.DataFrame({"a": [[1]]}), TYPE, "Turn it into a JSON string"),
        (pl.DataFrame({"a": [b"x"]}), TYPE, "hexadecimal or base64"),
        (pl.DataFrame({"a": [dt.time(1)]}), TYPE, "Column 'a': time64[ns]"),
        (pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}), TYPE, "Int128"),
        (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), TYPE, "'a'"),
        (pd.Series([1]), ErrorCode.USAGE, ".to_frame()"),
        (pa.array([1]), ErrorCode.USAGE, "takes a polars DataFrame"),
        ({"a": 1}, ErrorCode.USAGE, "a value of type builtins.dict"),
        (7, ErrorCode.USAGE, "a value of type builtins.int"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_before_a_byte_is_written(path, frame, code, said):
    failure = refusal(path, frame)
    assert failure.code is code
    assert said in failure.sentence
    assert list(path.path.iterdir()) == []


def test_a_string_that_is_too_long_is_named_with_its_column_row_and_size(path):
    texts = ["ä"] * 1500 + ["ä" * 32768, "x" * 70000]
    failure = refusal(path, pl.DataFrame({"s": texts}))
    assert failure.code is ErrorCode.VALUE_TOO_LARGE
    assert failure.details == {"column": "s", "row": "1501", "bytes": "70000"}
    assert StagingPath(path.path).fill(pl.DataFrame({"t": ["x" * 65535]})).columns


def test_a_string_with_a_nul_is_refused(path):
    failure = refusal(path, pl.DataFrame({"s": ["a", "b\0c"]}))
    assert failure.code is ErrorCode.UNSUPPORTED_TYPE
    assert "NUL" in failure.message
    assert failure.details["row"] == "2"


def test_nanoseconds_that_would_be_lost_are_counted_and_refused(path):
    times = pl.Series([1_000, 1_001, None, 2_500]).cast(pl.Datetime("ns"))
    failure = refusal(path, pl.DataFrame({"at": times}))
    assert failure.code is ErrorCode.LOSSY_VALUE
    assert "2 of 4 timestamps" in failure.message


def test_a_columns_own_name_does_not_meet_the_measures(path):
    frame = pl.DataFrame({"rows": ["a"], "nulls 0": ["bb"], "longest 0": ["ccc"]})
    assert [c.longest_bytes for c in path.fill(frame).columns] == [1, 2, 3]


def test_a_failing_query_raises_its_own_error_and_leaves_nothing(tmp_path):
    def fail(frame):
        raise ZeroDivisionError("mine")

    path = new_staging_path(str(tmp_path), kind="load", label="s.t", key="k")
    frame = pl.LazyFrame({"n": [1]}).map_batches(fail)
    with pytest.raises(Exception, match="mine"), removed_on_error(path):
        path.fill(frame)
    assert list(tmp_path.iterdir()) == []


def test_a_staging_path_is_its_users_alone_and_never_the_same_twice(tmp_path):
    first, second = (
        new_staging_path(str(tmp_path), kind="load", label='a."b/c', key="k") for _ in range(2)
    )
    assert first.path != second.path
    assert first.path.name.startswith("load-a.-b-c-k-")
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o700


def test_the_path_of_an_earlier_try_is_found_unless_a_loader_is_at_it(tmp_path):
    make = lambda key: new_staging_path(str(tmp_path), kind="load", label="s.t", key=key)  # noqa: E731
    now, left, held, _other = make("k-1"), make("k-1"), make("k-1"), make("k-2")
    for path in (left, held):
        (path.path / "attempts" / "0001").mkdir(parents=True)
        (path.path / "attempts" / "0001" / "claim.json").touch()
    (left.path / "attempts" / "0001" / "report.json").touch()
    assert now.of_earlier_tries() == [left]
    long_ago = time.time() - 3600
    os.utime(held.path / "attempts" / "0001" / "claim.json", (long_ago, long_ago))
    assert set(now.of_earlier_tries()) == {left, held}


def test_the_default_folder_is_this_users_alone_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = new_staging_path(None, kind="load", label="s.t", key="k")
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    made.path.parent.chmod(0o755)
    with pytest.raises(FailureError, match="of this user alone"):
        new_staging_path(None, kind="load", label="s.t", key="k")


def test_a_source_of_ones_own_is_staged_whole(path):
    def source(*_):
        yield pl.DataFrame({"n": [1, 2]})
        yield pl.DataFrame({"n": [3]})

    parts = path.fill(register_io_source(source, schema={"n": pl.Int64}))
    assert sum(file.rows for file in parts.files) == 3
    assert staged(path)["n"].to_list() == [1, 2, 3]


def test_a_query_that_gives_another_number_of_rows_each_time_is_refused(path):
    calls = []

    def source(*_):
        calls.append(1)
        yield pl.DataFrame({"n": [1] * len(calls)})

    # Polars runs such a source once for the rows and once for the measures.
    with pytest.raises(FailureError, match="must give the same rows"):
        path.fill(register_io_source(source, schema={"n": pl.Int64}))


def test_a_staging_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FailureError, match="Set staging_dir"):
        new_staging_path(str(tmp_path / "file"), kind="load", label="s.t", key="k")


def test_only_an_attempt_above_the_ones_that_stood_is_asked(path):
    def attempt(number, message):
        folder = path.path / "attempts" / f"{number:04d}"
        folder.mkdir(parents=True)
        failed = {"code": "conflict", "message": message, "phase": "load"}
        text = json.dumps({"protocol_version": 1, "failed": failed})
        (folder / "report.json").write_text(text)

    assert path.last_attempt() == 0
    attempt(1, "old")
    assert path.last_attempt() == 1
    assert path.outcome_after(1) is None
    attempt(2, "new")
    (path.path / "attempts" / "0003").mkdir()  # claimed, and never reported
    assert path.outcome_after(1).failed.message == "new"


def test_original_arrow_types_of_polars_columns_are_spelled_as_pyarrow_does():
    frame = pl.DataFrame(
        {"c": pl.Series(["a"], dtype=pl.Categorical), "e": pl.Series(["a"], dtype=pl.Enum(["a"]))}
    )
    assert [c.arrow_type[:25] for c in to_frame(frame).columns] == ["dictionary<values=large_s"] * 2


@pytest.mark.parametrize("value", [2**63 - 1, 2**62, -(2**62)])
def test_seconds_that_no_column_holds_are_refused_and_never_wrapped(path, value):
    """An "infinity" of another system became 1969-12-31 without a word."""
    failure = refusal(path, pa.table({"t": pa.array([value], pa.timestamp("s"))}))
    assert failure.code is ErrorCode.LOSSY_VALUE
    assert "out of range" in failure.message


def test_seconds_and_milliseconds_that_fit_are_kept(path):
    table = pa.table(
        {
            "s": pa.array([dt.datetime(9999, 12, 31)], pa.timestamp("s")),
            "ms": pa.array([dt.datetime(1, 1, 1)], pa.timestamp("ms")),
        }
    )
    path.fill(table)
    assert staged(path).row(0) == (dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1))


def test_fixed_offsets_become_instants(path):
    column = pd.to_datetime(pd.Series(["2024-01-01 05:30:00+05:30"]))
    path.fill(pd.DataFrame({"t": column}))
    assert staged(path)["t"].to_list() == [dt.datetime(2024, 1, 1, tzinfo=dt.UTC)]


def test_an_index_named_like_a_column_is_refused(path):
    frame = pd.DataFrame({"k": [1], "v": [2]}, index=pd.Index([7], name="k"))
    assert refusal(path, frame).code is ErrorCode.DUPLICATE_COLUMN


@pytest.mark.parametrize("uri", ["", ".", "./", " "])
def test_a_data_uri_that_names_no_place_is_refused(path, uri):
    assert "names no place" in refusal(path, uri).message
