"""What the orchestrator asks of a loader: one load, or one read. No secret is ever in it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared_protocol.partition_slice import PartitionSlice
from shared_protocol.table import DataColumn, Table, WriteMode

MAX_LOAD_KEY_BYTES = 256


class AuthKind(StrEnum):
    """How the loader proves who it is; what it needs for it comes from its environment."""

    PASSWORD = "password"  # noqa: S105  # the name of a method
    IAM = "iam"
    SERVERLESS = "serverless"
    SECRET = "secret"  # noqa: S105  # the name of a method


class FileFormat(StrEnum):
    """What an input file is."""

    PARQUET = "parquet"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Redshift database; a replay against another one is refused.

    Attributes:
        host: name or address; empty where a cluster identifier or workgroup stands for it.
        port: TCP port.
        database: its name.
        user: the database user; empty where the authentication gives one.
        auth: how to log in.
        cluster_identifier: of a provisioned cluster, for ``iam``.
        workgroup: of Redshift Serverless.
    """

    host: str
    database: str
    port: int = 5439
    user: str = ""
    auth: AuthKind = AuthKind.PASSWORD
    cluster_identifier: str = ""
    workgroup: str = ""

    @property
    def label(self) -> str:
        """``host:port/database``, for a person."""
        return (
            f"{self.host or self.workgroup or self.cluster_identifier}:{self.port}/{self.database}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """Where Parquet lies for COPY, or is put by UNLOAD.

    Attributes:
        bucket: in the same Region as the database: COPY of Parquet knows no other.
        prefix: key prefix, without a slash at either end; may be empty.
        iam_role: ``"default"``, or the ARN of the role that Redshift takes on, or several chained
            with commas.
        region: of the bucket; empty leaves it to the environment.
    """

    bucket: str
    iam_role: str
    prefix: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One input file, as it was when the request was written.

    Attributes:
        uri: relative to the staging path (``data/part-00000.parquet``), an absolute local path, or
            ``s3://bucket/key``.
        bytes: its size.
        rows: how many rows it holds; None where they were not counted.
        format: what it is.
        etag: S3's ETag with its quotes; None for a local file.
    """

    uri: str
    bytes: int
    rows: int | None = None
    format: FileFormat = FileFormat.PARQUET
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetOptions:
    """How the loader writes what it has to re-encode.

    Attributes:
        part_bytes: compressed size at which a part is closed, about.
        row_group_rows: rows in a row group: the lever for memory.
        compression: ``"zstd"``, ``"snappy"`` or ``"gzip"``.
    """

    part_bytes: int = 128 * 1024 * 1024
    row_group_rows: int = 122_880
    compression: str = "zstd"

    def __post_init__(self) -> None:
        """Refuse what COPY is not known to read.

        Raises:
            ValueError: says what.
        """
        if self.compression not in ("zstd", "snappy", "gzip"):
            raise ValueError(f"compression {self.compression!r} is none of zstd, snappy, gzip")
        if self.part_bytes < 1 or self.row_group_rows < 1:
            raise ValueError("part_bytes and row_group_rows are at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Which run of Dagster asked, for query labels and logs; all empty outside Dagster."""

    run_id: str = ""
    step_key: str = ""
    retry_number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What the database session is told.

    Attributes:
        query_group: the WLM label of the load's statements; empty sets none.
        statement_timeout_ms: 0 sets none.
        ledger_schema: where the ledger tables lie.
        ledger_days: how long a ledger row is kept.
    """

    query_group: str = ""
    statement_timeout_ms: int = 0
    ledger_schema: str = "redshift_loader"
    ledger_days: int = 90

    def __post_init__(self) -> None:
        """Refuse a ledger that forgets at once.

        Raises:
            ValueError: says what.
        """
        if self.ledger_days < 1 or self.statement_timeout_ms < 0:
            raise ValueError("ledger_days is at least 1, and statement_timeout_ms at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """One load: these files, into these rows of this table.

    Attributes:
        protocol_version: of the writer.
        load_key: the same for every retry of the same work; the ledger's key.
        created_at: when it was written, ISO 8601 in UTC.
        asset_key: its parts; empty for a load that no asset asked for.
        target: the database.
        table: the table.
        write_mode: what happens to the rows that are there.
        slice: the rows that are replaced; None means the whole table.
        inputs: the files, in the order of their rows; nothing else is read.
        columns: the data's columns, in the files' order.
        s3: where Parquet goes, and who may read it.
        parquet: how the loader re-encodes.
        session: what the database session is told.
        run: which run asked.
    """

    protocol_version: int
    load_key: str
    created_at: str
    target: Target
    table: Table
    inputs: tuple[SourceFile, ...]
    columns: tuple[DataColumn, ...]
    s3: S3Location
    slice: PartitionSlice | None = None
    write_mode: WriteMode = WriteMode.REPLACE
    asset_key: tuple[str, ...] = ()
    parquet: ParquetOptions = field(default_factory=ParquetOptions)
    session: SessionOptions = field(default_factory=SessionOptions)
    run: RunInfo = field(default_factory=RunInfo)

    def __post_init__(self) -> None:
        """Refuse a load_key that the ledger or a key of S3 cannot hold, and a time of no zone.

        Raises:
            ValueError: says what.
        """
        if not 1 <= len(self.load_key.encode("utf-8", "replace")) <= MAX_LOAD_KEY_BYTES:
            raise ValueError(f"load_key has 1 to {MAX_LOAD_KEY_BYTES} bytes")
        if datetime.fromisoformat(self.created_at).tzinfo is None:
            raise ValueError("created_at has an offset from UTC")

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The keys whose rows are replaced; empty for a load of a whole table."""
        return tuple(p.key for p in self.slice.partitions) if self.slice else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One read: these columns and rows of this table, to Parquet files beside the request.

    Attributes:
        protocol_version: of the writer.
        read_key: names the UNLOAD's prefix on S3.
        created_at: when it was written, ISO 8601 in UTC.
        asset_key: the asset that is read; empty outside Dagster.
        target: the database.
        table: the table; only its names are used.
        columns: which columns, in this order; None means all, in the table's order.
        slice: which rows; None means all.
        s3: where UNLOAD puts the files, from where they are downloaded and then removed.
        session: what the database session is told.
        run: which run asked.
    """

    protocol_version: int
    read_key: str
    created_at: str
    target: Target
    table: Table
    s3: S3Location
    columns: tuple[str, ...] | None = None
    slice: PartitionSlice | None = None
    asset_key: tuple[str, ...] = ()
    session: SessionOptions = field(default_factory=SessionOptions)
    run: RunInfo = field(default_factory=RunInfo)
