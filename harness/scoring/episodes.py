"""Scores one finished episode: its steps, its path and its answer.

Every completion is read again, so an old run can be scored under new rules. No tool is
called again: the recorded observation shows what a call was worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from harness.protocol import Protocol
from harness.scoring.answers import match
from harness.scoring.numbers import find_quantities
from harness.scoring.records import EpisodeScore, StepScore
from harness.scoring.text import match_form, normalise
from harness.tools import TOOLS
from harness.types import Action, Answer, Episode, GoldAction, Observation, Parsed, Step, Task

# Generations that end an episode whatever they say ("time" stands in older records) …
_CUT_OFF = ("context", "deadline", "time", "error")
_NOT_THE_MODEL = ("deadline", "time", "error")  # … and that say nothing of how a model writes
_LOOKED = ("ok", "not_found")
_REFUSED = ("bad_argument", "unknown_tool")
LOOSE_ARGUMENT = (
    "loose_argument"  # the code of a call that a tool read only after mending its input
)
_CLOSE = Fraction(1, 10**9)  # relative; two spellings of one sum in binary floating point


@dataclass(frozen=True)
class _Call:
    """A tool call, and what came back: None for a probe, which carries nothing out."""

    action: Action
    observation: Observation | None


def score_episode(task: Task, episode: Episode, protocol: Protocol) -> EpisodeScore:
    """Score an episode under the present rules, with the protocol of its run.

    The episode ends at the first step that reads as an answer today; what the record holds
    beyond it is left out.
    """
    repair = protocol.repair
    read = _read_again(episode, protocol)
    calls = list(_calls(read, repair))
    status = _status(episode, read)
    said = _answer_text(read) if status == "answered" else ""
    verdict = match(task.answer, said, task.language)
    steps = tuple(_step_scores(read, repair))
    met, recovered = _recovered(read, repair)
    hops = _hops(task.gold_actions, calls)
    return replace(
        unscored(task, episode.trial, fault=_fault(status, read)),
        status=status,
        correct=verdict.strict,
        lenient=verdict.lenient,
        correct_strict=verdict.strict and all(step.strict for step in steps),
        rung=_rung(task, calls, hops, steps, status == "answered", verdict.strict),
        hops_right=sum(hops),
        tool_calls=len(calls),
        overuse=max(0, len(calls) - len(task.gold_actions)),
        underuse=max(0, len(task.gold_actions) - len(calls)),
        verdict=verdict,
        steps=steps,
        tokens=sum(step.completion.tokens for step in episode.steps),
        seconds=episode.seconds,
        errors_met=met,
        recovered=recovered,
    )


def unscored(task: Task, trial: int = 0, *, fault: str = "harness") -> EpisodeScore:
    """A planned episode that has no record: it stands beside the denominator, not in it."""
    return EpisodeScore(
        task_id=task.id,
        trial=trial,
        category=task.category,
        language=task.language,
        cluster=task.cluster or task.id,
        status="missing",
        fault=fault,
        correct=False,
        lenient=False,
        correct_strict=False,
        rung=0,
        hops_right=0,
        hops=len(task.gold_actions),
        tool_calls=0,
        overuse=0,
        underuse=0,
        verdict=match(task.answer, "", task.language),
        steps=(),
    )


def _fault(status: str, read: Sequence[tuple[Step, Parsed]]) -> str:
    """Who failed, if it was not the model: "" when the episode counts."""
    outcomes = [step.observation.outcome for step, _ in read if step.observation]
    if status == "engine_error":
        return "engine"
    if status == "time_limit":  # an older record: the harness's own clock ended it
        return "harness"
    if status == "tool_unavailable" or "unavailable" in outcomes or "not_on_tape" in outcomes:
        return "tool"
    return "" if read else "harness"


# --- reading again ----------------------------------------------------------------------


def _read_again(episode: Episode, protocol: Protocol) -> list[tuple[Step, Parsed]]:
    """The steps with today's reading of each, up to the first that is an answer."""
    read: list[tuple[Step, Parsed]] = []
    for step in episode.steps:
        parsed = protocol.read(step.completion)
        read.append((step, parsed))
        if _is_answer(step, parsed):
            break
    return read


def _is_answer(step: Step, parsed: Parsed) -> bool:
    return isinstance(parsed.move, Answer) and step.completion.finish not in _CUT_OFF


def _answer_text(read: Sequence[tuple[Step, Parsed]]) -> str:
    move = read[-1][1].move
    return move.text if isinstance(move, Answer) else ""


def _status(episode: Episode, read: Sequence[tuple[Step, Parsed]]) -> str:
    if read and _is_answer(*read[-1]):
        return "answered"
    return "unreadable" if episode.status == "answered" else episode.status


def _calls(read: Iterable[tuple[Step, Parsed]], repair: bool) -> Iterator[_Call]:
    """The calls that the model made, as read today."""
    for step, parsed in read:
        if isinstance(parsed.move, Action) and step.completion.finish not in _CUT_OFF:
            answered = _outcome(step, parsed, repair) not in ("", *_REFUSED)
            yield _Call(parsed.move, step.observation if answered else None)


def _outcome(step: Step, parsed: Parsed, repair: bool) -> str:
    """What came of a step, "" where the record cannot tell.

    An observation counts only for the move that it answered: where today's reading differs
    from the one the run acted on, nobody knows what the tool would have said. Without
    repairs a tool refuses what it would have had to mend."""
    if step.observation is None or step.parsed.move != parsed.move:
        return ""
    if step.observation.repairs and not repair:
        return "bad_argument"
    return step.observation.outcome


# --- steps ------------------------------------------------------------------------------


def _step_scores(read: Iterable[tuple[Step, Parsed]], repair: bool) -> Iterator[StepScore]:
    """Well-formedness of each step, and what only its surroundings show to be wrong."""
    done: set[tuple[str, str]] = set()
    for step, parsed in read:
        if step.completion.finish in _NOT_THE_MODEL:
            continue
        errors = list(parsed.errors)
        mended: tuple[str, ...] = ()
        if isinstance(parsed.move, Action):
            outcome = _outcome(step, parsed, repair)
            if outcome in _REFUSED:
                errors.append(outcome)
            elif outcome and step.observation and (mended := step.observation.repairs):
                errors.append(LOOSE_ARGUMENT)
            key = (parsed.move.tool, normalise(parsed.move.input))
            errors += ["repeated_action"] if key in done else []
            done.add(key)
        asked_well = not mended and "bad_argument" not in errors
        strict = parsed.move is not None and not parsed.errors and asked_well
        yield StepScore(
            strict,
            parsed.move is not None,
            tuple(dict.fromkeys(errors)),
            (*parsed.repairs, *mended),
        )


def _recovered(read: Sequence[tuple[Step, Parsed]], repair: bool) -> tuple[int, int]:
    """How many errors a model was told of and had another step after, and after how many of
    them that next step put it right.

    A call that a tool refused is put right by a call of the same tool that it takes, a call
    of no tool by one of any tool that is taken, a step that could not be read by such a call
    or an answer."""
    met = mended = 0
    for (step, parsed), (later, then) in pairwise(read):
        outcome = _outcome(step, parsed, repair)
        if outcome not in (*_REFUSED, "unreadable") or later.completion.finish in _NOT_THE_MODEL:
            continue
        met += 1
        if isinstance(then.move, Action):
            same = isinstance(parsed.move, Action) and parsed.move.tool == then.move.tool
            taken = _outcome(later, then, repair) in _LOOKED
            mended += taken and (same or outcome != "bad_argument")
        else:
            mended += outcome == "unreadable" and _is_answer(later, then)
    return met, mended


# --- the path ---------------------------------------------------------------------------


def _rung(
    task: Task,
    calls: Sequence[_Call],
    hops: Sequence[bool],
    steps: Sequence[StepScore],
    answered: bool,
    correct: bool,
) -> int:
    """How many rungs of ``RUNGS`` were reached, each only on top of those below it.

    A task without gold actions asks for no tool: there the three rungs in the middle are
    reached by giving an answer at all.
    """
    gold = task.gold_actions
    reached = [any(step.readable for step in steps)]
    if gold:
        reached.append(any(call.action.tool == action.tool for call in calls for action in gold))
        reached.append(any(hops))
        reached.append(
            any(_shows(gold[-1], call) for call in calls)
            if gold[-1].observation_contains
            else hops[-1]
        )
    else:
        reached += [answered] * 3
    reached.append(correct)
    return next((i for i, rung in enumerate(reached) if not rung), len(reached))


def _hops(golds: Sequence[GoldAction], calls: Sequence[_Call]) -> list[bool]:
    """Which gold actions some call did."""
    return [any(_does(gold, call, golds) for call in calls) for gold in golds]


def _does(gold: GoldAction, call: _Call, golds: Sequence[GoldAction]) -> bool:
    """The call has an input known to be right, or another that brought the same to light:
    so two expressions are equal when their values are.

    A call that is one hop is not another one as well: the page of the second hop often
    names what the first had to find."""
    if call.action.tool != gold.tool:
        return False
    if _has_known_input(gold, call):
        return True
    other = any(_has_known_input(g, call) for g in golds if g.tool == gold.tool)
    return bool(gold.observation_contains) and not other and _shows(gold, call)


def _has_known_input(gold: GoldAction, call: _Call) -> bool:
    if gold.expr:
        return "".join(call.action.input.split()) == "".join(gold.expr.split())
    return normalise(call.action.input) in map(normalise, gold.input_any)


def _shows(gold: GoldAction, call: _Call) -> bool:
    """The observation holds the evidence. Of two numbers, 144 is not in 1440, but 7.4 is in
    7.4629: a suite may state a quotient cut off."""
    if call.observation is None or call.observation.outcome not in _LOOKED:
        return False
    evidence, text = match_form(gold.observation_contains), match_form(call.observation.text)
    wanted, shown = _number_in(gold.observation_contains), _number_in(call.observation.text)
    numeric = gold.tool in TOOLS and TOOLS[gold.tool].numeric
    if numeric and wanted is not None and shown is not None:
        cut_off = "." in evidence and text.startswith(evidence)
        return cut_off or abs(wanted - shown) <= _CLOSE * abs(wanted)
    return evidence in text


def _number_in(text: str) -> Fraction | None:
    found = find_quantities(text)
    return found[0].value if len(found) == 1 else None
