"""Worlds: where tool answers come from. One contract (``types.World``), one table.

A world is asked for articles and searches; it knows nothing of tools, models or the
texts that a model reads.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from harness.types import UserError, World, WorldSpec
from harness.worlds.frozen import FrozenWorld
from harness.worlds.live import LiveWorld
from harness.worlds.none import NoWorld
from harness.worlds.recorded import RecordedWorld
from harness.worlds.zim import ZimWorld

# kind -> opener(path, expected sha256); a new world is one file and one line here
WORLDS: dict[str, Callable[[str, str], World]] = {
    "frozen": FrozenWorld,
    "live": LiveWorld,
    "none": NoWorld,
    "recorded": RecordedWorld,
    "zim": ZimWorld,
}


NEED_A_FILE = ("recorded", "zim")


def read_spec(text: str) -> WorldSpec:
    """Read `KIND` or `KIND:WHERE`, as `--world` takes it. Raises UserError."""
    kind, _, where = text.partition(":")
    _check(kind)
    if kind in NEED_A_FILE and not where:
        raise UserError(f"--world {kind}: expected {kind}:FILE")
    return WorldSpec(kind, where)


def open_world(kind: str, path: str = "", sha256: str = "") -> World:
    """Open a world of that kind; raises UserError for what the user can mend."""
    _check(kind)
    return WORLDS[kind](path, sha256)


def _check(kind: str) -> None:
    if kind not in WORLDS:
        near = difflib.get_close_matches(kind, WORLDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(WORLDS)}"
        raise UserError(f"no world {kind!r}; {hint}")
