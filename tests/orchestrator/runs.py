"""What became of a run of Dagster, for tests to ask."""

from typing import Any

import dagster as dg


class Run:
    """What became of a run."""

    def __init__(self, result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance) -> None:
        self.result = result
        self.success = result.success
        self._instance = instance

    @property
    def materializations(self) -> list[dg.AssetMaterialization]:
        return [
            e.step_materialization_data.materialization
            for e in self.result.all_events
            if e.event_type_value == "ASSET_MATERIALIZATION"
        ]

    def metadata(self, asset: str | None = None) -> dict[str, Any]:
        found = [m for m in self.materializations if asset in (None, m.asset_key.path[-1])]
        return {key: value.value for key, value in found[-1].metadata.items()}

    @property
    def failure(self) -> Any:
        (data,) = [
            e.event_specific_data
            for e in self.result.all_events
            if e.event_type_value == "STEP_FAILURE"
        ]
        return data

    @property
    def description(self) -> str:
        user = self.failure.user_failure_data
        assert user is not None, self.failure.error.to_string()
        return str(user.description)

    @property
    def logs(self) -> list[str]:
        return [
            record.user_message
            for record in self._instance.all_logs(self.result.run_id)
            if not record.dagster_event
        ]


def range_tags(start: str, end: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": start, "dagster/asset_partition_range_end": end}
