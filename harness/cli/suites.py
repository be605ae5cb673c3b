"""``tasks``: what suites there are, whether they are sound, and new invented ones."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import invent, selftest, tasks, worlds
from harness.printable import printable
from harness.tools import TOOLS, Toolbox
from harness.types import Suite, UserError
from harness.worlds import frozen

HELP = """\
List the suites of tasks, check them, or make a new one about a world that never was.

examples:
  python -m harness tasks
  python -m harness tasks check
  python -m harness tasks generate --seed 7 --tasks 200 --out my-suite
  python -m harness run --model 'pico-*' --suite my-suite
"""


def add(commands: Any) -> None:
    """Add the command and its own commands to the parser."""
    parser = commands.add_parser(
        "tasks", help="the suites: list, check, generate", description=HELP
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
    verb = verbs.add_parser("generate", help="invent a world and tasks about it")
    verb.set_defaults(command=generate)
    verb.add_argument(
        "--seed", type=int, required=True, help="the same seed gives the same suite, everywhere"
    )
    verb.add_argument("--tasks", type=int, default=140, metavar="N", help="how many (default 140)")
    verb.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a new folder, as run --suite DIR takes it",
    )


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
        for problem in problems:
            print(f"  {suite.path}: {problem.task or 'the suite'}: {printable(problem.text)}")
        found += len(problems)
        print(f"{suite.name}: {len(suite.tasks)} tasks, {len(problems)} problems\n")
    return 1 if found else 0


def toolbox(suite: Suite) -> Toolbox:
    """All tools over the suite's own world."""
    return Toolbox(tuple(TOOLS), worlds.open_world("frozen", suite.world, suite.world_sha256))


def generate(args: argparse.Namespace) -> int:
    """Write a folder with tasks.jsonl, tasks.toml and world.sqlite."""
    if args.tasks < 1:
        raise UserError(f"--tasks {args.tasks}: expected 1 or more")
    try:
        args.out.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"{args.out}: exists already; name a new folder") from None
    except OSError as error:
        raise UserError(f"{args.out}: cannot be made: {error.strerror}") from None
    title = f"Invented world, seed {args.seed}"
    made = invent.invent(args.seed, args.tasks)
    write_suite(args.out / "tasks.jsonl", "world.sqlite", made, title)
    print(
        f"{args.out}: {len(made.tasks)} tasks about {len(made.articles)} articles; "
        f"run them with --suite {args.out}"
    )
    return 0


def write_suite(path: Path, world: str, made: invent.Invented, title: str) -> None:
    """A suite file, its sidecar and its world, beside one another."""
    data = "".join(tasks.dump_task(task) + "\n" for task in made.tasks).encode()
    path.write_bytes(data)
    sha256 = frozen.build(made.articles, path.parent / world, title=title, licence="CC0-1.0")
    side = {
        "title": title,
        "licence": "CC0-1.0",
        "languages": sorted({task.language for task in made.tasks}),
        "world": world,
        "world_sha256": sha256,
        "tasks_sha256": hashlib.sha256(data).hexdigest(),
        "generator": f"harness.invent {invent.VERSION}, seed {made.seed}",
    }
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in side.items())
    path.with_suffix(".toml").write_text(lines, "utf-8")


def _print_counts(suite: Suite) -> None:
    table = Table(
        "category", "language", "tasks", "difficulty 1", "2", "3", "4", box=None, pad_edge=False
    )
    for (category, language), counts in sorted(selftest.table(suite).items()):
        table.add_row(
            category, language, str(counts.total()), *(str(counts[d]) for d in (1, 2, 3, 4))
        )
    Console(markup=False, highlight=False).print(table)
