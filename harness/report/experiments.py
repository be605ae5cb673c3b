"""Tells which runs are one experiment, what it is called, and what tells two runs apart.

An experiment is everything in the settings but the model: suite, tasks, prompt, mode, repair,
world, sampling, limits. Only runs of one experiment share a table or a panel of the chart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.common.text import cut
from harness.report.progress import RunProgress
from harness.run import identity
from harness.run.identity import Settings
from harness.types import EngineSettings, Limits

if TYPE_CHECKING:
    from harness.report.data import Result

# Settings of the model, and of its engine and the machine, by the beginning of their names.
OF_MODEL = ("model.", "server", "chat.")
_PACKAGES = ("packages.llama", "packages.transformers", "packages.torch", "packages.bitsandbytes")
OF_MACHINE = ("settings.gpu_layers", "extras.tape", *_PACKAGES)
NOT_OF_EXPERIMENT = (*OF_MODEL, *OF_MACHINE)
# What people call a setting by the first part of its name; others go by their last part.
ASPECTS = {
    **{word: word for word in ("model", "suite", "prompt", "tools", "mode", "world")},
    **{word: word for word in ("extras", "repair", "packages")},
    **{"server": "model", "tools_version": "tools", "chat": "mode"},
}
ORDER = ("model", "suite", "prompt", "tools", "mode", "repair", "world", "temperature")


def experiment_of(settings: Settings) -> str:
    """Twelve digits that are the same for all runs of one experiment, whatever the model."""
    shared = {k: v for k, v in settings.items() if not k.startswith(NOT_OF_EXPERIMENT)}
    return identity.fingerprint(shared)[:12]


def are_repeats(ours: Settings, theirs: Settings) -> bool:
    """Whether two runs are one experiment with one model, so that only the machine, the
    build of the engine or the slots may differ. The name of the model does not count where
    its identity is the hash of its weights."""
    hashed = _is_hash(str(ours.get("model.identity")))
    free = (*OF_MACHINE, "model.name") if hashed else OF_MACHINE
    return all(name.startswith(free) for name, *_ in identity.differences(ours, theirs))


def subset_of(progress: RunProgress) -> str:
    """Eight digits of the set of tasks; "" = the whole suite."""
    if len(progress.tasks) == progress.total:
        return ""
    return hashlib.sha256(json.dumps(sorted(progress.tasks)).encode()).hexdigest()[:8]


# --- headings ---------------------------------------------------------------------------


def heading(result: Result) -> str:
    """An experiment in words: suite, part of it, prompt, mode, and what is not the default."""
    settings, progress = result.settings, result.progress
    words = [f"{settings['suite.name']}: prompt {settings['prompt.name']}, {settings['mode']} mode"]
    if len(progress.tasks) < progress.total:
        kind = f" ({progress.kind})" if progress.kind else ""
        words.append(f"{len(progress.tasks)} of {progress.total} tasks{kind}")
    if not settings["repair"]:
        words.append("repair none")
    if settings["world.kind"] not in ("frozen", "none"):
        words.append(f"{settings['world.kind']} world")
    words += [setting_words(key, settings[key]) for key in _unusual(settings)]
    return ", ".join(words)


def headings(firsts: Sequence[Result]) -> list[str]:
    """A heading for each experiment, all different, from one run of each. Where the usual one
    is not enough, with what differs (``prompt 1a2b3c4d``: another text under the same name)."""
    plain = [heading(result) for result in firsts]
    full = []
    for result, text in zip(firsts, plain, strict=True):
        same = [other for other, theirs in zip(firsts, plain, strict=True) if theirs == text]
        extra = _told_apart(result, same) if len(same) > 1 else []
        full.append(", ".join([text, *extra]))
    return full


def _told_apart(one: Result, same: Sequence[Result]) -> list[str]:
    differing = differing_keys([other.settings for other in same])
    keys = _one_each(key for key in differing if not key.startswith(NOT_OF_EXPERIMENT))
    words = [setting_words(key, one.settings.get(key)) for key in keys]
    if len({subset_of(other.progress) for other in same}) > 1:
        words.append(f"tasks {subset_of(one.progress)}")
    return words


def _unusual(settings: Settings) -> list[str]:
    """Keys of limits, sampling, seed and faults that are neither today's default nor the
    default of an older version."""
    today = {"limits": asdict(Limits()), "settings": asdict(EngineSettings()), "seed": 0}
    usual = identity.settings_of({"config": today})
    skip = ("settings.grammar", "settings.slots", "settings.threads", *NOT_OF_EXPERIMENT)
    found = []
    for key, value in settings.items():
        mine = key.startswith(("limits.", "settings.", "extras.")) or key == "seed"
        defaults = (usual.get(key), identity.FORMAT_1.get(key), identity.ADDED.get(key))
        if mine and not key.startswith(skip) and value not in (*defaults, None, ""):
            found.append(key)
    return found


# --- what differs -----------------------------------------------------------------------


def aspect(key: str) -> str:
    """What people call a setting: ``prompt.sha256`` -> prompt, ``limits.steps`` -> steps."""
    if key == "settings.grammar":
        return "mode"
    return ASPECTS.get(key.partition(".")[0]) or key.rpartition(".")[2].replace("_", " ")


def differing_keys(several: Sequence[Settings]) -> list[str]:
    """The settings in which any of several runs differs, those of most interest first."""
    found = {
        name
        for other in several[1:]
        for name, _, _ in identity.differences(several[0], other)
        if name != "extras.tape"
    }
    return sorted(found, key=lambda key: (_rank(aspect(key)), aspect(key), not _plain(key), key))


def aspects(several: Sequence[Settings]) -> list[str]:
    """As ``differing_keys``, in people's words and each once."""
    return list(dict.fromkeys(aspect(key) for key in differing_keys(several)))


def names_apart(results: Sequence[Result]) -> list[str]:
    """For each run what tells it from the others of its name, in the end its folder; "" where
    the name is enough."""
    apart = []
    for result in results:
        same = [other for other in results if other.name == result.name]
        tags = [_tag(other, same) for other in same]
        tag = tags[same.index(result)]
        unique = tags.count(tag) == 1
        apart.append("" if len(same) == 1 else tag if unique else result.path.name)
    return apart


def _tag(one: Result, same: Sequence[Result]) -> str:
    keys = _one_each(differing_keys([other.settings for other in same]))
    words = [setting_words(key, one.settings.get(key)) for key in keys]
    if len({other.progress.words for other in same}) > 1:
        words.append(f"{one.progress.words} tasks")
    if not words:
        facts = [other.manifest.get("engine", {}) for other in (one, *same)]
        changed = differing_facts(facts[1:])
        words = [setting_words(key, facts[0].get(key)) for key in changed[:2]]
    return ", ".join(words)


def differing_facts(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The facts, as engines report them, in which any of several runs differs."""
    first, *others = facts
    changed = [name for other in others for name, *_ in identity.fact_differences(first, other)]
    return list(dict.fromkeys(changed))


def _one_each(keys: Iterable[str]) -> list[str]:
    """One setting an aspect; a prompt implies its tools, and a mode its grammar."""
    first: dict[str, str] = {}
    for key in keys:
        first.setdefault(aspect(key), key)
    if "prompt" in first:
        first.pop("tools", None)
    return list(first.values())


def setting_words(key: str, value: Any) -> str:
    """One setting in words short enough for a name: ``12 steps``, ``repair none``."""
    last = key.rpartition(".")[2].replace("_", " ")
    if key in ("prompt.name", "suite.name", "model.name", "mode"):
        return str(value)
    if key == "repair":
        return "repair default" if value else "repair none"
    if key == "tools":
        return ", ".join(value or ()) or "no tools"
    if key == "world.kind":
        return f"{value} world"
    if key == "limits.steps":
        return f"{value} steps"
    if key == "limits.deadline":
        return f"{value:g} s deadline" if value else "no deadline"
    if last in ("sha256", "identity"):
        last = "weights" if last == "identity" else aspect(key)
    return f"{last} {_short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:8] if _is_hash(text) else cut(text, 24)


def _is_hash(text: str) -> bool:
    return len(text) >= 32 and not set(text) - set("0123456789abcdef")


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _plain(key: str) -> bool:
    """Whether a setting says more to people than a hash does."""
    return key.endswith((".name", ".kind")) or key in ("mode", "repair", "tools")
