"""Replays written completions instead of running a model: for tests and for baselines.

Scripts by name: ``perfect`` follows the gold actions, ``memory`` answers at once without a
tool, ``random`` babbles, ``faulty`` fails now and then, ``slow``, ``hangs`` and ``dies`` do
what they say. Tests pass a function instead.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.common.hints import hint
from harness.engines.histories import Call, Histories, History
from harness.types import (
    Completion,
    EngineError,
    EngineSettings,
    Generate,
    Model,
    Piece,
    Task,
    UserError,
)

# (task, number of earlier completions, seed) -> what the model writes next
Script = Callable[[Task, int, int], str | Completion]


@dataclass(eq=False)
class _Played(History[Call]):
    """One episode: the task that its question belongs to, and the completions so far."""

    task: Task | None = None
    turn: int = 0


class ScriptedEngine:
    """Replays a script; ``slots`` episodes at once, one completion a step each.

    ``tasks`` are those of the suite; an episode's task is found by its question.
    """

    def __init__(
        self, script: Script, tasks: Sequence[Task], slots: int = 8, name: str = "script"
    ) -> None:
        self.slots = slots
        self.facts: dict[str, object] = {"script": name, "slots": slots}
        self._script = script
        self._tasks = {task.question: task for task in tasks}
        self._histories = Histories(slots, _Played)

    def start(self, prefix: Sequence[Piece]) -> int:
        text = "".join(piece.text for piece in prefix)
        words = len(text.split())
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self.facts |= {"prefix_tokens": words, "prefix_tokens_sha256": digest}
        return words

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.open(episode_id)
        history.task = history.task or self._find_task(request)
        history.call = Call(request=request, deadline=deadline)

    def step(self) -> list[tuple[str, Completion]]:
        for history in self._histories.live():
            assert history.call and history.task
            self._histories.end(history, self._complete(history.call, history.task, history.turn))
            history.turn += 1
        return self._histories.take_ended()

    def finish(self, episode_id: str) -> None:
        self._histories.finish(episode_id)

    def close(self) -> None:
        self._histories.clear()

    def _find_task(self, request: Generate) -> Task:
        text = "".join(piece.text for piece in request.pieces)
        for question, task in self._tasks.items():
            if question in text:
                return task
        raise EngineError("the scripted engine was asked a question that is not in the suite")

    def _complete(self, call: Call, task: Task, turn: int) -> Completion:
        if call.late:
            return Completion("", "deadline")
        written = self._script(task, turn, call.request.seed)
        return written if isinstance(written, Completion) else cut_text(written, call.request)


def cut_text(text: str, request: Generate) -> Completion:
    """``text`` as a model that writes it word by word would end it: at a stop string of the
    request, or after ``max_tokens`` words."""
    hits = [(text.find(stop), stop) for stop in request.stop if stop in text]
    at, stop = min(hits, default=(-1, ""))
    body = text[:at] if stop else text
    words = re.findall(r"\s*\S+", body)
    if len(words) > request.max_tokens:
        return Completion("".join(words[: request.max_tokens]), "length", tokens=request.max_tokens)
    return Completion(body, "stop" if stop else "eos", stop, tokens=len(words) + 1)


def perfect(task: Task, turn: int, seed: int) -> str:
    """Follow the gold actions, then give the canonical answer."""
    if turn < len(task.gold_actions):
        gold = task.gold_actions[turn]
        action = f"{gold.tool}: {gold.expr or gold.input_any[0]}"
        return f" I use {gold.tool}.\nAction: {action}\nObservation:"
    answer = "unknown" if task.answer.type == "abstain" else task.answer.accepted[0]
    return f" I know the answer.\nAnswer: {answer}\n\nQuestion:"


def from_memory(task: Task, turn: int, seed: int) -> str:
    """Answer from memory at once: right only where nothing had to be looked up."""
    known = not task.gold_actions and task.answer.accepted
    return f" I know this.\nAnswer: {task.answer.accepted[0] if known else '1900'}\n\nQuestion:"


def babble(task: Task, turn: int, seed: int) -> str:
    """Words, labels and tools in random order."""
    rng = random.Random(seed)
    words = [
        "Action:",
        "Answer:",
        "Thought:",
        "calculate:",
        "wikipedia:",
        "|",
        "7",
        "the",
        "town",
        "*",
    ]
    said = " ".join(rng.choices(words, k=rng.randint(3, 20)))
    return " " + said.replace("|", "\n")


def faulty(task: Task, turn: int, seed: int) -> str | Completion:
    """As ``perfect``, but one generation in ten fails in the engine."""
    if random.Random(seed).random() < 0.1:
        return Completion("", "error", error="injected fault")
    return perfect(task, turn, seed)


def slow(task: Task, turn: int, seed: int) -> str:
    """As ``perfect``, but every generation takes a twentieth of a second."""
    time.sleep(0.05)
    return perfect(task, turn, seed)


def hangs(task: Task, turn: int, seed: int) -> str:
    """Never comes back, as a deadlock in native code does."""
    while True:
        time.sleep(3600)


def dies(task: Task, turn: int, seed: int) -> str:
    """Takes the whole process down, as a fault in native code does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return ""


SCRIPTS: Mapping[str, Script] = {
    "perfect": perfect,
    "memory": from_memory,
    "random": babble,
    "faulty": faulty,
    "slow": slow,
    "hangs": hangs,
    "dies": dies,
}


def load(model: Model, settings: EngineSettings, tasks: Sequence[Task]) -> ScriptedEngine:
    """Open a script by name; it plays ``tasks``. Raises UserError for an unknown name."""
    if model.source not in SCRIPTS:
        known = hint(model.source, SCRIPTS)
        raise UserError(f"model {model.name}: no script {model.source!r}; {known}")
    return ScriptedEngine(SCRIPTS[model.source], tasks, settings.slots or 8, model.source)
