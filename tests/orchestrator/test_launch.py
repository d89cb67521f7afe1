"""A loader is judged by its report, followed line by line, and never left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from orchestrator import Launcher, LoaderCall, LoaderEnd, SubprocessLauncher
from orchestrator.outcome import run_loader
from orchestrator.pipes import LoaderMessages, progress_text
from orchestrator.staging import StagingPath
from shared_protocol import FailureError, Phase
from shared_protocol.messages import Progress

OK = "with open_dagster_pipes() as pipes: report(loaded(3))"


@dg.asset
def asset() -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2, 3]})


def staging_paths(tmp_path):
    folder = tmp_path / "staging"
    return list(folder.iterdir()) if folder.exists() else []


def test_the_report_on_disk_is_the_outcome(run, offline_io, tmp_path):
    done = run([asset], offline_io(OK))
    assert done.success
    assert done.metadata()["dagster/row_count"] == 3
    assert staging_paths(tmp_path) == []


def test_the_copy_through_pipes_stands_in_for_a_report_that_is_not_there(run, offline_io):
    loader = """
with open_dagster_pipes() as pipes:
    pipes.report_custom_message({"protocol_version": 1, "outcome": loaded(3)})
"""
    assert run([asset], offline_io(loader)).metadata()["rows_copied"] == 3


def test_what_the_loader_says_is_the_steps_failure_and_the_path_is_kept(run, offline_io, tmp_path):
    loader = """
rows = [{"file_name": "s3://b/f", "line_number": 7, "column_name": "q", "message": "Invalid digit"}]
report(failed(load_errors=rows, details={"table": "s.t"}, stack="Traceback ..."))
sys.exit(3)
"""
    done = run([asset], offline_io(loader))
    (path,) = staging_paths(tmp_path)
    assert done.description.startswith("It broke. Mend it.")
    assert f"redshift-loader load {path}" in done.description
    assert (path / "request.json").exists()
    assert (path / "data" / "part-00000.parquet").exists()
    metadata = done.failure.user_failure_data.metadata
    assert metadata["code"].value == "copy_failed"
    assert metadata["phase"].value == "load"
    assert metadata["table"].value == "s.t"
    assert "Traceback" in metadata["stack"].value
    assert metadata["load_errors"].records[0].data["message"] == "Invalid digit"


def test_a_staging_path_is_kept_always_or_never_when_that_is_wanted(run, offline_io, tmp_path):
    assert run([asset], offline_io("report(failed()); sys.exit(3)", keep_staging="never")).failure
    assert staging_paths(tmp_path) == []
    done = run([asset], offline_io(OK, keep_staging="always"))
    (path,) = staging_paths(tmp_path)
    assert done.metadata()["staging_path"] == str(path)


@pytest.mark.parametrize(
    ("code", "tries"),
    [("copy_failed", 1), ("connection_lost", 3)],
)
def test_only_a_failure_that_a_retry_can_overcome_is_retried(
    run, offline_io, tmp_path, code, tries
):
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def retried() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    assert not run([retried], offline_io(f"report(failed({code!r}))")).success
    paths = staging_paths(tmp_path)
    assert len(paths) == tries
    # Each try has a path of its own, and all have one load key.
    assert len({path.name.rpartition("-")[0] for path in paths}) == 1


def test_what_a_failed_try_left_goes_when_a_later_one_succeeds(run, offline_io, tmp_path):
    loader = """
mark = Path(sys.argv[0]).with_suffix(".mark")
tried = mark.exists()
mark.touch()
report(loaded() if tried else failed("connection_lost"))
"""

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def retried() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    assert run([retried], offline_io(loader)).success
    assert staging_paths(tmp_path) == []


@pytest.mark.parametrize(
    ("loader", "said"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "killed by SIGKILL before it reported. Nobody but",
        ),
        ("os.kill(os.getpid(), signal.SIGABRT)", "killed by SIGABRT before it reported."),
        ("sys.exit(0)", "exited with 0, and left no report"),
        ("sys.exit(4)", "exited with 4 (transient), and left no report"),
        ("sys.exit(77)", "exited with 77, and left no report"),
        ("with open_dagster_pipes(): pass", "exited with 0, and left no report"),
        ("report({'protocol_version': 2, 'new': {}})", "speaks protocol version 2"),
        ("report({'protocol_version': 1})", "not of the protocol's form"),
        (
            "report({'protocol_version': 1, 'read': {**loaded()['loaded']}})",
            "not of the protocol's",
        ),
    ],
)
def test_a_loader_that_leaves_no_good_report_fails_the_step(run, offline_io, loader, said):
    done = run([asset], offline_io(loader))
    assert not done.success
    assert said in done.description


class Silent(Launcher):
    """Starts nothing, and says that it exited with 0."""

    def launch(self, call):
        return LoaderEnd(exit_code=0, signal=None, messages=LoaderMessages(call.log))


# Dagster asks pydantic for this of any resource that has no setting.
@pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated")
def test_a_report_of_an_attempt_before_this_start_does_not_count(tmp_path):
    folder = tmp_path / "attempts" / "0001"
    folder.mkdir(parents=True)
    failed = {"code": "copy_failed", "message": "Of old.", "phase": "load"}
    (folder / "report.json").write_text(json.dumps({"protocol_version": 1, "failed": failed}))
    log = dg.build_op_context().log
    call = LoaderCall(verb="load", staging_path=str(tmp_path), environment={}, step=None, log=log)
    with pytest.raises(FailureError, match="left no report"):
        run_loader(Silent(), call, StagingPath(tmp_path))


def test_a_loader_that_found_the_path_claimed_is_believed_over_the_others_report(run, offline_io):
    loader = """
report(loaded())
with open_dagster_pipes() as pipes:
    pipes.report_custom_message({"protocol_version": 1, "outcome": failed("path_claimed")})
"""
    assert "It broke." in run([asset], offline_io(loader)).description


def test_torn_unknown_and_huge_messages_are_passed_over_and_the_rest_is_read(run, offline_io):
    loader = """
from dagster_pipes import PipesEnvVarParamsLoader
with open_dagster_pipes() as pipes:
    target = Path(PipesEnvVarParamsLoader().load_messages_params()["path"])
    def write(data):
        with target.open("ab") as file:
            file.write(data)
    write(b'{"method": "lo')
    time.sleep(0.2)                       # the stock reader dies of half a line
    write(b'g", "params": {"message": "torn and joined", "level": "WARNING"}}\\n')
    write(b'{"method": "from_the_future", "params": {}}\\n')
    write(b'{"method": "log", "params": {"message": "x", "level": "INFO", "novel": 1}}\\n')
    write(b'no json at all\\n')
    write(b'[]\\n')
    pipes.report_custom_message({"not": "ours"})
    pipes.log.info("x" * 2_000_000)
    pipes.log.warning("and the last")
    report(loaded())
"""
    done = run([asset], offline_io(loader))
    assert done.success
    assert "torn and joined" in done.logs
    assert "and the last" in done.logs
    assert any("5 messages of the loader were not understood" in text for text in done.logs)


def test_progress_is_logged_when_a_phase_begins_and_then_seldom(run, offline_io):
    loader = """
with open_dagster_pipes() as pipes:
    for phase in ("upload", "load"):
        for done in range(0, 2_000_000, 1_000):
            progress = {"phase": phase, "done": done, "total": 4_000_000, "unit": "bytes"}
            pipes.report_custom_message({"protocol_version": 1, "progress": progress})
    report(loaded())
"""
    lines = [
        text
        for text in run([asset], offline_io(loader)).logs
        if text.startswith(("upload:", "load:"))
    ]
    assert lines[:2] == ["upload: 0.0 of 4.0 MB (0 %)", "load: 0.0 of 4.0 MB (0 %)"]


def test_progress_without_a_total_or_in_rows_reads_well():
    def text(**of):
        return progress_text(Progress(phase=Phase.UPLOAD, **of))

    assert text(done=1_500_000, total=0) == "upload: 1.5 MB"
    assert text(done=1500, total=3000, unit="rows") == "upload: 1,500 of 3,000 rows (50 %)"


def test_the_loader_gets_the_login_in_its_environment_and_no_other_one(
    run, offline_io, monkeypatch
):
    monkeypatch.setenv("REDSHIFT_WORKGROUP", "of-another-login")
    monkeypatch.setenv("REDSHIFT_HOST", "elsewhere")
    loader = """
names = sorted(name for name in os.environ if name.startswith("REDSHIFT_"))
assert os.environ["REDSHIFT_LOADER_PARENT_PID"] == str(os.getppid())
found = [names, os.environ["REDSHIFT_HOST"], os.environ["REDSHIFT_PASSWORD"]]
Path(sys.argv[0]).with_suffix(".txt").write_text(str(found))
assert "REDSHIFT_PASSWORD" not in (path / "request.json").read_text()
report(loaded())
"""
    io = offline_io(loader)
    assert run([asset], io).success
    written = Path(io.launcher.command[1]).with_suffix(".txt").read_text()
    assert "WORKGROUP" not in written
    assert written.endswith("'h', 'p']")


def test_a_loader_that_cannot_be_started_is_told(run, offline_io):
    done = run([asset], offline_io(launcher=SubprocessLauncher(command=["/no/such/loader"])))
    assert "'/no/such/loader' cannot be started: No such file" in done.description


_INTERRUPTED = """
import os, sys
from pathlib import Path
import dagster as dg, polars as pl
from orchestrator import *

@dg.asset
def asset():
    return pl.DataFrame({"n": [1]})

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    command = [sys.executable, str(folder / "loader.py")]
    io = RedshiftIOManager(
        connection=RedshiftConnection(host="h", database="d", user="u", password="p"),
        staging=S3Staging(bucket="b"), staging_dir=str(folder / "staging"),
        launcher=SubprocessLauncher(command=command, grace_seconds=1))
    with dg.instance_for_test() as instance:
        try:
            dg.materialize([asset], instance=instance, resources={"io_manager": io})
        finally:
            (run,) = instance.get_runs()
            events = [r.dagster_event for r in instance.all_logs(run.run_id) if r.dagster_event]
            errors = [e.event_specific_data.error.to_string() for e in events
                      if e.event_type_value == "STEP_FAILURE"]
            (folder / "end.txt").write_text(f"{run.status} {errors}")
"""

_STUBBORN = """
import os, signal, subprocess, sys, time
from pathlib import Path
folder = Path(sys.argv[0]).parent
if {ignores}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
(folder / "pids.tmp").write_text(f"{{os.getpid()}} {{child.pid}}")
(folder / "pids.tmp").rename(folder / "pids")
try:
    time.sleep(60)
except KeyboardInterrupt:
    child.kill()
    (folder / "rolled_back").touch()
    raise
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ignores", [False, True])
def test_an_interrupted_step_ends_its_loader_within_the_grace_and_leaves_no_orphan(
    tmp_path, number, ignores
):
    (tmp_path / "loader.py").write_text(_STUBBORN.format(ignores=ignores))
    (tmp_path / "step.py").write_text(_INTERRUPTED)
    root = Path(__file__).parents[2]
    step = subprocess.Popen(
        [sys.executable, str(tmp_path / "step.py"), str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pids = []
    try:
        for _ in range(400):
            if (tmp_path / "pids").exists():
                break
            time.sleep(0.05)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        began = time.monotonic()
        step.send_signal(number)
        step.wait(30)
        assert time.monotonic() - began < 10
        assert [pid for pid in pids if alive(pid)] == []
        assert (tmp_path / "rolled_back").exists() is not ignores
        end = (tmp_path / "end.txt").read_text()
        assert "DagsterExecutionInterruptedError" in end
        # The data is whole, and the load can be repeated.
        (kept,) = (tmp_path / "staging").iterdir()
        assert (kept / "request.json").exists()
    finally:
        step.kill()
        step.wait()
        for pid in pids:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


_KILLED = """
import os, sys
import dagster as dg, polars as pl
from orchestrator import *

@dg.asset
def asset():
    return pl.DataFrame({"n": [1]})

if __name__ == "__main__":
    io = RedshiftIOManager(
        connection=RedshiftConnection(
            host="127.0.0.1", port=int(sys.argv[1]), database="d", user="u", password="p"),
        staging=S3Staging(bucket=sys.argv[2]), staging_dir=sys.argv[3])
    dg.materialize([asset], resources={"io_manager": io})
"""


def loaders_at(folder):
    """Find the loader processes whose staging path lies in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().decode() if entry.name.isdigit() else ""
            if "loader_process" in command and str(folder) in command:
                found.append(int(entry.name))
    return found


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail("it did not come to that")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_real_loader_ends_with_a_step_that_is_killed_or_cancelled(tmp_path, box, number):
    (tmp_path / "step.py").write_text(_KILLED)
    root = Path(__file__).parents[2]
    # A database that takes the connection and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        step = subprocess.Popen(
            [sys.executable, str(tmp_path / "step.py"), port, box.s3.bucket, str(tmp_path / "st")],
            env={**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        silent.accept()[0].close()  # the loader knocks first
        connection, _ = silent.accept()
        assert len(connection.recv(8)) == 8  # it asks for TLS, and now waits for the answer
        try:
            assert len(loaders_at(tmp_path)) == 1
            step.send_signal(number)
            step.wait(30)
            wait_for(lambda: not loaders_at(tmp_path))
        finally:
            connection.close()
            step.kill()
            step.wait()
            for pid in loaders_at(tmp_path):
                os.kill(pid, signal.SIGKILL)
