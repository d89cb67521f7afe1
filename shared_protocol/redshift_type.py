"""A Redshift column type as a value, and how it is read from the catalog's spelling."""

import re
from dataclasses import dataclass

MAX_VARCHAR_BYTES = 65_535
MAX_CHAR_BYTES = 4_096
MAX_PRECISION = 38
DEFAULT_VARCHAR_BYTES = 256

# Every spelling that AWS's type pages and format_type() use, to the one that we write.
_SPELLINGS: dict[str, str] = {
    "smallint": "SMALLINT",
    "int2": "SMALLINT",
    "integer": "INTEGER",
    "int": "INTEGER",
    "int4": "INTEGER",
    "bigint": "BIGINT",
    "int8": "BIGINT",
    "real": "REAL",
    "float4": "REAL",
    "double precision": "DOUBLE PRECISION",
    "float8": "DOUBLE PRECISION",
    "float": "DOUBLE PRECISION",
    "decimal": "DECIMAL",
    "numeric": "DECIMAL",
    "boolean": "BOOLEAN",
    "bool": "BOOLEAN",
    "varchar": "VARCHAR",
    "character varying": "VARCHAR",
    "nvarchar": "VARCHAR",
    "text": "VARCHAR",
    "char": "CHAR",
    "character": "CHAR",
    "nchar": "CHAR",
    "bpchar": "CHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp without time zone": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "timestamp with time zone": "TIMESTAMPTZ",
    "time": "TIME",
    "time without time zone": "TIME",
    "timetz": "TIMETZ",
    "time with time zone": "TIMETZ",
    "super": "SUPER",
    "varbyte": "VARBYTE",
    "varbinary": "VARBYTE",
    "binary varying": "VARBYTE",
    "geometry": "GEOMETRY",
    "geography": "GEOGRAPHY",
    "hllsketch": "HLLSKETCH",
}
_FORM = re.compile(
    r"\s*([a-z0-9 ]+?)\s*(?:\(\s*(\d+|max)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedshiftType:
    """A column's type.

    Attributes:
        name: AWS's main spelling, in upper case, such as ``"DOUBLE PRECISION"``.
        length: bytes, of VARCHAR, CHAR and VARBYTE.
        precision: digits, of DECIMAL.
        scale: digits behind the point, of DECIMAL.
    """

    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None

    @classmethod
    def parse(cls, text: str) -> "RedshiftType":
        """Read a type as a user or the catalog writes it, such as ``character varying(32)``.

        Raises:
            ValueError: Redshift has no such type, or its numbers are out of range.
        """
        if text.strip().lower() == "bpchar":
            text = "char(256)"
        match = _FORM.fullmatch(text.lower())
        name = _SPELLINGS.get(" ".join(match[1].lower().split())) if match else None
        if match is None or name is None:
            raise ValueError(f"{text!r} is no Redshift column type")
        first, second = match[2], match[3]
        if name == "DECIMAL" and first != "max":
            return cls._decimal(int(first or 18), int(second or 0), text)
        if second is not None:
            raise ValueError(f"{text!r}: {name} takes one number")
        if name in ("VARCHAR", "CHAR", "VARBYTE"):
            return cls._sized(name, first, text)
        if first is not None:
            raise ValueError(f"{text!r}: {name} takes no length")
        return cls(name=name)

    @classmethod
    def _decimal(cls, precision: int, scale: int, text: str) -> "RedshiftType":
        if not (1 <= precision <= MAX_PRECISION and 0 <= scale <= min(precision, 37)):
            raise ValueError(
                f"{text!r}: a DECIMAL has 1 to 38 digits, and 0 to 37 behind the point"
            )
        return cls(name="DECIMAL", precision=precision, scale=scale)

    @classmethod
    def _sized(cls, name: str, size: str | None, text: str) -> "RedshiftType":
        most = {"VARCHAR": MAX_VARCHAR_BYTES, "CHAR": MAX_CHAR_BYTES, "VARBYTE": 16_777_216}[name]
        default = {"VARCHAR": DEFAULT_VARCHAR_BYTES, "CHAR": 1, "VARBYTE": 64_000}[name]
        length = default if size is None else most if size == "max" else int(size)
        if not 1 <= length <= most:
            raise ValueError(f"{text!r}: a {name} has 1 to {most} bytes")
        return cls(name=name, length=length)

    def __str__(self) -> str:
        """Spell the type as DDL does."""
        if self.precision is not None:
            return f"{self.name}({self.precision},{self.scale})"
        return self.name if self.length is None else f"{self.name}({self.length})"
