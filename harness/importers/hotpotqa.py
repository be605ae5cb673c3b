"""HotpotQA, distractor setting: questions over two pages, with eight wrong pages beside them.

The passages of all questions together become a frozen world, so nothing needs a network. The
gold actions look up the pages that hold the supporting facts, the one with the answer last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.importers.source import (
    PROVENANCE,
    Dataset,
    Imported,
    Row,
    Source,
    json_rows,
    list_of,
    target,
    text_of,
)
from harness.text import one_line
from harness.types import Article, GoldAction, Task, UserError

LEVELS = {"easy": 2, "medium": 3, "hard": 4}
CATEGORIES = {"bridge": "two_hop", "comparison": "comparison"}


def read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """JSONL, or a JSON list as the data set's own site has it."""
    (source,) = sources
    pages: dict[str, str] = {}
    tasks, differing = [], set()
    for where, row in json_rows(source):
        passages = _passages(row, where)
        for title, text in passages.items():
            if pages.setdefault(title, text) != text:
                differing.add(title)
        tasks.append(_task(row, where, passages))
    notes = ["of a page that questions quote differently, the first wording is kept: "
             f"{len(differing)} pages"] * bool(differing)  # fmt: skip
    articles = tuple(Article(title, text) for title, text in pages.items())
    return Imported(tuple(tasks), len(tasks), articles, tuple(notes))


def _passages(row: Row, where: str) -> dict[str, str]:
    passages = {}
    for item in list_of(row, "context", where):
        if not _is_passage(item):
            raise UserError(f"{where}: expected [title, [sentence, …]] in 'context'")
        passages[one_line(item[0])] = one_line(" ".join(item[1]))
    return passages


def _is_passage(item: Any) -> bool:
    return (
        isinstance(item, list) and len(item) == 2
        and isinstance(item[0], str) and bool(item[0].strip())
        and isinstance(item[1], list) and all(isinstance(line, str) for line in item[1])
    )  # fmt: skip


def _task(row: Row, where: str, passages: Mapping[str, str]) -> Task:
    answer = text_of(row, "answer", where)
    id = text_of(row, "id" if "id" in row else "_id", where)
    facts = (fact for fact in list_of(row, "supporting_facts", where) if isinstance(fact, list))
    titles = [one_line(str(fact[0])) for fact in facts if fact]
    titles = [title for title in dict.fromkeys(titles) if title in passages]
    titles.sort(key=lambda title: answer in passages[title])  # the page with the answer last
    kind = text_of(row, "type", where)
    return Task(
        id=id,
        question=text_of(row, "question", where),
        answer=target(answer),
        category=CATEGORIES.get(kind, kind),
        difficulty=LEVELS.get(str(row.get("level", "medium")), 3),
        gold_actions=tuple(_gold(title, answer, passages[title]) for title in titles),
        evidence=tuple(titles),
        provenance=f"{PROVENANCE}HotpotQA {id}",
    )


def _gold(title: str, answer: str, text: str) -> GoldAction:
    return GoldAction("wikipedia", (title,), observation_contains=answer if answer in text else "")


METRIC = "exact match and token F1; here: strict and lenient matching, no F1"

DATASET = Dataset(
    title="HotpotQA, distractor setting",
    licence="CC-BY-SA-4.0",
    metric=METRIC,
    home="hotpotqa.github.io",
    files=("a file with context (JSONL or JSON)",),
    read=read,
    known={"70fe97aea459a7ea": ("300 questions, 100 of each level", 300)},
)
