"""The docker command line, for the tests of this folder."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def docker(*arguments, check=True, **options):
    """Run docker; a failure is the test's failure, with the last of what docker said."""
    command = ["docker", *arguments]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if check and answer.returncode != 0:
        said = f"{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"
        pytest.fail(f"docker {' '.join(map(str, arguments))}\n{said}", pytrace=False)
    return answer
