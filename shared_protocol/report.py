"""What a loader did, as data."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared_protocol.failure import Failure
from shared_protocol.table import TableColumn


class LoadStatus(StrEnum):
    """How a load ended well."""

    LOADED = "loaded"
    ALREADY_LOADED = "already_loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Rows of one load.

    Attributes:
        staged: in the input files, by their footers.
        deleted: removed from the slice, as Redshift counted.
        copied: put in by COPY, as Redshift counted.
        in_table: in the whole table after the load, as Redshift counted in the load's transaction.
    """

    staged: int
    deleted: int
    copied: int
    in_table: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRows:
    """How many rows a partition has after the load, as Redshift counted."""

    key: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """A load that is committed.

    Attributes:
        protocol_version: of the writer.
        load_key: of the request.
        attempt_id: of the loader that committed.
        status: loaded now, or found in the ledger.
        database: the database's name.
        schema: the table's schema.
        table: the table's name.
        rows: the counts.
        partitions: rows of each partition, in the request's order; empty for a whole table.
        files: how many files COPY read.
        bytes: their size.
        reencoded_files: how many input files had to be encoded anew.
        columns: the table's columns after the load.
        schema_changes: the statements that made or altered the table.
        copy_sql: the COPY statement; empty where there was nothing to copy.
        query_ids: Redshift's ids of the COPY.
        seconds: wall time by phase.
        warnings: what a person should know although the load succeeded.
        committed_at: ISO 8601 in UTC.
        requested_at: when the request was written, ISO 8601 in UTC; tells one staging of the same
            work from another.
    """

    protocol_version: int
    load_key: str
    attempt_id: str
    status: LoadStatus
    database: str
    schema: str
    table: str
    rows: RowCounts
    committed_at: str
    requested_at: str = ""
    partitions: tuple[PartitionRows, ...] = ()
    files: int = 0
    bytes: int = 0
    reencoded_files: int = 0
    columns: tuple[TableColumn, ...] = ()
    schema_changes: tuple[str, ...] = ()
    copy_sql: str = ""
    query_ids: tuple[int, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """One Parquet file that a read brought: path relative to the read path, rows, bytes."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """A read that is complete.

    Attributes:
        protocol_version: of the writer.
        read_key: of the request.
        attempt_id: of the loader.
        database: the database's name.
        schema: the table's schema.
        table: the table's name.
        rows: as Redshift counted; the files' footers agree.
        bytes: of the files.
        files: in UNLOAD's order; empty when no row matched.
        columns: the columns read, as the table has them: UNLOAD loses some types, so that the
            reader casts by these.
        unload_sql: the UNLOAD statement.
        query_ids: Redshift's ids.
        seconds: wall time by phase.
        warnings: what a person should know.
    """

    protocol_version: int
    read_key: str
    attempt_id: str
    database: str
    schema: str
    table: str
    rows: int
    bytes: int
    files: tuple[ReadFile, ...]
    columns: tuple[TableColumn, ...]
    unload_sql: str = ""
    query_ids: tuple[int, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attempt's ``report.json`` holds: exactly one of the three."""

    protocol_version: int
    loaded: LoadReport | None = None
    read: ReadReport | None = None
    failed: Failure | None = None

    def __post_init__(self) -> None:
        """Refuse an outcome of nothing, or of two things.

        Raises:
            ValueError: not exactly one is set.
        """
        if sum(part is not None for part in (self.loaded, self.read, self.failed)) != 1:
            raise ValueError("an outcome is exactly one of loaded, read and failed")
