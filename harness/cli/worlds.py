"""``worlds``: build a snapshot, ask any world, look after tapes, and show what faults do."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import prompts, worlds
from harness.common.printable import printable
from harness.common.text import title_key
from harness.run import worker
from harness.run.plan import Extras, RunPlan, equip, world_for
from harness.scoring.episodes import score_episode
from harness.suites import articles, tasks
from harness.tools import Toolbox
from harness.types import Article, Episode, Model, Suite, UserError
from harness.worlds import faults, frozen, recorded
from harness.worlds.zim import ZimWorld

HELP = """\
Worlds are where tool answers come from. Without a verb: the kinds there are.

examples:
  python -m harness worlds build articles.txt -o my-world.sqlite
  python -m harness worlds build --zim wikipedia_en_100.zim -o wikipedia.sqlite
  python -m harness worlds show live:ja --article 東京
  python -m harness worlds tape list tapes/tonight.jsonl
  python -m harness worlds faults --suite examples
"""
KINDS = {
    "frozen": "a snapshot file, the same for every model, for ever (default)",
    "live": "real Wikipedia and DuckDuckGo; live:ja, live:URL of an api.php, and ,search=wiki",
    "recorded": "what a live run was answered, from its tape: recorded:TAPE",
    "zim": "a Kiwix file, directly: zim:FILE",
    "none": "no articles, for suites that need none",
}


def add(commands: Any) -> None:
    """Add the command and its own commands to the parser."""
    parser = commands.add_parser("worlds", help="where tool answers come from", description=HELP)
    parser.set_defaults(command=list_kinds)
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("build", help="write a snapshot of articles")
    verb.set_defaults(command=build)
    verb.add_argument(
        "files", nargs="*", metavar="ARTICLES.txt", help="text files, as under tasks/articles/"
    )
    verb.add_argument("--zim", default="", metavar="FILE", help="take the pages of a ZIM file")
    verb.add_argument("--titles", type=Path, metavar="FILE", help="only these, one title a line")
    verb.add_argument("-o", "--out", type=Path, required=True, metavar="WORLD.sqlite")
    verb.add_argument("--title", default="", help="kept in the file")
    verb.add_argument("--licence", default="", help="kept in the file")
    verb = verbs.add_parser("show", help="open a world and ask it something")
    verb.set_defaults(command=show)
    verb.add_argument(
        "world", metavar="KIND[:WHERE]", help="as run --world takes it, or a snapshot's path"
    )
    verb.add_argument(
        "--article", default="", metavar="TITLE", help="as the tool wikipedia answers"
    )
    verb.add_argument("--search", default="", metavar="QUERY", help="as the tool search answers")
    verb = verbs.add_parser(
        "faults", help="the matrix: each kind of fault, and what becomes of episodes"
    )
    verb.set_defaults(command=show_faults)
    verb.add_argument("--suite", default="examples", metavar="S", help="default: examples")
    verb.add_argument(
        "--rate", type=float, default=0.5, help="of questions that fail (default 0.5)"
    )
    verb.add_argument("--json", action="store_true", help="the matrix as an object of objects")
    _add_tapes(verbs.add_parser("tape", help="list, check, merge and prune recorded answers"))


def _add_tapes(parser: Any) -> None:
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    verb = verbs.add_parser("list", help="what is on a tape")
    verb.set_defaults(command=list_tape)
    verb.add_argument("tape")
    verb.add_argument(
        "--json", action="store_true", help="a list of objects, the lines as they are"
    )
    verb = verbs.add_parser("check", help="is every line whole and unchanged?")
    verb.set_defaults(command=check_tape)
    verb.add_argument("tape")
    verb = verbs.add_parser("merge", help="one tape of several; first answers stand")
    verb.set_defaults(command=merge_tapes)
    verb.add_argument("tapes", nargs="+")
    verb.add_argument("-o", "--out", required=True, metavar="TAPE")
    verb = verbs.add_parser("prune", help="keep some lines only; damaged ones go in any case")
    verb.set_defaults(command=prune_tape)
    verb.add_argument("tape")
    verb.add_argument("--keep-world", default="", metavar="WORLD", help="as `tape list` names it")
    verb.add_argument("--keep-tool", default="", metavar="TOOL")
    verb.add_argument(
        "--since", default="", metavar="DATE", help="recorded on that day or later: 2026-01-31"
    )


def list_kinds(args: argparse.Namespace) -> int:
    """Print the kinds of worlds."""
    table = Table("kind", "what it is", box=None, pad_edge=False)
    for kind in worlds.WORLDS:
        table.add_row(kind, KINDS.get(kind, ""))
    _console().print(table)
    return 0


def build(args: argparse.Namespace) -> int:
    """Write a snapshot and print its hash."""
    if bool(args.files) == bool(args.zim):
        raise UserError("worlds build: give files of articles, or --zim FILE; one of the two")
    pages = (
        _zim_pages(args.zim)
        if args.zim
        else [a for file in args.files for a in articles.read_articles(file)]
    )
    if args.titles:
        pages = list(_only(pages, args.titles))
    sha256 = frozen.build(pages, args.out, title=args.title or args.zim, licence=args.licence)
    print(f"{args.out}: {len(pages)} articles, sha256 {sha256}")
    return 0


def _zim_pages(path: str) -> list[Article]:
    """A ZIM file's pages; of two that would share a name, the first keeps it."""
    pages: dict[str, Article] = {}
    for page in ZimWorld(path).articles():
        pages.setdefault(title_key(page.title), page)
    taken = set(pages)
    unique = []
    for page in pages.values():
        aliases = []
        for alias in page.aliases:
            if alias and title_key(alias) not in taken:
                taken.add(title_key(alias))
                aliases.append(alias)
        unique.append(replace(page, aliases=tuple(aliases)))
    return unique


def _only(pages: Iterable[Article], file: Path) -> Iterator[Article]:
    try:
        wanted = {title_key(line) for line in file.read_text("utf-8").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--titles {file}: cannot be read: {error}") from None
    for page in pages:
        if title_key(page.title) in wanted:
            wanted.discard(title_key(page.title))
            yield page
    if wanted:
        raise UserError(f"--titles {file}: no page {min(wanted)!r} ({len(wanted)} missing in all)")


def show(args: argparse.Namespace) -> int:
    """Open a world, say what it is, and ask it as a model would."""
    is_file = Path(args.world).is_file()
    spec = worlds.read_spec(f"frozen:{args.world}" if is_file else args.world)
    world = worlds.open_world(spec.kind, spec.path)
    print(world.id)
    for key, value in getattr(world, "meta", {}).items():
        if value:
            print(f"{key}: {printable(value)}")
    if hasattr(world, "count"):
        print(f"articles: {world.count}")
    toolbox = Toolbox(("wikipedia", "search"), world)
    for tool, input in (("wikipedia", args.article), ("search", args.search)):
        if input:
            observation = toolbox.call(tool, input)
            print(
                f"{tool}: {printable(input)}\n[{observation.outcome}] {printable(observation.text)}"
            )
    return 0


# --- tapes ------------------------------------------------------------------------------


def list_tape(args: argparse.Namespace) -> int:
    """Print the whole lines of a tape."""
    entries, problems = recorded.read(args.tape)
    if args.json:
        print(json.dumps([json.loads(entry.line()) for entry in entries], indent=1))
        return 0
    table = Table("when", "tool", "input", "outcome", "chars", "world", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(entry.when, printable(entry.tool), printable(entry.input, 50), entry.outcome,
                      str(len(entry.text)), printable(entry.world))  # fmt: skip
    _console().print(table)
    print(f"{len(entries)} answers, {len(problems)} damaged lines")
    return 0


def check_tape(args: argparse.Namespace) -> int:
    """Say what is wrong with a tape; 1 when anything is."""
    entries, problems = recorded.read(args.tape)
    _, differing = recorded.merge([entries])
    problems += [
        f"{args.tape}: a second, other answer to {entry.tool}: {entry.input[:80]}"
        for entry in differing
    ]
    for problem in problems:
        print(printable(problem))
    print(f"{args.tape}: {len(entries)} answers, {len(problems)} problems")
    return 1 if problems else 0


def merge_tapes(args: argparse.Namespace) -> int:
    """Write one tape of several; 1 when they contradict each other."""
    tapes = []
    for path in args.tapes:
        entries, problems = recorded.read(path)
        if problems:
            raise UserError(
                f"{problems[0]}; repair it with `python -m harness worlds tape prune {path}`"
            )
        tapes.append(entries)
    merged, differing = recorded.merge(tapes)
    recorded.write(merged, args.out)
    for entry in differing:
        print(
            f"left out, since an earlier answer differs: {printable(f'{entry.tool}: {entry.input}', 100)}"
        )
    print(f"{args.out}: {len(merged)} answers")
    return 1 if differing else 0


def prune_tape(args: argparse.Namespace) -> int:
    """Rewrite a tape without the lines that were not asked for."""
    entries, problems = recorded.read(args.tape)
    kept = [
        entry
        for entry in entries
        if args.keep_world in ("", entry.world)
        and args.keep_tool in ("", entry.tool)
        and entry.when >= args.since
    ]
    if not kept:
        raise UserError(
            f"tape {args.tape}: nothing would be left of {len(entries)} answers; see `worlds tape list`"
        )
    recorded.write(kept, args.tape)
    print(
        f"{args.tape}: {len(kept)} answers kept, {len(entries) - len(kept)} dropped, {len(problems)} damaged lines gone"
    )
    return 0


# --- faults -----------------------------------------------------------------------------


def show_faults(args: argparse.Namespace) -> int:
    """Run the scripted perfect agent under each kind of fault; 1 when one is scored wrong."""
    suite = tasks.load_suite(args.suite)
    matrix = {kind: dict(matrix_row(suite, kind, args.rate)) for kind in faults.KINDS}
    if args.json:
        print(json.dumps(matrix, indent=1))
    else:
        columns = ("right", "unscored", "wrong")
        table = Table("fault", *columns, box=None, pad_edge=False)
        for kind, row in matrix.items():
            table.add_row(kind, *(str(row.get(column, 0)) for column in columns))
        _console().print(table)
    return 1 if any(row.get("wrong") for row in matrix.values()) else 0


def matrix_row(suite: Suite, kind: str, rate: float) -> Counter[str]:
    """What becomes of a suite's episodes when that share of questions fails in that way."""
    extras = Extras(faults=f"rate={rate},kind={kind}")
    prompt, spec = equip(prompts.load("react"), world_for(suite, "frozen"), extras)
    model = Model("perfect", "scripted", "perfect")
    plan = RunPlan(model, suite, prompt, spec, extras=extras)
    by_id = {task.id: task for task in suite.tasks}
    row = Counter[str]()
    for event in worker.supervise(plan):
        if isinstance(event, Episode):
            score = score_episode(by_id[event.task_id], event, tools=prompt.tools)
            row["unscored" if score.fault else "right" if score.correct else "wrong"] += 1
    return row


def _console() -> Console:
    return Console(markup=False, highlight=False)
