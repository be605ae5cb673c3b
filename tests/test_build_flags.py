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


NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


@pytest.mark.parametrize(("clang", "version"), [("", 0), ("clang-14", 14), ("clang-15", 15)])
@pytest.mark.parametrize(
    "environment",
    [{}, {"CUDA": "1"}, {"CC": "gcc-12"}, {"CXX": "g++"}, {"CMAKE_ARGS": "-DX=1"}],
    ids=str,
)
def test_a_compiler_that_gets_amx_wrong_builds_without_it(
    flags: ModuleType, clang: str, version: int, environment: dict[str, str]
) -> None:
    exports, reason = flags.choose(flags.Machine("Linux", True, clang, version), environment)
    assert exports["CFLAGS"] == exports["CXXFLAGS"] == NO_AMX
    assert "without AMX" in reason


@pytest.mark.parametrize(
    "environment", [{"CUDA": "1"}, {"CC": "gcc-12"}, {"CXX": "g++"}, {"CMAKE_ARGS": "-DX=1"}]
)
def test_a_safe_clang_helps_only_where_it_is_used(
    flags: ModuleType, environment: dict[str, str]
) -> None:
    machine = flags.Machine("Linux", True, "clang-16", 16)
    exports, _ = flags.choose(machine, environment)
    assert "CC" not in exports and exports["CFLAGS"] == exports["CXXFLAGS"] == NO_AMX


@pytest.mark.parametrize(
    ("clang", "version", "cxx"), [("clang-16", 16, "clang++-16"), ("clang", 19, "clang++")]
)
def test_clang_is_used_where_it_is_there(
    flags: ModuleType, clang: str, version: int, cxx: str
) -> None:
    exports, _ = flags.choose(flags.Machine("Linux", True, clang, version), {})
    assert exports == {"CC": clang, "CXX": cxx}


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
    script = f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))}"
    done = subprocess.run(
        ["sh", "-c", f'eval "$({script})" && echo "built with $CMAKE_ARGS"'],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "CUDA": "1"},
        check=True,
    )
    assert done.stdout == "built with -DGGML_CUDA=on\n"
    assert done.stderr.startswith("llama.cpp, if it is built now: the system's compiler and CUDA")
