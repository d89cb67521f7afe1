"""Resources say what the loader is told, and keep what is secret."""

import logging
import re
import subprocess
import sys

import dagster as dg
import pytest

import orchestrator
from orchestrator import RedshiftConnection, RedshiftIOManager, S3Staging
from orchestrator.load_key import load_key
from shared_protocol import ErrorCode, FailureError, S3Location


def connection(**given):
    return RedshiftConnection(
        **{"host": "h", "database": "dev", "user": "u", "password": "hunter2", **given}
    )


def test_neither_repr_nor_str_shows_the_password():
    io = RedshiftIOManager(connection=connection(), staging=S3Staging(bucket="b"))
    for shown in (repr(io), str(io), repr(io.connection), f"{io.connection}"):
        assert "hunter2" not in shown
        assert "***" in shown


def test_the_environment_holds_this_login_and_none_that_was_there():
    base = {"PATH": "/bin", "REDSHIFT_WORKGROUP": "w", "REDSHIFT_SSLMODE": "disable"}
    found = connection().environment(base)
    assert found == {
        "PATH": "/bin",
        "REDSHIFT_AUTH": "password",
        "REDSHIFT_HOST": "h",
        "REDSHIFT_PORT": "5439",
        "REDSHIFT_DATABASE": "dev",
        "REDSHIFT_USER": "u",
        "REDSHIFT_PASSWORD": "hunter2",
        "REDSHIFT_SSLMODE": "disable",
    }
    assert connection(sslmode="verify-ca").environment(base)["REDSHIFT_SSLMODE"] == "verify-ca"


@pytest.mark.parametrize("auth", ["iam", "serverless", "secret", "kerberos"])
def test_a_login_of_a_later_version_is_refused_by_name(auth):
    with pytest.raises(FailureError, match=f"auth='{auth}'") as caught:
        connection(auth=auth).target()
    assert caught.value.failure.code is ErrorCode.NOT_SUPPORTED


def test_what_is_missing_is_named():
    with pytest.raises(FailureError, match="no user and no password") as caught:
        connection(user="", password="").target()
    assert caught.value.failure.code is ErrorCode.SETTINGS_MISSING


def test_a_place_on_s3_is_a_plain_bucket_and_a_prefix_without_slashes():
    assert S3Staging(bucket="b", prefix="/a/b/").location() == S3Location(
        bucket="b", prefix="a/b", iam_role="default"
    )
    with pytest.raises(FailureError, match="plain name of a bucket"):
        S3Staging(bucket="s3://b/c").location()


def test_session_options_are_those_of_the_connection():
    session = connection(query_group="etl", statement_timeout_seconds=2).session()
    assert (session.query_group, session.statement_timeout_ms) == ("etl", 2000)


def key(**given):
    return load_key(
        **{
            "run_id": "0a1b2c3d-rest",
            "step_key": "s",
            "output_name": "result",
            "mapping_key": None,
            "partition_keys": ["b", "a"],
            **given,
        }
    )


def test_a_load_key_names_the_work_and_fits_a_file_name():
    assert re.fullmatch(r"0a1b2c3d-[0-9a-f]{20}", key())
    assert key() == key(partition_keys=["a", "b"])
    others = [
        key(run_id="0a1b2c3d-other"),
        key(step_key="t"),
        key(output_name="other"),
        key(mapping_key="m"),
        key(partition_keys=["a"]),
        key(partition_keys=["a,b"]),
    ]
    assert len({key(), *others}) == 7
    assert re.fullmatch(r"\w+-[0-9a-f]{20}", key(run_id="../../"))


def test_the_package_is_imported_without_the_heavy_libraries():
    code = (
        "import sys, orchestrator; "
        "print({'polars', 'pyarrow', 'boto3', 'pandas', 'loader_process'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", done.stdout


def test_what_is_public_is_sorted_and_there():
    assert orchestrator.__all__ == sorted(orchestrator.__all__)
    assert all(hasattr(orchestrator, name) for name in orchestrator.__all__)


def test_an_unset_variable_is_told_by_dagster_and_a_secret_is_in_no_event(
    run, offline_io, instance, monkeypatch, caplog
):
    @dg.asset
    def asset():
        return 7

    monkeypatch.setenv("A_PASSWORD", "hunter2-secret")
    io = offline_io(connection=connection(password=dg.EnvVar("A_PASSWORD")))
    with caplog.at_level(logging.DEBUG):
        done = run([asset], io)
    assert "takes a polars DataFrame" in done.description
    events = "\n".join(str(record) for record in instance.all_logs(done.result.run_id))
    snapshot = str(instance.get_run_by_id(done.result.run_id))
    assert "hunter2-secret" not in events + snapshot + caplog.text
