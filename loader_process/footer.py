"""What a Parquet file says of itself, and whether COPY takes it as it is.

COPY casts nothing, so that a file fits when every column has the very form in which the column's
type is known to load. Sources: AWS, copy-usage_notes-copy-from-columnar and c-spectrum-data-files
("Parquet v1 data file format"; Snappy, gzip, zstd); ParquetSharp #252 (the byte length of a decimal
must be the least for the column's precision). What no source names is encoded anew: dictionary and
plain encodings only, data pages of version 1.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

_KNOWN_CODECS = frozenset({"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"})
_KNOWN_ENCODINGS = frozenset({"PLAIN", "RLE", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "BIT_PACKED"})
# The first field of a Parquet page header in Thrift's compact form: PageType 3, DATA_PAGE_V2.
_DATA_PAGE_V2 = b"\x15\x06"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnForm:
    """How one column is stored.

    Attributes:
        name: its name.
        arrow_type: as ``str(pyarrow.DataType)`` spells it.
        physical: Parquet's physical type, such as ``INT64``.
        logical: Parquet's logical type and its parameters; ``{"Type": "None"}`` where it has none.
        byte_length: of FIXED_LEN_BYTE_ARRAY.
        flat: whether it is one plain column, not a list, map or struct.
        problem: an encoding, codec or page version that COPY is not known to read; else empty.
    """

    name: str
    arrow_type: str
    physical: str
    logical: dict[str, Any]
    byte_length: int
    flat: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """A Parquet file's rows and columns."""

    rows: int
    columns: tuple[ColumnForm, ...]


def read_footer(file: IO[bytes]) -> Footer:
    """Read the footer, and the headers of the first pages, of an open Parquet file.

    Raises:
        pyarrow.ArrowException: it is no Parquet file, or a damaged one.
    """
    import pyarrow.parquet as pq

    # INT96, Spark's timestamp, would be taken for nanoseconds, which end in the year 2262.
    parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
    metadata, schema = parquet.metadata, parquet.schema_arrow
    leaves = [parquet.schema.column(index) for index in range(len(parquet.schema))]
    forms = []
    for field in schema:
        # A flat column may have a dot in its name, and a nested one has several leaves below it.
        indexes = [i for i, leaf in enumerate(leaves) if leaf.path == field.name] or [
            i for i, leaf in enumerate(leaves) if leaf.path.startswith(field.name + ".")
        ]
        leaf = leaves[indexes[0]] if indexes else None
        flat = leaf is not None and len(indexes) == 1 and leaf.path == field.name
        forms.append(
            ColumnForm(
                name=field.name,
                arrow_type=str(field.type),
                physical=leaf.physical_type if leaf else "",
                logical=json.loads(leaf.logical_type.to_json()) if leaf else {},
                byte_length=leaf.length if leaf else 0,
                flat=flat and leaf is not None and leaf.max_repetition_level == 0,
                problem=_storage_problem(file, metadata, indexes),
            )
        )
    return Footer(rows=metadata.num_rows, columns=tuple(forms))


def _storage_problem(file: IO[bytes], metadata: Any, indexes: list[int]) -> str:  # noqa: ANN401
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    for chunk in (group.column(index) for group in groups for index in indexes):
        if chunk.compression not in _KNOWN_CODECS:
            return f"its codec is {chunk.compression}"
        if unknown := set(chunk.encodings) - _KNOWN_ENCODINGS:
            return f"its encoding is {', '.join(sorted(unknown))}"
    # A writer uses one page version throughout, so that the first group with a row tells.
    for group in [group for group in groups if group.num_rows][:1]:
        for index in indexes:
            file.seek(group.column(index).data_page_offset)
            if file.read(2) == _DATA_PAGE_V2:
                return "its data pages are of version 2"
    return ""


def misfits(footer: Footer, wanted: tuple[tuple[str, str], ...]) -> str:
    """Say why a file cannot go to COPY as it is; empty when it can.

    Args:
        footer: of the file.
        wanted: for each column, in the order of COPY's column list, its name in the data and the
            Arrow type whose Parquet form COPY takes.
    """
    names = [column.name for column in footer.columns]
    if names != [name for name, _ in wanted]:
        return "its columns are not those of the first file, in that order"
    for column, (_, staged) in zip(footer.columns, wanted, strict=True):
        if column.problem:
            return f"column {column.name!r}: {column.problem}"
        if not column.flat or not _form_test(staged)(column):
            return f"column {column.name!r} is {column.arrow_type} and is to be {staged}"
    return ""


def _plain(physical: str, *, integer_bits: tuple[int, ...] = ()) -> Callable[[ColumnForm], bool]:
    def test(column: ColumnForm) -> bool:
        if column.physical != physical:
            return False
        if column.logical.get("Type") == "Int":
            return column.logical["isSigned"] and column.logical["bitWidth"] in integer_bits
        return column.logical.get("Type") == "None" and (not integer_bits or integer_bits[-1] >= 32)

    return test


def _logical(physical: str, **facts: Any) -> Callable[[ColumnForm], bool]:  # noqa: ANN401  # JSON
    def test(column: ColumnForm) -> bool:
        return column.physical == physical and facts.items() <= column.logical.items()

    return test


_FORMS: dict[str, Callable[[ColumnForm], bool]] = {
    "bool": _plain("BOOLEAN"),
    "int16": _plain("INT32", integer_bits=(8, 16)),
    "int32": _plain("INT32", integer_bits=(32,)),
    "int64": _plain("INT64", integer_bits=(64,)),
    "float": _plain("FLOAT"),
    "double": _plain("DOUBLE"),
    "string": _logical("BYTE_ARRAY", Type="String"),
    "date32[day]": _logical("INT32", Type="Date"),
    "timestamp[us]": _logical(
        "INT64", Type="Timestamp", timeUnit="microseconds", isAdjustedToUTC=False
    ),
    "timestamp[us, tz=UTC]": _logical(
        "INT64", Type="Timestamp", timeUnit="microseconds", isAdjustedToUTC=True
    ),
}


def _form_test(staged: str) -> Callable[[ColumnForm], bool]:
    if not staged.startswith("decimal128("):
        return _FORMS[staged]
    precision, scale = (int(number) for number in staged[11:-1].split(","))

    def test(column: ColumnForm) -> bool:
        told = column.logical
        if (told.get("Type"), told.get("precision"), told.get("scale")) != (
            "Decimal",
            precision,
            scale,
        ):
            return False
        # As INT64 decimals of 10 to 18 digits were seen to load, INT32 ones were not tried.
        as_integer = column.physical == "INT64" and 10 <= precision <= 18
        as_bytes = column.physical == "FIXED_LEN_BYTE_ARRAY"
        return as_integer or (as_bytes and column.byte_length == least_decimal_bytes(precision))

    return test


def least_decimal_bytes(precision: int) -> int:
    """Give the fewest bytes whose two's complement holds every number of that many digits."""
    largest: int = 10**precision - 1
    bits = largest.bit_length() + 1
    return (bits + 7) // 8
