"""Each name of Dagster's that is not public, and what no longer works here when it is gone."""

import dagster as dg
import pytest
from dagster._core.storage import tags

from orchestrator import dagster_internals as ours


def need(holder, name, what):
    assert hasattr(holder, name), (
        f"This Dagster has no {holder.__name__}.{name} any more: {what} no longer works. Mend "
        "orchestrator/dagster_internals.py."
    )


@pytest.mark.parametrize(
    ("holder", "name", "what"),
    [
        (dg.OutputContext, "step_context", "a Pipes session for one output"),
        (dg.InputContext, "step_context", "a Pipes session for one input"),
        (dg.OpExecutionContext, "set_requires_typed_event_stream", "Pipes in an IO manager"),
        (dg.OpExecutionContext, "selected_asset_keys", "narrowing a session to one asset"),
        (dg.OpExecutionContext, "has_assets_def", "narrowing a session to one asset"),
        (dg.OpExecutionContext, "has_partition_key", "keeping a range out of the session"),
        (dg.OpExecutionContext, "get_step_execution_context", "naming the step in a request"),
        (dg.TimeWindowPartitionsDefinition, "time_window_for_partition_key", "time windows"),
        (dg.MultiPartitionsDefinition, "get_partition_key_from_str", "keys of two dimensions"),
        (dg.AssetExecutionContext, "add_asset_metadata", "metadata of each partition of a range"),
    ],
)
def test_the_name_is_still_there(holder, name, what):
    need(holder, name, what)


def test_the_tags_of_retried_runs_are_still_spelled_so():
    assert ours.PARENT_RUN_ID_TAG == tags.PARENT_RUN_ID_TAG
    assert ours.RESUME_TAGS == (tags.RESUME_RETRY_TAG, tags.ASSET_RESUME_RETRY_TAG)
    assert ours.RETRY_NUMBER_TAG == tags.RETRY_NUMBER_TAG


class Runs:
    """As much of an instance as is asked."""

    def __init__(self, **tags_by_run):
        self._runs = {
            run: dg.DagsterRun(job_name="j", run_id=run, tags=tags_)
            for run, tags_ in tags_by_run.items()
        }

    def get_run_by_id(self, run_id):
        return self._runs.get(run_id)

    def effective(self, run):
        return ours.effective_run_id(self._runs[run], self)


def test_a_run_that_resumes_or_retries_another_is_the_same_work():
    parent, resume, retry = ours.PARENT_RUN_ID_TAG, ours.RESUME_TAGS[0], ours.RETRY_NUMBER_TAG
    runs = Runs(
        first={},
        resumed={parent: "first", resume: "true"},
        retried={parent: "resumed", retry: "1"},
        again={parent: "first"},
        resumed_again={parent: "again", ours.RESUME_TAGS[1]: "true"},
        orphan={parent: "deleted", retry: "2"},
    )
    assert runs.effective("first") == "first"
    assert runs.effective("retried") == "first"
    # A person who runs everything again wants it done again.
    assert runs.effective("again") == "again"
    assert runs.effective("resumed_again") == "again"
    assert runs.effective("orphan") == "deleted"
