"""The IO manager: an asset's frame into its table, and a table into the frame of an input."""

import atexit
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import dagster as dg
from pydantic import Field, PrivateAttr

from orchestrator.connection import RedshiftConnection
from orchestrator.dagster_internals import NarrowedContext, add_partition_metadata, input_step
from orchestrator.failures import KeptStaging, told_to_dagster
from orchestrator.launchers import Launcher, LoaderCall
from orchestrator.launchers.subprocess import SubprocessLauncher
from orchestrator.metadata import load_metadata, partition_metadata, read_summary, summary
from orchestrator.orders import LoadOrder, load_order, read_request
from orchestrator.outcome import run_loader
from orchestrator.parquet_parts import ROWS_PER_PART
from orchestrator.partitions import input_label
from orchestrator.reading import reader_for, scan
from orchestrator.s3_staging import S3Staging
from orchestrator.staging import StagingPath, new_staging_path, removed_on_error
from shared_protocol import (
    FailureError,
    LoadReport,
    LoadStatus,
    Outcome,
    ParquetOptions,
    ReadReport,
)


class RedshiftIOManager(dg.ConfigurableIOManager):
    """Stores what assets return as tables of Redshift, and loads them as frames.

    A frame becomes Parquet on a staging path; a loader process takes it from there through S3 into
    the table, replacing exactly the rows of the run's partitions in one transaction.
    """

    connection: RedshiftConnection = Field(description="The database.")
    staging: S3Staging = Field(description="Where Parquet lies on S3 for COPY and UNLOAD.")
    launcher: Launcher | None = Field(
        default=None, description="How a loader is run; None runs it as a child process."
    )
    schema_: str | None = Field(
        default=None,
        alias="schema",
        description="Schema of the tables; None takes it from each asset's key prefix.",
    )
    staging_dir: str | None = Field(
        default=None,
        description="Local folder for staging paths; None is one in the temporary folder.",
    )
    keep_staging: Literal["on_failure", "always", "never"] = Field(
        default="on_failure",
        description="When a load's staging path is kept, so that the load can be repeated.",
    )
    part_bytes: int = Field(
        default=ParquetOptions().part_bytes,
        ge=1,
        description="Size at which a part is closed, of data that the loader encodes anew.",
    )
    rows_per_part: int = Field(
        default=ROWS_PER_PART, ge=1, description="Rows in one Parquet part of a staged frame."
    )

    _reads: list[StagingPath] = PrivateAttr(default_factory=list)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401  # Dagster's
        """Load what an asset returned into its table.

        Args:
            context: of the output.
            obj: a frame, data URIs, or None, which loads nothing.

        Raises:
            Failure: the load did not happen; the description says why and what to do.
        """
        if obj is None:
            context.log.info("The asset returned None: nothing was loaded, the table is untouched.")
            return
        began = time.monotonic()
        kept = KeptStaging()
        with told_to_dagster(kept):
            parquet = ParquetOptions(part_bytes=self.part_bytes)
            order = load_order(context, self.connection, self.staging, self.schema_, parquet)
            staging = new_staging_path(
                self.staging_dir, kind="load", label=order.options.table.label, key=order.key
            )
            with removed_on_error(staging):
                parts = staging.fill(obj, region=order.s3.region, rows_per_part=self.rows_per_part)
                staging.write_request(order.request(parts))
            staged = time.monotonic()
            kept.staging = staging
            report = self._load(context, order, staging, kept)
        ended = time.monotonic()
        seconds = {"stage": staged - began, "launch": ended - staged, "total": ended - began}
        self._record(context, report, seconds, kept)

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401  # the annotation says
        """Read a table, or the input's partitions of it, as the frame that the input asks for.

        Raises:
            Failure: the read did not happen; the description says why and what to do.
        """
        with told_to_dagster():
            annotation = context.dagster_type.typing_type
            make, needs_files = reader_for(annotation, input_name=input_label(context))
            request = read_request(context, self.connection, self.staging, self.schema_)
            staging = new_staging_path(
                self.staging_dir, kind="read", label=request.table.label, key=request.read_key
            )
            with removed_on_error(staging):
                staging.write_request(request)
                report = self._read(context, staging)
                frame = make(scan(report, staging.path))
        if needs_files:
            self._keep_for_the_step(staging, in_run=input_step(context) is not None)
        else:
            staging.remove()
        return frame

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Remove the files behind lazy frames: no step that could use them is left."""
        del context
        while self._reads:
            _forget(self._reads.pop())

    def _load(
        self, context: dg.OutputContext, order: LoadOrder, staging: StagingPath, kept: KeptStaging
    ) -> LoadReport:
        try:
            outcome = self._run("load", staging, order.step, context.log, order.extras)
        except BaseException as error:
            if self.keep_staging == "never":
                staging.remove()
                kept.staging = None
            elif not isinstance(error, FailureError):  # an interrupt has no text of ours
                context.log.warning(f"Stopped. The load can be repeated by: {kept.command}")  # noqa: G004
            raise
        if self.keep_staging != "always":
            # A repeat of what an earlier try left would only find this load in the ledger.
            for done in (staging, *staging.of_earlier_tries()):
                done.remove()
            kept.staging = None
        if outcome.loaded is None:
            raise AssertionError("run_loader gives a load's report for a load")
        return outcome.loaded

    def _record(
        self,
        context: dg.OutputContext,
        report: LoadReport,
        seconds: Mapping[str, float],
        kept: KeptStaging,
    ) -> None:
        """Tell the load, as metadata and as one line of the log."""
        level = "warning" if report.status is LoadStatus.ALREADY_LOADED else "info"
        context.log.log(level, summary(report))
        metadata = load_metadata(
            report,
            seconds=seconds,
            staging_path=str(kept.staging.path) if kept.staging else None,
            host=f"{self.connection.host}:{self.connection.port}",
        )
        by_key = partition_metadata(report)
        if len(by_key) == 1:
            metadata |= next(iter(by_key.values()))
        elif by_key and context.has_asset_key:
            try:
                add_partition_metadata(context, by_key)
            except dg.DagsterInvariantViolationError as error:
                # The load is committed: what Dagster will not note down must not fail the step.
                context.log.warning(f"The rows of each partition are not recorded: {error}")  # noqa: G004
        context.add_output_metadata(metadata)

    def _read(self, context: dg.InputContext, staging: StagingPath) -> ReadReport:
        outcome = self._run("read", staging, input_step(context), context.log, {})
        if outcome.read is None:
            raise AssertionError("run_loader gives a read's report for a read")
        context.log.info(read_summary(outcome.read))
        return outcome.read

    def _run(
        self,
        verb: Literal["load", "read"],
        staging: StagingPath,
        step: NarrowedContext | None,
        log: dg.DagsterLogManager,
        extras: Mapping[str, Any],
    ) -> Outcome:
        call = LoaderCall(
            verb=verb,
            staging_path=str(staging.path),
            environment=self.connection.environment(os.environ),
            step=step,
            log=log,
            extras={"staging_path": str(staging.path), **extras},
        )
        return run_loader(self.launcher or SubprocessLauncher(), call, staging)

    def _keep_for_the_step(self, staging: StagingPath, *, in_run: bool) -> None:
        """Keep the files behind a lazy frame until this resource is torn down.

        Outside a run, as in ``load_asset_value``, that is before the caller has the frame: then
        they stay until the process ends.
        """
        _lazy_reads.append(staging)
        if in_run:
            self._reads.append(staging)


_lazy_reads: list[StagingPath] = []
"""Read paths that lazy frames of this process still look into."""


def _forget(staging: StagingPath) -> None:
    staging.remove()
    with suppress(ValueError):
        _lazy_reads.remove(staging)


@atexit.register
def _remove_reads() -> None:
    while _lazy_reads:
        _forget(_lazy_reads[-1])
