"""Makes a model ready to run: fetches its weights and validates its files before they are loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.engines import kind_of
from harness.models import gguf, hub, weights
from harness.models.download import OnProgress
from harness.models.registry import Row
from harness.types import Model

_PARAMS_APART = 0.02  # of the row's count; cards round


@dataclass(frozen=True)
class PreparedModel:
    """A model whose source is a place on this machine, and where that came from.

    ``warnings`` are one line each: the row and the file disagree. The file is right."""

    model: Model
    origin: str = ""
    warnings: tuple[str, ...] = ()


def prepare(
    row: Row,
    tell: hub.Tell = lambda line: None,
    progress: OnProgress | None = None,
    lock: Path = weights.LOCK_FILE,
) -> PreparedModel:
    """Fetch what is missing and look into it. Raises UserError for what cannot be run."""
    opened = kind_of(row.model).weights
    if not opened:
        return PreparedModel(row.model)
    path = weights.pull(row, tell, progress, lock)
    model = replace(row.model, source=str(path))
    commit = weights.commit(path) if row.origin.repo else ""
    origin = replace(row.origin, revision=commit or row.origin.revision).label
    if opened != "gguf":
        return PreparedModel(model, origin)
    facts = gguf.inspect(path)
    gguf.check_architecture(facts, known=True)  # the build at hand has the last word, in the worker
    return PreparedModel(model, origin, disagreements(row, facts))


def disagreements(row: Row, facts: gguf.GgufFacts) -> tuple[str, ...]:
    """Where a row says other than its file."""
    said, name = row.model, row.model.name
    found = []
    if said.params and abs(facts.params - said.params) > _PARAMS_APART * said.params:
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
