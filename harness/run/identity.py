"""Decides whether two runs are the same run, from the settings and facts in their manifests.

The rule of resuming. A run is continued only if everything that can change an episode is the
same: every setting of the command (defaults included), and every fact that the engine reports
when it is ready, such as its build, the prompt's token ids and the slots. How much is run
(``--limit``, ``--trials``) and what only changes speed (threads) may differ. Whole episodes
are continued, never part of one.

Older records. A format 1 manifest left out every setting that had its default; ``FORMAT_1``
says what those defaults were. A setting that a later version adds gets its line in ``ADDED``:
the value that all older runs had in effect. So old runs keep their identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from harness.engines import ENGINES
from harness.worlds import WORLDS

Settings = dict[str, Any]  # "limits.steps" -> 7; values are JSON values

# Says what a model or a file is, or where it lies, and changes no episode.
# (``model.identity`` is the hash of the weights, or names the server or script.)
DESCRIPTIONS = frozenset(
    {
        "model.source",
        "model.params",
        "model.bits",
        "model.family",
        "model.licence",
        "model.note",
        "suite.path",
    }
)
# Part of the command, but not of the identity: threads change no sum; the slots in effect
# stand among the engine's facts.
SPEED_ONLY = frozenset({"settings.threads", "settings.slots"})
# What an engine reports and what may differ between two sessions of one run: how it ran, and
# what a version of the harness reads from a file that is known by its hash.
NO_IDENTITY = frozenset(
    {"file", "threads", "thread_trial", "workaround", "warnings", "name"}
    | {"params", "params_stored", "recipe", "recipe_source", "bits", "bits_per_weight", "imatrix"}
)


FORMAT_1: Settings = {
    "limits.steps": 7,
    "limits.step_tokens": 160,
    "limits.episode_tokens": 1024,
    "limits.step_seconds": 120.0,
    "limits.episode_seconds": 600.0,
    "limits.unreadable": 3,
    "limits.observation_chars": 600,
    "settings.episode_tokens": 1536,
    "settings.gpu_layers": -1,
    "settings.grammar": "",
    "settings.sampling.temperature": 0.0,
    "settings.sampling.top_p": 1.0,
    "settings.slots": 0,
    "settings.threads": 0,
    "world.kind": "frozen",
    "world.path": "",
    "world.sha256": "",
    "extras.tools_file": "",
    "extras.tape": "",
    "extras.faults": "",
}
ADDED: Settings = {
    "limits.deadline": 0.0,
    "parser_version": 1,
    "tools_version": 1,
    "server": "",
    "chat.date": "",
}


def settings_of(manifest: Mapping[str, Any]) -> Settings:
    """Every setting of a run under its dotted name, defaults filled in.

    ``manifest`` is that of a run of any format. Keys are those of ``manifest["config"]``
    ("prompt.name", "limits.steps", "settings.sampling.temperature", "model.name" …).
    """
    config = _flat(manifest.get("config", {}))
    if manifest.get("format") != 1:
        return {**ADDED, **config}
    settings = {**ADDED, **FORMAT_1, **config}
    kinds = (str(settings.get("model.engine")), str(settings["world.kind"]))
    return settings | _flat(decisive(manifest.get("packages", {}), *kinds), "packages.")


def decisive(packages: Mapping[str, str], engine: str, world: str) -> dict[str, str]:
    """Those of the installed ``packages`` (name -> version) that can change an episode."""
    kind = ENGINES.get(engine)
    of_engine = kind.packages if kind and kind.local else ()
    of_world = WORLDS[world].packages if world in WORLDS else ()
    names = (*of_engine, *of_world)
    return {name: packages[name] for name in names if name in packages}


def differences(ours: Settings, theirs: Settings) -> list[tuple[str, Any, Any]]:
    """(name, ours, theirs) of each setting that differs and can change an episode; None
    stands for a setting that one side does not have."""
    return [
        (name, ours.get(name), theirs.get(name))
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name) and _counts(name, ours, theirs)
    ]


def fingerprint(settings: Settings) -> str:
    """SHA-256 over the settings that can change an episode, as hexadecimal digits."""
    counted = {k: v for k, v in settings.items() if _counts(k, settings)}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def fact_differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """(name, ours, theirs) of each fact of two engines that differs and can change an episode.

    A fact that only one of them reports is passed over: an older harness did not record it.
    """
    ours, theirs = _json(ours), _json(theirs)
    return [
        (name, ours[name], theirs[name])
        for name in sorted(ours.keys() & theirs.keys() - NO_IDENTITY)
        if ours[name] != theirs[name]
    ]


def in_words(found: list[tuple[str, Any, Any]], most: int = 6) -> str:
    """Differences as one line: ``limits.steps 7 -> 12, seed 0 -> 1``."""
    parts = [f"{name} {_short(before)} -> {_short(after)}" for name, before, after in found[:most]]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(parts) + more


def _counts(name: str, *sides: Settings) -> bool:
    """Whether a setting can change an episode. The path of something whose bytes are hashed
    does not: the same file elsewhere is the same file."""
    if name in DESCRIPTIONS or name in SPEED_ONLY:
        return False
    if name == "world.path":
        return not all(side.get("world.sha256") for side in sides)
    if name == "extras.tools_file":
        return not all(side.get("extras.tools_sha256") for side in sides)
    return True


def _flat(value: Mapping[str, Any], prefix: str = "") -> Settings:
    flat: Settings = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            flat |= _flat(item, f"{name}.")
        else:
            flat[name] = item
    return flat


def _short(value: Any) -> str:
    text = "none" if value in (None, "") else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def _json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they come back from a manifest (tuples are lists there)."""
    return dict(json.loads(json.dumps(facts, default=str)))
