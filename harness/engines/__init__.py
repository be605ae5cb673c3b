"""Engines: what turns a history into a completion. One contract, one table.

An engine never parses. It is shaped for continuous batching; a serial engine is the
case of one slot.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Protocol

from harness.types import Completion, EngineSettings, Generate, Model, Piece, Task, UserError

# name in models.toml -> module with a function load(model, settings, tasks) -> Engine
ENGINES = {
    "llama_cpp": "harness.engines.llama_cpp.engine",
    "transformers": "harness.engines.transformers.load",
    "openai": "harness.engines.openai.engine",
    "scripted": "harness.engines.scripted",
}


class Engine(Protocol):
    """Many histories over one model. Histories only grow and are dropped whole."""

    slots: int
    """Episodes it can hold at once."""

    facts: dict[str, object]
    """What the manifest records: the model as its file describes it, build, settings."""

    def start(self, prefix: Sequence[Piece]) -> int:
        """Evaluate the prompt that all episodes share, once; return its tokens.

        Adds ``prefix_tokens`` and ``prefix_tokens_sha256`` to ``facts``."""
        ...

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        """Append ``request.pieces`` to that episode's history and begin to generate.

        A new id begins a new history behind the shared prefix. ``deadline`` is a
        ``clock.awake()`` value (0 = none): past it the completion ends with "deadline".
        At most one request per episode may be under way."""
        ...

    def step(self) -> list[tuple[str, Completion]]:
        """Advance every live generation by about one token; return those that ended.

        Returns [] at once when nothing is under way. A fault of one episode is a
        Completion with finish "error"; a fault of the engine raises EngineError."""
        ...

    def finish(self, episode_id: str) -> None:
        """Drop the episode's history; unknown ids are ignored."""
        ...

    def close(self) -> None:
        """Free everything; the engine is not used again."""
        ...


def create(model: Model, settings: EngineSettings, tasks: Sequence[Task] = ()) -> Engine:
    """Open a model with the engine that its row names.

    ``tasks`` are read by the scripted engine alone. Raises UserError for what the user
    can mend (missing file, package not installed), EngineError for the rest.
    """
    temperature = settings.sampling.temperature
    if not 0 <= temperature < math.inf:
        raise UserError(f"--temperature {temperature}: expected 0 (greedy) or a number above it")
    if model.engine not in ENGINES:
        raise UserError(
            f"model {model.name}: no engine {model.engine!r}; there are {', '.join(ENGINES)}"
        )
    engine: Engine = importlib.import_module(ENGINES[model.engine]).load(model, settings, tasks)
    return engine
