"""Memory does not grow with the data: eight times the rows, about the same peak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from loader_process.encode import encoded
from loader_process.s3 import ObjectStore
from loader_process.sources import SourceReader
from sandbox import Sandbox
from shared_protocol import ParquetOptions, Phase, SourceFile, Table
from tests.loader.staging import stage

FEW, MANY = 500_000, 4_000_000


def run(*command: str) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_lazy_frame_of_eight_times_the_rows_takes_about_the_same_memory(
    box: Sandbox, schema: str, tmp_path: Path
) -> None:
    source = tmp_path / "source.parquet"
    numbers = pl.int_range(100_000, eager=True)
    text = "value number " + pl.col("n").cast(pl.String)
    pl.DataFrame({"n": numbers, "x": numbers * 0.1}).with_columns(s=text).write_parquet(source)
    module = ("-m", "tests.memory.materialize")
    few = run(*module, str(FEW), str(source), schema)
    many = run(*module, str(MANY), str(source), f"{schema}_many")
    assert (few["copied"], many["copied"]) == (FEW, MANY)
    # Held whole, the 3.5 million rows more would be 130 MB and more.
    assert many["peak"] < few["peak"] + 100, (few, many)


# A process takes over the peak of the one that forked it, so that a small one starts the loader.
_MEASURED = """
import json, resource, subprocess, sys
subprocess.run([sys.executable, "-m", "loader_process", "load", sys.argv[1]], check=True)
print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}))
"""


def test_a_load_of_eight_times_the_parts_takes_about_the_same_memory(
    box: Sandbox, schema: str, tmp_path: Path
) -> None:
    found = {}
    for count in (2, 16):
        part = pa.table({"n": pa.array(range(250_000)), "x": pa.array([0.5] * 250_000)})
        path = tmp_path / str(count)
        stage(path, box.environ, Table(schema=schema, name=f"t{count}"), *([part] * count))
        found[count] = run("-c", _MEASURED, str(path))["peak"]
    assert found[16] < found[2] + 40, found


def test_encoding_anew_holds_a_row_group_and_not_the_file(tmp_path: Path) -> None:
    source = tmp_path / "foreign.parquet"
    schema = pa.schema([("n", pa.uint32()), ("s", pa.string())])
    with pq.ParquetWriter(source, schema, compression="brotli", compression_level=1) as writer:
        for start in range(0, MANY, 250_000):
            numbers = pa.array(range(start, start + 250_000), pa.uint32())
            writer.write_table(pa.table([numbers, numbers.cast(pa.string())], schema=schema))
    reader = SourceReader(ObjectStore(region="", phase=Phase.CHECK), tmp_path)
    checked = reader.check(SourceFile(uri=str(source), bytes=source.stat().st_size))
    pool = pa.system_memory_pool()
    pa.set_memory_pool(pool)
    try:
        parts = list(
            encoded(
                reader,
                checked,
                (("n", "int64"), ("s", "string")),
                options=ParquetOptions(part_bytes=4_000_000),
                folder=tmp_path,
                first_part=0,
            )
        )
    finally:
        pa.set_memory_pool(pa.default_memory_pool())
    assert sum(part.rows for part in parts) == MANY
    assert len(parts) > 2
    # The rows are 80 MB as Arrow; a row group of 122,880 and the batches around it are 8.
    assert pool.max_memory() < 60_000_000
