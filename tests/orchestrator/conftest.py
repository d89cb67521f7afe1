"""Fixtures of the orchestrator's tests: IO managers, with a database behind them or none."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestrator import RedshiftConnection, RedshiftIOManager, S3Staging, SubprocessLauncher
from sandbox import Sandbox
from tests.orchestrator.runs import Run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Dagster's own warnings of itself pass, here and nowhere else."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warned in _DAGSTERS_OWN:
                item.add_marker(pytest.mark.filterwarnings(warned))


_DAGSTERS_OWN = (
    # Dagster 1.13 calls this of its own wherever a resource holds another.
    "ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning",
    # A single-run range has no other door.
    "ignore:Parameter `backfill_policy`:dagster_shared.utils.warnings.BetaWarning",
)


@pytest.fixture
def io(box: Sandbox, schema: str, tmp_path: Path) -> Callable[..., RedshiftIOManager]:
    """Make an IO manager of the sandbox; its tables lie in the test's own schema."""

    def make(**settings: Any) -> RedshiftIOManager:
        facts = box.redshift
        return RedshiftIOManager(
            **{
                "connection": RedshiftConnection(
                    host=facts.host,
                    port=facts.port,
                    database=facts.database,
                    user=facts.user,
                    password=dg.EnvVar("REDSHIFT_PASSWORD"),
                ),
                "staging": S3Staging(bucket=box.s3.bucket, prefix="dagster"),
                "schema": schema,
                "staging_dir": str(tmp_path / "staging"),
                **settings,
            }
        )

    return make


@pytest.fixture
def offline_io(tmp_path: Path) -> Callable[..., RedshiftIOManager]:
    """Make an IO manager of no database, whose loader is the given Python text."""

    def make(
        loader: str = "raise SystemExit('no loader is to run')", **settings: Any
    ) -> RedshiftIOManager:
        script = tmp_path / "loader.py"
        script.write_text(_PRELUDE + loader)
        return RedshiftIOManager(
            **{
                "connection": RedshiftConnection(host="h", database="dev", user="u", password="p"),
                "staging": S3Staging(bucket="b"),
                "staging_dir": str(tmp_path / "staging"),
                "launcher": SubprocessLauncher(command=[sys.executable, str(script)]),
                **settings,
            }
        )

    return make


_PRELUDE = """\
import json, os, signal, sys, time
from pathlib import Path
from dagster_pipes import open_dagster_pipes
verb, path = sys.argv[1], Path(sys.argv[2])
request = json.loads((path / "request.json").read_text())
def report(outcome, number=1):
    folder = path / "attempts" / f"{number:04d}"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(outcome))
def loaded(rows=1):
    return {"protocol_version": 1, "loaded": {
        "protocol_version": 1, "load_key": request["load_key"], "attempt_id": "a",
        "status": "loaded",
        "database": "dev", "schema": "s", "table": "t", "committed_at": "2024-01-01T00:00:00Z",
        "rows": {"staged": rows, "deleted": 0, "copied": rows, "in_table": rows}}}
def failed(code="copy_failed", **more):
    return {"protocol_version": 1, "failed": {
        "code": code, "message": "It broke.", "phase": "load", "hint": "Mend it.", **more}}
"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Callable[..., Run]:
    """Materialize assets, whatever comes of it."""

    def materialize(assets: list[Any], io_manager: RedshiftIOManager, **options: Any) -> Run:
        result = dg.materialize(
            assets,
            resources={"io_manager": io_manager},
            instance=instance,
            raise_on_error=False,
            **options,
        )
        return Run(result, instance)

    return materialize
