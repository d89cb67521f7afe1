"""SQL is made of our own text and quoted pieces, whatever the pieces hold."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader_process.sql import expression, ident, join, literal, sql
from shared_protocol import FailureError

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def unquoted(text: str) -> str:
    """Read a literal as Redshift does: '' is a quote, a backslash escapes what follows."""
    assert text[0] == text[-1] == "'"
    out, inside, at = [], text[1:-1], 0
    while at < len(inside):
        if inside[at] == "\\":
            at += 1
        elif inside[at] == "'":
            assert inside[at + 1] == "'", "the literal ends early"
            at += 1
        out.append(inside[at])
        at += 1
    return "".join(out)


@given(TEXT)
def test_a_literal_is_read_back_as_it_was(value: str) -> None:
    assert unquoted(literal(value).text) == value


@given(TEXT.filter(bool))
def test_a_name_ends_only_where_it_ends(name: str) -> None:
    text = ident(name).text
    assert text[1:-1].replace('""', "") == name.replace('"', "")
    assert text[1:-1].count('"') == 2 * name.count('"')


def test_values_have_their_plain_literals() -> None:
    assert literal(None).text == "NULL"
    assert literal(True).text == "TRUE"
    assert literal(-3).text == "-3"
    assert literal(date(2024, 2, 1)).text == "'2024-02-01'"
    assert literal(datetime(2024, 2, 1, 3, tzinfo=UTC)).text == "'2024-02-01 03:00:00+00:00'"


def test_statements_are_filled_with_pieces() -> None:
    made = sql("SELECT {columns} FROM {table}", columns=join(", ", [ident("a"), ident("b")]),
               table=ident("s", "t"))  # fmt: skip
    assert made.text == 'SELECT "a", "b" FROM "s"."t"'


def test_a_piece_with_braces_is_left_alone() -> None:
    assert sql("SELECT {value}", value=literal("{table}")).text == "SELECT '{table}'"


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_what_is_no_text_of_redshift_is_refused(value: str) -> None:
    with pytest.raises(FailureError, match="which no name or text"):
        literal(value)
    with pytest.raises(FailureError, match="which no name or text"):
        ident(value)


@pytest.mark.parametrize("text", ["day", "TO_DATE(ts, 'YYYY-MM-DD')", "a || ')' || \"b(\""])
def test_one_expression_of_the_author_is_taken(text: str) -> None:
    assert expression(text).text == f"({text})"


@pytest.mark.parametrize(
    "text",
    ["", "a; drop table t", "a) or (true", "a -- b", "a /* b", "'open", "(a", "a')", "'a\\'"],
)
def test_what_is_more_than_one_expression_is_refused(text: str) -> None:
    with pytest.raises(FailureError, match="not one SQL expression"):
        expression(text)
