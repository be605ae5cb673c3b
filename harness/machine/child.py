"""Asks native libraries in a child process: one that was built for another CPU ends its process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from harness.common.packages import version_of
from harness.types import EngineSettings

_SECONDS = 120


def ask_child(function: str, *arguments: str) -> dict[str, Any]:
    """What one of the functions below returns, run in a child; {"error": …} if it dies."""
    code = (
        f"import json, sys; from {__name__} import {function}; "
        f"print('\\n' + json.dumps({function}(*sys.argv[1:])))"
    )
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        if child.returncode == 0:
            found: dict[str, Any] = json.loads(child.stdout.rstrip().rpartition("\n")[2])
            return found
    except subprocess.TimeoutExpired:
        return {"error": f"did not answer within {_SECONDS} s"}
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
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "devices": devices,
        "bitsandbytes": version_of("bitsandbytes"),
        "quantises": [],
    }
    if found["bitsandbytes"]:
        import bitsandbytes

        found["quantises"] = sorted(bitsandbytes.supported_torch_devices)
    return found
