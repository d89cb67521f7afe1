"""The image `loader`: what is in it, and that it runs as anyone, writing nowhere."""

import json
import tomllib

import pytest

from tests.container.docker_command import ROOT, docker

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]


@pytest.fixture
def python(loader_image):
    """Runs a program in the image's Python, hardened, and gives what it printed."""

    def run_program(*lines):
        program = ["--entrypoint", "python", loader_image, "-c", "\n".join(lines)]
        return docker("run", "--rm", *HARDENED, *program).stdout.strip()

    return run_program


def test_the_image_tells_its_version(loader_image):
    assert VERSION in docker("run", "--rm", loader_image, "version").stdout


@pytest.mark.parametrize("user", ["10001:10001", "54321:54321", "54321:0"])
def test_it_runs_read_only_and_without_rights_as_any_user(loader_image, user):
    answer = docker("run", "--rm", *HARDENED, "--user", user, loader_image, "version")
    assert VERSION in answer.stdout


def test_it_is_not_root_unless_told(python):
    assert python("import os", "print(os.getuid(), os.getgid())") == "10001 10001"


def test_it_holds_the_loader_and_neither_dagster_nor_a_frame_library(python):
    names = set(
        python("import pkgutil", "for m in pkgutil.iter_modules(): print(m.name)").splitlines()
    )
    assert {"loader_process", "shared_protocol", "pyarrow", "redshift_connector"} <= names
    assert names & {"orchestrator", "sandbox", "dagster", "polars", "pandas", "pydantic"} == set()
    assert names & {"hatchling", "numpy", "pytest"} == set()


def test_every_library_of_the_loader_loads_in_it(python):
    # Parts of pyarrow are taken out of the image; the rest must not miss them.
    libraries = "boto3, dagster_pipes, redshift_connector, rich.progress, stamina"
    arrow = "pyarrow.compute, pyarrow.dataset, pyarrow.fs, pyarrow.ipc, pyarrow.parquet"
    assert python(f"import {libraries}, {arrow}", "print('loaded')") == "loaded"


def test_it_knows_the_time_zones_that_slim_systems_leave_out(python):
    assert python("import zoneinfo", "print(zoneinfo.ZoneInfo('US/Eastern'))") == "US/Eastern"


def test_its_bytecode_lies_beside_the_source(python):
    lines = [
        "import pathlib, boto3, loader_process",
        "for module in boto3, loader_process:",
        "    print(pathlib.Path(module.__cached__).is_file())",
    ]
    assert python(*lines) == "True\nTrue"


def test_a_wrong_command_is_a_usage_error(loader_image):
    assert docker("run", "--rm", loader_image, "no-such-command", check=False).returncode == 2


def test_it_keeps_nothing_of_how_it_was_built(loader_image):
    (image,) = json.loads(docker("image", "inspect", loader_image).stdout)
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", loader_image).stdout
    assert "PIP_INDEX_URL" not in history + json.dumps(image["Config"])
    assert image["Config"]["Entrypoint"] == ["redshift-loader"]
