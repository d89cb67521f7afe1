"""Messages to test with: one small one of each kind, and strategies that draw any."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_type_hints

from hypothesis import strategies as st

from shared_protocol import (
    PROTOCOL_VERSION,
    DataColumn,
    DimensionKind,
    DistStyle,
    Failure,
    LoadReport,
    LoadRequest,
    Outcome,
    ParquetOptions,
    PartitionSlice,
    ReadReport,
    ReadRequest,
    S3Location,
    SessionOptions,
    SliceDimension,
    SlicePartition,
    SliceValue,
    SourceFile,
    Table,
    Target,
)

T = TypeVar("T")


def load_request(**changes: Any) -> LoadRequest:
    """A small load of one file into ``public.flights``."""
    values: dict[str, Any] = {
        "protocol_version": PROTOCOL_VERSION,
        "load_key": "run-1:flights",
        "created_at": "2013-02-01T00:00:00+00:00",
        "target": Target(host="localhost", database="dev"),
        "table": Table(schema="public", name="flights"),
        "inputs": (SourceFile(uri="data/part-00000.parquet", bytes=10, rows=2),),
        "columns": (DataColumn(name="carrier", arrow_type="string", longest_bytes=2, nulls=0),),
        "s3": S3Location(bucket="staging", iam_role="default"),
        "slice": month_slice("2013-01-01", "2013-02-01"),
    }
    return LoadRequest(**values | changes)


def read_request(**changes: Any) -> ReadRequest:
    """A small read of two columns of ``public.flights``."""
    values: dict[str, Any] = {
        "protocol_version": PROTOCOL_VERSION,
        "read_key": "run-1:summary",
        "created_at": "2013-02-01T00:00:00+00:00",
        "target": Target(host="localhost", database="dev"),
        "table": Table(schema="public", name="flights"),
        "s3": S3Location(bucket="staging", iam_role="default"),
        "columns": ("carrier", "dep_delay"),
    }
    return ReadRequest(**values | changes)


def month_slice(start: str, end: str) -> PartitionSlice:
    """One month of flights, its window in UTC."""
    return PartitionSlice(
        dimensions=(SliceDimension(expression="flight_date", kind=DimensionKind.TIME),),
        partitions=(
            SlicePartition(
                key=start,
                values=(
                    SliceValue(
                        key=start, start=f"{start}T00:00:00+00:00", end=f"{end}T00:00+00:00"
                    ),
                ),
            ),
        ),
    )


def any_of(cls: type[T], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Draw instances of a dataclass with every field filled, the ``known`` ones as told."""
    hints = get_type_hints(cls)
    drawn = {field.name: st.from_type(hints[field.name]) for field in fields(cls)}  # type: ignore[arg-type]
    return st.builds(cls, **drawn | known)


SECONDS = st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False), max_size=3)
COLUMN_TYPES = st.sampled_from(["VARCHAR(32)", "decimal(10,2)", "timestamp", "super"])


@st.composite
def slices(draw: st.DrawFn) -> PartitionSlice:
    """Draw a slice with one or two dimensions, keys and time windows mixed."""
    dimensions = draw(
        st.lists(any_of(SliceDimension, time_zone=st.just("UTC")), min_size=1, max_size=2)
    )
    keys = draw(st.lists(st.text(), min_size=1, max_size=3, unique=True))
    values = st.tuples(*(_slice_values(dimension.kind) for dimension in dimensions))
    return PartitionSlice(
        dimensions=tuple(dimensions),
        partitions=tuple(SlicePartition(key=key, values=draw(values)) for key in keys),
    )


@st.composite
def _slice_values(draw: st.DrawFn, kind: DimensionKind) -> SliceValue:
    key = draw(st.text())
    if kind is DimensionKind.KEYS:
        return SliceValue(key=key)
    start = datetime(2013, 1, 1, tzinfo=UTC) + draw(
        st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9999))
    )
    end = start + draw(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(99)))
    return SliceValue(key=key, start=start.isoformat(), end=end.isoformat())


TABLES = any_of(
    Table,
    column_types=st.dictionaries(st.text(), COLUMN_TYPES, max_size=2),
    dist_style=st.sampled_from([None, DistStyle.KEY]),
    dist_key=st.text(),
) | any_of(
    Table,
    column_types=st.just({}),
    dist_style=st.sampled_from([None, DistStyle.AUTO, DistStyle.EVEN, DistStyle.ALL]),
    dist_key=st.none(),
)
PARQUET_OPTIONS = any_of(
    ParquetOptions,
    part_bytes=st.integers(min_value=1),
    row_group_rows=st.integers(min_value=1),
    compression=st.sampled_from(["zstd", "snappy", "gzip"]),
)
SESSION_OPTIONS = any_of(
    SessionOptions,
    ledger_days=st.integers(min_value=1),
    statement_timeout_ms=st.integers(min_value=0),
)
LOAD_REQUESTS = any_of(
    LoadRequest,
    load_key=st.text(min_size=1, max_size=60),
    created_at=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    table=TABLES,
    slice=st.none() | slices(),
    parquet=PARQUET_OPTIONS,
    session=SESSION_OPTIONS,
)
READ_REQUESTS = any_of(
    ReadRequest, table=TABLES, slice=st.none() | slices(), session=SESSION_OPTIONS
)
OUTCOMES = st.one_of(
    any_of(Outcome, loaded=any_of(LoadReport, seconds=SECONDS), read=st.none(), failed=st.none()),
    any_of(Outcome, loaded=st.none(), read=any_of(ReadReport, seconds=SECONDS), failed=st.none()),
    any_of(Outcome, loaded=st.none(), read=st.none(), failed=any_of(Failure)),
)
