"""Opens llama.cpp's library once, catches its log, and asks it for devices and models.

Nothing native reaches stderr from here on: the last lines of the log are kept, with control
characters escaped, for error messages.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.common.printable import printable
from harness.engines import ENGINES
from harness.types import UserError

try:
    import llama_cpp
except ImportError as error:
    raise UserError(
        f"the llama_cpp engine needs llama-cpp-python and numpy ({error.name} is missing): "
        f"{ENGINES['llama_cpp'].install}"
    ) from None
except (OSError, RuntimeError) as error:
    raise UserError(
        f"llama-cpp-python is installed but does not open: {error}; reinstall it"
    ) from None

lib: Any = llama_cpp
_KEPT_LINES = 400
_INFO, _ERROR, _CONT = 2, 4, 5  # ggml_log_level


class NativeLog:
    """The last lines of llama.cpp's log, from INFO upwards. One for the process."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEPT_LINES)
        self._level = 0
        # llama.cpp keeps the pointer: the object must live as long as the process.
        self._callback = lib.llama_log_callback(self._note)
        lib.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _note(self, level: int, text: bytes | None, _: object) -> None:
        more = level == _CONT
        self._level = self._level if more else level
        if self._level < _INFO or not text:
            return
        line = printable(text.decode("utf-8", "replace").rstrip("\n")).replace("\n", " ")
        if more and self._lines:
            level, before = self._lines.pop()
            self._lines.append((level, (before + line)[:500]))
        elif line.strip():
            self._lines.append((level, line[:500]))

    def clear(self) -> None:
        self._lines.clear()

    def lines(self) -> list[str]:
        """The lines kept, oldest first."""
        return [line for _, line in self._lines]

    def why(self) -> str:
        """The error lines, or else the last two of any kind, as one line for a message."""
        errors = [line for level, line in self._lines if level == _ERROR]
        return (
            "; ".join(line.strip() for line in errors[:3] or self.lines()[-2:])
            or "it gave no reason"
        )


log = NativeLog()
lib.llama_backend_init()


@contextmanager
def stderr_caught() -> Iterator[list[str]]:
    """Collects the lines that native code writes to stderr without using its log."""
    caught: list[str] = []
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield caught
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = file.read(1 << 16).decode("utf-8", "replace")
            caught += [printable(line) for line in text.split("\n") if line.strip()]


def system_info() -> str:
    """The CPU features that the build's kernels use, such as ``AVX512 = 1 | AMX_INT8 = 1``."""
    return str(lib.llama_print_system_info().decode("utf-8", "replace")).strip(" |")


def has_amx(info: str) -> bool:
    """Whether a build with this system info uses AMX."""
    return "AMX_INT8 = 1" in info


def library_path() -> Path:
    """The shared library that holds the kernels; its bytes identify the build."""
    folder = Path(lib.__file__).parent / "lib"
    found = (
        sorted(folder.glob("*ggml-cpu*")) or sorted(folder.glob("*llama*")) or [Path(lib.__file__)]
    )
    return found[0].resolve()


def knows_architecture(name: str) -> bool:
    """Whether the library contains the name of an architecture. A yes does not prove that it
    can run the model."""
    wanted = name.encode("utf-8", "replace") + b"\0"
    folder = Path(lib.__file__).parent / "lib"
    for path in folder.glob("*llama.*"):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data.find(wanted) >= 0:
                return True
    return False


@dataclass(frozen=True)
class BackendDevice:
    """A device of ggml. ``kind`` is cpu, gpu or accel; ``free`` and ``total`` are bytes."""

    name: str
    description: str
    kind: str
    free: int
    total: int


@cache
def devices() -> tuple[BackendDevice, ...]:
    """The devices this build found; empty when it cannot say."""
    try:
        from llama_cpp._ggml import libggml
    except (ImportError, OSError, RuntimeError):
        return ()
    get = libggml.ggml_backend_dev_get
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    count = libggml.ggml_backend_dev_count
    count.restype = ctypes.c_size_t
    return tuple(_device(libggml, ctypes.c_void_p(get(i))) for i in range(count()))


def _device(ggml: Any, handle: ctypes.c_void_p) -> BackendDevice:
    ggml.ggml_backend_dev_name.restype = ctypes.c_char_p
    ggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
    kind = ggml.ggml_backend_dev_type(handle)
    return BackendDevice(
        printable(ggml.ggml_backend_dev_name(handle).decode("utf-8", "replace")),
        printable(ggml.ggml_backend_dev_description(handle).decode("utf-8", "replace")),
        "cpu" if kind == 0 else "gpu" if kind in (1, 2) else "accel",
        free.value,
        total.value,
    )


def offloads() -> bool:
    """Whether the build can put layers on a GPU and found one."""
    return bool(lib.llama_supports_gpu_offload()) and any(d.kind == "gpu" for d in devices())


def open_model(path: str, gpu_layers: int = 0, extra_bufts: bool = True) -> Any:
    """Load a model file; the caller frees it. ``gpu_layers`` below 0 is all of them.

    Raises UserError with llama.cpp's own reason when it will not load.
    """
    params = lib.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.use_extra_bufts = extra_bufts
    log.clear()
    model = lib.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise UserError(f"{path}: llama.cpp cannot load it: {_reason(log.why())}")
    return model


def _reason(why: str) -> str:
    """llama.cpp's reason without the names of the functions it went through."""
    return re.sub(r"\b(llama|gguf|ggml)_\w+: |error loading model: ", "", why)


@contextmanager
def model_opened(path: str, **settings: Any) -> Iterator[Any]:
    """A model that is freed at the end."""
    model = open_model(path, **settings)
    try:
        yield model
    finally:
        lib.llama_model_free(model)
