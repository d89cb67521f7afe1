"""The documentation says what the code does, where that can be held against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loader_process.cli import _parser
from shared_protocol.failure import ExitCode
from shared_protocol.type_table import markdown_table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/types.md"])
def test_the_table_of_types_is_the_codes(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"<!-- types -->\n(.*?)<!-- /types -->", text, re.DOTALL)
    assert found is not None
    assert found[1] == markdown_table(), "paste shared_protocol.type_table.markdown_table() there"


def test_every_exit_code_is_explained() -> None:
    text = (ROOT / "docs/loader.md").read_text(encoding="utf-8")
    assert [int(row) for row in re.findall(r"^\| (\d) \|", text, re.MULTILINE)] == list(ExitCode)


def test_every_command_and_option_is_documented() -> None:
    text = (ROOT / "docs/loader.md").read_text(encoding="utf-8")
    parser = _parser()
    (commands,) = (a for a in parser._actions if a.dest == "command")
    assert commands.choices is not None
    for name, command in dict(commands.choices).items():  # type: ignore[call-overload]
        assert f"redshift-loader {name}" in text
        for action in command._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}`" in text


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_the_readmes_example_makes_definitions() -> None:
    import dagster as dg

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    made: dict[str, object] = {}
    exec(compile(block, "README.md", "exec", dont_inherit=True), made)
    defs = made["defs"]
    assert isinstance(defs, dg.Definitions)
    assert [spec.key.path for spec in defs.resolve_all_asset_specs()] == [["analytics", "clicks"]]
