"""Charts with Japanese names: drawn where a font has them, said where none has, never noisy."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from harness.report import chart, fonts
from tests.made_runs import chart_row

# Linear B: no font that anybody installs by chance has it
NAMES = {
    "latin": ("moss-1B", "core"),
    "japanese": ("苔-1B", "日本語"),
    "linear b": ("𐀀-1B", "core"),
}


@pytest.mark.parametrize("script", NAMES)
def test_names_in_any_script_draw_without_a_warning(tmp_path: Path, script: str) -> None:
    name, suite = NAMES[script]
    rows = [chart_row(name, 7e6, heading=suite, family=family) for family in ("a", "b")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart.save_chart(rows, [tmp_path / "c.png", tmp_path / "c.svg"])
    svg = (tmp_path / "c.svg").read_text("utf-8")
    assert name in svg and suite in svg
    missing = fonts.lacking(name + suite, fonts.families(name + suite))
    assert ("No font here has all letters" in svg) is bool(missing)


def test_what_a_font_lacks_is_known_before_drawing() -> None:
    assert fonts.families("core é 7B") == [fonts.OWN]
    assert fonts.lacking("core é 7B", [fonts.OWN]) == ""
    assert fonts.lacking("苔 窪 苔-1B", [fonts.OWN]) == "窪苔"
    assert "𐀀" in fonts.lacking("𐀀", fonts.families("𐀀"))
