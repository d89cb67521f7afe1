"""One materialization in a process of its own, which then prints its peak of memory in MB.

    python -m tests.memory.materialize ROWS SOURCE SCHEMA

SOURCE is a Parquet file of 100,000 rows that is read as often as it takes.
"""

from __future__ import annotations

import json
import os
import resource
import sys

import dagster as dg
import polars as pl

from orchestrator import RedshiftConnection, RedshiftIOManager, S3Staging


def main() -> None:
    rows, source, schema = int(sys.argv[1]), sys.argv[2], sys.argv[3]

    @dg.asset(key_prefix=[schema])
    def many() -> pl.LazyFrame:
        return pl.concat([pl.scan_parquet(source)] * (rows // 100_000))

    manager = RedshiftIOManager(
        connection=RedshiftConnection(
            host=os.environ["REDSHIFT_HOST"],
            port=int(os.environ["REDSHIFT_PORT"]),
            database=os.environ["REDSHIFT_DATABASE"],
            user=os.environ["REDSHIFT_USER"],
            password=os.environ["REDSHIFT_PASSWORD"],
        ),
        staging=S3Staging(bucket=os.environ["SANDBOX_BUCKET"], iam_role="default"),
        rows_per_part=500_000,
    )
    result = dg.materialize([many], resources={"io_manager": manager})
    metadata = result.asset_materializations_for_node("__".join([schema, "many"]))[0].metadata
    told = {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "copied": metadata["rows_copied"].value,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
