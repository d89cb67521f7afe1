"""Each Arrow type has one staged form and one column type, and they agree with each other."""

import polars as pl
import pyarrow as pa
import pytest

from shared_protocol import RedshiftType
from shared_protocol.type_table import (
    TYPE_TABLE,
    UnsupportedTypeError,
    redshift_type_for,
    rule_for,
    staged_type_for,
    varchar_length,
)

# One real Arrow type for each row of the table, in its order.
ARROW_TYPES = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "halffloat": pa.float16(),
    "float": pa.float32(),
    "double": pa.float64(),
    "decimal…": pa.decimal128(10, 2),
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "dictionary…": pa.dictionary(pa.int32(), pa.string()),
    "null": pa.null(),
    "date32[day]": pa.date32(),
    "date64[ms]": pa.date64(),
    "timestamp[…]": pa.timestamp("ns"),
    "timestamp[…, tz=…]": pa.timestamp("ms", tz="America/New_York"),
}
STAGED_TYPES = {
    str(arrow): arrow
    for arrow in (
        *(pa.bool_(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()),
        *(pa.decimal128(20, 0), pa.decimal128(10, 2), pa.string(), pa.date32()),
        *(pa.timestamp("us"), pa.timestamp("us", tz="UTC")),
    )
}


def test_every_row_of_the_table_has_a_type_to_test_it_with():
    assert [rule.arrow for rule in TYPE_TABLE] == list(ARROW_TYPES)


@pytest.mark.parametrize("row", TYPE_TABLE, ids=lambda rule: rule.arrow)
def test_a_type_as_arrow_spells_it_finds_its_row(row):
    found = rule_for(str(ARROW_TYPES[row.arrow]))
    if row.arrow == "decimal…":
        assert (found.staged, found.redshift) == ("decimal128(10, 2)", "DECIMAL(10,2)")
    else:
        assert found == row


@pytest.mark.parametrize("arrow", ARROW_TYPES.values(), ids=str)
def test_the_staged_form_is_the_one_that_the_column_takes(arrow):
    rule = rule_for(str(arrow))
    assert staged_type_for(redshift_type_for(str(arrow), longest_bytes=9)) == rule.staged


@pytest.mark.parametrize("arrow", ARROW_TYPES.values(), ids=str)
def test_what_comes_back_is_what_polars_makes_of_the_staged_form(arrow):
    rule = rule_for(str(arrow))
    dtype = pl.Series(pl.from_arrow(pa.array([], type=STAGED_TYPES[rule.staged]))).dtype
    match dtype:
        case pl.Decimal():
            spelled = f"Decimal({dtype.precision},{dtype.scale})"
        case pl.Datetime():
            zone = f", {dtype.time_zone}" if dtype.time_zone else ""
            spelled = f"Datetime({dtype.time_unit}{zone})"
        case _:
            spelled = str(dtype)
    assert spelled == rule.comes_back


@pytest.mark.parametrize(
    ("arrow", "redshift"),
    [
        (pa.decimal32(9, 2), "DECIMAL(9,2)"),
        (pa.decimal64(18, 18), "DECIMAL(18,18)"),
        (pa.decimal128(38, 37), "DECIMAL(38,37)"),
        (pa.decimal256(38, 0), "DECIMAL(38,0)"),
    ],
    ids=str,
)
def test_a_decimal_of_any_width_that_fits(arrow, redshift):
    assert rule_for(str(arrow)).redshift == redshift
    assert str(redshift_type_for(str(arrow))) == redshift


@pytest.mark.parametrize(
    "arrow", [pa.decimal256(39, 0), pa.decimal128(38, 38), pa.decimal128(5, -2)], ids=str
)
def test_a_decimal_that_does_not_fit(arrow):
    with pytest.raises(UnsupportedTypeError, match="Cast it to a smaller decimal or to a string"):
        rule_for(str(arrow))


def test_a_decimal_with_more_digits_behind_the_point_than_in_all():
    with pytest.raises(UnsupportedTypeError):
        rule_for(str(pa.decimal128(5, 7)))


@pytest.mark.parametrize("values", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_a_dictionary_of_strings_is_a_string(values):
    assert rule_for(str(pa.dictionary(pa.int8(), values))).staged == "string"


@pytest.mark.parametrize(
    ("arrow", "advice"),
    [
        (pa.time32("s"), "to a string or to a timestamp"),
        (pa.time64("us"), "to a string or to a timestamp"),
        (pa.duration("ms"), "to an integer of a unit"),
        (pa.binary(), "hexadecimal or base64"),
        (pa.large_binary(), "hexadecimal or base64"),
        (pa.binary(16), "hexadecimal or base64"),
        (pa.list_(pa.int64()), "JSON string, or into a table of its own"),
        (pa.large_list(pa.int64()), "JSON string, or into a table of its own"),
        (pa.list_(pa.int64(), 3), "JSON string, or into a table of its own"),
        (pa.struct([("a", pa.int64())]), "Unnest it"),
        (pa.map_(pa.string(), pa.int64()), "JSON string"),
        (pa.dictionary(pa.int8(), pa.int64()), "docs/types.md"),
        (pa.month_day_nano_interval(), "docs/types.md"),
        (pa.binary_view(), "docs/types.md"),
    ],
    ids=str,
)
def test_a_type_without_a_row_is_refused_with_advice(arrow, advice):
    with pytest.raises(UnsupportedTypeError) as caught:
        rule_for(str(arrow))
    assert str(caught.value).startswith(f"{arrow} cannot be loaded by this version.")
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("longest", "length"),
    [
        (None, 256),
        (0, 32),
        (26, 32),
        (27, 64),
        (51, 64),
        (52, 128),
        (205, 256),
        (206, 512),
        (26_215, 32_768),
        (26_216, 65_535),
        (65_535, 65_535),
    ],
)
def test_a_varchar_has_a_quarter_of_head_room_up_to_a_power_of_two(longest, length):
    assert varchar_length(longest) == length
    assert redshift_type_for("string", longest) == RedshiftType(name="VARCHAR", length=length)


def test_a_varchar_always_holds_its_longest_value_and_never_shrinks():
    lengths = [varchar_length(longest) for longest in range(0, 65_536, 7)]
    assert lengths == sorted(lengths)
    assert all(length >= i * 7 for i, length in enumerate(lengths))


@pytest.mark.parametrize("text", ["SUPER", "GEOMETRY", "VARBYTE(10)", "TIME", "TIMETZ"])
def test_a_column_that_copy_cannot_fill_has_no_staged_form(text):
    assert staged_type_for(RedshiftType.parse(text)) is None


def test_a_char_column_is_filled_from_strings():
    assert staged_type_for(RedshiftType.parse("char(3)")) == "string"
