"""``tasks generate`` and ``tasks import``: new suites, each in a folder that --suite takes."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.common.printable import printable
from harness.suites import check, importers, invent, tasks
from harness.suites.importers import DATASETS, Dataset, Imported, Source
from harness.tools import TOOLS, Toolbox
from harness.types import Article, Task, UserError
from harness.worlds import frozen
from harness.worlds.none import NoWorld

MAX_STEPS = 6  # of gold that fit the default limit of 7, the answer being the last

GENERATE_HELP = """\
Invent a world and tasks about it; the same arguments give the same suite, everywhere.

examples:
  python -m harness tasks generate --seed 7 --tasks 200 --out my-suite
  python -m harness tasks generate --seed 7 --language ja --hops 3 --noise 0.5 --out hard-ja
"""
IMPORT_HELP = """\
Turn a public data set that you have into a suite. Without NAME: what can be imported.

examples:
  python -m harness tasks import gsm8k test.jsonl --out gsm8k
  python -m harness tasks import jemhopqa dev_ver1.2.json train_ver1.2.json --out jemhopqa
  python -m harness tasks import table quiz.csv --columns question=Frage,answer=Antwort --out quiz
"""


def add(verbs: Any) -> None:
    """Add the two verbs to the parser of ``tasks``."""
    verb = verbs.add_parser(
        "generate", help="invent a world and tasks about it", description=GENERATE_HELP
    )
    verb.set_defaults(command=generate)
    verb.add_argument(
        "--seed", type=int, required=True, help="the same seed gives the same suite, everywhere"
    )
    verb.add_argument("--tasks", type=int, default=140, metavar="N", help="how many (default 140)")
    _add_out(verb)
    _add_dials(verb)
    verb = verbs.add_parser(
        "import", help="a public data set that you have as a suite", description=IMPORT_HELP
    )
    verb.set_defaults(command=import_)
    verb.add_argument("name", nargs="?", default="", metavar="NAME")
    verb.add_argument("files", nargs="*", metavar="FILE")
    _add_out(verb, required=False)
    verb.add_argument(
        "--columns",
        type=_columns,
        default={},
        metavar="FIELD=COLUMN,…",
        help="for NAME table: where question, answer, id, type, category, … stand",
    )
    verb.add_argument("--licence", default="", help="for NAME table: kept with the suite")
    verb.add_argument(
        "--unverified", action="store_true", help="take a file whose sha256 is not known"
    )


def _add_dials(verb: Any) -> None:
    default = invent.Dials()
    verb.add_argument(
        "--language", choices=tuple(invent.LANGUAGES), default="en", help="default en"
    )
    dials = verb.add_argument_group("dials")
    dials.add_argument(
        "--hops", type=int, choices=(2, 3, 4), default=default.hops,
        help="pages on the way to the answer of a chain question (default 2)",
    )  # fmt: skip
    dials.add_argument(
        "--distractors", type=int, choices=range(6), default=default.distractors,
        help="look-alike pages beside each page that is asked about (default 0)",
    )  # fmt: skip
    dials.add_argument(
        "--sentences", type=int, choices=(0, *range(3, 13)), default=default.sentences,
        metavar="N", help="of an article, 3 to 12 (default 0: 5 to 7 by chance)",
    )  # fmt: skip
    dials.add_argument(
        "--noise", type=_share, default=default.noise, metavar="P",
        help="share of large numbers spelt as calculate does not take them, such as 66,400 or "
        "6万6400 (default 0)",
    )  # fmt: skip


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0 to 1")
    return share


def _add_out(verb: Any, required: bool = True) -> None:
    verb.add_argument(
        "--out",
        type=Path,
        required=required,
        metavar="DIR",
        help="a new folder, as run --suite DIR takes it",
    )


def _columns(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(field.strip() and column.strip() for field, _, column in pairs):
        raise argparse.ArgumentTypeError(f"{text}: expected FIELD=COLUMN,FIELD=COLUMN")
    return {field.strip(): column.strip() for field, _, column in pairs}


# --- generate ---------------------------------------------------------------------------


def generate(args: argparse.Namespace) -> int:
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
    said = made.tasks[0].provenance.removeprefix("invented, ")
    side = {
        "title": f"Invented world, {said}: {len(made.tasks)} tasks",
        "licence": "CC0-1.0",
        "generator": f"invent {invent.GENERATOR_VERSION}, {said}",
    }
    write_suite(args.out, made.tasks, made.articles, side)
    print(f"{args.out}: {len(made.tasks)} tasks about {len(made.articles)} articles")
    print(f"\npython -m harness run --model 'pico-*' --suite {shlex.quote(str(args.out))}")
    return 0


# --- import -----------------------------------------------------------------------------


def import_(args: argparse.Namespace) -> int:
    """Write a data set as a suite, and say what it is and how to run it."""
    if not args.name:
        return _list()
    if args.name not in DATASETS:
        raise UserError(f"no data set {args.name!r}; there are {', '.join(DATASETS)}")
    dataset = DATASETS[args.name]
    if not args.files or not args.out:
        raise UserError(
            f"expected `tasks import {args.name} FILE --out DIR`, with {' and '.join(dataset.files)}"
        )
    imported, sources = importers.import_files(dataset, args.files, args.columns, args.unverified)
    side = {
        "title": f"{dataset.title}: {len(imported.tasks)} tasks",
        "licence": args.licence or dataset.licence or "not known",
        "source": "; ".join(_described(source, dataset) for source in sources),
        "generator": f"tasks import {args.name}",
    }
    comments = (f"metric of its papers: {dataset.metric}", *imported.notes)
    kept = write_suite(args.out, imported.tasks, imported.articles, side, comments)
    _report(args, dataset, imported, kept, side)
    return 0


def _described(source: Source, dataset: Dataset) -> str:
    what = source.what or ("not a known file" if dataset.known else "a table")
    return f"{Path(source.path).name} ({what}), sha256 {source.sha256}"


def _report(
    args: argparse.Namespace, dataset: Dataset, imported: Imported, kept: Sequence[Task],
    side: Mapping[str, str],
) -> None:  # fmt: skip
    world = f"{len(imported.articles)} articles" if imported.articles else "none of its own"
    rows = {
        "data set": f"{dataset.title} {f'({dataset.home})' if dataset.home else ''}",
        "licence": side["licence"],
        "count": f"{len(kept)} tasks of {imported.records} records",
        "metric": dataset.metric,
        "world": world,
    }
    for key, value in rows.items():
        print(f"{key + ':':10}{printable(value)}")
    for note in (*imported.notes, *_gold_notes(imported.tasks, kept)):
        print(f"note:     {printable(note)}")
    live = " --world live" if dataset.live else ""
    out = shlex.quote(str(args.out))
    print(f"\npython -m harness tasks check {out}")
    print(f"python -m harness run --model MODEL --suite {out}{live}")


def _gold_notes(before: Sequence[Task], after: Sequence[Task]) -> list[str]:
    lost = [
        a.id for b, a in zip(before, after, strict=True) if b.gold_actions and not a.gold_actions
    ]
    long = sum(len(task.gold_actions) > MAX_STEPS for task in after)
    notes = [
        f"{len(lost)} tasks keep no gold actions, since a sum does not come to what the data set "
        f"says: {', '.join(lost[:5])}{' …' * (len(lost) > 5)}"
    ] * bool(lost)
    if long:
        notes.append(f"{long} tasks have more than {MAX_STEPS} gold actions; see run --max-steps")
    return notes


def _list() -> int:
    for name, dataset in DATASETS.items():
        print(f"{name}: {dataset.title}, {dataset.licence or 'whatever its licence'}")
        print(f"    files   {' and, if you like, '.join(dataset.files)}")
        if dataset.home:
            print(f"    from    {dataset.home}")
        print(f"    metric  {dataset.metric}")
        if dataset.live:
            print("    world   none of its own: run with --world live")
    return 0


# --- writing ----------------------------------------------------------------------------


def write_suite(
    folder: Path, todo: Sequence[Task], articles: Sequence[Article], side: Mapping[str, str],
    comments: Iterable[str] = (),
) -> tuple[Task, ...]:  # fmt: skip
    """Write DIR/tasks.jsonl, tasks.toml and, for articles, world.sqlite; all of it or nothing.

    Imported gold actions are first confirmed by the real tools. Returns the tasks as written.
    Raises UserError when the folder exists or cannot be written.
    """
    if folder.exists():
        raise UserError(f"{folder}: exists already; name a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from None
    try:
        kept = _fill(draft, todo, articles, side, comments)
        draft.chmod(0o755)
        os.rename(draft, folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return kept


def _fill(
    folder: Path, todo: Sequence[Task], articles: Sequence[Article], side: Mapping[str, str],
    comments: Iterable[str],
) -> tuple[Task, ...]:  # fmt: skip
    keys: dict[str, Any] = dict(side)
    world: frozen.FrozenWorld | NoWorld = NoWorld()
    if articles:
        path = folder / "world.sqlite"
        sha256 = frozen.build_snapshot(articles, path, title=side["title"], licence=side["licence"])
        keys |= {"world": path.name, "world_sha256": sha256}
        world = frozen.FrozenWorld(path)
    kept = tuple(_confirmed(task, Toolbox(tuple(TOOLS), world)) for task in todo)
    data = "".join(tasks.dump_task(task) + "\n" for task in kept).encode()
    (folder / "tasks.jsonl").write_bytes(data)
    keys["languages"] = sorted({task.language for task in kept})
    keys["tasks_sha256"] = hashlib.sha256(data).hexdigest()
    lines = [f"# {printable(comment)}\n" for comment in comments]
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items()]
    (folder / "tasks.toml").write_text("".join(lines), "utf-8")
    if isinstance(world, frozen.FrozenWorld):
        world.close()
    return kept


def _confirmed(task: Task, toolbox: Toolbox) -> Task:
    """Invented gold actions are right by construction; imported ones are a claim."""
    if not task.provenance.startswith(importers.PROVENANCE):
        return task
    if isinstance(toolbox.world, NoWorld) and any(not gold.expr for gold in task.gold_actions):
        return task  # nothing here could confirm a look-up
    return check.confirm(task, toolbox)
