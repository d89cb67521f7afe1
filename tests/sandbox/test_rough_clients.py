"""Clients that die, and clients that do not speak the protocol."""

from __future__ import annotations

import random
import signal
import socket
import struct
import subprocess
import sys
import time

import pyarrow as pa
import pytest
import redshift_connector

DIES = """
import os, sys, redshift_connector, warnings
warnings.simplefilter("ignore")
c = redshift_connector.connect(
    host=os.environ["REDSHIFT_HOST"], port=int(os.environ["REDSHIFT_PORT"]), database="dev",
    user="awsuser", password=os.environ["REDSHIFT_PASSWORD"], max_prepared_statements=0)
k = c.cursor()
for statement in sys.argv[1:]:
    if statement == "ready":
        print("ready", flush=True)
    elif statement == "autocommit":
        c.autocommit = True
    else:
        k.execute(statement)
import time; time.sleep(60)
"""


def killed(*statements, during=None):
    """Run statements in another process and kill it.

    `during` is a client and the start of a statement: the kill waits until PostgreSQL is at it.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", DIES, *statements], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    if during:
        client, start = during
        active = "select count(*) from pg_stat_activity where state = 'active' and query ilike "
        deadline = time.monotonic() + 20
        while client.run(f"{active}'{start}%'") == [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_clients_transaction_is_rolled_back_and_its_locks_are_freed(client, name):
    client.run(f"create table {name} (a int)")
    killed(f"lock table {name}", f"insert into {name} values (1)", "ready")
    client.run("set statement_timeout to 3000")
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_a_client_killed_while_it_waits_for_a_lock_never_gets_it(connect, client, name):
    client.run(f"create table {name} (a int)")
    holder = connect(autocommit=False)
    holder.run(f"lock table {name}")
    killed("ready", f"lock table {name}", during=(client, f"lock table {name}"))
    holder.connection.commit()
    client.run("set statement_timeout to 3000")
    client.run(f"insert into {name} values (2)")
    assert client.run(f"select a from {name}") == [(2,)]


def test_a_client_killed_in_the_middle_of_a_copy_loads_nothing(client, bucket, role, name):
    for part in range(40):
        bucket.put(f"{part}", pa.table({"a": range(200_000)}))
    client.run(f"create table {name} (a bigint)")
    copy = f"copy {name} from '{bucket.url}' {role} parquet"
    killed("ready", copy, during=(client, f'copy "{name}"'))
    began = time.monotonic()
    client.run("set statement_timeout to 10000")
    client.run(f"insert into {name} values (1)")  # waits for the COPY's lock
    assert time.monotonic() - began < 3
    assert client.run(f"select count(*) from {name}") == [(1,)]


def test_an_autocommit_copy_goes_on_when_its_client_is_killed(client, bucket, role, name):
    for part in range(10):
        bucket.put(f"{part}", pa.table({"a": range(100_000)}))
    client.run(f"create table {name} (a bigint)")
    copy = f"copy {name} from '{bucket.url}' {role} parquet"
    killed("autocommit", "ready", copy, during=(client, f'copy "{name}"'))
    deadline = time.monotonic() + 20
    while client.run(f"select count(*) from {name}") == [(0,)] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.run(f"select count(*) from {name}") == [(1_000_000,)]


def test_a_client_killed_in_the_middle_of_a_query_frees_its_session(client, name):
    client.run(f"create table {name} (a int)")
    insert = f"insert into {name} select 1 from pg_sleep(30)"
    killed("ready", insert, during=(client, insert))
    client.run("set statement_timeout to 3000")
    client.run(f"insert into {name} values (2)")
    assert client.run(f"select a from {name}") == [(2,)]


STARTUP = struct.pack("!ii", 0, 196608)


def garbage():
    rng = random.Random(20)
    yield b""
    yield b"\0" * 7
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield struct.pack("!ii", 8, 80877103)  # asks for TLS and leaves
    yield struct.pack("!ii", 8, 80877103) + b"\x16\x03\x01garbage"
    yield struct.pack("!iiii", 16, 80877102, 1, 1)  # cancels nobody
    yield struct.pack("!ii", 9, 196608) + b"\0"
    yield struct.pack("!ii", 2**31 - 1, 196608)
    yield struct.pack("!ii", 8, 12345 << 16)
    yield from (rng.randbytes(rng.randrange(1, 300)) for _ in range(40))


def test_garbage_before_login_is_answered_or_dropped(box, client):
    for data in garbage():
        with socket.create_connection(("127.0.0.1", box.redshift.port), timeout=5) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            try:
                while sock.recv(4096):
                    pass
            except OSError:
                pass
    assert client.run("select 1") == [(1,)]


def logged_in(box):
    facts = box.redshift
    sock = socket.create_connection(("127.0.0.1", facts.port), timeout=5)
    body = b"user\0awsuser\0database\0dev\0\0"
    sock.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
    assert sock.recv(9)[:1] == b"R"
    password = facts.password.encode() + b"\0"
    sock.sendall(b"p" + struct.pack("!i", len(password) + 4) + password)
    received = b""
    while not received.endswith(b"Z\0\0\0\x05I"):
        received += sock.recv(4096)
    return sock


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


MALFORMED = [
    message(b"Q", b"select 1"),  # no end of string
    message(b"Q", b"select '\xff\xfe'\0"),
    message(b"P", b""),
    message(b"P", b"name\0"),
    message(b"P", b"\0select 1\0\xff\xff"),
    message(b"B", b"\0nothing\0\0\0\0\0\0\0"),
    message(b"B", b""),
    message(b"E", b"nothing\0\0\0\0\0"),
    message(b"E", b""),
    message(b"D", b""),
    message(b"C", b""),
    message(b"S", b"too much"),
    message(b"d", b"copy data out of turn"),
    message(b"?", b"unknown kind"),
    b"Q" + struct.pack("!i", -5),
    b"Q" + struct.pack("!i", 2**31 - 1) + b"x",
    b"\0\0\0\0\0\0\0\0",
]


@pytest.mark.parametrize("data", MALFORMED, ids=[str(data[:20]) for data in MALFORMED])
def test_a_malformed_message_ends_at_most_its_own_session(box, client, data):
    with logged_in(box) as sock:
        sock.sendall(data + message(b"S", b""))
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    assert client.run("select 1") == [(1,)]


def test_random_messages_leave_the_server_standing(box, client):
    rng, logged = random.Random(21), len(box.log.read_text())
    for _ in range(30):
        with logged_in(box) as sock:
            for _ in range(20):
                body = rng.randbytes(rng.randrange(40)).replace(
                    b"\0", b" "
                ) + b"\0" * rng.randrange(4)
                try:
                    sock.sendall(
                        message(
                            rng.choice([b"P", b"B", b"D", b"E", b"C", b"Q", b"S", b"H", b"F"]), body
                        )
                    )
                except OSError:
                    break
            try:
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(4096):
                    pass
            except OSError:
                pass
    assert client.run("select 1") == [(1,)]
    assert "bug of the sandbox" not in box.log.read_text()[logged:]


def test_statements_of_nonsense_are_answered_with_errors(client):
    rng = random.Random(22)
    words = [
        "select",
        "copy",
        "unload",
        "create",
        "table",
        "alter",
        "(",
        ")",
        ",",
        ";",
        "'",
        '"',
        "--",
        "/*",
        "*/",
        "$$",
        "$1",
        "from",
        "'s3://x'",
        "as",
        "parquet",
        "null",
        "#x",
    ]
    refusals: list[str] = []
    for _ in range(300):
        sql = " ".join(rng.choice(words) for _ in range(rng.randrange(1, 12)))
        try:
            client.run(sql)
        except redshift_connector.Error as error:
            refusals.append(f"{sql} -> {error}")
    assert client.run("select 1") == [(1,)]
    assert refusals and not [one for one in refusals if "sandbox failed" in one]
