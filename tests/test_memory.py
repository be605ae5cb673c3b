"""How much a model takes, against what llama.cpp says, and how many episodes it is given."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_gguf import ARCHITECTURES, write_tiny

from harness.engines.llama_cpp import capacity, native
from harness.engines.llama_cpp.context import Context
from harness.models import gguf, memory
from harness.types import EngineSettings, UserError

GIB, MIB = 1 << 30, 1 << 20
# 4 GiB of weights; 0.5 MiB of cache and 68 KiB of scores a cell
SEVEN_B = gguf.GgufFacts("m.gguf", "llama", size_bytes=4 * GIB, kv_bytes=MIB // 2, heads=32)


def device(total: float, free: float | None = None, slots: int = 8) -> memory.Device:
    return memory.Device("machine", slots, int(total * GIB), int((free or total) * GIB))


@pytest.mark.parametrize("slots", [1, 4, 16])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_prediction_is_what_llama_cpp_takes(
    tmp_path: Path, architecture: str, slots: int
) -> None:
    path = write_tiny(tmp_path / "m.gguf", architecture, width=512, layers=8, unused=8000)
    facts = gguf.inspect(path)
    with native.model_opened(str(path)) as model:
        native.log.clear()
        cells = memory.USUAL_PREFIX + slots * 1536
        context = Context(model, str(path), cells, slots + 1, 1, on_gpu=False)
        said = [re.search(r"buffer size = +([\d.]+) MiB", line) for line in native.log.lines()]
        context.close()
    taken = facts.size_bytes + MIB * sum(float(found[1]) for found in said if found)
    assert memory.needed(facts, slots, 1536) == pytest.approx(taken, rel=0.12)


@pytest.mark.parametrize(("gib", "slots"), [(64, 8), (16, 4), (12, 2), (8, 1), (4, 0)])
def test_slots_shrink_to_what_a_device_has(gib: int, slots: int) -> None:
    """12 GiB, of which 9.6 are usable: 4 slots of 2,048 tokens would need 4 + 5 + 0.7."""
    assert memory.plan(SEVEN_B, device(gib), 2048) == slots


def test_slots_do_not_change_with_what_other_programs_hold() -> None:
    free = [memory.plan(SEVEN_B, device(32, free), 2048) for free in (30, 12, 1)]
    assert free == [8, 8, 8]


@pytest.mark.parametrize(
    ("settings", "where", "says"),
    [
        (EngineSettings(), device(2), r"m\.gguf: needs about [\d.]+ GiB .* smaller quantisation"),
        (EngineSettings(slots=8), device(9), r"with 8 slots .* use --slots 4"),
        (EngineSettings(), device(32, 8), r"8\.0 of 32\.0 GiB free; use --slots 2, close other"),
        (EngineSettings(slots=100), device(64), r"use --slots 50"),
        (EngineSettings(slots=300), device(1 << 20), r"--slots 300: llama\.cpp holds at most 255"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    settings: EngineSettings, where: memory.Device, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        capacity.plan_slots(SEVEN_B, settings, where)


def test_asked_slots_are_taken_where_they_fit() -> None:
    settings = EngineSettings(slots=3)
    assert capacity.plan_slots(SEVEN_B, settings, device(64)) == 3
    gpu = replace(device(64, slots=16), name="GPU")
    assert capacity.plan_slots(SEVEN_B, EngineSettings(), gpu) == 16


def test_more_slots_where_they_pay() -> None:
    plain, amx = capacity.cpu_slots("CPU : AVX = 1"), capacity.cpu_slots("CPU : AMX_INT8 = 1")
    assert 1 < plain < amx <= memory.GPU_SLOTS


def test_this_machine_has_memory() -> None:
    here = memory.machine()
    assert 0 < here.free <= here.total and not here.on_gpu
