"""Tapes: records what tools answered, and the recorded world that gives the answers again.

A tape is JSONL. Each line is one answer: which tool was given which input under which
configuration, what it returned, when, and where that came from. ``key`` is the hash of the
question, ``sum`` of the whole line. Only answers are kept: what failed, was throttled or was
made to fail is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NoReturn, get_args

from harness.common.files import locked, write_whole
from harness.types import Article, Ask, Hit, NotOnTape, Observation, Outcome, UserError, World

_KEPT: tuple[Outcome, ...] = ("ok", "not_found", "bad_argument")


@dataclass(frozen=True)
class Entry:
    """One line. ``world`` and ``wording`` are the configuration; ``when`` is UTC."""

    tool: str
    input: str
    world: str
    wording: int
    outcome: Outcome
    text: str
    when: str = ""
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of tool, exact input and configuration."""
        return _sha256([self.tool, self.input, {"world": self.world, "wording": self.wording}])

    def line(self) -> bytes:
        """The entry as a line of a tape."""
        body = {"key": self.key, **vars(self), "source": dict(self.source)}
        body["sum"] = _sha256(body)[:16]
        try:
            return (json.dumps(body, ensure_ascii=False) + "\n").encode()
        except UnicodeEncodeError:  # a lone surrogate that a model wrote
            return (json.dumps(body) + "\n").encode()


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def parse_entry(line: bytes) -> Entry:
    """Read a line again; ValueError says what is wrong with it."""
    body: Any = json.loads(line)
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    total, key = body.pop("sum", ""), body.get("key")
    if total != _sha256(body)[:16]:
        raise ValueError("its sum is wrong: the line was changed")
    del body["key"]
    entry = Entry(**body)
    if key != entry.key or entry.outcome not in get_args(Outcome):
        raise ValueError("its key is wrong: the line was changed")
    return entry


def read_tape(path: str | Path) -> tuple[list[Entry], list[str]]:
    """A tape's whole lines, and what is wrong with the others, as file:line and reason.

    Raises UserError when the file cannot be read.
    """
    entries, problems = [], []
    for number, line in enumerate(_bytes_of(path).split(b"\n"), 1):
        if line:
            try:
                entries.append(parse_entry(line))
            except (ValueError, TypeError, RecursionError) as error:
                problems.append(f"{path}:{number}: not a line of a tape: {error}")
    return entries, problems


def write_tape(entries: Iterable[Entry], path: str | Path) -> None:
    """A new tape, whole or not at all. Raises UserError when it cannot be written."""
    try:
        write_whole(Path(path), b"".join(entry.line() for entry in entries))
    except OSError as error:
        raise UserError(f"tape {path}: cannot be written: {error.strerror}") from None


def merge_tapes(tapes: Iterable[Sequence[Entry]]) -> tuple[list[Entry], list[Entry]]:
    """One tape of several: the first answer to each question, and the later ones that differ."""
    first: dict[str, Entry] = {}
    differing = []
    for tape in tapes:
        for entry in tape:
            kept = first.setdefault(entry.key, entry)
            if (kept.outcome, kept.text) != (entry.outcome, entry.text):
                differing.append(entry)
    return list(first.values()), differing


# --- recording --------------------------------------------------------------------------


class Recorder:
    """Records the answers of a world on a tape. A question that is on the tape is answered from
    it, so that it has one answer in a run; any other is asked and written down.

    Several threads and processes may record on one tape; the first answer stands. Raises
    UserError when the file cannot be written or is damaged.
    """

    def __init__(
        self, path: str | Path, world: World, wording: int, cited: Collection[str] = ()
    ) -> None:
        """``wording`` is the version of the tools' words. ``cited`` are the tools whose answers
        are kept with the address of the article that they come from."""
        self._path = Path(path)
        self._world = world
        self._wording = wording
        self._cited = cited
        self._lock = threading.Lock()
        self._known: dict[str, Observation] = {}
        self._read = 0  # bytes of the file that are in ``_known``
        with self._open() as file:
            self._catch_up(file)

    def __call__(self, ask: Ask) -> Ask:
        def recorded(tool: str, input: str) -> Observation:
            known = self._known.get(self._entry(tool, input).key)
            return known or self._keep(tool, input, ask(tool, input))

        return recorded

    def _keep(self, tool: str, input: str, answer: Observation) -> Observation:
        """On the disk when this returns; what another writer kept meanwhile comes first."""
        if answer.outcome not in _KEPT:
            return answer
        entry = self._entry(tool, input, answer)
        with self._lock, self._open() as file:
            self._catch_up(file)
            if entry.key not in self._known:
                file.write(entry.line())
                file.flush()
                os.fsync(file.fileno())
                self._read = file.tell()
                self._known[entry.key] = _observation(entry)
            return self._known[entry.key]

    def _entry(self, tool: str, input: str, answer: Observation = Observation("")) -> Entry:
        cited = answer.outcome == "ok" and tool in self._cited
        source = getattr(self._world, "source", {}) if cited else {}
        when = datetime.now(UTC).isoformat(timespec="seconds")
        said = answer.outcome, answer.text
        return Entry(tool, input, self._world.id, self._wording, *said, when, source)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """The file, locked against other writers."""
        lock = self._path.with_name(f".{self._path.name}.lock")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with locked(lock, wait=-1), open(self._path, "ab+") as file:
                yield file
        except OSError as error:
            raise UserError(f"tape {self._path}: cannot be written: {error.strerror}") from None

    def _catch_up(self, file: IO[bytes]) -> None:
        file.seek(self._read)
        data = file.read()
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].splitlines():
            try:
                entry = parse_entry(line)
            except (ValueError, TypeError, RecursionError) as error:
                raise UserError(
                    f"tape {self._path} is damaged ({error}); see `python -m harness worlds tape check {self._path}`"
                ) from None
            self._known.setdefault(entry.key, _observation(entry))
        self._read += whole
        file.truncate(self._read)  # a line that a killed writer never finished
        file.seek(self._read)


def _observation(entry: Entry) -> Observation:
    return Observation(entry.text, entry.outcome)


# --- replaying --------------------------------------------------------------------------


def identify_tape(path: str | Path, expected: str = "") -> str:
    """The sha256 of the file. Raises UserError when it cannot be read, or is not ``expected``
    ("" = any)."""
    found = hashlib.sha256(_bytes_of(path)).hexdigest()
    if expected not in ("", found):
        raise UserError(
            f"tape {path} was changed: its sha256 is {found}, but {expected} is expected"
        )
    return found


def _bytes_of(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"tape {path}: {error.strerror}; make one with run --world live --record {path}"
        ) from None


class RecordedWorld:
    """Gives the answers on a tape again, and raises NotOnTape for every other question.

    ``sha256`` is the hash that the file must have ("" = any). Raises UserError when the tape
    cannot be read, is damaged, empty, or holds several configurations.
    """

    instant = True  # a file on this machine

    def __init__(self, path: str | Path, sha256: str = "") -> None:
        entries, problems = read_tape(path)
        if problems:
            raise UserError(f"{problems[0]}; see `python -m harness worlds tape check {path}`")
        if not entries:
            raise UserError(
                f"tape {path} is empty; record on it with run --world live --record {path}"
            )
        worlds = sorted({entry.world for entry in entries})
        if len(worlds) > 1:
            raise UserError(
                f"tape {path} was recorded over {len(worlds)} worlds: {'; '.join(worlds)}; expected "
                "one: keep the lines of that world, or record it on a tape of its own"
            )
        self.path = Path(path)
        self.sha256 = identify_tape(path, sha256)
        self.world, self.id = worlds[0], f"recorded:{self.sha256[:12]}"
        self._entries = entries
        self._answers: dict[tuple[str, str], Observation] = {}
        for entry in entries:
            self._answers.setdefault((entry.tool, entry.input), _observation(entry))

    def expect(self, wording: int, tools: Sequence[str]) -> None:
        """Raises UserError when the tape's answers come from other versions of the tools."""
        if found := {entry.wording for entry in self._entries} - {wording}:
            raise UserError(
                f"tape {self.path} was recorded with tools that word their answers otherwise (version "
                f"{min(found)}, these are {wording}); record it again, or use the harness it was made with"
            )
        names = {entry.tool for entry in self._entries}
        for tool in tools:
            name = tool.partition("@")[0]
            others = {other for other in names if other.startswith(f"{name}@")} - {tool}
            if "@" in tool and others and tool not in names:
                raise UserError(
                    f"tape {self.path} was recorded with another version of your tool {name!r}"
                )

    def recall(self, tool: str, input: str) -> Observation:
        """What that tool answered to exactly that input."""
        if (tool, input) not in self._answers:
            raise NotOnTape(f"not on the tape {self.path.name}: {input[:120]}")
        return self._answers[tool, input]

    def article(self, title: str) -> Article | None:
        """A tape holds whole answers of tools, no articles: NotOnTape."""
        self._not_here()

    def similar(self, title: str, limit: int = 3) -> Sequence[str]:
        """A tape holds whole answers of tools, no titles: NotOnTape."""
        self._not_here()

    def search(self, query: str, limit: int = 3) -> Sequence[Hit]:
        """A tape holds whole answers of tools, no hits: NotOnTape."""
        self._not_here()

    def _not_here(self) -> NoReturn:
        raise NotOnTape("a tape holds the answers of tools only")
