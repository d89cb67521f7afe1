"""The custom messages that a loader sends through Dagster Pipes, besides plain log lines.

Small by design: the channel may lose a message, and nothing depends on one. The outcome's copy
saves a look at ``report.json``, which stays the authority.
"""

from dataclasses import dataclass

from shared_protocol.codec import DecodeError, decode, encode
from shared_protocol.failure import Phase
from shared_protocol.report import Outcome
from shared_protocol.version import PROTOCOL_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a phase is.

    Attributes:
        phase: which.
        done: bytes or rows done.
        total: of how many; 0 where it is not known.
        unit: ``"bytes"`` or ``"rows"``.
    """

    phase: Phase
    done: int
    total: int
    unit: str = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipesMessage:
    """The payload of one custom message: exactly one of the two."""

    protocol_version: int
    progress: Progress | None = None
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        """Refuse a message of nothing, or of two things.

        Raises:
            ValueError: not exactly one is set.
        """
        if (self.progress is None) == (self.outcome is None):
            raise ValueError("a message is exactly one of progress and outcome")


def dump_message(message: PipesMessage) -> object:
    """Give the payload as plain JSON values."""
    return encode(message)


def parse_message(payload: object) -> PipesMessage | None:
    """Read a payload; None where it is not one of ours or not of this version."""
    try:
        message = decode(PipesMessage, payload)
    except DecodeError:
        return None
    return message if message.protocol_version == PROTOCOL_VERSION else None
