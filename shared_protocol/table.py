"""Which table a load goes to, and what its data looks like."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared_protocol.redshift_type import RedshiftType


class WriteMode(StrEnum):
    """What happens to the rows that are there."""

    REPLACE = "replace"
    APPEND = "append"
    UPSERT = "upsert"


class SchemaChange(StrEnum):
    """What happens when the data's columns are not the table's."""

    EVOLVE = "evolve"
    FREEZE = "freeze"
    REBUILD = "rebuild"


class DistStyle(StrEnum):
    """How Redshift spreads a table's rows over its slices (AWS, c_choosing_dist_sort)."""

    AUTO = "auto"
    EVEN = "even"
    KEY = "key"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The target table.

    Attributes:
        schema: its schema.
        name: its name.
        primary_key: the upsert key; no constraint is made of it.
        dist_style: None leaves it to Redshift, and means KEY where ``dist_key`` is set.
        dist_key: the column to distribute by.
        sort_key: the columns to sort by, compound.
        column_types: Redshift types by column name, which win over the ones chosen from the data.
        schema_change: what happens when the data's columns are not the table's.
    """

    schema: str
    name: str
    primary_key: tuple[str, ...] = ()
    dist_style: DistStyle | None = None
    dist_key: str | None = None
    sort_key: tuple[str, ...] = ()
    column_types: dict[str, str] = field(default_factory=dict)
    schema_change: SchemaChange = SchemaChange.EVOLVE

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: says what.
        """
        for column, text in self.column_types.items():
            try:
                RedshiftType.parse(text)
            except ValueError as error:
                raise ValueError(f"column_types[{column!r}]: {error}") from error
        if self.dist_style is DistStyle.KEY and self.dist_key is None:
            raise ValueError("dist_style is 'key', but dist_key names no column")
        if self.dist_key is not None and self.dist_style not in (None, DistStyle.KEY):
            raise ValueError(
                f"dist_key is {self.dist_key!r}, but dist_style is {self.dist_style.value!r}; "
                "a table with a dist_key has the style 'key'"
            )

    @property
    def label(self) -> str:
        """``schema.name``, for a person."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataColumn:
    """One column of the data, as measured while staging.

    Attributes:
        name: as the data has it.
        arrow_type: as ``str(pyarrow.DataType)`` spells it, before staging.
        longest_bytes: the longest value in bytes of UTF-8; None where it was not measured or is no
            string.
        nulls: how many values are null; None where they were not counted.
    """

    name: str
    arrow_type: str
    longest_bytes: int | None = None
    nulls: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column as the table has it.

    Attributes:
        name: as the catalog holds it.
        type: its type, as DDL spells it.
        nullable: whether it takes NULL.
        dist_key: whether rows are distributed by it.
        sort_key: its place in the sort key, from 1; 0 where it is none.
        encoding: its compression; empty where the catalog told none.
        has_default: whether a column that is left out gets a value of its own.
    """

    name: str
    type: str
    nullable: bool = True
    dist_key: bool = False
    sort_key: int = 0
    encoding: str = ""
    has_default: bool = False
