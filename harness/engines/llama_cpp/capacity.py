"""How many episodes llama.cpp holds at once, on the device where this build runs a model."""

from __future__ import annotations

from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.models import memory
from harness.models.gguf import GgufFacts
from harness.models.memory import AMX_SLOTS, CPU_SLOTS, GIB, GPU_SLOTS, Device
from harness.types import EngineSettings, UserError


def device_for(settings: EngineSettings) -> Device:
    """Where this build runs a model: the GPU when all layers go there, else the machine."""
    if native.offloads() and settings.gpu_layers < 0:
        gpus = [device for device in native.devices() if device.kind == "gpu"]
        total, free = sum(gpu.total for gpu in gpus), sum(gpu.free for gpu in gpus)
        return Device("GPU", GPU_SLOTS, total, free)
    partly = native.offloads() and settings.gpu_layers > 0
    return memory.machine(GPU_SLOTS if partly else cpu_slots(native.system_info()))


def cpu_slots(info: str) -> int:
    """How many episodes at once are fast with this build's kernels."""
    return AMX_SLOTS if native.has_amx(info) else CPU_SLOTS


def plan_slots(facts: GgufFacts, settings: EngineSettings, device: Device) -> int:
    """Episodes to hold at once: what the settings say, else ``memory.plan``.

    Raises UserError for more than llama.cpp can hold, or than fits what is free on ``device``.
    """
    most = int(lib.llama_max_parallel_sequences()) - 1  # one holds the prefix
    if settings.slots > most:
        raise UserError(
            f"--slots {settings.slots}: llama.cpp holds at most {most} episodes at once"
        )
    room = settings.episode_tokens
    slots = settings.slots or memory.plan(facts, device, room)
    if slots and memory.fits_now(facts, slots, room, device):
        return slots
    fewer = slots
    while fewer and not memory.fits_now(facts, fewer, room, device):
        fewer //= 2
    advice = f"use --slots {fewer}" if fewer else "choose a smaller quantisation"
    advice += ", close other programs" if device.free < memory.USABLE * device.total else ""
    advice += ", put fewer layers on the GPU (--gpu-layers)" if device.on_gpu else ""
    size = memory.needed(facts, max(1, slots), room, device.on_gpu)
    raise UserError(
        f"{facts.path}: needs about {size / GIB:.1f} GiB with {max(1, slots)} slots "
        f"({facts.size_bytes / GIB:.1f} of weights) and this {device.name} has "
        f"{device.free / GIB:.1f} of {device.total / GIB:.1f} GiB free; {advice}"
    )
