"""The carrying out of an UNLOAD: from a query's rows to Parquet files on S3."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import INTERNAL, RedshiftError, unsupported
from .tokens import quote_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .session import Session
    from .unload_command import UnloadCommand
    from .untyped import DataType, NativeFile, Schema, Table

SLICES = 2
"""Parts of the cluster that write files of their own when PARALLEL is on."""

_NUMERIC = 1700
_TIMESTAMPTZ = 1184
REFUSED = {17: "VARBYTE", 1083: "TIME", 1266: "TIMETZ", 1186: "INTERVAL"}
"""Type OIDs that UNLOAD does not write as Parquet (AWS: r_UNLOAD for VARBYTE; nothing is published
of the others)."""

_BASE_TYPES = {
    16: "boolean", 20: "bigint", 21: "smallint", 23: "integer", 700: "real",
    701: "double precision", 1082: "date", 1114: "timestamp without time zone",
    1184: "timestamp with time zone", 1700: "numeric", 1042: "character", 114: "super",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumn:
    """A column of the result: its name, type OID, precision and scale."""

    name: str
    oid: int
    modifier: int
    precision: int = 38
    scale: int = 0

    def arrow(self) -> DataType:
        """Give the type of the Parquet column."""
        import pyarrow as pa

        if self.oid == _NUMERIC:
            return pa.decimal128(self.precision, self.scale)
        plain = {
            16: pa.bool_(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 26: pa.int64(),
            700: pa.float32(), 701: pa.float64(), 1082: pa.date32(),
            1114: pa.timestamp("us"), 1184: pa.timestamp("us"),
        }  # fmt: skip
        return plain.get(self.oid, pa.string())

    def manifest_element(self) -> dict[str, Any]:
        """Give its entry in a manifest's `schema.elements`."""
        kind: dict[str, Any] = {"base": _BASE_TYPES.get(self.oid, "character varying")}
        if self.oid == _NUMERIC:
            kind |= {"precision": self.precision, "scale": self.scale}
        if self.oid in (1042, 1043):
            kind |= {"max_length": self.modifier - 4 if self.modifier > 4 else 65535}
        return {"name": self.name, "type": kind}


@dataclass
class _Part:
    """A file that is being written."""

    url: str
    sink: NativeFile
    writer: Any
    rows: int = 0


@dataclass
class _Slice:
    """A slice's files, one after the other."""

    number: int
    parts: list[_Part] = field(default_factory=list)
    is_open: bool = False


class Unload:
    """One run of an UNLOAD.

    Args:
        command: What to write where.
        session: The session that asked; its uncommitted rows and temporary tables are seen.
    """

    def __init__(self, command: UnloadCommand, session: Session) -> None:
        self._command = command
        self._session = session
        self._storage = session.cluster.storage
        self._slices = [_Slice(n) for n in range(SLICES if command.parallel else 1)]
        self._columns: list[OutputColumn] = []
        self._rows = 0

    def run(self) -> None:
        """Write the files.

        Raises:
            RedshiftError: Redshift would refuse.
            BackendError: The query failed.
        """
        self._columns = self._describe()
        self._check_destination()
        try:
            for table in self._tables():
                self._spread(table)
        finally:
            for one in self._slices:
                self._close_part(one)
        if self._command.manifest and self._rows:
            self._write_manifest()
        self._session.counters.unload_count = self._rows
        self._session.say(f"UNLOAD completed, {self._rows} record(s) unloaded successfully.")

    # -- the query

    def _describe(self) -> list[OutputColumn]:
        columns = []
        for name, oid, modifier in self._session.backend.describe(self._command.query):
            if oid in REFUSED:
                raise unsupported(
                    f'{REFUSED[oid]} column "{name}" is not supported for UNLOAD to PARQUET'
                )
            precision, scale = 38, 0
            if oid == _NUMERIC and modifier > 0:
                precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0xFFFF
            columns.append(
                OutputColumn(
                    name=name, oid=oid, modifier=modifier, precision=precision, scale=scale
                )
            )
        return [self._with_scale(at, column) for at, column in enumerate(columns)]

    def _with_scale(self, at: int, column: OutputColumn) -> OutputColumn:
        """Find the scale of an expression whose type does not say it (PostgreSQL's sum, say)."""
        if column.oid != _NUMERIC or column.modifier > 0:
            return column
        names = ", ".join(f"c{i}" for i in range(at + 1))
        found = self._session.backend.run(
            f"SELECT coalesce(max(scale(c{at})), 0) FROM ({self._command.query}) q({names})"  # noqa: S608
        )
        scale = min(int(found[0][0] or 0), 37)
        return OutputColumn(name=column.name, oid=column.oid, modifier=column.modifier, scale=scale)

    def _copy_statement(self) -> str:
        names = [quote_name(f"c{at}") for at in range(len(self._columns))]
        chosen = [
            f"{name} AT TIME ZONE 'UTC'" if column.oid == _TIMESTAMPTZ else name
            for name, column in zip(names, self._columns, strict=True)
        ]
        query = f"SELECT {', '.join(chosen)} FROM ({self._command.query}) q({', '.join(names)})"  # noqa: S608
        return f"COPY ({query}) TO STDOUT (FORMAT CSV)"

    def _tables(self) -> Iterator[Table]:
        """Give the result in tables of some megabytes; a chunk of COPY ends with a whole row."""
        import pyarrow as pa
        from pyarrow import csv

        names = [f"c{at}" for at in range(len(self._columns))]
        types = {name: column.arrow() for name, column in zip(names, self._columns, strict=True)}
        schema = pa.schema([(column.name, column.arrow()) for column in self._columns])
        convert = csv.ConvertOptions(
            column_types=types, null_values=[""], true_values=["t"], false_values=["f"],
            strings_can_be_null=True, quoted_strings_can_be_null=False,
        )  # fmt: skip
        parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
        size = min(self._command.row_group_bytes, self._command.file_bytes)
        read = csv.ReadOptions(column_names=names, block_size=2 * size)
        for chunk in _chunks(self._session.backend.copy_out(self._copy_statement()), size):
            table = csv.read_csv(io.BytesIO(chunk), read, parse, convert)
            yield pa.Table.from_arrays(table.columns, schema=schema)

    # -- the files

    def _check_destination(self) -> None:
        existing = self._storage.objects(self._command.destination)
        if existing and self._command.clean:
            self._storage.delete(existing)
        elif existing and not self._command.overwrite:
            # Seen on a real Redshift.
            raise RedshiftError(
                INTERNAL,
                "Specified unload destination on S3 is not empty. Consider using a different bucket"
                " / prefix, manually removing the target files in S3, or using the ALLOWOVERWRITE"
                " option.",
            )

    def _spread(self, table: Table) -> None:
        """Give every slice its share of some rows."""
        self._rows += table.num_rows
        share = -(-table.num_rows // len(self._slices))
        for one in self._slices:
            rows = table.slice(one.number * share, share)
            if rows.num_rows:
                self._write(one, rows)

    def _write(self, one: _Slice, rows: Table) -> None:
        if not one.is_open:
            self._open_part(one, rows.schema)
        part = one.parts[-1]
        part.writer.write_table(rows)
        part.rows += rows.num_rows
        if part.sink.tell() >= self._command.file_bytes:
            self._close_part(one)

    def _open_part(self, one: _Slice, schema: Schema) -> None:
        import pyarrow.parquet as pq

        number = len(one.parts)
        name = (
            f"{one.number:04d}_part_{number:02d}.parquet"
            if self._command.parallel
            else f"{number:03d}.parquet"
        )
        sink = self._storage.open_output(self._command.destination + name)
        writer = pq.ParquetWriter(
            sink,
            schema,
            compression="snappy",
            use_deprecated_int96_timestamps=True,
            store_schema=False,
        )
        one.parts.append(_Part(self._command.destination + name, sink, writer))
        one.is_open = True

    def _close_part(self, one: _Slice) -> None:
        if one.is_open:
            one.is_open = False
            one.parts[-1].writer.close()
            one.parts[-1].sink.close()

    def _write_manifest(self) -> None:
        entries, total = [], 0
        for part in (part for one in self._slices for part in one.parts):
            found = self._storage.find(part.url)
            size = found.size if found else 0
            total += size
            entries.append(
                {"url": part.url, "meta": {"content_length": size, "record_count": part.rows}}
            )
        manifest: dict[str, Any] = {"entries": entries}
        if self._command.verbose:
            manifest["schema"] = {
                "elements": [column.manifest_element() for column in self._columns]
            }
            manifest["meta"] = {"content_length": total, "record_count": self._rows}
            manifest["author"] = {"name": "Amazon Redshift", "version": "1.0.0"}
        data = json.dumps(manifest, indent=2).encode()
        self._storage.write(self._command.destination + "manifest", data)


def _chunks(rows: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Join rows to chunks of at least `size` bytes; each becomes a row group in every slice."""
    held = bytearray()
    for some in rows:
        held += some
        if len(held) >= size:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
