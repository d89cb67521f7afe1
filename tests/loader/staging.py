"""Staging paths made by hand, with pyarrow alone, for tests of the loader by itself."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared_protocol import (
    PROTOCOL_VERSION,
    DataColumn,
    DimensionKind,
    FileFormat,
    LoadRequest,
    PartitionSlice,
    ReadRequest,
    S3Location,
    SliceDimension,
    SlicePartition,
    SliceValue,
    SourceFile,
    Table,
    Target,
)
from shared_protocol.staging_path import REQUEST_FILE, dump_request, part_name

ROLE = "arn:aws:iam::123456789012:role/redshift-copy"


def target(environ: dict[str, str]) -> Target:
    return Target(
        host=environ["REDSHIFT_HOST"],
        port=int(environ["REDSHIFT_PORT"]),
        database=environ["REDSHIFT_DATABASE"],
        user=environ["REDSHIFT_USER"],
    )


def location(environ: dict[str, str]) -> S3Location:
    return S3Location(bucket=environ["SANDBOX_BUCKET"], prefix="tests", iam_role=ROLE)


def stage(
    folder: Path,
    environ: dict[str, str],
    table: Table,
    *parts: pa.Table,
    measured: bool = True,
    **changes: Any,
) -> LoadRequest:
    """Write parts and a request under ``folder``, as an orchestrator would."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    inputs = []
    for number, part in enumerate(parts):
        path = folder / part_name(number)
        pq.write_table(part, path, store_schema=False)
        inputs.append(
            SourceFile(uri=part_name(number), bytes=path.stat().st_size, rows=part.num_rows)
        )
    request = LoadRequest(
        protocol_version=PROTOCOL_VERSION,
        load_key=f"run-{secrets.token_hex(8)}",
        created_at=datetime.now(UTC).isoformat(),
        target=target(environ),
        table=table,
        inputs=tuple(inputs),
        columns=data_columns(*parts, measured=measured),
        s3=location(environ),
    )
    request = replace(request, **changes)
    (folder / REQUEST_FILE).write_text(dump_request(request), encoding="utf-8")
    return request


def data_columns(*parts: pa.Table, measured: bool = True) -> tuple[DataColumn, ...]:
    if not parts:
        return ()
    whole = pa.concat_tables(parts)
    return tuple(
        DataColumn(
            name=field.name,
            arrow_type=str(field.type),
            longest_bytes=(
                (pc.max(pc.binary_length(whole[field.name])).as_py() or 0)
                if measured and pa.types.is_string(field.type)
                else None
            ),
            nulls=whole[field.name].null_count,
        )
        for field in whole.schema
    )


def source_file(path: Path, file_format: FileFormat = FileFormat.PARQUET) -> SourceFile:
    return SourceFile(uri=str(path), bytes=path.stat().st_size, format=file_format)


def read_request(environ: dict[str, str], table: Table, **changes: Any) -> ReadRequest:
    return replace(
        ReadRequest(
            protocol_version=PROTOCOL_VERSION,
            read_key=f"read-{secrets.token_hex(8)}",
            created_at=datetime.now(UTC).isoformat(),
            target=target(environ),
            table=table,
            s3=location(environ),
        ),
        **changes,
    )


def keys_slice(expression: str, *keys: str) -> PartitionSlice:
    return PartitionSlice(
        dimensions=(SliceDimension(expression=expression, kind=DimensionKind.KEYS),),
        partitions=tuple(SlicePartition(key=key, values=(SliceValue(key=key),)) for key in keys),
    )


def days_slice(
    expression: str, *days: str, time_zone: str = "UTC", key_format: str | None = None
) -> PartitionSlice:
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(time_zone)
    partitions = []
    for day in days:
        start = datetime.fromisoformat(day).replace(tzinfo=zone)
        end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone)
        value = SliceValue(key=day, start=start.isoformat(), end=end.isoformat())
        partitions.append(SlicePartition(key=day, values=(value,)))
    return PartitionSlice(
        dimensions=(
            SliceDimension(
                expression=expression,
                kind=DimensionKind.TIME,
                time_zone=time_zone,
                key_format=key_format,
            ),
        ),
        partitions=tuple(partitions),
    )
