"""Scores the answer to a probe: the right command, the right input, and an end to it.

A probe asks for the next action only and carries nothing out, so the accepted answers of
its task are actions, written ``tool: input``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from harness.protocol import Protocol
from harness.scoring.episodes import LOOSE_ARGUMENT, score_episode
from harness.scoring.records import EpisodeScore, StepScore, Verdict
from harness.scoring.text import normalise
from harness.tools import TOOLS
from harness.types import Action, Episode, Move, Task

Grade = Literal["right", "more words", "other input", "other tool", "no command"]

RUN_ON = frozenset(
    (
        *("wrote_observation", "wrote_question", "role_leak", "trailing_text"),
        *("several_actions", "several_answers", "action_and_answer"),
    )
)
"""What a step may be blamed for after its first move."""

_RUNGS = {"no command": 0, "other tool": 1, "other input": 2, "more words": 2, "right": 3}
_SMALL = "a an the of in on at for to is are was were do does did what which who how many s"
_WORD = re.compile(r"\w+")


def score_probe(
    task: Task,
    episode: Episode,
    protocol: Protocol,
) -> EpisodeScore:
    """Score the one generation of a probe.

    ``correct`` is the right tool with an acceptable input, ``lenient`` lets the input have
    more words than that. Only a command to one of its tools counts as a move: an answer
    from memory is ``missing_action`` under every prompt.
    """
    plain = score_episode(task, episode, protocol)
    move = _move_today(episode, protocol)
    command = move if isinstance(move, Action) and move.tool in protocol.tools else None
    grade = grade_action(command, wanted(task))
    loose = tool_repairs(command)
    if loose and not protocol.repair:  # the tool would refuse it
        grade, loose = "other input", ()
    steps = tuple(_judged(step, command, loose) for step in plain.steps)
    return replace(
        plain,
        correct=grade == "right",
        lenient=grade in ("right", "more words"),
        correct_strict=grade == "right" and all(step.strict for step in steps),
        rung=_RUNGS[grade],
        hops=1,
        hops_right=int(grade == "right"),
        tool_calls=int(command is not None),
        overuse=0,
        underuse=int(command is None),
        verdict=Verdict(
            grade == "right", grade in ("right", "more words"), _shown(move), f"probe: {grade}"
        ),
        steps=steps,
    )


def wanted(task: Task) -> list[Action]:
    """The actions of which any is right: the accepted answers, or the inputs of the first
    gold action where a task of another suite has one."""
    if task.gold_actions:
        gold = task.gold_actions[0]
        return [Action(gold.tool, input) for input in (*gold.input_any, gold.expr) if input]
    pairs = (text.partition(": ") for text in task.answer.accepted)
    return [Action(tool, input) for tool, colon, input in pairs if colon]


def commands(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Every tool that some task wants: what a prompt of a person's own, which declares no
    tools, is taken to offer."""
    return tuple(dict.fromkeys(action.tool for task in tasks for action in wanted(task)))


def tool_repairs(move: Move | None) -> tuple[str, ...]:
    """What the tool of a move would have to mend to read its input."""
    tool = TOOLS.get(move.tool) if isinstance(move, Action) else None
    return tool.repairs(move.input) if tool and tool.repairs and isinstance(move, Action) else ()


def grade_action(move: Move | None, right: Iterable[Action]) -> Grade:
    """How near a move comes to one of the right actions.

    The tool says when two inputs are the same, as ``calculate`` does by their value. For other
    tools they are when they have the same words, small ones (the, of, what is …) and their
    order aside.
    """
    if not isinstance(move, Action):
        return "no command"
    inputs = [action.input for action in right if action.tool == move.tool]
    if not inputs:
        return "other tool"
    tool = TOOLS.get(move.tool)
    if tool and (same := tool.same_input):
        return "right" if any(same(move.input, input) for input in inputs) else "other input"
    said = _telling_words(move.input)
    if any(said == _telling_words(input) for input in inputs):
        return "right"
    return "more words" if any(said > _telling_words(input) for input in inputs) else "other input"


def ran_on(episode: Episode, score: EpisodeScore) -> bool:
    """Whether the model went on after its command, or never came to an end: a probe has no
    stop string, so only the model itself ends it."""
    cut_off = any(step.completion.finish == "length" for step in episode.steps)
    return cut_off or any(RUN_ON.intersection(step.errors) for step in score.steps)


def _move_today(episode: Episode, protocol: Protocol) -> Move | None:
    """Today's reading of the generation; None where there was none."""
    if not episode.steps or episode.steps[0].completion.finish in ("deadline", "time", "error"):
        return None
    return protocol.read(episode.steps[0].completion).move


def _judged(step: StepScore, command: Action | None, loose: tuple[str, ...]) -> StepScore:
    """The form of a step where nothing but a command is asked for."""
    if command is not None and loose:
        return replace(
            step,
            strict=False,
            errors=(*step.errors, LOOSE_ARGUMENT),
            repairs=(*step.repairs, *loose),
        )
    if command is not None:
        return step
    blame = () if {"missing_action", "unknown_tool"} & set(step.errors) else ("missing_action",)
    return replace(step, strict=False, readable=False, errors=(*step.errors, *blame), repairs=())


def _shown(move: Move | None) -> str:
    if move is None:
        return ""
    return f"{move.tool}: {move.input}" if isinstance(move, Action) else move.text


def _telling_words(text: str) -> frozenset[str]:
    """The words that tell one input from another; all of them where none would be left."""
    words = frozenset(_WORD.findall(normalise(text).replace("_", " ")))
    return words.difference(_SMALL.split()) or words
