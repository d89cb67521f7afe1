"""``redshift_asset``: an asset whose rows something else has written to files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestrator.partitions import PartitionExpr
from orchestrator.table import redshift_table


def redshift_asset(
    *,
    key: dg.AssetKey | str | Sequence[str] | None = None,
    key_prefix: str | Sequence[str] | None = None,
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
    partitions_def: dg.PartitionsDefinition[Any] | None = None,
    deps: Iterable[Any] | None = None,
    ins: Mapping[str, dg.AssetIn] | None = None,
    io_manager_key: str | None = None,
    kinds: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401  # Dagster's own
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Make an asset of a function that returns data URIs: str, Path, or a list of them.

    The files are Parquet or Arrow, local or on S3, and are never deleted; no frame passes through
    Dagster. A URI that ends in a slash is a folder. The output goes through the same IO manager as
    a frame, which is why a ``MaterializeResult(value=...)`` is fine too.

    Args:
        key: the asset's key; by default the function's name.
        key_prefix: of the key, where ``key`` is not given.
        schema: as in :func:`redshift_table`, and so are all up to ``write_mode``.
        table: see there.
        partition_expr: see there; needed where ``partitions_def`` is given.
        partition_key_format: see there.
        primary_key: see there.
        dist_style: see there.
        dist_key: see there.
        sort_key: see there.
        column_types: see there.
        schema_change: see there.
        write_mode: see there.
        partitions_def: the asset's partitions.
        deps: the assets that it stands on.
        ins: the assets that it reads.
        io_manager_key: of the Redshift IO manager; by default ``"io_manager"``.
        kinds: besides ``"redshift"``.
        metadata: of your own.
        options: every other option of ``dg.asset``: ``group_name``, ``tags``, ``owners``,
            ``description``, ``check_specs``, ``retry_policy``, ``automation_condition``,
            ``backfill_policy``, ``code_version``, ``pool``, ...

    Raises:
        DagsterInvalidDefinitionError: an option is not of its form, or a partitioned asset has no
            ``partition_expr``.
    """
    table_metadata = redshift_table(
        schema=schema,
        table=table,
        partition_expr=partition_expr,
        partition_key_format=partition_key_format,
        primary_key=primary_key,
        dist_style=dist_style,
        dist_key=dist_key,
        sort_key=sort_key,
        column_types=column_types,
        schema_change=schema_change,
        write_mode=write_mode,
    )
    _check_partitioning(partitions_def, partition_expr)
    named = {
        "key": key,
        "key_prefix": key_prefix,
        "io_manager_key": io_manager_key,
        "partitions_def": partitions_def,
        "deps": deps,
        "ins": ins,
    }
    options |= {name: value for name, value in named.items() if value is not None}

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        made = dg.asset(
            metadata={**(metadata or {}), **table_metadata},
            kinds={"redshift", *kinds},
            **options,
        )(function)
        if not isinstance(made, dg.AssetsDefinition):
            raise dg.DagsterInvalidDefinitionError("dg.asset made no asset of the function")
        return made

    return decorate


def _check_partitioning(
    definition: dg.PartitionsDefinition[Any] | None, expr: PartitionExpr | None
) -> None:
    """Refuse now what every run of the asset would refuse."""
    if definition is None:
        if expr is not None:
            raise dg.DagsterInvalidDefinitionError(
                "redshift_asset has a partition_expr and no partitions_def: leave the one out, or "
                "add the other."
            )
        return
    if expr is None:
        raise dg.DagsterInvalidDefinitionError(
            "redshift_asset has a partitions_def and no partition_expr: name the column, or the "
            "SQL expression, whose value says to which partition a row belongs."
        )
    if isinstance(definition, dg.MultiPartitionsDefinition):
        names = {part.name for part in definition.partitions_defs}
        if not isinstance(expr, Mapping) or set(expr) != names:
            raise dg.DagsterInvalidDefinitionError(
                f"The partition_expr of a redshift_asset is {expr!r}, and is to be a dict with the "
                f"dimensions {sorted(names)}."
            )
    elif not isinstance(expr, str):
        raise dg.DagsterInvalidDefinitionError(
            f"The partition_expr of a redshift_asset is {expr!r}, and is to be one expression: the "
            "partitions have one dimension."
        )
