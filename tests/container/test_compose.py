"""compose.yaml: from nothing to a loaded table, with whichever Compose is there."""

import os
import secrets
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pytest

from shared_protocol import Table
from tests.container.docker_command import ROOT, docker
from tests.loader.conftest import last_outcome
from tests.loader.staging import stage


@pytest.fixture(scope="module")
def compose(engine, tmp_path_factory):
    """Runs a command of Compose in a project of this test's own, which is removed at the end."""
    if docker("compose", "version", check=False).returncode == 0:
        program = ["docker", "compose"]
    elif shutil.which("docker-compose"):
        program = ["docker-compose"]
    else:
        pytest.skip("no Compose: there is neither docker compose nor docker-compose here")
    project = f"redshift-loader-test-{secrets.token_hex(4)}"
    environ = os.environ | {
        "SANDBOX_REDSHIFT_PORT": "0",
        "SANDBOX_S3_PORT": "0",
        "STAGING": str(tmp_path_factory.mktemp("staging")),
        "LOADER_USER": f"{os.getuid()}:{os.getgid()}",
    }

    def run(*arguments):
        command = [*program, "--project-name", project, *arguments]
        answer = subprocess.run(
            command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True
        )
        if answer.returncode != 0:
            said = f"{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
            pytest.fail(f"{shlex.join(command)}\n{said}", pytrace=False)
        return answer.stdout

    run.staging = Path(environ["STAGING"])
    yield run
    run("down", "--volumes", "--remove-orphans", "--rmi", "local")


@pytest.fixture(scope="module")
def environ(compose):
    """The sandbox's environment, as its neighbours see it, once it is healthy."""
    compose("up", "-d", "sandbox")
    container = compose("ps", "-q", "sandbox").strip()
    deadline = time.monotonic() + 60
    while docker("inspect", "--format={{.State.Health.Status}}", container).stdout != "healthy\n":
        assert time.monotonic() < deadline, docker("logs", container).stdout
        time.sleep(0.5)
    lines = compose("exec", "-T", "sandbox", "cat", "/run/sandbox/environ").splitlines()
    return dict(shlex.split(line)[1].split("=", 1) for line in lines)


def test_the_loader_service_loads_into_the_sandbox_service(compose, environ):
    table = Table(schema="public", name="numbers")
    path = compose.staging / "load"
    data = pa.table({"n": [1, 2, 3], "name": ["one", "two", None]})
    stage(path, environ, table, data)
    compose("run", "--rm", "loader", "load", str(path), "--target-from-env")
    assert last_outcome(path).loaded.rows.in_table == 3

    assert rows(compose, environ, "select n, name from numbers order by n") == [
        (1, "one"),
        (2, "two"),
        (3, None),
    ]


def rows(compose, environ, query):
    """Look from the host, through the port that compose publishes."""
    import redshift_connector

    _, port = compose("port", "sandbox", "5439").strip().split(":")
    with (
        redshift_connector.connect(
            host="localhost",
            port=int(port),
            database=environ["REDSHIFT_DATABASE"],
            user=environ["REDSHIFT_USER"],
            password=environ["REDSHIFT_PASSWORD"],
            ssl=False,  # its CA is in the containers' volume
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(query)
        return [tuple(row) for row in cursor.fetchall()]
