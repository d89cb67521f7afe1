"""Logging in, and what a session is told."""

from __future__ import annotations

import threading
import time
import warnings

import psycopg
import pyarrow as pa
import pytest
import redshift_connector

from sandbox.session import Session


def test_the_drivers_default_settings_connect_with_tls_verified(box):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the driver makes its TLS context in a deprecated way
        connection = redshift_connector.connect(
            host=box.redshift.host, port=box.redshift.port, database="dev",
            user="awsuser", password=box.redshift.password,
        )  # fmt: skip
    cursor = connection.cursor()
    cursor.execute("select current_user, current_database()")
    assert list(cursor.fetchone()) == ["awsuser", "dev"]
    assert connection._usock.version() == "TLSv1.3"
    connection.close()


def test_tls_is_refused_by_a_client_that_does_not_know_the_authority(box, connect, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(redshift_connector.InterfaceError, match="CERTIFICATE_VERIFY_FAILED"):
        connect()


def test_verify_full_asked_for_by_name_connects_by_name_and_by_address(connect):
    assert connect(sslmode="verify-full").run("select 1") == [(1,)]
    assert connect(sslmode="verify-full", host="127.0.0.1").run("select 1") == [(1,)]


def test_a_client_without_tls_connects(connect):
    assert connect(ssl=False).run("select 1") == [(1,)]


def test_a_wrong_password_is_refused_with_28000(connect):
    with pytest.raises(redshift_connector.InterfaceError) as caught:
        connect(password="wrong")
    assert caught.value.args[0]["C"] == "28000"
    assert caught.value.args[0]["M"] == 'password authentication failed for user "awsuser"'
    assert caught.value.args[0]["S"] == "FATAL"


def test_an_unknown_user_is_refused_as_a_wrong_password_is(connect):
    with pytest.raises(redshift_connector.InterfaceError, match='for user "nobody"'):
        connect(user="nobody")


def test_the_clusters_own_user_cannot_log_in(connect):
    with pytest.raises(redshift_connector.InterfaceError, match="password authentication failed"):
        connect(user="rdsdb")


def test_an_unknown_database_is_refused_with_3d000(connect):
    with pytest.raises(redshift_connector.ProgrammingError) as caught:
        connect(database="nowhere")
    assert caught.value.args[0]["C"] == "3D000"


def test_a_user_made_with_sql_logs_in_with_its_own_password_and_rights(client, connect, name):
    client.run(f"create user {name} password 'Secret1234'")
    client.run(f"create table {name} (a int)")
    other = connect(user=name, password="Secret1234")
    assert other.run("select current_user") == [(name,)]
    assert other.fails(f"select * from {name}")["C"] == "42501"
    client.run(f"grant select on {name} to {name}")
    assert other.run(f"select * from {name}") == []


def test_the_server_says_that_it_is_redshift(client):
    reported = dict(client.connection.parameter_statuses)
    assert reported[b"server_version"] == b"8.0.2"
    assert "Redshift 1.0" in client.run("select version()")[0][0]


def test_the_application_name_is_kept(client, connect):
    named = connect(application_name="run-17")
    pid = named.run("select pg_backend_pid()")[0][0]
    found = client.run(f"select application_name from pg_stat_activity where pid = {pid}")
    assert found == [("run-17",)]


def test_pg_terminate_backend_ends_a_session_and_only_that(client, connect):
    victim, witness = connect(), connect()
    pid = victim.run("select pg_backend_pid()")[0][0]
    assert client.run(f"select pg_terminate_backend({pid})") == [(True,)]
    with pytest.raises((redshift_connector.Error, OSError)):
        victim.run("select 1")
    assert witness.run("select 1") == [(1,)]


def test_a_query_can_be_cancelled(box):
    connection = psycopg.connect(_conninfo(box), autocommit=True)
    threading.Timer(0.3, connection.cancel_safe).start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("select pg_sleep(20)")
    assert time.monotonic() - began < 5
    connection.close()


def test_a_statement_timeout_is_obeyed(client):
    client.run("set statement_timeout to 100")
    assert client.fails("select pg_sleep(5)")["C"] == "57014"


def test_a_hundred_connections_at_once(connect):
    clients = [connect(ssl=False) for _ in range(100)]
    assert sum(one.run("select 1")[0][0] for one in clients) == 100
    for one in clients:
        one.close()


def test_psycopg_connects_with_tls_and_sends_several_statements_at_once(box):
    with psycopg.connect(_conninfo(box), autocommit=True) as connection:
        cursor = connection.execute(
            "create temp table x (a int); insert into x values (1), (2); select 3;"
        )
        while cursor.nextset():
            pass
        assert cursor.fetchone() == (3,)
        assert connection.execute("select count(*) from x where a > %s", [1]).fetchone() == (1,)


def test_copy_and_unload_work_by_the_simple_protocol_too(box, bucket, name, role):
    bucket.put("in/x", pa.table({"a": range(5)}))
    copy = f"copy {name} from '{bucket.url}in/' {role} parquet"
    with psycopg.connect(_conninfo(box), autocommit=True) as connection:
        connection.execute(f"create table {name} (a bigint); {copy}; insert into {name} values (7)")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(f"insert into {name} values (8); {copy} region 'eu-west-1'; {copy}")
        unload = f"unload ('select * from {name}') to '{bucket.url}out/' {role} parquet"
        assert connection.execute(unload).statusmessage == "UNLOAD"
        counts = "select count(*), pg_last_copy_count(), pg_last_unload_count()"
        assert connection.execute(f"{counts} from {name}").fetchone() == (6, 5, 6)


def test_a_failing_statement_among_several_undoes_those_before_it(box, client, name):
    with psycopg.connect(_conninfo(box), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(
                f"create table {name} (a int); select * from nothing_there; select 1"
            )
        assert connection.execute("select 1").fetchone() == (1,)
    assert client.fails(f"select * from {name}")["C"] == "42P01"


def test_psycopg_pipelines_are_answered_in_order(box, name):
    with psycopg.connect(_conninfo(box), autocommit=True) as connection:
        connection.execute(f"create table {name} (a int)")
        with connection.pipeline():
            cursors = [connection.execute("select %s::int", [n]) for n in range(20)]
            connection.execute(f"insert into {name} values (1)")
        assert [one.fetchone()[0] for one in cursors] == list(range(20))
        assert connection.execute(f"select count(*) from {name}").fetchone() == (1,)


def test_prepared_statements_of_the_driver_survive_ddl_and_rollback(connect, name):
    client = connect(max_prepared_statements=1000, autocommit=False)
    client.run(f"create table {name} (a int)")
    client.connection.commit()
    for n in range(4):
        client.run(f"insert into {name} values (%s)", n)
        client.connection.rollback() if n % 2 else client.connection.commit()
    assert client.run(f"select count(*) from {name}") == [(2,)]


def test_an_empty_statement_is_answered(box):
    with psycopg.connect(_conninfo(box), autocommit=True) as connection:
        assert connection.execute("").statusmessage is None
        assert connection.execute(" ; -- nothing\n").statusmessage is None
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_bug_in_one_statement_is_reported_and_the_session_goes_on(box, client, monkeypatch):
    def broken(_session, _sql):
        raise ZeroDivisionError("made for the test")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_plan", broken)
        fields = client.fails("select 1")
    assert (fields["C"], "ZeroDivisionError" in fields["M"]) == ("XX000", True)
    assert client.run("select 1") == [(1,)]
    assert "made for the test" in box.log.read_text()


def _conninfo(box) -> str:
    facts = box.redshift
    return (
        f"host={facts.host} port={facts.port} dbname=dev user=awsuser password={facts.password}"
        f" sslmode=verify-full sslrootcert={facts.ca_file}"
    )
