"""Reads the files that importers take: checks their hash, gives rows with their lines, and targets.

Every error about a file names the place as file:line.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.common.text import one_line
from harness.types import Article, Target, Task, UserError

HEX_DIGITS = 16  # of a sha256 are enough to tell a wrong file
PROVENANCE = "imported: "  # what the provenance of every imported task begins with


@dataclass(frozen=True)
class Source:
    """A file: its bytes and hash, and ``what`` it is known as ("" = not a known file).

    ``records`` is how many records a known file has (0 = not known).
    """

    path: str
    data: bytes
    sha256: str
    what: str = ""
    records: int = 0

    def text(self) -> str:
        """The file as UTF-8 text. Raises UserError when it is not."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise UserError(
                f"{self.path}:{line}: not UTF-8 text; is this the right file?"
            ) from None


@dataclass(frozen=True)
class Imported:
    """What a file became: ``records`` counts what was read, ``tasks`` what was kept of it."""

    tasks: tuple[Task, ...]
    records: int
    articles: tuple[Article, ...] = ()
    notes: tuple[str, ...] = ()

    def noting(self, notes: Sequence[str]) -> Imported:
        """The same with these notes instead of its own."""
        return dataclasses.replace(self, notes=tuple(notes))


Read = Callable[[Sequence[Source], Mapping[str, str]], Imported]


@dataclass(frozen=True)
class Dataset:
    """A data set: what there is to know before its file is opened, and how it is read.

    ``read`` takes the files and a map of columns (only ``table`` uses it) and returns the tasks;
    it raises UserError with file:line for whatever is not as it should be. ``metric`` says how its own papers score it, ``home`` who publishes it, ``files`` what to
    give on the command line, ``known`` maps the first 16 hex digits of a file's sha256 to
    what it is and its number of records. ``live`` means: no world of its own, ask Wikipedia.
    """

    title: str
    licence: str
    metric: str
    home: str
    files: tuple[str, ...]
    read: Read
    known: Mapping[str, tuple[str, int]] = dataclasses.field(default_factory=dict)
    live: bool = False


def open_source(path: str, known: Mapping[str, tuple[str, int]], unverified: bool) -> Source:
    """Read a file and tell it by its hash. Raises UserError, see ``import_files``."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not data.strip():
        raise UserError(f"{path}: the file is empty")
    sha256 = hashlib.sha256(data).hexdigest()
    what, records = known.get(sha256[:HEX_DIGITS], ("", 0))
    if known and not what and not unverified:
        names = ", ".join(name for name, _ in known.values())
        raise UserError(
            f"{path}: sha256 {sha256[:HEX_DIGITS]}… is none of the files known here ({names}): a "
            "wrong, changed or cut file; --unverified imports it all the same, if its form is right"
        )
    return Source(path, data, sha256, what, records)


# --- rows -------------------------------------------------------------------------------

JsonRow = dict[str, Any]
_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def is_json(source: Source) -> bool:
    """Whether the text begins as a JSON list or object does, a byte order mark aside."""
    return source.text().lstrip().startswith(("{", "["))


def json_rows(source: Source) -> list[tuple[str, JsonRow]]:
    """The objects of a JSON list or of JSONL, each with its place. Raises UserError."""
    text = source.text()
    rows = _array(text, source) if text.lstrip().startswith("[") else _lines(text, source)
    for where, row in rows:
        if not isinstance(row, dict):
            raise UserError(f"{where}: expected a JSON object, found {type(row).__name__}")
    if not rows:
        raise UserError(f"{source.path}: no records in it")
    return rows


def _array(text: str, source: Source) -> list[tuple[str, Any]]:
    rows = _parse(text, source.path)
    return [(f"{source.path}: record {number}", row) for number, row in enumerate(rows, 1)]


def _lines(text: str, source: Source) -> list[tuple[str, Any]]:
    numbered = ((f"{source.path}:{n}", line) for n, line in enumerate(text.split("\n"), 1))
    return [(where, _parse(line, where)) for where, line in numbered if line.strip()]


def _parse(text: str, where: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_object)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # half a surrogate pair is a ValueError too
        raise UserError(f"{where}: not JSON: {error}; is this the right file?") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two fields of one name, neither is taken silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"it has the field {json.dumps(twice)[:40]} twice")
    return found


def table_rows(source: Source, delimiter: str = ",") -> list[tuple[str, list[str]]]:
    """The rows of a CSV or TSV file, each with its place; empty ones left out."""
    lines = io.StringIO(source.text(), newline="")
    if delimiter == "\t":
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter)
    try:
        rows = [(f"{source.path}:{reader.line_num}", row) for row in reader if any(row)]
    except csv.Error as error:
        raise UserError(f"{source.path}:{reader.line_num}: not a table: {error}") from None
    if not rows:
        raise UserError(f"{source.path}: no records in it")
    return rows


def text_of(row: Mapping[str, Any], key: str, where: str) -> str:
    """A field that must hold text, as one line. Raises UserError."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        found = ", ".join(list(row)[:8]) if key not in row else json.dumps(value)[:40]
        raise UserError(
            f"{where}: expected text in {key!r}, found {found}; is this the right file?"
        )
    return one_line(value)


def list_of(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """A field that must hold a list. Raises UserError."""
    value = row.get(key)
    if not isinstance(value, list):
        raise UserError(f"{where}: expected a list in {key!r}; is this the right file?")
    return value


# --- answers ----------------------------------------------------------------------------

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBER = re.compile(r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_DATE = re.compile(
    rf"\d{{1,2}} (?:{_MONTHS}),? \d{{4}}|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    r"|\d{3,4}年\d{1,2}月\d{1,2}日|\d{4}-\d{2}-\d{2}"
)
_KANA = re.compile("[ぁ-ゖァ-ヺ]")


def target(answer: str, *aliases: str) -> Target:
    """What counts as right when a data set only gives a text: yes or no, a number, a full
    date, or the text itself. ``aliases`` of another type are left to string comparison."""
    texts = tuple(dict.fromkeys((answer, *aliases)))
    if all(text.lower() in ("yes", "no") for text in texts):
        return Target("yesno", tuple(dict.fromkeys(text.lower() for text in texts)))
    if all(_NUMBER.fullmatch(text) for text in texts):
        return Target("number", tuple(dict.fromkeys(map(plain_number, texts))))
    if all(_DATE.fullmatch(text) for text in texts):
        return Target("date", texts)
    return Target("string", texts)


def plain_number(text: str) -> str:
    """1,200 -> 1200, −3 -> -3."""
    return text.replace(",", "").replace("−", "-")


def language_of(text: str) -> str:
    """ja when there are kana in it, else en."""
    return "ja" if _KANA.search(text) else "en"
