"""Why a load or a read did not happen, as data that crosses the process boundary.

:class:`ErrorCode` names the reason; :data:`EXIT_CODES` says what a shell sees and
:data:`RETRYABLE` whether doing the same again can help. Both are decided here, once.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """What the loader process exits with."""

    DONE = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    TRANSIENT = 4
    INTERRUPTED = 5
    OUTCOME_UNKNOWN = 6


class Phase(StrEnum):
    """Where in a load or a read something happened; also the keys of a report's seconds."""

    STAGE = "stage"
    REQUEST = "request"
    CHECK = "check"
    UPLOAD = "upload"
    CONNECT = "connect"
    PREPARE = "prepare"
    LOAD = "load"
    UNLOAD = "unload"
    DOWNLOAD = "download"
    REPORT = "report"
    LAUNCH = "launch"


class ErrorCode(StrEnum):
    """The reason of a :class:`Failure`."""

    # The call or the request itself.
    USAGE = "usage"
    BAD_REQUEST = "bad_request"
    PROTOCOL_VERSION = "protocol_version"
    NOT_SUPPORTED = "not_supported"
    SETTINGS_MISSING = "settings_missing"
    TARGET_MISMATCH = "target_mismatch"
    PATH_CLAIMED = "path_claimed"
    # The data.
    INPUT_MISSING = "input_missing"
    INPUT_CHANGED = "input_changed"
    INPUT_UNREADABLE = "input_unreadable"
    BAD_NAME = "bad_name"
    DUPLICATE_COLUMN = "duplicate_column"
    UNSUPPORTED_TYPE = "unsupported_type"
    VALUE_TOO_LARGE = "value_too_large"
    LOSSY_VALUE = "lossy_value"
    # The slice of the table.
    NO_PARTITION_KEYS = "no_partition_keys"
    PARTITION_EXPR = "partition_expr"
    ROWS_OUTSIDE_SLICE = "rows_outside_slice"
    NEWER_COMMIT = "newer_commit"
    # The table.
    SCHEMA_CONFLICT = "schema_conflict"
    TABLE_MISSING = "table_missing"
    # Redshift and S3, permanently.
    LOGIN_REFUSED = "login_refused"
    PERMISSION_DENIED = "permission_denied"
    BUCKET_MISSING = "bucket_missing"
    STORAGE_REFUSED = "storage_refused"
    COPY_FAILED = "copy_failed"
    UNLOAD_FAILED = "unload_failed"
    STATEMENT_FAILED = "statement_failed"
    COUNT_MISMATCH = "count_mismatch"
    # The loader's own machine.
    LOCAL_STORAGE = "local_storage"
    # Redshift and S3, for now.
    UNREACHABLE = "unreachable"
    CONNECTION_LOST = "connection_lost"
    CONFLICT = "conflict"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    # How a process ended.
    COMMIT_UNKNOWN = "commit_unknown"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    NO_REPORT = "no_report"
    INTERNAL = "internal"


RETRYABLE: frozenset[ErrorCode] = frozenset(
    {
        ErrorCode.UNREACHABLE,
        ErrorCode.CONNECTION_LOST,
        ErrorCode.CONFLICT,
        ErrorCode.STORAGE_UNAVAILABLE,
        ErrorCode.PATH_CLAIMED,
        ErrorCode.INTERRUPTED,
        ErrorCode.KILLED,
        # A loader that vanished without a word either committed, and then its ledger row makes the
        # retry a look-up, or did not.
        ErrorCode.NO_REPORT,
    }
)
"""The reasons that the same load can overcome when it is started again."""

_SPECIAL_EXITS: dict[ErrorCode, ExitCode] = {
    ErrorCode.INTERNAL: ExitCode.BUG,
    ErrorCode.USAGE: ExitCode.USAGE,
    ErrorCode.INTERRUPTED: ExitCode.INTERRUPTED,
    ErrorCode.COMMIT_UNKNOWN: ExitCode.OUTCOME_UNKNOWN,
}

EXIT_CODES: dict[ErrorCode, ExitCode] = {
    code: _SPECIAL_EXITS.get(code, ExitCode.TRANSIENT if code in RETRYABLE else ExitCode.REFUSED)
    for code in ErrorCode
}
"""What the loader exits with for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadErrorRow:
    """One row of Redshift's load-error record that belongs to the COPY that failed.

    Source: AWS, SYS_LOAD_ERROR_DETAIL (columns file_name, line_number, column_name, column_type,
    error_code, error_message).
    """

    file_name: str
    line_number: int | None = None
    column_name: str | None = None
    column_type: str | None = None
    error_code: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong: expected, got, what to do.

    ``message`` is one sentence or two for a person; ``hint`` says what to do; ``details`` holds
    facts for a table (never a secret); ``stack`` is a traceback where the reason is a bug of ours.
    """

    code: ErrorCode
    message: str
    phase: Phase
    hint: str = ""
    details: dict[str, str] = field(default_factory=dict)
    load_errors: tuple[LoadErrorRow, ...] = ()
    stack: str = ""

    @property
    def retryable(self) -> bool:
        """Whether doing the same again can help."""
        return self.code in RETRYABLE

    @property
    def exit_code(self) -> ExitCode:
        """What the loader process exits with."""
        return EXIT_CODES[self.code]

    @property
    def sentence(self) -> str:
        """Message and hint, as one line for a terminal."""
        end = "" if self.message.endswith((".", "!", "?", ":")) else "."
        return f"{self.message}{end} {self.hint}".strip()


class FailureError(Exception):
    """Carries a :class:`Failure` up to the edge of a process; nothing else is meant to catch it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


def refuse(
    code: ErrorCode, phase: Phase, message: str, hint: str = "", **details: str
) -> FailureError:
    """Make the error for a refusal, to be raised by the caller."""
    return FailureError(
        Failure(code=code, phase=phase, message=message, hint=hint, details=details)
    )
