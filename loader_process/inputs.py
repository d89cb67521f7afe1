"""The inputs of a request as one body of data: the same columns, no file twice, no loss."""

from loader_process.casts import goes_into
from loader_process.sources import Source, SourceReader
from loader_process.table_plan import TablePlan
from shared_protocol import (
    DataColumn,
    ErrorCode,
    LoadRequest,
    Phase,
    refuse,
)
from shared_protocol.type_table import UnsupportedTypeError, rule_for


def checked_inputs(request: LoadRequest, reader: SourceReader) -> tuple[Source, ...]:
    """Find every input of a request as it was promised.

    Raises:
        FailureError: one is missing, changed, unreadable, listed twice, or has other columns.
    """
    sources = tuple(reader.check(promised) for promised in request.inputs)
    expected = {column.name for column in request.columns}
    seen: set[str] = set()
    for source in sources:
        found = [column.name for column in source.footer.columns]
        if set(found) != expected or len(found) != len(expected):
            odd = sorted(expected.symmetric_difference(found)) or ["one of them twice"]
            raise refuse(
                ErrorCode.INPUT_CHANGED,
                Phase.CHECK,
                f"The input {source.uri} has other columns than the request: {', '.join(odd)}.",
                "Let all files of one load have the same columns.",
            )
        check_types(
            tuple(
                DataColumn(name=column.name, arrow_type=column.arrow_type)
                for column in source.footer.columns
            )
        )
        if source.identity in seen:
            raise refuse(
                ErrorCode.BAD_REQUEST,
                Phase.CHECK,
                f"The input {source.uri} is listed twice, and its rows would be doubled.",
                "List each file once.",
            )
        seen.add(source.identity)
    return sources


def refuse_lossy_inputs(sources: tuple[Source, ...], plan: TablePlan) -> None:
    """Refuse a file whose column is of another type than the first file's, and would lose by it."""
    columns = {column.data_name: column for column in plan.columns}
    for source in sources:
        for found in source.footer.columns:
            column = columns[found.name]
            try:
                fits = goes_into(found.arrow_type, column.type)
            except UnsupportedTypeError:
                fits = False
            if not fits:
                raise refuse(
                    ErrorCode.SCHEMA_CONFLICT,
                    Phase.CHECK,
                    f"Column {found.name!r} is {found.arrow_type} in {source.uri} and "
                    f"{column.type} in the table; one does not go into the other without loss.",
                    "Let all files of one load have the same types.",
                )


def check_types(columns: tuple[DataColumn, ...]) -> None:
    """Refuse data that Redshift, or this version, has no column for, before anything is sent.

    Raises:
        FailureError: ``unsupported_type``, ``value_too_large``.
    """
    for column in columns:
        try:
            rule_for(column.arrow_type)
        except UnsupportedTypeError as error:
            raise refuse(
                ErrorCode.UNSUPPORTED_TYPE,
                Phase.CHECK,
                f"Column {column.name!r}: {error}",
                column=column.name,
            ) from error
