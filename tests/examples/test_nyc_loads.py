"""What the loads reported is read from the materialization events of a run."""

import io

import dagster as dg
import pytest
from rich.console import Console

from examples.nyc_flights.loads import loads_of
from examples.nyc_flights.report import table_of
from orchestrator.metadata import load_metadata, partition_metadata
from shared_protocol import LoadReport, LoadStatus, PartitionRows, RowCounts

MONTHS = ("2013-01-01", "2013-02-01")
REPORT = LoadReport(
    protocol_version=1,
    load_key="k",
    attempt_id="a",
    status=LoadStatus.LOADED,
    database="dev",
    schema="nyc_flights",
    table="flights",
    rows=RowCounts(staged=51, deleted=50, copied=51, in_table=52),
    committed_at="2013-03-01T00:00:00+00:00",
    partitions=(PartitionRows(key=MONTHS[0], rows=27), PartitionRows(key=MONTHS[1], rows=24)),
    files=2,
    bytes=1_500_000,
    seconds={"load": 0.5},
)


@pytest.fixture
def events():
    common = load_metadata(REPORT, seconds={"stage": 0.25, "total": 1.0})
    by_key = partition_metadata(REPORT)
    return [
        dg.AssetMaterialization(
            ["nyc_flights", "flights"], partition=key, metadata={**common, **by_key[key]}
        )
        # Dagster gives them in no order that one could count on.
        for key in reversed(MONTHS)
    ]


def test_the_events_of_a_range_are_one_load(events):
    (load,) = loads_of(events)
    assert load.asset == "flights"
    assert load.partitions == MONTHS
    assert load.rows_by_partition == {"2013-01-01": 27, "2013-02-01": 24}
    assert (load.staged, load.deleted, load.copied, load.in_table) == (51, 50, 51, 52)
    assert (load.files, load.bytes) == (2, 1_500_000)
    assert load.seconds["load"] == 0.5
    assert load.seconds["stage"] == 0.25


def test_a_load_is_a_row_of_the_table(events):
    table = table_of([loads_of(events), []])
    assert table.row_count == 1
    headers = [str(column.header) for column in table.columns]
    assert headers[:3] == ["pass", "asset", "partitions"]
    assert headers[-1] == "total"


def test_a_narrow_terminal_gets_the_counts_whole_and_of_the_phases_the_total(events):
    console = Console(width=100, file=io.StringIO())
    console.print(table_of([loads_of(events)], width=console.width))
    printed = console.file.getvalue()
    assert "total" in printed
    assert "prepare" not in printed
    assert "…" not in printed
