"""The project loads without any environment, and its flights are restricted to the run's months."""

import dagster as dg
import polars as pl
import pytest

from examples.nyc_flights import source

# What the example uses of Dagster that is beta; its own filter does not outlive pytest's.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture(scope="module")
def project():
    from examples.nyc_flights import definitions

    return definitions


def test_the_definitions_load(project, monkeypatch):
    for name in ("REDSHIFT_HOST", "REDSHIFT_PASSWORD", "SANDBOX_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    dg.Definitions.validate_loadable(project.defs)
    keys = project.defs.resolve_all_asset_keys()
    assert {key.path[-1] for key in keys} == {
        *("airlines", "airports", "planes", "weather", "flights", "hourly_weather"),
        "carrier_delays",
    }
    assert {tuple(key.path[:-1]) for key in keys} == {("nyc_flights",)}


def test_the_job_has_every_asset(project):
    job = project.nyc_flights_job()
    assert job.asset_layer.executable_asset_keys == set(project.defs.resolve_all_asset_keys())


def test_flights_are_one_run_for_a_range_of_months(project):
    flights = project.defs.resolve_assets_def(dg.AssetKey(["nyc_flights", "flights"]))
    assert flights.backfill_policy == dg.BackfillPolicy.single_run()
    assert flights.partitions_def.get_partition_keys()[0] == "2013-01-01"
    assert flights.partitions_def.get_partition_keys()[-1] == "2013-12-01"


class Kept(dg.IOManager):
    """Keeps what an asset returned."""

    def handle_output(self, context, obj):
        self.frame = obj.collect()

    def load_input(self, context):
        raise NotImplementedError


def materialized(**run):
    from examples.nyc_flights.assets import flights

    kept = Kept()
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize(
            [flights], resources={"io_manager": kept}, instance=instance, **run
        ).success
    return kept.frame


def test_a_run_for_one_month_has_that_month_only():
    frame = materialized(partition_key="2013-02-01")
    assert frame.height == 24_951
    assert frame["month"].unique().to_list() == [2]


def test_a_run_for_a_range_has_its_months_and_no_day_more():
    frame = materialized(
        tags={
            "dagster/asset_partition_range_start": "2013-11-01",
            "dagster/asset_partition_range_end": "2013-12-01",
        },
    )
    expected = source.flights().filter(pl.col("month") >= 11).select(pl.len()).collect().item()
    assert frame.height == expected
    assert set(frame["month"]) == {11, 12}
