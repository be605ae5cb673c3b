"""What this machine can carry for llama.cpp: threads, memory, and whether AMX crashes.

Decisions are pure functions of what was found, so that tests can ask about machines that
are not here. It loads a model only to try AMX, in a process of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness.engines import _llama_native as native
from harness.engines._llama_native import lib
from harness.engines.gguf import GgufFacts
from harness.files import cache_folder
from harness.types import EngineSettings, UserError

GIB = 1 << 30
# Episodes at once, where more were slower: every token attends over the cells of all of them.
# On a CPU measured (1M to 350M weights; AMX works on 16 rows at a time), on a GPU assumed.
CPU_SLOTS, AMX_SLOTS, GPU_SLOTS = 4, 16, 16
USUAL_PREFIX = 2048  # tokens of a few-shot prompt, which is not known when memory is planned
COMPUTE_SHARE, COMPUTE_FLOOR = 0.05, 64 << 20  # working memory beside weights and cache
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


def available_memory() -> int:
    """Bytes that a model may take in this process, within a container's limit."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    if limit.isdigit() and used.isdigit():
        free = min(free, int(limit) - int(used) + _reclaimable())
    return free


def _reclaimable() -> int:
    """Page cache that counts as used by a container and gives way when needed."""
    match = re.search(r"^inactive_file (\d+)$", _read("/sys/fs/cgroup/memory.stat"), re.MULTILINE)
    return int(match[1]) if match else 0


def needed_memory(facts: GgufFacts, cells: int) -> int:
    """Bytes for weights, an f16 cache of so many cells, and work: an estimate from above."""
    weights = facts.size_bytes
    return weights + facts.kv_bytes * cells + max(COMPUTE_FLOOR, int(weights * COMPUTE_SHARE))


def plan_slots(facts: GgufFacts, settings: EngineSettings, on_gpu: bool) -> int:
    """Episodes to hold at once: what the settings say, else what is fast here and fits.

    Raises UserError when the model does not fit the memory it would run in.
    """
    where = "GPU" if on_gpu and settings.gpu_layers < 0 else "machine"
    memory = native.gpu_memory() if where == "GPU" else available_memory()
    wanted = settings.slots or usual_slots(native.system_info(), on_gpu)
    slots = fitting_slots(facts, wanted, settings.episode_tokens, memory)
    if slots == wanted or (slots and not settings.slots):
        return slots
    needed = needed_memory(facts, USUAL_PREFIX + max(1, settings.slots) * settings.episode_tokens)
    fewer = f"use at most {slots} slots (--slots)" if slots else "choose a smaller quantisation"
    raise UserError(
        f"{facts.path}: needs about {needed / GIB:.1f} GiB ({facts.size_bytes / GIB:.1f} of weights) and "
        f"this {where} has {memory / GIB:.1f} GiB free; {fewer}"
        + (" or put fewer layers on the GPU (--gpu-layers)" if where == "GPU" else "")
    )


def usual_slots(info: str, on_gpu: bool) -> int:
    """How many episodes at once are fast on this kind of machine."""
    return GPU_SLOTS if on_gpu else AMX_SLOTS if _has_amx(info) else CPU_SLOTS


def _has_amx(info: str) -> bool:
    return "AMX_INT8 = 1" in info


def fitting_slots(facts: GgufFacts, wanted: int, room: int, memory: int) -> int:
    """``wanted``, or the largest half, quarter … of it that fits; 0 when nothing does."""
    while wanted and needed_memory(facts, USUAL_PREFIX + wanted * room) > memory:
        wanted //= 2
    return wanted


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
    memory = cache_folder() / "amx.json"
    verdicts = _verdicts(memory)
    if key not in verdicts:
        code = _trial(path)
        if code is None or code > 0:  # neither ran nor crashed: be careful, and ask again
            return True
        verdicts[key] = code < 0
        with contextlib.suppress(OSError):
            memory.write_text(json.dumps(verdicts))
    return verdicts[key]


def _verdicts(memory: Path) -> dict[str, bool]:
    try:
        found = json.loads(memory.read_text())
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
