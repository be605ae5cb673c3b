"""Reads suites of tasks: a JSONL file with one task a line, and a TOML file beside it.

``NAME.toml`` may give title, licence, world and hashes of ``NAME.jsonl``. Every error is a
UserError with file:line.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, get_args

from harness.common.hints import hint
from harness.common.reading import decode_text, read_data, read_text, read_toml
from harness.common.records import slim
from harness.types import AnswerType, GoldAction, Suite, Target, Task, UserError

_TASKS_FOLDER = Path("tasks")
_SIDE_KEYS = [
    "title",
    "licence",
    "languages",
    "world",
    "world_sha256",
    "tasks_sha256",
    "source",
    "generator",
]
# The declared type of a record's field -> what JSON must hold, and how errors say it.
_JSON_TYPES = {
    "str": (str, "text"),
    "AnswerType": (str, "text"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "tuple[str, ...]": (list, "a list of texts"),
    "tuple[GoldAction, ...]": (list, "a list"),
}


def suite_names(folder: Path = _TASKS_FOLDER) -> list[str]:
    """The suites in the tasks folder."""
    return sorted(path.stem for path in folder.glob("*.jsonl"))


def load_suite(name: str, folder: Path = _TASKS_FOLDER) -> Suite:
    """A suite by name, by path of a .jsonl file, or by folder that holds tasks.jsonl.

    ``folder`` is where named suites are. Raises UserError for anything that is not a valid suite.
    """
    path = _suite_file(name, folder)
    data = read_data(path)
    sha256 = hashlib.sha256(data).hexdigest()
    side = _read_side(path)
    wanted = side.get("tasks_sha256", "")
    if wanted and wanted != sha256:
        raise UserError(
            f"{path}: the tasks were changed: sha256 is {sha256[:12]}…, {path.with_suffix('.toml').name} "
            f"says {wanted[:12]}…; restore the file, or set tasks_sha256 to the new hash for a suite of your own"
        )
    tasks = parse_tasks(decode_text(data, path), str(path))
    if not tasks:
        raise UserError(f"{path}:1: no tasks in it; expected one JSON object a line")
    return Suite(
        name=path.parent.name if path.name == "tasks.jsonl" else path.stem,
        path=str(path),
        sha256=sha256,
        tasks=tasks,
        world=str(path.parent / side["world"]) if side.get("world") else "",
        world_sha256=side.get("world_sha256", ""),
        title=side.get("title", ""),
        licence=side.get("licence", ""),
    )


def parse_tasks(text: str, where: str) -> tuple[Task, ...]:
    """The tasks in JSONL text; ``where`` names it in errors. Raises UserError."""
    tasks: list[Task] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        task = _parse_task(line, f"{where}:{number}")
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


# --- files ------------------------------------------------------------------------------


def _suite_file(name: str, folder: Path) -> Path:
    path = folder / f"{name}.jsonl"
    if "/" not in name and path.is_file():
        return path
    path = Path(name)
    if path.is_dir():
        path = path / "tasks.jsonl"
    if path.is_file():
        return path
    raise UserError(
        f"suite {name!r}: not a suite in {folder}/, a .jsonl file or a folder with tasks.jsonl; "
        f"{hint(name, suite_names(folder))}"
    )


def _read_side(suite: Path) -> dict[str, Any]:
    """The TOML file beside a suite; {} where there is none."""
    path = suite.with_suffix(".toml")
    if not path.is_file():
        return {}
    values = read_toml(path)
    for key, value in values.items():
        kind, words = (list, "a list") if key == "languages" else (str, "text")
        if key not in _SIDE_KEYS:
            raise UserError(f"{_line_of(path, key)}: unknown key {key!r}; {hint(key, _SIDE_KEYS)}")
        if not isinstance(value, kind):
            raise UserError(f"{_line_of(path, key)}: {key}: expected {words}, found {value!r:.40}")
    world = values.get("world", "")
    if Path(world).is_absolute() or ".." in Path(world).parts:
        raise UserError(
            f"{_line_of(path, 'world')}: world {world!r} lies outside the suite's folder; "
            f"name a file beside {suite.name}"
        )
    return values


def _line_of(path: Path, key: str) -> str:
    """file:line of a key at the top of a TOML file."""
    lines = read_text(path).splitlines()
    places = (n for n, line in enumerate(lines, 1) if line.strip(" \t[\"'").startswith(key))
    return f"{path}:{next(places, 1)}"


# --- tasks ------------------------------------------------------------------------------


def _parse_task(line: str, where: str) -> Task:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    row = _checked_fields(row, Task, where)
    answer = _checked_fields(row.pop("answer"), Target, f"{where}: answer")
    if answer["type"] not in get_args(AnswerType):
        near = hint(answer["type"], get_args(AnswerType))
        raise UserError(f"{where}: answer type {answer['type']!r}; {near}")
    if answer["type"] != "abstain" and not answer.get("accepted"):
        raise UserError(f"{where}: answer: 'accepted' is empty; give at least one right answer")
    golds = [
        _checked_fields(gold, GoldAction, f"{where}: gold_actions")
        for gold in row.pop("gold_actions", ())
    ]
    for gold in golds:
        if not gold.get("input_any") and not gold.get("expr"):
            raise UserError(f"{where}: gold_actions: {gold['tool']} needs 'input_any' or 'expr'")
    return Task(
        answer=Target(**answer), gold_actions=tuple(GoldAction(**gold) for gold in golds), **row
    )


def _checked_fields(row: Any, record: type, where: str) -> dict[str, Any]:
    """``row`` with lists as tuples, when its names and types are those of the record's fields."""
    if not isinstance(row, dict):
        raise UserError(f"{where}: expected a JSON object, found {type(row).__name__}")
    fields = {field.name: field for field in dataclasses.fields(record)}
    for key, value in row.items():
        if key not in fields:
            raise UserError(f"{where}: unknown field {key!r}; {hint(key, fields)}")
        kind, words = _JSON_TYPES.get(str(fields[key].type), (type(value), ""))
        right = type(value) is kind
        if words == "a list of texts":
            right = right and all(isinstance(item, str) for item in value)
        if not right:
            raise UserError(f"{where}: {key}: expected {words}, found {json.dumps(value)[:40]}")
        row[key] = tuple(value) if kind is list else value
    for field in fields.values():
        if field.default is dataclasses.MISSING and field.name not in row:
            raise UserError(f"{where}: field {field.name!r} is missing")
    return row
