"""Whatever one side writes, the other side reads back as it was; pydantic is the second opinion."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter

from shared_protocol import PROTOCOL_VERSION, LoadRequest, Outcome, ReadRequest
from shared_protocol.codec import from_json, to_json
from shared_protocol.staging_path import (
    dump_outcome,
    dump_request,
    parse_load_request,
    parse_outcome,
    parse_read_request,
)

from .samples import LOAD_REQUESTS, OUTCOMES, READ_REQUESTS, load_request, read_request

# Large values from deep strategies: slow to draw on a busy machine, which is no fault of the codec.
thorough = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@thorough
@given(LOAD_REQUESTS)
def test_a_load_request_comes_back(request):
    assert from_json(LoadRequest, to_json(request)) == request


@thorough
@given(READ_REQUESTS)
def test_a_read_request_comes_back(request):
    assert from_json(ReadRequest, to_json(request).encode()) == request


@thorough
@given(OUTCOMES)
def test_an_outcome_comes_back(outcome):
    assert from_json(Outcome, to_json(outcome)) == outcome


@pytest.mark.parametrize(
    ("cls", "strategy"),
    [(LoadRequest, LOAD_REQUESTS), (ReadRequest, READ_REQUESTS), (Outcome, OUTCOMES)],
    ids=["load_request", "read_request", "outcome"],
)
def test_pydantic_reads_the_same_value_from_what_is_written(cls, strategy):
    adapter = TypeAdapter(cls)

    @thorough
    @given(strategy)
    def reads_the_same(message):
        assert adapter.validate_json(to_json(message), strict=True) == message

    reads_the_same()


def test_a_request_survives_its_staging_path():
    assert parse_load_request(dump_request(load_request())) == load_request()
    assert parse_read_request(dump_request(read_request())) == read_request()


@thorough
@given(OUTCOMES)
def test_an_outcome_survives_its_staging_path(outcome):
    outcome = replace(outcome, protocol_version=PROTOCOL_VERSION)
    assert parse_outcome(dump_outcome(outcome)) == outcome


def test_the_keys_of_the_text_are_the_fields_in_their_order():
    assert list(json.loads(dump_request(load_request()))) == list(LoadRequest.__dataclass_fields__)
