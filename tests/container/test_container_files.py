"""What can be told from Dockerfile and compose.yaml themselves; these run without an engine."""

import re

import pytest
import yaml

from tests.container.docker_command import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_image_that_is_built_without_a_target_is_the_loader():
    assert re.findall(r"^FROM .* AS (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "loader"


def test_every_stage_stands_on_the_python_image_of_the_argument():
    stages = {"${PYTHON_IMAGE}"}
    for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE):
        assert base in stages
        stages.add(name)
    assert DOCKERFILE.count("\nFROM ") == len(stages) - 1


def test_the_dockerfile_is_one_that_the_classic_builder_reads():
    newer = r"# syntax=|^(RUN|COPY|ADD) --(mount|link|chmod|security|network)|<<"
    assert not re.search(newer, DOCKERFILE, re.MULTILINE)


def test_no_step_of_the_build_fetches_anything_but_locked_packages():
    assert not re.search(r"\b(curl|wget|git)\b|^ADD |://", DOCKERFILE, re.MULTILINE)
    installs = re.findall(
        r"pip (?:--python \S+ )?install(.*?)(?:&&|\n[A-Z\n])", DOCKERFILE, re.DOTALL
    )
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install or "--no-deps --root /project dist/*.whl" in install


@pytest.mark.parametrize("service", ["sandbox", "loader"])
def test_compose_builds_each_service_from_its_target(service):
    assert COMPOSE["services"][service]["build"]["target"] == service


def test_compose_starts_the_loader_only_when_asked():
    assert COMPOSE["services"]["loader"]["profiles"] == ["debug"]
    assert "profiles" not in COMPOSE["services"]["sandbox"]
