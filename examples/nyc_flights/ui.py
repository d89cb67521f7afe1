"""The project in Dagster's web UI: ``python -m examples.nyc_flights.ui [--port N]``."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

from rich.console import Console

from examples.nyc_flights import lake
from examples.nyc_flights.home import missing_settings, temporary_dagster_home

HOST = "127.0.0.1"
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0


def main() -> int:
    """Serve the UI until Ctrl-C, and leave no process and no file behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="0 takes any free one")
    port = parser.parse_args().port or _free_port()
    console = Console(highlight=False, soft_wrap=True)
    if problem := missing_settings() or _taken(port):
        console.print(problem)
        return 2
    console.print(f"Parquet of another team lies at {lake.put_hourly_weather()}")
    # SIGTERM ends it as Ctrl-C does. SIGINT is set anew because polars takes it over when it is
    # imported, with SA_RESTART, and a wait for a child would then not be broken off.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    with temporary_dagster_home(log_level="INFO"):
        return _serve(console, port)


def _serve(console: Console, port: int) -> int:
    # A process group of its own: Ctrl-C reaches only us, and in the end we can sweep all of it.
    server = subprocess.Popen(
        [
            # It would advise a newcomer to install another tool.
            *(sys.executable, "-W", "ignore:Function `dev_command` is superseded"),
            *("-m", "dagster", "dev", "-m", "examples.nyc_flights.definitions"),
            *("-h", HOST, "-p", str(port), "--log-level", "warning"),
        ],
        start_new_session=True,
    )
    try:
        with console.status("Dagster is starting"):
            ready = _wait_until_ready(server, port)
        if not ready:
            console.print("[bold red]Dagster did not start.[/] Its own words are above.")
            return 1
        console.print(f"[bold green]Dagster's UI is at http://{HOST}:{port}[/]  Ctrl-C stops it.")
        return server.wait()
    except KeyboardInterrupt:
        console.print("Stopping")
        return 0
    finally:
        _stop(server)


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/server_info", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask Dagster to stop, which stops its children, and end what is left after a while."""
    # A second Ctrl-C would break off the cleaning up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:  # nothing is left, as it should be
        return


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number, frame)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _taken(port: int) -> str:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        return f"Port {port} cannot be used: {error}. Choose another one with --port, or 0."
    return ""


if __name__ == "__main__":
    sys.exit(main())
