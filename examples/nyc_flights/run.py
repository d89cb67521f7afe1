"""One run of the whole project by Dagster's ordinary executor, and its progress on the terminal."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from rich.console import Console

from examples.nyc_flights.assets import MONTHS, SCHEMA
from examples.nyc_flights.definitions import nyc_flights_job
from examples.nyc_flights.loads import Load, loads_of

_POLL_SECONDS = 0.2
_FOLLOWED = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
}


class RunFailedError(Exception):
    """A run of Dagster failed; the text says which step and why."""


def materialize(instance: dg.DagsterInstance, console: Console, title: str) -> list[Load]:
    """Materialize every asset once, flights as one run over all months.

    Raises:
        RunFailedError: a step failed.
    """
    months = MONTHS.get_partition_keys()
    started = time.monotonic()
    with _progress(instance, console, title):
        # Reconstructable, because the default executor makes each asset in a process of its own.
        result = dg.execute_job(
            dg.reconstructable(nyc_flights_job),
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": months[0],
                "dagster/asset_partition_range_end": months[-1],
            },
        )
    if not result.success:
        raise RunFailedError(_reason(result))
    loads = loads_of(
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
    )
    console.print(f"  {len(loads)} assets in {time.monotonic() - started:.1f} s")
    return loads


def _reason(result: dg.JobExecutionResult) -> str:
    sentences = []
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        # A dg.Failure describes itself; of any other error the cause at the end of the chain does.
        said = data.user_failure_data.description if data.user_failure_data else None
        error = data.error
        while error and error.cause:
            error = error.cause
        if error and error.cls_name == "DagsterExecutionInterruptedError":
            return "It was interrupted."
        said = said or (error.message if error else "no reason given")
        sentences.append(f"{_asset_of(event.step_key)}: {said.strip()}")
    return "\n".join(sentences) or "It ended before its first step."


def _asset_of(step_key: str | None) -> str:
    return (step_key or "").removeprefix(f"{SCHEMA}__")


@contextmanager
def _progress(instance: dg.DagsterInstance, console: Console, title: str) -> Iterator[None]:
    """Follow the run that the block starts: a line for each asset, and on a TTY what is at work."""
    known = instance.get_runs(limit=1)
    done = threading.Event()

    with console.status(title) as status:

        def follow() -> None:
            follower = _Follower(instance, console, known[0].run_id if known else "")
            while not done.wait(_POLL_SECONDS):
                follower.look()
                status.update(f"{title}: {', '.join(follower.at_work) or 'starting'}")
            follower.look()

        console.print(f"[bold]{title}")
        thread = threading.Thread(target=follow, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class _Follower:
    """Reads a run's event log from where it stopped reading."""

    def __init__(self, instance: dg.DagsterInstance, console: Console, run_before: str) -> None:
        self._instance = instance
        self._console = console
        self._run_before = run_before
        self._run_id = ""
        self._cursor: str | None = None
        self.at_work: list[str] = []

    def look(self) -> None:
        """Print a line for each asset that ended since the last look."""
        if not self._run_id:
            newest = self._instance.get_runs(limit=1)
            if not newest or newest[0].run_id == self._run_before:
                return
            self._run_id = newest[0].run_id
        found = self._instance.get_records_for_run(self._run_id, self._cursor, of_type=_FOLLOWED)
        self._cursor = found.cursor
        for record in found.records:
            if event := record.event_log_entry.dagster_event:
                self._tell(event)

    def _tell(self, event: dg.DagsterEvent) -> None:
        asset = _asset_of(event.step_key)
        if event.event_type is dg.DagsterEventType.STEP_START:
            self.at_work.append(asset)
            return
        if asset in self.at_work:
            self.at_work.remove(asset)
        if event.event_type is dg.DagsterEventType.STEP_FAILURE:
            self._console.print(f"  [red]failed[/] {asset}")
        else:
            seconds = event.step_success_data.duration_ms / 1000
            self._console.print(f"  [green]loaded[/] {asset} [dim]in {seconds:.1f} s")
