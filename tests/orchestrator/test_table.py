"""Metadata says which table and how; what is wrong in it is told by name."""

import dagster as dg
import pytest

from orchestrator import redshift_table
from orchestrator.table import output_options, refuse_slips
from shared_protocol import DistStyle, ErrorCode, FailureError, SchemaChange, WriteMode


def options(key=("analytics", "flights"), metadata=None, default_schema=None, output=None):
    with dg.build_output_context(
        asset_key=dg.AssetKey(list(key)),
        definition_metadata=metadata or {},
        output_metadata=output or {},
    ) as context:
        return output_options(context, default_schema)


def refusal(**given):
    with pytest.raises(FailureError) as caught:
        options(**given)
    return caught.value.failure


@pytest.mark.parametrize(
    ("key", "metadata", "default", "label"),
    [
        (("flights",), {}, None, "public.flights"),
        (("a", "b", "flights"), {}, None, "b.flights"),
        (("b", "flights"), {}, "from_resource", "from_resource.flights"),
        (("b", "flights"), {"schema": "from_metadata"}, "from_resource", "from_metadata.flights"),
        (("b", "flights"), {"table": "named"}, None, "b.named"),
    ],
)
def test_schema_and_table_follow_the_order_of_dagsters_own_io_managers(
    key, metadata, default, label
):
    assert options(key, metadata, default).table.label == label


def test_what_an_output_says_wins_over_the_definition():
    found = options(
        metadata=redshift_table(dist_key="a", sort_key="b"),
        output={
            "sort_key": dg.MetadataValue.json(["c", "d"]),
            "dist_key": dg.MetadataValue.text("e"),
        },
    )
    assert (found.table.dist_key, found.table.sort_key) == ("e", ("c", "d"))


def test_options_are_read_back_as_they_were_given():
    found = options(
        metadata=redshift_table(
            schema="s",
            table="t",
            partition_expr={"day": "d"},
            partition_key_format="%Y",
            primary_key="id",
            dist_style="all",
            sort_key=("a", "b"),
            column_types={"a": "varchar(10)"},
            schema_change="freeze",
            write_mode="replace",
        )
    )
    assert found.table.label == "s.t"
    assert found.table.primary_key == ("id",)
    assert found.table.dist_style is DistStyle.ALL
    assert found.table.sort_key == ("a", "b")
    assert found.table.column_types == {"a": "varchar(10)"}
    assert found.table.schema_change is SchemaChange.FREEZE
    assert found.write_mode is WriteMode.REPLACE
    assert found.partition_expr == {"day": "d"}
    assert found.partition_key_format == "%Y"


def test_options_left_out_leave_no_metadata():
    assert redshift_table() == {}
    assert redshift_table(sort_key=("a",)) == {"sort_key": ["a"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dist_style": "round"}, "one of 'auto', 'even', 'key', 'all'"),
        ({"dist_style": "key"}, "dist_key names no column"),
        ({"sort_key": [1]}, "is to be a column's name, or a list of them"),
        ({"column_types": {"a": "varchar2"}}, "'varchar2' is no Redshift column type"),
        ({"table": "x" * 128}, "has 128 bytes"),
        ({"write_mode": "append"}, "write_mode='append' is not in this version"),
        ({"write_mode": "upsert"}, "write_mode='upsert' is not in this version"),
        ({"schema_change": "rebuild"}, "schema_change='rebuild' is not in this version"),
        ({"write_mode": "merge"}, "one of 'replace', 'append', 'upsert'"),
        ({"partition_expr": 3}, "a string, or a dict of strings by dimension"),
    ],
)
def test_redshift_table_refuses_when_it_is_called(given, said):
    with pytest.raises(dg.DagsterInvalidDefinitionError) as caught:
        redshift_table(**given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("slip", "right"),
    [
        ("partition_exp", "partition_expr"),
        ("partition_expression", "partition_expr"),
        ("primary_keys", "primary_key"),
        ("distkey", "dist_key"),
        ("sort_keys", "sort_key"),
        ("Schema", "schema"),
    ],
)
def test_a_metadata_key_that_is_nearly_ours_is_refused_with_the_right_one(slip, right):
    failure = refusal(metadata={slip: "x"})
    assert failure.code is ErrorCode.USAGE
    assert repr(right) in failure.message


def test_metadata_of_others_is_left_alone():
    refuse_slips(
        {
            "owner": 1,
            "dagster/schema": 2,
            "team": 3,
            "columns": [],
            "description": "",
            "dataset": "",
        }
    )


def test_an_op_output_names_its_table_or_is_refused():
    with dg.build_output_context(name="totals") as context:
        assert output_options(context, None).table.label == "public.totals"
    with (
        dg.build_output_context(name="result") as context,
        pytest.raises(FailureError, match="names no table"),
    ):
        output_options(context, None)
