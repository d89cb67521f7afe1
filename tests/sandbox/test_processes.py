"""Starting, stopping, and what is left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import Sandbox, folder

ROOT = Path(__file__).parents[2]
SHOW = "import os; print(os.environ['REDSHIFT_PORT'], os.environ['SANDBOX_BUCKET'], flush=True)"
ORDINARY = 65534  # "nobody"; initdb wants a user that has a name


def sandbox(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment |= options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options,
    )  # fmt: skip


def family(pid):
    """Give the process ids of all descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(status.rpartition(")")[2].split()[1]), []).append(
                int(entry.name)
            )
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def alive(pids):
    def runs(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if runs(pid)]


def gone_within(pids, seconds):
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive(pids) == []


def test_run_gives_the_environment_and_exits_with_the_commands_code():
    process = sandbox("run", "--", sys.executable, "-c", f"{SHOW}; raise SystemExit(7)")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (7, "")
    assert out.split()[1] == "sandbox"


def test_run_passes_signals_on_and_stops_everything():
    command = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9));"
        "print('up', flush=True); signal.pause()"
    )
    process = sandbox("run", "--", sys.executable, "-c", command)
    assert process.stdout.readline() == "up\n"
    started = family(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 9
    assert gone_within(started, 5)


def test_a_command_that_a_signal_ends_is_told_as_a_shell_does():
    process = sandbox("run", "--", "sh", "-c", "kill -KILL $$")
    process.communicate(timeout=60)
    assert process.returncode == 137


def test_a_command_that_is_not_there_is_one_sentence():
    process = sandbox("run", "--", "no-such-command-anywhere")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("sandbox: ") and err.count("\n") == 1


def test_up_prints_the_environment_and_stops_on_sigterm(tmp_path):
    process = sandbox("up", "--export", str(tmp_path / "shared"))
    lines = []
    while not lines or not lines[-1].startswith("#"):
        lines.append(process.stdout.readline())
    assert all(line.startswith("export ") for line in lines[:-1])
    assert "ready" in lines[-1]
    checked = sandbox("check", "--export", str(tmp_path / "shared"))
    assert (checked.communicate(timeout=20), checked.returncode) == (("", ""), 0)
    started = family(process.pid)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert gone_within(started, 5)
    checked = sandbox("check", "--export", str(tmp_path / "shared"))
    assert "answers" in checked.communicate(timeout=20)[1]
    assert checked.returncode == 1


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells children that their parent died"
)
def test_a_killed_sandbox_leaves_no_process_and_the_next_start_sweeps_its_files(tmp_path):
    base = Path("/tmp") / f"sweep-{os.getpid()}"
    base.mkdir()
    base.chmod(0o711)
    try:
        process = sandbox("run", "--", "sleep", "600", env={"TMPDIR": str(base)})
        deadline = time.monotonic() + 30
        while "sleep" not in commands(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        started = family(process.pid)
        ports = grpc_ports(started)
        assert {"postgres", "weed", "sleep"} <= commands(process.pid)
        process.kill()
        process.communicate(timeout=30)
        assert gone_within(started, 10)
        assert list(base.glob(f"{folder.PREFIX}*"))
        folder.sweep(base)
        assert list(base.iterdir()) == []
        assert len(ports) == 5
        assert not [one for port in ports for one in Path("/tmp").glob(f"seaweedfs-*-{port}.sock")]
    finally:
        folder.sweep(base)
        base.rmdir()


def grpc_ports(pids):
    """Read SeaweedFS's ports off its command line; its gRPC ports are those and 10,000."""
    for pid in pids:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        ports = [one.partition(".port=")[2] for one in arguments if ".port=" in one]
        if ports:
            return [int(port) + 10_000 for port in ports]
    return []


def commands(pid):
    found = set()
    for one in family(pid):
        try:
            found.add(Path(f"/proc/{one}/comm").read_text().strip())
        except OSError:
            continue
    return found


def test_a_living_sandbox_is_not_swept(box):
    folder.sweep(box.log.parent.parent)
    assert box.log.exists()


def test_sandboxes_do_not_disturb_each_other(box, client, name):
    client.run(f"create table {name} (a int)")
    with Sandbox.start() as other:
        assert other.redshift.port != box.redshift.port
        assert other.s3.endpoint_url != box.s3.endpoint_url
        kept = other.log.parent
    assert not kept.exists()
    assert client.run(f"select count(*) from {name}") == [(0,)]


def test_everything_listens_on_this_machine_only(box):
    assert {address.rpartition(":")[0] for address in listening(box)} == {"127.0.0.1"}


def listening(box):
    inodes = set()
    for pid in [os.getpid(), *family(os.getpid())]:
        try:
            descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
        except FileNotFoundError:  # a server's worker that ended since it was listed
            continue
        for descriptor in descriptors:
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows6 = [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    assert not [row for row in rows6 if row[3] == "0A" and row[9] in inodes]
    for row in rows:
        if row[3] == "0A" and row[9] in inodes:
            address, port = row[1].split(":")
            octets = [str(int(address[i : i + 2], 16)) for i in (6, 4, 2, 0)]
            yield f"{'.'.join(octets)}:{int(port, 16)}"


def test_data_is_kept_where_it_is_asked_for(monkeypatch, tmp_path_factory):
    import boto3

    from tests.sandbox.conftest import Client

    base = Path("/tmp") / f"kept-{os.getpid()}"
    base.mkdir(mode=0o711)
    try:
        for start in range(2):
            with Sandbox.start(data_dir=base / "data") as kept:
                monkeypatch.setenv("SSL_CERT_FILE", kept.environ["SSL_CERT_FILE"])
                s3 = boto3.client(
                    "s3", endpoint_url=kept.s3.endpoint_url,
                    aws_access_key_id=kept.s3.access_key_id,
                    aws_secret_access_key=kept.s3.secret_access_key,
                )  # fmt: skip
                client = Client(kept)
                if start == 0:
                    client.run("create table kept (a int sortkey)")
                    client.run("insert into kept values (1)")
                    s3.put_object(Bucket="sandbox", Key="x", Body=b"hello")
                assert client.run("select a from kept") == [(1,)]
                assert s3.get_object(Bucket="sandbox", Key="x")["Body"].read() == b"hello"
                client.close()
                s3.close()
    finally:
        subprocess.run(["rm", "-rf", str(base)], check=True)


def test_without_tls_the_environment_asks_for_none(connect):
    with Sandbox.start(tls=False) as plain:
        assert "SSL_CERT_FILE" not in plain.environ
        client = connect(
            host="localhost", port=plain.redshift.port, password=plain.redshift.password, ssl=False
        )
        assert client.run("select 1") == [(1,)]
        client.close()


def readable_by_others(path):
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path, *path.parents))


def python_for_others():
    """Find a Python of our version that another user can run, with our packages."""
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    for candidate in (Path(sys.executable).resolve(), system.resolve()):
        if candidate.exists() and readable_by_others(candidate):
            return candidate
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_run_it():
    packages = Path(pytest.__file__).parents[1]
    python = python_for_others()
    if python is None or not readable_by_others(ROOT) or not readable_by_others(packages):
        pytest.skip("another user cannot read this Python, its packages or this folder")
    environment = {"HOME": "/tmp", "PYTHONPATH": f"{ROOT}:{packages}"}
    environment["PATH"] = f"{sys.prefix}/bin:/usr/bin:/bin"
    done = subprocess.run(
        [python, "-m", "sandbox", "run", "--", python, "-c", SHOW],
        user=ORDINARY, group=ORDINARY, extra_groups=[], cwd="/",
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout.split()[1]) == (0, "", "sandbox")


def test_importing_it_is_cheap():
    heavy = {"pyarrow", "psycopg", "trustme", "boto3", "cryptography"}
    code = f"import sys, sandbox; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "\n"


def test_programs_that_another_user_cannot_reach_are_copied_once(monkeypatch, tmp_path):
    from sandbox import postgres

    source = postgres.find_programs()
    monkeypatch.setattr(postgres, "reachable", lambda path: False)
    monkeypatch.setattr(postgres, "CACHE", tmp_path)
    first, second = postgres.find_programs(), postgres.find_programs()
    assert first == second and first != source
    assert subprocess.run([first / "postgres", "--version"], capture_output=True, check=True).stdout
    assert len([one for one in first.parents[2].iterdir() if one.is_dir()]) >= 1


def test_postgres_is_taken_from_where_the_environment_says(monkeypatch, tmp_path):
    from sandbox import postgres

    for program in ("initdb", "postgres"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("SANDBOX_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setattr(postgres, "reachable", lambda path: True)
    assert postgres.find_programs() == tmp_path
