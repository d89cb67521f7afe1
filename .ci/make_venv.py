"""Makes .venv from requirements.lock when it is missing or stale. Standard library and pip only.

    python3 .ci/make_venv.py                      make or mend .venv with this very interpreter
    .venv/bin/python .ci/make_venv.py --check     exit 0 when .venv is complete, 1 when it is not

Two stamps in .venv say what it was made from, and are written last, so that an interrupted
installation never counts: `.packages` (the locks, the Python version, where .venv lies) and
`.project` (pyproject.toml). A new lock makes .venv anew; a new pyproject.toml only installs the
project again. A second `make` waits for the first.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BUILD_LOCK = ROOT / "requirements-build.lock"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"


@dataclass(frozen=True)
class Stamp:
    """A file in .venv that holds what a finished step was made from."""

    name: str
    key: str

    @property
    def is_current(self) -> bool:
        """Whether the step was finished, with what it would be made from now."""
        return self._file.is_file() and self._file.read_text(encoding="utf-8") == self.key

    @contextmanager
    def around_step(self) -> Iterator[None]:
        """Take the stamp away while its step runs; an error or a kill leaves none."""
        self._file.unlink(missing_ok=True)
        yield
        self._file.write_text(self.key, encoding="utf-8")

    @property
    def _file(self) -> Path:
        return VENV / self.name


def main() -> int:
    """Check or make .venv; the exit code says whether it is complete."""
    packages, project = _stamps()
    if "--check" in sys.argv:
        return 0 if packages.is_current and project.is_current else 1
    with _alone():
        if not packages.is_current:
            with packages.around_step():
                _install_packages()
        if not project.is_current:
            with project.around_step():
                _pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    return 0


def _stamps() -> tuple[Stamp, Stamp]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # The path counts: scripts in .venv hold it, so a copied or moved one is stale.
    packages = f"{_hash(LOCK)} {_hash(BUILD_LOCK)} {version} {VENV}"
    return Stamp(".packages", packages), Stamp(".project", _hash(ROOT / "pyproject.toml"))


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _install_packages() -> None:
    start = time.monotonic()
    version = sys.version.split()[0]
    _say(f"Making .venv with Python {version} from {LOCK.name} (once; about half a minute)\n")
    venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    locked = ["install", "--require-hashes", "--no-deps", "--no-compile"]
    # What comes as source is built by the locked tools, not by what an isolated build fetches.
    _pip(*locked, "-r", str(BUILD_LOCK))
    _pip(*locked, "--no-build-isolation", "--use-pep517", "-r", str(LOCK))
    _pip("check")
    _compile()
    _say(f"Made .venv in {time.monotonic() - start:.0f} s\n")


def _pip(*arguments: str) -> None:
    """Run pip in .venv: a counter on a terminal, all it says in install.log, its end on failure."""
    quiet = ["--disable-pip-version-check", "--no-input"]
    command = [str(PYTHON), "-m", "pip", *quiet, *arguments]
    if arguments[0] == "install":
        command += ["--progress-bar", "off"]
    lines: list[str] = []
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,  # pip holds our lock too, in case it outlives us
        ) as pip,
    ):
        for line in pip.stdout or ():
            log.write(line)
            lines.append(line)
            _show_progress(lines)
    if sys.stderr.isatty():
        _say("\r\033[K")
    if pip.returncode != 0:
        _say("".join(lines[-20:]))
        _say(f"pip {arguments[0]} failed (exit code {pip.returncode}); all it said is in {LOG}\n")
        raise SystemExit(1)


def _show_progress(lines: list[str]) -> None:
    if not sys.stderr.isatty():
        return
    if lines[-1].startswith("Collecting "):
        count = sum(line.startswith("Collecting ") for line in lines)
        _say(f"\r\033[K{count} {lines[-1].split()[1]}")
    elif lines[-1].startswith("Installing "):
        _say("\r\033[Kunpacking")


def _compile() -> None:
    """Compile on all cores what pip compiles on one; nobody imports other packages' tests."""
    command = [str(PYTHON), "-W", "ignore", "-m", "compileall", "-q", "-j", "0"]
    command += ["-x", r"site-packages/.*/tests?/", str(VENV / "lib")]
    # Templates and files for other versions of Python do not compile: they stay as they are.
    nowhere = subprocess.DEVNULL
    subprocess.run(command, check=False, stdout=nowhere, stderr=nowhere)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this checkout; the kernel lets go of it however the process ends."""
    folder = os.open(ROOT / ".ci", os.O_RDONLY)
    os.set_inheritable(folder, True)  # noqa: FBT003 - it takes no keyword
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Waiting for another make that is making .venv\n")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say("\nInterrupted; the next make starts .venv anew\n")
        sys.exit(130)
