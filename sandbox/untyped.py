"""Names for the values of libraries that ship no types, so that signatures can tell them apart."""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A pyarrow.Array."""
DataType: TypeAlias = Any
"""A pyarrow.DataType."""
RecordBatch: TypeAlias = Any
"""A pyarrow.RecordBatch."""
Table: TypeAlias = Any
"""A pyarrow.Table."""
Schema: TypeAlias = Any
"""A pyarrow.Schema."""
NativeFile: TypeAlias = Any
"""A pyarrow.NativeFile."""
FileSystem: TypeAlias = Any
"""A pyarrow.fs.FileSystem."""
ParquetFile: TypeAlias = Any
"""A pyarrow.parquet.ParquetFile."""
ParquetColumn: TypeAlias = Any
"""A pyarrow.parquet.ColumnSchema."""
S3Client: TypeAlias = Any
"""A boto3 client for S3."""
