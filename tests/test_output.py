"""What commands print: safe for a terminal, results and remarks on their own streams."""

from __future__ import annotations

import ast

import pytest

from harness.cli.output import put, tell
from harness.report.table import table_of
from tests.conftest import ROOT


def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    put("a\x1b[2J", "\u202eb\nc\td")
    tell("d\x07")
    said = capsys.readouterr()
    assert said.out == "a\\x1b[2J\n\\u202eb\nc\td\n"
    assert said.err == "d\\x07\n"


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    put("above", table_of(["name", ">n"], [("[x]" * 50, 4), ("\x1b[2J", 12)]), "below")
    above, head, long, short, below = capsys.readouterr().out.splitlines()
    assert (above, below) == ("above", "below")
    assert head.split() == ["name", "n"]
    assert long == "[x]" * 50 + "   4"
    assert short.split() == ["\\x1b[2J", "12"]


def test_only_commands_print() -> None:
    """The rest of the harness returns what it has to say."""
    for path in (ROOT / "harness").rglob("*.py"):
        if "cli" in path.relative_to(ROOT / "harness").parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name):
                assert called.id not in ("print", "Console"), f"{path}:{called.lineno}"
