"""Cutting SQL text into tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import RedshiftError
from sandbox.tokens import quote_literal, render, significant, split_statements, tokenise


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a.b", ["a", ".", "b"]),
        ("$1,$2", ["$1", ",", "$2"]),
        ("$$ it's $$", ["$$ it's $$"]),
        ("$x$ $$ $x$ y", ["$x$ $$ $x$", "y"]),
        ("'it''s' 'a\\'b'", ["'it''s'", "'a\\'b'"]),
        ("e'\\''", ["e'\\''"]),
        ('"a""b"', ['"a""b"']),
        ("1.5e-3::int", ["1.5e-3", "::", "int"]),
        ("a--b\nc/*d/*e*/f*/g", ["a", "c", "g"]),
        ("from #tmp", ["from", '"#tmp"']),
        ("a # b", ["a", "#", "b"]),
    ],
)
def test_tokens_are_found(sql, expected):
    assert [token.text for token in significant(tokenise(sql))] == expected


@pytest.mark.parametrize("sql", ["'open", '"open', "/* open", "select 'a' 'b"])
def test_what_has_no_end_is_refused(sql):
    with pytest.raises(RedshiftError):
        tokenise(sql)


def test_statements_are_cut_outside_literals_only():
    pieces = split_statements(tokenise("select ';' ; -- ;\n ; select \";\""))
    assert [render(piece).strip() for piece in pieces] == ["select ';'", 'select ";"']


@given(st.text(alphabet="abA1 '\"$#-/*;(),.\\\n\u00e9:"))
def test_tokens_joined_are_the_text_again(sql):
    try:
        tokens = tokenise(sql)
    except RedshiftError:
        return
    if "#" not in sql:
        assert render(tokens) == sql


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_literal_is_read_as_it_was_written(value):
    (token,) = significant(tokenise(quote_literal(value)))
    assert token.literal() == value
