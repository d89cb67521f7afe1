"""Snapshots and locks between sessions."""

from __future__ import annotations

import threading
import time

import pytest
import redshift_connector


class Later:
    """Runs something in a thread and keeps what came of it."""

    def __init__(self, work):
        self.error = None
        self.seconds = 0.0
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        began = time.monotonic()
        try:
            self._work()
        except redshift_connector.Error as error:
            self.error = error
        self.seconds = time.monotonic() - began

    def waits(self, seconds=0.4):
        self._thread.join(seconds)
        return self._thread.is_alive()

    def join(self):
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self


def load(client, name, first=()):
    """Replace the rows of day 1, the way a loader does it."""
    for statement in first:
        client.run(statement)
    client.run(f"delete from {name} where day = 1")
    client.run(f"insert into {name} select 1, n from generate_series(1, 10) g(n)")


def two_loads(connect, name, first):
    """Run two loads of one slice, the second one starting before the first one commits."""
    connect().run(f"create table {name} (day int, v int)")
    connect().run(f"create table {name}_ledger (k int)")
    one, two = connect(autocommit=False), connect(autocommit=False)
    load(one, name, first)
    second = Later(lambda: (load(two, name, first), two.connection.commit()))
    assert second.waits()
    one.connection.commit()
    second.join()
    return second.error, connect().run(f"select count(*) from {name}")[0][0]


def test_a_read_before_the_lock_doubles_rows_as_it_does_in_redshift(connect, name):
    error, rows = two_loads(connect, name, [f"select * from {name}_ledger"])
    assert (error, rows) == (None, 20)


def test_a_lock_as_the_first_statement_keeps_rows_single(connect, name):
    error, rows = two_loads(connect, name, [f"lock {name}_ledger", f"select * from {name}_ledger"])
    assert (error, rows) == (None, 10)


def test_a_delete_as_the_first_statement_takes_its_snapshot_after_its_wait(connect, name):
    error, rows = two_loads(connect, name, [])
    assert (error, rows) == (None, 10)


def test_an_autocommit_delete_takes_its_snapshot_after_its_wait(connect, name):
    client = connect()
    client.run(f"create table {name} (a int)")
    client.run(f"insert into {name} values (1)")
    writer = connect(autocommit=False)
    writer.run(f"update {name} set a = 2")
    second = Later(lambda: client.run(f"delete from {name}"))
    assert second.waits()
    writer.connection.commit()
    assert second.join().error is None
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_rows_changed_since_the_snapshot_give_error_1023(connect, client, name):
    client.run(f"create table {name} (a int)")
    client.run(f"insert into {name} values (1)")
    oid = client.run(f"select '{name}'::regclass::oid::int")[0][0]
    reader = connect(autocommit=False)
    assert reader.run(f"select a from {name}") == [(1,)]
    client.run(f"update {name} set a = 2")
    assert reader.run(f"select a from {name}") == [(1,)]
    fields = reader.fails(f"delete from {name}")
    assert (fields["C"], fields["M"]) == ("XX000", "1023")
    assert (
        f"Serializable isolation violation on table - {oid}, transactions forming the cycle are:"
        in fields["D"]
    )


def test_readers_do_not_wait_for_writers(connect, client, name):
    client.run(f"create table {name} (a int)")
    writer = connect(autocommit=False)
    for statement in (
        f"insert into {name} values (1)",
        f"update {name} set a = 2",
        f"delete from {name}",
    ):
        writer.run(statement)
        assert client.run(f"select count(*) from {name}") == [(0,)]


@pytest.mark.parametrize(
    "statement", ["insert into {t} values (2)", "delete from {t}", "update {t} set a = 1"]
)
def test_writers_of_one_table_wait_for_each_other(connect, client, name, statement):
    client.run(f"create table {name} (a int)")
    writer = connect(autocommit=False)
    writer.run(f"insert into {name} values (1)")
    other = connect()
    second = Later(lambda: other.run(statement.format(t=name)))
    assert second.waits()
    writer.connection.rollback()
    assert second.join().error is None


def test_a_lock_keeps_readers_out_too(connect, client, name):
    client.run(f"create table {name} (a int)")
    locker, reader = connect(autocommit=False), connect()
    locker.run(f"lock table {name}, {name}")
    second = Later(lambda: reader.run(f"select * from {name}"))
    assert second.waits()
    locker.connection.commit()
    assert second.join().error is None


def test_begin_inside_a_transaction_is_taken_without_a_word(connect, client, name):
    client.run(f"create table {name} (a int)")
    inside = connect(autocommit=False)
    inside.run(f"insert into {name} values (1)")
    inside.run("begin isolation level serializable")
    inside.run("begin read write")
    inside.connection.rollback()
    assert not [one for one in inside.connection.notices if b"WARNING" in one.values()]
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_a_transaction_that_failed_takes_nothing_until_it_is_rolled_back(connect):
    client = connect(autocommit=False)
    client.fails("select * from nothing_there")
    assert client.fails("select 1")["C"] == "25P02"
    client.connection.rollback()
    assert client.run("select 1") == [(1,)]


def test_a_refusal_of_the_sandboxs_own_fails_the_transaction_too(connect, name):
    client = connect(autocommit=False)
    client.run(f"create table {name} (a int)")
    client.fails(f"insert into {name} values (1) returning a")
    assert client.fails("select 1")["C"] == "25P02"
    client.connection.rollback()


def test_create_if_not_exists_races_as_it_does_in_redshift(connect, name):
    one, two = connect(autocommit=False), connect(autocommit=False)
    one.run(f"create table if not exists {name} (a int)")
    second = Later(lambda: two.run(f"create table if not exists {name} (a int)"))
    assert second.waits()
    one.connection.commit()
    assert second.join().error.args[0]["C"] in ("23505", "42P07")


def test_an_insert_only_user_can_write(connect, client, name):
    client.run(f"create table {name} (a int)")
    client.run(f"create user {name} password 'Secret1234'")
    client.run(f"grant insert on {name} to {name}")
    connect(user=name, password="Secret1234").run(f"insert into {name} values (1)")
    assert client.run(f"select count(*) from {name}") == [(1,)]
