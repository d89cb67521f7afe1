"""What assets return lands in Redshift, and exactly the run's rows are replaced. Oracle: polars."""

import sys
import textwrap

import dagster as dg
import pandas as pd
import polars as pl
import pytest

from orchestrator import RedshiftConnection, S3Staging, SubprocessLauncher, redshift_table
from tests.orchestrator.runs import Run, range_tags

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-10")
SHOPS = dg.StaticPartitionsDefinition(["us", "it's"])
GRID = dg.MultiPartitionsDefinition({"day": DAYS, "shop": SHOPS})


def rows_of(days, per_day=2, factor=1):
    """Give some rows for each day; ``factor`` tells one load of a day from another."""
    return pl.DataFrame(
        [{"day": day, "n": factor * i} for day in days for i in range(per_day)],
        schema={"day": pl.String, "n": pl.Int64},
    ).with_columns(pl.col("day").str.to_date())


@pytest.fixture
def daily():
    @dg.asset(
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata=redshift_table(partition_expr="day"),
        config_schema={"per_day": dg.Field(int, default_value=2)},
    )
    def daily(context) -> pl.LazyFrame:
        per_day = context.op_execution_context.op_config["per_day"]
        return rows_of(context.partition_keys, per_day).lazy()

    return daily


def per_day(count):
    return {"ops": {"daily": {"config": {"per_day": count}}}}


def counts(database, schema, table, column):
    found = database.rows(f'select {column}::varchar, count(*) from "{schema}".{table} group by 1')
    return dict(found)


def test_a_table_is_replaced_whole_and_twice_is_as_once(run, io, database, schema):
    @dg.asset
    def numbers() -> pl.DataFrame:
        return pl.DataFrame({"n": range(1000), "s": [f"ä{i}" for i in range(1000)]})

    for deleted in (0, 1000):
        metadata = run([numbers], io()).metadata()
        assert metadata["rows_deleted"] == deleted
        assert metadata["rows_staged"] == metadata["rows_copied"] == 1000
        assert metadata["dagster/row_count"] == 1000
    found = database.rows(f"select count(*), sum(n), max(s) from {schema}.numbers")
    assert found == [(1000, 499500, "ä999")]


def test_a_load_tells_what_the_ui_knows(run, io, schema, database):
    @dg.asset(metadata=redshift_table(sort_key="n", dist_key="n"))
    def told() -> pl.DataFrame:
        return pl.DataFrame({"n": [1], "s": ["x"]})

    metadata = run([told], io()).metadata()
    assert metadata["dagster/table_name"] == f"dev.{schema}.told"
    assert metadata["dagster/storage_kind"] == "redshift"
    assert metadata["dagster/uri"].endswith(f"/dev/{schema}/told")
    assert metadata["dagster/size_bytes"] == metadata["bytes"] > 0
    first, second = metadata["dagster/column_schema"].columns
    assert (first.name, first.type, first.constraints.nullable) == ("n", "BIGINT", True)
    assert {"distkey", "sortkey 1"} <= set(first.constraints.other)
    assert second.type == "VARCHAR(32)"
    for name in ("seconds_stage", "seconds_launch", "seconds_upload", "seconds_total"):
        assert metadata[name] >= 0
    assert metadata["rows_per_second"] > 0
    assert metadata["Query"].startswith("```sql\nCOPY ")
    assert "password" not in str(metadata).lower()


def test_one_day_and_a_range_of_days_replace_exactly_those_days(run, io, database, schema, daily):
    assert run([daily], io(), partition_key="2024-01-02").success
    done = run([daily], io(), tags=range_tags("2024-01-02", "2024-01-04"), run_config=per_day(3))
    assert done.success
    assert counts(database, schema, "daily", "day") == {f"2024-01-0{d}": 3 for d in (2, 3, 4)}
    # Each partition has its own number; what holds for the load stands on all of them.
    assert sorted(m.partition for m in done.materializations) == [
        f"2024-01-0{d}" for d in (2, 3, 4)
    ]
    for materialization in done.materializations:
        assert materialization.metadata["dagster/partition_row_count"].value == 3
        assert materialization.metadata["rows_copied"].value == 9
        assert materialization.metadata["dagster/row_count"].value == 9
    again = run([daily], io(), partition_key="2024-01-03", run_config=per_day(1)).metadata()
    assert again["dagster/partition_row_count"] == 1
    assert again["rows_deleted"] == 3
    expected = {"2024-01-02": 3, "2024-01-03": 1, "2024-01-04": 3}
    assert counts(database, schema, "daily", "day") == expected


def test_an_empty_frame_makes_the_table_and_empties_its_slice(run, io, database, schema, daily):
    assert run([daily], io(), partition_key="2024-01-02", run_config=per_day(0)).success
    assert counts(database, schema, "daily", "day") == {}
    for day in ("2024-01-02", "2024-01-03"):
        assert run([daily], io(), partition_key=day).success
    assert run([daily], io(), partition_key="2024-01-02", run_config=per_day(0)).success
    assert counts(database, schema, "daily", "day") == {"2024-01-03": 2}


def test_a_box_of_two_dimensions_is_replaced_whatever_its_keys_hold(run, io, database, schema):
    @dg.asset(
        partitions_def=GRID,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata=redshift_table(partition_expr={"day": "day", "shop": "shop"}),
    )
    def sales(context) -> pl.DataFrame:
        keys = [dict(k.keys_by_dimension) for k in context.partition_keys]
        return pl.DataFrame(keys).with_columns(pl.col("day").str.to_date())

    done = run([sales], io(), tags=range_tags("2024-01-02|us", "2024-01-03|it's"))
    assert done.metadata()["rows_copied"] == 4
    one = dg.MultiPartitionKey({"day": "2024-01-02", "shop": "it's"})
    metadata = run([sales], io(), partition_key=one).metadata()
    assert (metadata["rows_deleted"], metadata["dagster/row_count"]) == (1, 4)
    found = database.rows(f"select day::varchar, shop, count(*) from {schema}.sales group by 1, 2")
    assert sorted(found) == [(f"2024-01-0{d}", s, 1) for d in (2, 3) for s in ("it's", "us")]


def test_dynamic_keys_may_hold_anything(run, io, instance, database, schema):
    files = dg.DynamicPartitionsDefinition(name="files")
    keys = ["a/b|c d", "it's", 'say "so" ü', "100%_\\"]
    instance.add_dynamic_partitions("files", keys)

    @dg.asset(partitions_def=files, metadata=redshift_table(partition_expr="file"))
    def per_file(context) -> pl.DataFrame:
        return pl.DataFrame({"file": [context.partition_key] * 2})

    for key in [*keys, *keys[1:3]]:
        assert run([per_file], io(), partition_key=key).success
    assert counts(database, schema, "per_file", "file") == dict.fromkeys(keys, 2)


@pytest.mark.parametrize(
    ("definition", "options", "said"),
    [
        (DAYS, {}, "its metadata has no partition_expr"),
        (GRID, {"partition_expr": {"day": "day"}}, "lacks the dimension 'shop'"),
        (DAYS, {"partition_exp": "day"}, "nearly 'partition_expr'"),
        (DAYS, {"partition_expr": "day", "write_mode": "append"}, "write_mode='append'"),
    ],
)
def test_bad_metadata_is_refused_before_anything_is_staged(
    run, offline_io, tmp_path, definition, options, said
):
    @dg.asset(partitions_def=definition, metadata=options)
    def asset():
        return pl.DataFrame({"day": ["x"]})

    key = definition.get_first_partition_key()
    done = run([asset], offline_io(), partition_key=key)
    assert said in done.description
    assert not (tmp_path / "staging").exists()
    assert done.failure.user_failure_data.metadata["code"].value in (
        "partition_expr",
        "usage",
        "not_supported",
    )


def test_a_partitioned_output_without_keys_is_refused(run, offline_io, daily):
    done = run([daily], offline_io(), tags=range_tags("2024-01-04", "2024-01-02"))
    assert not done.success
    assert (
        "2024-01-04" in str(done.failure.error) or "none of its partition keys" in done.description
    )


def test_bad_values_are_refused_before_a_loader_is_launched(run, offline_io, tmp_path):
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=3))
    def long() -> pl.DataFrame:
        calls.append(1)
        return pl.DataFrame({"s": ["x" * 65_536]})

    calls: list[int] = []
    done = run([long], offline_io())
    assert "a string has 65536 bytes" in done.description
    assert "redshift-loader load" not in done.description
    assert calls == [1]
    assert list((tmp_path / "staging").iterdir()) == []


def test_the_assets_own_error_stays_its_own(run, offline_io):
    @dg.asset
    def broken() -> pl.LazyFrame:
        return pl.LazyFrame({"n": [1]}).select(pl.col("no_such_column"))

    done = run([broken], offline_io())
    assert done.failure.user_failure_data is None
    assert "ColumnNotFoundError" in done.failure.error.to_string()


def test_none_loads_nothing_and_says_so(run, offline_io):
    @dg.asset
    def nothing():
        return None

    done = run([nothing], offline_io())
    assert done.success
    assert any("nothing was loaded" in text for text in done.logs)


def test_a_multi_asset_may_leave_outputs_out_and_loads_each_of_the_others(
    run, io, database, schema
):
    @dg.multi_asset(
        outs={
            name: dg.AssetOut(is_required=False, metadata=redshift_table(table=f"t_{name}"))
            for name in "xyz"
        }
    )
    def several():
        yield dg.Output(pl.DataFrame({"n": [1]}), "x")
        yield dg.Output(pl.DataFrame({"n": [1, 2]}), "z", metadata={"mine": 7})

    done = run([several], io())
    assert done.success
    assert [m.asset_key.path for m in done.materializations] == [["x"], ["z"]]
    assert done.metadata("z")["dagster/row_count"] == 2
    assert done.metadata("z")["mine"] == 7
    assert database.count(f"{schema}.t_x") == 1


def test_a_subset_of_a_multi_asset_touches_no_other_table(run, io, database, schema):
    @dg.multi_asset(
        outs={name: dg.AssetOut(is_required=False) for name in ("left", "right")}, can_subset=True
    )
    def both(context):
        for name in sorted(context.op_execution_context.selected_output_names):
            yield dg.Output(pl.DataFrame({"n": [1]}), name)

    assert run([both], io(), selection=["left"]).success
    tables = database.rows(
        f"select table_name from information_schema.tables where table_schema = '{schema}'"
    )
    assert tables == [("left",)]


def test_a_materialize_result_with_a_value_and_a_check_goes_the_same_way(run, io, database, schema):
    @dg.asset(check_specs=[dg.AssetCheckSpec("fine", asset="checked")])
    def checked():
        return dg.MaterializeResult(
            value=pl.DataFrame({"n": [1, 2]}),
            metadata={"mine": 1},
            check_results=[dg.AssetCheckResult(check_name="fine", passed=True)],
        )

    metadata = run([checked], io()).metadata()
    assert (metadata["mine"], metadata["dagster/row_count"]) == (1, 2)
    assert database.count(f"{schema}.checked") == 2


def test_a_graph_asset_loads_its_last_output_and_its_inner_ones_by_name(run, io, database, schema):
    @dg.op(out={"inner": dg.Out()})
    def make() -> pl.DataFrame:
        return pl.DataFrame({"n": [1, 2, 3]})

    @dg.op
    def half(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("n") > 1)

    @dg.graph_asset
    def graph():
        return half(make())

    done = run([graph], io())
    assert done.success, done.failure
    assert [m.asset_key.path for m in done.materializations] == [["graph"]]
    assert database.count(f"{schema}.graph") == 2
    assert database.count(f"{schema}.inner") == 3


def test_an_inner_op_of_a_partitioned_graph_asset_is_refused(run, offline_io):
    @dg.op(out={"inner": dg.Out()})
    def make():
        return pl.DataFrame({"day": ["x"]})

    @dg.op
    def same(frame):
        return frame

    @dg.graph_asset(partitions_def=DAYS, metadata=redshift_table(partition_expr="day"))
    def graph():
        return same(make())

    done = run([graph], offline_io(), partition_key="2024-01-02")
    assert "its run is of the partition '2024-01-02'" in done.description


@pytest.mark.parametrize("kind", ["arrow", "pandas"])
def test_arrow_tables_and_pandas_frames_land_too(run, io, database, schema, kind):
    @dg.asset
    def frame():
        made = pl.DataFrame({"n": [1, 2], "s": ["a", None]})
        return made.to_arrow() if kind == "arrow" else pd.DataFrame(made.to_dict(as_series=False))

    assert run([frame], io()).success
    assert sorted(database.rows(f"select n, s from {schema}.frame")) == [(1, "a"), (2, None)]


_KILLED_AFTER_COMMIT = """
import os, signal, subprocess, sys
from pathlib import Path
mark = Path(__file__).with_suffix(".mark")
if mark.exists():
    os.execv(sys.executable, [sys.executable, "-m", "loader_process", *sys.argv[1:]])
mark.touch()
env = {k: v for k, v in os.environ.items() if "PIPES" not in k and "PARENT_PID" not in k}
subprocess.run([sys.executable, "-m", "loader_process", *sys.argv[1:]], env=env, check=True)
for report in Path(sys.argv[2]).glob("attempts/*/report.json"):
    report.unlink()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_retry_after_a_loader_that_was_killed_behind_its_commit_doubles_nothing(
    run, io, database, schema, tmp_path
):
    (tmp_path / "loader.py").write_text(_KILLED_AFTER_COMMIT)

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def once() -> pl.DataFrame:
        return pl.DataFrame({"n": [1, 2, 3]})

    launcher = SubprocessLauncher(command=[sys.executable, str(tmp_path / "loader.py")])
    done = run([once], io(launcher=launcher))
    assert done.success
    assert done.metadata()["rows_deleted"] == done.metadata()["rows_copied"] == 3
    assert database.count(f"{schema}.once") == 3


def test_a_retry_that_computes_other_rows_leaves_those(run, io, database, schema):
    """The first output is committed when the step fails; its retry must not keep the old rows."""
    tries = []

    @dg.multi_asset(
        outs={"first": dg.AssetOut(), "second": dg.AssetOut()},
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def both():
        tries.append(1)
        yield dg.Output(pl.DataFrame({"try": [len(tries)]}), "first")
        if len(tries) == 1:
            raise RuntimeError("the source was away")
        yield dg.Output(pl.DataFrame({"try": [len(tries)]}), "second")

    assert run([both], io()).success
    assert database.rows(f"select try from {schema}.first") == [(2,)]
    assert database.rows(f"select try from {schema}.second") == [(2,)]


def test_a_re_execution_from_failure_loads_what_it_computed(run, io, instance, database, schema):
    source = {"n": 1}

    @dg.asset(check_specs=[dg.AssetCheckSpec("positive", asset="checked", blocking=True)])
    def checked():
        good = source["n"] > 1
        yield dg.Output(pl.DataFrame(source))
        yield dg.AssetCheckResult(passed=good, check_name="positive")

    @dg.asset(deps=[checked])
    def after() -> None:
        pass

    first = run([checked, after], io())
    assert not first.success
    source["n"] = 2
    tags = {"dagster/parent_run_id": first.result.run_id, "dagster/is_resume_retry": "true"}
    assert run([checked, after], io(), tags=tags).success
    assert database.rows(f"select n from {schema}.checked") == [(2,)]


def test_dynamic_outputs_that_would_replace_each_other_are_refused(instance, offline_io):
    @dg.op(out={"frames": dg.DynamicOut(io_manager_key="redshift")})
    def several():
        for n in range(3):
            yield dg.DynamicOutput(pl.DataFrame({"n": [n]}), str(n), output_name="frames")

    @dg.op(out=dg.DynamicOut())
    def numbers():
        for n in range(2):
            yield dg.DynamicOutput(n, mapping_key=str(n))

    @dg.op(out={"frames": dg.Out(io_manager_key="redshift")})
    def one(n):
        return pl.DataFrame({"n": [n]})

    @dg.job(resource_defs={"redshift": offline_io()})
    def dynamic():
        several()

    @dg.job(resource_defs={"redshift": offline_io()})
    def mapped():
        numbers().map(one)

    for job, says in ((dynamic, "several dynamic outputs"), (mapped, "were mapped")):
        done = Run(job.execute_in_process(instance=instance, raise_on_error=False), instance)
        assert not done.success
        texts = [
            e.event_specific_data.user_failure_data.description
            for e in done.result.all_events
            if e.event_type_value == "STEP_FAILURE"
        ]
        assert says in texts[0]


def test_an_inner_op_of_a_range_run_is_refused(run, offline_io):
    @dg.op(out={"inner": dg.Out()})
    def make():
        return pl.DataFrame({"day": ["x"]})

    @dg.op
    def same(frame):
        return frame

    @dg.graph_asset(
        partitions_def=DAYS,
        metadata=redshift_table(partition_expr="day"),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def graph():
        return same(make())

    done = run([graph], offline_io(), tags=range_tags("2024-01-02", "2024-01-03"))
    assert "partitions '2024-01-02' to '2024-01-03'" in done.description


def test_columns_named_like_patterns_land_and_come_back(run, io, database, schema):
    names = ["*", "^a.*$", "a", "^x$"]

    @dg.asset
    def odd() -> pl.DataFrame:
        return pl.DataFrame({name: [n] for n, name in enumerate(names)})

    @dg.asset
    def copy(odd: pl.DataFrame) -> pl.DataFrame:
        return odd

    assert run([odd, copy], io()).success
    assert database.rows(f'select "*", "^a.*$", a, "^x$" from {schema}.copy') == [(0, 1, 2, 3)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong"}, "login_refused"),
        ({"port": 1}, "unreachable"),
        ({"bucket": "no-such-bucket-here"}, "bucket_missing"),
    ],
)
def test_what_the_loader_refuses_is_the_steps_failure(run, io, box, change, code):
    @dg.asset
    def asset() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    facts = box.redshift
    login = {"host": facts.host, "port": facts.port, "database": facts.database, "user": facts.user}
    bucket = change.pop("bucket", box.s3.bucket)
    login |= {"password": facts.password, **change}
    io_manager = io(connection=RedshiftConnection(**login), staging=S3Staging(bucket=bucket))
    done = run([asset], io_manager)
    assert done.failure.user_failure_data.metadata["code"].value == code
    assert "exit code" not in done.description
    assert facts.password not in done.failure.error.to_string() + done.description


def test_the_multiprocess_executor_runs_it_as_well(box, schema, database, tmp_path):
    (tmp_path / "project.py").write_text(
        textwrap.dedent(f"""
        import os
        import dagster as dg, polars as pl
        from orchestrator import *

        @dg.asset
        def first() -> pl.DataFrame:
            return pl.DataFrame({{"n": [1, 2, 3]}})

        @dg.asset
        def second(first: pl.LazyFrame) -> pl.LazyFrame:
            return first.filter(pl.col("n") > 1)

        login = dict(host=os.environ["REDSHIFT_HOST"], port=int(os.environ["REDSHIFT_PORT"]))
        defs = dg.Definitions(
            assets=[first, second],
            jobs=[dg.define_asset_job("both", executor_def=dg.multiprocess_executor)],
            resources={{"io_manager": RedshiftIOManager(
                connection=RedshiftConnection(
                    **login, database="dev", user="{box.redshift.user}",
                    password=dg.EnvVar("REDSHIFT_PASSWORD")),
                staging=S3Staging(bucket="{box.s3.bucket}"),
                schema="{schema}", staging_dir="{tmp_path}/staging")}})

        def both():
            return defs.get_job_def("both")

        if __name__ == "__main__":
            with dg.instance_for_test() as instance:
                import project
                result = dg.execute_job(dg.reconstructable(project.both), instance=instance)
                assert result.success
        """)
    )
    import os
    import subprocess
    from pathlib import Path

    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "project.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{root}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert database.rows(f"select sum(n) from {schema}.second") == [(5,)]
    assert list((tmp_path / "staging").iterdir()) == []
