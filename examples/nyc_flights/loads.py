"""What each load reported, taken from the materialization events of a run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import dagster as dg


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load of one asset, as its materialization's metadata tells it.

    Attributes:
        asset: the last part of its key, which is also the table's name.
        partitions: the keys whose rows were replaced, in order; empty for a whole table.
        rows_by_partition: the rows of each partition after the load.
        staged: rows in the Parquet files.
        deleted: rows that were replaced.
        copied: rows that COPY put in.
        in_table: rows in the whole table afterwards.
        files: files that COPY read.
        bytes: their size.
        seconds: wall time by phase.
    """

    asset: str
    partitions: tuple[str, ...]
    staged: int
    deleted: int
    copied: int
    in_table: int
    files: int
    bytes: int
    seconds: Mapping[str, float]
    rows_by_partition: Mapping[str, int] = field(default_factory=dict)


def loads_of(materializations: Iterable[dg.AssetMaterialization]) -> list[Load]:
    """Sum up a run's materializations: one load for each asset, in the order of the events.

    A single run over a range of partitions makes one event for each, all with the metadata of the
    one load that they came from.
    """
    by_asset: dict[str, list[dg.AssetMaterialization]] = {}
    for event in materializations:
        by_asset.setdefault(event.asset_key.path[-1], []).append(event)
    return [_load(asset, events) for asset, events in by_asset.items()]


def _load(asset: str, events: list[dg.AssetMaterialization]) -> Load:
    facts = {key: entry.value for key, entry in events[0].metadata.items()}
    return Load(
        asset=asset,
        partitions=tuple(sorted(event.partition for event in events if event.partition)),
        rows_by_partition={
            event.partition: _whole(event.metadata["dagster/partition_row_count"].value)
            for event in events
            if event.partition
        },
        staged=_whole(facts["rows_staged"]),
        deleted=_whole(facts["rows_deleted"]),
        copied=_whole(facts["rows_copied"]),
        in_table=_whole(facts["dagster/row_count"]),
        files=_whole(facts["files"]),
        bytes=_whole(facts["dagster/size_bytes"]),
        seconds={
            key.removeprefix("seconds_"): float(str(value))
            for key, value in facts.items()
            if key.startswith("seconds_")
        },
    )


def _whole(value: object) -> int:
    return int(str(value))
