"""Which runs are one experiment, how an experiment is called, and what tells two runs apart.

An experiment is everything in the settings but the model: suite, tasks, prompt, mode, repair,
world, sampling, limits. Only runs of one experiment share a table or a panel of the chart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.common.text import cut
from harness.report.progress import RunProgress
from harness.run import identity
from harness.run.identity import Settings
from harness.types import EngineSettings, Limits

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


def heading(settings: Settings, progress: RunProgress) -> str:
    """An experiment in words: suite, part of it, prompt, mode, and what is not the default."""
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


def headings(experiments: Sequence[tuple[Settings, RunProgress]]) -> list[str]:
    """A heading for each experiment, all different: where the usual one is not enough, with
    what differs (``prompt 1a2b3c4d``: another text under the same name)."""
    plain = [heading(settings, progress) for settings, progress in experiments]
    full = []
    for i, text in enumerate(plain):
        same = [experiments[j] for j, other in enumerate(plain) if other == text]
        extra = _told_apart(experiments[i], same) if len(same) > 1 else []
        full.append(", ".join([text, *extra]))
    return full


def _told_apart(
    one: tuple[Settings, RunProgress], same: Sequence[tuple[Settings, RunProgress]]
) -> list[str]:
    settings, progress = one
    keys = [k for k in differing_keys([s for s, _ in same]) if not k.startswith(NOT_OF_EXPERIMENT)]
    words = [setting_words(key, settings.get(key)) for key in _one_each(keys)]
    if len({subset_of(other) for _, other in same}) > 1:
        words.append(f"tasks {subset_of(progress)}")
    return words


def _unusual(settings: Settings) -> list[str]:
    """Keys of limits, sampling, seed and faults that are neither today's default nor the
    default of an older version."""
    usual = _flat({"limits": asdict(Limits()), "settings": asdict(EngineSettings()), "seed": 0})
    skip = ("settings.grammar", "settings.slots", "settings.threads", *NOT_OF_EXPERIMENT)
    found = []
    for key, value in settings.items():
        mine = key.startswith(("limits.", "settings.", "extras.")) or key == "seed"
        defaults = (usual.get(key), identity.FORMAT_1.get(key), identity.ADDED.get(key))
        if mine and not key.startswith(skip) and value not in (*defaults, None, ""):
            found.append(key)
    return found


def _flat(value: Mapping[str, Any], prefix: str = "") -> Settings:
    flat: Settings = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, Mapping) else {name: item}
    return flat


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


def names_apart(
    names: Sequence[str],
    several: Sequence[Settings],
    facts: Sequence[Mapping[str, Any]],
    subsets: Sequence[str],
    folders: Sequence[str],
) -> list[str]:
    """For each run what tells it from the others of its name; "" where its name is enough.

    ``facts`` are what the engines reported, ``subsets`` the words for the tasks that were
    asked, ``folders`` the last resort.
    """
    apart = []
    for i, name in enumerate(names):
        same = [j for j, other in enumerate(names) if other == name]
        tags = {j: _tag(j, same, several, facts, subsets) for j in same}
        if len(same) > 1 and list(tags.values()).count(tags[i]) > 1:
            tags[i] = folders[i]
        apart.append(tags[i] if len(same) > 1 else "")
    return apart


def _tag(
    i: int,
    same: Sequence[int],
    several: Sequence[Settings],
    facts: Sequence[Mapping[str, Any]],
    subsets: Sequence[str],
) -> str:
    keys = _one_each(differing_keys([several[j] for j in same]))
    words = [setting_words(key, several[i].get(key)) for key in keys]
    if len({subsets[j] for j in same}) > 1:
        words.append(subsets[i])
    if not words:
        first = facts[same[0]]
        changed = [
            key for j in same[1:] for key, _, _ in identity.fact_differences(first, facts[j])
        ]
        words = [setting_words(key, facts[i].get(key)) for key in dict.fromkeys(changed)][:2]
    return ", ".join(words)


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
