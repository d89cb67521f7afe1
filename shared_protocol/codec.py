"""Strict JSON for the protocol's frozen dataclasses.

``decode`` takes what ``encode`` gives and nothing looser: an unknown key, a missing key or a value
of another type is a :class:`DecodeError` that names the JSON path, such as ``$.inputs[3].bytes``.

Understood types: ``str``, ``int``, ``float``, ``bool``, ``None`` unions, enums of strings, nested
dataclasses, ``tuple[X, ...]`` and ``dict[str, X]``. A field with a default may be left out.
"""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class DecodeError(ValueError):
    """A message is not of the protocol's form; ``path`` says where, ``problem`` says what."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def encode(value: object) -> Any:  # noqa: ANN401  # JSON has no narrower type
    """Turn a protocol value into plain lists, dicts and scalars, ready for ``json.dumps``."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


def decode(cls: type[T], data: object, path: str = "$") -> T:
    """Build ``cls``, a protocol dataclass, from what ``encode`` gave.

    Raises:
        DecodeError: the data is not exactly of that form.
    """
    return cast("T", _decode(cls, data, path))


def to_json(value: object) -> str:
    """Write a protocol value as indented JSON text, keys in the order of the fields."""
    return json.dumps(encode(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(cls: type[T], text: str | bytes) -> T:
    """Read ``cls`` from JSON text.

    Raises:
        DecodeError: the text is no JSON or not of that form.
    """
    return decode(cls, parse_json(text))


def parse_json(text: str | bytes) -> object:
    """Parse JSON text, refusing duplicate keys and numbers that JSON does not have."""
    try:
        return cast(
            "object",
            json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant),
        )
    except UnicodeDecodeError as error:
        raise DecodeError("$", f"expected UTF-8 text: {error}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise DecodeError("$", f"expected JSON: {error}") from error
    except DecodeError:
        raise
    except ValueError as error:  # an integer of more digits than Python reads
        raise DecodeError("$", f"expected JSON: {error}") from error


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise DecodeError("$", f"key {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> object:
    raise DecodeError("$", f"expected JSON, got the constant {name}")


_SCALARS: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
}


def _decode(expected: Any, data: object, path: str) -> object:  # noqa: ANN401  # a type form
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        return _decode_optional(expected, data, path)
    if origin is tuple:
        return _decode_list(get_args(expected)[0], data, path)
    if origin is dict:
        return _decode_mapping(get_args(expected)[1], data, path)
    if is_dataclass(expected):
        return _decode_object(cast("type", expected), data, path)
    if issubclass(expected, StrEnum):
        return _decode_enum(expected, data, path)
    return _decode_scalar(expected, data, path)


def _decode_optional(expected: Any, data: object, path: str) -> object:  # noqa: ANN401  # a type form
    (inner,) = (arm for arm in get_args(expected) if arm is not type(None))
    return None if data is None else _decode(inner, data, path)


def _decode_list(item: Any, data: object, path: str) -> object:  # noqa: ANN401  # a type form
    if not isinstance(data, list):
        raise DecodeError(path, f"expected a list, got {_kind(data)}")
    return tuple(_decode(item, entry, f"{path}[{index}]") for index, entry in enumerate(data))


def _decode_mapping(item: Any, data: object, path: str) -> object:  # noqa: ANN401  # a type form
    if not isinstance(data, dict):
        raise DecodeError(path, f"expected an object, got {_kind(data)}")
    return {key: _decode(item, entry, f"{path}.{key}") for key, entry in data.items()}


def _decode_object(cls: type, data: object, path: str) -> object:
    if not isinstance(data, dict):
        raise DecodeError(path, f"expected an object, got {_kind(data)}")
    known = _fields_of(cls)
    for key in data:
        if key not in known:
            raise DecodeError(
                f"{path}.{key}", f"unknown key; {cls.__name__} has {', '.join(known)}"
            )
    values = {}
    for name, (field, expected) in known.items():
        if name in data:
            values[name] = _decode(expected, data[name], f"{path}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise DecodeError(f"{path}.{name}", f"missing key of {cls.__name__}")
    try:
        return cls(**values)
    except ValueError as error:
        raise DecodeError(path, str(error)) from error


@cache
def _fields_of(cls: type) -> dict[str, tuple[Field[Any], Any]]:
    hints = get_type_hints(cls)
    return {field.name: (field, hints[field.name]) for field in fields(cls)}


def _decode_enum(expected: type[StrEnum], data: object, path: str) -> object:
    try:
        return expected(cast("str", data))
    except ValueError:
        allowed = ", ".join(repr(member.value) for member in expected)
        raise DecodeError(path, f"expected one of {allowed}, got {data!r}") from None


def _decode_scalar(expected: type, data: object, path: str) -> object:
    if expected is float:
        return _decode_float(data, path)
    # bool is an int to Python, and a count of True is no count.
    if not isinstance(data, expected) or (expected is not bool and isinstance(data, bool)):
        raise DecodeError(path, f"expected {_SCALARS[expected]}, got {_kind(data)}")
    return data


def _decode_float(data: object, path: str) -> float:
    if not isinstance(data, int | float) or isinstance(data, bool):
        raise DecodeError(path, f"expected a number, got {_kind(data)}")
    try:
        number = float(data)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DecodeError(path, f"expected a finite number, got {_kind(data)}")
    return number


def _kind(data: object) -> str:
    if data is None:
        return "null"
    if isinstance(data, int) and data.bit_length() > 1000:
        return "an integer of very many digits"
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
