"""One completion as a thought and the only move that it can mean.

Pure and total: any text has a value, nothing is raised, time is linear in the length.
Does not know tasks, observations or scores. A repair never guesses: where two readings
are left there is no move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.protocol.commands import FENCES, Command, Tools
from harness.protocol.dialects import Dialect, Kind, dialect_of
from harness.protocol.flaws import Notes
from harness.protocol.scan import scan
from harness.protocol.turns import Found, Turn, read_turns
from harness.protocol.visible import drop_invisible
from harness.types import Action, Answer, Finish, Parsed

_CUT_OFF = ("length", "context", "deadline", "time", "error")  # "time": in older records
# What chat templates write between turns.
_MARKS = (
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end|>", "</s>", "<s>",
    "<end_of_turn>", "<start_of_turn>", "<|end_of_turn|>", "[INST]", "[/INST]", "<|user|>",
    "<|assistant|>", "<|start_header_id|>", "<｜end▁of▁sentence｜>", "<eos>",
)  # fmt: skip
# What a part that stands behind the move shows; another move shows itself.
_BEHIND: dict[Kind, tuple[str, ...]] = {
    "thought": ("trailing_text",),
    "assistant": ("role_leak",),
    "user": ("role_leak",),
    "question": ("wrote_question",),
    "observation": ("wrote_observation",),
}
_MARKUP = " \t*_`#>-+"


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
    Never raises for any ``text``; KeyError for an unknown dialect.
    """
    form = dialect_of(dialect)
    notes = Notes()
    text = _clean(text, notes)
    text = _without_stub(text, stop, form, notes)
    turns = read_turns(scan(text, form), Tools(tuple(tools), form))
    command = _read(turns, form, notes, finish in _CUT_OFF, stop)
    if not text.strip():
        notes = _only_empty(notes)
    _note_stop(stop, form, command, notes)
    errors = notes.errors()
    thought = next((turn for turn in turns if turn.found), turns[0]).thought
    move = command.move if command and (repair or not errors) else None
    return Parsed(thought, move, errors, notes.repairs() if move else ())


def _clean(text: str, notes: Notes) -> str:
    """The text that a person would see, up to the end of the model's turn."""
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
        notes.add("role_leak")
    return begun[:end] if end >= 0 else begun


def _without_stub(text: str, stop: str, form: Dialect, notes: Notes) -> str:
    """The text without what is left of an observation label at its end: the word without
    its colon, or markup that the model wrote in front of the stop string."""
    word = form.labels.observation
    bare = text.rstrip().removesuffix(word)
    if text.rstrip().endswith(word) and bare[-1:].isspace():
        notes.add("wrong_label" if bare.rstrip(" \t").endswith("\n") else "inline_label")
        return bare.rstrip(" \t")
    body, newline, last = text.rpartition("\n")
    if not (newline and last) or last.strip(_MARKUP) or not _stopped_at_observation(stop, form):
        return text
    if last.strip():
        notes.add("decorated")
    return body + newline


def _stopped_at_observation(stop: str, form: Dialect) -> bool:
    return stop.strip().startswith(form.labels.observation)


def _only_empty(notes: Notes) -> Notes:
    """Of nothing, nothing else is said but what was taken away."""
    left = Notes()
    left.add("empty", *(error for error in notes.errors() if error != "missing_action"))
    return left


def _note_stop(stop: str, form: Dialect, command: Command | None, notes: Notes) -> None:
    """What the stop string itself shows: behind an answer the next question is the
    prompt's own pattern, behind an action the observation is."""
    answered = command is not None and isinstance(command.move, Answer)
    if stop.strip().startswith(form.labels.question) and not answered:
        notes.add("wrote_question")
    if answered and _stopped_at_observation(stop, form):
        notes.add("wrote_observation")


# --- from turns to one command ----------------------------------------------------------


def _read(
    turns: Sequence[Turn], form: Dialect, notes: Notes, cut_off: bool, stop: str
) -> Command | None:
    index = next((index for index, turn in enumerate(turns) if turn.found), -1)
    if index < 0:
        _note_no_move(turns, notes, cut_off)
        return None
    turn = turns[index]
    found = _only(turn, notes)
    if found is None:
        return None
    if _open_ended(turn, found) and index + 1 == len(turns):
        if cut_off:
            notes.add("truncated")
            return None
        if _stopped_at_observation(stop, form) and isinstance(found.command.move, Action):
            notes.add("inline_label")
    _note_flaws(turn, found, notes)
    _note_following(turns[index + 1 :], found, notes)
    return found.command if _may_stand(turns[: index + 1], found, notes) else None


def _open_ended(turn: Turn, found: Found) -> bool:
    """Whether the text ends on the move's own line, so that more of it may be missing."""
    last = found.after == len(turn.parts) and not found.command.closed
    return last and not turn.parts[found.after - 1].ended(found.command.used)


def _note_no_move(turns: Sequence[Turn], notes: Notes, cut_off: bool) -> None:
    if cut_off:
        notes.add("truncated")
    else:
        malformed = any(turn.malformed for turn in turns)
        notes.add("malformed_action" if malformed else "missing_action")
    for turn in turns[1:]:
        assert turn.opener is not None  # only the first turn has none
        notes.add(*_BEHIND[turn.opener.kind])


def _only(turn: Turn, notes: Notes) -> Found | None:
    """The only move of a turn; where there are different ones, none."""
    real = [found for found in turn.found if not found.command.nothing]
    if not real:
        notes.add("missing_action")
        return None
    if len(real) < len(turn.found):
        notes.add("null_action")
    if len(real) > 1:
        answers = sum(isinstance(found.command.move, Answer) for found in real)
        both = 0 < answers < len(real)
        notes.add(
            "action_and_answer" if both else "several_answers" if answers else "several_actions"
        )
    if len({found.command.move for found in real}) > 1:
        return None
    if real[0].command.move is None:
        notes.add(*real[0].command.flaws)
        return None
    return real[0]


def _may_stand(turns: Sequence[Turn], found: Found, notes: Notes) -> bool:
    """Whether what the model wrote before the move leaves it standing: an answer behind
    its own observation never does, nor anything behind a question that it asked itself
    (unless that question opens the text: then it is the one that was asked)."""
    opening = len(turns) == 2 and not turns[0].thought
    stands = True
    for turn in turns[1:]:
        assert turn.opener is not None
        notes.add(*_BEHIND[turn.opener.kind])
        if turn.opener.kind == "observation":
            stands &= isinstance(found.command.move, Action)
        else:
            stands &= opening
    return stands


# --- what is wrong with it --------------------------------------------------------------


def _note_flaws(turn: Turn, found: Found, notes: Notes) -> None:
    """What is wrong with the move, the thought before it and the text after it."""
    notes.add(*found.command.flaws)
    for part in turn.parts[: found.first + 1]:
        notes.add(*part.flaws)
    thoughts = [part for part in turn.parts[: found.first] if part.kind == "thought"]
    if not turn.thought.strip("`~ \n"):
        notes.add("missing_thought")
    if sum(bool(part.text) for part in thoughts) > 1:
        notes.add("several_thoughts")
    if any(part.text.rpartition("\n")[2].startswith(FENCES) for part in thoughts):
        notes.add("decorated")
    if turn.malformed:
        notes.add("malformed_action")
    notes.add(*_leftover(found.command.rest))
    notes.add(*_leftover(turn.parts[found.after - 1].rest(found.command.used)))
    for part in turn.parts[found.after :]:
        notes.add(*_BEHIND.get(part.kind, ()))


def _leftover(text: str) -> tuple[str, ...]:
    """The flaw that text behind a move is, if it is any."""
    bare = text.replace("</tool_call>", "`").strip()
    if not bare:
        return ()
    return ("trailing_text",) if bare.strip("*_`~#>-+= \t\n") else ("decorated",)


def _note_following(turns: Sequence[Turn], found: Found, notes: Notes) -> None:
    """The boundary behind the move. An empty observation label behind an action is the
    form itself, where no stop string has cut it off."""
    if not turns:
        return
    opener = turns[0].opener
    assert opener is not None  # only the first turn has none
    alone = len(turns) == 1 and not opener.text and not turns[0].parts
    acted = isinstance(found.command.move, Action)
    if not (opener.kind == "observation" and alone and acted):
        notes.add(*_BEHIND[opener.kind])
    if opener.kind == "observation":
        notes.add(*opener.flaws)
