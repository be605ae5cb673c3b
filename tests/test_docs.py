"""The documents, held to the code: command lines parse, links lead somewhere, no name is missing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.cli import build_parser, main
from harness.protocol import DIALECTS, ERRORS, REPAIRS
from harness.scoring.records import RUNGS
from harness.suites.tasks import load_suite
from tests.conftest import ROOT

DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "pico/README.md"]
README = (ROOT / "README.md").read_text("utf-8")
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
        assert callable(args.command), f"{name}: python -m harness {line}"


def test_every_command_is_shown_in_a_document() -> None:
    commands = set(re.findall(r"^ +(\w+)  ", build_parser().format_help(), re.MULTILINE))
    assert {"run", "report", "doctor"} <= commands
    assert commands <= {line.split()[0] for _, line in command_lines()}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), f"{path.name}: {target}"
        assert not heading or heading in headings(there), f"{path.name}: {target}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_of_the_repository_that_is_named_is_there(path: Path) -> None:
    folders = "harness|tests|tasks|docs|examples|pico|benchmarks|scripts"
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", path.read_text("utf-8"))
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


def headings(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub writes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_counts_the_tasks_of_each_suite() -> None:
    told = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", README, re.MULTILINE)
    assert len(told) == 4
    assert [(name, len(load_suite(name).tasks)) for name, _ in told] == [
        (name, int(count)) for name, count in told
    ]


def test_the_readme_explains_the_columns_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(ROOT / "tests" / "records" / "format-1")]) == 0
    said = capsys.readouterr().out
    header = next(line for line in said.split("\n") if line.startswith("model "))
    columns = {name for name in re.split(r"\s{2,}", header.strip()) if name}
    rows = re.findall(r"^\| ([^|`]+) \| ", README, re.MULTILINE)
    explained = {name for row in rows for name in row.split(", ")} | {"model", "right [95 %]"}
    assert columns - explained <= {"tok/s", "s/episode", "memory"}
    assert explained - columns <= {"column", "suite", "---", "right", "unscored"}


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
