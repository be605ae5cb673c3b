"""Which models fit this machine, and with how many episodes at once.

``harness.models.memory`` has the arithmetic. A model whose file is not here is estimated from
its row.
"""

from __future__ import annotations

from functools import cache

from harness.common.packages import version_of
from harness.engines import kind_of
from harness.machine.child import ask_child
from harness.models import gguf, memory, weights
from harness.models.registry import Row
from harness.types import EngineSettings, UserError

# Bits a weight that files have, by nominal bits: those of Q4_K_M and Q8_0 at 7B.
_BITS_OF_FILES = {4: 4.85, 8: 8.5, 16: 16.0}
_HEAD_WIDTH, _USUAL_VOCAB = 128, 100_000


def slots_that_fit(row: Row, facts: gguf.GgufFacts | None, device: memory.Device) -> int | None:
    """Episodes at once that the engine will hold of a model on a device, 0 when it does not
    fit there now; None for what is not loaded here or whose size is not known. ``facts`` are
    those of its file, and the answer is the engine's own; without them it is an estimate from
    above."""
    model, room = row.model, EngineSettings().episode_tokens
    opened = kind_of(model).weights
    if not opened:
        return None
    size = row.origin.size or int(model.params * _BITS_OF_FILES.get(model.bits, 16.0) / 8)
    if facts is None and not size:
        return None
    facts = facts or usual_model(model.params, size)
    if opened == "folder":
        slots = memory.TORCH_GPU_SLOTS if device.on_gpu else memory.TORCH_SLOTS
    else:
        slots = memory.plan(facts, device, room)
    return slots if slots and memory.fits_now(facts, slots, room, device) else 0


def facts_of(row: Row) -> gguf.GgufFacts | None:
    """What a row's file says of itself; None where it is not here, or is no file, or damaged."""
    if kind_of(row.model).weights != "gguf":
        return None
    path = weights.local_path(row)
    try:
        return gguf.inspect(path) if path else None
    except UserError:
        return None


def usual_model(params: int, size_bytes: int) -> gguf.GgufFacts:
    """A transformer of so many weights without shared heads, at the usual shape of 128
    dimensions a layer: 12 d^2 weights a layer, and 4 d bytes a token in an f16 cache."""
    width = (params * 128 / 12) ** (1 / 3)
    return gguf.GgufFacts(
        path="",
        architecture="",
        params=params,
        size_bytes=size_bytes,
        width=int(width),
        heads=int(width / _HEAD_WIDTH),
        vocab=_USUAL_VOCAB,
        kv_bytes=int(4 * width * width / 128),
    )


@cache
def this_device() -> memory.Device:
    """Where llama.cpp will run models here; asked of a child once, the plain machine where
    llama.cpp is not installed or does not open. Free memory is as of the first call."""
    found = ask_child("llama_device") if version_of("llama-cpp-python") else {"error": ""}
    return memory.machine() if "error" in found else memory.Device(**found)
