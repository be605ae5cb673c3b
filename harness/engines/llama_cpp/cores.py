"""How many threads are worth trying on this machine, and how long one batch may take."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path


def most_threads() -> int:
    """The most threads worth trying: physical cores this process may use, within a
    container's quota. ``ThreadChoice`` finds out how many of them are fast."""
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
