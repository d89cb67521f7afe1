"""What has to be the same, compared; each difference is one sentence.

Pure functions: values in, sentences out.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from examples.nyc_flights.loads import Load
from examples.nyc_flights.warehouse import TableState


def count_differences(expected: Mapping[str, int], found: Mapping[str, TableState]) -> list[str]:
    """Compare the rows of each table with the rows of its source."""
    return [
        f"{table} has {found[table].rows:,} rows in Redshift, and its source has {rows:,}."
        for table, rows in expected.items()
        if found[table].rows != rows
    ]


def pass_differences(
    first: Mapping[str, TableState], second: Mapping[str, TableState]
) -> list[str]:
    """Compare each table after the first pass with the same table after the second."""
    differences = []
    for table, before in first.items():
        after = second[table]
        if before.rows != after.rows:
            differences.append(
                f"{table} had {before.rows:,} rows after the first pass, and {after.rows:,} after "
                "the second."
            )
        elif before.checksum != after.checksum:
            differences.append(
                f"{table} has as many rows after the second pass as after the first, but other "
                f"ones: checksum {before.checksum:,} became {after.checksum:,}."
            )
    return differences


def report_differences(expected: Mapping[str, int], loads: Sequence[Load]) -> list[str]:
    """Compare what each load reported with the rows of its source."""
    return [
        f"The load of {load.asset} reports {count:,} rows {what}, and its source has "
        f"{expected[load.asset]:,}."
        for load in loads
        for what, count in (
            ("staged", load.staged),
            ("copied", load.copied),
            ("in the table", load.in_table),
        )
        if count != expected[load.asset]
    ]


def partition_differences(expected: Mapping[str, int], load: Load) -> list[str]:
    """Compare the rows that a load reports for each of its partitions with their source."""
    return [
        f"{load.asset} of {key} has {load.rows_by_partition.get(key, 0):,} rows, and its source "
        f"has {expected.get(key, 0):,}."
        for key in sorted({*expected, *load.rows_by_partition})
        if load.rows_by_partition.get(key, 0) != expected.get(key, 0)
    ]


def frame_differences(what: str, expected: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    """Compare a frame that was read back with its source: columns, types, and every value."""
    if expected.schema != found.schema:
        return [
            f"{what} has {column} as {found.schema.get(column)} in Redshift, and as "
            f"{expected.schema.get(column)} in its source."
            for column in {**expected.schema, **found.schema}
            if expected.schema.get(column) != found.schema.get(column)
        ] or [f"{what} has its columns in another order than its source."]
    if expected.height != found.height:
        return [f"{what} has {found.height:,} rows read back, and {expected.height:,} at source."]
    # A table has no order of its own.
    expected, found = (frame.sort(pl.all()) for frame in (expected, found))
    return [
        f"{what} has other values in {column} than its source."
        for column in expected.columns
        if not expected[column].equals(found[column], null_equal=True)
    ]
