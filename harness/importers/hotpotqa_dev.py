"""HotpotQA's dev questions without passages, as the ReAct paper used them: 500 of 7,405.

The paper's code shuffles the numbers 0 to 7404 with random.Random(233) and takes the first
500; so does this. There is no world in the file: answers come from the live Wikipedia, which
is not the one of 2017 that the questions were asked about.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from harness.importers.hotpotqa import CATEGORIES, METRIC
from harness.importers.source import (
    PROVENANCE,
    Dataset,
    Imported,
    Row,
    Source,
    json_rows,
    target,
    text_of,
)
from harness.types import Task

SEED, CHOSEN = 233, 500


def read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """The questions in the order of ReAct's shuffle; their ids are places in the file."""
    (source,) = sources
    rows = json_rows(source)
    order = list(range(len(rows)))
    random.Random(SEED).shuffle(order)
    tasks = tuple(_task(rows[place][1], rows[place][0], place) for place in order[:CHOSEN])
    note = f"{len(tasks)} of {len(rows)} questions: the first of ReAct's shuffle, in its order"
    return Imported(tasks, len(rows), notes=(note,))


def _task(row: Row, where: str, place: int) -> Task:
    kind = text_of(row, "type", where)
    return Task(
        id=f"hotpotqa-dev-{place:04d}",
        question=text_of(row, "question", where),
        answer=target(text_of(row, "answer", where)),
        category=CATEGORIES.get(kind, kind),
        difficulty=3,
        provenance=f"{PROVENANCE}HotpotQA dev {place}",
    )


DATASET = Dataset(
    title="HotpotQA, ReAct's 500 dev questions",
    licence="CC-BY-SA-4.0",
    metric=METRIC,
    home="ysymyth/ReAct",
    files=("hotpot_dev_v1_simplified.json",),
    read=read,
    known={"05001dcdeb2b2b22": ("hotpot_dev_v1_simplified", 7405)},
    live=True,
)
