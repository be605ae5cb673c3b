"""Writes a new suite: a folder with tasks.jsonl, tasks.toml and, for articles, world.sqlite."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from harness.common.printable import printable
from harness.suites.importers import IMPORTED
from harness.suites.tasks import dump_task
from harness.tools import TOOLS, Toolbox
from harness.types import Article, Task, UserError
from harness.worlds import frozen
from harness.worlds.none import NoWorld

_WORLD_FILE = "world.sqlite"


def write_suite(
    folder: Path,
    tasks: Sequence[Task],
    articles: Sequence[Article],
    side: Mapping[str, str],
    comments: Iterable[str] = (),
) -> tuple[Task, ...]:
    """Write a new folder that ``run --suite`` takes, all of it or nothing.

    ``side`` are keys of tasks.toml, and ``comments`` lines above them. The gold actions of
    imported tasks are first confirmed with the real tools. Returns the tasks as written. Raises
    UserError when the folder exists or cannot be written.
    """
    if folder.exists():
        raise UserError(f"{folder}: exists already; name a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from None
    try:
        kept, keys = _write_files(draft, tasks, articles, side)
        lines = [f"# {printable(comment)}" for comment in comments]
        lines += [f"{key} = {json.dumps(keys[key], ensure_ascii=False)}" for key in keys]
        (draft / "tasks.toml").write_bytes("".join(line + "\n" for line in lines).encode())
        draft.chmod(0o755)
        os.rename(draft, folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return kept


def _write_files(
    folder: Path, tasks: Sequence[Task], articles: Sequence[Article], side: Mapping[str, str]
) -> tuple[tuple[Task, ...], dict[str, object]]:
    """Write the tasks and the world; gives the tasks as written and the keys of tasks.toml."""
    keys: dict[str, object] = dict(side)
    if articles:
        path = folder / _WORLD_FILE
        keys["world"] = _WORLD_FILE
        keys["world_sha256"] = frozen.build_snapshot(
            articles, path, title=side["title"], licence=side["licence"]
        )
        with closing(frozen.FrozenWorld(path)) as world:
            kept = tuple(confirm_gold(task, Toolbox(tuple(TOOLS), world)) for task in tasks)
    else:
        kept = tuple(confirm_gold(task, Toolbox(tuple(TOOLS), NoWorld())) for task in tasks)
    data = "".join(dump_task(task) + "\n" for task in kept).encode()
    (folder / "tasks.jsonl").write_bytes(data)
    keys["languages"] = sorted({task.language for task in kept})
    keys["tasks_sha256"] = hashlib.sha256(data).hexdigest()
    return kept, keys


def confirm_gold(task: Task, toolbox: Toolbox) -> Task:
    """The task with the gold actions that the tools confirm; only imported ones can be wrong.

    Evidence that a tool does not show (an answer further down the page) is dropped; a rounded
    result of a sum becomes what the tool prints. When a sum does not come to what the data
    set says, or cannot be worked out, the task keeps no gold actions. Without a world, look-ups
    stay as they are.
    """
    if not task.provenance.startswith(IMPORTED):
        return task
    if isinstance(toolbox.world, NoWorld) and any(not gold.expr for gold in task.gold_actions):
        return task
    golds = []
    for gold in task.gold_actions:
        shown = toolbox.call(gold.tool, gold.expr or gold.input_any[0]).text
        stated = gold.observation_contains
        if not gold.expr:
            evidence = stated if stated in shown else ""
        elif _rounds_to(shown, stated):
            evidence = stated if shown.startswith(stated) else shown
        else:
            return replace(task, gold_actions=())
        golds.append(replace(gold, observation_contains=evidence))
    return replace(task, gold_actions=tuple(golds))


def _rounds_to(shown: str, stated: str) -> bool:
    """True when a number is the stated one, to within one unit of the stated one's last digit."""
    try:
        value, text = Decimal(shown), Decimal(stated)
    except InvalidOperation:
        return False
    exponent = text.as_tuple().exponent
    return isinstance(exponent, int) and abs(value - text) < Decimal(1).scaleb(min(exponent, 0))
