"""Results as text: tables with an interval behind every share, for 80 columns and more.

Takes what ``data`` makes of runs; knows nothing of how they were scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.models import short_size
from harness.printable import printable
from harness.report.data import Result, row

Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], str]]

WIDE = 110  # columns of a terminal from which speed stands in the same table
NOTES = """\
right: answers that match, in % [95 % interval]. strict: steps exactly in the
protocol's form; repaired: also those with one reading after repair; gap: the
difference in points. ladder: how far episodes got, 0 to 5 (parsed, right tool,
right input, evidence seen, answer). n: episodes scored; those that a fault of
tools or engine took are in no share. More: `report --details`; whether two
models differ: `compare A B`."""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share == share else "-"


def _right(r: Row) -> str:
    low, high = 100 * r["accuracy_low"], 100 * r["accuracy_high"]
    return f"{_percent(r['accuracy'])} [{low:.0f}, {high:.0f}]"


MODEL: Columns = {
    "size": lambda r: short_size(r["params"]),
    "bits": lambda r: str(r["bits"] or "?"),
}
QUALITY: Columns = {
    "right [95 %]": _right,
    "strict": lambda r: _percent(r["wellformed"]),
    "repaired": lambda r: _percent(r["readable"]),
    "gap": lambda r: _percent(r["gap"]),
    "ladder": lambda r: f"{r['ladder']:.2f}" if r["scored"] else "-",
    "n": lambda r: str(r["scored"]),
}
SPEED: Columns = {
    "tok/s": lambda r: f"{r['tokens_per_second']:,.0f}",
    "s/episode": lambda r: f"{r['seconds_per_episode']:.2f}",
    "memory": lambda r: memory(r["peak_memory"]),
}


def console() -> Console:
    """Where tables go; a pipe or a file has no width, so nothing is cut for it."""
    screen = Console(markup=False, highlight=False)
    return screen if screen.is_terminal else Console(markup=False, highlight=False, width=200)


def show(results: Sequence[Result]) -> None:
    """Print the result tables of some runs."""
    screen = console()
    for block in render([row(result) for result in results], screen.width):
        screen.print(block)


def render(rows: Sequence[Row], width: int) -> list[Table | str]:
    """Each experiment (suite, prompt, mode) with its table of models, then the notes."""
    rows = sorted(rows, key=lambda r: (_setting(r), r["params"], r["bits"], r["name"]))
    blocks: list[Table | str] = []
    for setting, group in groupby(rows, key=_setting):
        some = list(group)
        blocks.append(setting)
        blocks += _tables(some, width)
        blocks += [_unscored(r) for r in some if r["unscored"]]
        blocks += [_missed(r) for r in some if r["missed_deadline"]]
        blocks.append("")
    return [*blocks, NOTES]


def _tables(rows: Sequence[Row], width: int) -> list[Table | str]:
    if width >= WIDE:
        return [build(rows, {**MODEL, **QUALITY, **SPEED}, gap=2)]
    return [build(rows, {**MODEL, **QUALITY}), "", build(rows, SPEED, gap=2)]


def build(rows: Sequence[Row], columns: Columns, gap: int = 1) -> Table:
    """One line a run; a long model name is folded, a figure never."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column("model", overflow="fold", min_width=8)
    for head in columns:
        table.add_column(head, justify="right", no_wrap=True)
    for r in rows:
        table.add_row(printable(r["name"], 64), *(cell(r) for cell in columns.values()))
    return table


def _setting(r: Row) -> str:
    """Which experiment a row belongs to."""
    repair = "" if r["repair"] else ", repair none"
    return f"{printable(str(r['suite']), 40)}: prompt {printable(str(r['prompt']), 40)}, {r['mode']} mode{repair}"


def _unscored(r: Row) -> str:
    return f"unscored for a fault: {printable(r['name'], 64)}, {r['unscored']} of {r['episodes']}"


def _missed(r: Row) -> str:
    """Episodes that a person's own latency bar ended: wrong, and called by name."""
    return (
        f"{printable(r['name'], 64)}: {r['missed_deadline']} of {r['scored']} missed the "
        f"{r['deadline']:g} s deadline"
    )


def memory(size: int) -> str:
    """Bytes for people: 123 MB, 4.5 GB (decimal)."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size else "?"
