"""A column type is read from any spelling of a user or of the catalog, and spelled one way."""

import pytest

from shared_protocol import RedshiftType
from shared_protocol.redshift_type import _SPELLINGS

DEFAULTS = {"DECIMAL": "DECIMAL(18,0)", "VARCHAR": "VARCHAR(256)", "CHAR": "CHAR(1)"} | {
    "VARBYTE": "VARBYTE(64000)"
}


@pytest.mark.parametrize(("spelling", "name"), _SPELLINGS.items(), ids=list(_SPELLINGS))
def test_every_spelling_is_read_in_any_case_and_spacing(spelling, name):
    expected = "CHAR(256)" if spelling == "bpchar" else DEFAULTS.get(name, name)
    for text in (spelling, spelling.upper(), f"  {spelling.replace(' ', '   ')} "):
        assert str(RedshiftType.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("character varying(32)", "VARCHAR(32)"),
        ("VARCHAR ( 32 )", "VARCHAR(32)"),
        ("varchar(max)", "VARCHAR(65535)"),
        ("varchar(MAX)", "VARCHAR(65535)"),
        ("character(10)", "CHAR(10)"),
        ("char(max)", "CHAR(4096)"),
        ("numeric(10,2)", "DECIMAL(10,2)"),
        ("DECIMAL( 10 , 2 )", "DECIMAL(10,2)"),
        ("decimal(38)", "DECIMAL(38,0)"),
        ("decimal(38,37)", "DECIMAL(38,37)"),
        ("varbyte(16777216)", "VARBYTE(16777216)"),
        ("timestamp  without time   zone", "TIMESTAMP"),
    ],
)
def test_numbers_are_read(text, spelled):
    parsed = RedshiftType.parse(text)
    assert str(parsed) == spelled
    assert RedshiftType.parse(spelled) == parsed


@pytest.mark.parametrize(
    "text",
    [
        *("varchar(0)", "varchar(65536)", "char(0)", "char(4097)", "varbyte(16777217)"),
        *("decimal(0)", "decimal(39)", "decimal(38,38)", "decimal(5,6)"),
    ],
)
def test_numbers_out_of_range_are_refused_with_the_range(text):
    with pytest.raises(ValueError, match=r"has 1 to \d+") as caught:
        RedshiftType.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["integer(4)", "date(3)", "boolean(1)", "double precision(53)"])
def test_a_type_without_a_length_is_given_none(text):
    with pytest.raises(ValueError, match="takes no length"):
        RedshiftType.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "strnig", "int64", "uuid", "jsonb", "varchar(", "varchar()", "varchar(-1)"),
        *("varchar(1.5)", "varchar(10) not null", "int; drop table t", "decimal(1,2,3)", "(10)"),
    ],
)
def test_what_is_no_type_is_refused(text):
    with pytest.raises(ValueError, match="is no Redshift column type"):
        RedshiftType.parse(text)


@pytest.mark.parametrize("text", ["varchar(10,2)", "char(10,2)", "varbyte(10,2)"])
def test_a_sized_type_takes_one_number(text):
    with pytest.raises(ValueError, match="10,2"):
        RedshiftType.parse(text)


def test_a_decimal_of_max_digits_is_refused_in_our_words():
    with pytest.raises(ValueError, match="decimal"):
        RedshiftType.parse("decimal(max)")


def test_bpchar_without_a_length_is_256_bytes():
    # AWS, r_Character_types: a BPCHAR column becomes a fixed-length CHAR(256), TEXT a VARCHAR(256).
    assert str(RedshiftType.parse("bpchar")) == "CHAR(256)"
    assert str(RedshiftType.parse("bpchar(3)")) == "CHAR(3)"
