"""A Dagster instance of one's own, for as long as a demo or a look at the UI takes."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED = (
    "REDSHIFT_HOST",
    "REDSHIFT_PORT",
    "REDSHIFT_DATABASE",
    "REDSHIFT_USER",
    "REDSHIFT_PASSWORD",
    "SANDBOX_BUCKET",
)
"""What the definitions take from the environment."""

_SETTINGS = """\
telemetry:
  enabled: false
python_logs:
  python_log_level: {log_level}
"""


def missing_settings() -> str:
    """Say what the environment lacks, as one sentence; empty where it lacks nothing."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if not missing:
        return ""
    return (
        f"The environment has no {', '.join(missing)}. The example runs against a local Redshift "
        "and S3: start it with `make demo` or `make ui`, or behind `python -m sandbox run --`."
    )


@contextmanager
def temporary_dagster_home(*, log_level: str) -> Iterator[Path]:
    """Point DAGSTER_HOME, here and in child processes, at a new folder, and remove it in the end.

    ``log_level`` is the least that Dagster's own log tells; events are kept whatever it is.

    A folder and not memory: each asset is made in a process of its own, and they meet in the run's
    event log on disk.
    """
    before = os.environ.get("DAGSTER_HOME")
    with tempfile.TemporaryDirectory(prefix="nyc-flights-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "dagster.yaml").write_text(_SETTINGS.format(log_level=log_level), encoding="utf-8")
        os.environ["DAGSTER_HOME"] = folder
        try:
            yield home
        finally:
            if before is None:
                del os.environ["DAGSTER_HOME"]
            else:
                os.environ["DAGSTER_HOME"] = before
