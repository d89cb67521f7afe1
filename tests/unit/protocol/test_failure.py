"""Every reason has an exit code, and the ones that a new start can overcome say so."""

import pytest

from shared_protocol import ErrorCode, ExitCode, Failure, FailureError, Phase, refuse
from shared_protocol.failure import EXIT_CODES, RETRYABLE


@pytest.mark.parametrize("code", ErrorCode)
def test_every_reason_has_an_exit_code_that_is_not_success(code):
    assert EXIT_CODES[code] is not ExitCode.DONE


@pytest.mark.parametrize("code", ErrorCode)
def test_a_retryable_reason_exits_as_transient_or_interrupted_and_no_other_does(code):
    retryable = EXIT_CODES[code] in (ExitCode.TRANSIENT, ExitCode.INTERRUPTED)
    assert retryable == (code in RETRYABLE)


def test_the_exit_codes_that_users_script_against_stay_as_they_are():
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "BUG": 1,
        "USAGE": 2,
        "REFUSED": 3,
        "TRANSIENT": 4,
        "INTERRUPTED": 5,
        "OUTCOME_UNKNOWN": 6,
    }


def test_an_unknown_outcome_is_not_retryable():
    failure = refuse(ErrorCode.COMMIT_UNKNOWN, Phase.LOAD, "The answer was lost.").failure
    assert not failure.retryable
    assert failure.exit_code is ExitCode.OUTCOME_UNKNOWN


def test_a_refusal_reads_as_one_line_and_carries_its_details():
    error = refuse(ErrorCode.BAD_NAME, Phase.STAGE, "It is empty.", "Name it.", column="a")
    assert isinstance(error, FailureError)
    assert str(error) == error.failure.sentence == "It is empty. Name it."
    assert error.failure.details == {"column": "a"}


def test_a_failure_without_a_hint_ends_with_its_message():
    failure = Failure(code=ErrorCode.INTERNAL, phase=Phase.CHECK, message="Oh.")
    assert failure.sentence == "Oh."
    assert failure.exit_code is ExitCode.BUG
