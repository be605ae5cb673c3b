"""Finds the runs to compare, refuses those without pairs, and says what tells them apart."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness.common.hints import hint
from harness.report import data, experiments
from harness.report.data import Result
from harness.run import identity, store
from harness.run.store import MANIFEST, Run
from harness.types import UserError


def runs_to_compare(wanted: Sequence[str], runs_dir: Path) -> list[Path]:
    """The runs meant by folders, names of models and globs: of a model the newest run that
    can be paired with the others. Raises UserError for a name that no run has, or where
    fewer than two runs are left."""
    found = _unique(_together(_candidates(wanted, runs_dir)))
    if len(found) < 2:
        raise UserError("compare needs two different runs or more: folders, or names of models")
    return found


def newest_runs(wanted: Sequence[str], runs_dir: Path) -> list[Path]:
    """The runs meant by folders, names of models and globs: of a model its newest run.
    Raises UserError for a name that no run has."""
    return _unique(runs[-1] for runs in _candidates(wanted, runs_dir))


def repeats_of(result: Result, beside: Sequence[Result], runs_dir: Path) -> list[Result]:
    """Other runs of the same experiment with the same model, newest last.

    They are looked for in ``runs_dir`` and beside the run; those in ``beside`` are left out.
    """
    known = {other.path.resolve() for other in (result, *beside)}
    folders = {folder.resolve(): folder for folder in (runs_dir, result.path.parent)}
    runs = [run for folder in folders.values() for run in store.find_runs(folder)]
    return [
        data.load_result(run.path)
        for run in runs
        if run.path.resolve() not in known
        and experiments.are_repeats(result.settings, identity.settings_of(run.manifest))
        and run.episodes()
    ]


def _unique(found: Iterable[Run]) -> list[Path]:
    return list({run.path.resolve(): run.path for run in found}.values())


def _candidates(wanted: Sequence[str], runs_dir: Path) -> list[list[Run]]:
    """For each run that is meant, those that it may be, newest last."""
    kept = [run for run in store.find_runs(runs_dir) if run.episodes()]
    found: list[list[Run]] = []
    for word in wanted:
        if (Path(word) / MANIFEST).is_file():
            found.append([Run.open(Path(word))])
        else:
            found += _of_models(word, kept, runs_dir)
    return found


def _of_models(word: str, kept: Sequence[Run], runs_dir: Path) -> list[list[Run]]:
    """The runs of each model whose name matches, newest last."""
    by_name: dict[str, list[Run]] = {}
    for run in kept:
        by_name.setdefault(str(run.manifest["config"]["model"]["name"]), []).append(run)
    names = sorted(fnmatch.filter(by_name, word))
    if not names:
        near = hint(word, sorted(by_name)) if by_name else "there are no runs yet"
        raise UserError(f"{word!r} is no run folder, and no run in {runs_dir}/ is of it; {near}")
    return [by_name[name] for name in names]


def _together(candidates: Sequence[Sequence[Run]]) -> list[Run]:
    """One run of each: all of one experiment over the same tasks if there is one, else of one
    experiment, else of one suite, else the newest of each; of several choices the newest."""
    newest = sorted((run for runs in candidates for run in runs), key=lambda run: run.path.name)
    keys: tuple[Callable[[Run], object], ...] = (_tasks, _experiment, _suite)
    for key in keys:
        for last in reversed(newest):
            same = [[run for run in runs if key(run) == key(last)] for runs in candidates]
            if all(same):
                return [runs[-1] for runs in same]
    return [runs[-1] for runs in candidates]


def _suite(run: Run | Result) -> object:
    return run.manifest["config"]["suite"]["sha256"]


def _experiment(run: Run) -> object:
    return experiments.experiment_of(identity.settings_of(run.manifest))


def _tasks(run: Run) -> object:
    asked = run.manifest.get("asked", {}).get("tasks", ())
    return _experiment(run), sorted(asked), len(run.done()) if not asked else 0


def require_pairs(results: Sequence[Result]) -> None:
    """Raises UserError for runs that have no pairs to compare."""
    first = results[0]
    for other in results[1:]:
        a, b = first.path.name, other.path.name
        if _suite(first) != _suite(other):
            ours, theirs = (run.manifest["config"]["suite"] for run in (first, other))
            raise UserError(
                f"{a} ran suite {ours['name']} ({ours['sha256'][:12]}), {b} ran {theirs['name']} "
                f"({theirs['sha256'][:12]}): a comparison needs the same tasks; run both over one "
                "suite"
            )
        if not tasks_begun(first) & tasks_begun(other):
            raise UserError(
                f"{a} and {b} have no task in common: {first.progress.words} and "
                f"{other.progress.words}; run both over the same tasks"
            )
        if data.is_probe(first) != data.is_probe(other):
            raise UserError(
                f"{a} and {b}: a probe is graded on its action, a run on its answers; compare two "
                "probes or two runs"
            )


# --- what they are called ---------------------------------------------------------------


def differing(results: Sequence[Result]) -> list[str]:
    """In what the runs differ, in people's words: of the settings, of the tasks, or, of one
    model with the same settings, of what the engine and the record report."""
    found = experiments.aspects([result.settings for result in results])
    if len({tasks_begun(result) for result in results}) > 1:
        found.append("tasks")
    if found:
        return found
    return experiments.differing_facts([_circumstances(result) for result in results])


def _circumstances(result: Result) -> dict[str, object]:
    """What may differ between two runs of one model: engine, machine, number of sessions."""
    manifest = result.manifest
    more = {"machine": manifest.get("machine"), "sessions": len(manifest.get("sessions", ()))}
    return {**manifest.get("engine", {}), **more}


def run_labels(results: Sequence[Result]) -> list[str]:
    """A name for each run: its model's, with what else is needed to tell it apart."""
    tags = experiments.names_apart(results)
    names = [f"{r.name} ({tag})" if tag else r.name for r, tag in zip(results, tags, strict=True)]
    if len(set(names)) == len(names):
        return names
    return [f"{name} [{result.path.name}]" for name, result in zip(names, results, strict=True)]


def tasks_begun(result: Result) -> frozenset[str]:
    """The tasks of which the run has an episode."""
    return frozenset(episode.task_id for episode in result.episodes)
