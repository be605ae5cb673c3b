"""Results as text: a table with an interval behind every share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.printable import printable
from harness.report.chart import short
from harness.report.data import Result, row

NOTES = """\
right: answers that match, [95 % Wilson interval]. well-formed: steps exactly in the protocol's
form; readable: also those with one reading after repair; gap: the difference in points. ladder:
how far episodes got, 0 to 5 (parsed, right tool, right input, evidence seen, answer). Episodes
unscored for a fault of tools or engine are in no share. `harness compare A B` tests a difference."""


HEADS = (
    "right",
    "[95 %]",
    "well-formed",
    "readable",
    "gap",
    "ladder",
    "tok/s",
    "s/episode",
    "memory",
    "episodes",
)


def show(results: Sequence[Result]) -> None:
    """Print the result table of some runs."""
    rows = sorted(
        (row(result) for result in results),
        key=lambda r: (r["suite"], r["params"], r["bits"], r["name"]),
    )
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:  # a pipe or a file has no width: never cut a figure for it
        console = Console(markup=False, highlight=False, width=200)
    console.print(build(rows))
    print(NOTES)


def build(rows: Sequence[dict[str, Any]]) -> Table:
    """One line a run."""
    table = Table("model", "params", "bits", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for head in HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    for r in rows:
        interval = f"[{r['accuracy_low']:.0%}, {r['accuracy_high']:.0%}]"
        episodes = f"{r['scored']}" + (f" +{r['unscored']} unscored" if r["unscored"] else "")
        table.add_row(
            printable(r["name"], 40), short(r["params"]), str(r["bits"] or "?"), f"{r['accuracy']:.1%}", interval,
            f"{r['wellformed']:.1%}", f"{r['readable']:.1%}", f"{100 * r['gap']:.1f}", f"{r['ladder']:.2f}",
            f"{r['tokens_per_second']:,.0f}", f"{r['seconds_per_episode']:.2f}", memory(r["peak_memory"]), episodes,
        )  # fmt: skip
    return table


def memory(size: int) -> str:
    """Bytes for people: 123 MB, 4.5 GB (decimal)."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size else "?"
