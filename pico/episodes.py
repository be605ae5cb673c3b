"""Training episodes: tasks of invented train worlds, solved with the harness's own tools.

What the harness would write (question, observations, labels) is written here by the same
code, so a model meets nothing new when it is benchmarked. Knows nothing of training.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from harness import prompts
from harness.prompts import Prompt
from harness.protocol import observation_line
from harness.suites.invent import Hop, Invented, Plan, invent
from harness.tools import Toolbox, describe_tools
from harness.types import Completion, Limits, Observation, Task
from harness.worlds import frozen
from pico import thoughts

SLIPS = 0.06  # the share of episodes with a wrong call to recover from
OBSERVED, WRITTEN, SLIP = "observed", "written", "slip"


@dataclass(frozen=True)
class Part:
    """A stretch of text and whose it is: the harness's, the model's, or a slip of the
    model's, which is in the history but nothing to learn."""

    text: str
    role: str


@dataclass(frozen=True)
class Transcript:
    """All that follows the few-shot prefix in one episode."""

    task: Task
    parts: tuple[Part, ...]
    recovers: bool

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


@lru_cache(maxsize=1)
def few_shot() -> Prompt:
    """The default prompt, as the harness renders it."""
    prompt = prompts.load_prompt("react")
    return prompts.render_prompt(prompt, describe_tools(prompt.tools))


def transcripts(seed: int, tasks: int) -> Iterator[Transcript]:
    """Every task of one train world, solved. The same seed gives the same text."""
    invented = invent(seed, tasks, split="train")
    chance = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.db"
        frozen.build_snapshot(invented.articles, path)
        world = frozen.FrozenWorld(path)
        toolbox = Toolbox(few_shot().tools, world)
        yield from _solve_all(invented, toolbox, chance)
        world.close()


def _solve_all(invented: Invented, toolbox: Toolbox, chance: Random) -> Iterator[Transcript]:
    for task, plan in zip(invented.tasks, invented.plans, strict=True):
        transcript = _Writer(task, plan, toolbox, chance).write()
        if transcript:
            yield transcript


class _Writer:
    """Writes one transcript, turn by turn."""

    def __init__(self, task: Task, plan: Plan, toolbox: Toolbox, chance: Random) -> None:
        self.task = task
        self.plan = plan
        self.toolbox = toolbox
        self.chance = chance
        opening = "".join(piece.text for piece in few_shot().opening(task.question))
        self.parts = [Part(opening, OBSERVED)]

    def write(self) -> Transcript | None:
        """The episode, or None when a tool does not bring what the plan counts on."""
        hops = thoughts.hops(self.task, self.plan)
        slip = self.chance.randrange(len(hops)) if self.chance.random() < SLIPS else -1
        wants = thoughts.before_hops(self.task, self.plan)
        observed, recovers = "", False
        for index, (hop, thought) in enumerate(zip(hops, wants, strict=True)):
            if index == slip and (correction := self._slip(hop, thought)):
                thought, recovers = correction, True
            observed = self._call(thought, hop.tool, hop.input, WRITTEN)
            if not all(
                value in observed for value in (hop.finds, *(value for _, value in hop.also))
            ):
                return None
        thought = thoughts.before_answer(self.task, self.plan, observed)
        ending = f" {thought}\nAnswer: {self.plan.answer}\n\nQuestion:"
        self.parts.append(Part(ending, WRITTEN))
        return Transcript(self.task, tuple(self.parts), recovers)

    def _slip(self, hop: Hop, thought: str) -> str:
        """Call the tool wrongly; the thought that puts it right, "" when nothing went wrong."""
        if hop.tool == "search":
            return ""
        if hop.tool == "calculate":
            wrong, correction = thoughts.miswritten(hop.input, self.chance)
        else:
            wrong = thoughts.misspelt(hop.input, self.chance)
            correction = f"I spelt it wrongly. The title is {hop.input}."
        if self.toolbox.call(hop.tool, wrong).outcome not in ("not_found", "bad_argument"):
            return ""
        self._call(thought, hop.tool, wrong, SLIP)
        return correction

    def _call(self, thought: str, tool: str, input: str, role: str) -> str:
        """One turn and what the harness sends back; the observation's text."""
        written = f" {thought}\nAction: {tool}: {input}\nObservation:"
        observation = self.toolbox.call(tool, input)
        shown = observation_line(observation.text, Limits().observation_chars)
        completion = Completion(written.removesuffix("Observation:"), "stop", stop="Observation:")
        dialect = few_shot().protocol().dialect
        reply = "".join(p.text for p in dialect.reply(completion, Observation(shown)))
        self.parts += [Part(written, role), Part(reply, OBSERVED)]
        return shown


def plain_texts(seed: int, tasks: int) -> Iterator[str]:
    """What the tokenizer learns from: the few-shot prefix and the episodes of one world."""
    yield few_shot().prefix
    for transcript in transcripts(seed, tasks):
        yield transcript.text
