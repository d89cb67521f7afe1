"""SQL text as tokens, so that nothing is ever rewritten inside a literal, a name or a comment.

Joined together, the tokens of a text are the text again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import SYNTAX_ERROR, RedshiftError, syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPACE, COMMENT, STRING, DOLLAR, PARAMETER, QUOTED, WORD, NUMBER, PUNCTUATION = [
    "space",
    "comment",
    "string",
    "dollar",
    "parameter",
    "quoted",
    "word",
    "number",
    "punctuation",
]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*|/\*)                       # a block comment's end is looked for by hand
  | (?P<string>[eE]?'(?:[^'\\]|''|\\.)*+')          # a backslash escapes in Redshift's literals
  | (?P<parameter>\$\d+)
  | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$)
  | (?P<quoted>"(?:[^"]|"")*+")
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][\w$]*)
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<punctuation>::|<=|>=|<>|!=|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)

_BEFORE_HASH_NAME = frozenset({
    "ANALYZE", "COPY", "EXISTS", "FROM", "INTO", "JOIN", "LIKE", "LOCK", "TABLE", "TO", "TRUNCATE",
    "UPDATE", "USING", "VACUUM",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL text: its kind (one of this module's constants) and its text."""

    kind: str
    text: str

    def word(self) -> str:
        """Give an unquoted word in upper case, anything else as it is."""
        return self.text.upper() if self.kind == WORD else self.text

    def is_name(self) -> bool:
        """Tell whether this can name something."""
        return self.kind in (WORD, QUOTED)

    def name(self) -> str:
        """Give the name that this token writes, unquoted names in lower case."""
        if self.kind == QUOTED:
            return self.text[1:-1].replace('""', '"')
        return self.text.lower()

    def literal(self) -> str:
        """Give the value of a string literal: doubled quotes and backslash escapes read."""
        if self.kind == DOLLAR:
            start = self.text.index("$", 1) + 1
            return self.text[start:-start]
        inner = self.text[self.text.index("'") + 1 : -1]
        return _ESCAPE.sub(_unescape, inner)


_ESCAPE = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unescape(found: re.Match[str]) -> str:
    after = found.group(1)
    return "'" if after is None else _ESCAPED.get(after, after)


def tokenise(sql: str) -> list[Token]:
    """Cut SQL text into tokens.

    Raises:
        RedshiftError: 42601 for a literal, name or comment without an end.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if found is None or found.group() in ("'", '"'):
            raise RedshiftError(SYNTAX_ERROR, f'unterminated quoted string at or near "{sql[at:]}"')
        kind = found.lastgroup if found.lastgroup != "tag" else DOLLAR
        end = _comment_end(sql, at) if found.group() == "/*" else found.end()
        tokens.append(Token(kind or PUNCTUATION, sql[at:end]))
        at = end
    return list(_with_hash_names(tokens))


def _comment_end(sql: str, at: int) -> int:
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(sql, at):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    raise RedshiftError(SYNTAX_ERROR, "unterminated /* comment")


def _with_hash_names(tokens: list[Token]) -> Iterator[Token]:
    """Join `#name`, a temporary table's name, where a table is expected; elsewhere # is XOR."""
    before, skip = "", False
    for at, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        follows = tokens[at + 1] if at + 1 < len(tokens) else None
        if token.text == "#" and before in _BEFORE_HASH_NAME and follows and follows.is_name():
            yield Token(QUOTED, '"#' + follows.name().replace('"', '""') + '"')
            before, skip = "#", True
            continue
        if token.kind not in (SPACE, COMMENT):
            before = token.word()
        yield token


def significant(tokens: Iterable[Token]) -> list[Token]:
    """Leave out space and comments."""
    return [token for token in tokens if token.kind not in (SPACE, COMMENT)]


def split_statements(tokens: list[Token]) -> list[list[Token]]:
    """Cut at semicolons; a piece without anything significant is left out."""
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";" and token.kind == PUNCTUATION:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [piece for piece in pieces if significant(piece)]


def render(tokens: Iterable[Token]) -> str:
    """Join tokens to text again."""
    return "".join(token.text for token in tokens)


def quote_name(name: str) -> str:
    """Write a name so that PostgreSQL takes it as it is."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """Write a string literal."""
    escaped = value.replace("'", "''")
    return " E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in value else f"'{escaped}'"


class Reader:
    """Walks over significant tokens, for the statements that the sandbox reads itself."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = significant(tokens)
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """Give the word (upper case) or punctuation that comes; empty at the end."""
        at = self.at + ahead
        return self.tokens[at].word() if at < len(self.tokens) else ""

    def next(self) -> Token:
        """Take a token.

        Raises:
            RedshiftError: 42601 at the end.
        """
        if self.at >= len(self.tokens):
            raise RedshiftError(SYNTAX_ERROR, "syntax error at end of input")
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, *words: str) -> bool:
        """Take these words if they come next, in this order."""
        if all(self.peek(i) == word for i, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Take these words.

        Raises:
            RedshiftError: 42601 when something else comes.
        """
        for word in words:
            if self.peek() != word:
                self.refuse()
            self.at += 1

    def refuse(self) -> None:
        """Raise a syntax error at the token that comes."""
        raise syntax_error(self.next().text)

    def done(self) -> bool:
        """Tell whether nothing is left."""
        return self.at >= len(self.tokens)

    def name(self) -> str:
        """Take one name."""
        if self.at < len(self.tokens) and not self.tokens[self.at].is_name():
            self.refuse()
        return self.next().name()

    def qualified_name(self) -> tuple[str, ...]:
        """Take a name with up to two qualifiers: database, schema, name."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return tuple(parts)

    def string(self) -> str:
        """Take a string literal and give its value."""
        if self.at < len(self.tokens) and self.tokens[self.at].kind not in (STRING, DOLLAR):
            self.refuse()
        return self.next().literal()

    def number(self) -> float:
        """Take a number."""
        if self.at < len(self.tokens) and self.tokens[self.at].kind != NUMBER:
            self.refuse()
        return float(self.next().text)

    def names_in_brackets(self) -> tuple[str, ...]:
        """Take `(name, ...)`."""
        self.expect("(")
        names = [self.name()]
        while self.accept(","):
            names.append(self.name())
        self.expect(")")
        return tuple(names)

    def in_brackets(self) -> list[Token]:
        """Take a bracket and all that is in it, and give what is in it."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.next().text, 0)
        return self.tokens[start : self.at - 1]


def at_top_level(tokens: Iterable[Token]) -> list[Token]:
    """Give the significant tokens outside every bracket."""
    depth, top = 0, []
    for token in significant(tokens):
        depth -= token.text == ")"
        if depth == 0 and token.text != ")":
            top.append(token)
        depth += token.text == "("
    return top


def rendered_name(parts: Iterable[str]) -> str:
    """Write a qualified name."""
    return ".".join(quote_name(part) for part in parts)
