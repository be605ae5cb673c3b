"""Chooses the tasks of a suite to run, in a fixed order, so that a run can start small and grow.

The same suite gives the same order everywhere. Categories and languages are spread evenly over
it: the first 40 of 240 tasks hold about one sixth of each, and are part of the first 80.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.common.hints import hint
from harness.types import Task, UserError

_GOLDEN = 0.6180339887498949  # its multiples, modulo 1, are spread evenly over 0 to 1


@dataclass(frozen=True)
class Subset:
    """Which tasks a person asked for. Empty tuples and ``limit`` 0 mean all of them.

    ``limit`` counts tasks after the other three have been applied.
    """

    limit: int = 0
    categories: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def choose(tasks: Sequence[Task], subset: Subset) -> tuple[Task, ...]:
    """The tasks of a subset, in the fixed order. Raises UserError for a category, language
    or task that the suite does not have, or when nothing is left."""
    _must_exist("--category", subset.categories, {task.category for task in tasks})
    _must_exist("--language", subset.languages, {task.language for task in tasks})
    _must_exist("--task", subset.tasks, {task.id for task in tasks})
    kept = tuple(
        task
        for task in ordered(tasks)
        if (not subset.categories or task.category in subset.categories)
        and (not subset.languages or task.language in subset.languages)
        and (not subset.tasks or task.id in subset.tasks)
    )
    if not kept:
        raise UserError(
            "--category, --language and --task leave no task together; drop one of them"
        )
    return kept[: subset.limit or None]


def ordered(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """All tasks in the fixed order, stratified over category and language.

    Systematic sampling: the i-th of the n tasks of a stratum stands at (i + u) / n of the
    whole, where u is different for each stratum and fixed. Within a stratum the order is
    that of the hashes of the ids, so it does not depend on the order of the file.
    """
    strata: defaultdict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        strata[task.category, task.language].append(task)
    places: list[tuple[float, str, Task]] = []
    for k, (stratum, members) in enumerate(sorted(strata.items(), key=lambda s: _hash(*s[0]))):
        offset = (k + 1) * _GOLDEN % 1
        members.sort(key=lambda task: _hash(task.id))
        for i, task in enumerate(members):
            places.append(((i + offset) / len(members), _hash(*stratum), task))
    return tuple(task for _, _, task in sorted(places, key=lambda place: place[:2]))


def _hash(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _must_exist(option: str, asked: Iterable[str], known: set[str]) -> None:
    for name in asked:
        if name not in known:
            raise UserError(f"{option} {name}: the suite has none; {hint(name, sorted(known))}")
