"""What a file is: its hash, and where the harness keeps its own small caches."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The harness's cache folder, made when missing; $HARNESS_CACHE overrides it."""
    if sys.platform == "darwin":
        default = Path.home() / "Library" / "Caches"
    else:
        default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("HARNESS_CACHE") or default / "react-harness")
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hex. Remembered by path, size and time of change, since
    weights are gigabytes. Raises OSError when the file cannot be read."""
    path = Path(path).resolve()
    stat = path.stat()
    key = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
    memory = cache_folder() / "sha256.json"
    known = _load(memory)
    if key not in known:
        with open(path, "rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        with contextlib.suppress(OSError):
            temporary = memory.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(known))
            os.replace(temporary, memory)
    return known[key]


def _load(memory: Path) -> dict[str, str]:
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
