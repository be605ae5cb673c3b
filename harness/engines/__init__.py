"""The engines: what each one declares, the contract they share, and ``create``, which opens one.

To add an engine, write one file (or folder) with ``load(model, settings)`` and add one line to
``ENGINES``. ``examples/engine.py`` is the smallest one.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from harness.common.hints import hint
from harness.types import Completion, EngineSettings, Generate, Model, Piece, Task, UserError

Weights = Literal["gguf", "folder", ""]


@dataclass(frozen=True)
class EngineKind:
    """What an engine declares. The rest of the harness reads this and never asks for a name.

    ``module`` holds ``load(model, settings) -> Engine``; where ``local`` is false also
    ``address_of(model) -> str``.
    ``variants`` are its keys in models.toml, with the bits per weight that each stands for
    (0 = not known). ``weights`` is what it opens on this machine: a GGUF file, a Hugging Face
    folder, or "" for nothing. ``packages`` are the distributions whose versions are recorded;
    ``extra`` is the optional dependency that installs them. ``local``: it computes on this
    machine, so these versions can change an episode. ``grammar``: it accepts a grammar.
    ``plays_tasks``: ``load`` takes the tasks with their gold actions as a third argument.
    """

    module: str
    variants: Mapping[str, int] = field(default_factory=dict)
    weights: Weights = ""
    packages: tuple[str, ...] = ()
    extra: str = ""
    local: bool = True
    grammar: bool = False
    plays_tasks: bool = False

    @property
    def install(self) -> str:
        """The command that installs what the engine needs."""
        return f"pip install 'harness[{self.extra}]'"


# name -> what it declares; a model's row names its engine by the key of a variant
ENGINES: dict[str, EngineKind] = {
    "llama_cpp": EngineKind(
        "harness.engines.llama_cpp.engine",
        variants={"q4": 4, "q8": 8, "f16": 16},
        weights="gguf",
        packages=("llama-cpp-python",),
        extra="llama",
        grammar=True,
    ),
    "transformers": EngineKind(
        "harness.engines.transformers.load",
        variants={"nf4": 4, "int8": 8, "bf16": 16},
        weights="folder",
        packages=("transformers", "torch", "bitsandbytes"),
        extra="transformers",
    ),
    "openai": EngineKind(
        "harness.engines.openai.engine",
        variants={"server": 0},
        packages=("httpx",),
        extra="openai",
        local=False,
    ),
    "scripted": EngineKind(
        "harness.engines.scripted", variants={"script": 0}, grammar=True, plays_tasks=True
    ),
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

    ``tasks`` go to an engine that declares ``plays_tasks``, and to no other. Raises UserError
    for what the user can mend (missing file, package not installed), EngineError for the rest.
    """
    temperature = settings.sampling.temperature
    if not 0 <= temperature < math.inf:
        raise UserError(f"--temperature {temperature}: expected 0 (greedy) or a number above it")
    kind = kind_of(model)
    if settings.grammar and not kind.grammar:
        able = " or ".join(name for name, each in ENGINES.items() if each.grammar and each.weights)
        raise UserError(f"model {model.name}: grammar mode needs the {able} engine")
    load = importlib.import_module(kind.module).load
    engine: Engine = load(model, settings, *([tasks] if kind.plays_tasks else []))
    return engine


def kind_of(model: Model) -> EngineKind:
    """What the engine of a model declares. Raises UserError for an engine that there is not."""
    try:
        return ENGINES[model.engine]
    except KeyError:
        said = f"no engine {model.engine!r}; {hint(model.engine, ENGINES)}"
        raise UserError(f"model {model.name}: {said}") from None


def opener_of(weights: Weights) -> str:
    """The name of the first engine that opens this kind of weights."""
    return next(name for name, kind in ENGINES.items() if kind.weights == weights)


def server_address(model: Model) -> str:
    """Where a model's requests go, "" for one that runs on this machine. Raises UserError where
    it should have a server and names none."""
    kind = kind_of(model)
    return "" if kind.local else str(importlib.import_module(kind.module).address_of(model))
