"""Which table an asset lands in and how: ``redshift_table(...)``, metadata and defaults.

Schema and table follow Dagster's database IO managers: metadata ``schema``, then the resource's
``schema``, then the last part of the key's prefix, then ``public``; the table is the key's last
part.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from orchestrator.partitions import PartitionExpr, input_label
from shared_protocol import (
    DistStyle,
    ErrorCode,
    FailureError,
    Phase,
    SchemaChange,
    Table,
    WriteMode,
    refuse,
)
from shared_protocol.names import check_name

_KEYS: dict[str, str] = {
    "schema": "a string",
    "table": "a string",
    "partition_expr": "a string, or a dict of strings by dimension",
    "partition_key_format": "a string",
    "primary_key": "a column's name, or a list of them",
    "dist_style": "one of 'auto', 'even', 'key', 'all'",
    "dist_key": "a string",
    "sort_key": "a column's name, or a list of them",
    "column_types": "a dict of Redshift types by column",
    "schema_change": "one of 'evolve', 'freeze', 'rebuild'",
    "write_mode": "one of 'replace', 'append', 'upsert'",
}
"""Our metadata keys, and what each takes."""

_LATER = {
    ("write_mode", "append"): "Leave write_mode out: 'replace' is the one mode of this version.",
    ("write_mode", "upsert"): "Leave write_mode out: 'replace' is the one mode of this version.",
    ("schema_change", "rebuild"): "Take 'evolve' or 'freeze'.",
}
"""What has a name already, and is refused until a load of it is exactly-once."""

_NEAR = 0.8
"""How alike a metadata key must be to one of ours to be taken for a slip (difflib's ratio)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What metadata says of an output's table, read and checked."""

    table: Table
    write_mode: WriteMode = WriteMode.REPLACE
    partition_expr: PartitionExpr | None = None
    partition_key_format: str | None = None


def redshift_table(
    *,
    schema: str | None = None,
    table: str | None = None,
    partition_expr: PartitionExpr | None = None,
    partition_key_format: str | None = None,
    primary_key: str | Sequence[str] | None = None,
    dist_style: str | None = None,
    dist_key: str | None = None,
    sort_key: str | Sequence[str] | None = None,
    column_types: Mapping[str, str] | None = None,
    schema_change: str | None = None,
    write_mode: str | None = None,
) -> dict[str, Any]:
    """Write an asset's table options as Dagster metadata, checked at once.

    Args:
        schema: the table's schema.
        table: its name; by default the last part of the asset's key.
        partition_expr: the column or SQL expression that tells a row's partition; a dict by
            dimension for a multi-dimensional partitioning.
        partition_key_format: for an integer column of a time partitioning, the ``strftime`` form
            in which it holds the window's start, such as ``"%Y%m%d"``.
        primary_key: the columns that name a row.
        dist_style: ``"auto"``, ``"even"``, ``"key"`` or ``"all"``.
        dist_key: the column to distribute by.
        sort_key: the columns to sort by.
        column_types: Redshift types by column, which win over the chosen ones.
        schema_change: ``"evolve"`` (default) adds columns and widens VARCHAR; ``"freeze"`` refuses
            data that does not fit.
        write_mode: ``"replace"`` (default): the table, or exactly the run's partitions.

    Returns:
        Metadata for ``@dg.asset(metadata=...)``, ``dg.AssetOut`` or an output.

    Raises:
        DagsterInvalidDefinitionError: a value is not of the option's form.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    metadata = {name: _plain(value) for name, value in given.items()}
    try:
        read_options(metadata, schema=schema or "public", name=table or "table")
    except FailureError as error:
        raise dg.DagsterInvalidDefinitionError(str(error)) from error
    return metadata


def output_options(context: dg.OutputContext, default_schema: str | None) -> TableOptions:
    """Read what an output's metadata says of its table; the output's own wins over the asset's.

    Raises:
        FailureError: ``usage``, ``not_supported`` or ``bad_name``.
    """
    refuse_slips(context.definition_metadata)
    metadata = {
        **_ours(context.definition_metadata),
        **_ours(context.output_metadata),
    }
    return _placed(context, metadata, default_schema)


def input_options(context: dg.InputContext, default_schema: str | None) -> TableOptions:
    """Read where the upstream of an input lies.

    What an upstream *output* said of its table in a run is not known here, only its definition.

    Raises:
        FailureError: as ``output_options``.
    """
    upstream = context.upstream_output
    if upstream is None:
        raise refuse(
            ErrorCode.USAGE,
            Phase.REQUEST,
            f"The input {input_label(context)!r} has no upstream whose table could be read.",
            "Let it come from an asset or from the output of an op.",
        )
    place = context if context.has_asset_key else upstream
    return _placed(place, _ours(upstream.definition_metadata), default_schema)


def _placed(
    context: dg.OutputContext | dg.InputContext,
    metadata: Mapping[str, Any],
    default_schema: str | None,
) -> TableOptions:
    if context.has_asset_key:
        *prefix, name = context.asset_key.path
        schema = default_schema or (prefix[-1] if prefix else "public")
        return read_options(metadata, schema=schema, name=name)
    if "table" not in metadata and context.name == "result":
        raise refuse(
            ErrorCode.USAGE,
            Phase.STAGE,
            f"The output {context.name!r} of an op is no asset and names no table.",
            "Give it one: dg.Out(metadata=redshift_table(table='...')), or name the output.",
        )
    return read_options(metadata, schema=default_schema or "public", name=context.name)


def read_options(metadata: Mapping[str, Any], *, schema: str, name: str) -> TableOptions:
    """Read options from metadata whose keys are ours.

    Args:
        metadata: plain values.
        schema: where metadata names none.
        name: where metadata names none.

    Raises:
        FailureError: ``usage``, ``not_supported`` or ``bad_name``.
    """
    for key, value in metadata.items():
        _check_form(key, value)
    try:
        table = Table(
            schema=check_name(metadata.get("schema", schema), what="schema", phase=Phase.STAGE),
            name=check_name(metadata.get("table", name), what="table", phase=Phase.STAGE),
            primary_key=_names(metadata.get("primary_key", ())),
            dist_style=_optional(DistStyle, metadata.get("dist_style")),
            dist_key=metadata.get("dist_key"),
            sort_key=_names(metadata.get("sort_key", ())),
            column_types=dict(metadata.get("column_types", {})),
            schema_change=SchemaChange(metadata.get("schema_change", SchemaChange.EVOLVE)),
        )
    except ValueError as error:
        raise refuse(
            ErrorCode.USAGE, Phase.STAGE, f"The table's metadata is refused: {error}."
        ) from error
    return TableOptions(
        table=table,
        write_mode=WriteMode(metadata.get("write_mode", WriteMode.REPLACE)),
        partition_expr=metadata.get("partition_expr"),
        partition_key_format=metadata.get("partition_key_format"),
    )


def refuse_slips(metadata: Mapping[str, Any]) -> None:
    """Refuse metadata whose key is nearly one of ours: it would be passed over in silence.

    Raises:
        FailureError: ``usage`` names the right key.
    """
    for key in metadata:
        if key in _KEYS or "/" in key:
            continue
        near = difflib.get_close_matches(key.lower(), _KEYS, n=1, cutoff=_NEAR)
        if near:
            raise refuse(
                ErrorCode.USAGE,
                Phase.STAGE,
                f"The metadata key {key!r} is none that the Redshift IO manager knows, and is "
                f"nearly {near[0]!r}.",
                f"Write {near[0]!r}, or rename a key of your own.",
            )


def _ours(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, dg.MetadataValue) else value
        for key, value in metadata.items()
        if key in _KEYS
    }


_FORMS: dict[str, tuple[str, ...]] = {
    "partition_expr": ("text", "texts by name"),
    "primary_key": ("text", "texts"),
    "sort_key": ("text", "texts"),
    "column_types": ("texts by name",),
}
"""What a value may be, where it is not a plain text."""


def _check_form(key: str, value: object) -> None:
    if _form(value) not in _FORMS.get(key, ("text",)):
        raise _bad_value(key, value)
    choices = {"dist_style": DistStyle, "schema_change": SchemaChange, "write_mode": WriteMode}
    if key in choices and value not in [member.value for member in choices[key]]:
        raise _bad_value(key, value)
    if isinstance(value, str) and (key, value) in _LATER:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.STAGE,
            f"{key}={str(value)!r} is not in this version until it is exactly-once.",
            _LATER[key, value],
        )


def _form(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        items = [*value, *value.values()]
        return "texts by name" if all(isinstance(item, str) for item in items) else "?"
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return "texts"
    return "?"


def _bad_value(key: str, value: object) -> FailureError:
    return refuse(
        ErrorCode.USAGE,
        Phase.STAGE,
        f"The metadata {key!r} is {value!r}, and is to be {_KEYS[key]}.",
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  # any of the options
    """Give a value the form in which Dagster stores metadata: lists and dicts."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return str(value) if isinstance(value, str) else value


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _optional(kind: type[DistStyle], value: str | None) -> DistStyle | None:
    return None if value is None else kind(value)
