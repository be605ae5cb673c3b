"""Keeps llama.cpp from crashing in its AMX code: a workaround that can go.

Builds by some compilers crash inside ``ggml_backend_amx_mul_mat`` with any quantised model,
because the compiler drops the stores of the tile configuration (llama.cpp issue 20824). This
file can go, with its call in ``engine.py`` and the finding of ``doctor``, when the oldest
llama-cpp-python that pyproject.toml allows has the fix (llama.cpp pull request 26954).

Until then a child process tries the build once. If it crashes, models run without repacked
weights (``use_extra_bufts``), which is slower.
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

from harness.common.files import cache_folder, write_whole
from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.models.gguf import GgufFacts

AMX_CRASHES = (
    "this build of llama-cpp-python crashes in its AMX code; running without repacked weights, "
    "which is slower. Build it with clang for full speed."
)
_TRIAL_SECONDS = 600


def avoids_amx(info: str, facts: GgufFacts, on_gpu: bool, crashes: Callable[[], bool]) -> bool:
    """Whether the repacked kernels must stay off because this build's AMX code crashes.

    A build shows AMX in its system info; whether it crashes only a trial tells, which is
    made when the model is quantised and computes on the CPU. ``info`` is ``native.system_info()``;
    ``crashes`` makes the trial.
    """
    quantised = any(name not in ("F32", "F16", "BF16") for name in facts.tensor_types)
    return native.has_amx(info) and quantised and not on_gpu and crashes()


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
            write_whole(remembered, json.dumps(verdicts), sync=False)
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
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
        )
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
