"""``redshift_asset`` loads files that something else wrote, and deletes none of them."""

import uuid

import dagster as dg
import polars as pl
import pytest

from orchestrator import redshift_asset
from tests.orchestrator.runs import range_tags

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")
GRID = dg.MultiPartitionsDefinition({"day": DAYS, "shop": dg.StaticPartitionsDefinition(["us"])})


def test_parts_of_foreign_data_are_of_the_size_that_is_asked_for(
    run, io, database, schema, tmp_path
):
    numbers = pl.DataFrame({"n": pl.int_range(400_000, eager=True).cast(pl.UInt32).shuffle(seed=1)})
    numbers.write_parquet(tmp_path / "foreign.parquet", compression="brotli")

    @redshift_asset(key="foreign")
    def foreign() -> str:
        return str(tmp_path / "foreign.parquet")

    whole = run([foreign], io()).metadata()
    split = run([foreign], io(part_bytes=300_000)).metadata()
    assert whole["files"] == 1
    assert split["files"] > 2
    assert split["rows_copied"] == database.count(f"{schema}.foreign") == 400_000


def write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns or {"n": [1, 2, 3], "s": ["a", "b", None]}).write_parquet(path)
    return path


def test_local_files_are_loaded_and_stay(run, io, database, schema, tmp_path):
    first, second = (write(tmp_path / "in" / name) for name in ("a.parquet", "b.parquet"))

    @redshift_asset()
    def clicks():
        return [str(first), second]

    metadata = run([clicks], io()).metadata()
    assert metadata["dagster/row_count"] == 6
    assert first.exists()
    assert second.exists()
    assert database.rows(f"select sum(n) from {schema}.clicks") == [(12,)]


def test_strings_of_a_file_nobody_measured_fit_their_column(run, io, database, schema, tmp_path):
    path = write(tmp_path / "long.parquet", s=["x" * 5000])

    @redshift_asset()
    def clicks() -> str:
        return str(path)

    assert run([clicks], io()).success
    assert database.rows(f"select len(s) from {schema}.clicks") == [(5000,)]


def test_a_day_on_s3_is_its_own_folder_and_no_other(run, io, box, s3, database, schema, tmp_path):
    folder = f"lake/{uuid.uuid4().hex}"
    for day in ("2024-01-01", "2024-01-02"):
        path = write(tmp_path / f"{day}.parquet", day=[day] * 2)
        s3.upload_file(str(path), box.s3.bucket, f"{folder}/{day}/part.parquet")
    s3.upload_file(str(path), box.s3.bucket, f"{folder}/2024-01-011/part.parquet")

    @redshift_asset(
        key=["lake", "clicks"],
        partitions_def=DAYS,
        partition_expr="day",
        backfill_policy=dg.BackfillPolicy.single_run(),
        table="clicks_by_day",
    )
    def clicks(context):
        return [f"s3://{box.s3.bucket}/{folder}/{key}/" for key in context.partition_keys]

    assert run([clicks], io(), tags=range_tags("2024-01-01", "2024-01-02")).success
    metadata = run([clicks], io(), partition_key="2024-01-01").metadata()
    assert (metadata["rows_deleted"], metadata["dagster/row_count"]) == (2, 4)
    assert database.count(f"{schema}.clicks_by_day") == 4
    listed = s3.list_objects_v2(Bucket=box.s3.bucket, Prefix=folder)
    assert listed["KeyCount"] == 3


def test_a_materialize_result_may_hold_the_uri(run, io, database, schema, tmp_path):
    path = write(tmp_path / "a.parquet")

    @redshift_asset()
    def clicks():
        return dg.MaterializeResult(value=str(path), metadata={"mine": 1})

    assert run([clicks], io()).metadata()["mine"] == 1
    assert database.count(f"{schema}.clicks") == 3


def test_what_is_wrong_with_a_uri_fails_the_step_before_a_launch(run, offline_io, tmp_path):
    write(tmp_path / "day=1" / "a.parquet")

    @redshift_asset()
    def clicks():
        return tmp_path

    done = run([clicks], offline_io())
    assert "Hive partition 'day=1'" in done.description


def test_what_dagster_is_told_passes_through():
    condition = dg.AutomationCondition.eager()

    @redshift_asset(
        key=["a", "b"],
        deps=["up"],
        kinds={"parquet"},
        metadata={"mine": 1},
        sort_key="n",
        group_name="g",
        tags={"t": "1"},
        owners=["team:x"],
        description="d",
        retry_policy=dg.RetryPolicy(max_retries=2),
        automation_condition=condition,
        io_manager_key="redshift",
        check_specs=[dg.AssetCheckSpec("c", asset=["a", "b"])],
        code_version="3",
    )
    def clicks():
        return ""

    (spec,) = clicks.specs
    assert spec.key == dg.AssetKey(["a", "b"])
    assert [dep.asset_key.path for dep in spec.deps] == [["up"]]
    assert spec.kinds == {"redshift", "parquet"}
    assert spec.metadata["mine"] == 1
    assert spec.metadata["sort_key"] == "n"
    assert (spec.group_name, spec.description, spec.code_version) == ("g", "d", "3")
    assert spec.tags["t"] == "1"
    assert spec.owners == ["team:x"]
    assert spec.automation_condition == condition
    assert clicks.op.retry_policy.max_retries == 2
    assert clicks.op.output_defs[0].io_manager_key == "redshift"
    assert [check.name for check in clicks.check_specs] == ["c"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partitions_def": DAYS}, "a partitions_def and no partition_expr"),
        ({"partition_expr": "day"}, "a partition_expr and no partitions_def"),
        ({"partitions_def": GRID, "partition_expr": "day"}, "dict with the dimensions"),
        ({"partitions_def": GRID, "partition_expr": {"day": "d"}}, "['day', 'shop']"),
        ({"partitions_def": DAYS, "partition_expr": {"day": "d"}}, "to be one expression"),
        ({"write_mode": "append"}, "not in this version"),
        ({"dist_style": "key"}, "dist_key names no column"),
    ],
)
def test_options_are_checked_when_it_is_called(options, said):
    with pytest.raises(dg.DagsterInvalidDefinitionError) as caught:
        redshift_asset(**options)
    assert said in str(caught.value)
