"""Draws the slide chart: right answers and well-formed steps against parameters.

Each experiment has its own pair of panels with its settings above; every run is a mark with
its interval. Takes rows as ``data.rows`` makes them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.common.printable import printable
from harness.report import fonts, marks
from harness.report.marks import Row
from harness.report.table import named
from harness.types import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

PANELS = (("accuracy", "Right answers"), ("wellformed", "Well-formed steps, as written"))
NO_FONT = "No font here has all letters (Noto Sans CJK has); in an SVG file the viewer's font has."
SUFFIXES = (".png", ".svg", ".pdf")
MOST = 20  # experiments in one picture
WIDTH, ONE, EACH = 13.33, 7.5, 6.6  # inches: a 16:9 slide; the height of one of several


def save(rows: Sequence[Row], paths: Sequence[Path]) -> None:
    """Draw the chart once and write it to each path (PNG, SVG or PDF by its ending).

    Raises UserError when there is nothing to draw or a path cannot be written.
    """
    for path in paths:
        if path.suffix not in SUFFIXES:
            raise UserError(f"{path}: a chart is written as {', '.join(SUFFIXES)}")
    figure = draw(rows)
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fonts.quietly():
                figure.savefig(
                    path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None
                )
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def draw(rows: Sequence[Row]) -> Figure:
    """The chart as a matplotlib figure: 13.3 x 7.5 inches (a 16:9 slide) for one experiment,
    higher for several, each with its own panels.

    Raises UserError when no run has a scored episode, or there are too many experiments.
    """
    groups = split(rows)
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    families = fonts.families(words := _words(rows))
    style: dict[Any, Any] = {
        "font.size": 16,
        "font.family": families,
        "svg.hashsalt": "harness",
        "svg.fonttype": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    height = ONE if len(groups) == 1 else EACH * len(groups)
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        places: Any = [figure]
        if len(groups) > 1:
            places = figure.subfigures(len(groups), 1, hspace=0.04)
        for place, group in zip(places, groups, strict=True):
            _experiment(place, group, NO_FONT if fonts.lacking(words, families) else "")
    return figure


def split(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each experiment. One without a scored episode anywhere is not drawn."""
    ordered = sorted(rows, key=_group)
    groups = [list(group) for _, group in groupby(ordered, key=_group)]
    groups = [group for group in groups if any(row["scored"] for row in group)]
    if not groups:
        raise UserError("nothing to draw: no run with scored episodes; run a model first")
    if len(groups) > MOST:
        raise UserError(
            f"{len(groups)} experiments are too many for one chart (at most {MOST}): "
            "name the runs to draw; `report` lists all"
        )
    return groups


def _group(row: Row) -> tuple[str, str, str]:
    return str(row["heading"]), str(row["experiment"]), str(row["subset"])


def _words(rows: Sequence[Row]) -> str:
    """All text in the chart that is not ours."""
    return "".join(f"{row['heading']}{row['name']}{row['apart']}{row['recipe']}" for row in rows)


def _experiment(figure: FigureBase, rows: Sequence[Row], font_note: str) -> None:
    """One experiment: its heading, two panels, and what must be known of its marks."""
    drawn = [row for row in rows if row["scored"]]
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (key, title) in zip(axes, PANELS, strict=True):
        marks.panel(ax, drawn, key, title)
    axes[0].set_ylabel("share, with 95 % interval")
    marks.legend(axes[0], drawn)
    heading = textwrap.wrap(printable(str(rows[0]["heading"])), 100)
    title = "\n".join(["Small models as ReAct agents", *heading])
    marks.as_text(figure.suptitle(title, fontsize=18))
    below = textwrap.wrap(" ".join([*caption(rows), font_note]), 165)
    marks.as_text(figure.supxlabel("\n".join(below), fontsize=11, color="#444444"))


def caption(rows: Sequence[Row]) -> Iterator[str]:
    """What a reader must know to judge the marks of one experiment, in sentences."""
    drawn = [row for row in rows if row["scored"]]
    counts = sorted({int(row["scored"]) for row in drawn})
    episodes = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    yield f"{episodes} episodes a mark; Wilson intervals (steps: clustered by task)."
    for row in drawn:
        if row["mark"]:
            yield f"Hollow: {named(row)}, {row['mark']}, {row['progress']}."
    if faults := sum(row["unscored"] for row in rows):
        yield f"{faults} episodes unscored (faults of tools or engine)."
    for row in drawn:
        if row["deadline"]:
            yield (
                f"{named(row)}: {row['missed_deadline']} of {row['scored']} missed the "
                f"{row['deadline']:g} s deadline."
            )
    if missing := [named(row) for row in rows if not row["scored"]]:
        yield f"Not drawn, no scored episode: {', '.join(missing)}."
    if any(row["bits"] and row["bits_source"] != "file" for row in drawn):
        yield "Width with ?: not named by the file; from its row, its name or its size."
    if all(row["family"] == "pico" for row in rows):
        yield (
            "pico models are demonstration models trained for this harness; they say nothing "
            "about real LLMs."
        )
