"""COPY ... FROM 's3://...': the statement and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .authorization import accept_authorization, missing_authorization
from .errors import RedshiftError, not_modelled, syntax_error, unsupported
from .plan import Plan
from .tokens import QUOTED, WORD, Reader, Token, rendered_name

if TYPE_CHECKING:
    from .session import Session

REFUSED_FOR_PARQUET = {
    "ACCEPTANYDATE": 0, "ADDQUOTES": 0, "BLANKSASNULL": 0, "BZIP2": 0, "COMPROWS": 1,
    "COMPUPDATE": 1, "DATEFORMAT": 1, "DELIMITER": 1, "EMPTYASNULL": 0, "ENCODING": 1,
    "ENCRYPTED": 0, "ESCAPE": 0, "EXPLICIT_IDS": 0, "FIXEDWIDTH": 1, "GZIP": 0,
    "IGNOREALLERRORS": 0, "IGNOREBLANKLINES": 0, "IGNOREHEADER": 1, "LZOP": 0, "MAXERROR": 1,
    "NOLOAD": 0, "NULL": 1, "QUOTE": 1, "READRATIO": 1, "REGION": 1, "REMOVEQUOTES": 0,
    "ROUNDEC": 0, "SSH": 0, "TIMEFORMAT": 1, "TRIMBLANKS": 0, "TRUNCATECOLUMNS": 0, "ZSTD": 0,
}  # fmt: skip
"""Options that COPY has and not for Parquet, with the number of their arguments.

AWS: copy-usage_notes-copy-from-columnar lists the few that it takes. The refusal's text was seen
on a real Redshift for REGION and TRUNCATECOLUMNS; for the others it is taken to be the same.
"""

_OTHER_FORMATS = frozenset({"CSV", "JSON", "AVRO", "ORC", "SHAPEFILE", "FIXEDWIDTH", "DELIMITER"})


@dataclass(frozen=True, kw_only=True)
class CopyCommand:
    """A COPY of Parquet files from S3.

    Args:
        table: The table as SQL text.
        table_name: The table's bare name.
        columns: The column list; empty for all columns but IDENTITY ones.
        source: `s3://bucket/prefix`, or a manifest's address.
        manifest: Whether `source` is a manifest.
        fill_record: FILLRECORD.
        replace_invalid: The replacement of ACCEPTINVCHARS, or empty.
    """

    table: str
    table_name: str
    columns: tuple[str, ...]
    source: str
    manifest: bool = False
    fill_record: bool = False
    replace_invalid: str = ""

    def run(self, session: Session) -> str:
        """Load the files."""
        from .copy_load import CopyLoad

        CopyLoad(self, session).run()
        return "COPY"


def plan_copy(tokens: list[Token]) -> Plan:
    """Plan COPY.

    Raises:
        RedshiftError: 42601, 0A000 for an option that Parquet does not take, or a missing
            authorization.
    """
    reader = Reader(tokens)
    reader.expect("COPY")
    if reader.peek() == "(":
        reader.refuse()
    name = reader.qualified_name()
    columns = reader.names_in_brackets() if reader.peek() == "(" else ()
    reader.expect("FROM")
    if reader.peek() in ("STDIN", "PROGRAM"):
        reader.refuse()
    source = reader.string()
    if not source.startswith("s3://"):
        raise not_modelled("COPY from anything but s3://")
    options = _options(reader)
    table = rendered_name(name)
    command = CopyCommand(
        table=table,
        table_name=name[-1],
        columns=columns,
        source=source,
        manifest=options.manifest,
        fill_record=options.fill_record,
        replace_invalid=options.replace_invalid,
    )
    return Plan(text="", word="COPY", command=command, locks=(table,))


@dataclass
class _Options:
    authorized: bool = False
    parquet: bool = False
    other_format: str = ""
    manifest: bool = False
    fill_record: bool = False
    replace_invalid: str = ""
    refused: str = ""


def _options(reader: Reader) -> _Options:
    options = _Options()
    while not reader.done():
        if accept_authorization(reader):
            options.authorized = True
        else:
            _option(reader, options)
    if not options.authorized:
        raise missing_authorization("COPY")
    if not options.parquet:
        raise not_modelled(f"COPY of {options.other_format or 'text'} files")
    if options.refused:
        raise unsupported(f"{options.refused} argument is not supported for PARQUET based COPY")
    return options


def _option(reader: Reader, options: _Options) -> None:
    if reader.accept("FORMAT"):
        reader.accept("AS")
        _format(reader, options)
    elif reader.peek() == "PARQUET" or reader.peek() in _OTHER_FORMATS:
        _format(reader, options)
    elif reader.accept("MANIFEST"):
        options.manifest = True
    elif reader.accept("FILLRECORD"):
        options.fill_record = True
    elif reader.accept("STATUPDATE"):
        _switch(reader)
    elif reader.accept("ACCEPTINVCHARS"):
        options.replace_invalid = "?"
        if reader.accept("AS") or reader.peek().startswith("'"):
            options.replace_invalid = reader.string()
    elif reader.accept("SERIALIZETOJSON"):
        raise not_modelled("COPY ... SERIALIZETOJSON")
    elif reader.peek() in REFUSED_FOR_PARQUET:
        _refused(reader, options)
    else:
        reader.refuse()


def _format(reader: Reader, options: _Options) -> None:
    word = reader.next().word()
    if word == "PARQUET":
        options.parquet = True
    elif word in _OTHER_FORMATS:
        options.other_format = word
        while not reader.done() and reader.tokens[reader.at].kind not in (WORD, QUOTED):
            reader.next()
    else:
        raise syntax_error(word.lower())


def _switch(reader: Reader) -> None:
    reader.accept("ON") or reader.accept("OFF") or reader.accept("TRUE") or reader.accept("FALSE")


def _refused(reader: Reader, options: _Options) -> None:
    """Take an option that Parquet does not take. MAXERROR 0, which asks for nothing, is taken."""
    word = reader.next().word()
    reader.accept("AS")
    argument = ""
    if word == "COMPUPDATE":
        _switch(reader) if not reader.accept("PRESET") else None
    elif REFUSED_FOR_PARQUET[word]:
        argument = reader.next().text
    if not (word == "MAXERROR" and argument == "0"):
        options.refused = options.refused or word


__all__ = ["REFUSED_FOR_PARQUET", "CopyCommand", "RedshiftError", "plan_copy"]
