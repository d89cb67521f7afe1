"""Which Parquet columns COPY takes for which columns of a table.

AWS publishes no such table. Rows come from what loaders' authors saw on real clusters (see
`docs/local-redshift.md`); what nobody has written about is refused, so that what passes here has a
chance there. The texts of the refusals are Redshift's own, seen by its users; they equal those of
Apache Impala's Parquet reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .copy_source import LoadError, web_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .storage import StoredObject
    from .untyped import NativeFile, ParquetColumn, ParquetFile

CODECS = frozenset({"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"})
ENCODINGS = frozenset({"PLAIN", "RLE", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "BIT_PACKED"})
_V2_PAGE = b"\x15\x06"
"""First bytes of a page header whose type (field 1 in Thrift's compact form) is DATA_PAGE_V2."""

_SHORT = frozenset({("INT32", "NONE"), ("INT32", "INT8"), ("INT32", "INT16"), ("INT32", "INT32")})
_TEXT = frozenset({("BYTE_ARRAY", "STRING")})
_INSTANT = frozenset({("INT64", "TIMESTAMPTZ"), ("INT96", "NONE")})

ACCEPTED: dict[str, frozenset[tuple[str, str]]] = {
    "smallint": _SHORT,
    "integer": _SHORT,
    "bigint": _SHORT | {("INT64", "NONE"), ("INT64", "INT64")},
    "real": frozenset({("FLOAT", "NONE")}),
    "double precision": frozenset({("DOUBLE", "NONE")}),
    "boolean": frozenset({("BOOLEAN", "NONE")}),
    "character varying": _TEXT,
    "character": _TEXT,
    "date": frozenset({("INT32", "DATE")}),
    "timestamp without time zone": _INSTANT | {("INT64", "TIMESTAMP")},
    "timestamp with time zone": _INSTANT,
    "varbyte": frozenset({("BYTE_ARRAY", "NONE")}),
    "numeric": frozenset(
        {("FIXED_LEN_BYTE_ARRAY", "DECIMAL"), ("INT64", "DECIMAL"), ("INT32", "DECIMAL")}
    ),
}
"""For each type of a table's column, the physical and logical types that it takes."""

SHOWN = {
    "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT", "real": "FLOAT",
    "double precision": "DOUBLE", "boolean": "BOOLEAN", "character varying": "VARCHAR",
    "character": "CHAR", "date": "DATE", "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ", "varbyte": "VARBYTE", "numeric": "DECIMAL",
    "super": "SUPER", "time without time zone": "TIME", "time with time zone": "TIMETZ",
}  # fmt: skip
"""How error texts write a column's type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table that is loaded.

    Args:
        name: Its name.
        type: Its type as PostgreSQL spells it, without length; `super` and `varbyte` for domains.
        modifier: PostgreSQL's type modifier, -1 for none.
        not_null: Whether NULL is refused.
        has_default: Whether it may be left out of a column list.
    """

    name: str
    type: str
    modifier: int
    not_null: bool
    has_default: bool

    @property
    def length(self) -> int:
        """Length in bytes of a VARCHAR or CHAR; 0 for other types."""
        text = self.type in ("character varying", "character")
        return self.modifier - 4 if text and self.modifier > 4 else 0

    @property
    def precision_and_scale(self) -> tuple[int, int]:
        """Precision and scale of a DECIMAL."""
        return (self.modifier - 4) >> 16 & 0xFFFF, (self.modifier - 4) & 0xFFFF

    @property
    def shown(self) -> str:
        """Its type as error texts write it."""
        if self.type == "numeric":
            precision, scale = self.precision_and_scale
            return f"DECIMAL({precision},{scale})"
        return SHOWN.get(self.type, self.type.upper())


def decimal_bytes(precision: int) -> int:
    """Give the fewest bytes that hold a decimal of this precision."""
    size = 1
    while 2 ** (8 * size - 1) - 1 < 10**precision - 1:
        size += 1
    return size


def logical_name(column: ParquetColumn) -> str:
    """Name a Parquet column's logical type, as the table above writes it."""
    import json

    kind: str = column.logical_type.type
    if kind == "INT":
        given = json.loads(column.logical_type.to_json())
        return f"{'INT' if given['isSigned'] else 'UINT'}{given['bitWidth']}"
    if kind == "TIMESTAMP":
        given = json.loads(column.logical_type.to_json())
        return "TIMESTAMPTZ" if given["isAdjustedToUTC"] else "TIMESTAMP"
    return "NONE" if kind in ("NONE", "UNDEFINED") else kind


@dataclass(frozen=True)
class FileCheck:
    """The comparison of one Parquet file with the columns that it is loaded into.

    Args:
        file: A pyarrow ParquetFile.
        found: The object that it is.
        region: For its address in error texts.
    """

    file: ParquetFile
    found: StoredObject
    region: str

    def run(self, columns: list[Column], *, fill_record: bool) -> None:
        """Compare.

        Raises:
            LoadError: The first thing that Redshift would refuse.
        """
        arrow = self.file.schema_arrow
        address = web_address(self.found, self.region)
        too_few = len(arrow) < len(columns) and not fill_record
        if too_few or len(arrow) > len(columns):
            raise LoadError.scanning(
                "Unmatched number of columns between table and file."
                f" Table columns: {len(columns)}, Data columns: {len(arrow)}, File name: {address}",
                file_name=self.found.url,
            )
        leaves = self._leaves()
        for column, name in zip(columns, arrow.names, strict=False):
            self._check_column(column, name, leaves.get(name))
        self._check_storage()

    def _leaves(self) -> dict[str, ParquetColumn]:
        """Give the flat columns by name; nested ones are left out."""
        schema = self.file.schema
        every = (schema.column(i) for i in range(len(schema)))
        return {
            leaf.path: leaf
            for leaf in every
            if leaf.path == leaf.name and not leaf.max_repetition_level
        }

    def _check_column(self, column: Column, name: str, leaf: ParquetColumn | None) -> None:
        if column.type == "super":
            # Seen on a real Redshift.
            context = "SUPER column in COPY query requires SERIALIZETOJSON option"
            raise LoadError(
                "XX000", context, context=context, column=column.name, file_name=self.found.url
            )
        if leaf is None:
            raise self._incompatible(column, f"optional group {name} [i:0 d:1 r:0]")
        given = (leaf.physical_type, logical_name(leaf))
        if given not in ACCEPTED.get(column.type, frozenset()):
            raise self._incompatible(column, _described(leaf, self._index(leaf)))
        if column.type == "numeric":
            self._check_decimal(column, leaf)

    def _check_decimal(self, column: Column, leaf: ParquetColumn) -> None:
        precision, scale = column.precision_and_scale
        where = f"File '{web_address(self.found, self.region)}' column '{column.name}'"
        facts = {"file_name": self.found.url, "column": column.name, "column_type": column.shown}
        if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" and leaf.length != decimal_bytes(precision):
            raise LoadError.scanning(
                f"{where} has an invalid type length. Expecting: {decimal_bytes(precision)}"
                f" len in file: {leaf.length}",
                **facts,
            )
        if leaf.scale != scale:
            # Impala's text; Redshift's own has not been published.
            raise LoadError.scanning(
                f"{where} has a scale that does not match the table metadata scale."
                f" File metadata scale: {leaf.scale} Table metadata scale: {scale}",
                **facts,
            )
        if leaf.precision != precision:
            raise LoadError.scanning(
                f"{where} has a precision that does not match the table metadata precision."
                f" File metadata precision: {leaf.precision} Table metadata precision: {precision}",
                **facts,
            )

    def _incompatible(self, column: Column, described: str) -> LoadError:
        address = web_address(self.found, self.region)
        return LoadError.scanning(
            f"File '{address}' has an incompatible Parquet schema for column"
            f" '{self.found.url}.{column.name}'. Column type: {column.shown},"
            f" Parquet schema: {described}",
            file_name=self.found.url,
            column=column.name,
            column_type=column.shown,
            column_length=str(column.length or ""),
        )

    def _index(self, leaf: ParquetColumn) -> int:
        schema = self.file.schema
        return next(i for i in range(len(schema)) if schema.column(i).path == leaf.path)

    def _check_storage(self) -> None:
        """Refuse codecs, encodings and pages that no Redshift document names."""
        for chunk in self._chunks():
            if chunk.compression not in CODECS:
                raise self._undocumented(f"codec {chunk.compression}")
            strange = set(chunk.encodings) - ENCODINGS
            if strange:
                raise self._undocumented(f"encoding {', '.join(sorted(strange))}")

    def _chunks(self) -> Iterator[Any]:
        metadata = self.file.metadata
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                yield metadata.row_group(group).column(column)

    def check_pages(self, source: NativeFile) -> None:
        """Refuse data pages of version 2: the first page of each column is looked at."""
        metadata = self.file.metadata
        if not metadata.num_row_groups:
            return
        for column in range(metadata.num_columns):
            source.seek(metadata.row_group(0).column(column).data_page_offset)
            if source.read(2) == _V2_PAGE:
                raise self._undocumented("data page version 2")

    def _undocumented(self, what: str) -> LoadError:
        return LoadError.scanning(
            f"{what} is refused by the sandbox: Redshift documents Parquet version 1 and says"
            f" nothing of it. File name: {self.found.url}",
            file_name=self.found.url,
        )


def _described(leaf: ParquetColumn, index: int) -> str:
    repetition = "optional" if leaf.max_definition_level else "required"
    levels = f"[i:{index} d:{leaf.max_definition_level} r:{leaf.max_repetition_level}]"
    return f"{repetition} {leaf.physical_type.lower()} {leaf.name} {levels}"
