"""Which rows of a table the partitions of one run own: Dagster's keys as a :class:`PartitionSlice`.

Nothing is guessed here: an output that is partitioned and has no keys, or no ``partition_expr``, is
refused, because what would be replaced instead is the whole table.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from orchestrator.dagster_internals import is_part_of, keys_by_dimension, time_window
from shared_protocol import (
    DimensionKind,
    ErrorCode,
    FailureError,
    PartitionSlice,
    Phase,
    SliceDimension,
    SlicePartition,
    SliceValue,
    refuse,
)

PartitionExpr = str | Mapping[str, str]

_PLAIN = ""
"""The name of the only dimension of a partitioning that has one."""

_MEANING = (
    "Name the column, or the SQL expression, whose value says to which partition a row belongs"
)


def output_slice(
    context: dg.OutputContext, expr: PartitionExpr | None, key_format: str | None
) -> PartitionSlice | None:
    """Tell the rows that an output replaces; None is the whole table.

    Raises:
        FailureError: ``no_partition_keys`` or ``partition_expr``.
    """
    if not context.has_asset_key:
        _refuse_partitioned_op(context)
        return None
    if not context.has_asset_partitions:
        return None
    keys = list(context.asset_partition_keys)
    if not keys:
        raise refuse(
            ErrorCode.NO_PARTITION_KEYS,
            Phase.STAGE,
            f"{_label(context)} is partitioned, and this run has none of its partition keys, so "
            "that no row of the table is its own to replace.",
            "Check the run's partition range: its start may lie behind its end.",
        )
    return partition_slice(
        context.asset_partitions_def, keys, expr, key_format, label=_label(context)
    )


def input_slice(
    context: dg.InputContext, expr: PartitionExpr | None, key_format: str | None
) -> PartitionSlice | None:
    """Tell the rows that an input reads; None is the whole table.

    Raises:
        FailureError: ``no_partition_keys`` or ``partition_expr``.
    """
    if not context.has_asset_key or not context.has_asset_partitions:
        return None
    keys = list(context.asset_partition_keys)
    if not keys:
        raise refuse(
            ErrorCode.NO_PARTITION_KEYS,
            Phase.REQUEST,
            f"The input {input_label(context)!r} maps to no partition of its asset "
            f"{context.asset_key.to_user_string()!r}.",
            "Check its partition mapping, or whether that partition exists.",
        )
    return partition_slice(
        context.asset_partitions_def, keys, expr, key_format, label=_label(context)
    )


def partition_slice(
    definition: dg.PartitionsDefinition,
    keys: Sequence[str],
    expr: PartitionExpr | None,
    key_format: str | None = None,
    *,
    label: str,
) -> PartitionSlice:
    """Turn keys of a partitioning into a slice, in an order of its own.

    Args:
        definition: the asset's partitioning.
        keys: at least one; Dagster gives them in no certain order.
        expr: the ``partition_expr`` of the asset's metadata.
        key_format: the ``partition_key_format`` of the asset's metadata.
        label: who asks, for the sentences.

    Raises:
        FailureError: ``partition_expr`` says what is missing or too much.
    """
    parts = _dimensions_of(definition)
    expressions = _expressions(expr, list(parts), label)
    dimensions = tuple(
        _dimension(name, part, expressions[name], key_format) for name, part in parts.items()
    )
    if key_format is not None and not any(d.kind is DimensionKind.TIME for d in dimensions):
        raise _expr_refusal(
            f"{label} has a partition_key_format, and none of its partitions is a time window.",
            "Leave partition_key_format out.",
        )
    partitions = (
        SlicePartition(key=str(key), values=_values(definition, parts, key))
        for key in sorted(set(keys), key=str)
    )
    return PartitionSlice(dimensions=dimensions, partitions=tuple(partitions))


def _dimensions_of(definition: dg.PartitionsDefinition) -> dict[str, dg.PartitionsDefinition]:
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return {part.name: part.partitions_def for part in definition.partitions_defs}
    return {_PLAIN: definition}


def _expressions(expr: PartitionExpr | None, names: Sequence[str], label: str) -> Mapping[str, str]:
    several = list(names) != [_PLAIN]
    if not expr:
        raise _expr_refusal(
            f"{label} is partitioned, and its metadata has no partition_expr.",
            f"{_MEANING}, as in redshift_table(partition_expr="
            + (_example(names) if several else "'day'")
            + ").",
        )
    if isinstance(expr, str):
        if several:
            raise _expr_refusal(
                f"{label} is partitioned by {_listed(names)}, and its partition_expr is the one "
                f"expression {expr!r}.",
                f"Give one for each dimension: partition_expr={_example(names)}.",
            )
        return {_PLAIN: expr}
    if not several:
        raise _expr_refusal(
            f"{label} is partitioned by one dimension, and its partition_expr is a dict by "
            "dimension.",
            "Give the expression alone, as a string.",
        )
    return _by_dimension(expr, names, label)


def _by_dimension(expr: Mapping[str, str], names: Sequence[str], label: str) -> Mapping[str, str]:
    missing = [name for name in names if not expr.get(name)]
    if missing:
        raise _expr_refusal(
            f"The partition_expr of {label} lacks the dimension {_listed(missing)}.",
            f"{_MEANING}, for every dimension: partition_expr={_example(names)}.",
        )
    unknown = [name for name in expr if name not in names]
    if unknown:
        raise _expr_refusal(
            f"The partition_expr of {label} names {_listed(unknown)}, which is no dimension of "
            f"its partitions: those are {_listed(names)}.",
            "Take it out, or correct its name.",
        )
    return expr


def _dimension(
    name: str, part: dg.PartitionsDefinition, expression: str, key_format: str | None
) -> SliceDimension:
    if isinstance(part, dg.TimeWindowPartitionsDefinition):
        return SliceDimension(
            expression=expression,
            kind=DimensionKind.TIME,
            name=name,
            time_zone=part.timezone,
            key_format=key_format,
        )
    return SliceDimension(expression=expression, kind=DimensionKind.KEYS, name=name)


def _values(
    definition: dg.PartitionsDefinition, parts: Mapping[str, dg.PartitionsDefinition], key: str
) -> tuple[SliceValue, ...]:
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        return (_value(definition, key),)
    split = keys_by_dimension(definition, key)
    return tuple(_value(part, split[name]) for name, part in parts.items())


def _value(part: dg.PartitionsDefinition, key: str) -> SliceValue:
    if not isinstance(part, dg.TimeWindowPartitionsDefinition):
        return SliceValue(key=str(key))
    window = time_window(part, str(key))
    return SliceValue(key=str(key), start=window.start.isoformat(), end=window.end.isoformat())


def _refuse_partitioned_op(context: dg.OutputContext) -> None:
    """Let the output of an op pass that replaces its whole table by right: once, by one step."""
    what = is_part_of(context)
    if what is not None:
        raise refuse(
            ErrorCode.NO_PARTITION_KEYS,
            Phase.STAGE,
            f"{_label(context)} is no asset, and {what}: replacing its whole table would drop the "
            "rows of every other one.",
            "Make it an asset, or give this output another IO manager.",
        )


def _expr_refusal(message: str, hint: str) -> FailureError:
    return refuse(ErrorCode.PARTITION_EXPR, Phase.STAGE, message, hint)


def _label(context: dg.OutputContext | dg.InputContext) -> str:
    if context.has_asset_key:
        return f"The asset {context.asset_key.to_user_string()!r}"
    if isinstance(context, dg.OutputContext):
        return f"The output {context.name!r}"
    return f"The input {input_label(context)!r}"


def input_label(context: dg.InputContext) -> str:
    """Name an input; outside a run, as in ``load_asset_value``, it is its asset."""
    if context.has_input_name or not context.has_asset_key:
        return context.name
    return context.asset_key.to_user_string()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)


def _example(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"{name!r}: '...'" for name in names) + "}"
