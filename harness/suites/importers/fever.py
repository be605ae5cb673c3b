"""Imports FEVER: claims that Wikipedia supports, refutes or says too little about.

Guessing one of the three labels is right for a third. The gold actions look up the pages of the
first set of evidence as they were in 2017; the live Wikipedia may have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.suites.importers.source import DataRow, Dataset, Imported, Source
from harness.types import GoldAction, Target, Task

_LABELS = {
    "SUPPORTS": ("SUPPORTS", "SUPPORTED", "SUPPORT"),
    "REFUTES": ("REFUTES", "REFUTED", "REFUTE"),
    "NOT ENOUGH INFO": ("NOT ENOUGH INFO", "NOT ENOUGH INFORMATION"),
}
_QUESTION = (
    "Does the encyclopedia support this claim, refute it, or give not enough information? "
    "Answer SUPPORTS, REFUTES or NOT ENOUGH INFO. Claim: {claim}"
)
_ESCAPES = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-COLON-": ":", "_": " "}


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """One task a line; the same claim twice is one cluster."""
    (source,) = sources
    rows = source.rows()
    first: dict[str, str] = {}
    tasks = tuple(_task(row, first) for row in rows)
    again = len(tasks) - len(first)
    notes = (f"{again} claims stand in the file a second time: one cluster each",) if again else ()
    return Imported(tasks, len(rows), notes=notes)


def _task(row: DataRow, first: dict[str, str]) -> Task:
    label = row.text("label")
    number = row.fields.get("id")
    if label not in _LABELS or not isinstance(number, int):
        raise row.wrong(f"expected 'id' and a 'label' of {', '.join(_LABELS)}; is this FEVER?")
    claim = row.text("claim")
    id = f"fever-{number}"
    titles = () if label == "NOT ENOUGH INFO" else _titles(row)
    return Task(
        id=id,
        question=_QUESTION.format(claim=claim),
        answer=Target(
            "string", _LABELS[label], tuple(other for other in _LABELS if other != label)
        ),
        category=label.lower().replace(" ", "_"),
        difficulty=min(2 + len(titles) // 2, 4),
        gold_actions=tuple(GoldAction("wikipedia", (title,)) for title in titles),
        evidence=titles,
        cluster=first.setdefault(claim, id),
        provenance=f"FEVER {number}",
    )


def _titles(row: DataRow) -> tuple[str, ...]:
    """The pages of the first evidence set, spelt as Wikipedia does."""
    sets = row.items("evidence")
    try:
        pages = [str(item[2]) for item in sets[0] if item[2]]
    except (IndexError, TypeError, KeyError):
        raise row.wrong("expected [[[…, …, page, sentence]]] in 'evidence'") from None
    for escape, char in _ESCAPES.items():
        pages = [page.replace(escape, char) for page in pages]
    return tuple(dict.fromkeys(pages))


FEVER = Dataset(
    title="FEVER, paper_dev",
    licence="CC-BY-SA-3.0",
    metric="label accuracy (the share of right labels); here: the same; guessing gives a third",
    home="fever.ai, as ysymyth/ReAct has it",
    files=("paper_dev.jsonl",),
    read=_read,
    known={"4115870781000874": ("paper_dev", 9999)},
    live=True,
)
