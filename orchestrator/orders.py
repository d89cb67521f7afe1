"""What a load or a read was asked to do, settled from Dagster's context before a byte is moved."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg

from orchestrator.connection import RedshiftConnection
from orchestrator.dagster_internals import (
    NarrowedContext,
    effective_run_id,
    input_step,
    output_step,
)
from orchestrator.load_key import load_key
from orchestrator.parquet_parts import Parts
from orchestrator.partitions import input_label, input_slice, output_slice
from orchestrator.reading import selected_columns
from orchestrator.s3_staging import S3Staging
from orchestrator.table import TableOptions, input_options, output_options
from shared_protocol import (
    PROTOCOL_VERSION,
    LoadRequest,
    ParquetOptions,
    PartitionSlice,
    ReadRequest,
    RunInfo,
    S3Location,
    SessionOptions,
    Target,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """A load whose data is not staged yet.

    Attributes:
        key: the load key.
        options: which table, and how.
        rows: the slice that is replaced; None is the whole table.
        step: the step that it belongs to; None outside a run.
    """

    key: str
    options: TableOptions
    rows: PartitionSlice | None
    target: Target
    s3: S3Location
    session: SessionOptions
    parquet: ParquetOptions
    asset_key: tuple[str, ...]
    step: NarrowedContext | None

    def request(self, parts: Parts) -> LoadRequest:
        """Give the request of this load for staged data."""
        return LoadRequest(
            protocol_version=PROTOCOL_VERSION,
            load_key=self.key,
            created_at=_now(),
            asset_key=self.asset_key,
            target=self.target,
            table=self.options.table,
            write_mode=self.options.write_mode,
            slice=self.rows,
            inputs=parts.files,
            columns=parts.columns,
            s3=self.s3,
            session=self.session,
            parquet=self.parquet,
            run=_run_info(self.step),
        )

    @property
    def extras(self) -> dict[str, str | list[str]]:
        """Give the few facts that the Pipes context repeats."""
        found: dict[str, str | list[str]] = {"load_key": self.key}
        if self.asset_key:
            found["asset_key"] = "/".join(self.asset_key)
        if self.rows is not None:
            found["partition_keys"] = [part.key for part in self.rows.partitions]
        return found


def load_order(
    context: dg.OutputContext,
    connection: RedshiftConnection,
    staging: S3Staging,
    schema: str | None,
    parquet: ParquetOptions,
) -> LoadOrder:
    """Settle a load.

    Raises:
        FailureError: the metadata, the partitions or the settings are refused.
    """
    options = output_options(context, schema)
    rows = output_slice(context, options.partition_expr, options.partition_key_format)
    step = output_step(context)
    key = load_key(
        run_id=effective_run_id(step.run, step.instance) if step else uuid4().hex,
        step_key=context.step_key if step else "",
        output_name=context.name,
        mapping_key=context.mapping_key,
        partition_keys=[part.key for part in rows.partitions] if rows else [],
    )
    return LoadOrder(
        key=key,
        options=options,
        rows=rows,
        target=connection.target(),
        s3=staging.location(),
        session=connection.session(),
        parquet=parquet,
        asset_key=_asset_key(context),
        step=step,
    )


def read_request(
    context: dg.InputContext,
    connection: RedshiftConnection,
    staging: S3Staging,
    schema: str | None,
) -> ReadRequest:
    """Settle a read.

    Raises:
        FailureError: the metadata, the partitions or the settings are refused.
    """
    options = input_options(context, schema)
    columns = context.definition_metadata.get("columns")
    return ReadRequest(
        protocol_version=PROTOCOL_VERSION,
        read_key=f"read-{uuid4().hex[:20]}",
        created_at=_now(),
        asset_key=_asset_key(context),
        target=connection.target(),
        table=options.table,
        columns=selected_columns(columns, input_name=input_label(context)),
        slice=input_slice(context, options.partition_expr, options.partition_key_format),
        s3=staging.location(),
        session=connection.session(),
        run=_run_info(input_step(context)),
    )


def _asset_key(context: dg.OutputContext | dg.InputContext) -> tuple[str, ...]:
    return tuple(context.asset_key.path) if context.has_asset_key else ()


def _run_info(step: NarrowedContext | None) -> RunInfo:
    if step is None:
        return RunInfo()
    return RunInfo(
        run_id=step.run_id,
        step_key=step.get_step_execution_context().step.key,
        retry_number=step.retry_number,
    )


def _now() -> str:
    return datetime.now(tz=UTC).isoformat(timespec="microseconds")
