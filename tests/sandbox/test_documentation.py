"""The page that tells what the sandbox models names tests; they are there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "local-redshift.md"


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    text = "".join(path.read_text() for path in HERE.glob("test_*.py"))
    assert named - set(re.findall(r"^def (test_\w+)", text, re.MULTILINE)) == set()
    assert len(named) > 50
