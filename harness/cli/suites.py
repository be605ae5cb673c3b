"""``tasks``: what suites there are, and whether they are sound."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import worlds
from harness.cli import making
from harness.common.printable import printable
from harness.suites import check as selftest
from harness.suites import tasks
from harness.tools import TOOLS, Toolbox
from harness.types import Suite

MOST_REMARKS = 20  # shown, of those that are no problem

HELP = """\
List the suites of tasks, check them, make a new one about a world that never was, or
import a public data set that you have.

examples:
  python -m harness tasks
  python -m harness tasks check
  python -m harness tasks generate --seed 7 --tasks 200 --out my-suite
  python -m harness tasks import gsm8k test.jsonl --out gsm8k
  python -m harness run --model 'pico-*' --suite my-suite
"""


def add(commands: Any) -> None:
    """Add the command and its own commands to the parser."""
    parser = commands.add_parser(
        "tasks", help="the suites: list, check, generate, import", description=HELP
    )
    parser.set_defaults(command=list_suites)
    parser.add_argument(
        "--json", action="store_true", help="a list of objects: name, tasks, hash, …"
    )
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("check", help="does a suite hold what it promises? no model needed")
    verb.set_defaults(command=check)
    verb.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="names, files or folders (default: all under tasks/)",
    )
    making.add(verbs)


def list_suites(args: argparse.Namespace) -> int:
    """Print every suite under tasks/."""
    suites = [tasks.load_suite(name) for name in tasks.names()]
    if args.json:
        rows = [{"name": s.name, "tasks": len(s.tasks), "hash": s.sha256, "title": s.title, "path": s.path,
                 "licence": s.licence, "world": s.world_sha256} for s in suites]  # fmt: skip
        print(json.dumps(rows, indent=1))
        return 0
    table = Table("suite", "tasks", "hash", "world", "title", box=None, pad_edge=False)
    for s in suites:
        table.add_row(
            s.name, str(len(s.tasks)), s.sha256[:12], s.world_sha256[:12], printable(s.title)
        )
    Console(markup=False, highlight=False).print(table)
    return 0


def check(args: argparse.Namespace) -> int:
    """Check suites; 1 when one of them is not sound."""
    found = 0
    for name in args.suites or tasks.names():
        suite = tasks.load_suite(name)
        problems = selftest.check(suite, toolbox(suite))
        _print_counts(suite)
        fatal = [problem for problem in problems if problem.fatal]
        remarks = [problem for problem in problems if not problem.fatal]
        for problem in (*fatal, *remarks[:MOST_REMARKS]):
            kind = "" if problem.fatal else "note: "
            print(f"  {suite.path}: {kind}{problem.task or 'the suite'}: {printable(problem.text)}")
        if len(remarks) > MOST_REMARKS:
            print(f"  {suite.path}: note: and {len(remarks) - MOST_REMARKS} more like these")
        found += len(fatal)
        notes = f", {len(remarks)} notes" if remarks else ""
        print(f"{suite.name}: {len(suite.tasks)} tasks, {len(fatal)} problems{notes}\n")
    return 1 if found else 0


def toolbox(suite: Suite) -> Toolbox:
    """All tools over the suite's own world, or over none."""
    kind = "frozen" if suite.world else "none"
    return Toolbox(tuple(TOOLS), worlds.open_world(kind, suite.world, suite.world_sha256))


def _print_counts(suite: Suite) -> None:
    table = Table(
        "category", "language", "tasks", "difficulty 1", "2", "3", "4", box=None, pad_edge=False
    )
    for (category, language), counts in sorted(selftest.table(suite).items()):
        table.add_row(
            category, language, str(counts.total()), *(str(counts[d]) for d in (1, 2, 3, 4))
        )
    Console(markup=False, highlight=False).print(table)
