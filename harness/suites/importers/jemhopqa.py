"""Imports JEMHopQA: Japanese questions over two pages, with the facts that lead to each answer.

The facts, gathered by what they are about, become the articles of a frozen world: those of the
questions themselves, and those of a second file, so that there is more than what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.common.text import one_line
from harness.suites.importers.source import DataRow, Dataset, Imported, Source, target
from harness.types import Article, GoldAction, Target, Task

_CATEGORIES = {"compositional": "two_hop", "comparison": "comparison"}
_ONE_FILE = (
    "only facts of these questions are in the world: give the train file as a second file for "
    "pages that no question needs"
)
_YES_NO = {"YES": ("はい", "YES"), "NO": ("いいえ", "NO")}
_Fact = tuple[str, str, tuple[str, ...]]  # about what, which relation, the values
_Cards = dict[str, dict[str, list[str]]]


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """A file of questions; a second one adds facts: another file of questions, or JSONL with
    {"title": …, "facts": {relation: [value, …]}}."""
    rows = sources[0].rows()
    cards: _Cards = {}
    tasks = []
    for row in rows:
        facts = list(_derivations(row))
        _add(cards, facts)
        tasks.append(_task(row, facts))
    for row in (row for source in sources[1:] for row in source.rows()):
        _add(cards, _derivations(row) if "derivations" in row.fields else _card(row))
    articles = tuple(_article(title, facts) for title, facts in cards.items())
    dated = sum(bool(row.fields.get("time_dependent")) for row in rows)
    notes = [f"{dated} answers depend on when the question was asked"] if dated else []
    if len(sources) == 1:
        notes.append(_ONE_FILE)
    return Imported(tuple(tasks), len(tasks), articles, tuple(notes))


def _derivations(row: DataRow) -> Iterator[_Fact]:
    for item in row.items("derivations"):
        match item:
            case [str(title), str(relation), [*values]] if title.strip() and values:
                yield one_line(title), one_line(relation), tuple(one_line(str(v)) for v in values)
            case _:
                raise row.wrong("expected [about, relation, [value, …]] in 'derivations'")


def _card(row: DataRow) -> Iterator[_Fact]:
    title, facts = row.text("title"), row.fields.get("facts")
    if not isinstance(facts, dict) or not all(isinstance(v, list) for v in facts.values()):
        raise row.wrong("expected {relation: [value, …]} in 'facts'")
    for relation, values in facts.items():
        yield title, one_line(relation), tuple(one_line(str(value)) for value in values)


def _add(cards: _Cards, facts: Iterator[_Fact] | Sequence[_Fact]) -> None:
    for title, relation, values in facts:
        known = cards.setdefault(title, {}).setdefault(relation, [])
        known += [value for value in values if value not in known]


def _article(title: str, facts: Mapping[str, Sequence[str]]) -> Article:
    lines = (f"{title}の{relation}は{'、'.join(values)}。" for relation, values in facts.items())
    return Article(title, "".join(lines), "ja")


def _task(row: DataRow, facts: Sequence[_Fact]) -> Task:
    answer = row.text("answer")
    kind = row.text("type")
    id = row.text("qid")
    titles = tuple(dict.fromkeys(title for title, _, _ in facts))
    return Task(
        id=id,
        question=row.text("question"),
        answer=Target("yesno", _YES_NO[answer]) if answer in _YES_NO else target(answer),
        category=_CATEGORIES.get(kind, kind),
        language="ja",
        difficulty=3,
        gold_actions=tuple(
            GoldAction("wikipedia", (title,), observation_contains=values[0])
            for title, _, values in facts
        ),
        evidence=titles,
        provenance=f"JEMHopQA {id}",
    )


JEMHOPQA = Dataset(
    title="JEMHopQA v1.2",
    licence="CC-BY-SA-4.0",
    metric="exact match and edit similarity over tokens; here: strict and lenient matching",
    home="aiishii/JEMHopQA",
    files=("dev_ver1.2.json", "train_ver1.2.json or fact cards (JSONL)"),
    read=_read,
    known={
        "f7b3a5b86f7f16ef": ("JEMHopQA dev", 120),
        "e437d41f2fdac61b": ("JEMHopQA train", 1059),
        "6ba6018245a6c389": ("JEMHopQA fact cards", 1261),
    },
)
