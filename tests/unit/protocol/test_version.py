"""A message of another protocol version is told apart before anything else of it is read."""

import json

import pytest

from shared_protocol import PROTOCOL_VERSION, ErrorCode, ExitCode, FailureError, check_version
from shared_protocol.failure import Phase
from shared_protocol.messages import PipesMessage, Progress, dump_message, parse_message
from shared_protocol.staging_path import (
    attempt_dir,
    parse_load_request,
    parse_outcome,
    parse_read_request,
    part_name,
)

PARSERS = [parse_load_request, parse_read_request, parse_outcome]
NEWER, OLDER = PROTOCOL_VERSION + 1, PROTOCOL_VERSION - 1


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(("version", "who"), [(NEWER, "this side"), (OLDER, "the other side")])
def test_another_version_is_said_before_other_keys_are_looked_at(parse, version, who):
    with pytest.raises(FailureError) as caught:
        parse(json.dumps({"key_of_that_version": 1, "protocol_version": version}))
    failure = caught.value.failure
    assert failure.code is ErrorCode.PROTOCOL_VERSION
    assert failure.exit_code is ExitCode.REFUSED
    assert f"speaks protocol version {version}, and this side speaks {PROTOCOL_VERSION}" in (
        failure.message
    )
    assert f"{who} is too old" in failure.hint


@pytest.mark.parametrize("found", [None, "1", True, [], 1.5])
def test_what_is_no_version_is_refused(found):
    with pytest.raises(FailureError, match="speaks protocol version"):
        check_version(found, writer="request")


def test_this_version_is_taken():
    check_version(PROTOCOL_VERSION, writer="request")


@pytest.mark.parametrize("parse", PARSERS)
def test_a_message_without_a_version_lacks_a_key(parse):
    with pytest.raises(FailureError) as caught:
        parse("{}")
    assert caught.value.failure.code is ErrorCode.BAD_REQUEST
    assert "$.protocol_version: missing key" in caught.value.failure.message


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("text", ["", "[]", b"\xff", '{"a": 1, "a": 1}'])
def test_what_is_no_message_is_a_bad_request(parse, text):
    with pytest.raises(FailureError) as caught:
        parse(text)
    assert caught.value.failure.code is ErrorCode.BAD_REQUEST
    assert not caught.value.failure.retryable


def test_parts_and_attempts_sort_by_number():
    assert part_name(7) == "data/part-00007.parquet"
    assert attempt_dir(12) == "attempts/0012"


def test_a_pipes_message_comes_back():
    message = PipesMessage(
        protocol_version=PROTOCOL_VERSION,
        progress=Progress(phase=Phase.UPLOAD, done=1, total=2),
    )
    assert parse_message(json.loads(json.dumps(dump_message(message)))) == message


@pytest.mark.parametrize("payload", [None, "hello", {}, {"protocol_version": 1, "other": 2}])
def test_a_payload_of_something_else_is_passed_over(payload):
    assert parse_message(payload) is None


def test_a_pipes_message_of_another_version_is_passed_over():
    progress = {"phase": "upload", "done": 1, "total": 2}
    assert parse_message({"protocol_version": NEWER, "progress": progress}) is None


def test_a_pipes_message_is_exactly_one_thing():
    assert parse_message({"protocol_version": PROTOCOL_VERSION}) is None
