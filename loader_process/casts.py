"""Which data goes into which column without loss. Pure; one table."""

from shared_protocol import RedshiftType
from shared_protocol.type_table import rule_for

_INTEGERS = ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL")

# What data goes into what columns without loss; where a value may not fit (an int64 into INTEGER)
# each value is tested when it is encoded.
_TAKES: dict[str, tuple[str, ...]] = {
    "bool": ("BOOLEAN",),
    "int16": (*_INTEGERS, "DOUBLE PRECISION"),
    "int32": (*_INTEGERS, "DOUBLE PRECISION"),
    "int64": (*_INTEGERS, "DOUBLE PRECISION"),
    "float": ("REAL", "DOUBLE PRECISION"),
    "double": ("DOUBLE PRECISION",),
    "decimal": ("DECIMAL",),
    "string": ("VARCHAR", "CHAR"),
    "date32": ("DATE", "TIMESTAMP"),
    "timestamp": ("TIMESTAMP",),
    "timestamptz": ("TIMESTAMPTZ",),
    "null": (
        "BOOLEAN", *_INTEGERS, "REAL", "DOUBLE PRECISION", "VARCHAR", "CHAR", "DATE", "TIMESTAMP",
        "TIMESTAMPTZ",
    ),
}  # fmt: skip


# A null is any column's; a uint64 is made a DECIMAL, and goes where integers go.
_SPECIAL = {"null": "null", "uint64": "int64"}


def goes_into(arrow_type: str, column: RedshiftType) -> bool:
    """Whether values of an Arrow type go into a column without loss, or each can be tested.

    Raises:
        UnsupportedTypeError: the type is not in the table of types.
    """
    source = _SPECIAL.get(arrow_type) or _family(rule_for(arrow_type).staged)
    return column.name in _TAKES[source]


def _family(staged: str) -> str:
    if staged.startswith("timestamp"):
        return "timestamptz" if "tz=" in staged else "timestamp"
    return "decimal" if staged.startswith("decimal") else staged.removesuffix("[day]")
