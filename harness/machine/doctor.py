"""What this machine and these installations can run, and what to install for more.

Only looks: it changes, fetches and installs nothing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.common.files import cache_folder
from harness.common.packages import version_of
from harness.engines import ENGINES
from harness.machine.child import ask_child
from harness.models import memory
from harness.models.hub import hub_cache

_PYTHON = (3, 11)
_BUSY_SHARE = 0.25  # of the cores, used by others
_GB = 1e9
# Warn below these: about one large 4-bit file on disk, one small model in memory.
_DISK_LOW = 10 * _GB
_MEMORY_LOW = 2 * _GB
_REINSTALL = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
_BUILD_WITH_CLANG = (
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


def look_around(folder: Path = Path()) -> list[Finding]:
    """Look at everything; ``folder`` is where runs/ and pico/ are. Takes some seconds."""
    llama, torch = (
        version_of("llama-cpp-python"),
        version_of("torch") and version_of("transformers"),
    )
    small = _small_gguf(folder) if llama else ""
    return [
        _python(),
        *_llama(ask_child("llama_build", small) if llama else None),
        *_transformers(ask_child("torch_build") if torch else None),
        *_others(),
        _memory(),
        _disk(folder),
        _load(),
        _pico(folder),
    ]


def _python() -> Finding:
    here = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info >= _PYTHON:
        return Finding("python", here)
    return Finding("python", here, "bad", f"install Python {'.'.join(map(str, _PYTHON))} or newer")


def _llama(build: dict[str, Any] | None) -> list[Finding]:
    topic = "llama.cpp"
    if build is None:
        install = f"{ENGINES['llama_cpp'].install} (builds some minutes)"
        return [Finding(topic, "not installed", "bad", install)]
    if "error" in build:
        return [
            Finding(topic, build["error"], "bad", f"reinstall it on this machine: {_REINSTALL}")
        ]
    gpus = [device for device in build["devices"] if device["kind"] == "gpu"]
    kernels = list(dict.fromkeys(re.findall(r"(\w+) = 1", build["info"])))
    names = ", ".join(kernels) or "no special kernels"
    found = [Finding(topic, f"llama-cpp-python {build['version']}, {names}")]
    found.append(_gpu(gpus, build["offloads"]))
    if "AMX_INT8" in kernels:
        found.append(_amx(build["amx_crashes"], bool(gpus)))
    return found


def _gpu(gpus: list[dict[str, Any]], offloads: bool) -> Finding:
    topic = "gpu"
    if gpus:
        said = (f"{d['description']}, {_free(d['free'], d['total'])}" for d in gpus)
        return Finding(topic, "; ".join(said))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        reinstall = "reinstall llama-cpp-python: Metal is its default"
        return Finding(topic, "llama.cpp was built without Metal", "note", reinstall)
    if shutil.which("nvidia-smi") and not offloads:
        text = "an NVIDIA driver is here, but llama.cpp was built without CUDA"
        return Finding(topic, text, "note", "CUDA=1 make clean demo")
    return Finding(topic, "none that llama.cpp sees: models run on the CPU")


def _free(free: int, total: int) -> str:
    return f"{free / _GB:.1f} of {total / _GB:.1f} GB free"


def _amx(crashes: bool | None, on_gpu: bool) -> Finding:
    topic = "amx"
    if crashes is None:
        text = "in this build, and not tried: no quantised model is here to try it with"
        return Finding(topic, text, "note")
    if not crashes:
        return Finding(topic, "in this build, and it works")
    text = "this build's AMX code crashes; models run with slower kernels instead"
    return Finding(topic, text, "ok" if on_gpu else "note", _BUILD_WITH_CLANG)


def _transformers(build: dict[str, Any] | None) -> list[Finding]:
    topic = "transformers"
    install = f"{ENGINES['transformers'].install} to run Hugging Face folders"
    if build is None or "error" in build:
        return [Finding(topic, build["error"] if build else "not installed", "note", install)]
    where = f"torch {build['torch']} on {', '.join(build['devices'])}"
    found = [Finding(topic, f"{build['transformers']}, {where}")]
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
    found = []
    for topic, package, use, install in wanted:
        if version := version_of(package):
            found.append(Finding(topic, f"{package} {version}: {use}"))
        else:
            found.append(Finding(topic, f"{package} is not installed: {use}", "note", install))
    return found


def _memory() -> Finding:
    here = memory.machine()
    text = _free(here.free, here.total)
    if here.free > _MEMORY_LOW:
        return Finding("memory", text)
    return Finding("memory", text, "note", "close other programs")


def _disk(folder: Path) -> Finding:
    weights = hub_cache() if version_of("huggingface_hub") else cache_folder()
    places = {"weights": weights, "runs": folder.resolve(), "cache": cache_folder()}
    free = {name: shutil.disk_usage(_existing(path)).free for name, path in places.items()}
    text = ", ".join(f"{bytes_ / _GB:.0f} GB for {name}" for name, bytes_ in free.items())
    low = free["weights"] < _DISK_LOW
    advice = "set HF_HOME to a folder on a larger disk" if low else ""
    return Finding("disk", f"free: {text}", "note" if low else "ok", advice)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _load() -> Finding:
    import psutil

    counted = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if counted else os.cpu_count() or 1
    used = psutil.cpu_percent(interval=0.5) / 100
    text = f"{cores} cores, {used:.0%} busy"
    if used < _BUSY_SHARE:
        return Finding("load", text)
    slow = "speeds measured now are too low, small models' several times"
    return Finding("load", text, "note", f"{slow}: wait, or run with --threads 1")


def _pico(folder: Path) -> Finding:
    topic, found = "built-in models", list((folder / "pico" / "weights").glob("*.gguf"))
    if found:
        return Finding(topic, f"{len(found)} files")
    return Finding(topic, "no pico/weights here", "note", "run from the repository's folder")


def _small_gguf(folder: Path) -> str:
    """A small quantised model to try kernels with, "" where there is none."""
    found = (folder / "pico" / "weights").glob("*-q4.gguf")
    return str(min(found, key=lambda path: path.stat().st_size, default=""))
