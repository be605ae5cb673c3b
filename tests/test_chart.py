"""The chart: one experiment a pair of panels, every run a mark that can be told from the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from harness.cli import main
from harness.report import chart, data
from harness.report.words import ResultRow
from harness.suites.subsets import Subset
from harness.types import EngineSettings, Sampling, Suite, UserError
from tests.made_runs import RECIPES, chart_row, many_tasks, write_right, write_suite

B = 1_000_000_000


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return write_suite(tmp_path / "suite", many_tasks(20))


def panels(figure: Figure) -> list[Axes]:
    """The left panel of each experiment."""
    return [ax for ax in figure.get_axes() if ax.get_title() == "Right answers"]


def points(ax: Axes) -> list[tuple[float, float, Any, Any, Any]]:
    """(x, y, marker, colour, face) of every mark."""
    bars = [each for each in ax.containers if isinstance(each, ErrorbarContainer)]
    return [
        (
            line.get_xdata()[0],
            line.get_ydata()[0],
            line.get_marker(),
            line.get_color(),  # type: ignore[index]
            line.get_markerfacecolor(),
        )
        for line in (bar.lines[0] for bar in bars)
    ]


def ticks(ax: Axes) -> list[str]:
    return [tick.get_text().strip() for tick in ax.get_xticklabels()]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def joined(ax: Axes) -> int:
    return sum(len(line.get_xdata()) > 1 for line in ax.lines if line.get_linestyle() == "-")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sizes",
    [
        (2, 3, 4),
        (6.7, 8, 13),
        (0.5, 1, 1.5, 2, 3, 4, 7, 8),
        (0.5, 100),
        (100,),
        (7, 7.2),
        (0.000_31, 0.135, 70),
    ],
    ids=str,
)
def test_sizes_are_written_plainly_and_never_run_into_each_other(sizes: tuple[float, ...]) -> None:
    figure = chart.chart_figure([chart_row(f"m{size}", size * B) for size in sizes])
    figure.draw_without_rendering()
    for ax in panels(figure):
        words = ticks(ax)
        assert all(re.fullmatch(r"[0-9.]+[kMB]", word) for word in words), words
        assert len(words) == len(sizes)
        boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_each_width_has_a_marker_and_a_colour_of_its_own_and_a_name() -> None:
    rows = [chart_row("m", B, bits or None, accuracy=0.4 + bits / 100) for bits in RECIPES]
    (ax,) = panels(chart.chart_figure(rows))
    found = points(ax)
    for i in (2, 3):
        assert len({point[i] for point in found}) == len(RECIPES)
    legend = ax.get_legend()
    assert legend
    assert [text.get_text() for text in legend.get_texts()] == [
        *(f"{bits}-bit ({name})" for bits, name in RECIPES.items() if bits),
        "width unknown",
    ]


def test_two_recipes_of_one_model_are_two_marks_with_names() -> None:
    rows = [chart_row("gemma", B, recipe=name, family="gemma") for name in ("Q4_0", "Q4_K_M")]
    (ax,) = panels(chart.chart_figure(rows))
    assert len({x for x, *_ in points(ax)}) == 2 and joined(ax) == 0
    assert texts(ax) == ["gemma Q4_0", "gemma Q4_K_M"]


def test_marks_of_one_size_stay_nearer_to_it_than_to_the_next() -> None:
    rows = [chart_row("a", size * B, bits or None) for size in (1, 1.5) for bits in RECIPES]
    (ax,) = panels(chart.chart_figure(rows))
    places = sorted(x for x, *_ in points(ax))
    assert len(set(places)) == len(rows)
    assert places[0] > 0.9 * B and places[len(RECIPES) - 1] < 1.2 * B
    assert places[len(RECIPES)] > 1.3 * B and places[-1] < 1.7 * B


def test_only_sizes_of_one_family_in_one_recipe_are_joined() -> None:
    ladder = [chart_row(f"pico-{size}", size * B, family="pico") for size in (1, 2, 4)]
    strangers = [chart_row("a", B), chart_row("b", 2 * B), chart_row("c", 4 * B)]
    assert joined(panels(chart.chart_figure(ladder))[0]) == 1
    assert joined(panels(chart.chart_figure(strangers))[0]) == 0
    other = [ladder[0], chart_row("pico-2", 2 * B, 8, family="pico")]
    assert joined(panels(chart.chart_figure(other))[0]) == 0
    killed = [ladder[0], chart_row("pico-2", 2 * B, family="pico", mark="interrupted")]
    assert joined(panels(chart.chart_figure(killed))[0]) == 0


def test_an_unknown_size_has_its_place_and_its_name() -> None:
    (ax,) = panels(
        chart.chart_figure(
            [chart_row("known", B, family="f"), chart_row("served", None, None, family="f")]
        )
    )
    assert ticks(ax) == ["1B", "size ?"] and "served" in texts(ax)
    (ax,) = panels(chart.chart_figure([chart_row("served", None, None)]))
    assert ticks(ax) == ["size ?"] and texts(ax) == ["served"]


def test_an_interrupted_run_is_hollow_and_named() -> None:
    rows = [
        chart_row("whole", B),
        chart_row("killed", 2 * B, mark="interrupted", progress="3 of 8"),
    ]
    figure = chart.chart_figure(rows)
    faces = {point[4] for point in points(panels(figure)[0])}
    assert "white" in faces and len(faces) == 2
    assert any("killed, interrupted, 3 of 8" in sentence for sentence in chart.caption(rows))


def test_one_experiment_a_pair_of_panels_with_its_settings_above(
    suite: Suite, tmp_path: Path
) -> None:
    runs_dir = tmp_path / "runs"
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"prompt": "closed-book"},
        {"mode": "grammar"},
        {"subset": Subset(limit=5)},
        {"settings": EngineSettings(sampling=Sampling(1.5))},
    )
    for change in changes:
        for model in ("one", "two"):
            write_right(runs_dir, suite, model, 5, **change)
    out = tmp_path / "chart.svg"
    assert main(["plot", "--runs-dir", str(runs_dir), "-o", str(out)]) == 0
    drawn = re.sub(r"\s+", " ", out.read_text("utf-8"))
    for words in ("closed-book", "grammar mode", "5 of 20 tasks", "temperature 1.5"):
        assert words in drawn
    rows = data.rows([data.load_result(path) for path in sorted(runs_dir.iterdir())])
    found = panels(chart.chart_figure(rows))
    assert len(found) == len(changes) and all(len(points(ax)) == 2 for ax in found)


def test_a_run_without_a_score_is_named_below(suite: Suite) -> None:
    rows = [chart_row("fine", B), chart_row("lost", B, scored=0, unscored=8)]
    assert "Not drawn, no scored episode: lost." in list(chart.caption(rows))
    chart.chart_figure(rows)
    with pytest.raises(UserError, match="nothing to draw"):
        chart.chart_figure(rows[1:])


def test_too_many_experiments_for_one_picture_are_refused() -> None:
    rows = [
        chart_row("m", B, heading=f"core {i}", experiment=str(i))
        for i in range(chart.MOST_EXPERIMENTS + 1)
    ]
    with pytest.raises(UserError, match="name the runs"):
        chart.chart_figure(rows)


def test_a_name_is_no_mathematics() -> None:
    rows = [
        chart_row("$\\frac{", B, recipe="$x"),
        chart_row("b", B, heading="$\\alpha$: prompt", experiment="y"),
    ]
    chart.chart_figure(rows).draw_without_rendering()


def test_a_chart_of_ones_own_is_a_function_and_a_line(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw_bars(place: Any, rows: Sequence[ResultRow]) -> None:
        place.subplots().barh([row["name"] for row in rows], [row["accuracy"] for row in rows])

    monkeypatch.setitem(chart.CHARTS, "bars", draw_bars)
    for model, right in (("weak", 5), ("strong", 15)):
        write_right(tmp_path / "runs", suite, model, right)
    out = tmp_path / "bars.svg"
    command = ["plot", "--kind", "bars", "--runs-dir", str(tmp_path / "runs"), "-o", str(out)]
    assert main(command) == 0
    drawn = out.read_text("utf-8")
    for words in ("weak", "strong", "sums: prompt react", "20 episodes a mark"):
        assert words in drawn


def test_an_svg_holds_names_as_text_and_repeats_byte_for_byte(tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        chart.save_chart([chart_row("moss", B), chart_row("fern", 2 * B)], [path])
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert re.search(rb"<text[^>]*>moss", first)
