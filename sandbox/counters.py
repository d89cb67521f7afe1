"""What the pg_last_...() functions tell of a session."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

_QUERY_IDS = itertools.count(int(time.time()))
"""Starts at the time so that ids stay apart over the starts of a sandbox that keeps its data."""


@dataclass
class Counters:
    """A session's counters; a rollback does not undo them.

    Args:
        copy_count: Rows of the last COPY, 0 when it failed (AWS: PG_LAST_COPY_COUNT).
        copy_id: Query id of the last COPY that began to load (AWS: PG_LAST_COPY_ID).
        unload_count: Rows of the last UNLOAD.
        query_id: Query id of the last statement.
    """

    copy_count: int = 0
    copy_id: int = -1
    unload_count: int = 0
    query_id: int = -1

    def next_query(self) -> None:
        """Give the statement that comes an id of its own."""
        self.query_id = next(_QUERY_IDS)

    def settings(self) -> dict[str, str]:
        """Give the session settings in which the functions look."""
        return {f"redshift.last_{name}": str(value) for name, value in vars(self).items()}
