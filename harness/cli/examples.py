"""Reads a prompt's worked examples, checks them, and asks a model to reproduce them.

A model that cannot reproduce an example from its own prompt will not follow it elsewhere.
While it answers an example's question, the tools return the example's observations, and
nothing for any other call.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.prompts import Prompt
from harness.protocol import Protocol
from harness.report.words import move_words
from harness.run import worker
from harness.run.plan import RunPlan
from harness.scoring.text import normalise
from harness.tools import TOOLS, WORDING, Toolbox, needs_world
from harness.types import (
    Action,
    Answer,
    Completion,
    EngineSettings,
    Episode,
    GoldAction,
    Model,
    Move,
    Parsed,
    Suite,
    Target,
    Task,
    UserError,
    WorldSpec,
)
from harness.worlds import recorded
from harness.worlds.none import NoWorld


@dataclass(frozen=True)
class ExampleTurn:
    """What the example's model writes, how that reads, and the observation after it."""

    parsed: Parsed
    observation: str


@dataclass(frozen=True)
class Example:
    """One worked example, from its question to its last move."""

    question: str
    turns: tuple[ExampleTurn, ...]

    @property
    def moves(self) -> tuple[Move | None, ...]:
        """What is to be reproduced."""
        return tuple(turn.parsed.move for turn in self.turns)


@dataclass(frozen=True)
class Replay:
    """An example's question put to a model: how many moves from the first one on are those
    of the example, what came instead of the next one ("" = nothing), and whose fault an
    unscored one is."""

    example: Example
    same: int
    instead: str
    fault: str = ""

    @property
    def reproduced(self) -> bool:
        """Every action and the answer."""
        return self.same == len(self.example.moves) and not self.instead


def read_examples(prompt: Prompt) -> list[Example]:
    """The worked examples before ``{question}``; none where the prompt has none."""
    protocol = prompt.protocol()
    before = "\n" + prompt.text.partition("{question}")[0]
    blocks = before.split(f"\n{protocol.dialect.labels.question}:")[1:-1]
    return [_example(protocol, block) for block in blocks]


def _example(protocol: Protocol, block: str) -> Example:
    labels = protocol.dialect.labels
    question, *written = block.split(f"\n{labels.thought}:")
    turns = []
    for text in written:
        said, stop, seen = text.partition(f"\n{labels.observation}:")
        parsed = protocol.read(Completion(said.rstrip(), "eos"))
        turns.append(ExampleTurn(parsed, seen.strip() if stop else ""))
    return Example(question.strip(), tuple(turns))


# --- without a model --------------------------------------------------------------------


def problems(prompt: Prompt) -> list[str]:
    """What is wrong with a prompt by itself; empty when it is sound."""
    if "{question}" not in prompt.text:
        return ["there is no {question} in it: every task would be asked the same"]
    examples = read_examples(prompt)
    if not examples:
        return ["no worked example stands before {question}"]
    found = [
        f"example {number}: {text}"
        for number, example in enumerate(examples, 1)
        for text in _wrong(prompt, example)
    ]
    used = Counter(move.tool for e in examples for move in e.moves if isinstance(move, Action))
    if not prompt.probe:
        found += [f"no example of the tool {tool}" for tool in prompt.tools if not used[tool]]
    return found


def _wrong(prompt: Prompt, example: Example) -> Iterator[str]:
    for turn in example.turns:
        if turn.parsed.errors:
            yield f"not well-formed itself: {', '.join(turn.parsed.errors)}"
        move = turn.parsed.move
        if isinstance(move, Action) and not needs_world(move.tool) and turn.observation:
            told = Toolbox((move.tool,), NoWorld()).call(move.tool, move.input).text
            if told != turn.observation:
                yield f"{move.tool}: {move.input} gives {told}, not {turn.observation}"
    if not example.turns:
        yield "it has no thought"
    elif isinstance(example.moves[-1], Action) and not prompt.probe:
        yield "it does not end in an answer"


# --- with a model -----------------------------------------------------------------------


def replay_examples(
    prompt: Prompt, model: Model, settings: EngineSettings = EngineSettings()
) -> list[Replay]:
    """Put each example's question to a model; the prompt stays as it is.

    Raises UserError for what the user can mend, an engine that gives up included.
    """
    examples = read_examples(prompt)
    tasks = tuple(_task(number, example) for number, example in enumerate(examples, 1))
    with tempfile.TemporaryDirectory() as folder:
        world = _tape(examples, Path(folder) / "examples.jsonl")
        suite = Suite("examples", "", "", tasks)
        plan = RunPlan(model, suite, prompt, world, settings=settings)
        episodes: dict[str, Episode] = {}
        for event in worker.supervise(plan):
            if isinstance(event, Episode):
                episodes[event.task_id] = event
            elif isinstance(event, worker.Failed):
                raise UserError(f"{model.name}: the {event.who} failed: {event.message}")
    pairs = zip(tasks, examples, strict=True)
    return [_how_far(example, episodes[task.id]) for task, example in pairs]


def _how_far(example: Example, episode: Episode) -> Replay:
    """How far an episode goes along with an example."""
    moves = [step.parsed.move for step in episode.steps]
    same = 0
    for ours, theirs in zip(example.moves, moves, strict=False):
        if _key(ours) != _key(theirs) or ours is None:
            break
        same += 1
    fault = "engine" if episode.status == "engine_error" else ""
    left = episode.steps[same:]
    if not left:
        return Replay(example, same, "", fault)
    move = left[0].parsed.move
    return Replay(
        example, same, (move_words(move) if move else "") or left[0].completion.text.strip(), fault
    )


def _key(move: Move | None) -> tuple[str, str]:
    if isinstance(move, Action):
        return move.tool, normalise(move.input)
    return "", normalise(move.text) if move else ""


def _task(number: int, example: Example) -> Task:
    """An example as a task, so that any engine can be asked it."""
    *actions, last = example.moves
    golds = tuple(
        GoldAction(move.tool, (move.input,)) for move in actions if isinstance(move, Action)
    )
    said = last.text if isinstance(last, Answer) else ""
    if isinstance(last, Action):  # a probe ends in a command, written as tool: input
        said = f"{last.tool}: {last.input}"
    target = Target("string", (said,))
    return Task(f"example-{number}", example.question, target, "example", gold_actions=golds)


def _tape(examples: Sequence[Example], path: Path) -> WorldSpec:
    """The examples' observations as a recorded world."""
    seen = [(turn.parsed.move, turn.observation) for e in examples for turn in e.turns]
    entries = [
        recorded.Entry(move.tool, move.input, "examples", WORDING, "ok", text)
        for move, text in seen
        if isinstance(move, Action) and move.tool in TOOLS and text
    ]
    if not entries:
        return WorldSpec("none")
    recorded.write_tape(entries, path)
    return WorldSpec("recorded", str(path))
