"""Groups labelled parts into turns, and finds the moves in each.

A turn ends where the model itself writes an observation, a question or another speaker's
name. A move stands under a label, on a line of its own, or behind another move. ``parse``
judges what is found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from harness.protocol.calls import TOOL_CALL, read_call
from harness.protocol.moves import read_action, read_answer
from harness.protocol.parts import MOVES, LabelledPart, without_fence
from harness.protocol.tool_names import KnownTools, WrittenMove
from harness.protocol.unlabelled import PlacedCall, UnlabelledCalls
from harness.types import Action, Answer

_BOUNDARIES = ("observation", "question", "user")
_THOUGHTS = ("thought", "assistant")


@dataclass
class PlacedMove:
    """A call and where it stands: its parts are ``turn.parts[first : after]``."""

    written: WrittenMove
    first: int
    after: int

    def answers(self, turn: WrittenTurn) -> bool:
        """Whether it is an answer, or would be if there were anything in it."""
        move = self.written.move
        return isinstance(move, Answer) or (
            move is None and turn.parts[self.first].kind == "answer"
        )


@dataclass
class WrittenTurn:
    """The parts behind a boundary; ``malformed`` where an action label says nothing."""

    opener: LabelledPart | None
    parts: list[LabelledPart] = field(default_factory=list)
    found: list[PlacedMove] = field(default_factory=list)
    malformed: bool = False

    @property
    def moves(self) -> int:
        """Where the first move stands, or what should have been one."""
        if self.found and not self.malformed:
            return self.found[0].first
        return next((i for i, p in enumerate(self.parts) if p.kind in MOVES), len(self.parts))

    @property
    def thought(self) -> str:
        """All the thought before the first move."""
        end = self.moves
        texts = (part.text for part in self.parts[:end] if part.kind in _THOUGHTS)
        return without_fence("\n".join(text for text in texts if text))


def read_turns(parts: Sequence[LabelledPart], tools: KnownTools) -> list[WrittenTurn]:
    """The turns in order. Moves are looked for up to the first turn that has any."""
    turns = [WrittenTurn(None)]
    for part in parts:
        if part.kind in _BOUNDARIES:
            turns.append(WrittenTurn(part))
        else:
            turns[-1].parts.append(part)
    unlabelled = UnlabelledCalls(tools)
    for turn in turns:
        _find_moves(turn, unlabelled)
        if turn.found or turn.malformed:
            break
    return turns


def _find_moves(turn: WrittenTurn, unlabelled: UnlabelledCalls) -> None:
    tools, index = unlabelled.tools, 0
    while index < len(turn.parts):
        part = turn.parts[index]
        if part.kind in _THOUGHTS:
            index = _find_unlabelled(turn, index, unlabelled)
            continue
        below = turn.parts[index + 1 : index + 2]
        inputs = below if part.kind == "action" and below and below[0].kind == "input" else []
        after = index + 1 + len(inputs)
        written = None
        if part.kind == "action":
            written = read_action(part, inputs[0] if inputs else None, tools)
        elif part.kind == "answer":
            written = read_answer(part, tools)
        elif part.kind == "input":  # with no action over it, or a second one
            written = _same_tool(turn, part, tools)
        if written is None:
            turn.malformed = True
            _find_behind(turn, WrittenMove(None, closed=True), index, after, unlabelled)
        else:
            turn.found.append(PlacedMove(written, index, after))
            _find_behind(turn, written, index, after, unlabelled)
        index = after


def _same_tool(turn: WrittenTurn, part: LabelledPart, tools: KnownTools) -> WrittenMove | None:
    """A second input under one action: the same tool, called again."""
    last = turn.found[-1] if turn.found else None
    move = last.written.move if last else None
    if last is None or not isinstance(move, Action) or turn.parts[last.after - 1].kind != "input":
        return None
    return read_action(LabelledPart("action", move.tool), part, tools)


def _find_behind(
    turn: WrittenTurn, written: WrittenMove, first: int, after: int, unlabelled: UnlabelledCalls
) -> None:
    """Calls without a label in what is left of a move's text, or on its own line."""
    last = turn.parts[after - 1]
    left = f"{written.rest}\n{last.rest(written.used)}"
    second = [found.written for found in unlabelled.find(left, near=True)]
    if not written.nothing:
        second += _in_its_line(turn.parts[first].value, written, unlabelled)
    turn.found += [PlacedMove(found, first, after) for found in second]


def _in_its_line(line: str, written: WrittenMove, unlabelled: UnlabelledCalls) -> list[WrittenMove]:
    """A second call inside the line of a first one: in JSON, or a tool's exact name with
    its sign behind a separator (``wikipedia: Japan; search: Tokyo``)."""
    if "json_action" in written.flaws or written.move is None:
        return []
    tools = unlabelled.tools
    behind = next((at for at in (line.find(' {"'), line.find(" {'")) if at >= 0), -1)
    name = line[: behind + 1].rstrip(" :：([") if behind >= 0 else ""
    if name and not tools.known(name) and (found := unlabelled.find(line[behind:])):
        return [found[0].written]
    separator = _separators(tuple(tools.exact)).search(line) if tools.exact else None
    if separator is None:
        return []
    second = read_call(line[separator.start(1) :].strip(), tools)
    return [second] if second and isinstance(second.move, Action) and second.move.input else []


@cache
def _separators(names: tuple[str, ...]) -> re.Pattern[str]:
    tools = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?:[;,|&。、]|\b(?:and|then|or)\b)[ \t]{{1,3}}((?:{tools})[ \t]?[:：\[(])")


def _find_unlabelled(turn: WrittenTurn, index: int, unlabelled: UnlabelledCalls) -> int:
    """The calls without a label in a thought, which ends where the first begins. The
    index of the part to go on with."""
    part = turn.parts[index]
    whole = part.value + part.below
    found = unlabelled.find(whole)
    if not found:
        return index + 1
    before = without_fence(whole[: found[0].start].rstrip().removesuffix(TOOL_CALL).rstrip())
    line, newline, below = before.partition("\n")
    first = found[0]
    value = whole[first.start : first.end]
    fenced = before != whole[: first.start].rstrip().removesuffix(TOOL_CALL).rstrip()
    turn.parts[index : index + 1] = [
        LabelledPart(part.kind, line.strip(), part.flaws, newline + below),
        LabelledPart("action", value, ("code_fence",) if fenced else (), _behind(whole, found)),
    ]
    first.written.used = 0
    turn.found += [PlacedMove(one.written, index + 1, index + 2) for one in found]
    return index + 2


def _behind(whole: str, found: list[PlacedCall]) -> str:
    """What follows the first call, without the others."""
    pieces = []
    for number, one in enumerate(found):
        end = found[number + 1].start if number + 1 < len(found) else len(whole)
        pieces.append(whole[one.end : end])
    below = "\n".join(pieces)
    return below if below.startswith("\n") or not below else "\n" + below
