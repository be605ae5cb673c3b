"""Imports MGSM: the first 250 problems of GSM8K's test set, translated by hand.

The file has no worked answers; given GSM8K's test file as well, its sums are the gold actions.
A problem is one cluster with the same problem in GSM8K and in other languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.common.text import one_line
from harness.suites.importers.gsm8k import GSM8K
from harness.suites.importers.source import Dataset, Imported, Source, plain_number
from harness.types import Target, Task, UserError

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_FILES = {  # language -> the first digits of the sha256
    "en": "50021d0f28cc957e",
    "ja": "59a2b50debe77981",
    "zh": "b2fa63151022370a",
    "de": "4dfea30fede44b81",
    "fr": "36207c1c03fd7cd3",
    "es": "5bd27ebdf00140ce",
    "ru": "6bd30fd2e80c5bac",
    "sw": "2bac828d77229e65",
    "te": "dd6b1452c244bb2e",
    "th": "f3932dc5ad8e9d0e",
    "bn": "6b00bc7cc635547e",
}


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """One task a line: question, tab, number."""
    source = sources[0]
    rows = source.cells("\t")
    code = (source.what or Path(source.path).stem).rpartition("_")[2]
    if code not in _FILES:
        raise UserError(
            f"{source.path}: cannot tell the language; name the file mgsm_CODE.tsv, "
            f"with one of {', '.join(_FILES)}"
        )
    tasks = [_task(row, where, code, number) for number, (where, row) in enumerate(rows)]
    if len(sources) == 1:
        note = "no gold actions: give GSM8K's test.jsonl as a second file for them"
        return Imported(tuple(tasks), len(tasks), notes=(note,))
    return Imported(_with_sums(tasks, sources[1]), len(tasks))


def _task(row: Sequence[str], where: str, code: str, number: int) -> Task:
    if len(row) != 2 or not _NUMBER.fullmatch(row[1].strip()):
        raise UserError(f"{where}: expected question, tab, number; is this MGSM?")
    return Task(
        id=f"mgsm-{code}-{number:03d}",
        question=one_line(row[0]),
        answer=Target("number", (plain_number(row[1].strip()),)),
        category="word_problem",
        language=code,
        difficulty=2,
        cluster=f"gsm8k-test-{number:04d}",
        provenance=f"mgsm_{code}, line {number + 1}",
    )


def _with_sums(tasks: Sequence[Task], source: Source) -> tuple[Task, ...]:
    originals = GSM8K.read([source], {}).tasks
    for task, original in zip(tasks, originals, strict=False):
        if task.answer.accepted != original.answer.accepted:
            raise UserError(
                f"{source.path}: answer {original.answer.accepted[0]} to {original.id}, but "
                f"{task.answer.accepted[0]} to {task.id}; expected GSM8K's test.jsonl"
            )
    return tuple(
        replace(task, gold_actions=original.gold_actions, difficulty=original.difficulty)
        for task, original in zip(tasks, originals, strict=False)
    )


MGSM = Dataset(
    title="MGSM",
    licence="CC-BY-4.0",
    metric="last number of the answer equals the target; here: the number on the answer line",
    home="google-research/url-nlp",
    files=("mgsm_LANGUAGE.tsv", "GSM8K's test.jsonl"),
    read=_read,
    known={digest: (f"mgsm_{code}", 250) for code, digest in _FILES.items()}
    | {"3730d312f6e34405": ("gsm8k-test", 1319)},
)
