"""A table comes back as the input asks for it, in the types of the table."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from orchestrator import redshift_table
from orchestrator.reading import polars_type
from shared_protocol import RedshiftType
from shared_protocol.type_table import TYPE_TABLE, redshift_type_for
from tests.orchestrator.runs import range_tags

NOON = dt.datetime(2024, 7, 1, 12, 0, 0, 123456)
FRAME = pl.DataFrame(
    {
        "i": [1, 2, None],
        "f": [1.5, None, -0.1],
        "b": [True, False, None],
        "s": ["ä", "", None],
        "d": [NOON.date(), dt.date(1, 1, 1), None],
        "t": [NOON, dt.datetime(2500, 1, 1), None],
        "z": [NOON.replace(tzinfo=dt.UTC), None, None],
        "m": [Decimal("1.20"), Decimal("-99999999.99"), None],
    },
    schema_overrides={"m": pl.Decimal(10, 2)},
)


@dg.asset
def source() -> pl.DataFrame:
    return FRAME


def read_as(kind, seen, *, columns=None, **more):
    """Make an asset that reads ``source`` as a type, and tells what it saw."""

    def reader(source):
        seen.append(source)

    reader.__annotations__ = {"source": kind} if kind is not None else {}
    metadata = {"columns": columns} if columns else {}
    ins = {"source": dg.AssetIn(metadata=metadata, **more)}
    return dg.asset(name="reader", ins=ins)(reader)


def same(found):
    assert_frame_equal(found.sort("i"), FRAME.sort("i"))


@pytest.mark.parametrize("kind", [pl.DataFrame, None, Any])
def test_a_polars_frame_comes_back_as_it_went_in(run, io, kind):
    seen: list[Any] = []
    assert run([source, read_as(kind, seen)], io()).success
    same(seen[0])


def test_an_arrow_table_and_a_pandas_frame_come_back_in_kind(run, io):
    for kind in (pa.Table, pd.DataFrame):
        seen: list[Any] = []
        assert run([source, read_as(kind, seen)], io()).success
        assert isinstance(seen[0], kind)
        table = seen[0] if kind is pa.Table else pa.Table.from_pandas(seen[0])
        assert sorted(table["s"].to_pylist(), key=str) == ["", None, "ä"]


def test_a_lazy_frame_can_be_used_for_as_long_as_the_step_runs_and_its_files_go_then(
    run, io, tmp_path
):
    files: list[Path] = []

    @dg.asset
    def reader(source: pl.LazyFrame) -> None:
        files.extend((tmp_path / "staging").glob("read-*/data/*.parquet"))
        same(source.collect())
        same(source.filter(pl.lit(value=True)).collect())

    assert run([source, reader], io()).success
    assert files
    assert list((tmp_path / "staging").iterdir()) == []


def test_only_the_columns_that_the_input_names_are_read_in_its_order(run, io):
    seen: list[Any] = []
    assert run([source, read_as(pl.DataFrame, seen, columns=["s", "I"])], io()).success
    assert seen[0].columns == ["s", "i"]


def test_an_empty_table_comes_back_with_its_types(run, io):
    @dg.asset(name="source")
    def empty() -> pl.DataFrame:
        return FRAME.clear()

    seen: list[Any] = []
    assert run([empty, read_as(pl.DataFrame, seen)], io()).success
    assert seen[0].height == 0
    assert seen[0].schema == FRAME.schema


@pytest.mark.parametrize(
    ("kind", "columns", "said"),
    [
        (dict, None, "gives a polars DataFrame"),
        (pa.RecordBatchReader, None, "gives a polars DataFrame"),
        (pl.Series, None, "gives a polars DataFrame"),
        (pl.DataFrame, "s", "list of at least one column name"),
    ],
)
def test_what_cannot_be_given_is_refused_before_a_loader_is_launched(
    run, offline_io, instance, kind, columns, said
):
    reader = read_as(kind, [], columns=columns)
    done = run([dg.AssetSpec("source"), reader], offline_io())
    assert said in done.description


def test_a_table_that_is_not_there_is_told(run, io):
    done = run([dg.AssetSpec("source"), read_as(pl.DataFrame, [])], io())
    assert "There is no table" in done.description
    assert "Materialize the asset first" in done.description


DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")


@pytest.fixture
def days(run, io):
    """Load four days, two rows each."""

    @dg.asset(
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata=redshift_table(partition_expr="day"),
    )
    def source(context) -> pl.DataFrame:
        return pl.DataFrame({"day": context.partition_keys * 2}).with_columns(
            pl.col("day").str.to_date(), n=1
        )

    assert run([source], io(), tags=range_tags("2024-01-02", "2024-01-05")).success
    return source


def days_seen(seen):
    return sorted({str(day) for day in seen[0]["day"]}), seen[0].height


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (None, ["2024-01-04"]),
        (dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1), ["2024-01-03"]),
        (dg.TimeWindowPartitionMapping(start_offset=-1), ["2024-01-03", "2024-01-04"]),
        (
            dg.AllPartitionMapping(),
            ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
        ),
        (
            dg.SpecificPartitionsPartitionMapping(["2024-01-02", "2024-01-05"]),
            ["2024-01-02", "2024-01-05"],
        ),
    ],
)
def test_an_input_reads_the_partitions_that_it_maps_to(run, io, days, mapping, expected):
    seen: list[Any] = []

    @dg.asset(
        partitions_def=DAYS,
        ins={"source": dg.AssetIn(partition_mapping=mapping)},
        metadata=redshift_table(partition_expr="day"),
    )
    def reader(source: pl.DataFrame) -> None:
        seen.append(source)

    assert run([days, reader], io(), partition_key="2024-01-04", selection=[reader]).success
    assert days_seen(seen) == (expected, 2 * len(expected))


def test_an_asset_without_partitions_reads_all_of_them(run, io, days):
    seen: list[Any] = []
    assert run([days, read_as(pl.DataFrame, seen)], io(), selection=["reader"]).success
    assert days_seen(seen)[1] == 8


def test_a_table_can_be_read_outside_a_run(days, io, instance):
    defs = dg.Definitions(assets=[days], resources={"io_manager": io()})
    found = defs.load_asset_value("source", python_type=pl.LazyFrame, partition_key="2024-01-03")
    assert found.collect().height == 2


def test_an_op_reads_what_an_op_wrote(io, instance):
    seen: list[Any] = []

    @dg.op(out={"totals": dg.Out()})
    def write():
        return pl.DataFrame({"n": [1, 2]})

    @dg.op
    def read(totals: pl.DataFrame) -> None:
        seen.append(totals)

    @dg.job(resource_defs={"io_manager": io()})
    def job():
        read(write())

    assert job.execute_in_process(instance=instance).success
    assert seen[0]["n"].to_list() == [1, 2]


def test_polars_types_are_those_of_the_table_of_types():
    for rule in TYPE_TABLE:
        arrow = rule.arrow.replace("decimal…", "decimal128(10, 2)")
        arrow = arrow.replace("dictionary…", "dictionary<values=string, indices=int32, ordered=0>")
        arrow = arrow.replace("[…, tz=…]", "[us, tz=UTC]").replace("[…]", "[us]")
        found = str(polars_type(str(redshift_type_for(arrow))))
        plain = found.replace("time_unit=", "").replace("time_zone=", "").replace("'", "")
        plain = plain.replace("precision=", "").replace("scale=", "").replace(", None", "")
        expected = rule.comes_back.replace("(p,s)", "(10,2)")
        assert plain.replace(", ", ",") == expected.replace(", ", ","), rule.arrow


def test_a_type_without_a_row_is_left_as_it_came():
    assert polars_type("super") is None
    assert RedshiftType.parse("super")


def test_no_file_behind_a_lazy_frame_outlives_the_process(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from orchestrator import io_manager\n"
        "from orchestrator.staging import StagingPath\n"
        "for n in range(4):\n"
        "    folder = Path(sys.argv[1]) / str(n); folder.mkdir()\n"
        "    io_manager._lazy_reads.append(StagingPath(folder))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert list(tmp_path.iterdir()) == []
