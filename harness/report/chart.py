"""The slide chart: accuracy and well-formedness against parameters, intervals on every point.

One colour a bit width; points of one family are joined. Takes rows as ``data.row`` makes
them and knows nothing of episodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.models import short_size
from harness.report import fonts
from harness.types import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
# Okabe and Ito's colours, which the colour-blind tell apart, and markers for black and white.
STYLES = {4: ("#D55E00", "o"), 8: ("#0072B2", "s"), 16: ("#009E73", "^"), 0: ("#555555", "D")}
DODGE = {4: 0.955, 8: 1.0, 16: 1.047}  # so that intervals at one size lie side by side
PANELS = (("accuracy", "Right answers"), ("wellformed", "Well-formed steps, as written"))
NO_FONT = " No font here has all letters (Noto Sans CJK has); in an SVG file the viewer's font has."
SUFFIXES = (".png", ".svg", ".pdf")


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
    """The chart as a matplotlib figure, 13.3 x 7.5 inches (a 16:9 slide).

    Raises UserError when no row has a parameter count.
    """
    rows = [row for row in rows if row["params"] and row["scored"]]
    if not rows:
        raise UserError(
            "nothing to draw: no run with scored episodes and a parameter count; run a model first"
        )
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    families = fonts.families(words := _words(rows))
    missing = fonts.lacking(words, families)
    style: Any = {"font.size": 16, "font.family": families, "svg.hashsalt": "harness",
             "svg.fonttype": "none", "axes.spines.top": False, "axes.spines.right": False}  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(13.33, 7.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2, sharey=True)
        for ax, (key, title) in zip(axes, PANELS, strict=True):
            _panel(ax, rows, key, title)
        axes[0].set_ylabel("share, with 95 % interval")
        handles, labels = axes[0].get_legend_handles_labels()
        axes[0].legend(*_once(handles, labels), frameon=False, loc="upper left")
        _text(figure.suptitle(headline(rows), fontsize=20))
        below = caption(rows) + (NO_FONT if missing else "")
        _text(figure.supxlabel(below, fontsize=11, color="#444444"))
    return figure


def _words(rows: Sequence[Row]) -> str:
    """All text in the chart that is not ours."""
    return "".join(f"{row['suite']}{row['name']}" for row in rows)


def headline(rows: Sequence[Row]) -> str:
    """What was measured, in one line."""
    suites = sorted({str(row["suite"]) for row in rows})
    return f"Small models as ReAct agents: {', '.join(suites)}"


def caption(rows: Sequence[Row]) -> str:
    """What a reader must know to judge the points."""
    counts = sorted({int(row["scored"]) for row in rows})
    tasks = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    lines = [f"{tasks} episodes a point; Wilson intervals (steps: clustered by task)."]
    if any(row["unscored"] for row in rows):
        lines.append(
            f"{sum(row['unscored'] for row in rows)} episodes unscored (faults of tools or engine)."
        )
    if all(row["family"] == "pico" for row in rows):
        lines.append(
            "pico models are demonstration models trained for this harness; they say nothing about real LLMs."
        )
    return " ".join(lines)


def _panel(ax: Axes, rows: Sequence[Row], key: str, title: str) -> None:
    for bits, family in sorted({(row["bits"], row["family"]) for row in rows}, key=str):
        line = sorted(
            (r for r in rows if (r["bits"], r["family"]) == (bits, family)),
            key=lambda r: r["params"],
        )
        colour, marker = STYLES.get(bits, STYLES[0])
        x = [row["params"] * DODGE.get(bits, 1.0) for row in line]
        y = [row[key] for row in line]
        spread = [  # rounding may put the end of an interval a hair inside its point
            [max(0.0, row[key] - row[f"{key}_low"]) for row in line],
            [max(0.0, row[f"{key}_high"] - row[key]) for row in line],
        ]
        ax.errorbar(x, y, yerr=spread, color=colour, marker=marker, markersize=9, capsize=4, linewidth=2,
                    label=f"{bits}-bit" if bits else "bits unknown")  # fmt: skip
    if len({row["family"] for row in rows}) > 1:
        for row in rows:
            _text(ax.annotate(str(row["name"])[:24], (row["params"], row[key]), textcoords="offset points",
                              xytext=(6, 6), fontsize=9))  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(-0.02, 1.02)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _sizes(ax, sorted({row["params"] for row in rows}))
    ax.set_title(title, fontsize=17)
    ax.set_xlabel("parameters")
    ax.grid(axis="y", color="#dddddd")
    ax.set_axisbelow(True)


def _sizes(ax: Axes, params: Sequence[int]) -> None:
    """Ticks at the models' own sizes where they do not crowd, else powers of ten."""
    if len(params) <= 7 and all(b / a > 1.5 for a, b in itertools.pairwise(params)):
        ax.set_xticks(list(params), [short_size(p) for p in params])
        ax.minorticks_off()
    else:
        ax.xaxis.set_major_formatter(lambda value, _: short_size(int(value)))


def _text(artist: Any) -> None:
    """Names are text, never mathematics: a $ in one must not stop the drawing."""
    artist.set_parse_math(False)


def _once(handles: list[Any], labels: list[str]) -> tuple[list[Any], list[str]]:
    """One legend entry a label, narrow widths first."""
    found = dict(zip(labels, handles, strict=True))
    order = sorted(
        found,
        key=lambda label: (
            label == "bits unknown",
            int(label.split("-")[0]) if label[0].isdigit() else 0,
        ),
    )
    return [found[label] for label in order], order
