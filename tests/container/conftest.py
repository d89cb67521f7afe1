"""A Docker engine and this project's images, for the tests of this folder.

Where no engine answers, the tests that need one are skipped and say why.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.container.docker_command import ROOT, docker

BUILD_ARGUMENTS = [
    "PYTHON_IMAGE",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
]
BUILD_MINUTES = 20


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.container)
            item.add_marker(pytest.mark.timeout(BUILD_MINUTES * 60))


@pytest.fixture(scope="session")
def engine():
    if shutil.which("docker") is None:
        pytest.skip("no container engine: there is no docker command here")
    answer = docker("info", "--format", "{{.ServerVersion}}", check=False, timeout=60)
    if answer.returncode != 0 or not answer.stdout.strip():
        pytest.skip(f"no container engine answers: {answer.stderr.strip()}")
    return answer.stdout.strip()


@pytest.fixture(scope="session")
def build(engine, tmp_path_factory):
    """Builds a target of the Dockerfile; gives the image's id, no tag: two checkouts never meet."""

    def build_target(target):
        iid = tmp_path_factory.mktemp("image") / target
        # docker takes the value of an argument that is only named from the environment.
        named = [f"--build-arg={name}" for name in BUILD_ARGUMENTS if os.environ.get(name)]
        docker("build", "--target", target, "--iidfile", iid, *named, ROOT)
        return iid.read_text()

    return build_target


@pytest.fixture(scope="session")
def loader_image(build):
    return build("loader")


@pytest.fixture(scope="session")
def sandbox_image(build):
    return build("sandbox")
