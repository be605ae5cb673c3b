"""``tasks``: list, check, generate and import suites."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.cli.output import put
from harness.common.hints import hint
from harness.report.table import table_of
from harness.suites import invent
from harness.suites.check import check_suite, count_tasks, suite_toolbox
from harness.suites.importers import DATASETS, Dataset, Source, import_files
from harness.suites.tasks import load_suite, suite_names
from harness.suites.writing import write_suite
from harness.types import Suite, Task, UserError

_MOST_NOTES = 20  # shown of one suite
_MOST_STEPS = 6  # of gold that fit the default limit of 7, the answer being the last

_TASKS_HELP = """\
List the suites of tasks, check them, invent a new one, or import a public data set that you have.

examples:
  python -m harness tasks
  python -m harness tasks check
  python -m harness tasks generate --seed 7 --tasks 200 --out my-suite
  python -m harness tasks import gsm8k test.jsonl --out gsm8k
  python -m harness run --model 'pico-*' --suite my-suite
"""
_GENERATE_HELP = """\
Invent a world and tasks about it; the same arguments give the same suite, everywhere.

examples:
  python -m harness tasks generate --seed 7 --tasks 200 --out my-suite
  python -m harness tasks generate --seed 7 --language ja --hops 3 --noise 0.5 --out hard-ja
"""
_IMPORT_HELP = """\
Turn a public data set that you have into a suite. Without NAME: what can be imported.

examples:
  python -m harness tasks import gsm8k test.jsonl --out gsm8k
  python -m harness tasks import jemhopqa dev_ver1.2.json train_ver1.2.json --out jemhopqa
  python -m harness tasks import table quiz.csv --columns question=Frage,answer=Antwort --out quiz
"""


def add(commands: Any) -> None:
    """Add the command and its own commands to the parser."""
    parser = commands.add_parser(
        "tasks", help="the suites: list, check, generate, import", description=_TASKS_HELP
    )
    parser.set_defaults(command=list_suites)
    parser.add_argument(
        "--json", action="store_true", help="a list of objects: name, tasks, hash, …"
    )
    verbs = parser.add_subparsers(metavar="VERB")
    verb = verbs.add_parser("check", help="check that suites are sound; no model needed")
    verb.set_defaults(command=check_suites)
    verb.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="names, files or folders (default: all under tasks/)",
    )
    _add_generate(verbs)
    _add_import(verbs)


def _add_generate(verbs: Any) -> None:
    verb = verbs.add_parser(
        "generate", help="invent a world and tasks about it", description=_GENERATE_HELP
    )
    verb.set_defaults(command=generate_suite)
    option = verb.add_argument
    option("--seed", type=int, required=True, help="the same seed gives the same suite, everywhere")
    option("--tasks", type=int, default=140, metavar="N", help="how many (default 140)")
    option("--language", choices=tuple(invent.LANGUAGES), default="en", help="default en")
    _add_out(verb, required=True)
    option = verb.add_argument_group("dials").add_argument
    hops = "pages on the way to the answer of a chain question (default 2)"
    option("--hops", type=int, choices=(2, 3, 4), default=2, help=hops)
    distractors = "look-alike pages beside each page that is asked about (default 0)"
    option("--distractors", type=int, choices=range(6), default=0, help=distractors)
    lengths = (0, *range(3, 13))
    sentences = "of an article, 3 to 12 (default 0: 5 to 7 by chance)"
    option("--sentences", type=int, choices=lengths, default=0, metavar="N", help=sentences)
    noise = "share of large numbers spelt as calculate does not take them: 66,400 (default 0)"
    option("--noise", type=_share, default=0.0, metavar="P", help=noise)


def _add_import(verbs: Any) -> None:
    verb = verbs.add_parser(
        "import", help="a public data set that you have as a suite", description=_IMPORT_HELP
    )
    verb.set_defaults(command=import_suite)
    option = verb.add_argument
    option("name", nargs="?", default="", metavar="NAME")
    option("files", nargs="*", metavar="FILE")
    _add_out(verb, required=False)
    columns = "for NAME table: where question, answer, id, type, category, … stand"
    option("--columns", type=_columns, default={}, metavar="FIELD=COLUMN,…", help=columns)
    option("--licence", default="", help="for NAME table: kept with the suite")
    option("--unverified", action="store_true", help="take a file whose sha256 is not known")


def _add_out(verb: Any, required: bool) -> None:
    text = "a new folder, as run --suite DIR takes it"
    verb.add_argument("--out", type=Path, required=required, metavar="DIR", help=text)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0 to 1")
    return share


def _columns(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(field.strip() and column.strip() for field, _, column in pairs):
        raise argparse.ArgumentTypeError(f"{text}: expected FIELD=COLUMN,FIELD=COLUMN")
    return {field.strip(): column.strip() for field, _, column in pairs}


# --- list and check ---------------------------------------------------------------------


def list_suites(args: argparse.Namespace) -> int:
    """Print every suite under tasks/."""
    rows = [_suite_row(load_suite(name)) for name in suite_names()]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    heads = ("suite", "tasks", "hash", "world", "title")
    keys = ("name", "tasks", "hash", "world", "title")
    short = ({**row, "hash": row["hash"][:12], "world": row["world"][:12]} for row in rows)
    put(table_of(heads, ([row[key] for key in keys] for row in short)))
    return 0


def _suite_row(suite: Suite) -> dict[str, Any]:
    return {
        "name": suite.name,
        "tasks": len(suite.tasks),
        "hash": suite.sha256,
        "title": suite.title,
        "path": suite.path,
        "licence": suite.licence,
        "world": suite.world_sha256,
    }


def check_suites(args: argparse.Namespace) -> int:
    """Check suites; 1 when one of them is not sound."""
    found = 0
    for name in args.suites or suite_names():
        suite = load_suite(name)
        problems = check_suite(suite, suite_toolbox(suite))
        _print_counts(suite)
        fatal = [problem for problem in problems if problem.fatal]
        notes = [problem for problem in problems if not problem.fatal]
        for problem in (*fatal, *notes[:_MOST_NOTES]):
            kind = "" if problem.fatal else "note: "
            put(f"  {suite.path}: {kind}{problem.task or 'the suite'}: {problem.text}")
        if len(notes) > _MOST_NOTES:
            put(f"  {suite.path}: note: and {len(notes) - _MOST_NOTES} more like these")
        found += len(fatal)
        more = f", {len(notes)} notes" if notes else ""
        put(f"{suite.name}: {len(suite.tasks)} tasks, {len(fatal)} problems{more}\n")
    return 1 if found else 0


def _print_counts(suite: Suite) -> None:
    heads = ("category", "language", "tasks", "difficulty 1", "2", "3", "4")
    put(
        table_of(
            heads,
            (
                (category, language, counts.total(), *(counts[level] for level in (1, 2, 3, 4)))
                for (category, language), counts in sorted(count_tasks(suite).items())
            ),
        )
    )


# --- generate ---------------------------------------------------------------------------


def generate_suite(args: argparse.Namespace) -> int:
    """Write a folder with tasks.jsonl, tasks.toml and world.sqlite."""
    if args.tasks < 1:
        raise UserError(f"--tasks {args.tasks}: expected 1 or more")
    dials = invent.Dials(args.hops, args.distractors, args.sentences, args.noise)
    try:
        made = invent.invent(args.seed, args.tasks, language=args.language, dials=dials)
    except ValueError as error:
        raise UserError(
            f"tasks generate: {error}; turn a dial back or ask for fewer tasks"
        ) from None
    settings = made.tasks[0].provenance.removeprefix("invented, ")
    side = {
        "title": f"Invented world, {settings}: {len(made.tasks)} tasks",
        "licence": "CC0-1.0",
        "generator": f"invent {invent.GENERATOR_VERSION}, {settings}",
    }
    write_suite(args.out, made.tasks, made.articles, side)
    put(f"{args.out}: {len(made.tasks)} tasks about {len(made.articles)} articles")
    put(f"\npython -m harness run --model 'pico-*' --suite {shlex.quote(str(args.out))}")
    return 0


# --- import -----------------------------------------------------------------------------


def import_suite(args: argparse.Namespace) -> int:
    """Write a data set as a suite, and say what it is and how to run it."""
    if not args.name:
        return _list_datasets()
    if args.name not in DATASETS:
        raise UserError(f"no data set {args.name!r}; {hint(args.name, DATASETS)}")
    dataset = DATASETS[args.name]
    if not args.files or not args.out:
        raise UserError(
            f"expected `tasks import {args.name} FILE --out DIR`, with {' and '.join(dataset.files)}"
        )
    imported, sources = import_files(dataset, args.files, args.columns, args.unverified)
    side = {
        "title": f"{dataset.title}: {len(imported.tasks)} tasks",
        "licence": args.licence or dataset.licence or "not known",
        "source": "; ".join(_described(source, dataset) for source in sources),
        "generator": f"tasks import {args.name}",
    }
    comments = (f"metric of its papers: {dataset.metric}", *imported.notes)
    kept = write_suite(args.out, imported.tasks, imported.articles, side, comments)
    articles = len(imported.articles)
    rows = {
        "data set": f"{dataset.title} ({dataset.home})" if dataset.home else dataset.title,
        "licence": side["licence"],
        "count": f"{len(kept)} tasks of {imported.records} records",
        "metric": dataset.metric,
        "world": f"{articles} articles" if articles else "none of its own",
    }
    for key, value in rows.items():
        put(f"{key + ':':10}{value}")
    for note in (*imported.notes, *_gold_notes(imported.tasks, kept)):
        put(f"note:     {note}")
    out, live = shlex.quote(str(args.out)), " --world live" if dataset.live else ""
    put(f"\npython -m harness tasks check {out}")
    put(f"python -m harness run --model MODEL --suite {out}{live}")
    return 0


def _described(source: Source, dataset: Dataset) -> str:
    what = source.what or ("not a known file" if dataset.known else "a table")
    return f"{Path(source.path).name} ({what}), sha256 {source.sha256}"


def _gold_notes(before: Sequence[Task], after: Sequence[Task]) -> Iterable[str]:
    pairs = zip(before, after, strict=True)
    lost = [new.id for old, new in pairs if old.gold_actions and not new.gold_actions]
    if lost:
        some = ", ".join(lost[:5]) + " …" * (len(lost) > 5)
        yield (
            f"{len(lost)} tasks keep no gold actions, since a sum does not come to what the data "
            f"set says: {some}"
        )
    if long := sum(len(task.gold_actions) > _MOST_STEPS for task in after):
        yield f"{long} tasks have more than {_MOST_STEPS} gold actions; see run --max-steps"


def _list_datasets() -> int:
    for name, dataset in DATASETS.items():
        put(f"{name}: {dataset.title}, {dataset.licence or 'whatever its licence'}")
        put(f"    files   {' and, if you like, '.join(dataset.files)}")
        if dataset.home:
            put(f"    from    {dataset.home}")
        put(f"    metric  {dataset.metric}")
        if dataset.live:
            put("    world   none of its own: run with --world live")
    return 0
