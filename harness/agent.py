"""The ReAct loop: a generator that asks for text and tool answers and does no I/O.

It is handed the task, the prompt, the limits and the protocol. A step that cannot be read
never raises: the model is told so in a fixed observation. An engine or a world that fails
ends the episode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import replace

from harness.prompts import Prompt
from harness.protocol import Protocol, observation_line
from harness.types import (
    Act,
    Action,
    Answer,
    Completion,
    Episode,
    Generate,
    Limits,
    Observation,
    Parsed,
    Status,
    Step,
    Task,
)

# What a finished generation means for the episode when it cannot go on.
_ENDS: dict[str, Status] = {
    "context": "context_limit",
    "deadline": "deadline",
    "error": "engine_error",
}
_UNSERVED = ("unavailable", "not_on_tape")

React = Generator[Generate | Act, Completion | Observation, Episode]


def react(
    task: Task,
    prompt: Prompt,
    limits: Limits,
    protocol: Protocol,
    *,
    seed: int = 0,
    trial: int = 0,
) -> React:
    """Drive one episode: yields Generate or Act, is sent what came back, returns the Episode.

    ``protocol`` reads completions and writes what is sent back. ``seed`` is the run's,
    ``trial`` (from 0) tells repetitions of a task apart.
    """
    steps: list[Step] = []

    def end(status: Status, answer: str = "", detail: str = "") -> Episode:
        return Episode(task.id, trial, status, tuple(steps), answer, detail=detail)

    pieces = prompt.opening(task.question)
    while len(steps) < (1 if protocol.probe else limits.steps):
        budget = limits.episode_tokens - sum(step.completion.tokens for step in steps)
        if budget <= 0:
            return end("token_limit")
        completion = yield Generate(
            pieces,
            prompt.stop,
            min(limits.step_tokens, budget),
            step_seed(seed, task.id, trial, len(steps)),
        )
        assert isinstance(completion, Completion)
        parsed = protocol.read(completion)
        if completion.finish in _ENDS:
            steps.append(Step(completion, parsed))
            return end(_ENDS[completion.finish], detail=completion.error)
        if isinstance(parsed.move, Answer):
            steps.append(Step(completion, parsed))
            return end("answered", parsed.move.text)
        if protocol.probe:
            steps.append(Step(completion, parsed))
            return end("step_limit" if parsed.move else "unreadable")
        observation = yield from _observe(parsed, protocol, limits)
        steps.append(Step(completion, parsed, observation))
        if observation.outcome in _UNSERVED:
            return end("tool_unavailable", detail=observation.text)
        if _unreadable_in_a_row(steps) >= limits.unreadable:
            return end("unreadable")
        pieces = protocol.dialect.reply(completion, observation)
    return end("step_limit")


def step_seed(seed: int, task_id: str, trial: int, step: int) -> int:
    """A seed of 31 bits for one generation, the same whatever ran before it."""
    digest = hashlib.sha256(
        f"{seed}/{task_id}/{trial}/{step}".encode("utf-8", "surrogatepass")
    ).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _observe(
    parsed: Parsed, protocol: Protocol, limits: Limits
) -> Generator[Act, Completion | Observation, Observation]:
    """Carry out the move, or say that there was none that could be read."""
    if not isinstance(parsed.move, Action):
        return Observation(protocol.dialect.notice, "unreadable")
    raw = yield Act(parsed.move.tool, parsed.move.input)
    assert isinstance(raw, Observation)
    return replace(raw, text=observation_line(raw.text, limits.observation_chars))


def _unreadable_in_a_row(steps: list[Step]) -> int:
    count = 0
    for step in reversed(steps):
        if step.parsed.move is not None:
            break
        count += 1
    return count
