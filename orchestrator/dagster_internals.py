"""Everything of Dagster's that is used here and is not public, in one place.

Seen in Dagster 1.13: Pipes has no public door into an IO manager, a time window of one partition
key is told by no public method, and no public method tells the retries of a run apart. The test
beside this module names each of these and says what broke when one is gone.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import dagster as dg
from dagster import OpExecutionContext
from dagster._core.errors import DagsterInvariantViolationError
from dagster._core.execution.context.system import StepExecutionContext

PARENT_RUN_ID_TAG = "dagster/parent_run_id"
RESUME_TAGS = ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")
RETRY_NUMBER_TAG = "dagster/retry_number"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


class NarrowedContext(OpExecutionContext):
    """A step's context for a Pipes session that serves one output, or one input, of the step.

    The step's own context would tell the loader of every asset of the step, would tell nothing of
    the partitions of a single-run range, and would make the step fail afterwards because its
    results were not yielded from the session.
    """

    def __init__(self, step: StepExecutionContext, output: dg.OutputContext | None) -> None:
        super().__init__(step)
        self._output = output if output is not None and output.has_asset_key else None

    def set_requires_typed_event_stream(self, *, error_message: str | None = None) -> None:
        """Leave the step alone: its results come through the IO manager."""

    @property
    def has_assets_def(self) -> bool:
        """Whether this is the output of an asset (an inner op of a graph asset's is not)."""
        return self._output is not None and super().has_assets_def

    @property
    def selected_asset_keys(self) -> AbstractSet[dg.AssetKey]:
        """The one asset of the output."""
        return set() if self._output is None else {self._output.asset_key}

    @property
    def has_partition_key(self) -> bool:
        """Never: Pipes knows one key or one range, and a step may have any set of keys.

        The request lists them all, and the session's extras repeat them.
        """
        return False


def output_step(context: dg.OutputContext) -> NarrowedContext | None:
    """Give the step that an output is handled in; None outside a run."""
    try:
        return NarrowedContext(context.step_context, context)
    except DagsterInvariantViolationError:
        return None


def input_step(context: dg.InputContext) -> NarrowedContext | None:
    """Give the step that an input is loaded in; None outside a run, as in ``load_asset_value``."""
    try:
        return NarrowedContext(context.step_context, None)
    except DagsterInvariantViolationError:
        return None


def time_window(definition: dg.TimeWindowPartitionsDefinition, key: str) -> dg.TimeWindow:
    """Give the window that a key of a time-window partitioning stands for, with its zone."""
    return definition.time_window_for_partition_key(key)


def keys_by_dimension(definition: dg.MultiPartitionsDefinition, key: str) -> Mapping[str, str]:
    """Split the key of a multi-dimensional partitioning."""
    if isinstance(key, dg.MultiPartitionKey):
        return key.keys_by_dimension
    return definition.get_partition_key_from_str(key).keys_by_dimension


def effective_run_id(run: dg.DagsterRun, instance: dg.DagsterInstance) -> str:
    """Give the run that a run continues: itself, unless it resumes or retries another.

    A re-execution from failure, and a run that the daemon starts because one failed, do the same
    work again; a person's re-execution of everything is new work.
    """
    while _continues(run.tags) and (parent := instance.get_run_by_id(run.tags[PARENT_RUN_ID_TAG])):
        run = parent
    # A parent that was deleted still gives its id to all of its retries alike.
    return run.tags[PARENT_RUN_ID_TAG] if _continues(run.tags) else run.run_id


def _continues(tags: Mapping[str, str]) -> bool:
    resumes = any(tags.get(tag) == "true" for tag in RESUME_TAGS)
    return PARENT_RUN_ID_TAG in tags and (resumes or RETRY_NUMBER_TAG in tags)


def is_part_of(context: dg.OutputContext) -> str | None:
    """Say of what an op's output is only a part: of a partitioned run, or of a mapping; else None.

    ``has_partition_key`` alone is false in a single-run range.
    """
    if context.has_partition_key:
        return f"its run is of the partition {context.partition_key!r}"
    try:
        tags, step_key = context.step_context.run_tags, context.step_context.step.key
    except DagsterInvariantViolationError:  # outside a run
        return None
    if start := tags.get(RANGE_START_TAG):
        return f"its run is of the partitions {start!r} to {tags.get(RANGE_END_TAG)!r}"
    if context.mapping_key is not None:
        return f"it is one of several dynamic outputs ({context.mapping_key!r})"
    if step_key.endswith("]"):
        return f"its step is one of several that were mapped ({step_key!r})"
    return None


def add_partition_metadata(
    context: dg.OutputContext, by_key: Mapping[str, Mapping[str, dg.MetadataValue]]
) -> None:
    """Put metadata on each partition's own materialization.

    ``OutputContext.add_output_metadata`` stamps the same dict on every partition of a range.
    """
    step = context.step_context
    for key, metadata in by_key.items():
        step.add_asset_metadata(metadata, asset_key=context.asset_key, partition_key=key)
