"""The documents, held to the code: command lines parse, links lead somewhere, no name is missing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.cli import build_parser
from harness.protocol import DIALECTS, ERRORS, REPAIRS
from harness.scoring.records import RUNGS
from tests.conftest import ROOT

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
METRICS = (ROOT / "docs" / "metrics.md").read_text("utf-8")
COMMAND = re.compile(r"python -m harness (.+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def command_lines() -> list[tuple[str, str]]:
    """Every command line in the documents, in code blocks and in backquotes."""
    found = []
    for path in DOCS:
        for line in path.read_text("utf-8").split("\n"):
            inline = [part for i, part in enumerate(line.split("`")) if i % 2]
            texts = inline if any("python -m harness" in part for part in inline) else [line]
            found += [(path.name, m[1].strip()) for text in texts if (m := COMMAND.search(text))]
    return found


@pytest.mark.parametrize(("name", "line"), command_lines())
def test_a_command_line_in_a_document_parses(
    name: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(line.replace("…", ""), comments=True)
    try:
        args = build_parser().parse_args(words)
    except SystemExit as exit:
        assert exit.code == 0, f"{name}: python -m harness {line}\n{capsys.readouterr().err}"
    else:
        assert callable(args.command)


def test_the_documents_show_command_lines() -> None:
    assert len(command_lines()) > 10


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), f"{path.name}: {target}"


@pytest.mark.parametrize("name", [*ERRORS, *REPAIRS])
def test_every_error_and_every_repair_is_documented(name: str) -> None:
    assert f"| `{name}` |" in METRICS


def test_nothing_else_that_is_counted_is_left_out() -> None:
    for word in (
        *RUNGS,
        *DIALECTS,
        "composability",
        "Overuse",
        "pass@k",
        "pass^k",
        "run-on",
        "Tango",
    ):
        assert word in METRICS, word
