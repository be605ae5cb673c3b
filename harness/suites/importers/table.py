"""Imports any table of questions and answers, with a map of columns.

A table is JSONL, a JSON list, or lines of cells below a head line, separated by commas, tabs,
semicolons or bars. ``question=Frage`` says that the question is in the column Frage. Several
right answers are a JSON list, or one cell with `;` between them. TRUE and FALSE are yes and no.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from harness.common.hints import hint
from harness.common.text import one_line
from harness.suites.importers.source import DataRow, Dataset, Imported, Source, language_of, target
from harness.types import AnswerType, Target, Task, UserError

_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
_YES_NO = {"yes": "yes", "true": "yes", "はい": "yes", "no": "no", "false": "no", "いいえ": "no"}
_FIELDS = ("question", "answer", "id", "type", "category", "language", "difficulty", "cluster")


def _read(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """One task a row. A field without a column of its own name, or of the map, is left out."""
    (source,) = sources
    for field in columns:
        if field not in _FIELDS:
            raise UserError(f"--columns: no field {field!r}; {hint(field, _FIELDS)}")
    rows = _rows(source)
    chosen = {field: columns.get(field, field) for field in _FIELDS}
    there = list(rows[0].fields)
    for field in ("question", "answer", *columns):
        if chosen[field] not in there:
            raise rows[0].wrong(
                f"no column {chosen[field]!r} for the {field}; give --columns "
                f"{field}=COLUMN; {hint(chosen[field], there)}"
            )
    tasks = tuple(_task(row, chosen, n) for n, row in enumerate(rows, 1))
    return Imported(tasks, len(tasks))


def _rows(source: Source) -> list[DataRow]:
    if source.is_json():
        return source.rows()
    delimiter = _delimiter(source)
    (where, names), *rows = source.cells(delimiter)
    head = [one_line(name) for name in names]
    if not rows:
        raise UserError(f"{where}: a head and no rows below it")
    for name, times in Counter(filter(None, head)).items():
        if times > 1:
            raise UserError(f"{where}: {times} columns have the name {name!r}; rename all but one")
    for where, row in rows:
        if len(row) != len(head):
            raise UserError(
                f"{where}: {len(row)} fields, but the head has {len(head)}, parted by "
                f"{_DELIMITERS[delimiter]}; put quotation marks round a field that holds one"
            )
    return [DataRow(where, dict(zip(head, row, strict=True))) for where, row in rows]


def _delimiter(source: Source) -> str:
    """What parts the head line into most names; a tab or a comma where others do as well."""
    head = source.text().lstrip().split("\n", 1)[0]
    try:
        return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([head], delimiter=mark), [])))
    except csv.Error:  # told with its line where the rows are read
        return ","


def _task(row: DataRow, columns: Mapping[str, str], number: int) -> Task:
    cell = {field: row.fields.get(column) for field, column in columns.items()}
    for field, value in cell.items():
        if isinstance(value, dict) or (isinstance(value, list) and field != "answer"):
            raise row.wrong(f"expected text in {columns[field]!r}, found {type(value).__name__}")
    question, answers = _text(cell["question"]), _answers(cell["answer"])
    if not question or not answers:
        raise row.wrong(f"no {'answer' if question else 'question'} there")
    return Task(
        id=_text(cell["id"]) or f"{number:05d}",
        question=question,
        answer=_target(answers, _text(cell["type"]), row),
        category=_text(cell["category"]) or "imported",
        language=_text(cell["language"]) or language_of(question),
        difficulty=_difficulty(cell["difficulty"], row),
        cluster=_text(cell["cluster"]),
        provenance=f"row {number}",
    )


def _text(value: Any) -> str:
    return "" if value is None else one_line(value if isinstance(value, str) else json.dumps(value))


def _answers(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else _text(value).split(";")
    return tuple(text for part in parts if (text := _text(part)))


def _target(answers: tuple[str, ...], kind: str, row: DataRow) -> Target:
    if kind in ("", "yesno"):
        said = [_YES_NO.get(answer.lower(), answer) for answer in answers]
        if set(said) <= {"yes", "no"}:
            return Target("yesno", tuple(dict.fromkeys(said)))
    if not kind:
        return target(*answers)
    for known in get_args(AnswerType):
        if kind == known:
            return Target(known, ("; ".join(answers),) if known == "list" else answers)
    raise row.wrong(f"answer type {kind!r}; {hint(kind, get_args(AnswerType))}")


def _difficulty(value: Any, row: DataRow) -> int:
    if value in (None, ""):
        return 1
    if str(value) not in ("1", "2", "3", "4"):
        raise row.wrong(f"difficulty {value!r}; expected 1 to 4")
    return int(value)


TABLE = Dataset(
    title="Imported table",
    licence="",
    metric="the file's own; here: strict and lenient matching",
    home="",
    files=("a JSONL, JSON, CSV or TSV file",),
    read=_read,
)
