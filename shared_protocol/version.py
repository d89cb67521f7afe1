"""The version of the protocol between orchestrator and loader; not the version of the package.

It changes when a message that one side writes can no longer be read by the other. Both sides check
it before they touch anything, so that a loader image that was not rebuilt says so at once.
"""

from shared_protocol.failure import ErrorCode, Failure, FailureError, Phase

PROTOCOL_VERSION = 1


def check_version(found: object, *, writer: str) -> None:
    """Refuse a message of another protocol version.

    Args:
        found: the message's ``protocol_version``, as it came.
        writer: who wrote the message, for the sentence: ``"request"`` or ``"report"``.

    Raises:
        FailureError: code ``protocol_version``, not retryable.
    """
    if found == PROTOCOL_VERSION and not isinstance(found, bool):
        return
    newer = isinstance(found, int) and found > PROTOCOL_VERSION
    raise FailureError(
        Failure(
            code=ErrorCode.PROTOCOL_VERSION,
            phase=Phase.REQUEST,
            message=(
                f"This {writer} speaks protocol version {found!r}, and this side speaks "
                f"{PROTOCOL_VERSION}."
            ),
            hint=(
                "Install the same version of dagster-redshift-loader on both sides: "
                + ("this side is too old." if newer else "the other side is too old.")
            ),
        )
    )
