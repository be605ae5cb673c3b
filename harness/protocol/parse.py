"""Reads one completion: its thought, the only move that it can mean, and its flaws.

Any text has a value, nothing is raised, and time is linear in the length. A repair never
guesses: where two readings are left there is no move.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocol.calls import FENCES
from harness.protocol.clean import clean
from harness.protocol.dialects import Dialect
from harness.protocol.errors import FlawNotes
from harness.protocol.parts import LabelledPart, split_parts
from harness.protocol.tool_names import KnownTools, WrittenMove
from harness.protocol.turns import PlacedMove, WrittenTurn, read_turns
from harness.types import Action, Answer, Completion, Parsed

_CUT_OFF = ("length", "context", "deadline", "time", "error")  # "time": in older records
# What a part that stands behind the move shows; another move shows itself.
_BEHIND: dict[str, tuple[str, ...]] = {
    "thought": ("trailing_text",),
    "assistant": ("role_leak",),
    "user": ("role_leak",),
    "question": ("wrote_question",),
    "observation": ("wrote_observation",),
}


def parse_completion(completion: Completion, tools: KnownTools, repair: bool = True) -> Parsed:
    """Read a completion that follows ``Thought:``, as cut before its stop string.

    A text that begins with its own thought label is read as if it did not. ``repair`` False
    keeps the move only where nothing was wrong. Never raises, whatever the text.
    """
    form, notes, stop = tools.dialect, FlawNotes(), completion.stop
    text = clean(completion.text, stop, form, notes)
    parts, cut_off = split_parts(text, tools), completion.finish in _CUT_OFF
    if cut_off and _repeats_cut(parts):
        parts.pop()
        notes.add("trailing_text")
    turns = read_turns(parts, tools)
    written = _decide_move(turns, form, notes, cut_off, stop)
    if not text.strip() and "think_block" not in notes.errors():
        notes = _only_empty(notes)
    _note_stop(stop, form, written, notes)
    errors = notes.errors()
    thought = next((turn for turn in turns if turn.found), turns[0]).thought
    move = written.move if written and (repair or not errors) else None
    return Parsed(thought, move, errors, notes.repairs() if move else ())


def _repeats_cut(parts: Sequence[LabelledPart]) -> bool:
    """Whether the text was cut off in a move that, as far as it goes, says the last move of
    its kind again. Where a limit happens to cut a model that repeats itself decides nothing."""
    last = parts[-1]
    same = [part.value for part in parts[:-1] if part.kind == last.kind]
    return (
        last.kind in ("action", "answer")
        and "\n" not in last.below
        and bool(same)
        and same[-1].startswith(last.value)
    )


def _only_empty(notes: FlawNotes) -> FlawNotes:
    """For empty text: only ``empty`` and what was removed from it."""
    left = FlawNotes()
    left.add("empty", *(error for error in notes.errors() if error != "missing_action"))
    return left


def _note_stop(stop: str, form: Dialect, written: WrittenMove | None, notes: FlawNotes) -> None:
    """What the stop string itself shows: behind an answer the next question is the
    prompt's own pattern, behind an action the observation is."""
    answered = written is not None and isinstance(written.move, Answer)
    if stop.strip().startswith(form.labels.question) and not answered:
        notes.add("wrote_question")
    if answered and form.stopped_at_observation(stop):
        notes.add("wrote_observation")


# --- from turns to one call ----------------------------------------------------------


def _decide_move(
    turns: Sequence[WrittenTurn], form: Dialect, notes: FlawNotes, cut_off: bool, stop: str
) -> WrittenMove | None:
    index = next((i for i, turn in enumerate(turns) if turn.found or turn.malformed), -1)
    if index < 0 or not turns[index].found:
        _note_no_move(turns, notes, cut_off)
        return None
    turn = turns[index]
    found = turn.found[0]
    only = _only(turn, notes)
    if only and _open_ended(turn, only) and index + 1 == len(turns):
        if cut_off:
            notes.add("truncated")
            return None
        if form.stopped_at_observation(stop) and isinstance(only.written.move, Action):
            notes.add("inline_label")
    _note_flaws(turn, only or found, notes)
    _note_following(turns[index + 1 :], only or found, notes)
    stands = _may_stand(turns[: index + 1], only or found, notes)
    return only.written if only and stands else None


def _open_ended(turn: WrittenTurn, found: PlacedMove) -> bool:
    """Whether the text ends on the move's own line, so that more of it may be missing."""
    last = found.after == len(turn.parts) and not found.written.closed
    return last and not turn.parts[found.after - 1].ended(found.written.used)


def _note_no_move(turns: Sequence[WrittenTurn], notes: FlawNotes, cut_off: bool) -> None:
    malformed = next((turn for turn in turns if turn.malformed), None)
    if cut_off:
        notes.add("truncated")
    elif malformed:
        notes.add("malformed_action")
        _note_thought(malformed, malformed.moves, notes)
    else:
        notes.add("missing_action")
    for turn in turns[1:]:
        assert turn.opener is not None  # only the first turn has none
        notes.add(*_BEHIND[turn.opener.kind])


def _only(turn: WrittenTurn, notes: FlawNotes) -> PlacedMove | None:
    """The only move of a turn; none where there are different ones, or an action that
    could not be read (a worse action does not earn what a better one would not)."""
    real = [found for found in turn.found if not found.written.nothing]
    if not real:
        notes.add("malformed_action" if turn.malformed else "missing_action")
        return None
    if len(real) < len(turn.found):
        notes.add("null_action")
    if len(real) > 1:
        answers = sum(found.answers(turn) for found in real)
        both = 0 < answers < len(real)
        notes.add(
            "action_and_answer" if both else "several_answers" if answers else "several_actions"
        )
    if len({found.written.move for found in real}) > 1 or turn.malformed:
        return None
    if real[0].written.move is None:
        notes.add(*real[0].written.flaws)
        return None
    return real[0]


def _may_stand(turns: Sequence[WrittenTurn], found: PlacedMove, notes: FlawNotes) -> bool:
    """Whether what the model wrote before the move leaves it standing: an answer behind
    its own observation never does, nor anything behind a question that it asked itself
    (unless that question opens the text: then it is the one that was asked)."""
    opening = len(turns) == 2 and not turns[0].thought
    stands = True
    for turn in turns[1:]:
        assert turn.opener is not None
        notes.add(*_BEHIND[turn.opener.kind])
        if turn.opener.kind == "observation":
            stands &= isinstance(found.written.move, Action)
        else:
            stands &= opening
    return stands


# --- what is wrong with it --------------------------------------------------------------


def _note_flaws(turn: WrittenTurn, found: PlacedMove, notes: FlawNotes) -> None:
    """What is wrong with the move, the thought before it and the text after it."""
    notes.add(*found.written.flaws)
    for part in turn.parts[: found.first + 1]:
        notes.add(*part.flaws)
    _note_thought(turn, found.first, notes)
    if turn.malformed:
        notes.add("malformed_action")
    notes.add(*_leftover(found.written.rest))
    notes.add(*_leftover(turn.parts[found.after - 1].rest(found.written.used)))
    for part in turn.parts[found.after :]:
        notes.add(*_BEHIND.get(part.kind, ()))


def _note_thought(turn: WrittenTurn, first: int, notes: FlawNotes) -> None:
    """What is wrong with the thought before the part ``first``."""
    thoughts = [part for part in turn.parts[:first] if part.kind == "thought"]
    if not turn.thought.strip("`~ \n"):
        notes.add("missing_thought")
    if sum(bool(part.text) for part in thoughts) > 1:
        notes.add("several_thoughts")
    if any(part.text.rpartition("\n")[2].startswith(FENCES) for part in thoughts):
        notes.add("code_fence")


def _leftover(text: str) -> tuple[str, ...]:
    """The flaw that text behind a move is, if it is any."""
    bare = text.replace("</tool_call>", "`").strip()
    if not bare:
        return ()
    if bare.strip("*_`~#>-+= \t\n"):
        return ("trailing_text",)
    return ("code_fence",) if bare.startswith(FENCES) else ("decorated",)


def _note_following(turns: Sequence[WrittenTurn], found: PlacedMove, notes: FlawNotes) -> None:
    """The boundary behind the move. An empty observation label behind an action is the
    form itself, where no stop string has cut it off."""
    if not turns:
        return
    opener = turns[0].opener
    assert opener is not None  # only the first turn has none
    alone = len(turns) == 1 and not opener.text and not turns[0].parts
    acted = isinstance(found.written.move, Action)
    if not (opener.kind == "observation" and alone and acted):
        notes.add(*_BEHIND[opener.kind])
    if opener.kind == "observation":
        notes.add(*opener.flaws)
