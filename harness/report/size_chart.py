"""Draws the slide chart: right answers and well-formed steps against parameters.

One colour and marker a width; hollow = an interrupted run. Runs of one size stand side by
side, never on top of each other. A line joins the sizes of one family in one recipe and
nothing else.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.common.printable import printable
from harness.models.registry import short_size
from harness.report.words import ResultRow, width_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

PANELS = {"accuracy": "Right answers", "wellformed": "Well-formed steps, as written"}
# Most colours are Okabe and Ito's, which the colour-blind tell apart; markers for black and white.
STYLES = {
    1: ("#8C6D1F", "X"),
    2: ("#CC79A7", "v"),
    3: ("#E69F00", "P"),
    4: ("#D55E00", "o"),
    5: ("#56B4E9", "p"),
    6: ("#7B3294", "h"),
    8: ("#0072B2", "s"),
    16: ("#009E73", "^"),
    32: ("#000000", "*"),
}
OTHER = ("#555555", "<")  # a width that has no style of its own
UNKNOWN = ("#555555", "D")
BESIDE = 0.02  # of the axis, between marks of one size
MOST_BESIDE = 0.06  # of the axis, between the first and the last mark of one size
MARGIN = 0.13  # of the axis, left and right of the outermost sizes
APART = 0.085  # of the axis, between size labels on one line
LABEL = 22  # characters of a mark's name, and of what tells it apart


def draw_sizes(place: FigureBase, rows: Sequence[ResultRow]) -> None:
    """Draw one experiment: a panel for each measure, one legend."""
    axes = place.subplots(1, len(PANELS), sharey=True)
    for ax, (key, title) in zip(axes, PANELS.items(), strict=True):
        _panel(ax, rows, key, title)
    axes[0].set_ylabel("share, with 95 % interval")
    _legend(axes[0], rows)


def _panel(ax: Axes, rows: Sequence[ResultRow], key: str, title: str) -> None:
    """Draw one measure: ``key`` of each row with its interval, all on one axis."""
    axis = SizeAxis(rows)
    for line in _lines(rows):
        x = [axis.places[id(row)] for row in line]
        ax.plot(x, [row[key] for row in line], color=_style(line[0])[0], linewidth=2, alpha=0.6)
    for row in rows:
        colour, marker = _style(row)
        ends = row[key] - row[f"{key}_low"], row[f"{key}_high"] - row[key]
        ax.errorbar(
            [axis.places[id(row)]],
            [row[key]],
            yerr=[[max(0.0, end)] for end in ends],  # rounding may leave an end below 0
            color=colour,
            marker=marker,
            markersize=9,
            capsize=4,
            linewidth=2,
            mfc="white" if row["mark"] else colour,
        )
    for row in _to_name(rows):
        _name(ax, row, axis, key)
    ax.set_ylim(-0.02, 1.02)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axis.label(ax)
    ax.set_title(title, fontsize=16)
    ax.set_xlabel("parameters")
    ax.grid(axis="y", color="#dddddd")
    ax.set_axisbelow(True)


def _legend(ax: Axes, rows: Sequence[ResultRow]) -> None:
    """One entry a width, narrow ones first, with its recipes; one for hollow marks."""
    from matplotlib.lines import Line2D

    recipes: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for row in rows:
        recipes[row["bits"] or 1 << 30, width_words(row)].add(printable(str(row["recipe"]), 12))
    handles = []
    for (bits, words), names in sorted(recipes.items()):
        colour, marker = _style({"bits": bits if bits < 1 << 30 else None})
        named = ", ".join(sorted(names - {""}))
        label = f"{words}-bit" if bits < 1 << 30 else "width unknown"
        label += f" ({named})" if named else ""
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", label=label))
    if states := sorted({str(row["mark"]) for row in rows} - {""}):
        hollow = Line2D([], [], color="#555555", marker="o", mfc="white", linestyle="")
        hollow.set_label(f"hollow: {', '.join(states)}")
        handles.append(hollow)
    ax.legend(handles=handles, frameon=False, loc="best", fontsize=13)


def as_text(artist: Any) -> None:
    """Names are text, never mathematics: a $ in one must not stop the drawing."""
    artist.set_parse_math(False)


class SizeAxis:
    """The axis of sizes: logarithmic, with a place of its own for sizes that are not known."""

    def __init__(self, rows: Sequence[ResultRow]) -> None:
        """``places`` maps the id of each row to its place on the axis, in parameters; the
        other fields are their decimal logarithms."""
        known = sorted({int(row["params"]) for row in rows if row["params"]})
        logs = [math.log10(size) for size in known] or [0.0]
        self.known = known
        self.span = max(logs[-1] - logs[0], 0.3)
        self.unknown = logs[-1] + (0.22 * self.span if known else 0.0)
        has_unknown = any(not row["params"] for row in rows)
        self.last = self.unknown if has_unknown else logs[-1]
        self.first = logs[0]
        self.has_unknown = has_unknown
        self.places = self._places(rows)

    def _places(self, rows: Sequence[ResultRow]) -> dict[int, float]:
        """Runs of one size stand beside each other, narrow widths to the left."""
        same: defaultdict[float, list[ResultRow]] = defaultdict(list)
        for row in rows:
            same[math.log10(row["params"]) if row["params"] else self.unknown].append(row)
        axis = self.last - self.first or self.span
        gaps = [b - a for a, b in pairwise(sorted(same))]
        room = min([MOST_BESIDE * axis, *(0.6 * gap for gap in gaps)])
        found = {}
        for place, some in same.items():
            step = min(BESIDE * axis, room / max(1, len(some) - 1))
            for i, row in enumerate(sorted(some, key=_by_width)):
                found[id(row)] = 10 ** (place + step * (i - (len(some) - 1) / 2))
        return found

    def label(self, ax: Axes) -> None:
        """Write the models' own sizes, on two lines where they would run into each other."""
        width = self.last - self.first or self.span
        ax.set_xscale("log")
        ax.set_xlim(10 ** (self.first - MARGIN * width), 10 ** (self.last + MARGIN * width))
        places = [math.log10(size) for size in self.known]
        words = [short_size(size) for size in self.known]
        if self.has_unknown:
            places.append(self.unknown)
            words.append("size ?")
            if self.known:
                between = (places[-2] + self.unknown) / 2
                ax.axvline(10**between, color="#bbbbbb", linestyle=":", linewidth=1.5)
        kept = _on_two_lines(places, words, APART * (1 + 2 * MARGIN) * width)
        ax.set_xticks([10**place for place, _ in kept], [text for _, text in kept], fontsize=13)
        ax.minorticks_off()


def _on_two_lines(
    places: Sequence[float], words: Sequence[str], room: float
) -> list[tuple[float, str]]:
    """Each label on the first of two lines that has room for it; none where neither has."""
    last = [-math.inf, -math.inf]
    kept = []
    for place, text in zip(places, words, strict=True):
        line = next((i for i in (0, 1) if place - last[i] >= room), None)
        if line is not None:
            last[line] = place
            kept.append((place, "\n" * line + text))
    return kept


def _lines(rows: Sequence[ResultRow]) -> list[list[ResultRow]]:
    """The runs to join: one family of models.toml, one recipe, finished, a run a size."""
    series: defaultdict[tuple[Any, ...], list[ResultRow]] = defaultdict(list)
    for row in rows:
        if row["family"] and row["params"] and row["bits"] and not row["mark"]:
            series[row["family"], row["bits"], row["recipe"]].append(row)
    ordered = [sorted(some, key=lambda row: int(row["params"])) for some in series.values()]
    return [
        some
        for some in ordered
        if len(some) > 1 and all(a["params"] < b["params"] for a, b in pairwise(some))
    ]


def _to_name(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """The marks that need a name: all, unless size and width already say which model it is."""
    families = {row["family"] for row in rows}
    if len(families) > 1 or "" in families:
        return list(rows)
    alike = Counter((row["params"], row["bits"]) for row in rows)
    return [
        row
        for row in rows
        if not row["params"] or not row["bits"] or alike[row["params"], row["bits"]] > 1
    ]


def _name(ax: Axes, row: ResultRow, axis: SizeAxis, key: str) -> None:
    if row[key] != row[key]:
        return
    place = axis.places[id(row)]
    right = math.log10(place) <= (axis.first + axis.last) / 2
    label = printable(str(row["name"]), LABEL)
    if row["recipe"] and row["recipe"].lower() not in label.lower():
        label = f"{label} {printable(str(row['recipe']), 12)}"
    if row["apart"]:
        label = f"{label} ({printable(str(row['apart']), LABEL)})"
    text = ax.annotate(
        label,
        (place, row[key]),
        textcoords="offset points",
        xytext=(7 if right else -7, 6),
        ha="left" if right else "right",
        fontsize=9,
    )
    as_text(text)


def _by_width(row: ResultRow) -> tuple[int, str, str, str]:
    return row["bits"] or 1 << 30, row["recipe"], row["name"], row["apart"]


def _style(row: ResultRow) -> tuple[str, str]:
    return STYLES.get(row["bits"], OTHER) if row["bits"] else UNKNOWN
