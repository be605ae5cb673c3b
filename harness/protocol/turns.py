"""The turns of a completion, and the moves in each.

A turn lies between two boundaries: an observation, a question or another speaker, which
the model may write but never be credited for. Knows where moves may stand (under a label,
behind one inside a line, on a line of their own); does not judge them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.protocol.commands import Command, Tools, read_command, read_json
from harness.protocol.moves import read_action, read_answer
from harness.protocol.scan import Part, label_places, scan
from harness.types import Action, Answer

_BOUNDARIES = ("observation", "question", "user")
_THOUGHTS = ("thought", "assistant")
_SENTENCE_ENDS = tuple(".!?。！？:;)")
_LINES_OF_COMMANDS = 40  # how far up from its end a thought may hold a bare command
_LONGEST = 2000  # characters behind a label that are looked at
_TOOL_CALL = "<tool_call>"
# What a command on a line of its own may have wrong with it and still be one.
_BARE_FLAWS = frozenset(("escaped_markdown", "wrong_dialect", "decorated"))


@dataclass
class Found:
    """A command and where it stands: its parts are ``turn.parts[first : after]``."""

    command: Command
    first: int
    after: int


@dataclass
class Turn:
    """The parts behind a boundary; ``malformed`` where an action label says nothing."""

    opener: Part | None
    parts: list[Part] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    malformed: bool = False

    @property
    def thought(self) -> str:
        """All the thought before the first move."""
        end = self.found[0].first if self.found else len(self.parts)
        texts = (part.text for part in self.parts[:end] if part.kind in _THOUGHTS)
        return "\n".join(text for text in texts if text)


def read_turns(parts: Sequence[Part], tools: Tools) -> list[Turn]:
    """The turns in order. Moves are looked for up to the first turn that has any."""
    turns = [Turn(None)]
    for part in parts:
        if part.kind in _BOUNDARIES:
            turns.append(Turn(part))
        else:
            turns[-1].parts.append(part)
    for turn in turns:
        _find(turn, tools)
        if turn.found:
            break
    return turns


def _find(turn: Turn, tools: Tools) -> None:
    _find_labelled(turn, tools)
    if not turn.found and _split_lines(turn, tools):
        _find_labelled(turn, tools)
    if not turn.found:
        _find_bare(turn, tools)


def _find_labelled(turn: Turn, tools: Tools) -> None:
    index = 0
    while index < len(turn.parts):
        part = turn.parts[index]
        below = turn.parts[index + 1 : index + 2]
        inputs = below if part.kind == "action" and below and below[0].kind == "input" else []
        after = index + 1 + len(inputs)
        if part.kind == "action":
            _keep(turn, read_action(part, inputs[0] if inputs else None, tools), index, after)
        elif part.kind == "answer":
            _keep(turn, read_answer(part, tools), index, after)
        elif part.kind == "input":  # with no action above it
            turn.malformed = True
        index = after


def _keep(turn: Turn, command: Command | None, first: int, after: int) -> None:
    if command is None:
        turn.malformed = True
    else:
        turn.found.append(Found(command, first, after))


# --- labels inside lines ----------------------------------------------------------------


def _split_lines(turn: Turn, tools: Tools) -> bool:
    """Break the turn's thought where a move's label stands inside a line."""
    for index, part in enumerate(turn.parts):
        text = part.text
        at = _inner_move(text, tools) if part.kind in _THOUGHTS else -1
        if at >= 0:
            ending = part.below[len(part.below.rstrip()) :]
            inner = scan(text[at:] + ending, tools.dialect)[1:]
            for found in inner[:1]:
                found.flaws += ("inline_label",)
            turn.parts[index : index + 1] = [_shortened(part, text[:at].rstrip("*`_ ")), *inner]
            return bool(inner)
    return False


def _shortened(part: Part, text: str) -> Part:
    line, newline, below = text.partition("\n")
    return Part(part.kind, line.strip(), part.flaws, newline + below)


def _inner_move(text: str, tools: Tools) -> int:
    """Where a move begins inside a line: its label follows the end of a sentence, or a
    whole call of a known tool follows the label (-1 = nowhere)."""
    labels, numbered = tools.dialect.labels, tools.dialect.form == "bracket"
    places = []
    for word in dict.fromkeys((labels.action, labels.answer, "Final Answer")):
        for at, end in label_places(text, word, numbered):
            if _begins_move(text[max(0, at - 8) : at], word, text[end : end + _LONGEST], tools):
                places.append(at)
                break
    return min(places, default=-1)


def _begins_move(before: str, word: str, after: str, tools: Tools) -> bool:
    labels, line = tools.dialect.labels, after.lstrip().partition("\n")[0]
    if not line:
        return False
    if word == labels.action and tools.dialect.form == "two_line" and f"{labels.input}:" in after:
        return True
    if not before or before.rstrip(" *`_").endswith(_SENTENCE_ENDS):
        return True
    if not before.endswith((" ", "\t")):
        return False
    if word != labels.action:
        return word == "Final Answer"
    command = read_command(line.strip(), tools)
    return bool(command and isinstance(command.move, Action) and command.move.tool in tools.exact)


# --- commands without a label -----------------------------------------------------------


def _find_bare(turn: Turn, tools: Tools) -> None:
    """A known tool with an input, or JSON, on a line of its own: the first one, and all
    of them where they differ is not one reading."""
    for index, part in enumerate(turn.parts):
        if part.kind not in _THOUGHTS:
            continue
        whole = part.value + part.below
        found = _bare_commands(whole, tools)
        if found:
            at, line, _ = found[0]
            below = whole[at + len(line) :]
            turn.parts[index : index + 1] = [
                _shortened(part, whole[:at].rstrip()),
                Part("action", line, (), below),
            ]
            for _, _, command in found:
                turn.found.append(Found(command, index + 1, index + 2))
            return


def _bare_commands(whole: str, tools: Tools) -> list[tuple[int, str, Command]]:
    """Where such lines stand in a text, the lines, and their commands."""
    lines = whole.rsplit("\n", _LINES_OF_COMMANDS)
    found, at = [], 0
    for number, line in enumerate(lines):
        looked_at = number > 0 or len(lines) <= _LINES_OF_COMMANDS
        command = _bare(line.strip(), whole[at:], tools) if looked_at and line.strip() else None
        if command:
            command.flaws.append("missing_label")
            found.append((at, line, command))
            if "json_action" in command.flaws:
                break  # its own lines follow
        at += len(line) + 1
    return found


def _bare(line: str, whole: str, tools: Tools) -> Command | None:
    opened = line.removeprefix(_TOOL_CALL).lstrip("`~ \t")
    if opened.startswith("{") or opened in ("", "json"):
        return read_json(whole.replace(_TOOL_CALL, "", 1), tools)
    if ' {"' in line:
        return read_json(whole[whole.find(' {"') :], tools)
    command = read_command(line, tools)
    if command is None or not _BARE_FLAWS.issuperset(command.flaws):
        return None
    if isinstance(command.move, Answer):
        return command if command.closed and not command.rest else None
    if command.move is None or command.move.tool not in tools.exact or not command.move.input:
        return None
    spaced = line.startswith(command.move.tool + " ")  # begins a sentence as well as a call
    return None if spaced else command
