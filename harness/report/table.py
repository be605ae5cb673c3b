"""Prints results as tables: one heading an experiment, one line a run, intervals on shares."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.common.printable import printable
from harness.models.registry import short_size
from harness.report.data import Result, rows

Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], str]]

WIDE = 140  # columns of a terminal from which all figures stand in one table
NAME = 64  # characters of a model's name
FEW = 0.5  # a run that could score less of its episodes says so
NOTES = """\
bits: width of the recipe; "4?" where the file does not name it. b/w: bits that a
weight takes in the file. right: answers that match, in % [95 % interval]. strict:
steps exactly in the protocol's form; repaired: also those with one reading after
repair; gap: the difference in points. ladder: how far episodes got, 0 to 5
(parsed, right tool, right input, evidence seen, answer). n: episodes scored, of
those asked where some are missing; every share is of these. ?: not known. More:
`report --details`; whether two models differ: `compare A B`."""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share == share else "-"


def _right(r: Row) -> str:
    if not r["scored"]:
        return "-"
    low, high = 100 * r["accuracy_low"], 100 * r["accuracy_high"]
    return f"{_percent(r['accuracy'])} [{low:.0f}, {high:.0f}]"


def _figure(value: float | None, form: str) -> str:
    """A figure, "?" where it is not known."""
    return "?" if value is None or value != value else format(value, form)


def width_words(r: Row) -> str:
    """The nominal width of the weights: ``4``, ``4?`` where the file does not say, ``?``."""
    if not r["bits"]:
        return "?"
    return f"{r['bits']}" if r["bits_source"] == "file" else f"{r['bits']}?"


def _count(r: Row) -> str:
    """Episodes scored, and of how many where some are missing."""
    asked = r["episodes_asked"]
    return f"{r['scored']}" if r["scored"] == asked else f"{r['scored']} of {asked}"


TEXTS = {"apart": "differs in", "mark": "state"}
MODEL: Columns = {
    "size": lambda r: short_size(r["params"] or 0),
    "recipe": lambda r: printable(str(r["recipe"]), 12) or "?",
    "bits": width_words,
    "b/w": lambda r: _figure(r["bits_per_weight"], ".2f"),
}
RIGHT: Columns = {"right [95 %]": _right, "n": _count}
STEPS: Columns = {
    "strict": lambda r: _percent(r["wellformed"]),
    "repaired": lambda r: _percent(r["readable"]),
    "gap": lambda r: _percent(r["gap"]),
    "ladder": lambda r: f"{r['ladder']:.2f}" if r["scored"] else "-",
}
SPEED: Columns = {
    "tok/s": lambda r: _figure(r["tokens_per_second"], ",.0f"),
    "s/episode": lambda r: _figure(r["seconds_per_episode"], ".2f"),
    "memory": lambda r: memory(r["peak_memory"] or 0),
}


def console() -> Console:
    """Where tables go; a pipe or a file has no width, so nothing is cut for it."""
    screen = Console(markup=False, highlight=False)
    return screen if screen.is_terminal else Console(markup=False, highlight=False, width=200)


def table_of(heads: Sequence[str], cells: Iterable[Sequence[object]], gap: int = 2) -> Table:
    """A table without lines, its cells made safe for a terminal.

    ``heads`` are the columns' heads: one that begins with ">" is over figures, which stand to
    the right and are never folded; the others are over text, which folds. ``cells`` are the
    rows below, ``gap`` the blanks between two columns.
    """
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    for head in heads:
        if head.startswith(">"):
            table.add_column(head[1:], justify="right", no_wrap=True)
        else:
            table.add_column(head, overflow="fold", min_width=len(head))
    for line in cells:
        table.add_row(*(printable(str(cell)) for cell in line))
    return table


def show(results: Sequence[Result]) -> None:
    """Print the result tables of some runs."""
    screen = console()
    for block in render(rows(results), screen.width):
        screen.print(block)


def render(some: Sequence[Row], width: int) -> list[Table | str]:
    """Each experiment with its table of runs and what must be said of them, then the notes.

    ``some`` are rows as ``data.rows`` makes them, ``width`` the columns of the terminal.
    """
    ordered = sorted(
        some, key=lambda r: (*_group(r), r["params"] or 0, r["bits"] or 0, r["name"], r["path"])
    )
    blocks: list[Table | str] = []
    for (heading, *_), group in groupby(ordered, key=_group):
        runs = list(group)
        blocks += textwrap.wrap(printable(heading), max(40, width - 1), subsequent_indent="  ")
        blocks += _tables(runs, width)
        blocks += [line for r in runs for line in remarks(r)]
        blocks.append("")
    return [*blocks, NOTES]


def _group(r: Row) -> tuple[str, str, str]:
    return str(r["heading"]), str(r["experiment"]), str(r["subset"])


def _tables(runs: Sequence[Row], width: int) -> list[Table | str]:
    if width >= WIDE:
        return [build(runs, {**MODEL, **RIGHT, **STEPS, **SPEED}, gap=2)]
    second = build(runs, {**STEPS, **SPEED}, texts={"apart": "differs in"})
    return [build(runs, {**MODEL, **RIGHT}), "", second]


def build(
    runs: Sequence[Row], columns: Columns, gap: int = 1, texts: Mapping[str, str] = TEXTS
) -> Table:
    """One line a run. Texts are folded, figures never; a text that no run has is left out.

    ``columns`` maps heads to figures, ``gap`` is the space between them, ``texts`` maps keys
    of a row to their heads.
    """
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column("model", overflow="fold", min_width=8)
    texts = {key: head for key, head in texts.items() if any(r[key] for r in runs)}
    for head in texts.values():
        table.add_column(head, overflow="fold", min_width=len(head))
    for head in columns:
        table.add_column(head, justify="right", no_wrap=True)
    for r in runs:
        said = (printable(str(r[key]), NAME) for key in ("name", *texts))
        table.add_row(*said, *(cell(r) for cell in columns.values()))
    return table


def named(r: Row) -> str:
    """A run by its model's name and what tells it from others of that name."""
    name = printable(str(r["name"]), NAME)
    return f"{name} ({printable(str(r['apart']), NAME)})" if r["apart"] else name


def remarks(r: Row) -> Iterator[str]:
    """What a reader must know of a run before its figures: one line each."""
    name = named(r)
    if r["mark"]:
        yield f"{r['mark']}: {name}, {r['progress']}"
    if r["unscored"]:
        yield f"unscored for a fault: {name}, {r['unscored']} of {r['episodes']}"
    if r["scored"] < FEW * r["episodes"]:
        yield f"most is unscored: {name}, its figures are of {r['scored']} of {r['episodes_asked']}"
    if r["deadline"]:
        late = f"{r['missed_deadline']} of {r['scored']} missed the {r['deadline']:g} s deadline"
        yield f"{name}: {late}"


def memory(size: int) -> str:
    """Bytes for people: 123 MB, 4.5 GB (decimal)."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size else "?"
