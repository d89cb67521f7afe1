"""JSON Schema (2020-12) of the protocol's messages, made from the dataclasses themselves.

``python -m shared_protocol.json_schema`` writes them to ``shared_protocol/schema``; a test fails
when the committed files are not what it would write.
"""

import json
import types
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from shared_protocol.report import Outcome
from shared_protocol.request import LoadRequest, ReadRequest
from shared_protocol.version import PROTOCOL_VERSION

MESSAGES: dict[str, type] = {
    "load_request": LoadRequest,
    "read_request": ReadRequest,
    "outcome": Outcome,
}
SCHEMA_DIR = Path(__file__).parent / "schema"

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(message: type) -> dict[str, Any]:
    """Describe a message and every object in it."""
    definitions: dict[str, Any] = {}
    root = _form(message, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{message.__name__}, protocol version {PROTOCOL_VERSION}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_files() -> dict[Path, str]:
    """Give every schema file's path and text."""
    return {
        SCHEMA_DIR / f"{name}.v{PROTOCOL_VERSION}.json": json.dumps(schema_of(cls), indent=2) + "\n"
        for name, cls in MESSAGES.items()
    }


def _form(expected: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  # a type form
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in get_args(expected) if arm is not type(None))
        return {"anyOf": [_form(inner, definitions), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _form(get_args(expected)[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _form(get_args(expected)[1], definitions)}
    if is_dataclass(expected) and isinstance(expected, type):
        if expected.__name__ not in definitions:
            definitions[expected.__name__] = {}  # held open for a type that holds itself
            definitions[expected.__name__] = _object(expected, definitions)
        return {"$ref": f"#/$defs/{expected.__name__}"}
    if issubclass(expected, StrEnum):
        return {"enum": [member.value for member in expected]}
    return {"type": _SCALARS[expected]}


def _object(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    required = [
        field.name
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    ]
    return {
        "type": "object",
        "properties": {f.name: _form(hints[f.name], definitions) for f in fields(cls)},
        "required": required,
        "additionalProperties": False,
    }


def main() -> None:
    """Write the schema files."""
    SCHEMA_DIR.mkdir(exist_ok=True)
    for path, text in schema_files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
