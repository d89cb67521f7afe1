"""What orchestrator and loader agree on. Standard library only.

A load is a :class:`LoadRequest` under a staging path, and ends as a :class:`LoadReport` or a
:class:`Failure`; a read is a :class:`ReadRequest` and a :class:`ReadReport`.
"""

from shared_protocol.failure import (
    ErrorCode,
    ExitCode,
    Failure,
    FailureError,
    LoadErrorRow,
    Phase,
    refuse,
)
from shared_protocol.partition_slice import (
    DimensionKind,
    PartitionSlice,
    SliceDimension,
    SlicePartition,
    SliceValue,
)
from shared_protocol.redshift_type import RedshiftType
from shared_protocol.report import (
    LoadReport,
    LoadStatus,
    Outcome,
    PartitionRows,
    ReadFile,
    ReadReport,
    RowCounts,
)
from shared_protocol.request import (
    AuthKind,
    FileFormat,
    LoadRequest,
    ParquetOptions,
    ReadRequest,
    RunInfo,
    S3Location,
    SessionOptions,
    SourceFile,
    Target,
)
from shared_protocol.table import (
    DataColumn,
    DistStyle,
    SchemaChange,
    Table,
    TableColumn,
    WriteMode,
)
from shared_protocol.version import PROTOCOL_VERSION, check_version

__all__ = [
    "PROTOCOL_VERSION",
    "AuthKind",
    "DataColumn",
    "DimensionKind",
    "DistStyle",
    "ErrorCode",
    "ExitCode",
    "Failure",
    "FailureError",
    "FileFormat",
    "LoadErrorRow",
    "LoadReport",
    "LoadRequest",
    "LoadStatus",
    "Outcome",
    "ParquetOptions",
    "PartitionRows",
    "PartitionSlice",
    "Phase",
    "ReadFile",
    "ReadReport",
    "ReadRequest",
    "RedshiftType",
    "RowCounts",
    "RunInfo",
    "S3Location",
    "SchemaChange",
    "SessionOptions",
    "SliceDimension",
    "SlicePartition",
    "SliceValue",
    "SourceFile",
    "Table",
    "TableColumn",
    "Target",
    "WriteMode",
    "check_version",
    "refuse",
]
