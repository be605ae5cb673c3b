"""Imports Bamboogle: 125 two-step questions that a search engine does not answer at once.

The usual CSV file was saved by a spreadsheet, which turned some dates into the form 29-May-32.
The century is lost, so these questions are left out, with a note. The corrected JSON file has
all questions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.common.text import one_line
from harness.suites.importers.source import Dataset, Imported, Source, target
from harness.types import Task, UserError

_BROKEN_DATE = re.compile(r"\d{1,2}-[A-Z][a-z]{2}-\d{2}")
_Record = tuple[str, str, tuple[str, ...]]  # where, question, answers


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """CSV with the columns Question and Answer, or the JSON list of the corrected file."""
    (source,) = sources
    records = _json_records(source) if source.is_json() else _csv_records(source)
    broken = [where for where, _, answers in records if any(map(_BROKEN_DATE.fullmatch, answers))]
    tasks = tuple(
        _task(question, answers, number)
        for number, (where, question, answers) in enumerate(records, 1)
        if where not in broken
    )
    lines = ", ".join(where.rpartition(":")[2].strip() for where in broken)
    note = (
        f"{len(broken)} answers are dates that a spreadsheet broke (such as 29-May-32, century "
        f"lost), left out: lines {lines}; the corrected JSON file has them"
    )
    return Imported(tasks, len(records), notes=(note,) if broken else ())


def _json_records(source: Source) -> list[_Record]:
    records = []
    for row in source.rows():
        answers = row.fields.get("answer")
        if not isinstance(answers, list) or not answers or not all(map(_is_text, answers)):
            raise row.wrong("expected a list of texts in 'answer'; is this Bamboogle?")
        records.append((row.where, row.text("Question"), tuple(map(one_line, answers))))
    return records


def _csv_records(source: Source) -> list[_Record]:
    (where, head), *rows = source.cells()
    if [name.strip().lower() for name in head] != ["question", "answer"]:
        raise UserError(f"{where}: expected the columns Question,Answer; is this Bamboogle?")
    for where, row in rows:
        if len(row) != 2 or not all(map(_is_text, row)):
            raise UserError(f"{where}: expected a question and an answer, found {len(row)} fields")
    return [(where, one_line(row[0]), (one_line(row[1]),)) for where, row in rows]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _task(question: str, answers: tuple[str, ...], number: int) -> Task:
    return Task(
        id=f"bamboogle-{number:03d}",
        question=question,
        answer=target(*answers),
        category="two_hop",
        difficulty=3,
        provenance=f"Bamboogle, record {number}",
    )


BAMBOOGLE = Dataset(
    title="Bamboogle",
    licence="MIT",
    metric="exact match and F1 as HotpotQA; here: strict and lenient matching, no F1",
    home="ofirpress/self-ask, as anchen1011/FireAct and msghik/SimpleDeepSearcher have it",
    files=("test.csv or the corrected bamboogle.json",),
    read=_read,
    known={
        "b55aae3490787efa": ("the CSV file with broken dates", 125),
        "9e89bcac4c08b2d9": ("the corrected JSON file", 125),
    },
    live=True,
)
