"""What this machine and these installations can run, and what to install for more.

Native libraries are asked in child processes, since one that was built for another CPU
ends its process. It knows machines and packages; it changes, fetches and installs nothing.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.common.files import cache_folder
from harness.engines import ENGINES, kind_of
from harness.models import gguf, memory, weights
from harness.models.registry import Row
from harness.types import EngineSettings, UserError

CHILD_SECONDS = 120
PYTHON = (3, 11)
# Bits a weight that files have, by nominal bits: those of Q4_K_M and Q8_0 at 7B.
BITS_OF_FILES = {4: 4.85, 8: 8.5, 16: 16.0}
HEAD, VOCAB = 128, 100_000  # the usual width of a head, a usual vocabulary
BUSY_SHARE = 0.25  # of the cores, used by others
GB = 1e9
# The numbers at which a person notices: what the smallest and the largest usual 4-bit file take.
DISK_LOW = 10 * GB
MEMORY_LOW = 2 * GB
AMX_ADVICE = (
    "build llama-cpp-python with clang: make clean && make demo does where clang is installed"
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``state`` is ok, note (worth knowing) or bad (something will not
    run); ``advice`` says what to do, "" = nothing."""

    topic: str
    text: str
    state: str = "ok"
    advice: str = ""


def examine(folder: Path = Path()) -> list[Finding]:
    """Look at everything; ``folder`` is where runs/ and pico/ are. Takes some seconds."""
    return [
        _python(),
        *_llama(
            asked("llama_build", str(_small_gguf(folder) or ""))
            if _has("llama-cpp-python")
            else None
        ),
        *_transformers(asked("torch_build") if _has("torch") and _has("transformers") else None),
        *_others(),
        _memory(),
        _disk(folder),
        _load(),
        _pico(folder),
    ]


def report(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The findings as plain data."""
    return [asdict(finding) for finding in findings]


# --- what fits --------------------------------------------------------------------------


def fitting(row: Row, facts: gguf.GgufFacts | None, device: memory.Device) -> int | None:
    """Episodes at once that the engine will hold of a model on a device, 0 when it does not
    fit there now; None for what is not loaded here or whose size is not known. ``facts`` are
    those of its file, and the answer is the engine's own; without them it is an estimate from
    above."""
    model, room = row.model, EngineSettings().episode_tokens
    opened = kind_of(model).weights
    if not opened:
        return None
    size = row.origin.size or int(model.params * BITS_OF_FILES.get(model.bits, 16.0) / 8)
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
        path="", architecture="", params=params, size_bytes=size_bytes, width=int(width),
        heads=int(width / HEAD), vocab=VOCAB, kv_bytes=int(4 * width * width / 128),
    )  # fmt: skip


@cache
def device() -> memory.Device:
    """Where llama.cpp will run models here; asked of a child once, the plain machine where
    llama.cpp is not installed or does not open. Free memory is as of the first call."""
    found = asked("llama_device") if _has("llama-cpp-python") else {"error": ""}
    return memory.machine() if "error" in found else memory.Device(**found)


# --- the findings -----------------------------------------------------------------------


def _python() -> Finding:
    here = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info >= PYTHON:
        return Finding("python", here)
    return Finding("python", here, "bad", f"install Python {'.'.join(map(str, PYTHON))} or newer")


def _llama(build: dict[str, Any] | None) -> list[Finding]:
    topic = "llama.cpp"
    if build is None:
        return [
            Finding(
                topic,
                "not installed",
                "bad",
                f"{ENGINES['llama_cpp'].install} (builds some minutes)",
            )
        ]
    if "error" in build:
        return [
            Finding(
                topic,
                build["error"],
                "bad",
                "reinstall it on this machine: pip install --force-reinstall --no-cache-dir llama-cpp-python",
            )
        ]
    gpus = [device for device in build["devices"] if device["kind"] == "gpu"]
    kernels = re.findall(r"(\w+) = 1", build["info"])
    text = f"llama-cpp-python {build['version']}, {', '.join(dict.fromkeys(kernels)) or 'no special kernels'}"
    found = [Finding(topic, text), _gpu(gpus, build["offloads"])]
    if "AMX_INT8" in kernels:
        found.append(_amx(build["amx_crashes"], bool(gpus)))
    return found


def _gpu(gpus: list[dict[str, Any]], offloads: bool) -> Finding:
    if gpus:
        said = (
            f"{d['description']}, {d['free'] / GB:.1f} of {d['total'] / GB:.1f} GB free"
            for d in gpus
        )
        return Finding("gpu", "; ".join(said))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding(
            "gpu",
            "llama.cpp was built without Metal",
            "note",
            "reinstall llama-cpp-python: Metal is its default",
        )
    if shutil.which("nvidia-smi") and not offloads:
        return Finding(
            "gpu",
            "an NVIDIA driver is here, but llama.cpp was built without CUDA",
            "note",
            "CUDA=1 make clean demo",
        )
    return Finding("gpu", "none that llama.cpp sees: models run on the CPU")


def _amx(crashes: bool | None, on_gpu: bool) -> Finding:
    if crashes is None:
        return Finding(
            "amx", "in this build, and not tried: no quantised model is here to try it with", "note"
        )
    if not crashes:
        return Finding("amx", "in this build, and it works")
    text = "this build's AMX code crashes; models run with slower kernels instead"
    return Finding("amx", text, "ok" if on_gpu else "note", AMX_ADVICE)


def _transformers(build: dict[str, Any] | None) -> list[Finding]:
    topic, install = (
        "transformers",
        f"{ENGINES['transformers'].install} to run Hugging Face folders",
    )
    if build is None:
        return [Finding(topic, "not installed", "note", install)]
    if "error" in build:
        return [Finding(topic, build["error"], "note", install)]
    found = [
        Finding(
            topic,
            f"{build['transformers']}, torch {build['torch']} on {', '.join(build['devices'])}",
        )
    ]
    if not build["bitsandbytes"]:
        return [*found, Finding("bitsandbytes", "not installed: no nf4 and int8", "note", install)]
    usable = [device for device in build["devices"] if device in build["quantises"]]
    slow = " (slow on mps)" if "mps" in usable else ""
    text = f"{build['bitsandbytes']}: nf4 and int8 on {', '.join(usable) or 'no device here'}{slow}"
    return [*found, Finding("bitsandbytes", text, "ok" if usable else "note")]


def _others() -> list[Finding]:
    wanted = (
        ("huggingface_hub", "huggingface_hub", "fetches models", ENGINES["llama_cpp"].install),
        ("servers", "httpx", "the openai engine", ENGINES["openai"].install),
        ("live world", "wikipedia", "--world live", "pip install 'harness[live]'"),
    )
    return [
        Finding(topic, f"{package} {_version(package)}: {use}")
        if _has(package)
        else Finding(topic, f"{package} is not installed: {use}", "note", install)
        for topic, package, use, install in wanted
    ]


def _memory() -> Finding:
    here = memory.machine()
    text = f"{here.free / GB:.1f} of {here.total / GB:.1f} GB free"
    if here.free > MEMORY_LOW:
        return Finding("memory", text)
    return Finding("memory", text, "note", "close other programs")


def _disk(folder: Path) -> Finding:
    places = {"weights": _hub_cache(), "runs": folder.resolve(), "cache": cache_folder()}
    free = {name: shutil.disk_usage(_existing(path)).free for name, path in places.items()}
    text = ", ".join(f"{bytes_ / GB:.0f} GB for {name}" for name, bytes_ in free.items())
    low = free["weights"] < DISK_LOW
    advice = "set HF_HOME to a folder on a larger disk" if low else ""
    return Finding("disk", f"free: {text}", "note" if low else "ok", advice)


def _hub_cache() -> Path:
    try:
        from huggingface_hub import constants
    except ImportError:
        return cache_folder()
    return Path(constants.HF_HUB_CACHE)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _load() -> Finding:
    import psutil

    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    used = psutil.cpu_percent(interval=0.5) / 100
    text = f"{cores} cores, {used:.0%} busy"
    if used < BUSY_SHARE:
        return Finding("load", text)
    advice = "speeds measured now are too low, small models' several times: wait, or run with --threads 1"
    return Finding("load", text, "note", advice)


def _pico(folder: Path) -> Finding:
    found = sorted((folder / "pico" / "weights").glob("*.gguf"))
    if found:
        return Finding("built-in models", f"{len(found)} files")
    return Finding(
        "built-in models", "no pico/weights here", "note", "run from the repository's folder"
    )


# --- children ---------------------------------------------------------------------------


def asked(function: str, *arguments: str) -> dict[str, Any]:
    """What one of the functions below returns, run in a child; {"error": …} if it dies."""
    code = (
        f"import json, sys; from {__name__} import {function}; "
        f"print('\\n' + json.dumps({function}(*sys.argv[1:])))"
    )
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CHILD_SECONDS,
        )  # fmt: skip
        if child.returncode == 0:
            found: dict[str, Any] = json.loads(child.stdout.rstrip().rpartition("\n")[2])
            return found
    except subprocess.TimeoutExpired:
        return {"error": f"did not answer within {CHILD_SECONDS} s"}
    except (OSError, ValueError) as error:
        return {"error": str(error)}
    return {"error": _why_died(child.returncode, child.stderr)}


def _why_died(code: int, said: str) -> str:
    if code < 0:
        hint = ": it was built for another CPU" if -code == signal.SIGILL else ""
        return f"crashes when it is opened ({signal.Signals(-code).name}{hint})"
    lines = said.strip().split("\n")
    return f"does not open: {lines[-1][:200]}"


def llama_build(small_gguf: str = "") -> dict[str, object]:
    """In a child: what the llama.cpp at hand is. ``small_gguf`` tries AMX, "" = do not."""
    from harness.engines.llama_cpp import amx, native

    info = native.system_info()
    tries_amx = native.has_amx(info) and small_gguf
    return {
        "version": native.lib.__version__,
        "info": info,
        "offloads": native.offloads(),
        "devices": [asdict(device) for device in native.devices()],
        "amx_crashes": amx.amx_crashes(small_gguf) if tries_amx else None,
    }


def llama_device() -> dict[str, object]:
    """In a child: the device that this build runs a model on."""
    from harness.engines.llama_cpp import capacity

    return asdict(capacity.device_for(EngineSettings()))


def torch_build() -> dict[str, object]:
    """In a child: torch, its devices, and where bitsandbytes quantises."""
    import torch
    import transformers

    devices = ["cpu"]
    devices += ["cuda"] if torch.cuda.is_available() else []
    devices += ["mps"] if torch.backends.mps.is_available() else []
    found: dict[str, object] = {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "devices": devices, "bitsandbytes": "", "quantises": [],
    }  # fmt: skip
    if _has("bitsandbytes"):
        import bitsandbytes

        found["bitsandbytes"] = _version("bitsandbytes")
        found["quantises"] = sorted(bitsandbytes.supported_torch_devices)
    return found


def _small_gguf(folder: Path) -> Path | None:
    """A small quantised model to try kernels with."""
    found = sorted((folder / "pico" / "weights").glob("*-q4.gguf"), key=_size)
    return found[0] if found else None


_size: Callable[[Path], int] = lambda path: path.stat().st_size  # noqa: E731


def _version(package: str) -> str:
    return importlib.metadata.version(package)


def _has(package: str) -> bool:
    try:
        _version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
