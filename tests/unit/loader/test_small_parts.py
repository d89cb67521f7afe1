"""Settings, errors, ledger, retries: each small part by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loader_process.errors import failure_of, storage_failure
from loader_process.ledger import Ledger, stored_report
from loader_process.retry import transaction_attempts
from loader_process.s3 import ObjectName
from loader_process.settings import settings_for
from loader_process.upload import key_prefix
from shared_protocol import (
    PROTOCOL_VERSION,
    AuthKind,
    ErrorCode,
    FailureError,
    LoadReport,
    LoadStatus,
    PartitionRows,
    Phase,
    RowCounts,
    S3Location,
    SessionOptions,
    Table,
    Target,
    refuse,
)

TARGET = Target(host="h", database="d", user="u")


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(FailureError) as caught:
        settings_for(Target(host="", database="d"), {})
    sentence = caught.value.failure.sentence
    assert "no REDSHIFT_HOST and no REDSHIFT_USER and no REDSHIFT_PASSWORD" in sentence


def test_a_password_is_in_no_repr() -> None:
    settings = settings_for(TARGET, {"REDSHIFT_PASSWORD": "s3cret"})
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("auth", [AuthKind.IAM, AuthKind.SERVERLESS, AuthKind.SECRET])
def test_other_ways_to_log_in_are_refused_by_name(auth: AuthKind) -> None:
    with pytest.raises(FailureError, match=auth.value):
        settings_for(Target(host="h", database="d", auth=auth), {"REDSHIFT_PASSWORD": "x"})


@pytest.mark.parametrize(
    ("environ", "says"),
    [({"REDSHIFT_PORT": "no"}, "port number"), ({"REDSHIFT_SSLMODE": "prefer"}, "verify-full")],
)
def test_settings_that_make_no_sense_are_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(FailureError, match=says):
        settings_for(TARGET, {"REDSHIFT_PASSWORD": "x", **environ}, target_from_env=True)


@pytest.mark.parametrize(
    ("sqlstate", "message", "code"),
    [
        ("28000", 'password authentication failed for user "u"', ErrorCode.LOGIN_REFUSED),
        ("3D000", 'database "x" does not exist', ErrorCode.LOGIN_REFUSED),
        ("42501", "permission denied for schema s", ErrorCode.PERMISSION_DENIED),
        ("XX000", "1023 DETAIL: Serializable isolation violation on table", ErrorCode.CONFLICT),
        ("40001", "could not serialize access", ErrorCode.CONFLICT),
        ("XX000", "deadlock detected", ErrorCode.CONFLICT),
        ("42P07", 'relation "t" already exists', ErrorCode.CONFLICT),
        ("XX000", "could not open relation with OID 1234", ErrorCode.CONFLICT),
        ("42701", 'column "c" of relation "t" already exists', ErrorCode.CONFLICT),
        (
            "XX000",
            "Spectrum Scan Error code: 15007 Table: 10, Data: 1023",
            ErrorCode.STATEMENT_FAILED,
        ),
        ("57P01", "terminating connection", ErrorCode.CONNECTION_LOST),
        ("XX000", "not authorized to assume IAM Role arn:aws:...", ErrorCode.PERMISSION_DENIED),
        ("42703", 'column "x" does not exist', ErrorCode.STATEMENT_FAILED),
    ],
)
def test_an_error_of_redshift_has_one_meaning(sqlstate: str, message: str, code: ErrorCode) -> None:
    failure = failure_of(
        sqlstate=sqlstate,
        message=message,
        detail="",
        phase=Phase.LOAD,
        otherwise=ErrorCode.STATEMENT_FAILED,
    )
    assert failure.code is code
    assert message in failure.message


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NoSuchBucket", ErrorCode.BUCKET_MISSING),
        ("AccessDenied", ErrorCode.STORAGE_REFUSED),
        ("SlowDown", ErrorCode.STORAGE_UNAVAILABLE),
        ("503", ErrorCode.STORAGE_UNAVAILABLE),
        ("PreconditionFailed", ErrorCode.INPUT_CHANGED),
        ("SomethingNew", ErrorCode.STORAGE_REFUSED),
    ],
)
def test_an_answer_of_s3_has_one_meaning(code: str, reason: ErrorCode) -> None:
    failure = storage_failure(code=code, message="m", doing="upload x", phase=Phase.UPLOAD)
    assert failure.code is reason


def report(partitions: int = 0) -> LoadReport:
    return LoadReport(
        protocol_version=PROTOCOL_VERSION,
        load_key="k",
        attempt_id="0001-abc",
        status=LoadStatus.LOADED,
        database="d",
        schema="s",
        table="t",
        rows=RowCounts(staged=1, deleted=0, copied=1, in_table=1),
        committed_at="2024-01-01T00:00:00+00:00",
        partitions=tuple(PartitionRows(key=f"ключ '{n}'", rows=n) for n in range(partitions)),
    )


def literals(text: str) -> list[str]:
    """Give the string literals of a statement, as Redshift would read them."""
    found, at = [], 0
    while (at := text.find("'", at)) >= 0:
        value, at = [], at + 1
        while text[at] != "'" or text[at + 1] == "'":
            at += text[at] in "'\\"
            value.append(text[at])
            at += 1
        found.append("".join(value))
        at += 1
    return found


@pytest.mark.parametrize("partitions", [0, 1, 5000])
def test_a_report_of_any_length_comes_back_from_pieces_that_fit_a_varchar(partitions: int) -> None:
    whole = report(partitions)
    text = Ledger(Table(schema="s", name="t"), SessionOptions()).record(whole).text
    pieces = literals(text)[2::3]  # key, attempt, piece; key, attempt, piece; ...
    assert all(len(piece.encode()) <= 65_535 for piece in pieces)
    assert (len(pieces) > 1) is (partitions == 5000)
    assert stored_report(pieces) == whole


def test_a_report_of_another_version_is_not_guessed_at() -> None:
    assert stored_report(['{"other": 1}']) is None


def ledger_table(schema: str, name: str) -> str:
    return Ledger(Table(schema=schema, name=name), SessionOptions()).table


def test_a_ledger_is_named_after_its_table() -> None:
    assert ledger_table("analytics", "flights") == "analytics__flights"


def test_no_two_tables_share_a_ledger() -> None:
    names = [
        ("a", "b__c"), ("a__b", "c"), ("a", "b"), ("x" * 60, "y"), ("x" * 60, "z"),
        ("x" * 63, "y"), ("é" * 40, "t"), ("a_", "b"), ("a", "_b"), ("A", "b"),
    ]  # fmt: skip
    made = [ledger_table(*name) for name in names]
    assert len(set(made)) == len(made)
    assert all(len(name.encode()) <= 63 for name in made)


class Silent:
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


def test_a_conflict_is_tried_again_and_told() -> None:
    import stamina

    stamina.set_testing(True, attempts=3)
    try:
        tries, reporter = 0, Silent()
        for attempt in transaction_attempts(reporter):  # type: ignore[arg-type]
            with attempt:
                tries += 1
                if tries < 3:
                    raise refuse(ErrorCode.CONFLICT, Phase.LOAD, "1023")
        assert tries == 3
        assert reporter.warned == ["trying again: 1023"] * 2
    finally:
        stamina.set_testing(False)


def test_a_refusal_is_not_tried_again() -> None:
    tries = 0

    def refused() -> None:
        nonlocal tries
        for attempt in transaction_attempts(Silent()):  # type: ignore[arg-type]
            with attempt:
                tries += 1
                raise refuse(ErrorCode.COPY_FAILED, Phase.LOAD, "no")

    with pytest.raises(FailureError):
        refused()
    assert tries == 1


def test_a_key_prefix_is_safe_and_tells_names_apart() -> None:
    where = S3Location(bucket="b", prefix="/dagster/", iam_role="r")
    plain = key_prefix(where, Table(schema="s", name="t"), "k", "0001-a")
    assert plain == "dagster/s/t/k/0001-a"
    odd = [key_prefix(where, Table(schema="s", name=n), "k", "1") for n in ("a b", "a/b", "a?b")]
    assert len(set(odd)) == 3
    assert all(c.isalnum() or c in "-_./" for key in odd for c in key)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3:///key", "bucket/key"])
def test_what_names_no_object_is_refused(uri: str) -> None:
    with pytest.raises(FailureError, match="names no object"):
        ObjectName.parse(uri)


def test_version_starts_without_any_heavy_library() -> None:
    code = (
        "import sys; from loader_process.cli import run; run(['version']); "
        "print(sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:])))"
    )
    heavy = ["dagster", "dagster_pipes", "polars", "pandas", "boto3", "botocore",
             "redshift_connector", "pyarrow", "rich", "stamina", "pydantic", "numpy"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "protocol version 1" in done.stdout
