"""The shape of the code, held to limits: rooms, names, sizes. ``scripts/shape.py`` counts.

Lower a limit when the code gets better; do not raise one without saying why in the commit.
"""

from __future__ import annotations

import subprocess
import sys

from scripts import shape
from tests.conftest import ROOT

ENTRIES = 17
# A command's module has ``add(commands)``, an engine's ``load(model, settings)``: one meaning each.
SHARED_NAMES = {"add", "load"}
FRAMES = 8
FORMAT_SKIPS = 0


def test_the_top_of_the_package_is_the_architecture() -> None:
    assert len(shape.entries()) <= ENTRIES, shape.entries()


def test_one_name_has_one_meaning() -> None:
    shared = shape.shared_names()
    more = {name: places for name, places in shared.items() if name not in SHARED_NAMES}
    assert not more, more


def test_no_function_is_longer_than_a_screen() -> None:
    assert list(shape.long_functions()) == []


def test_no_file_is_longer_than_it_should_be() -> None:
    assert shape.long_files() == []


def test_the_formatter_is_seldom_told_to_keep_off() -> None:
    skips = shape.format_skips()
    assert len(skips) <= FORMAT_SKIPS, "\n".join(skips)


def test_the_way_from_the_command_to_the_engine_is_short() -> None:
    assert len(shape.way()) <= FRAMES, shape.way()


def test_the_script_prints_every_figure() -> None:
    said = subprocess.run(
        [sys.executable, "scripts/shape.py", "--names"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name, figure in shape.figures().items():
        assert f"{name:33}{figure:6,}" in said
    for name in shape.shared_names():
        assert f"  {name}: " in said


def test_code_is_counted_without_comments_docstrings_and_blank_lines() -> None:
    text = '"""Says."""\n\n# a comment\nx = """a\nb"""  # two lines\n\n\ndef f():\n    "says"\n    return 1\n'
    assert shape._code_lines(text) == 4
