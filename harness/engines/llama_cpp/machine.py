"""What this machine can carry for llama.cpp: threads, memory, and whether AMX crashes.

Decisions are pure functions of what was found, so that tests can ask about machines that
are not here. It loads a model only to try AMX, in a process of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness.common.files import cache_folder
from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.models import memory
from harness.models.gguf import GgufFacts
from harness.models.memory import AMX_SLOTS, CPU_SLOTS, GIB, GPU_SLOTS, Device
from harness.types import EngineSettings, UserError

PROBE_SECONDS = 600


def threads() -> int:
    """The most threads worth trying: physical cores this process may use, within a
    container's quota. _llama_threads finds out how many of them are fast."""
    allowed = _allowed_cpus()
    cores = _physical_cores(allowed) or len(allowed)
    return max(1, min(cores, _cpu_quota() or cores))


def idle_seconds() -> float:
    """How long the cores of this machine have been idle, all of them together."""
    import psutil

    return float(psutil.cpu_times().idle)


def patience(weights: int) -> float:
    """Seconds in which a batch of one token a sequence ends on any machine in use, if its
    threads do not hinder each other: ten times what reading ``weights`` bytes takes at 10
    GB/s. On a machine with several busy programs two threads took 13 s for what one did
    in 0.2."""
    return max(1.0, 10 * weights / 10e9)


def _allowed_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _physical_cores(allowed: set[int]) -> int:
    """Cores behind the allowed CPUs, 0 when the system does not say."""
    if sys.platform == "darwin":
        return _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu")
    cores = set()
    for cpu in allowed:
        siblings = _read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings or str(cpu))
    return len(cores)


def _sysctl(name: str) -> int:
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        found = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, timeout=5)
        return int(found.stdout)
    return 0


def _cpu_quota() -> int:
    """Whole CPUs that a container may use, 0 = no limit."""
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        return max(1, int(quota) // int(period))
    return 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def device(settings: EngineSettings) -> Device:
    """Where this build runs a model: the GPU when all layers go there, else the machine."""
    if native.offloads() and settings.gpu_layers < 0:
        gpus = [device for device in native.devices() if device.kind == "gpu"]
        total, free = sum(gpu.total for gpu in gpus), sum(gpu.free for gpu in gpus)
        return Device("GPU", GPU_SLOTS, total, free)
    partly = native.offloads() and settings.gpu_layers > 0
    return memory.machine(GPU_SLOTS if partly else cpu_slots(native.system_info()))


def cpu_slots(info: str) -> int:
    """How many episodes at once are fast with this build's kernels."""
    return AMX_SLOTS if _has_amx(info) else CPU_SLOTS


def _has_amx(info: str) -> bool:
    return "AMX_INT8 = 1" in info


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


def avoids_amx(info: str, facts: GgufFacts, on_gpu: bool, crashes: Callable[[], bool]) -> bool:
    """Whether the repacked kernels must stay off because this build's AMX code crashes.

    A build shows AMX in its system info; whether it crashes only a trial tells, which is
    made when the model is quantised and computes on the CPU. llama.cpp issue 20824.
    """
    quantised = any(name not in ("F32", "F16", "BF16") for name in facts.tensor_types)
    return _has_amx(info) and quantised and not on_gpu and crashes()


def amx_crashes(path: str) -> bool:
    """Try this build on a model in a child process; the verdict on a build is remembered."""
    library = native.library_path()
    stat = library.stat()
    key = f"{library}|{stat.st_size}|{stat.st_mtime_ns}"
    remembered = cache_folder() / "amx.json"
    verdicts = _verdicts(remembered)
    if key not in verdicts:
        code = _trial(path)
        if code is None or code > 0:  # neither ran nor crashed: be careful, and ask again
            return True
        verdicts[key] = code < 0
        with contextlib.suppress(OSError):
            remembered.write_text(json.dumps(verdicts))
    return verdicts[key]


def _verdicts(path: Path) -> dict[str, bool]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {key: bool(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _trial(path: str) -> int | None:
    """Exit code of a child that decodes a few tokens (below 0: killed by that signal)."""
    code = f"from {__name__} import decode_a_little; import sys; decode_a_little(sys.argv[1])"
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, path],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return child.returncode


def decode_a_little(path: str) -> None:
    """Load a model with all kernels on and decode one small batch."""
    with native.model_opened(path) as model:
        params = lib.llama_context_default_params()
        params.n_ctx = 64
        context = lib.llama_init_from_model(model, params)
        tokens = (ctypes.c_int32 * 16)(*range(16))
        for size in (16, 1):  # the kernels for a prompt and for one token differ
            if lib.llama_decode(context, lib.llama_batch_get_one(tokens, size)):
                sys.exit(1)
        lib.llama_free(context)
