"""Names are measured in bytes of UTF-8 and folded as Redshift folds them."""

import pytest

from shared_protocol import ErrorCode, FailureError, Phase
from shared_protocol.names import MAX_NAME_BYTES, check_columns, check_name, fold


def refusal(name: str) -> FailureError:
    with pytest.raises(FailureError) as caught:
        check_name(name, what="column", phase=Phase.STAGE)
    assert caught.value.failure.code is ErrorCode.BAD_NAME
    assert caught.value.failure.phase is Phase.STAGE
    return caught.value


@pytest.mark.parametrize("name", ["a", "a b", 'say "hi"', "ü" * 63, "x" * MAX_NAME_BYTES, "日本"])
def test_a_name_that_fits_is_given_back(name):
    assert check_name(name, what="column", phase=Phase.STAGE) == name


@pytest.mark.parametrize(("name", "size"), [("x" * 128, 128), ("ü" * 64, 128), ("😀" * 32, 128)])
def test_the_limit_is_in_bytes_and_not_in_characters(name, size):
    assert f"has {size} bytes" in str(refusal(name))


def test_an_empty_name_is_refused():
    assert "empty name" in str(refusal(""))


def test_a_nul_is_refused():
    assert "NUL" in str(refusal("a\0b"))


def test_half_a_surrogate_pair_is_refused():
    refusal("a\ud800b")


@pytest.mark.parametrize(
    ("name", "folded"), [("FlightDate", "flightdate"), ("GRÖSSE", "grÖsse"), ("İ", "İ"), ("ẞ", "ẞ")]
)
def test_only_ascii_letters_are_folded(name, folded):
    assert fold(name) == folded
    assert fold(name, case_sensitive=True) == name


def test_columns_that_become_one_are_refused():
    with pytest.raises(FailureError, match="'DAY' and 'day' are one name to Redshift") as caught:
        check_columns(["day", "month", "DAY"], phase=Phase.STAGE)
    assert caught.value.failure.code is ErrorCode.DUPLICATE_COLUMN


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(FailureError, match="The column 'day' stands twice") as caught:
        check_columns(["day", "day"], phase=Phase.STAGE, case_sensitive=True)
    assert caught.value.failure.code is ErrorCode.DUPLICATE_COLUMN


def test_columns_that_differ_by_case_live_together_in_a_case_sensitive_cluster():
    check_columns(["day", "DAY"], phase=Phase.STAGE, case_sensitive=True)


def test_a_table_without_columns_is_refused():
    with pytest.raises(FailureError, match="no column at all"):
        check_columns([], phase=Phase.STAGE)


def test_every_column_is_checked_by_itself():
    with pytest.raises(FailureError, match="has 128 bytes"):
        check_columns(["day", "x" * 128], phase=Phase.STAGE)
