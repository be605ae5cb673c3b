"""Writes an invented world and its tasks as a suite: tasks, sidecar, snapshot.

How a snapshot is built is the caller's choice; this file only says what goes into it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.invent import VERSION, Invented
from harness.tasks import dump_task
from harness.types import Article

LICENCE = "CC0-1.0"
Build = Callable[[Iterable[Article], Path], str]


def write_suite(invented: Invented, stem: Path, build: Build) -> Path:
    """Write STEM.jsonl, STEM.sqlite and STEM.toml, and return the first.

    ``build`` writes a snapshot of articles to a path and returns its sha256. The same
    invented world gives the same bytes. Raises OSError when a file cannot be written.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    tasks, world, side = (stem.with_name(stem.name + end) for end in (".jsonl", ".sqlite", ".toml"))
    world_sha256 = build(invented.articles, world)
    data = "".join(dump_task(task) + "\n" for task in invented.tasks).encode()
    _write(tasks, data)
    keys = {
        "title": f"Invented world {invented.seed}: {len(invented.tasks)} tasks",
        "licence": LICENCE,
        "languages": sorted({task.language for task in invented.tasks}),
        "world": world.name,
        "world_sha256": world_sha256,
        "tasks_sha256": hashlib.sha256(data).hexdigest(),
        "generator": f"invent {VERSION}, seed {invented.seed}, {invented.split}",
    }
    _write(side, "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items()).encode())
    return tasks


def _toml(value: str | Sequence[str]) -> str:
    """Plain words only, so quotes need no escapes."""
    return f'"{value}"' if isinstance(value, str) else f"[{', '.join(map(_toml, value))}]"


def _write(path: Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    os.replace(draft, path)
