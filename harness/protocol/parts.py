"""Splits a text into labelled parts: which text stands behind which label.

A label may begin a line or stand inside one. Time is linear in the length of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.protocol.calls import FENCES, read_call
from harness.protocol.labels import AROUND, CLOSING_MARKS, SPEAKERS, Label, LabelReader
from harness.protocol.tool_names import KnownTools
from harness.types import Action

_MOST_LABELS = 64  # nobody reads on: no completion with more has a single reading
_MOST_PLACES = 128  # how many places inside the lines of one part are tried
_LONGEST = 2000  # characters behind a label that are looked at
_SENTENCE_ENDS = tuple(".!?。！？:;)")
_OPENED = " \t*_`#>[(<"  # what a label inside a line may have in front of it
_SPOKEN = ("thought", "assistant")
MOVES = ("action", "input", "answer")


@dataclass
class LabelledPart:
    """A labelled line: what stands behind its label, and the text below that line.

    ``below`` begins with the line's own "\\n", if there is one. ``mark`` is the closing
    mark of a decoration that was opened before the label and is still due.
    """

    kind: str
    value: str
    flaws: tuple[str, ...] = ()
    below: str = ""
    mark: str = ""

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


def split_parts(text: str, tools: KnownTools) -> list[LabelledPart]:
    """The parts of a text in order; the first is the thought that the prompt has begun."""
    reader = LabelReader(tools)
    parts = [LabelledPart("thought", "")]
    begun = 0  # where the text that belongs to the last part begins
    for start, end, label in reader.labels(text):
        if _is_data(label, parts[-1]):
            continue
        _set_text(parts[-1], text[begun : max(start - 1, 0)])
        parts.append(LabelledPart(label.kind, "", label.flaws, mark=label.mark))
        begun = end
        if len(parts) > _MOST_LABELS:
            break
    _set_text(parts[-1], text[begun:])
    splitter = _Splitter(tools, reader)
    following = [part.kind == "input" for part in parts[1:]]
    split = [splitter.split(*both) for both in zip(parts, [*following, False], strict=True)]
    return _merge_opening([piece for pieces in split for piece in pieces])


def _is_data(label: Label, last: LabelledPart) -> bool:
    """Whether a label-like line belongs to the part above: some word for an input with
    no action over it ("Input: 5 and 6"), unless it can be nothing else."""
    return label.kind == "input" and last.kind != "action" and not label.certain


def _set_text(part: LabelledPart, text: str) -> None:
    line, newline, below = text.partition("\n")
    part.value, part.below = line.strip(), newline + below


def _merge_opening(parts: list[LabelledPart]) -> list[LabelledPart]:
    """A text that begins with its own Thought label: that is the thought that was begun."""
    if len(parts) > 1 and parts[1].kind == "thought" and not parts[0].text:
        return parts[1:]
    return parts


class _Splitter:
    """Splits parts where another label stands inside a line."""

    def __init__(self, tools: KnownTools, reader: LabelReader) -> None:
        self.tools = tools
        self.dialect = tools.dialect
        self.reader = reader
        self.input_next = False

    def split(self, part: LabelledPart, input_next: bool) -> list[LabelledPart]:
        """The part up to the first label inside it, and what each label begins.

        ``input_next``: an input label begins the line after the part."""
        self.input_next = input_next
        self._open(part)
        if part.kind not in (*_SPOKEN, *MOVES):
            return [part]
        whole = part.value + part.below
        pieces, begun = [part], 0
        for start, end, label in self._inside(part.kind, len(part.value), whole):
            _set_text(pieces[-1], whole[begun:start].rstrip(_OPENED))
            pieces.append(
                LabelledPart(label.kind, "", (*label.flaws, "inline_label"), mark=label.mark)
            )
            begun = end
            if len(pieces) > _MOST_LABELS:
                break
        if len(pieces) > 1:
            _set_text(pieces[-1], whole[begun:])
            for piece in pieces[1:]:
                self._open(piece)
        return pieces

    def _open(self, part: LabelledPart) -> None:
        """Take away the closing mark of what was opened before the label, and give way to
        a second label right behind the first ("Human: Observation:")."""
        for _ in range(4):
            part.value, part.mark = closed(part.value, part.mark)
            inner = self.reader.label_of(part.value)
            if inner is None:
                return
            doubled = inner.kind == part.kind
            if not (
                doubled or part.kind in SPEAKERS or (part.kind, inner.kind) == ("answer", "action")
            ):
                return
            wrong = ("wrong_label",) if part.kind not in SPEAKERS else ()
            part.flaws = (*part.flaws, *inner.flaws, *wrong)
            part.value, part.kind = part.value[inner.end :].strip(), inner.kind

    def _inside(self, kind: str, line_end: int, whole: str) -> Iterator[tuple[int, int, Label]]:
        """Where another label begins inside a line of a part of that kind."""
        for count, (start, end, label) in enumerate(self.reader.inside(whole)):
            if count >= _MOST_PLACES:
                return
            before = whole[max(0, start - 16) : start]
            after = whole[end : end + _LONGEST]
            if kind in MOVES and start <= line_end:
                begins = self._cuts(kind, start, label, before, after)
            else:
                begins = self._begins(label, before, after)
            if begins:
                if kind in _SPOKEN and label.kind in ("action", "answer"):
                    kind = label.kind  # what follows in its line stands in a move's line
                    newline = whole.find("\n", end)
                    line_end = newline if newline >= 0 else len(whole)
                yield start, end, label

    def _cuts(self, kind: str, at: int, label: Label, before: str, after: str) -> bool:
        """Whether a label inside a move's own line ends it."""
        bare = before.rstrip(_OPENED.strip())
        if at == 0 or not (bare[-1:].isspace() or bare.endswith(_SENTENCE_ENDS)):
            return label.kind == "input" and label.certain and at > 0
        if label.kind == "action":
            return (
                self._calls(after) or self._on_two_lines(after) or (label.own and kind != "answer")
            )
        if label.kind == "answer":
            return label.own or label.full or _after_sentence(before)
        if label.kind == "input":
            return label.certain
        return label.own or (label.kind == "observation" and _after_sentence(before))

    def _begins(self, label: Label, before: str, after: str) -> bool:
        """Whether a label inside a thought begins a part: it follows the end of a sentence,
        or can be nothing else."""
        line = after.lstrip().partition("\n")[0]
        if label.kind == "observation":
            own = label.own or label.full
            return (own and not before[-1:].isalnum()) or _after_sentence(before)
        if not line or label.kind not in ("action", "answer"):
            return False
        spaced = not before or before.endswith((" ", "\t", "*", "`", "_", "(", "["))
        if label.kind == "answer":
            return _after_sentence(before) or (label.own and label.full and spaced)
        if self._on_two_lines(after):
            return label.own or (_after_sentence(before) and spaced)
        return (label.own and _after_sentence(before)) or (spaced and self._calls(after))

    def _on_two_lines(self, after: str) -> bool:
        """Whether the dialect's input label follows an action label."""
        below = f"{self.dialect.labels.input}:".lower()
        return self.dialect.form == "two_line" and (self.input_next or below in after.lower())

    def _calls(self, after: str) -> bool:
        """Whether a whole call of a known tool stands behind a label."""
        written = read_call(after.lstrip().partition("\n")[0].strip(), self.tools)
        if written is None or not isinstance(written.move, Action):
            return False
        return written.move.tool in self.tools.exact


def _after_sentence(before: str) -> bool:
    bare = before.rstrip(" \t*`_([")
    return not bare or bare.endswith((*_SENTENCE_ENDS, "\n"))


def closed(value: str, mark: str) -> tuple[str, str]:
    """A label's value without the mark that closes what was opened before the label, and
    the mark where it is still due."""
    value = value.strip()
    if not mark:
        return value, ""
    if mark in (*AROUND, "**", "__") and value.startswith(mark):
        return value.removeprefix(mark).lstrip(), ""  # the label alone: **Action:** …
    bare = value.rstrip(".。") if not value.endswith(mark) else value
    if bare.endswith(mark) and not _balanced(bare, mark):
        return bare.removesuffix(mark).rstrip(), ""
    return value, mark


_OPENING = {closing: opening for opening, closing in CLOSING_MARKS.items()}


def _balanced(value: str, mark: str) -> bool:
    """Whether the closing mark at a value's end belongs to one that opens inside it."""
    opening = _OPENING.get(mark)
    if opening in (None, mark):
        return value.count(mark) % 2 == 0
    return value.count(mark) <= value.count(opening)


def without_fence(text: str) -> str:
    """A thought without the code fence that opens on its last line."""
    body, _, last = text.rpartition("\n")
    return body.rstrip() if last.lstrip().startswith(FENCES) else text
