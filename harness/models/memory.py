"""How much memory a model takes, and how many episodes at once fit into it.

Doctor, ``models`` and the engines all ask here. The number of slots follows from the model and
from the memory that a device has, since slots can change a result. What is free at the moment
only decides whether the model is opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.models.gguf import GgufFacts

GIB = 1 << 30
# Episodes at once, where more were slower: every token attends over the cells of all of them.
# On a CPU measured (1M to 350M weights; AMX works on 16 rows at a time), on a GPU assumed.
CPU_SLOTS, AMX_SLOTS, GPU_SLOTS = 4, 16, 16
TORCH_SLOTS, TORCH_GPU_SLOTS = 4, 8  # of the transformers engine
BATCH = 512  # tokens that one llama_decode takes
USUAL_PREFIX = 2048  # tokens of a few-shot prompt, which is not known when memory is planned
USABLE = 0.8  # of a device's memory; the rest is for the system and for other programs


@dataclass(frozen=True)
class Device:
    """Where a model runs: "machine" or "GPU". ``slots``: episodes at once that are fast there;
    ``total`` and ``free`` count bytes, within a container's limit."""

    name: str
    slots: int
    total: int
    free: int

    @property
    def on_gpu(self) -> bool:
        return self.name == "GPU"


def machine(slots: int = CPU_SLOTS) -> Device:
    """This machine's memory as llama.cpp's CPU code uses it."""
    import psutil

    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit.isdigit() and used.isdigit() and int(limit) < total:
        total = int(limit)
        free = max(0, min(free, total - int(used) + _reclaimable()))
    return Device("machine", slots, total, free)


def _reclaimable() -> int:
    """Page cache that counts as used by a container and gives way when needed."""
    match = re.search(r"^inactive_file (\d+)$", _cgroup("memory.stat"), re.MULTILINE)
    return int(match[1]) if match else 0


def _cgroup(name: str) -> str:
    try:
        return Path("/sys/fs/cgroup", name).read_text().strip()
    except OSError:
        return ""


def needed(facts: GgufFacts, slots: int, room: int, on_gpu: bool = False) -> int:
    """Bytes that a model takes with so many episodes of ``room`` tokens each.

    Weights, and for every cell (a token that is remembered) keys and values in f16. All
    layers hold all cells, sliding windows too: a shared prefix can be copied only whole. Then
    for each sequence a row of logits and the states of recurrent layers, and working memory for
    a batch: activations, a mask, and without flash attention (on a CPU) a score for every head
    and cell. Against what llama.cpp says it takes for four models of 0.1B to 1.5B with 1 to 16
    slots: -1 to +4 %.
    """
    cells = USUAL_PREFIX + slots * room
    sequences = (slots + 1) * (4 * facts.vocab + facts.state_bytes)
    heads = 0 if on_gpu else facts.heads
    scores = 8 + 4 * heads if facts.kv_bytes else 0  # bytes a cell, for each token of a batch
    work = BATCH * (cells * scores + 16 * facts.width)
    return facts.size_bytes + facts.kv_bytes * cells + sequences + work


def plan(facts: GgufFacts, device: Device, room: int) -> int:
    """Episodes at once for a model on a device: what is fast there, or the largest half,
    quarter … of it for which there is memory; 0 = none."""
    slots = device.slots
    while slots and needed(facts, slots, room, device.on_gpu) > USABLE * device.total:
        slots //= 2
    return slots


def fits_now(facts: GgufFacts, slots: int, room: int, device: Device) -> bool:
    """Whether a model with so many slots fits what is free."""
    return needed(facts, slots, room, device.on_gpu) <= device.free
