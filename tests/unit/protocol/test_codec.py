"""Decoding takes what encoding gives and nothing looser, and says where it found something else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared_protocol import LoadReport, LoadRequest, LoadStatus, Outcome, RowCounts
from shared_protocol.codec import DecodeError, decode, encode, from_json, parse_json, to_json

from .samples import load_request


def report(**changes: Any) -> LoadReport:
    values: dict[str, Any] = {
        "protocol_version": 1,
        "load_key": "k",
        "attempt_id": "a",
        "status": LoadStatus.LOADED,
        "database": "dev",
        "schema": "public",
        "table": "flights",
        "rows": RowCounts(staged=1, deleted=0, copied=1, in_table=1),
        "committed_at": "2013-02-01T00:00:00+00:00",
    }
    return LoadReport(**values | changes)


def spoilt(change: Callable[[dict[str, Any]], object]) -> Any:
    data = encode(load_request())
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        pytest.param(
            lambda d: d.update(tabel={}), "$.tabel", "unknown key; LoadRequest has", id="unknown"
        ),
        pytest.param(
            lambda d: d["inputs"][0].update(size=1),
            "$.inputs[0].size",
            "unknown",
            id="unknown deep",
        ),
        pytest.param(lambda d: d.pop("load_key"), "$.load_key", "missing key", id="missing"),
        pytest.param(
            lambda d: d["columns"][0].pop("arrow_type"),
            "$.columns[0].arrow_type",
            "missing key of DataColumn",
            id="missing deep",
        ),
        pytest.param(
            lambda d: d.update(load_key=None), "$.load_key", "a string, got null", id="null"
        ),
        pytest.param(
            lambda d: d["inputs"][0].update(bytes="10"),
            "$.inputs[0].bytes",
            "expected an integer, got '10'",
            id="string for int",
        ),
        pytest.param(
            lambda d: d["inputs"][0].update(bytes=10.0),
            "$.inputs[0].bytes",
            "expected an integer, got 10.0",
            id="float for int",
        ),
        pytest.param(
            lambda d: d["inputs"][0].update(rows=True),
            "$.inputs[0].rows",
            "expected an integer, got True",
            id="bool for int",
        ),
        pytest.param(lambda d: d.update(inputs={}), "$.inputs", "expected a list", id="not a list"),
        pytest.param(
            lambda d: d.update(target=[]), "$.target", "expected an object", id="not an object"
        ),
        pytest.param(
            lambda d: d["table"].update(column_types=[]),
            "$.table.column_types",
            "expected an object",
            id="not a mapping",
        ),
        pytest.param(
            lambda d: d["table"].update(column_types={"delay": 3}),
            "$.table.column_types.delay",
            "expected a string",
            id="wrong value in a mapping",
        ),
        pytest.param(
            lambda d: d.update(write_mode="merge"),
            "$.write_mode",
            "expected one of 'replace', 'append', 'upsert', got 'merge'",
            id="enum",
        ),
        pytest.param(
            lambda d: d.update(write_mode=["replace"]), "$.write_mode", "one of", id="enum list"
        ),
        pytest.param(
            lambda d: d["parquet"].update(compression="lz4"),
            "$.parquet",
            "is none of zstd, snappy, gzip",
            id="refused by the class",
        ),
        pytest.param(
            lambda d: d["slice"].update(partitions=[]), "$.slice", "at least one", id="empty slice"
        ),
    ],
)
def test_what_is_not_of_the_form_is_named_by_its_json_path(change, path, problem):
    with pytest.raises(DecodeError) as caught:
        decode(LoadRequest, spoilt(change))
    assert caught.value.path == path
    assert problem in caught.value.problem
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("data", [None, [], "text", 1, True])
def test_a_message_is_an_object(data):
    with pytest.raises(DecodeError, match=r"^\$: expected an object"):
        decode(LoadRequest, data)


def test_a_long_value_is_cut_in_the_sentence():
    with pytest.raises(DecodeError) as caught:
        decode(LoadRequest, spoilt(lambda d: d.update(inputs="x" * 1000)))
    assert len(str(caught.value)) < 120


def test_a_number_without_a_fraction_is_a_float_too():
    data = encode(report())
    data["seconds"] = {"load": 2}
    seconds = decode(LoadReport, data).seconds
    assert seconds == {"load": 2.0}
    assert isinstance(seconds["load"], float)


def test_a_boolean_is_no_float():
    data = encode(report())
    data["seconds"] = {"load": True}
    with pytest.raises(DecodeError, match=r"^\$\.seconds\.load: expected a number, got True"):
        decode(LoadReport, data)


def test_a_field_with_a_default_may_be_left_out():
    data = encode(load_request())
    for name in ("slice", "write_mode", "asset_key", "parquet", "session", "run"):
        del data[name]
    assert decode(LoadRequest, data) == load_request(slice=None)


def test_a_key_that_stands_twice_is_refused_by_its_name():
    with pytest.raises(DecodeError, match="key 'b' stands twice"):
        parse_json('{"a": 1, "c": {"b": 1, "a": 2, "b": 1}}')


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_refused(constant):
    with pytest.raises(DecodeError, match=f"got the constant {constant}"):
        parse_json(f'{{"seconds": {{"load": {constant}}}}}')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_not_written(value):
    with pytest.raises(ValueError, match="Out of range"):
        to_json(report(seconds={"load": value}))


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", '{"a": 1,}', "{} {}", b"\xff\xfe\xfd"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(DecodeError, match=r"^\$: expected (JSON|UTF-8 text)"):
        parse_json(text)


def test_text_is_written_as_it_is_and_ends_with_a_newline():
    text = to_json(load_request(load_key="größe"))
    assert '"load_key": "größe"' in text
    assert text.endswith("}\n")
    assert list(json.loads(text))[:2] == ["protocol_version", "load_key"]


def test_an_outcome_is_exactly_one_thing():
    with pytest.raises(DecodeError, match=r"^\$: an outcome is exactly one of"):
        from_json(Outcome, '{"protocol_version": 1}')
    with pytest.raises(ValueError, match="exactly one"):
        Outcome(protocol_version=1)


# What follows comes from a message that someone has damaged; each is an error of the message.


def test_a_number_too_large_for_a_float_is_refused():
    text = to_json(report(seconds={"load": 1.5})).replace("1.5", "1e999")
    with pytest.raises(DecodeError, match=r"seconds\.load"):
        from_json(LoadReport, text)


def test_an_integer_too_large_for_a_float_is_refused():
    text = to_json(report(seconds={"load": 1.5})).replace("1.5", "1" + "0" * 400)
    with pytest.raises(DecodeError, match=r"seconds\.load"):
        from_json(LoadReport, text)


def test_an_integer_of_thousands_of_digits_is_refused():
    with pytest.raises(DecodeError):
        parse_json("1" + "0" * 5000)


def test_json_nested_too_deeply_is_refused():
    with pytest.raises(DecodeError):
        parse_json("[" * 100_000)


def test_not_a_number_is_refused_in_data_that_something_else_parsed():
    data = encode(report())
    data["seconds"] = {"load": float("nan")}
    with pytest.raises(DecodeError, match=r"seconds\.load"):
        decode(LoadReport, data)
