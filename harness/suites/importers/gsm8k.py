"""Imports GSM8K: school word problems, whose worked answers mark each sum as <<16-3-4=9>>.

The marks become the gold calculate actions, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.suites.importers.source import DataRow, Dataset, Imported, Source, plain_number
from harness.types import GoldAction, Target, Task

_MARK = re.compile(r"<<([^<>=]+)=([^<>]+)>>")
_ANSWER = re.compile(r"#### *\$?(-?[\d,]+(?:\.\d+)?) *$")
_HARDEST = 4


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """One task a line; ids are line numbers from 0, as others count them too."""
    (source,) = sources
    name = source.what or "gsm8k"
    tasks = [_task(row, name, n) for n, row in enumerate(source.rows())]
    bare = sum(not task.gold_actions for task in tasks)
    note = f"{bare} of {len(tasks)} worked answers mark no sum: no gold actions there"
    return Imported(tuple(tasks), len(tasks), notes=(note,) if bare else ())


def _task(row: DataRow, name: str, number: int) -> Task:
    worked = row.fields.get("answer")
    stated = _ANSWER.search(worked) if isinstance(worked, str) else None
    if not isinstance(worked, str) or not stated:
        raise row.wrong("expected an answer that ends in `#### number`; is this GSM8K?")
    golds = tuple(_gold(expr, result) for expr, result in _MARK.findall(worked))
    return Task(
        id=f"{name}-{number:04d}",
        question=row.text("question"),
        answer=Target("number", (plain_number(stated[1]),)),
        category="word_problem",
        difficulty=min(max(len(golds), 1), _HARDEST),
        gold_actions=golds,
        provenance=f"{name}, line {number + 1}",
    )


def _gold(expr: str, result: str) -> GoldAction:
    """A mark as Python writes it: 25% is 25/100, and numbers hold no commas."""
    expr = re.sub(r"(\d+(?:\.\d+)?|\.\d+)%", r"(\1/100)", expr.replace(",", "").replace("$", ""))
    shown = plain_number(result.strip().lstrip("$"))
    return GoldAction("calculate", expr=expr.strip(), observation_contains=shown)


GSM8K = Dataset(
    title="GSM8K",
    licence="MIT",
    metric="exact match of the number after ####; here: the number, however it is spelt",
    home="openai/grade-school-math",
    files=("test.jsonl",),
    read=_read,
    known={
        "3730d312f6e34405": ("gsm8k-test", 1319),
        "17f347dc51477c50": ("gsm8k-train", 7473),
    },
)
