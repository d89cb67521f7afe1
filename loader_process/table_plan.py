"""What the table is, what it must become, and how each column is staged for it. Pure.

An existing table wins: columns are found by name, and data is cast to the column's type where that
loses nothing. COPY maps a file's columns by position onto its column list, so that the list is the
data's order and the table's own order does not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from loader_process.casts import goes_into
from shared_protocol import (
    DataColumn,
    DistStyle,
    ErrorCode,
    Phase,
    RedshiftType,
    SchemaChange,
    Table,
    TableColumn,
    refuse,
)
from shared_protocol.names import check_columns, check_name, fold
from shared_protocol.redshift_type import MAX_VARCHAR_BYTES
from shared_protocol.type_table import (
    redshift_type_for,
    staged_type_for,
    varchar_length,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """A column that is to be made: its name and type."""

    name: str
    type: RedshiftType


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedColumn:
    """One column of the data on its way into the table.

    Attributes:
        data_name: its name in the files.
        name: its name in the table.
        staged: the Arrow type whose Parquet form COPY takes into it.
        type: its type in the table, once the plan is carried out.
    """

    data_name: str
    name: str
    staged: str
    type: RedshiftType


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """What is to be done to the table, and what goes into it.

    Attributes:
        create: the columns of a table that is not there; empty where it is.
        add: the columns that an existing table lacks.
        widen: the VARCHAR columns that are too short, with their new type.
        columns: the data's columns, in their order.
        dist_style: of a new table; None leaves it to Redshift.
        dist_key: of a new table, folded; None where it has none.
        sort_key: of a new table, folded.
    """

    columns: tuple[StagedColumn, ...]
    create: tuple[NewColumn, ...] = ()
    add: tuple[NewColumn, ...] = ()
    widen: tuple[NewColumn, ...] = ()
    dist_style: DistStyle | None = None
    dist_key: str | None = None
    sort_key: tuple[str, ...] = ()

    @property
    def staged_forms(self) -> tuple[tuple[str, str], ...]:
        """Each column's name in the data and the Arrow type it is staged as, in order."""
        return tuple((column.data_name, column.staged) for column in self.columns)


def plan_table(
    table: Table,
    data: tuple[DataColumn, ...],
    existing: tuple[TableColumn, ...] | None,
    *,
    case_sensitive: bool = False,
) -> TablePlan:
    """Plan what the data needs of the table.

    Args:
        table: which one, and its options.
        data: the data's columns, every string's longest value measured.
        existing: the table's columns; None where there is no table.
        case_sensitive: whether the session keeps the case of names.

    Raises:
        FailureError: ``schema_conflict``, ``value_too_large``, ``bad_name``, ``duplicate_column``
            or ``not_supported``; nothing has been changed.
    """
    _refuse_unbuilt(table)
    check_name(table.schema, what="schema", phase=Phase.CHECK)
    check_name(table.name, what="table", phase=Phase.CHECK)
    check_columns((c.name for c in data), phase=Phase.CHECK, case_sensitive=case_sensitive)
    overrides = {
        fold(name, case_sensitive=case_sensitive): RedshiftType.parse(text)
        for name, text in table.column_types.items()
    }
    names = {c.name: fold(c.name, case_sensitive=case_sensitive) for c in data}
    _refuse_unknown(table, overrides, set(names.values()), existing)
    for column in data:
        _refuse_long(column)
    if existing is None:
        return _plan_new(table, data, names, overrides, case_sensitive=case_sensitive)
    return _plan_existing(table, data, names, overrides, {c.name: c for c in existing})


def _plan_new(
    table: Table,
    data: tuple[DataColumn, ...],
    names: dict[str, str],
    overrides: dict[str, RedshiftType],
    *,
    case_sensitive: bool,
) -> TablePlan:
    dist_key = table.dist_key and fold(table.dist_key, case_sensitive=case_sensitive)
    sort_key = tuple(fold(name, case_sensitive=case_sensitive) for name in table.sort_key)
    columns = tuple(_staged(c, names[c.name], _new_type(c, names[c.name], overrides)) for c in data)
    for option, asked in (("dist_key", (dist_key,) if dist_key else ()), ("sort_key", sort_key)):
        for name in asked:
            if name not in names.values():
                raise refuse(
                    ErrorCode.SCHEMA_CONFLICT,
                    Phase.CHECK,
                    f"The {option} of {table.label} names the column {name!r}, which the data has "
                    f"not; it has {_listed(names)}.",
                    "Name one of these.",
                )
    return TablePlan(
        columns=columns,
        create=tuple(NewColumn(name=c.name, type=c.type) for c in columns),
        dist_style=table.dist_style or (DistStyle.KEY if dist_key else None),
        dist_key=dist_key,
        sort_key=sort_key,
    )


def _plan_existing(
    table: Table,
    data: tuple[DataColumn, ...],
    names: dict[str, str],
    overrides: dict[str, RedshiftType],
    existing: dict[str, TableColumn],
) -> TablePlan:
    add, widen, columns = [], [], []
    for column in data:
        name = names[column.name]
        found = existing.get(name)
        if found is None:
            new = NewColumn(name=name, type=_new_type(column, name, overrides))
            add.append(new)
            columns.append(_staged(column, name, new.type))
            continue
        type_ = _type_of(table, found)
        _refuse_null(table, column, found)
        _refuse_long_for_char(table, column, type_)
        wide = _wide_enough(column, type_)
        if wide is not None:
            widen.append(NewColumn(name=name, type=wide))
        columns.append(_staged(column, name, wide or type_))
    if table.schema_change is SchemaChange.FREEZE and (add or widen):
        changes = [f"add {c.name} {c.type}" for c in add]
        changes += [f"widen {c.name} to {c.type}" for c in widen]
        raise refuse(
            ErrorCode.SCHEMA_CONFLICT,
            Phase.CHECK,
            f"The data does not fit {table.label} as it is, and schema_change is 'freeze': it "
            f"would have to {', '.join(changes)}.",
            "Change the table by hand, or set schema_change='evolve'.",
        )
    _refuse_left_out(table, existing, set(names.values()))
    return TablePlan(columns=tuple(columns), add=tuple(add), widen=tuple(widen))


def _new_type(column: DataColumn, name: str, overrides: dict[str, RedshiftType]) -> RedshiftType:
    wanted = overrides.get(name)
    if wanted is None:
        return redshift_type_for(column.arrow_type, column.longest_bytes)
    if wanted.name == "VARCHAR" and (column.longest_bytes or 0) > (wanted.length or 0):
        raise refuse(
            ErrorCode.SCHEMA_CONFLICT,
            Phase.CHECK,
            f"column_types says {wanted} for {column.name!r}, and its longest value has "
            f"{column.longest_bytes} bytes.",
            "Give it more bytes, or leave it out of column_types.",
        )
    return wanted


def _type_of(table: Table, column: TableColumn) -> RedshiftType:
    try:
        return RedshiftType.parse(column.type)
    except ValueError as error:
        raise refuse(
            ErrorCode.SCHEMA_CONFLICT,
            Phase.CHECK,
            f"{table.label} has the column {column.name!r} of type {column.type}, which this "
            "version cannot load.",
            "Leave the column out of the data, or change the table.",
        ) from error


def _refuse_null(table: Table, column: DataColumn, found: TableColumn) -> None:
    """Refuse NULLs that COPY would refuse, or put the column's DEFAULT in the place of.

    Source: AWS, r_ALTER_TABLE, ADD COLUMN DEFAULT: a nullable field of the file, loaded into a
    NOT NULL column with a DEFAULT, gets the DEFAULT for its NULLs.
    """
    if found.nullable or column.nulls == 0 or (column.nulls is None and not found.has_default):
        return
    raise refuse(
        ErrorCode.SCHEMA_CONFLICT,
        Phase.CHECK,
        f"Column {column.name!r} of {table.label} is NOT NULL, and the data holds "
        + (f"{column.nulls} NULLs." if column.nulls else "NULLs, or may hold some.")
        + (" COPY would put the column's DEFAULT in their place." if found.has_default else ""),
        "Fill them in the asset, or drop the column's NOT NULL.",
    )


def _refuse_long_for_char(table: Table, column: DataColumn, found: RedshiftType) -> None:
    longest = column.longest_bytes or 0
    if found.name == "CHAR" and longest > (found.length or 0):
        raise refuse(
            ErrorCode.VALUE_TOO_LARGE,
            Phase.CHECK,
            f"Column {column.name!r} of {table.label} is {found}, and the data holds a string of "
            f"{longest} bytes.",
            "Shorten it, or make the column a VARCHAR.",
        )


def _wide_enough(column: DataColumn, found: RedshiftType) -> RedshiftType | None:
    """Give the type to widen a VARCHAR column to; None where it does already."""
    longest = column.longest_bytes or 0
    if found.name != "VARCHAR" or longest <= (found.length or 0):
        return None
    return RedshiftType(name="VARCHAR", length=varchar_length(longest))


def _staged(column: DataColumn, name: str, type_: RedshiftType) -> StagedColumn:
    staged = staged_type_for(type_)
    if staged is None or not goes_into(column.arrow_type, type_):
        raise refuse(
            ErrorCode.SCHEMA_CONFLICT,
            Phase.CHECK,
            f"Column {column.name!r} is {column.arrow_type} in the data and {type_} in the table; "
            "one does not go into the other without loss.",
            "Cast the column in the asset, or change the table's column.",
        )
    return StagedColumn(data_name=column.name, name=name, staged=staged, type=type_)


def _refuse_unbuilt(table: Table) -> None:
    if table.schema_change is SchemaChange.REBUILD:
        raise refuse(
            ErrorCode.NOT_SUPPORTED,
            Phase.CHECK,
            "schema_change='rebuild' is not in this version.",
            "Use 'evolve' or 'freeze'.",
        )


def _refuse_long(column: DataColumn) -> None:
    if (column.longest_bytes or 0) > MAX_VARCHAR_BYTES:
        raise refuse(
            ErrorCode.VALUE_TOO_LARGE,
            Phase.CHECK,
            f"Column {column.name!r} holds a string of {column.longest_bytes} bytes, and a VARCHAR "
            f"of Redshift holds at most {MAX_VARCHAR_BYTES}.",
            "Shorten it, or split it over several columns.",
            column=column.name,
        )


def _refuse_unknown(
    table: Table,
    overrides: dict[str, RedshiftType],
    names: set[str],
    existing: tuple[TableColumn, ...] | None,
) -> None:
    known = names | {column.name for column in existing or ()}
    for name in overrides:
        if name not in known:
            raise refuse(
                ErrorCode.SCHEMA_CONFLICT,
                Phase.CHECK,
                f"column_types of {table.label} names the column {name!r}, which is neither in the "
                f"data nor in the table; the data has {_listed(names)}.",
                "Mend the name.",
            )


def _refuse_left_out(table: Table, existing: dict[str, TableColumn], names: set[str]) -> None:
    for column in existing.values():
        if column.name not in names and not column.nullable and not column.has_default:
            raise refuse(
                ErrorCode.SCHEMA_CONFLICT,
                Phase.CHECK,
                f"{table.label} has the column {column.name!r}, NOT NULL and with no default, and "
                "the data has no such column.",
                "Add it to the data, or give it a default in the table.",
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
