"""Draws charts: each experiment in a place of its own, its settings above, what to know below.

``CHARTS`` is the table of kinds. A new kind is one function that draws one experiment, and
one line there.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.common.printable import printable
from harness.report import fonts
from harness.report.data import by_experiment
from harness.report.size_chart import as_text, draw_sizes
from harness.report.words import ResultRow, deadline_words, run_words
from harness.types import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

DrawRuns = Callable[["FigureBase", Sequence[ResultRow]], None]
"""Draws the runs of one experiment, all with a score, into its place in the figure."""

CHARTS: dict[str, DrawRuns] = {"size": draw_sizes}

NO_FONT = "No font here has all letters (Noto Sans CJK has); in an SVG file the viewer's font has."
SUFFIXES = (".png", ".svg", ".pdf")
MOST_EXPERIMENTS = 20  # in one picture
SLIDE, EACH = (13.33, 7.5), 6.6  # inches: a 16:9 slide; the height of one of several
STYLE: dict[Any, Any] = {
    "font.size": 16,
    "svg.hashsalt": "harness",
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def save_chart(
    rows: Sequence[ResultRow], paths: Sequence[Path], draw: DrawRuns = draw_sizes
) -> None:
    """Draw a chart once and write it to each path (PNG, SVG or PDF by its ending).

    Raises UserError when there is nothing to draw or a path cannot be written.
    """
    for path in paths:
        if path.suffix not in SUFFIXES:
            raise UserError(f"{path}: a chart is written as {', '.join(SUFFIXES)}")
    figure = chart_figure(rows, draw)
    import matplotlib as mpl

    for path in paths:
        metadata = {"Date": None} if path.suffix == ".svg" else None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fonts.quietly(), mpl.rc_context(STYLE):
                figure.savefig(path, dpi=160, metadata=metadata)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def chart_figure(rows: Sequence[ResultRow], draw: DrawRuns = draw_sizes) -> Figure:
    """The chart as a matplotlib figure: 13.3 x 7.5 inches (a 16:9 slide) for one experiment,
    higher for several. ``rows`` are rows as ``data.rows`` makes them, ``draw`` is the kind.

    Raises UserError when no run has a scored episode, or there are too many experiments.
    """
    groups = _drawable(rows)
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    families = fonts.families(words := _foreign_words(rows))
    note = fonts.lacking(words, families) and NO_FONT
    width, height = SLIDE
    if len(groups) > 1:
        height = EACH * len(groups)
    with mpl.rc_context({**STYLE, "font.family": families}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        places: Any = [figure]
        if len(groups) > 1:
            places = figure.subfigures(len(groups), 1, hspace=0.04)
        for place, group in zip(places, groups, strict=True):
            draw(place, [row for row in group if row["scored"]])
            _write_round(place, group, note)
    return figure


def _drawable(rows: Sequence[ResultRow]) -> list[list[ResultRow]]:
    """The rows of each experiment. One without a scored episode anywhere is not drawn."""
    groups = [group for group in by_experiment(rows) if any(row["scored"] for row in group)]
    if not groups:
        raise UserError("nothing to draw: no run with scored episodes; run a model first")
    if len(groups) > MOST_EXPERIMENTS:
        raise UserError(
            f"{len(groups)} experiments are too many for one chart (at most {MOST_EXPERIMENTS}): "
            "name the runs to draw; `report` lists all"
        )
    return groups


def _foreign_words(rows: Sequence[ResultRow]) -> str:
    """All text in the chart that is not ours."""
    return "".join(f"{row['heading']}{row['name']}{row['apart']}{row['recipe']}" for row in rows)


def _write_round(place: FigureBase, rows: Sequence[ResultRow], font_note: str) -> None:
    """Write an experiment's heading above, and below what must be known of it."""
    heading = textwrap.wrap(printable(str(rows[0]["heading"])), 100)
    title = "\n".join(["Small models as ReAct agents", *heading])
    as_text(place.suptitle(title, fontsize=18))
    below = textwrap.wrap(" ".join([*caption(rows), font_note]), 165)
    as_text(place.supxlabel("\n".join(below), fontsize=11, color="#444444"))


def caption(rows: Sequence[ResultRow]) -> Iterator[str]:
    """What a reader must know to judge the marks of one experiment, in sentences."""
    drawn = [row for row in rows if row["scored"]]
    counts = sorted({int(row["scored"]) for row in drawn})
    episodes = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    yield f"{episodes} episodes a mark; Wilson intervals (steps: clustered by task)."
    for row in drawn:
        if row["mark"]:
            yield f"Hollow: {run_words(row)}, {row['mark']}, {row['progress']}."
    if faults := sum(row["unscored"] for row in rows):
        yield f"{faults} episodes unscored (faults of tools or engine)."
    for row in drawn:
        if late := deadline_words(row):
            yield f"{run_words(row)}: {late}."
    if missing := [run_words(row) for row in rows if not row["scored"]]:
        yield f"Not drawn, no scored episode: {', '.join(missing)}."
    if any(row["bits"] and row["bits_source"] != "file" for row in drawn):
        yield "Width with ?: not named by the file; from its row, its name or its size."
    if all(row["family"] == "pico" for row in rows):
        yield (
            "pico models are demonstration models trained for this harness; they say nothing "
            "about real LLMs."
        )
