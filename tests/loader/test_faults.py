"""Whatever dies when: no row is lost, doubled or changed, and the outcome is told truly."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loader_process.ledger import Ledger
from sandbox import Sandbox
from shared_protocol import ErrorCode, ExitCode, LoadStatus, SessionOptions, SourceFile, Table
from shared_protocol.staging_path import REQUEST_FILE, attempt_dir, dump_request
from tests.conftest import Database
from tests.loader.conftest import Loader, wait_until
from tests.loader.staging import data_columns, keys_slice, stage


def rows(key: str, numbers: range) -> pa.Table:
    return pa.table({"k": [key] * len(numbers), "n": list(numbers)})


@pytest.fixture
def table(box: Sandbox, loader: Loader, schema: str, tmp_path: Path) -> Table:
    """A table with three rows in the partition "a", and its ledger."""
    made = Table(schema=schema, name="t")
    stage(tmp_path / "before", box.environ, made, rows("a", range(3)))
    assert loader(tmp_path / "before").exit_code == 0
    return made


def ledger_name(table: Table) -> str:
    ledger = Ledger(table, SessionOptions())
    return f'{ledger.schema}."{ledger.table}"'


def waits_for_lock(database: Database) -> bool:
    """Whether a load has come to its LOCK; its look at the ledger waits with a weaker one."""
    return bool(lock_waiters(database))


def lock_waiters(database: Database) -> int:
    return database.rows(
        "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'"
    )[0][0]


def numbers(database: Database, table: Table) -> list[int]:
    return [n for (n,) in database.rows(f"select n from {table.label} order by n")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_load_rolls_back_and_says_so(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path, s3: Any,
    number: signal.Signals,
) -> None:  # fmt: skip
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(10)))
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    process = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    process.send_signal(number)
    found = loader.finish(process, path)
    database.run("rollback")
    assert found.exit_code == ExitCode.INTERRUPTED
    assert found.failed.code is ErrorCode.INTERRUPTED
    assert numbers(other, table) == [0, 1, 2]
    left = s3.list_objects_v2(Bucket=box.environ["SANDBOX_BUCKET"], Prefix=f"tests/{table.schema}/")
    assert left["KeyCount"] == 0
    assert loader(path).loaded.rows.copied == 10
    other.connection.close()


def test_a_killed_load_changes_nothing_and_is_loaded_once_when_repeated(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(10)))
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    process = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    process.kill()
    process.communicate()
    database.run("rollback")
    assert numbers(other, table) == [0, 1, 2]
    report = loader(path).loaded
    assert (report.rows.deleted, report.rows.copied) == (3, 10)
    assert report.attempt_id.startswith("0002-")
    assert numbers(other, table) == list(range(10))
    other.connection.close()


def test_a_second_loader_on_the_same_path_refuses(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(10)))
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    first = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    second = loader(path)
    assert second.exit_code == ExitCode.TRANSIENT
    assert "Another loader is at work" in second.stderr
    database.run("rollback")
    assert loader.finish(first, path).loaded.rows.copied == 10
    other.connection.close()


def test_two_loads_of_one_slice_at_once_take_turns(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    """With the lock after the first SELECT, both would delete the old rows, and both insert."""
    started = []
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    for name in ("1", "2"):
        data = rows("a", range(10))
        stage(tmp_path / name, box.environ, table, data, slice=keys_slice("k", "a"))
        # Dagster's own loads take turns as they come; by hand, the older data would be refused.
        started.append(loader.start(tmp_path / name, "--force"))
    other = Database(box.environ)
    wait_until(lambda: lock_waiters(other) == 2)
    database.run("rollback")
    reports = [
        loader.finish(process, tmp_path / name).loaded
        for process, name in zip(started, ("1", "2"), strict=True)
    ]
    assert sorted(report.rows.deleted for report in reports) == [3, 10]
    assert numbers(other, table) == list(range(10))
    other.connection.close()


def test_eight_partitions_of_a_new_table_at_once_all_land(
    box: Sandbox, loader: Loader, database: Database, schema: str, tmp_path: Path
) -> None:
    made = Table(schema=schema, name="raced")
    started = []
    for number in range(8):
        key = f"p{number}"
        more, text = f"extra_{number % 3}", "x" * 8 * number
        data = pa.table({"k": [key] * 5, more: [number] * 5, "s": [text] * 5})
        stage(tmp_path / key, box.environ, made, data, slice=keys_slice("k", key))
        started.append((tmp_path / key, loader.start(tmp_path / key)))
    for path, process in started:
        found = loader.finish(process, path)
        assert found.exit_code == 0, found.stderr
    assert database.rows(f"select k, count(*) from {schema}.raced group by 1 order by 1") == [
        (f"p{number}", 5) for number in range(8)
    ]


def test_readers_never_wait_for_a_load(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    """While a load holds its ledger, having deleted and copied, the table can be read as it was."""
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(10)))
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    process = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    began = time.monotonic()
    assert numbers(other, table) == [0, 1, 2]
    assert time.monotonic() - began < 1
    database.run("rollback")
    loader.finish(process, path)
    other.connection.close()


def test_a_loader_ends_with_who_launched_it(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(10)))
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    launcher = (
        "import os, subprocess, sys, time\n"
        "env = {**os.environ, 'REDSHIFT_LOADER_PARENT_PID': str(os.getpid())}\n"
        f"command = [sys.executable, '-m', 'loader_process', 'load', {str(path)!r}]\n"
        "p = subprocess.Popen(command, env=env)\n"
        "print(p.pid, flush=True)\n"
        "p.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    other = Database(box.environ)
    wait_until(lambda: waits_for_lock(other))
    parent.kill()
    parent.communicate()
    wait_until(lambda: not _alive(pid))
    database.run("rollback")
    assert numbers(other, table) == [0, 1, 2]
    other.connection.close()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Cutter:
    """A wire from loader to server that is cut when COMMIT passes, before or after it arrives."""

    def __init__(
        self, host: str, port: int, *, forward_commit: bool, cuts: int, away_seconds: float = 0
    ) -> None:
        self._away_seconds, self._away_until = away_seconds, 0.0
        self._upstream = (host, port)
        self._forward, self._cuts = forward_commit, cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.commits = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if time.monotonic() < self._away_until:
                client.close()
                continue
            server = socket.create_connection(self._upstream)
            cut = threading.Event()
            for source, sink, watched in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pump, args=(source, sink, watched, cut), daemon=True
                ).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, watched: bool, cut: threading.Event
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                if watched and b"COMMIT\0" in data:
                    self.commits += 1
                    if self.commits <= self._cuts:
                        cut.set()
                        self._away_until = time.monotonic() + self._away_seconds
                        if self._forward:
                            sink.sendall(data)
                            # The Parse is answered, and the driver's Execute never comes: do what
                            # it would have asked for.
                            sink.sendall(_execute())
                            time.sleep(0.5)
                        return
                if not (cut.is_set() and not watched):
                    sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                # close() alone waits for the other thread's recv to end.
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self._listener.close()


def _execute() -> bytes:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    return message(b"Q", b"COMMIT\0")


@pytest.fixture
def cutter(box: Sandbox) -> Iterator[Callable[..., Cutter]]:
    made: list[Cutter] = []

    def make(**options: Any) -> Cutter:
        host, port = box.environ["REDSHIFT_HOST"], int(box.environ["REDSHIFT_PORT"])
        made.append(Cutter(host, port, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("forward", [True, False], ids=["after it arrived", "before it arrived"])
def test_a_connection_cut_at_commit_is_settled_by_the_ledger(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path,
    cutter: Callable[..., Cutter], forward: bool,
) -> None:  # fmt: skip
    wire = cutter(forward_commit=forward, cuts=1)
    path = tmp_path / "now"
    request = stage(path, box.environ, table, rows("a", range(10)))
    through = replace(request, target=replace(request.target, host="127.0.0.1", port=wire.port))
    (path / REQUEST_FILE).write_text(dump_request(through))
    found = loader(path, REDSHIFT_HOST=None, REDSHIFT_PORT=None, REDSHIFT_SSLMODE="disable")
    assert found.loaded.status is LoadStatus.LOADED
    assert found.loaded.rows.copied == 10
    assert numbers(database, table) == list(range(10))
    assert wire.commits == (1 if forward else 2)


def test_a_claim_of_a_dead_process_is_passed_over_at_once(
    box: Sandbox, loader: Loader, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(2)))
    dead = path / attempt_dir(1)
    dead.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    from loader_process.claim import _pid_namespace

    (dead / "claim.json").write_text(
        f'{{"host": "{socket.gethostname()}", "pid": {gone.pid},'
        f' "pid_namespace": "{_pid_namespace()}"}}'
    )
    assert loader(path).loaded.attempt_id.startswith("0002-")


def test_a_claim_of_another_host_holds_for_its_lease(
    box: Sandbox, loader: Loader, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    stage(path, box.environ, table, rows("a", range(2)))
    other = path / attempt_dir(1)
    other.mkdir(parents=True)
    claim = other / "claim.json"
    claim.write_text('{"host": "elsewhere", "pid": 1, "pid_namespace": ""}')
    assert loader(path).exit_code == ExitCode.TRANSIENT
    os.utime(claim, (time.time() - 60, time.time() - 60))
    assert loader(path).exit_code == ExitCode.DONE


def test_a_table_that_is_made_anew_under_a_load_is_prepared_again(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    path = tmp_path / "now"
    long = pa.table({"k": ["x" * 100], "n": [1]})
    stage(path, box.environ, table, long)
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    process = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    other.run(f"drop table {table.label}")
    other.run(f"create table {table.label} (n bigint, k varchar(5))")
    database.run("rollback")
    found = loader.finish(process, path)
    assert found.loaded.rows.copied == 1
    assert "trying again" in found.stderr
    assert other.rows(f"select k from {table.label}") == [("x" * 100,)]
    other.connection.close()


def test_a_signal_is_heard_at_any_moment(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    """The driver has bare except clauses; an interrupt that is raised in one must not get lost."""
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    started = []
    for number in range(12):
        path = tmp_path / str(number)
        stage(path, box.environ, table, rows("a", range(5)))
        process = loader.start(path)
        time.sleep(0.1 * number)
        process.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        stdout, stderr = process.communicate(timeout=15)
        started.append((process.returncode, time.monotonic() - sent, stdout + stderr))
    database.run("rollback")
    # Before the handlers are set, the signal ends the process by itself.
    codes = {ExitCode.INTERRUPTED, -signal.SIGTERM}
    assert all(code in codes for code, _, _ in started), started
    assert max(took for _, took, _ in started) < 5, started
    assert numbers(database, table) == [0, 1, 2]


def test_inputs_that_change_while_they_are_loaded_roll_the_load_back(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path, s3: Any
) -> None:
    """COPY names no version: what it read where it lies is looked at again before COMMIT."""
    bucket, key = box.environ["SANDBOX_BUCKET"], f"lake/{table.schema}/x.parquet"
    before, after = (rows("b", range(n, n + 3)) for n in (10, 90))
    pq.write_table(before, tmp_path / "x.parquet")
    s3.upload_file(str(tmp_path / "x.parquet"), bucket, key)
    head = s3.head_object(Bucket=bucket, Key=key)
    source = SourceFile(uri=f"s3://{bucket}/{key}", bytes=head["ContentLength"], etag=head["ETag"])
    path = tmp_path / "now"
    columns = data_columns(before)
    stage(path, box.environ, table, inputs=(source,), columns=columns)
    database.run("begin")
    database.run(f"lock {ledger_name(table)}")
    other = Database(box.environ)
    process = loader.start(path)
    wait_until(lambda: waits_for_lock(other))
    pq.write_table(after, tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size == source.bytes
    s3.upload_file(str(tmp_path / "x.parquet"), bucket, key)
    database.run("rollback")
    found = loader.finish(process, path)
    assert found.failed.code is ErrorCode.INPUT_CHANGED
    assert numbers(other, table) == [0, 1, 2]
    other.connection.close()


def test_a_server_that_is_away_when_a_commit_is_to_be_settled_is_asked_again(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path,
    cutter: Callable[..., Cutter],
) -> None:  # fmt: skip
    wire = cutter(forward_commit=True, cuts=1, away_seconds=3.0)
    path = tmp_path / "now"
    request = stage(path, box.environ, table, rows("a", range(10)))
    through = replace(request, target=replace(request.target, host="127.0.0.1", port=wire.port))
    (path / REQUEST_FILE).write_text(dump_request(through))
    found = loader(path, REDSHIFT_HOST=None, REDSHIFT_PORT=None, REDSHIFT_SSLMODE="disable")
    assert found.loaded.rows.copied == 10
    assert numbers(database, table) == list(range(10))
    assert wire.commits == 1


def test_an_interrupt_does_not_wait_for_a_slow_upload(
    box: Sandbox, loader: Loader, database: Database, table: Table, tmp_path: Path
) -> None:
    noise = pa.table({"k": [secrets.token_hex(500) for _ in range(20_000)], "n": range(20_000)})
    path = tmp_path / "now"
    stage(path, box.environ, table, noise)
    slow = SlowWire(box.environ["AWS_ENDPOINT_URL_S3"], bytes_per_second=500_000)
    process = loader.start(path, AWS_ENDPOINT_URL_S3=slow.url)
    wait_until(lambda: slow.passed > 300_000)
    process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    found = loader.finish(process, path)
    slow.close()
    assert found.exit_code == ExitCode.INTERRUPTED
    assert time.monotonic() - sent < 8  # the rest would take 25 seconds
    assert numbers(database, table) == [0, 1, 2]


class SlowWire:
    """A line to S3 that carries so many bytes a second."""

    def __init__(self, endpoint: str, *, bytes_per_second: int) -> None:
        host, port = endpoint.removeprefix("http://").split(":")
        self._upstream, self._rate = (host, int(port)), bytes_per_second
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                sink.sendall(data)
                if slow:
                    self.passed += len(data)
                    time.sleep(len(data) / self._rate)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()
