"""One completion as a thought and the only move that it can mean.

Pure and total: any text has a value, nothing is raised, time is linear in the length.
Does not know tasks, observations or scores. A repair never guesses: where two readings
are left there is no move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.protocol.commands import FENCES, Command, Tools, is_nothing, read_command, read_json
from harness.protocol.dialects import Dialect, dialect_of
from harness.protocol.flaws import Notes
from harness.protocol.moves import read_action, read_answer
from harness.protocol.scan import Part, label_places, scan
from harness.protocol.visible import drop_invisible
from harness.types import Action, Answer, Finish, Parsed

_CUT: tuple[Finish, ...] = ("length", "context", "time", "error")
_MARKS = (
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end|>", "</s>", "<s>",
    "<end_of_turn>", "<start_of_turn>", "<|end_of_turn|>", "[INST]", "[/INST]", "<|user|>",
    "<|assistant|>", "<|start_header_id|>", "<｜end▁of▁sentence｜>", "<eos>",
)  # fmt: skip
_SENTENCE_ENDS = tuple(".!?。！？:;)")
_LINES_OF_COMMANDS = 40  # how far up from the end a command without a label is looked for
_LONGEST_LINE = 2000


@dataclass
class _Found:
    """A command and where it stands: its parts are ``turn.parts[first : after]``."""

    command: Command
    first: int
    after: int


@dataclass
class _Turn:
    """What lies between two boundaries (an observation, a question, another speaker)."""

    opener: Part | None
    parts: list[Part] = field(default_factory=list)
    found: list[_Found] = field(default_factory=list)
    malformed: bool = False

    @property
    def thought(self) -> str:
        """All the thought before the first move."""
        end = self.found[0].first if self.found else len(self.parts)
        texts = (part.text for part in self.parts[:end] if part.kind in ("thought", "assistant"))
        return "\n".join(text for text in texts if text)

    def opened_by(self, kind: str) -> bool:
        """Whether the boundary before it is of that kind."""
        return self.opener is not None and self.opener.kind == kind


def parse(
    text: str,
    tools: Iterable[str],
    dialect: str | Dialect = "colon",
    *,
    finish: Finish = "stop",
    stop: str = "",
    repair: bool = True,
) -> Parsed:
    """Read the completion that follows ``Thought:``, as cut before its stop string.

    ``tools`` are the names that the prompt offers, ``dialect`` the form it declares (a
    name in DIALECTS or a Dialect). A text that begins with its own thought label is read
    as if it did not. ``repair`` False keeps the move only where nothing was wrong.
    Never raises for any ``text``.
    """
    form = dialect_of(dialect)
    notes = Notes()
    known = Tools(tuple(tools), form)
    text = _clean(text, stop, form, notes)
    turns = _turns(scan(text, form))
    if not text.strip():
        notes.add("empty")
    command = _read(turns, known, notes, finish in _CUT, stop) if text.strip() else None
    chosen = _chosen(turns)
    thought = (chosen or turns[0]).thought
    if stop.strip().startswith(form.labels.question) and not (command and isinstance(command.move, Answer)):
        notes.add("wrote_question")
    errors = notes.errors()
    move = command.move if command and (repair or not errors) else None
    return Parsed(thought, move, errors, notes.repairs() if move else ())


def _clean(text: str, stop: str, form: Dialect, notes: Notes) -> str:
    """The text that a person would see, up to the end of the turn."""
    seen = drop_invisible(text)
    if seen != text:
        notes.add("invisible_characters")
    if "</think>" in seen or "<think>" in seen:
        notes.add("think_block")
        seen = seen.rpartition("</think>")[2].replace("<think>", "")
    begun = seen.lstrip(" \t\n")
    if begun.startswith(_MARKS):  # a turn that opens with its own mark
        mark = next(mark for mark in _MARKS if begun.startswith(mark))
        begun = begun[len(mark) :].removeprefix("assistant").lstrip()
        notes.add("role_leak")
    end = min((at for mark in _MARKS if (at := begun.find(mark)) >= 0), default=-1)
    if end >= 0:
        begun = begun[:end]
        notes.add("role_leak")
    if stop.strip().startswith(form.labels.observation):
        body, newline, last = begun.rpartition("\n")
        if newline and last and not last.strip(" \t*_`#>-+"):
            begun = body + newline
            if last.strip():
                notes.add("decorated")
    return begun


def _turns(parts: Sequence[Part]) -> list[_Turn]:
    turns = [_Turn(None)]
    for part in parts:
        if part.kind in ("observation", "question", "user"):
            turns.append(_Turn(part))
        else:
            turns[-1].parts.append(part)
    return turns


def _chosen(turns: Sequence[_Turn]) -> _Turn | None:
    return next((turn for turn in turns if turn.found), None)


# --- from turns to one command ----------------------------------------------------------


def _read(turns: Sequence[_Turn], tools: Tools, notes: Notes, cut: bool, stop: str) -> Command | None:
    for turn in turns:
        _find(turn, tools)
        if turn.found:
            break
    turn = _chosen(turns)
    if turn is None:
        _note_no_move(turns, notes, cut)
        return None
    found = _only(turn, notes)
    if found is None:
        return None
    index = turns.index(turn)
    following = turns[index + 1] if index + 1 < len(turns) else None
    last = following is None and found.after == len(turn.parts) and not found.command.closed
    open_end = last and not turn.parts[found.after - 1].ended(found.command.used)
    if open_end and cut:
        notes.add("truncated")
        return None
    if open_end and stop.strip().startswith(tools.dialect.labels.observation):
        notes.add("inline_label")
    _note_surroundings(turn, found, notes)
    _note_following(turns[index + 1 :], found, notes)
    return found.command if _may_stand(turns[: index + 1], found, notes) else None


def _note_no_move(turns: Sequence[_Turn], notes: Notes, cut: bool) -> None:
    malformed = any(turn.malformed for turn in turns)
    if cut:
        notes.add("truncated")
    else:
        notes.add("malformed_action" if malformed else "missing_action")
    for kind in ("observation", "question"):
        if any(turn.opened_by(kind) for turn in turns):
            notes.add(f"wrote_{kind}")
    if any(turn.opened_by("user") for turn in turns):
        notes.add("role_leak")


def _only(turn: _Turn, notes: Notes) -> _Found | None:
    """The only move of a turn; where there are different ones, none."""
    real = [found for found in turn.found if not found.command.nothing]
    if len(real) < len(turn.found) and real:
        notes.add("null_action")
    if not real:
        notes.add("missing_action")
        return None
    moves = {found.command.move for found in real}
    answers = sum(isinstance(found.command.move, Answer) for found in real)
    if len(real) > 1:
        both = 0 < answers < len(real)
        notes.add("action_and_answer" if both else "several_answers" if answers else "several_actions")
    if len(moves) > 1 or real[0].command.move is None:
        notes.add(*real[0].command.flaws if len(moves) == 1 else ())
        return None
    return real[0]


def _may_stand(turns: Sequence[_Turn], found: _Found, notes: Notes) -> bool:
    """Whether what the model wrote before the move leaves it standing: an answer behind
    its own observation never does, nor anything behind a question that it asked itself."""
    opening = len(turns) == 2 and not turns[0].thought
    stands = True
    for turn in turns[1:]:
        if turn.opened_by("observation"):
            notes.add("wrote_observation")
            stands &= isinstance(found.command.move, Action)
        else:
            notes.add("wrote_question" if turn.opened_by("question") else "role_leak")
            stands &= opening
    return stands


def _note_surroundings(turn: _Turn, found: _Found, notes: Notes) -> None:
    """What is wrong with the move, and with the thought before it and the text after it."""
    for part in turn.parts[: found.first + 1]:
        notes.add(*part.flaws)
    notes.add(*found.command.flaws)
    thoughts = [part for part in turn.parts[: found.first] if part.kind == "thought"]
    if not turn.thought.strip("`~ \n"):
        notes.add("missing_thought")
    if sum(bool(part.text) for part in thoughts) > 1:
        notes.add("several_thoughts")
    if any(part.text.rpartition("\n")[2].startswith(FENCES) for part in thoughts):
        notes.add("decorated")
    if turn.malformed:
        notes.add("malformed_action")
    notes.add(*_leftover(found.command.rest), *_leftover(turn.parts[found.after - 1].rest(found.command.used)))
    others = {part.kind for part in turn.parts[found.after :]}
    if "assistant" in others:
        notes.add("role_leak")
    if "thought" in others:
        notes.add("trailing_text")


def _leftover(text: str) -> tuple[str, ...]:
    """The flaw that text behind a move is, if it is any."""
    if not text.strip():
        return ()
    return ("trailing_text",) if text.strip("*_`~#>-+= \t\n") else ("decorated",)


def _note_following(turns: Sequence[_Turn], found: _Found, notes: Notes) -> None:
    """The boundary behind the move. An empty Observation label behind an action is the
    form itself, where a stop string has not cut it off."""
    if not turns:
        return
    opener = turns[0].opener
    assert opener is not None
    if opener.kind == "observation":
        alone = len(turns) == 1 and not opener.text and not turns[0].parts
        if not alone or isinstance(found.command.move, Answer):
            notes.add("wrote_observation")
        notes.add(*opener.flaws)
    else:
        notes.add("wrote_question" if opener.kind == "question" else "role_leak")


# --- where the moves of a turn are ------------------------------------------------------


def _find(turn: _Turn, tools: Tools) -> None:
    _find_labelled(turn, tools)
    if not turn.found and _split_lines(turn, tools):
        _find_labelled(turn, tools)
    if not turn.found:
        _find_bare(turn, tools)


def _find_labelled(turn: _Turn, tools: Tools) -> None:
    index = 0
    while index < len(turn.parts):
        part = turn.parts[index]
        after = index + 1
        if part.kind == "action":
            below = turn.parts[after] if after < len(turn.parts) else None
            input_part = below if below and below.kind == "input" else None
            after += input_part is not None
            _keep(turn, read_action(part, input_part, tools), index, after)
        elif part.kind == "answer":
            _keep(turn, read_answer(part, tools), index, after)
        index = after


def _keep(turn: _Turn, command: Command | None, first: int, after: int) -> None:
    if command is None:
        turn.malformed = True
    else:
        turn.found.append(_Found(command, first, after))


def _split_lines(turn: _Turn, tools: Tools) -> bool:
    """Break the turn's thought where a move's label stands inside a line."""
    for index, part in enumerate(turn.parts):
        text = part.text
        at = _inner_move(text, tools) if part.kind in ("thought", "assistant") else -1
        if at >= 0:
            inner = scan(text[at:] + part.below[len(part.below.rstrip()) :], tools.dialect)[1:]
            for found in inner[:1]:
                found.flaws += ("inline_label",)
            turn.parts[index : index + 1] = [_thought(part, text[:at].rstrip("*`_ ")), *inner]
            return bool(inner)
    return False


def _thought(part: Part, text: str) -> Part:
    line, newline, below = text.partition("\n")
    return Part(part.kind, line.strip(), part.flaws, newline + below)


def _inner_move(text: str, tools: Tools) -> int:
    """Where a move begins inside a line: its label follows the end of a sentence, or a
    whole call of a known tool follows the label (-1 = nowhere)."""
    labels, numbered = tools.dialect.labels, tools.dialect.form == "bracket"
    places = []
    for word in dict.fromkeys((labels.action, labels.answer, "Final Answer")):
        for at, end in label_places(text, word, numbered):
            line = text[end : end + _LONGEST_LINE].partition("\n")[0].strip()
            if line and _begins_move(text[max(0, at - 8) : at], word, line, tools):
                places.append(at)
                break
    return min(places, default=-1)


def _begins_move(before: str, word: str, line: str, tools: Tools) -> bool:
    if not before or before.rstrip(" *`_").endswith(_SENTENCE_ENDS):
        return True
    if not before.endswith((" ", "\t")):
        return False
    if word != tools.dialect.labels.action:
        return word == "Final Answer"
    command = read_command(line, tools)
    return bool(command and isinstance(command.move, Action) and command.move.tool in tools.exact)


def _find_bare(turn: _Turn, tools: Tools) -> None:
    """A command on a line of its own, without a label: a known tool with an input, or JSON."""
    for index, part in enumerate(turn.parts):
        if part.kind not in ("thought", "assistant"):
            continue
        whole = part.value + part.below
        lines = whole.rsplit("\n", _LINES_OF_COMMANDS)
        at = 0
        for number, line in enumerate(lines):
            command = _bare(line, whole, at, tools) if number or len(lines) <= _LINES_OF_COMMANDS else None
            if command:
                command.flaws.append("missing_label")
                below = whole[at + len(line) :]
                turn.parts[index : index + 1] = [_thought(part, whole[:at]), Part("action", line, (), below)]
                turn.found.append(_Found(command, index + 1, index + 2))
                return
            at += len(line) + 1


def _bare(line: str, whole: str, at: int, tools: Tools) -> Command | None:
    opened = line.strip().removeprefix("<tool_call>").lstrip("`~ \t")
    if opened.startswith("{") or (line.strip() and not opened):
        return read_json(whole[at:].replace("<tool_call>", "", 1), tools)
    command = read_command(line.strip(), tools)
    if command is None or not set(command.flaws) <= {"escaped_markdown", "wrong_dialect", "decorated"}:
        return None
    if isinstance(command.move, Answer):
        return command if command.closed and not command.rest else None
    if command.move is None:
        return None
    known = command.move.tool in tools.exact and command.move.input
    return command if known and not (opened.startswith(command.move.tool + " ")) else None
