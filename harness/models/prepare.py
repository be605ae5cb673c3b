"""A row made ready to run: its weights are here, are what they should be, and can be opened.

Everything that a file can be blamed for is said here, before a worker or llama.cpp sees it.
It knows rows, weights and GGUF headers; not prompts, runs or terminals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.engines import kind_of
from harness.models import gguf, registry, weights
from harness.models.download import Progress
from harness.models.registry import Row
from harness.types import Model

PARAMS_APART = 0.02  # of the row's count; cards round


@dataclass(frozen=True)
class Ready:
    """A model whose source is a place on this machine, and where that came from.

    ``warnings`` are one line each: the row and the file disagree. The file is right."""

    model: Model
    origin: str = ""
    warnings: tuple[str, ...] = ()


def prepare(
    row: Row,
    tell: weights.Tell = lambda line: None,
    progress: Progress | None = None,
    lock: Path = weights.LOCK,
) -> Ready:
    """Fetch what is missing and look into it. Raises UserError for what cannot be run."""
    opened = kind_of(row.model).weights
    if not opened:
        return Ready(row.model)
    path = weights.pull(row, tell, progress, lock)
    model = registry.at(row.model, str(path))
    commit = weights.commit(path) if row.origin.repo else ""
    origin = replace(row.origin, revision=commit or row.origin.revision).label
    if opened != "gguf":
        return Ready(model, origin)
    facts = gguf.inspect(path)
    gguf.check_architecture(facts, known=True)  # the build at hand has the last word, in the worker
    return Ready(model, origin, disagreements(row, facts))


def disagreements(row: Row, facts: gguf.GgufFacts) -> tuple[str, ...]:
    """Where a row says other than its file."""
    said, name = row.model, row.model.name
    found = []
    if said.params and abs(facts.params - said.params) > PARAMS_APART * said.params:
        found.append(
            f"{name}: its row says {said.params:,} parameters, the file has {facts.params:,}"
        )
    if said.bits and facts.bits and said.bits != facts.bits:
        measured = "" if facts.recipe_source == "file" else ", measured"
        found.append(
            f"{name}: its row says {said.bits} bits, the file is {facts.recipe}: {facts.bits} bits "
            f"({facts.bits_per_weight:.2f} a weight{measured})"
        )
    if row.context and facts.context_length and row.context != facts.context_length:
        found.append(
            f"{name}: its row says a context of {row.context:,} tokens, the file {facts.context_length:,}"
        )
    return tuple(found)
