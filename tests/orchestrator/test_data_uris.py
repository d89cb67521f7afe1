"""Data URIs stand for exactly the files that they name."""

import uuid

import polars as pl
import pytest

from orchestrator.data_uris import is_data_uris, list_data_uris
from shared_protocol import ErrorCode, FailureError, FileFormat

FRAME = pl.DataFrame({"n": [1, 2], "s": ["a", None]})


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    FRAME.write_parquet(path)
    return path


def refusal(uris):
    with pytest.raises(FailureError) as caught:
        list_data_uris(uris)
    return caught.value.failure


def test_a_local_folder_is_all_its_files_but_the_hidden_ones(tmp_path):
    for name in ("b.parquet", "deep/a.parquet"):
        write(tmp_path / name)
    for name in ("_SUCCESS", ".b.parquet.crc", "_temporary/c.parquet", ".spark/d.parquet"):
        write(tmp_path / name)
    files, columns = list_data_uris(tmp_path)
    assert [file.uri for file in files] == [
        str(tmp_path / n) for n in ("b.parquet", "deep/a.parquet")
    ]
    assert [(c.name, c.arrow_type) for c in columns] == [("n", "int64"), ("s", "large_string")]
    assert files[0].bytes == (tmp_path / "b.parquet").stat().st_size
    assert files[0].rows is None
    assert list_data_uris(f"{tmp_path}/")[0] == files


def test_a_list_keeps_its_order_and_a_file_named_outright_may_be_hidden(tmp_path):
    uris = [str(write(tmp_path / "_b.parquet")), write(tmp_path / "a.parquet")]
    assert [file.uri for file in list_data_uris(uris)[0]] == [str(uri) for uri in uris]


@pytest.mark.parametrize("suffix", ["arrow", "feather", "ipc"])
def test_arrow_files_and_streams_are_told_by_their_names(tmp_path, suffix):
    FRAME.write_ipc(tmp_path / f"file.{suffix}")
    FRAME.write_ipc_stream(tmp_path / f"stream.{suffix}")
    for kind in ("file", "stream"):
        (file,), columns = list_data_uris(tmp_path / f"{kind}.{suffix}")
        assert file.format is FileFormat.ARROW
        assert [c.name for c in columns] == ["n", "s"]


@pytest.mark.parametrize(
    ("name", "uri", "code", "said"),
    [
        ("a.csv", "", ErrorCode.NOT_SUPPORTED, "neither Parquet"),
        ("day=1/a.parquet", "", ErrorCode.NOT_SUPPORTED, "Hive partition 'day=1'"),
        ("_delta_log/0.json", "", ErrorCode.NOT_SUPPORTED, "Delta Lake"),
        ("_SUCCESS", "", ErrorCode.INPUT_MISSING, "names no file"),
        ("a.parquet", "b.parquet", ErrorCode.INPUT_MISSING, "names no file"),
        ("a.parquet", "a.parquet/", ErrorCode.INPUT_MISSING, "names no file"),
    ],
)
def test_what_is_not_plainly_data_is_refused(tmp_path, name, uri, code, said):
    write(tmp_path / name)
    failure = refusal(f"{tmp_path}/{uri}")
    assert failure.code is code
    assert said in failure.message


def test_one_hive_partition_may_be_named_as_a_folder(tmp_path):
    write(tmp_path / "day=1" / "a.parquet")
    assert len(list_data_uris(tmp_path / "day=1")[0]) == 1


def test_other_stores_no_uri_and_the_same_file_twice_are_refused(tmp_path):
    assert refusal("gs://bucket/a.parquet").code is ErrorCode.NOT_SUPPORTED
    assert refusal([]).code is ErrorCode.INPUT_MISSING
    path = write(tmp_path / "a.parquet")
    assert "twice" in refusal([path, tmp_path]).message


def test_a_file_that_is_torn_or_of_a_type_without_a_home_is_refused(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    assert refusal(tmp_path / "torn.parquet").code is ErrorCode.INPUT_UNREADABLE
    pl.DataFrame({"l": [[1]]}).write_parquet(tmp_path / "list.parquet")
    assert "Column 'l'" in refusal(tmp_path / "list.parquet").message


def test_a_folder_on_s3_is_never_a_bare_prefix(box, s3, tmp_path):
    path, folder = write(tmp_path / "a.parquet"), f"uris/{uuid.uuid4().hex}"
    for name in ("day=1/a.parquet", "day=1/deep/b.parquet", "day=10/c.parquet", "day=1/_SUCCESS"):
        s3.upload_file(str(path), box.s3.bucket, f"{folder}/{name}")
    base = f"s3://{box.s3.bucket}/{folder}"
    files, columns = list_data_uris(f"{base}/day=1/")
    assert [f.uri for f in files] == [f"{base}/day=1/a.parquet", f"{base}/day=1/deep/b.parquet"]
    assert [c.name for c in columns] == ["n", "s"]
    assert files[0].bytes == path.stat().st_size
    assert files[0].etag.startswith('"')
    assert [f.uri for f in list_data_uris(f"{base}/day=1/a.parquet")[0]] == [
        f"{base}/day=1/a.parquet"
    ]
    assert refusal(f"{base}/day=1").code is ErrorCode.INPUT_MISSING


def test_what_s3_refuses_is_told_in_our_words(box):
    assert refusal("s3://no-such-bucket-here/a.parquet").code is ErrorCode.BUCKET_MISSING


def test_paths_and_frames_are_told_apart(tmp_path):
    assert all(map(is_data_uris, ("a", tmp_path, ["a", tmp_path], ())))
    assert not any(map(is_data_uris, (FRAME, None, {"a": 1}, [1])))
