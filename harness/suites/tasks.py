"""tasks/*.jsonl -> Suite: one JSON object a line, every error with its file:line.

A suite NAME.jsonl may have a sidecar NAME.toml (title, licence, world, hashes). It knows
nothing of how tasks are answered or scored.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from harness.common.records import slim
from harness.types import AnswerType, GoldAction, Suite, Target, Task, UserError

FOLDER = Path("tasks")
SIDECAR_KEYS = (
    "title", "licence", "languages", "world", "world_sha256", "tasks_sha256", "source", "generator",
)  # fmt: skip


def names(folder: Path = FOLDER) -> list[str]:
    """The suites in the tasks folder."""
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def load_suite(name: str, folder: Path = FOLDER) -> Suite:
    """A suite by name, by path of a .jsonl file, or by folder that holds tasks.jsonl.

    Raises UserError with file:line for anything that is not a valid suite.
    """
    path = _find(name, folder)
    data = _read_bytes(path)
    sha256 = hashlib.sha256(data).hexdigest()
    side = _sidecar(path)
    wanted = side.get("tasks_sha256", "")
    if wanted and wanted != sha256:
        raise UserError(
            f"{path}: the tasks were changed: sha256 is {sha256[:12]}…, {path.with_suffix('.toml').name} "
            f"says {wanted[:12]}…; restore the file, or set tasks_sha256 to the new hash for a suite of your own"
        )
    tasks = parse_tasks(data.decode("utf-8", "replace"), str(path))
    if not tasks:
        raise UserError(f"{path}: no tasks in it; expected one JSON object a line")
    world = str(path.parent / side["world"]) if side.get("world") else ""
    return Suite(
        path.parent.name if path.name == "tasks.jsonl" else path.stem,
        str(path), sha256, tasks, world, side.get("world_sha256", ""),
        side.get("title", ""), side.get("licence", ""),
    )  # fmt: skip


def parse_tasks(text: str, where: str) -> tuple[Task, ...]:
    """The tasks in JSONL text; ``where`` names it in errors. Raises UserError."""
    tasks: list[Task] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        task = _task(line, f"{where}:{number}")
        if task.id in seen:
            raise UserError(
                f"{where}:{number}: id {task.id!r} is already used in line {seen[task.id]}"
            )
        seen[task.id] = number
        tasks.append(task)
    return tuple(tasks)


def dump_task(task: Task) -> str:
    """One line of JSON, empty and default fields left out."""
    return json.dumps(slim(task), ensure_ascii=False)


def task_sha256(task: Task) -> str:
    """Hash of one task's content, for pairing runs of changed suites."""
    return hashlib.sha256(dump_task(task).encode("utf-8", "surrogatepass")).hexdigest()


def _find(name: str, folder: Path) -> Path:
    path = folder / f"{name}.jsonl"
    if "/" not in name and path.is_file():
        return path
    path = Path(name)
    if path.is_dir():
        path = path / "tasks.jsonl"
    if path.is_file():
        return path
    known = names(folder)
    near = difflib.get_close_matches(name, known, n=2)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"there are {', '.join(known) or 'none'} in {folder}/"
    )
    raise UserError(
        f"suite {name!r}: not a suite, a .jsonl file or a folder with tasks.jsonl; {hint}"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _sidecar(path: Path) -> dict[str, Any]:
    side = path.with_suffix(".toml") if path.name != "tasks.jsonl" else path.parent / "tasks.toml"
    if not side.is_file():
        return {}
    try:
        keys = tomllib.loads(side.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{side}: not TOML: {error}") from None
    for key in keys:
        if key not in SIDECAR_KEYS:
            raise UserError(f"{side}: unknown key {key!r}{_near(key, SIDECAR_KEYS)}")
    world = str(keys.get("world", ""))
    if Path(world).is_absolute() or ".." in Path(world).parts:
        raise UserError(
            f"{side}: world {world!r} lies outside the suite's folder; name a file beside {path.name}"
        )
    return keys


def _task(line: str, where: str) -> Task:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    row = _fields(row, Task, where)
    answer = _fields(row.pop("answer"), Target, f"{where}: answer")
    if answer["type"] not in get_args(AnswerType):
        raise UserError(
            f"{where}: answer type {answer['type']!r}{_near(str(answer['type']), get_args(AnswerType))}"
        )
    if answer["type"] != "abstain" and not answer.get("accepted"):
        raise UserError(f"{where}: answer: 'accepted' is empty; give at least one right answer")
    golds = [
        _fields(gold, GoldAction, f"{where}: gold_actions") for gold in row.pop("gold_actions", ())
    ]
    for gold in golds:
        if not gold.get("input_any") and not gold.get("expr"):
            raise UserError(f"{where}: gold_actions: {gold['tool']} needs 'input_any' or 'expr'")
    return Task(
        answer=Target(**answer), gold_actions=tuple(GoldAction(**gold) for gold in golds), **row
    )


def _fields(row: Any, kind: type, where: str) -> dict[str, Any]:
    """``row`` checked against a record's fields: names, presence, simple types."""
    if not isinstance(row, dict):
        raise UserError(f"{where}: expected a JSON object, found {type(row).__name__}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key, value in row.items():
        if key not in fields:
            raise UserError(f"{where}: unknown field {key!r}{_near(key, fields)}")
        row[key] = _typed(value, str(fields[key].type), f"{where}: {key}")
    for field in fields.values():
        if field.default is dataclasses.MISSING and field.name not in row:
            raise UserError(f"{where}: field {field.name!r} is missing")
    return row


def _typed(value: Any, declared: str, where: str) -> Any:
    if declared in ("str", "AnswerType") and not isinstance(value, str):
        raise UserError(f"{where}: expected text, found {json.dumps(value)[:40]}")
    if declared == "int" and (not isinstance(value, int) or isinstance(value, bool)):
        raise UserError(f"{where}: expected a whole number, found {json.dumps(value)[:40]}")
    if declared == "bool" and not isinstance(value, bool):
        raise UserError(f"{where}: expected true or false, found {json.dumps(value)[:40]}")
    if declared.startswith("tuple"):
        if not isinstance(value, list):
            raise UserError(f"{where}: expected a list, found {json.dumps(value)[:40]}")
        if "str" in declared and not all(isinstance(item, str) for item in value):
            raise UserError(f"{where}: expected a list of texts, found {json.dumps(value)[:40]}")
        return tuple(value)
    return value


def _near(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
