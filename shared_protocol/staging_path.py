"""The layout of a staging path: everything that one load or read needs, under one folder.

::

    <staging path>/data/part-00000.parquet ...   Parquet parts (absent where data lies elsewhere)
    <staging path>/request.json                  the request, written last and atomically
    <staging path>/attempts/0001/claim.json      who is at it: made exclusively, then kept touched
    <staging path>/attempts/0001/report.json     the Outcome: the authority on how it ended

Attempts are numbered, so that two loaders that start at once want the same folder and one loses.
"""

from typing import TypeVar

from shared_protocol.codec import DecodeError, decode, parse_json, to_json
from shared_protocol.failure import ErrorCode, Phase, refuse
from shared_protocol.report import Outcome
from shared_protocol.request import LoadRequest, ReadRequest
from shared_protocol.version import check_version

T = TypeVar("T")

DATA_DIR = "data"
REQUEST_FILE = "request.json"
ATTEMPTS_DIR = "attempts"
CLAIM_FILE = "claim.json"
REPORT_FILE = "report.json"

CLAIM_BEAT_SECONDS = 10.0
"""How often a loader touches its claim."""
CLAIM_LEASE_SECONDS = 45.0
"""How long after the last touch a claim is taken for alive."""


def part_name(index: int) -> str:
    """Name the Parquet part with that number, from 0, relative to the staging path."""
    return f"{DATA_DIR}/part-{index:05d}.parquet"


def attempt_dir(number: int) -> str:
    """Name the folder of the attempt with that number, from 1, relative to the staging path."""
    return f"{ATTEMPTS_DIR}/{number:04d}"


def dump_request(request: LoadRequest | ReadRequest) -> str:
    """Write ``request.json``'s text."""
    return to_json(request)


def parse_load_request(text: str | bytes) -> LoadRequest:
    """Read a load's ``request.json``.

    Raises:
        FailureError: ``bad_request`` names the JSON path; ``protocol_version``.
    """
    return _parse(LoadRequest, text, what="request")


def parse_read_request(text: str | bytes) -> ReadRequest:
    """Read a read's ``request.json``.

    Raises:
        FailureError: ``bad_request`` names the JSON path; ``protocol_version``.
    """
    return _parse(ReadRequest, text, what="request")


def dump_outcome(outcome: Outcome) -> str:
    """Write ``report.json``'s text."""
    return to_json(outcome)


def parse_outcome(text: str | bytes) -> Outcome:
    """Read ``report.json``.

    Raises:
        FailureError: ``bad_request`` names the JSON path; ``protocol_version``.
    """
    return _parse(Outcome, text, what="report")


def _parse(cls: type[T], text: str | bytes, *, what: str) -> T:
    try:
        data = parse_json(text)
        # The version first: a message of another version may well have other keys too.
        if isinstance(data, dict) and "protocol_version" in data:
            check_version(data["protocol_version"], writer=what)
        return decode(cls, data)
    except DecodeError as error:
        raise refuse(
            ErrorCode.BAD_REQUEST,
            Phase.REQUEST,
            f"The {what} is not of the protocol's form: {error}.",
            "It is written by dagster-redshift-loader; if it was edited by hand, mend that place.",
        ) from error
