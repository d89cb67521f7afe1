"""What an error of Redshift or S3 means: one table each, from code and text to a reason.

Nearly every run-time error of Redshift carries SQLSTATE XX000, so that its text decides; the first
row that matches wins. Sources: AWS, c_serial_isolation (1023), troubleshooting (1018); the texts
that dbt's and dlt's Redshift adapters match; error reports on the driver's tracker.
"""

import re
from dataclasses import dataclass

from shared_protocol import ErrorCode, Failure, FailureError, Phase


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: what matches, and what it means."""

    sqlstate: str
    text: str
    code: ErrorCode
    hint: str


REDSHIFT_MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "28000|28P01", "", ErrorCode.LOGIN_REFUSED, "Check REDSHIFT_USER and REDSHIFT_PASSWORD."
    ),
    Meaning("3D000", "", ErrorCode.LOGIN_REFUSED, "Check REDSHIFT_DATABASE."),
    Meaning("42501", "", ErrorCode.PERMISSION_DENIED, "Grant it to the loader's user."),
    Meaning("", r"^(ERROR:\s*)?1023\b|Serializable isolation violation", ErrorCode.CONFLICT, ""),
    Meaning("40001|40P01", "", ErrorCode.CONFLICT, ""),
    Meaning("", r"deadlock detected|conflict with concurrent transaction", ErrorCode.CONFLICT, ""),
    # Another session made, altered or dropped the table while we planned.
    Meaning("42P07|42P06|42701", "", ErrorCode.CONFLICT, ""),
    Meaning("23505", r"pg_|duplicate key", ErrorCode.CONFLICT, ""),
    Meaning("", r"^(ERROR:\s*)?1018\b|could not open relation with OID", ErrorCode.CONFLICT, ""),
    Meaning("57P01|57P02|57P03", "", ErrorCode.CONNECTION_LOST, ""),
    Meaning("53300", "", ErrorCode.UNREACHABLE, "The server has no connection left."),
    Meaning(
        "",
        r"assume role|not authorized to|S3ServiceException.*AccessDenied",
        ErrorCode.PERMISSION_DENIED,
        "Check that the IAM role is attached to the cluster and may read the bucket.",
    ),
)


def failure_of(
    *, sqlstate: str, message: str, detail: str, phase: Phase, otherwise: ErrorCode
) -> Failure:
    """Say what an error message of the server means.

    Args:
        sqlstate: field C.
        message: field M.
        detail: field D; may be empty.
        phase: where it happened.
        otherwise: the reason where no row matches.
    """
    whole = f"{message} {detail}".strip()
    code, hint = next(
        (
            (row.code, row.hint)
            for row in REDSHIFT_MEANINGS
            if (not row.sqlstate or sqlstate in row.sqlstate.split("|"))
            and (not row.text or re.search(row.text, whole, re.IGNORECASE | re.DOTALL))
        ),
        (otherwise, ""),
    )
    text = " ".join(whole.split())
    return Failure(
        code=code,
        phase=phase,
        message=f"Redshift refused while the loader was to {_DOING[phase]}: {text}",
        hint=hint,
        details={"sqlstate": sqlstate},
    )


_DOING: dict[Phase, str] = {
    Phase.CONNECT: "connect",
    Phase.CHECK: "read the table's columns",
    Phase.PREPARE: "prepare the table",
    Phase.LOAD: "load",
    Phase.UNLOAD: "unload",
}

_S3_MEANINGS: tuple[Meaning, ...] = (
    Meaning("", "NoSuchBucket", ErrorCode.BUCKET_MISSING, "Create it, or name another one."),
    Meaning(
        "",
        "AccessDenied|403|InvalidAccessKeyId|SignatureDoesNotMatch|AllAccessDisabled|401",
        ErrorCode.STORAGE_REFUSED,
        "Check the loader's AWS credentials and what they may do with the bucket.",
    ),
    Meaning(
        "",
        "ExpiredToken|ExpiredTokenException|RequestExpired",
        ErrorCode.STORAGE_REFUSED,
        "Renew the credentials.",
    ),
    Meaning("", "NoSuchKey|404|PreconditionFailed|412", ErrorCode.INPUT_CHANGED, ""),
    Meaning(
        "",
        "SlowDown|503|500|502|504|InternalError|ServiceUnavailable|RequestTimeout|Throttling",
        ErrorCode.STORAGE_UNAVAILABLE,
        "",
    ),
)


def storage_failure(*, code: str, message: str, doing: str, phase: Phase) -> Failure:
    """Say what an error answer of S3 means.

    Args:
        code: S3's error code, or the HTTP status where it has none.
        message: S3's text.
        doing: what was asked, such as ``upload s3://bucket/key``.
        phase: where it happened.
    """
    reason, hint = next(
        ((row.code, row.hint) for row in _S3_MEANINGS if code in row.text.split("|")),
        (ErrorCode.STORAGE_REFUSED, ""),
    )
    return Failure(
        code=reason,
        phase=phase,
        message=f"S3 refused to {doing}: {code}: {message}",
        hint=hint,
    )


def internal_failure(error: BaseException, *, phase: Phase, stack: str) -> Failure:
    """Wrap an error that nobody foresaw: a bug of ours."""
    if isinstance(error, FailureError):
        return error.failure
    return Failure(
        code=ErrorCode.INTERNAL,
        phase=phase,
        message=f"The loader failed unexpectedly: {type(error).__name__}: {error}",
        hint="This is a bug of dagster-redshift-loader; please report it with the stack.",
        stack=stack,
    )
