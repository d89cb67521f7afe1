"""What ships and what it is built from: the wheel, the hash-locked files, the Makefile."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PARTS = [ROOT / f"requirements-{part}.lock" for part in ("build", "loader", "sandbox")]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
GROUPS = PYPROJECT["dependency-groups"]
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PACKAGES = {"orchestrator", "loader_process", "shared_protocol", "sandbox"}


class Pin(NamedTuple):
    name: str
    version: str
    hashes: frozenset[str]


def pins(lock: Path) -> set[Pin]:
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    found = set()
    for block in blocks:
        name, version = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block).groups()
        hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
        found.add(Pin(canonicalize_name(name), version, hashes))
    return found


def unmet(requirements: list[str | dict[str, str]], lock: Path) -> list[str]:
    """The requirements that no pin of the lock satisfies."""
    locked = pins(lock)

    def is_met(wanted):
        found = [pin for pin in locked if pin.name == canonicalize_name(wanted.name)]
        return any(wanted.specifier.contains(pin.version) for pin in found)

    parsed = [Requirement(text) for text in requirements if isinstance(text, str)]
    return [str(wanted) for wanted in parsed if not is_met(wanted)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def test_the_wheel_holds_exactly_the_four_packages_and_its_metadata(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert len(tops) == len(PACKAGES) + 1


def test_the_wheel_carries_licence_command_and_type_markers(wheel):
    names = wheel.namelist()
    (entry_points,) = [name for name in names if name.endswith(".dist-info/entry_points.txt")]
    assert "redshift-loader = loader_process.__main__:main" in wheel.read(entry_points).decode()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_the_wheel_leaves_no_caches_and_no_secrets_behind(wheel):
    unwanted = re.compile(r"__pycache__|\.pyc$|\.pem$|\.key$|\.env")
    assert [name for name in wheel.namelist() if unwanted.search(name)] == []


def test_the_lock_answers_every_requirement_of_the_project():
    wanted = [BASE, *EXTRAS.values(), *GROUPS.values()]
    assert [missing for part in wanted for missing in unmet(part, LOCK)] == []


@pytest.mark.parametrize(
    ("part", "wanted"),
    [("build", GROUPS["build"]), ("loader", BASE), ("sandbox", [*BASE, *EXTRAS["sandbox"]])],
)
def test_each_part_of_the_lock_answers_what_it_is_for(part, wanted):
    assert unmet(wanted, ROOT / f"requirements-{part}.lock") == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_of_the_lock_has_the_same_pins_and_hashes_as_the_whole(part):
    assert pins(part) <= pins(LOCK)


@pytest.mark.parametrize("lock", [LOCK, *PARTS], ids=lambda lock: lock.name)
def test_every_pin_has_hashes_and_no_line_says_where_it_was_downloaded(lock):
    assert all(pin.hashes for pin in pins(lock))
    text = lock.read_text()
    kinds = r"[A-Za-z0-9._-]+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*#.*"
    assert [line for line in text.splitlines() if not re.fullmatch(kinds, line)] == []
    assert not re.search(r"://|file:| @ |(^|\s)/|index-url|find-links", text)


def test_the_loader_is_locked_without_dagster_polars_and_pandas():
    names = {pin.name for pin in pins(ROOT / "requirements-loader.lock")}
    assert names & {"dagster", "dagster-shared", "pandas", "polars", "pydantic"} == set()


def test_make_alone_lists_every_target_with_a_line_about_it():
    answer = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True)
    listed = re.findall(r"^  make (\S+) +\S.+$", answer.stdout, re.MULTILINE)
    assert set(listed) == MAKE_TARGETS
    assert {"demo", "ui", "test", "lint", "format", "lock", "container-test"} <= MAKE_TARGETS


def test_every_make_target_that_the_documents_name_exists():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]
    # In code: `make demo`, or a line of a block that starts with it. Prose makes other things.
    in_code = re.compile(r"(?:`|^ {4}|^\$ |^)make ([a-z][a-z-]*)(?=[`\s])", re.MULTILINE)
    named = {name for file in documents for name in in_code.findall(file.read_text())}
    assert named - MAKE_TARGETS == set()


def find_python(candidate):
    command = [ROOT / ".ci" / "find-python", candidate]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def interpreter(tmp_path, *, refuses):
    """A Python that fails at a program with this word in it."""
    script = tmp_path / "python"
    refusal = f'case "$*" in *{refuses}*) exit 1 ;; esac'
    script.write_text(f'#!/bin/sh\n{refusal}\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_a_python_that_is_missing_or_too_old_is_told_in_one_sentence(tmp_path):
    for candidate in ("no-such-python", interpreter(tmp_path, refuses="version_info")):
        answer = find_python(candidate)
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert answer.stderr.startswith("Python 3.11 or newer is needed")
        assert answer.stderr.count("\n") == 1


def test_a_python_without_venv_names_the_package_to_install(tmp_path):
    answer = find_python(interpreter(tmp_path, refuses="ensurepip"))
    assert answer.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in answer.stderr


def test_what_make_and_ci_run_is_executable():
    programs = [ROOT / ".ci" / name for name in ("find-python", "lock", "run")]
    assert all(os.access(program, os.X_OK) for program in programs)
