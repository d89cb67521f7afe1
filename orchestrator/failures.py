"""A protocol failure as Dagster shows it: one clear text, facts beside it, a retry that helps."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from shared_protocol import Failure, FailureError, LoadErrorRow

if TYPE_CHECKING:
    from orchestrator.staging import StagingPath


class KeptStaging:
    """Where the staging path of a failed load is found again, once there is a complete one."""

    def __init__(self) -> None:
        self.staging: StagingPath | None = None

    @property
    def command(self) -> str | None:
        """The shell command that repeats the load."""
        if self.staging is None:
            return None
        return f"redshift-loader load {shlex.quote(str(self.staging.path))}"


@contextmanager
def told_to_dagster(kept: KeptStaging | None = None) -> Iterator[None]:
    """Turn a :class:`FailureError` into the failure of the step; leave everything else alone."""
    try:
        yield
    except FailureError as error:
        command = kept.command if kept is not None else None
        # From None: the text says it all, and the chain would only show our own insides.
        raise dagster_failure(error.failure, repeat=command) from None


def dagster_failure(failure: Failure, *, repeat: str | None = None) -> dg.Failure:
    """Make the failure of a step.

    Args:
        failure: what went wrong.
        repeat: the shell command that repeats the load, where its staging path was kept.
    """
    text = failure.sentence
    if repeat:
        text += f"\nRepeat this load, with REDSHIFT_PASSWORD set, by: {repeat}"
    metadata: dict[str, dg.MetadataValue] = {
        "code": dg.MetadataValue.text(failure.code.value),
        "phase": dg.MetadataValue.text(failure.phase.value),
    }
    metadata |= {name: dg.MetadataValue.text(fact) for name, fact in failure.details.items()}
    if repeat:
        metadata["repeat"] = dg.MetadataValue.text(repeat)
    if failure.stack:
        metadata["stack"] = dg.MetadataValue.md(f"```\n{failure.stack}\n```")
    if failure.load_errors:
        metadata["load_errors"] = _table(failure.load_errors)
    return dg.Failure(description=text, metadata=metadata, allow_retries=failure.retryable)


def _table(rows: tuple[LoadErrorRow, ...]) -> dg.TableMetadataValue:
    names = ("file_name", "line_number", "column_name", "column_type", "error_code", "message")
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({name: _cell(getattr(row, name)) for name in names}) for row in rows
        ],
        schema=dg.TableSchema(columns=[dg.TableColumn(name, type="string") for name in names]),
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)
