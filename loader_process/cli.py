"""The command line: ``redshift-loader load | read | version``."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loader_process.claim import Attempt, read_request_text
from loader_process.errors import internal_failure
from loader_process.process import (
    InterruptedLoadError,
    stop_interrupting,
    stop_on_signals,
    stop_with_parent,
)
from loader_process.reporter import JsonReporter, Reporter, Stopwatch, TerminalReporter, tell
from shared_protocol import (
    PROTOCOL_VERSION,
    ErrorCode,
    ExitCode,
    Failure,
    FailureError,
    Outcome,
    refuse,
)
from shared_protocol.environment import LOADER_PARENT_PID
from shared_protocol.failure import Phase

_PIPES_CONTEXT = "DAGSTER_PIPES_CONTEXT"

EPILOG = """\
exit codes:
  0 done          1 a bug of the loader     2 wrong usage
  3 refused: the same again cannot help     4 transient: the same again may help
  5 interrupted   6 whether it was committed is unknown

environment:
  REDSHIFT_HOST, REDSHIFT_PORT, REDSHIFT_DATABASE, REDSHIFT_USER, REDSHIFT_PASSWORD,
  REDSHIFT_SSLMODE (verify-full, verify-ca, disable), and AWS's own variables.
"""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.command == "version":
        return _version()
    if "://" in chosen.path:
        return _refuse_remote(chosen)
    stop_on_signals()
    try:
        with _reporter(as_json=chosen.json) as reporter:
            return int(_run_attempt(chosen, reporter))
    except InterruptedLoadError as error:
        tell(sys.stderr, f"redshift-loader: interrupted ({error})\n")
        return int(ExitCode.INTERRUPTED)
    finally:
        stop_interrupting()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redshift-loader",
        description="Load staged data into Amazon Redshift, or read a table back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    load = commands.add_parser("load", help="load a staging path, or repeat its load")
    load.add_argument("path", help="the staging path: a folder with request.json")
    load.add_argument(
        "--force", action="store_true", help="load even if the ledger has this load already"
    )
    load.add_argument("--keep", action="store_true", help="leave the uploaded Parquet on S3")
    read = commands.add_parser("read", help="unload a table as a read path's request says")
    read.add_argument("path", help="the read path: a folder with request.json")
    for command in (load, read):
        command.add_argument("--json", action="store_true", help="report as JSON lines on stdout")
        command.add_argument(
            "--target-from-env",
            action="store_true",
            help="use the database that REDSHIFT_* name instead of the request's",
        )
    commands.add_parser("version", help="print the version")
    return parser


def _version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("dagster-redshift-loader")
    except PackageNotFoundError:
        number = "(not installed)"
    sys.stdout.write(f"redshift-loader {number}, protocol version {PROTOCOL_VERSION}\n")
    return int(ExitCode.DONE)


def _refuse_remote(chosen: argparse.Namespace) -> int:
    sys.stderr.write(
        f"redshift-loader: {chosen.path} is no local folder, and this version takes no other "
        "staging path. Copy it to a local folder and give that.\n"
    )
    return int(ExitCode.USAGE)


@contextmanager
def _reporter(*, as_json: bool) -> Iterator[Reporter]:
    if _PIPES_CONTEXT in os.environ:  # cheap to ask; the next line asks Pipes itself
        from loader_process.pipes_reporter import is_launched_by_dagster, pipes_reporter

        try:
            channel = pipes_reporter() if is_launched_by_dagster() else None
        except Exception as error:  # noqa: BLE001  # a channel that is broken costs the news only
            tell(sys.stderr, f"redshift-loader: Dagster cannot be told: {error}\n")
            channel = None
        if channel is not None:
            with channel as reporter:
                yield reporter
            return
    yield JsonReporter(sys.stdout) if as_json else TerminalReporter(sys.stdout, sys.stderr)


def _run_attempt(chosen: argparse.Namespace, reporter: Reporter) -> ExitCode:
    """Claim the path, do the work, and write down how it ended, whatever happens."""
    clock = Stopwatch()
    attempt: Attempt | None = None
    try:
        stop_with_parent(os.environ)
        path = Path(chosen.path).absolute()
        work = _work(chosen, path, reporter, clock)
        attempt = Attempt.claim(path)
        outcome = work(attempt)
    except InterruptedLoadError as error:
        stop_interrupting()
        outcome = _failed(_interrupted(clock.phase, str(error)))
    except FailureError as error:
        outcome = _failed(error.failure)
    except OSError as error:
        outcome = _failed(_local_failure(error, clock.phase))
    except Exception as error:  # noqa: BLE001  # the edge of the process: everything becomes data
        stack = traceback.format_exc()
        outcome = _failed(internal_failure(error, phase=clock.phase, stack=stack))
    if attempt is not None:
        outcome = _written_down(attempt, outcome)
    reporter.finish(outcome)
    return outcome.failed.exit_code if outcome.failed else ExitCode.DONE


def _work(
    chosen: argparse.Namespace, path: Path, reporter: Reporter, clock: Stopwatch
) -> Callable[[Attempt], Outcome]:
    """Read the request, and give what is to be done with it."""
    from loader_process.settings import settings_for
    from shared_protocol.staging_path import parse_load_request, parse_read_request

    text = read_request_text(path)
    if chosen.command == "read":
        read_request = parse_read_request(text)
        settings = settings_for(
            read_request.target, os.environ, target_from_env=chosen.target_from_env
        )

        def do_read(attempt: Attempt) -> Outcome:
            from loader_process.read import read

            report = read(
                read_request,
                root=path,
                attempt_id=attempt.id,
                settings=settings,
                reporter=reporter,
                clock=clock,
            )
            return Outcome(protocol_version=PROTOCOL_VERSION, read=report)

        return do_read
    request = parse_load_request(text)
    settings = settings_for(request.target, os.environ, target_from_env=chosen.target_from_env)

    def do_load(attempt: Attempt) -> Outcome:
        from loader_process.job import LoadOptions
        from loader_process.load import load

        report = load(
            request,
            root=path,
            attempt_id=attempt.id,
            folder=attempt.folder,
            settings=settings,
            reporter=reporter,
            clock=clock,
            options=LoadOptions(again=chosen.force, keep=chosen.keep, replay=not _is_dagsters()),
        )
        return Outcome(protocol_version=PROTOCOL_VERSION, loaded=report)

    return do_load


def _is_dagsters() -> bool:
    """Whether Dagster asked for this load, even if it can be told nothing of it."""
    return _PIPES_CONTEXT in os.environ or LOADER_PARENT_PID in os.environ


def _written_down(attempt: Attempt, outcome: Outcome) -> Outcome:
    try:
        attempt.finish(outcome)
    except OSError as error:
        # Whether the load happened does not hang on a full disk: the ledger knows.
        tell(sys.stderr, f"redshift-loader: the report could not be written: {error}\n")
    return outcome


def _failed(failure: Failure) -> Outcome:
    return Outcome(protocol_version=PROTOCOL_VERSION, failed=failure)


def _local_failure(error: OSError, phase: Phase) -> Failure:
    where = f" at {error.filename}" if error.filename else ""
    return refuse(
        ErrorCode.LOCAL_STORAGE,
        phase,
        f"The loader's own machine refused{where}: {error.strerror or error}.",
        "Give the staging path room, and the loader the right to write there.",
    ).failure


def _interrupted(phase: Phase, by: str) -> Failure:
    return refuse(
        ErrorCode.INTERRUPTED,
        phase,
        f"The loader was interrupted by {by} and rolled back; no row was changed.",
        "Load again.",
    ).failure
