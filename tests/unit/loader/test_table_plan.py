"""What a table must become for its data, and what is refused."""

from __future__ import annotations

import pytest

from loader_process.table_plan import plan_table
from shared_protocol import (
    DataColumn,
    ErrorCode,
    FailureError,
    SchemaChange,
    Table,
    TableColumn,
)

TABLE = Table(schema="s", name="t")


def data(**types: str | tuple[str, int]) -> tuple[DataColumn, ...]:
    return tuple(
        DataColumn(name=name, arrow_type=told)
        if isinstance(told, str)
        else DataColumn(name=name, arrow_type=told[0], longest_bytes=told[1])
        for name, told in types.items()
    )


def columns(**types: str) -> tuple[TableColumn, ...]:
    return tuple(TableColumn(name=name, type=told) for name, told in types.items())


def refusal(table: Table, *args: object, **kwargs: object) -> ErrorCode:
    with pytest.raises(FailureError) as caught:
        plan_table(table, *args, **kwargs)  # type: ignore[arg-type]
    return caught.value.failure.code


def test_a_new_table_has_the_datas_columns_in_their_order() -> None:
    plan = plan_table(
        TABLE, data(b="int64", a=("string", 40), c="timestamp[ns, tz=Asia/Tokyo]"), None
    )
    assert [(c.name, str(c.type)) for c in plan.create] == [
        ("b", "BIGINT"),
        ("a", "VARCHAR(64)"),
        ("c", "TIMESTAMPTZ"),
    ]
    assert plan.staged_forms == (("b", "int64"), ("a", "string"), ("c", "timestamp[us, tz=UTC]"))


def test_names_are_folded_and_the_datas_spelling_is_kept_for_the_files() -> None:
    plan = plan_table(TABLE, data(FlightDate="date32[day]"), None)
    assert plan.create[0].name == "flightdate"
    assert plan.columns[0].data_name == "FlightDate"


def test_an_existing_table_wins_and_gets_the_data_in_its_own_types() -> None:
    plan = plan_table(
        TABLE, data(n="int32", x="float", d="date32[day]"),
        columns(d="TIMESTAMP", n="DECIMAL(18,2)", x="DOUBLE PRECISION"),
    )  # fmt: skip
    assert not (plan.create or plan.add or plan.widen)
    assert [c.staged for c in plan.columns] == ["decimal128(18, 2)", "double", "timestamp[us]"]


def test_new_columns_are_added_and_short_strings_widened() -> None:
    plan = plan_table(
        TABLE, data(a=("string", 33), b="bool"), columns(a="VARCHAR(32)", old="BIGINT")
    )
    assert [(c.name, str(c.type)) for c in plan.add] == [("b", "BOOLEAN")]
    assert [(c.name, str(c.type)) for c in plan.widen] == [("a", "VARCHAR(64)")]


def test_a_string_that_fits_changes_nothing() -> None:
    assert not plan_table(TABLE, data(a=("string", 32)), columns(a="VARCHAR(32)")).widen


def test_frozen_tables_refuse_any_change() -> None:
    frozen = Table(schema="s", name="t", schema_change=SchemaChange.FREEZE)
    assert refusal(frozen, data(a="bool", b="bool"), columns(a="BOOLEAN")) is (
        ErrorCode.SCHEMA_CONFLICT
    )
    plan_table(frozen, data(a="bool"), columns(a="BOOLEAN"))


@pytest.mark.parametrize(
    ("arrow", "redshift"),
    [
        ("double", "REAL"),
        ("double", "BIGINT"),
        ("string", "BIGINT"),
        ("int64", "VARCHAR(10)"),
        ("timestamp[us]", "TIMESTAMPTZ"),
        ("timestamp[us, tz=UTC]", "TIMESTAMP"),
        ("timestamp[us]", "DATE"),
        ("bool", "SMALLINT"),
        ("int64", "SUPER"),
    ],
)
def test_what_would_lose_something_is_refused(arrow: str, redshift: str) -> None:
    assert refusal(TABLE, data(a=arrow), columns(a=redshift)) is ErrorCode.SCHEMA_CONFLICT


def test_a_column_without_a_value_fits_any_column() -> None:
    plan = plan_table(TABLE, data(a="null"), columns(a="TIMESTAMPTZ"))
    assert plan.columns[0].staged == "timestamp[us, tz=UTC]"


def test_a_missing_column_that_must_not_be_null_is_refused() -> None:
    strict = (TableColumn(name="must", type="BIGINT", nullable=False), *columns(a="BOOLEAN"))
    assert refusal(TABLE, data(a="bool"), strict) is ErrorCode.SCHEMA_CONFLICT
    given = (
        TableColumn(name="must", type="BIGINT", nullable=False, has_default=True),
        *columns(a="BOOLEAN"),
    )
    plan_table(TABLE, data(a="bool"), given)


def test_a_string_over_the_limit_is_refused() -> None:
    assert refusal(TABLE, data(a=("string", 65_536)), None) is ErrorCode.VALUE_TOO_LARGE
    plan_table(TABLE, data(a=("string", 65_535)), None)


def test_columns_that_become_one_name_are_refused() -> None:
    assert refusal(TABLE, data(A="bool", a="bool"), None) is ErrorCode.DUPLICATE_COLUMN
    plan_table(TABLE, data(A="bool", a="bool"), None, case_sensitive=True)


@pytest.mark.parametrize("option", ["dist_key", "sort_key", "column_types"])
def test_options_that_name_no_column_are_refused(option: str) -> None:
    value = {"dist_key": "nope", "sort_key": ("nope",), "column_types": {"nope": "DATE"}}[option]
    table = Table(schema="s", name="t", **{option: value})
    assert refusal(table, data(a="bool"), None) is ErrorCode.SCHEMA_CONFLICT


def test_column_types_win_over_the_chosen_ones() -> None:
    table = Table(schema="s", name="t", column_types={"A": "varchar(max)", "n": "numeric(30,4)"})
    plan = plan_table(table, data(a=("string", 3), n="int64"), None)
    assert [str(c.type) for c in plan.create] == ["VARCHAR(65535)", "DECIMAL(30,4)"]


def test_a_column_type_too_short_for_the_data_is_refused() -> None:
    table = Table(schema="s", name="t", column_types={"a": "varchar(3)"})
    assert refusal(table, data(a=("string", 4)), None) is ErrorCode.SCHEMA_CONFLICT


def test_rebuild_is_refused_by_name() -> None:
    table = Table(schema="s", name="t", schema_change=SchemaChange.REBUILD)
    assert refusal(table, data(a="bool"), None) is ErrorCode.NOT_SUPPORTED


def test_nulls_that_the_column_does_not_take_are_refused() -> None:
    """COPY puts a DEFAULT in the place of NULL: a value would be changed without a word."""
    default = (TableColumn(name="a", type="BIGINT", nullable=False, has_default=True),)
    plain = (TableColumn(name="a", type="BIGINT", nullable=False),)
    with_nulls = (DataColumn(name="a", arrow_type="int64", nulls=2),)
    unknown = (DataColumn(name="a", arrow_type="int64"),)
    none = (DataColumn(name="a", arrow_type="int64", nulls=0),)
    for data_, existing in ((with_nulls, default), (with_nulls, plain), (unknown, default)):
        assert refusal(TABLE, data_, existing) is ErrorCode.SCHEMA_CONFLICT
    for data_, existing in ((none, default), (none, plain), (unknown, plain)):
        plan_table(TABLE, data_, existing)


def test_a_string_too_long_for_a_char_is_refused() -> None:
    assert (
        refusal(TABLE, data(a=("string", 11)), columns(a="CHAR(10)")) is ErrorCode.VALUE_TOO_LARGE
    )


def test_a_column_of_a_type_that_we_do_not_know_is_refused_by_name() -> None:
    assert refusal(TABLE, data(a="int64"), columns(a="INTERVAL DAY TO SECOND")) is (
        ErrorCode.SCHEMA_CONFLICT
    )
