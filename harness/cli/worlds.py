"""``worlds``: builds a snapshot, asks any world, and looks after tapes."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import worlds
from harness.cli.options import command, flag, option
from harness.cli.output import put
from harness.common.printable import printable
from harness.common.text import title_key
from harness.report.table import table_of
from harness.suites import articles
from harness.tools import Toolbox
from harness.types import Article, UserError
from harness.worlds import frozen, recorded
from harness.worlds.zim import ZimWorld

_HELP = """\
Worlds are where tool answers come from. Without a verb: the kinds there are.

examples:
  python -m harness worlds build articles.txt -o my-world.sqlite
  python -m harness worlds build --zim wikipedia_en_100.zim -o wikipedia.sqlite
  python -m harness worlds show live:ja --article 東京
  python -m harness worlds tape list tapes/tonight.jsonl
"""


def add(commands: Any) -> None:
    """Add the command and its own commands to the parser."""
    parser = command(commands, "worlds", _list_kinds, "where tool answers come from", _HELP)
    verbs = parser.add_subparsers(metavar="VERB")
    verb = command(verbs, "build", _build, "write a snapshot of articles")
    files = "text files, as under tasks/articles/"
    verb.add_argument("files", nargs="*", metavar="ARTICLES.txt", help=files)
    option(verb, "--zim FILE", "take the pages of a ZIM file")
    option(verb, "-o --out WORLD.sqlite", "the snapshot to write", Path, required=True)
    option(verb, "--title TITLE", "kept in the file")
    option(verb, "--licence LICENCE", "kept in the file")
    verb = command(verbs, "show", _show, "open a world and ask it something")
    world = "as run --world takes it, or a snapshot's path"
    verb.add_argument("world", metavar="KIND[:WHERE]", help=world)
    option(verb, "--article TITLE", "as the tool wikipedia answers")
    option(verb, "--search QUERY", "as the tool search answers")
    _add_tapes(verbs.add_parser("tape", help="list, check, merge and repair recorded answers"))


def _add_tapes(parser: Any) -> None:
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    verb = command(verbs, "list", _list_tape, "what is on a tape")
    verb.add_argument("tape")
    flag(verb, "--json", "a list of objects, the lines as they are")
    verb = command(verbs, "check", _check_tape, "is every line whole and unchanged?")
    verb.add_argument("tape")
    verb = command(verbs, "merge", _merge_tapes, "one tape of several; the first answer is kept")
    verb.add_argument("tapes", nargs="+")
    option(verb, "-o --out TAPE", "the tape to write", required=True)
    verb = command(verbs, "prune", _prune_tape, "drop the damaged lines of a tape")
    verb.add_argument("tape")


def _list_kinds(args: argparse.Namespace) -> int:
    """Print the kinds of worlds."""
    rows = ((name, kind.about) for name, kind in worlds.WORLDS.items())
    put(table_of(("kind", "what it is"), rows))
    return 0


def _build(args: argparse.Namespace) -> int:
    """Write a snapshot and print its hash."""
    if bool(args.files) == bool(args.zim):
        raise UserError("worlds build: give files of articles, or --zim FILE; one of the two")
    if args.zim:
        pages = _zim_pages(args.zim)
    else:
        pages = [page for file in args.files for page in articles.read_articles(file)]
    title = args.title or args.zim
    sha256 = frozen.build_snapshot(pages, args.out, title=title, licence=args.licence)
    put(f"{args.out}: {len(pages)} articles, sha256 {sha256}")
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


def _show(args: argparse.Namespace) -> int:
    """Open a world, say what it is, and ask it as a model would."""
    is_file = Path(args.world).is_file()
    spec = worlds.read_spec(f"frozen:{args.world}" if is_file else args.world)
    world = worlds.open_world(spec.kind, spec.path)
    put(world.id)
    put(*(f"{key}: {value}" for key, value in getattr(world, "meta", {}).items() if value))
    if hasattr(world, "count"):
        put(f"articles: {world.count}")
    toolbox = Toolbox(("wikipedia", "search"), world)
    for tool, input in (("wikipedia", args.article), ("search", args.search)):
        if input:
            observation = toolbox.call(tool, input)
            put(f"{tool}: {input}", f"[{observation.outcome}] {observation.text}")
    return 0


# --- tapes ------------------------------------------------------------------------------


def _list_tape(args: argparse.Namespace) -> int:
    """Print the whole lines of a tape."""
    entries, problems = recorded.read_tape(args.tape)
    if args.json:
        put(json.dumps([json.loads(entry.line()) for entry in entries], indent=1))
        return 0
    rows = (
        (e.when, e.tool, printable(e.input, 50), e.outcome, len(e.text), e.world) for e in entries
    )
    put(table_of(("when", "tool", "input", "outcome", ">chars", "world"), rows))
    put(f"{len(entries)} answers, {len(problems)} damaged lines")
    return 0


def _check_tape(args: argparse.Namespace) -> int:
    """Say what is wrong with a tape; 1 when anything is."""
    entries, problems = recorded.read_tape(args.tape)
    _, differing = recorded.merge_tapes([entries])
    problems += [
        f"{args.tape}: a second, other answer to {entry.tool}: {entry.input[:80]}"
        for entry in differing
    ]
    put(*problems, f"{args.tape}: {len(entries)} answers, {len(problems)} problems")
    return 1 if problems else 0


def _merge_tapes(args: argparse.Namespace) -> int:
    """Write one tape of several; 1 when they contradict each other."""
    tapes = []
    for path in args.tapes:
        entries, problems = recorded.read_tape(path)
        if problems:
            raise UserError(
                f"{problems[0]}; repair it with `python -m harness worlds tape prune {path}`"
            )
        tapes.append(entries)
    merged, differing = recorded.merge_tapes(tapes)
    recorded.write_tape(merged, args.out)
    for entry in differing:
        asked = printable(f"{entry.tool}: {entry.input}", 100)
        put(f"left out, since an earlier answer differs: {asked}")
    put(f"{args.out}: {len(merged)} answers")
    return 1 if differing else 0


def _prune_tape(args: argparse.Namespace) -> int:
    """Rewrite a tape without its damaged lines."""
    entries, problems = recorded.read_tape(args.tape)
    if not entries:
        raise UserError(f"tape {args.tape}: no whole line in it; nothing would be left")
    recorded.write_tape(entries, args.tape)
    put(f"{args.tape}: {len(entries)} answers kept, {len(problems)} damaged lines dropped")
    return 0
