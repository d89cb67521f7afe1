"""Which Parquet goes to COPY as it is, and why the rest does not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader_process.footer import least_decimal_bytes, misfits, read_footer


def reason(path: Path, **wanted: str) -> str:
    with path.open("rb") as file:
        return misfits(read_footer(file), tuple(wanted.items()))


def written(folder: Path, table: pa.Table, **options: Any) -> Path:
    path = folder / "x.parquet"
    pq.write_table(table, path, **options)
    return path


PLAIN: dict[str, pa.Array] = {
    "bool": pa.array([True, None]),
    "int16": pa.array([1, None], pa.int16()),
    "int32": pa.array([1, None], pa.int32()),
    "int64": pa.array([1, None], pa.int64()),
    "float": pa.array([1, None], pa.float32()),
    "double": pa.array([1, None], pa.float64()),
    "string": pa.array(["a", None]),
    "date32[day]": pa.array([dt.date(2024, 1, 1), None]),
    "timestamp[us]": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("us")),
    "timestamp[us, tz=UTC]": pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")),
    "decimal128(5, 2)": pa.array([1, None], pa.decimal128(5, 2)),
    "decimal128(18, 2)": pa.array([1, None], pa.decimal128(18, 2)),
    "decimal128(30, 2)": pa.array([1, None], pa.decimal128(30, 2)),
}


@pytest.mark.parametrize("staged", PLAIN)
@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "none"])
def test_what_pyarrow_writes_plainly_fits(tmp_path: Path, staged: str, codec: str) -> None:
    path = written(tmp_path, pa.table({"c": PLAIN[staged]}), compression=codec)
    assert reason(path, c=staged) == ""


@pytest.mark.parametrize("staged", [name for name in PLAIN if not name.startswith("decimal")])
def test_what_polars_writes_fits(tmp_path: Path, staged: str) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame(pa.table({"c": PLAIN[staged]})).write_parquet(path)
    assert reason(path, c=staged) == ""


@pytest.mark.parametrize(
    ("precision", "fits"),
    [(5, False), (10, True), (18, True), (19, True), (30, True), (38, True)],
)
def test_a_decimal_of_polars_fits_unless_it_is_stored_as_int32(
    tmp_path: Path, precision: int, fits: bool
) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"c": [1, None]}, schema={"c": pl.Decimal(precision, 2)}).write_parquet(path)
    assert (reason(path, c=f"decimal128({precision}, 2)") == "") is fits


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"compression": "brotli"}, "codec is BROTLI"),
        ({"compression": "lz4"}, "codec is LZ4"),
        ({"data_page_version": "2.0"}, "data pages are of version 2"),
        (
            {"use_dictionary": False, "column_encoding": {"c": "DELTA_BINARY_PACKED"}},
            "DELTA_BINARY_PACKED",
        ),
    ],
)
def test_storage_that_no_source_names_is_not_sent(
    tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    path = written(tmp_path, pa.table({"c": pa.array(range(100), pa.int64())}), **options)
    assert says in reason(path, c="int64")


@pytest.mark.parametrize(
    ("values", "staged"),
    [
        (pa.array([1], pa.int64()), "int32"),
        (pa.array([1], pa.int32()), "int64"),
        (pa.array([1], pa.uint32()), "int64"),
        (pa.array([1], pa.uint16()), "int32"),
        (pa.array([1], pa.int32()), "int16"),
        (pa.array([1.0], pa.float32()), "double"),
        (pa.array([b"x"]), "string"),
        (pa.array([1], pa.timestamp("ns")), "timestamp[us]"),
        (pa.array([1], pa.timestamp("ms")), "timestamp[us]"),
        (pa.array([1], pa.timestamp("us")), "timestamp[us, tz=UTC]"),
        (pa.array([1], pa.timestamp("us", "UTC")), "timestamp[us]"),
        (pa.array([1], pa.decimal128(18, 2)), "decimal128(18, 3)"),
        (pa.array([[1]]), "int64"),
        (pa.array([{"a": 1}]), "int64"),
    ],
    ids=str,
)
def test_another_form_than_the_columns_is_not_sent(
    tmp_path: Path, values: pa.Array, staged: str
) -> None:
    assert "is to be" in reason(written(tmp_path, pa.table({"c": values})), c=staged)


def test_another_order_or_name_is_not_sent(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"a": [1], "b": [2]}))
    assert reason(path, a="int64", b="int64") == ""
    assert "in that order" in reason(path, b="int64", a="int64")


def test_a_file_without_a_row_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"c": pa.array([], pa.int64())}))
    assert reason(path, c="int64") == ""


def test_the_bytes_of_a_decimal() -> None:
    """The table of Apache Parquet's format: digits that fit in so many bytes."""
    most_digits = {1: 2, 2: 4, 3: 6, 4: 9, 5: 11, 6: 14, 7: 16, 8: 18, 9: 21, 12: 28, 16: 38}
    for size, digits in most_digits.items():
        assert least_decimal_bytes(digits) == size
    for digits in range(1, 39):
        size = least_decimal_bytes(digits)
        assert 10**digits - 1 <= 2 ** (8 * size - 1) - 1
        assert size == 1 or 10**digits - 1 > 2 ** (8 * (size - 1) - 1) - 1


def test_a_dot_in_a_name_is_no_nesting(tmp_path: Path) -> None:
    assert (
        reason(
            written(tmp_path, pa.table({"a.b": [1], "a": [2]})), **{"a.b": "int64", "a": "int64"}
        )
        == ""
    )


def test_the_pages_of_the_first_group_with_a_row_tell(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    schema = pa.schema([("c", pa.int64())])
    with pq.ParquetWriter(path, schema, data_page_version="2.0") as writer:
        writer.write_table(schema.empty_table())
        writer.write_table(pa.table({"c": pa.array(range(10), pa.int64())}))
    assert "version 2" in reason(path, c="int64")
