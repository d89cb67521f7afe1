"""The command line: `python -m sandbox up | run -- COMMAND ... | check`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .box import LOCAL, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

USAGE, FAILED = 2, 1
_ENVIRON_FILE, _CA_FILE = "environ", "ca.pem"
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit code."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="up|run|check")
    up = commands.add_parser("up", help="start both servers and keep them until Ctrl-C")
    up.set_defaults(run=_up)
    up.add_argument(
        "--export", type=Path, metavar="DIR", help="also write the environment and the CA there"
    )
    run = commands.add_parser("run", help="start both servers, run a command, stop them")
    run.set_defaults(run=_run)
    for one in (up, run):
        one.add_argument("--data", type=Path, metavar="DIR", help="keep tables and objects there")
        one.add_argument(
            "--host", default=LOCAL, help="the address to bind to (default %(default)s)"
        )
        one.add_argument("--advertise", metavar="NAME", help="the host name that clients are told")
        one.add_argument("--redshift-port", type=int, default=0, metavar="PORT")
        one.add_argument("--s3-port", type=int, default=0, metavar="PORT")
        one.add_argument(
            "--bucket", default="sandbox", help="a bucket to make (default %(default)s)"
        )
        one.add_argument("--no-tls", action="store_true", help="refuse encrypted connections")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    check = commands.add_parser("check", help="exit with 0 when both servers answer")
    check.add_argument(
        "--export", type=Path, metavar="DIR", help="where `up --export` wrote the environment"
    )
    check.set_defaults(run=_check)
    return parser


def _start(given: argparse.Namespace) -> Sandbox:
    return Sandbox.start(
        data_dir=given.data,
        tls=not given.no_tls,
        bucket=given.bucket,
        host=given.host,
        advertise=given.advertise,
        redshift_port=given.redshift_port,
        s3_port=given.s3_port,
    )


def _up(given: argparse.Namespace) -> int:
    stopping = threading.Event()
    for number in _STOPPING:
        signal.signal(number, lambda *_: stopping.set())
    with _start(given) as box:
        if given.export:
            _export(box, given.export)
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in box.environ.items()]
        sys.stdout.write(
            "".join(lines) + f"# The sandbox is ready; its log is {box.log}. Ctrl-C stops it.\n"
        )
        sys.stdout.flush()
        while not stopping.wait(1):
            if ended := box.ended():
                sys.stderr.write(f"sandbox: {ended} ended by itself; see {box.log.parent}\n")
                return FAILED
    return 0


def _export(box: Sandbox, folder: Path) -> None:
    """Write the environment, for containers that share this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    values = dict(box.environ)
    if box.redshift.ca_file:
        (folder / _CA_FILE).write_bytes(box.redshift.ca_file.read_bytes())
        values["SSL_CERT_FILE"] = str(folder / _CA_FILE)
    half = folder / f"{_ENVIRON_FILE}.half"
    half.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    )
    half.replace(folder / _ENVIRON_FILE)


def _run(given: argparse.Namespace) -> int:
    from . import process

    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        sys.stderr.write("sandbox: no command given: python -m sandbox run -- COMMAND ...\n")
        return USAGE
    running: list[Any] = []
    asked: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if running and not (number == signal.SIGINT and _in_terminals_foreground()):
            running[0].send_signal(number)

    for number in _STOPPING:
        signal.signal(number, pass_on)
    with _start(given) as box:
        if asked:
            return 128 + asked[0]
        environment = {**os.environ, **box.environ}
        child = process.start(command, env=environment, in_foreground=True)
        running.append(child)
        code: int = child.wait()
    return code if code >= 0 else 128 - code


def _in_terminals_foreground() -> bool:
    """Tell whether Ctrl-C has reached the command already, because the terminal sent it to both."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _check(given: argparse.Namespace) -> int:
    from .health import check

    environment = dict(os.environ)
    if given.export:
        for line in (given.export / _ENVIRON_FILE).read_text().splitlines():
            name, _, value = shlex.split(line)[1].partition("=")
            environment[name] = value
    problems = check(environment)
    for problem in problems:
        sys.stderr.write(f"sandbox: {problem}\n")
    return FAILED if problems else 0


if __name__ == "__main__":
    sys.exit(main())
