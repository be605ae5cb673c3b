"""The table of worlds: where tool answers come from.

A world (``types.World``) is asked for articles and searches. A new one is one file in this
package and one line in ``WORLDS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.common.hints import hint
from harness.types import UserError, World, WorldSpec
from harness.worlds.frozen import FrozenWorld, identify_snapshot
from harness.worlds.live import LiveWorld
from harness.worlds.none import NoWorld
from harness.worlds.recorded import RecordedWorld, identify_tape
from harness.worlds.zim import ZimWorld, identify_zim


@dataclass(frozen=True)
class WorldKind:
    """One kind of world.

    ``open``       makes the world of a path and the hash expected of it ("" = any)
    ``about``      one line for people
    ``identify``   returns the hash of the file at a path without opening it as a world, and
                   raises UserError when another one is expected; None: there is no file
    ``needs_path`` whether a path must be given
    ``packages``   the Python packages whose version can change an answer
    """

    open: Callable[[str, str], World]
    about: str
    identify: Callable[[str, str], str] | None = None
    needs_path: bool = False
    packages: tuple[str, ...] = ()


WORLDS: dict[str, WorldKind] = {
    "frozen": WorldKind(
        FrozenWorld,
        "a snapshot file, the same for every model, for ever (default)",
        identify_snapshot,
    ),
    "live": WorldKind(
        LiveWorld,
        "real Wikipedia and DuckDuckGo; live:ja, live:URL of an api.php, and ,search=wiki",
        packages=("wikipedia", "ddgs"),
    ),
    "recorded": WorldKind(
        RecordedWorld,
        "what a live run was answered, from its tape: recorded:TAPE",
        identify_tape,
        needs_path=True,
    ),
    "zim": WorldKind(ZimWorld, "a Kiwix file, directly: zim:FILE", identify_zim, needs_path=True),
    "none": WorldKind(NoWorld, "no articles, for suites that need none"),
}


def read_spec(text: str) -> WorldSpec:
    """Read `KIND` or `KIND:WHERE`, as `--world` takes it. Raises UserError."""
    name, _, where = text.partition(":")
    if _kind(name).needs_path and not where:
        raise UserError(f"--world {name}: expected {name}:FILE")
    return WorldSpec(name, where)


def pin_world(spec: WorldSpec) -> WorldSpec:
    """The same world with the hash of its file. Opens no world; whether the file is sound shows
    when it is opened. Raises UserError when there is no such file, or another hash is expected.
    """
    identify = _kind(spec.kind).identify
    return replace(spec, sha256=identify(spec.path, spec.sha256) if identify else "")


def open_world(kind: str, path: str = "", sha256: str = "") -> World:
    """Open a world of that kind; raises UserError for what the user can mend."""
    return _kind(kind).open(path, sha256)


def _kind(name: str) -> WorldKind:
    if name not in WORLDS:
        raise UserError(f"no world {name!r}; {hint(name, WORLDS)}")
    return WORLDS[name]
