"""Makes the result tables: one heading an experiment, one line a run, intervals on shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.table import Table

from harness.common.printable import printable
from harness.models.registry import short_size
from harness.report.data import by_experiment
from harness.report.words import (
    NAME,
    ResultRow,
    deadline_words,
    memory_words,
    percent,
    run_words,
    width_words,
    wrapped,
)

Columns = Mapping[str, Callable[[ResultRow], str]]

WIDE = 140  # columns of a terminal from which all figures stand in one table
FEW = 0.5  # a run that could score less of its episodes says so
NOTES = """\
bits: width of the recipe; "4?" where the file does not name it. b/w: bits that a
weight takes in the file. right: answers that match, in % [95 % interval]. strict:
steps exactly in the protocol's form; repaired: also those with one reading after
repair; gap: the difference in points. ladder: how far episodes got, 0 to 5
(parsed, right tool, right input, evidence seen, answer). n: episodes scored, of
those asked where some are missing; every share is of these. ?: not known. More:
python -m harness report --details (or compare A B, view RUN -o FILE.html, show RUN)."""


def _right(r: ResultRow) -> str:
    if not r["scored"]:
        return "-"
    low, high = 100 * r["accuracy_low"], 100 * r["accuracy_high"]
    return f"{percent(r['accuracy'])} [{low:.0f}, {high:.0f}]"


def _figure(value: float | None, form: str) -> str:
    """A figure, "?" where it is not known."""
    return "?" if value is None or value != value else format(value, form)


def _count(r: ResultRow) -> str:
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
    "strict": lambda r: percent(r["wellformed"]),
    "repaired": lambda r: percent(r["readable"]),
    "gap": lambda r: percent(r["gap"]),
    "ladder": lambda r: f"{r['ladder']:.2f}" if r["scored"] else "-",
}
SPEED: Columns = {
    "tok/s": lambda r: _figure(r["tokens_per_second"], ",.0f"),
    "s/episode": lambda r: _figure(r["seconds_per_episode"], ".2f"),
    "memory": lambda r: memory_words(r["peak_memory"] or 0),
}


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


def result_blocks(some: Sequence[ResultRow], width: int) -> list[Table | str]:
    """Each experiment with its table of runs and what must be said of them, then the notes.

    ``some`` are rows as ``data.rows`` makes them, ``width`` the columns of the terminal.
    """
    ordered = sorted(some, key=lambda r: (r["params"] or 0, r["bits"] or 0, r["name"], r["path"]))
    blocks: list[Table | str] = []
    for runs in by_experiment(ordered):
        blocks += wrapped(str(runs[0]["heading"]), "  ", max(40, width - 1))
        blocks += _tables(runs, width)
        blocks += [line for r in runs for line in _remarks(r)]
        blocks.append("")
    return [*blocks, NOTES]


def _tables(runs: Sequence[ResultRow], width: int) -> list[Table | str]:
    if width >= WIDE:
        return [_runs_table(runs, {**MODEL, **RIGHT, **STEPS, **SPEED}, gap=2)]
    second = _runs_table(runs, {**STEPS, **SPEED}, texts={"apart": "differs in"})
    return [_runs_table(runs, {**MODEL, **RIGHT}), "", second]


def _runs_table(
    runs: Sequence[ResultRow],
    columns: Columns,
    gap: int = 1,
    texts: Mapping[str, str] = TEXTS,
) -> Table:
    """One line a run. ``columns`` maps heads to figures, ``texts`` keys of a row to heads; a
    text that no run has is left out."""
    shown = {key: head for key, head in texts.items() if any(r[key] for r in runs)}
    heads = ("model", *shown.values(), *(f">{head}" for head in columns))
    return table_of(heads, (_cells(r, shown, columns) for r in runs), gap)


def _cells(row: ResultRow, texts: Iterable[str], columns: Columns) -> list[str]:
    said = [printable(str(row[key]), NAME) for key in ("name", *texts)]
    return said + [figure(row) for figure in columns.values()]


def _remarks(r: ResultRow) -> Iterator[str]:
    """What a reader must know of a run before its figures: one line each."""
    name = run_words(r)
    if r["mark"]:
        yield f"{r['mark']}: {name}, {r['progress']}"
    if r["unscored"]:
        yield f"unscored for a fault: {name}, {r['unscored']} of {r['episodes']}"
    if r["scored"] < FEW * r["episodes"]:
        yield f"most is unscored: {name}, its figures are of {r['scored']} of {r['episodes_asked']}"
    if late := deadline_words(r):
        yield f"{name}: {late}"
