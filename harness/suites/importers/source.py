"""What importers share: files checked by hash, rows with their places, and targets.

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
from typing import Any

from harness.common.cjk import HIRAGANA, KATAKANA
from harness.common.reading import decode_text, read_data
from harness.common.text import one_line
from harness.scoring.dates import whole_date
from harness.types import Article, Target, Task, UserError

_HEX_DIGITS = 16  # of a sha256 are enough to tell a wrong file


@dataclass(frozen=True)
class DataRow:
    """A JSON object of a file, and ``where`` it stands as file:line."""

    where: str
    fields: dict[str, Any]

    def text(self, key: str) -> str:
        """A field that must hold text, as one line. Raises UserError."""
        value = self.fields.get(key)
        if not isinstance(value, str) or not value.strip():
            known = key in self.fields
            found = json.dumps(value)[:40] if known else ", ".join(list(self.fields)[:8])
            raise self.wrong(f"expected text in {key!r}, found {found}; is this the right file?")
        return one_line(value)

    def items(self, key: str) -> list[Any]:
        """A field that must hold a list. Raises UserError."""
        value = self.fields.get(key)
        if not isinstance(value, list):
            raise self.wrong(f"expected a list in {key!r}; is this the right file?")
        return value

    def wrong(self, message: str) -> UserError:
        """The error for this row."""
        return UserError(f"{self.where}: {message}")


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
        return decode_text(self.data, self.path)

    def is_json(self) -> bool:
        """Whether the text begins as a JSON list or object does."""
        return self.text().lstrip().startswith(("{", "["))

    def rows(self) -> list[DataRow]:
        """The objects of a JSON list or of JSONL. Raises UserError."""
        text = self.text()
        if text.lstrip().startswith("["):
            values = enumerate(_parse_json(text, self.path), 1)
            found = [(f"{self.path}: record {number}", value) for number, value in values]
        else:
            lines = ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())
            found = [(f"{self.path}:{n}", _parse_json(line, self.path, n)) for n, line in lines]
        rows = [DataRow(where, value) for where, value in found]
        for row in rows:
            if not isinstance(row.fields, dict):
                raise row.wrong(f"expected a JSON object, found {type(row.fields).__name__}")
        if not rows:
            raise UserError(f"{self.path}:1: no records in it")
        return rows

    def cells(self, delimiter: str = ",") -> list[tuple[str, list[str]]]:
        """The rows of a CSV or TSV file, each with its place; empty ones left out."""
        lines = io.StringIO(self.text(), newline="")
        if delimiter == "\t":
            reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            reader = csv.reader(lines, delimiter=delimiter)
        try:
            rows = [(f"{self.path}:{reader.line_num}", row) for row in reader if any(row)]
        except csv.Error as error:
            raise UserError(f"{self.path}:{reader.line_num}: not a table: {error}") from None
        if not rows:
            raise UserError(f"{self.path}:1: no records in it")
        return rows


@dataclass(frozen=True)
class Imported:
    """What a file became: ``tasks`` are what was kept of so many ``records``.

    ``articles`` make a world; ``notes`` are shown to the user.
    """

    tasks: tuple[Task, ...]
    records: int
    articles: tuple[Article, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A data set that can be imported.

    ``read`` takes the files and a map of columns (only ``table`` uses it) and gives the tasks;
    the provenance of each says where it stood. It raises UserError with file:line for whatever
    is not as it should be. ``metric`` says how the papers score it, ``home`` who publishes it,
    ``files`` what to give on the command line. ``known`` maps the first 16 hex digits of a
    file's sha256 to what it is and its number of records. ``live``: it has no world of its own
    and is asked with the live Wikipedia.
    """

    title: str
    licence: str
    metric: str
    home: str
    files: tuple[str, ...]
    read: Callable[[Sequence[Source], Mapping[str, str]], Imported]
    known: Mapping[str, tuple[str, int]] = dataclasses.field(default_factory=dict)
    live: bool = False


def open_source(path: str, known: Mapping[str, tuple[str, int]], unverified: bool) -> Source:
    """Read a file and recognise it by its hash; ``known`` as in ``Dataset``.

    Raises UserError for a file that is not known, unless ``unverified``.
    """
    data = read_data(path)
    if not data.strip():
        raise UserError(f"{path}: the file is empty")
    sha256 = hashlib.sha256(data).hexdigest()
    what, records = known.get(sha256[:_HEX_DIGITS], ("", 0))
    if known and not what and not unverified:
        names = ", ".join(name for name, _ in known.values())
        raise UserError(
            f"{path}: sha256 {sha256[:_HEX_DIGITS]}… is none of the files known here ({names}): a "
            "wrong, changed or cut file; --unverified imports it all the same, if its form is right"
        )
    return Source(path, data, sha256, what, records)


_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def _parse_json(text: str, path: str, line: int = 1) -> Any:
    """JSON that begins in that line of the file."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_fields)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # half a surrogate pair is a ValueError too
        line += getattr(error, "lineno", 1) - 1
        raise UserError(f"{path}:{line}: not JSON: {error}; is this the right file?") from None
    return value


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two fields of one name, neither is taken silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"it has the field {json.dumps(twice)[:40]} twice")
    return found


# --- answers ----------------------------------------------------------------------------

_NUMBER = re.compile(r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")


def target(answer: str, *aliases: str) -> Target:
    """What counts as right when a data set only gives a text: yes or no, a number, a full
    date, or the text itself. ``aliases`` of another type are left to string comparison."""
    texts = tuple(dict.fromkeys((answer, *aliases)))
    if all(text.lower() in ("yes", "no") for text in texts):
        return Target("yesno", tuple(dict.fromkeys(text.lower() for text in texts)))
    if all(_NUMBER.fullmatch(text) for text in texts):
        return Target("number", tuple(dict.fromkeys(map(plain_number, texts))))
    if all((date := whole_date(text)) and date.year and date.day for text in texts):
        return Target("date", texts)
    return Target("string", texts)


def plain_number(text: str) -> str:
    """1,200 -> 1200, −3 -> -3."""
    return text.replace(",", "").replace("−", "-")


def language_of(text: str) -> str:
    """ja when there are kana in it, else en."""
    return "ja" if _KANA.search(text) else "en"
