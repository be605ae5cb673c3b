"""Imports HotpotQA: questions over two pages, with passages or for the live Wikipedia.

Distractor setting: eight wrong pages stand beside the two right ones. The passages of all
questions together become a frozen world. The gold actions look up the pages that hold the
supporting facts, the one with the answer last.

ReAct's dev questions: 500 of 7,405, without passages. The paper's code shuffles the numbers 0 to
7404 with random.Random(233) and takes the first 500, and so does this. The live Wikipedia is no
longer the one of 2017 that the questions were asked about.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from harness.common.text import one_line
from harness.suites.importers.source import DataRow, Dataset, Imported, Source, target
from harness.types import Article, GoldAction, Task

_LEVELS = {"easy": 2, "medium": 3, "hard": 4}
_CATEGORIES = {"bridge": "two_hop", "comparison": "comparison"}
_METRIC = "exact match and token F1; here: strict and lenient matching, no F1"
_SEED, _CHOSEN = 233, 500  # of the shuffle of ReAct's code, and how many it takes


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """JSONL, or a JSON list as the data set's own site has it."""
    (source,) = sources
    pages: dict[str, str] = {}
    tasks, differing = [], set()
    for row in source.rows():
        passages = _passages(row)
        for title, text in passages.items():
            if pages.setdefault(title, text) != text:
                differing.add(title)
        tasks.append(_task(row, passages))
    articles = tuple(Article(title, text) for title, text in pages.items())
    note = (
        "of a page that questions quote differently, the first wording is kept: "
        f"{len(differing)} pages"
    )
    return Imported(tuple(tasks), len(tasks), articles, (note,) if differing else ())


def _passages(row: DataRow) -> dict[str, str]:
    passages = {}
    for item in row.items("context"):
        if not _is_passage(item):
            raise row.wrong("expected [title, [sentence, …]] in 'context'")
        passages[one_line(item[0])] = one_line(" ".join(item[1]))
    return passages


def _is_passage(item: Any) -> bool:
    match item:
        case [str(title), [*sentences]]:
            return bool(title.strip()) and all(isinstance(line, str) for line in sentences)
    return False


def _task(row: DataRow, passages: Mapping[str, str]) -> Task:
    answer = row.text("answer")
    id = row.text("id" if "id" in row.fields else "_id")
    facts = (fact for fact in row.items("supporting_facts") if isinstance(fact, list))
    titles = [one_line(str(fact[0])) for fact in facts if fact]
    titles = [title for title in dict.fromkeys(titles) if title in passages]
    titles.sort(key=lambda title: answer in passages[title])  # the page with the answer last
    kind = row.text("type")
    return Task(
        id=id,
        question=row.text("question"),
        answer=target(answer),
        category=_CATEGORIES.get(kind, kind),
        difficulty=_LEVELS.get(str(row.fields.get("level", "medium")), 3),
        gold_actions=tuple(_gold(title, answer, passages[title]) for title in titles),
        evidence=tuple(titles),
        provenance=f"HotpotQA {id}",
    )


def _gold(title: str, answer: str, text: str) -> GoldAction:
    return GoldAction("wikipedia", (title,), observation_contains=answer if answer in text else "")


HOTPOTQA = Dataset(
    title="HotpotQA, distractor setting",
    licence="CC-BY-SA-4.0",
    metric=_METRIC,
    home="hotpotqa.github.io",
    files=("a file with context (JSONL or JSON)",),
    read=_read,
    known={"70fe97aea459a7ea": ("300 questions, 100 of each level", 300)},
)


# --- the dev questions without passages ---------------------------------------------------


def _read_dev(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """The questions in the order of ReAct's shuffle; their ids are places in the file."""
    (source,) = sources
    rows = source.rows()
    order = list(range(len(rows)))
    random.Random(_SEED).shuffle(order)
    tasks = tuple(_dev_task(rows[place], place) for place in order[:_CHOSEN])
    note = f"{len(tasks)} of {len(rows)} questions: the first of ReAct's shuffle, in its order"
    return Imported(tasks, len(rows), notes=(note,))


def _dev_task(row: DataRow, place: int) -> Task:
    kind = row.text("type")
    return Task(
        id=f"hotpotqa-dev-{place:04d}",
        question=row.text("question"),
        answer=target(row.text("answer")),
        category=_CATEGORIES.get(kind, kind),
        difficulty=3,
        provenance=f"HotpotQA dev {place}",
    )


HOTPOTQA_DEV = Dataset(
    title="HotpotQA, ReAct's 500 dev questions",
    licence="CC-BY-SA-4.0",
    metric=_METRIC,
    home="ysymyth/ReAct",
    files=("hotpot_dev_v1_simplified.json",),
    read=_read_dev,
    known={"05001dcdeb2b2b22": ("hotpot_dev_v1_simplified", 7405)},
    live=True,
)
