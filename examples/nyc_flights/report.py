"""The demo's table on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from examples.nyc_flights.loads import Load

WIDTH = 150
"""Columns of text that the whole table fits in."""

# In the order in which they happen; "launch", the loader's whole life, is what lies between.
_PHASES = ("stage", "check", "upload", "connect", "prepare", "load", "total")


def table_of(passes: Sequence[Sequence[Load]], *, width: int = WIDTH) -> Table:
    """Lay out every load of every pass: what, which rows, how many, how large, how long.

    Of the phases a narrow terminal gets only the total: a count that is cut short tells nothing.
    """
    phases = _PHASES if width >= WIDTH else _PHASES[-1:]
    table = Table(
        title="What was loaded, and the seconds of each phase",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("pass")
    table.add_column("asset", no_wrap=True)
    table.add_column("partitions", no_wrap=width >= WIDTH)
    for name in ("staged", "deleted", "copied", "in table", "files", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for phase in phases:
        table.add_column(phase, justify="right", style="dim")
    for number, loads in enumerate(passes, start=1):
        for load in loads:
            table.add_row(str(number), *_cells(load, phases))
        table.add_section()
    return table


def _cells(load: Load, phases: Sequence[str]) -> list[str]:
    counts = (load.staged, load.deleted, load.copied, load.in_table, load.files)
    return [
        load.asset,
        span_of(load.partitions),
        *(f"{count:,}" for count in counts),
        f"{load.bytes / 1e6:.2f}",
        *(f"{load.seconds[phase]:.2f}" if phase in load.seconds else "" for phase in phases),
    ]


def span_of(partitions: Sequence[str]) -> str:
    """Name the partitions of a load: none of a whole table, one, or the first and how many."""
    if not partitions:
        return "whole table"
    if len(partitions) == 1:
        return partitions[0]
    return f"{len(partitions)} from {partitions[0]}"
