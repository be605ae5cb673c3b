"""A completion's text as labelled parts: which lines begin with which label.

Knows label words in every spelling; decides nothing about what the parts mean.
Time is linear: only lines with a colon near their beginning are looked at, once each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice

from harness.protocol.dialects import WORDS, Dialect, Kind

# What may stand before a label, and round it; and what is no markup before one.
_BEFORE = " \t\u00a0\u3000*_`#>-+=~•●○◦▪■□◆◇▶►→⇒➤・‣–—|[(<【《«"
_AROUND = " \t\u00a0\u3000*_`~#>])】》»"
_NO_MARKUP = "\"'“”{}\\\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_TAIL = _AROUND + "0123456789("
_REACH = 40  # a label and its decoration end within so many characters
_MOST_LABELS = 64  # nobody reads on: no completion with more has a single reading
_MOST_IN_LINE = 8
_PLACES = 16  # how many places inside lines are tried
_SPEAKERS = ("user", "assistant")
_NEXT_TURN = ("thought", "observation", "question")


@dataclass(frozen=True)
class Label:
    """A label at the beginning of a line; the line goes on ``end`` characters later."""

    kind: Kind
    end: int
    flaws: tuple[str, ...] = ()


@dataclass
class Part:
    """A labelled line: what stands behind its label, and the text below that line.

    ``below`` begins with the line's own "\\n", if there is one.
    """

    kind: Kind
    value: str
    flaws: tuple[str, ...] = ()
    below: str = ""

    @cached_property
    def text(self) -> str:
        """Everything behind the label, as one text."""
        return (self.value + self.below).strip()

    def rest(self, used: int) -> str:
        """What is left of the text below after so many lines."""
        pieces = self.below.split("\n", used + 1)
        return pieces[-1] if len(pieces) == used + 2 else ""

    def ended(self, used: int) -> bool:
        """Whether a line end follows the label's line and so many lines below it."""
        return self.below.count("\n") > used


def scan(text: str, dialect: Dialect) -> list[Part]:
    """The parts of a text in order; the first is the thought that the prompt has begun."""
    reader = _Reader(dialect)
    parts = [Part("thought", "")]
    begun = 0  # where the text that belongs to the last part begins

    def close(end: int) -> None:
        if len(parts) == 1:
            parts[0].value, parts[0].below = _first_line(text[:end])
        else:
            parts[-1].below = text[begun:end]

    for start, label in reader.labels(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        if _is_data(label, line, parts[-1]):
            continue
        close(start - 1 if start else 0)
        parts += [
            Part(found.kind, value.strip(), found.flaws)
            for found, value in reader.unfold(label, line)
        ]
        begun = start + len(line)
        if len(parts) > _MOST_LABELS:
            break
    close(len(text))
    parts = _merge_opening(parts)
    return [piece for part in parts for piece in _at_observation(part, dialect)]


def _is_data(label: Label, line: str, last: Part) -> bool:
    """Whether a label-like line belongs to the part above: an input's own lines, or some
    word for an input with no action over it."""
    if label.kind == "input":
        return last.kind != "action" and bool(label.flaws)
    return last.kind == "input" and line.lstrip(_BEFORE)[:1].islower()


def _merge_opening(parts: list[Part]) -> list[Part]:
    """A text that begins with its own Thought label: that is the thought that was begun."""
    if len(parts) > 1 and parts[1].kind == "thought" and not parts[0].text:
        return parts[1:]
    return parts


def _at_observation(part: Part, dialect: Dialect) -> list[Part]:
    """A thought, cut where the model goes on with an observation of its own in its line."""
    if part.kind not in ("thought", "assistant"):
        return [part]
    whole = part.value + part.below
    for at, end in label_places(whole, dialect.labels.observation, numbered=True):
        if at > 0 and not whole[at - 1].isalnum():
            thought, observation = Part(part.kind, "", part.flaws), Part("observation", "")
            thought.value, thought.below = _first_line(whole[:at].rstrip(_AROUND + "("))
            observation.value, observation.below = _first_line(whole[end:])
            observation.flaws = ("inline_label",)
            return [thought, observation]
    return [part]


def _first_line(text: str) -> tuple[str, str]:
    """A text as a part holds it: its first line, and the rest from the line end on."""
    line, newline, below = text.partition("\n")
    return line.strip(), newline + below


@cache
def _tables(dialect: Dialect) -> tuple[dict[str, Kind], dict[str, Kind], set[str]]:
    """The dialect's own words, every word that may stand for a label, and their last
    letters, for a quick look before a long one."""
    kinds: tuple[Kind, ...] = ("thought", "action", "input", "answer", "observation", "question")
    # where two kinds share a word (the deck's "Answer"), the later one reads it
    own = {dialect.labels.word(kind): kind for kind in kinds}
    words = {**WORDS, **{word.lower(): kind for word, kind in own.items()}}
    return own, words, {word[-3:] for word in words}


class _Reader:
    """Recognises labels at the beginning of lines, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.own, self.words, self.tails = _tables(dialect)
        self.seen: dict[str, Label | None] = {}

    def labels(self, text: str) -> Iterator[tuple[int, Label]]:
        """Every line that begins with a label, and where it starts."""
        bare = self._bare_words(text)
        seen, find = self.seen, text.find
        start, plain, wide = 0, find(":"), find("：")
        while plain >= 0 or wide >= 0:
            colon = plain if wide < 0 or 0 <= plain < wide else wide
            start = text.rfind("\n", start, colon) + 1 or start
            if colon - start < _REACH:
                head = text[start : colon + 1]
                label = seen[head] if head in seen else self._read(head)
                if label:
                    while bare and bare[0][0] < start:
                        yield bare.pop(0)
                    yield start, label
            start = find("\n", colon) + 1
            if not start:
                break
            plain = find(":", start) if 0 <= plain < start else plain
            wide = find("：", start) if 0 <= wide < start else wide
        yield from bare

    def _bare_words(self, text: str) -> list[tuple[int, Label]]:
        """The dialect's own words where one stands alone on a line, without its colon."""
        found = []
        for word, kind in self.own.items():
            at = text.find(word)
            for _ in range(_MOST_LABELS):
                if at < 0:
                    break
                start = text.rfind("\n", 0, at) + 1
                line = text[start : start + _REACH].partition("\n")[0]
                if line.lstrip(_BEFORE).rstrip(_AROUND) == word and len(line) < _REACH:
                    found.append((start, Label(kind, len(line), ("wrong_label",))))
                at = text.find(word, at + len(word))
        return sorted(found, key=lambda item: item[0])

    def _read(self, head: str) -> Label | None:
        """The label that a line's beginning, up to its first colon, is (if it is one)."""
        if head not in self.seen:
            self.seen[head] = self._read_word(head, head[:-1], head[-1])
        return self.seen[head]

    def _read_word(self, head: str, word: str, sign: str) -> Label | None:
        if sign == ":" and word in self.own:
            return Label(self.own[word], len(head))
        tail = word.rstrip(_TAIL)[-3:]
        if tail.lower() not in self.tails and tail.isascii():
            return None
        bare = _without_number(_from_letter(word)).rstrip(_AROUND)
        plain = bare if bare.isascii() else unicodedata.normalize("NFKC", bare)
        kind = self.words.get(_key(plain))
        if kind is None or (kind in _SPEAKERS and word.lstrip("# ") != bare):
            return None  # a speaker's name in bold is somebody's list
        flaws = []
        if "\\" in bare:
            flaws.append("escaped_markdown")
        if sign == "：" or plain != bare:
            flaws.append("fullwidth_punctuation")
        if word != bare:
            flaws.append("decorated")
        if kind in _SPEAKERS:
            flaws.append("role_leak")
        elif not self._own_word(plain, kind):
            flaws.append("wrong_label")
        return Label(kind, len(head), tuple(flaws))

    def _own_word(self, plain: str, kind: Kind) -> bool:
        if self.dialect.form == "bracket":  # whose labels may be numbered
            plain = plain.rstrip("0123456789").rstrip(" ")
        return self.own.get(plain) == kind

    def unfold(self, label: Label, line: str) -> Iterator[tuple[Label, str]]:
        """A label and its value; a speaker's name or a doubled label gives way to the
        label behind it, and a move's line is split where another label stands in it."""
        flaws = label.flaws
        value = _open_value(line[label.end :], line[: label.end])
        for _ in range(_MOST_IN_LINE):
            label, value, flaws = self._innermost(label, value, flaws)
            cut = self._inner_label(value, label.kind)
            if cut < 0:
                break
            yield Label(label.kind, 0, flaws), value[:cut]
            value = value[cut:].lstrip(_BEFORE)
            inner = self._label_of(value)
            if inner is None:
                return
            label, flaws = inner, (*inner.flaws, "inline_label")
            value = value[inner.end :].strip()
        yield Label(label.kind, 0, flaws), value

    def _innermost(
        self, label: Label, value: str, flaws: tuple[str, ...]
    ) -> tuple[Label, str, tuple[str, ...]]:
        for _ in range(3):
            inner = self._label_of(value)
            if inner is None or not (inner.kind == label.kind or label.kind in _SPEAKERS):
                break
            flaws += inner.flaws if inner.kind != label.kind else (*inner.flaws, "wrong_label")
            value, label = value[inner.end :].strip(), inner
        return label, value, flaws

    def _label_of(self, value: str) -> Label | None:
        head = value[:_REACH]
        colon = min((at for sign in ":：" if (at := head.find(sign)) >= 0), default=-1)
        return self._read(head[: colon + 1]) if colon >= 0 else None

    def _inner_label(self, value: str, kind: Kind) -> int:
        """Where another of the dialect's labels stands inside a move's line (-1 = nowhere)."""
        if kind not in ("action", "input", "answer"):
            return -1
        numbered = self.dialect.form == "bracket"
        places = [
            at
            for word, found in self.own.items()
            if kind != "answer" or found in _NEXT_TURN
            for at, _ in islice(label_places(value, _inside(word, found), numbered), 1)
            if at > 0
        ]
        return min(places, default=-1)


def _inside(word: str, kind: Kind) -> str:
    """A label as it must stand inside a line: behind a space, or unmistakable by itself."""
    return word if kind == "input" and " " in word else f" {word}"


def label_places(text: str, word: str, numbered: bool) -> Iterator[tuple[int, int]]:
    """Where ``word`` stands with a colon behind it (or ``word 1:``), and where that ends."""
    at = text.find(word)
    for _ in range(_PLACES):
        if at < 0:
            return
        end = at + len(word)
        tail = text[end : end + 5]
        bare = tail.lstrip(" 0123456789") if numbered else tail
        if bare.startswith(":"):
            yield at, end + len(tail) - len(bare) + 1
        at = text.find(word, end)


def _from_letter(word: str) -> str:
    """``🔎 **Action`` from its first letter on; a quotation mark or brace is JSON's."""
    first = (at for at, char in enumerate(word) if char.isalnum() or char in _NO_MARKUP)
    return word[next(first, 0) :]


def _without_number(word: str) -> str:
    """``1. Action`` without its number."""
    digits = len(word) - len(word.lstrip("0123456789"))
    if 0 < digits <= 3 and word[digits : digits + 1] in (".", ")"):
        return word[digits + 1 :].lstrip(_BEFORE)
    return word


def _key(plain: str) -> str:
    """The word as the table of words holds it, without numbers."""
    words = plain.replace("\\", "").replace("_", " ").replace("-", " ").lower().split()
    return " ".join(kept for word in words if (kept := word.strip("*#()").rstrip("0123456789")))


def _open_value(value: str, head: str) -> str:
    """What stands behind a label, without the markup that was opened before it."""
    value = value.strip()
    for mark in ("**", "__", "`"):
        if mark not in head:
            continue
        if value.startswith(mark):
            value = value.removeprefix(mark).lstrip()  # the label was bold: **Action:** …
        elif value.endswith(mark) and value.count(mark) % 2:
            value = value.rstrip(mark).rstrip()  # the line was bold: **Action: …**
    return value
