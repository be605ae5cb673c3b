"""Which compiler and flags llama.cpp is built with, on machines that are not here."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "build_flags.py"


@pytest.fixture(scope="module")
def flags() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_flags", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["build_flags"] = module
    spec.loader.exec_module(module)
    return module


def test_no_build_can_hit_the_amx_crash(flags: ModuleType) -> None:
    for clang, version in (("", 0), ("clang-14", 14), ("clang-16", 16), ("clang", 19)):
        for environment in (
            {},
            {"CUDA": "1"},
            {"CC": "gcc-12"},
            {"CXX": "g++"},
            {"CMAKE_ARGS": "-DX=1"},
        ):
            machine = flags.Machine("Linux", True, clang, version)
            exports, reason = flags.choose(machine, environment)
            safe = exports.get("CC", "").startswith("clang") and version >= flags.SAFE_CLANG
            assert safe or "-mno-amx-int8" in exports["CFLAGS"], reason
            assert safe or exports["CXXFLAGS"] == exports["CFLAGS"]


def test_clang_is_used_where_it_is_there(flags: ModuleType) -> None:
    exports, _ = flags.choose(flags.Machine("Linux", True, "clang-16", 16), {})
    assert exports == {"CC": "clang-16", "CXX": "clang++-16"}


def test_without_amx_and_clang_nothing_is_changed(flags: ModuleType) -> None:
    assert flags.choose(flags.Machine("Linux", False), {})[0] == {}
    assert flags.choose(flags.Machine("Darwin", False), {})[0] == {}
    assert (
        flags.choose(flags.Machine("Linux", True, cuts_amx=False), {})[0] == {}
    )  # a GCC too old for AMX


def test_cuda_is_built_when_asked_for(flags: ModuleType) -> None:
    exports, _ = flags.choose(flags.Machine("Linux", False, "clang", 19), {"CUDA": "1"})
    assert exports == {"CMAKE_ARGS": "-DGGML_CUDA=on"}
    assert flags.choose(flags.Machine("Linux", False), {"CUDA": "0"})[0] == {}


def test_what_the_user_set_is_respected(flags: ModuleType) -> None:
    machine = flags.Machine("Linux", True, "clang-16", 16)
    exports, _ = flags.choose(
        machine, {"CMAKE_ARGS": "-DGGML_VULKAN=on", "CUDA": "1", "CFLAGS": "-O2"}
    )
    assert exports.keys() == {"CFLAGS", "CXXFLAGS"} and exports["CFLAGS"].startswith("-O2 -mno-amx")
    assert "CC" not in flags.choose(machine, {"CC": "gcc-13"})[0]


def test_cpu_flags_are_read(flags: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nflags\t\t: fpu avx2 amx_int8\n\nprocessor\t: 1\n"
    )
    assert "amx_int8" in flags.cpu_flags(tmp_path / "cpuinfo")
    assert flags.cpu_flags(tmp_path / "missing") == set()


def test_the_shell_can_evaluate_it() -> None:
    done = subprocess.run(
        ["sh", "-c", f'eval "$({shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))})" && echo fine'],
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "CUDA": "1"}, check=True,
    )  # fmt: skip
    assert done.stdout == "fine\n" and "llama.cpp" in done.stderr
