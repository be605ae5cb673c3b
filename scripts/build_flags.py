"""Prints shell exports with which pip builds llama.cpp well on this machine.

Usage: ``eval "$(python scripts/build_flags.py)"``; why it chose them goes to stderr. Runs
before anything is installed, so it uses the standard library alone.

GCC compiles llama.cpp's AMX kernels wrongly on Intel CPUs that have AMX: every quantised
model then crashes (llama.cpp issue 20824). Clang does not, so it is preferred; with GCC
the AMX instructions are left out. Compilers, CUDA=1 and CMAKE_ARGS that the user has set
are respected.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
SAFE_CLANG = 16  # the oldest version whose AMX kernels were seen to work


@dataclass(frozen=True)
class Machine:
    """What the choice depends on. ``clang`` is a C compiler's name, "" = none that works;
    ``cuts_amx`` says whether the other compiler knows the options that leave AMX out."""

    system: str
    amx: bool
    clang: str = ""
    clang_version: int = 0
    cuts_amx: bool = True


def choose(machine: Machine, environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Environment variables to export for the build, and the reason in a few words."""
    cuda = environment.get("CUDA", "") not in ("", "0")
    own_arguments = environment.get("CMAKE_ARGS", "")
    own_compiler = environment.get("CC") or environment.get("CXX") or ""
    exports: dict[str, str] = {}
    # CUDA's compiler is particular about the host compiler: leave it the system's.
    if machine.clang and not (own_compiler or own_arguments or cuda):
        exports |= {"CC": machine.clang, "CXX": machine.clang.replace("clang", "clang++")}
    if cuda and not own_arguments:
        exports["CMAKE_ARGS"] = "-DGGML_CUDA=on"
    reason = "tuned to this machine"
    if (
        machine.amx
        and machine.cuts_amx
        and not ("CC" in exports and machine.clang_version >= SAFE_CLANG)
    ):
        # CMake takes these up by itself, while CMAKE_ARGS may not hold spaces.
        exports |= {
            name: f"{environment.get(name, '')} {NO_AMX}".strip() for name in ("CFLAGS", "CXXFLAGS")
        }
        reason = "without AMX, which this compiler gets wrong"
    compiler = own_compiler or exports.get("CC") or "the system's compiler"
    return exports, f"{compiler}{' and CUDA' if cuda else ''}: {reason}"


def inspect(environment: Mapping[str, str]) -> Machine:
    """This machine. Starts compilers, but builds nothing."""
    system = platform.system()
    if system != "Linux":
        return Machine(system, amx=False)
    clang, version = newest_clang(environment.get("PATH", ""))
    compiler = environment.get("CXX") or ("g++" if shutil.which("g++") else "c++")
    return Machine(system, "amx_int8" in cpu_flags(), clang, version, accepts(compiler, NO_AMX))


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """What Linux says the CPU can do (x86 only)."""
    try:
        match = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        return set()
    return set(match[1].split()) if match else set()


def newest_clang(path: str) -> tuple[str, int]:
    """Name and major version of the newest clang on PATH that also compiles C++."""
    names = {"clang"}
    for folder in path.split(os.pathsep):
        names |= {item.name for item in Path(folder).glob("clang-[0-9]*") if folder}
    found = [(version_of(name), name) for name in names if re.fullmatch(r"clang(-\d+)?", name)]
    for version, name in sorted(found, reverse=True):
        if version and accepts(name.replace("clang", "clang++"), ""):
            return name, version
    return "", 0


def version_of(compiler: str) -> int:
    """Major version, 0 where there is none."""
    output = _run([compiler, "-dumpversion"])
    return int(output.split(".")[0]) if output and output[0].isdigit() else 0


def accepts(compiler: str, options: str) -> bool:
    """Whether a compiler takes these options and finds its C++ headers."""
    command = [compiler, *options.split(), "-x", "c++", "-fsyntax-only", "-"]
    return _run(command, "#include <vector>\n") is not None


def _run(command: list[str], text: str = "") -> str | None:
    """A command's output, None when it fails or is not there."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def main() -> None:
    exports, reason = choose(inspect(os.environ), os.environ)
    print(f"llama.cpp, if it is built now: {reason}", file=sys.stderr)
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
