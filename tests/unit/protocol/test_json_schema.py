"""The committed JSON Schemas are what the dataclasses say, and pydantic derives the same ones."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from shared_protocol.json_schema import MESSAGES, SCHEMA_DIR, schema_files, schema_of


def test_the_committed_files_are_what_the_generator_writes():
    committed = {path: path.read_text(encoding="utf-8") for path in SCHEMA_DIR.iterdir()}
    assert committed == schema_files(), "run: python -m shared_protocol.json_schema"


def resolved(form: Any, definitions: dict[str, Any]) -> Any:
    """A schema with its references put in, and without what only one of the two writers adds."""
    if isinstance(form, list):
        return [resolved(item, definitions) for item in form]
    if not isinstance(form, dict):
        return form
    if "$ref" in form:
        return resolved(definitions[form["$ref"].removeprefix("#/$defs/")], definitions)
    if "properties" in form:
        return {
            "type": "object",
            "required": sorted(form.get("required", [])),
            "properties": {
                name: resolved(inner, definitions) for name, inner in form["properties"].items()
            },
        }
    if "enum" in form:
        return {"enum": form["enum"]}
    notes = {"title", "description", "default", "$schema", "$defs"}
    return {key: resolved(inner, definitions) for key, inner in form.items() if key not in notes}


@pytest.mark.parametrize("name", MESSAGES)
def test_pydantic_derives_the_same_schema(name):
    ours, theirs = schema_of(MESSAGES[name]), TypeAdapter(MESSAGES[name]).json_schema()
    assert resolved(ours, ours["$defs"]) == resolved(theirs, theirs["$defs"])


@pytest.mark.parametrize("name", MESSAGES)
def test_no_object_of_a_message_takes_unknown_keys(name):
    objects = [form for form in schema_of(MESSAGES[name])["$defs"].values() if "properties" in form]
    assert objects
    assert all(form["additionalProperties"] is False for form in objects)
