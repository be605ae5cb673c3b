"""One file from the network onto the disk: resumed where it broke off, never half there.

What is fetched grows in a file ending in .part, which the next attempt, in this process or
a later one, goes on with. It knows URLs and bytes; not models, hubs, hashes or licences.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.types import UserError

RETRIES = 4  # in a row without a single new byte
SPARE = 1 << 28  # bytes of disk to leave free
Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0 = not known)


class BrokeOff(Exception):
    """The connection failed again and again; what came is kept. Its text says how far."""


def fetch(
    url: str, to: Path, size: int, headers: Mapping[str, str], progress: Progress | None = None
) -> None:
    """Bring ``url`` to the path ``to``; ``size`` in bytes, 0 = as the server says.

    Raises BrokeOff, UserError when the disk is too small or another process fetches the same
    file, OSError from the disk, and huggingface_hub's HfHubHTTPError for a refusal.
    """
    from filelock import FileLock, Timeout

    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    try:
        with FileLock(f"{part}.lock", timeout=0):
            _complete(url, part, size, dict(headers), progress or (lambda done, total: None))
            os.replace(part, to)
    except Timeout:
        raise UserError(f"another process is fetching {to.name}; wait for it") from None
    with contextlib.suppress(OSError):
        os.unlink(f"{part}.lock")


def room_for(folder: Path, needed: int) -> None:
    """Raise UserError when so many bytes more do not fit on the folder's disk."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise UserError(
            f"the disk of {folder} is too small: {needed / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB "
            "free; make room, or set HF_HOME to a folder on a larger disk"
        )


def _complete(url: str, part: Path, size: int, headers: dict[str, str], progress: Progress) -> None:
    """Append to the part file until all of it is there."""
    tries = RETRIES
    while True:
        have = part.stat().st_size if part.exists() else 0
        if size and have > size:
            part.unlink()
            have = 0
        if size and have == size:
            return
        room_for(part.parent, max(0, size - have))
        size, why = _append(url, part, have, size, headers, progress)
        came = part.stat().st_size if part.exists() else 0
        if not why and came >= size:
            return
        tries = RETRIES if came > have else tries - 1
        if tries <= 0:
            of = f" of {size / 1e9:.2f}" if size else ""
            raise BrokeOff(f"{came / 1e9:.2f}{of} GB came, then: {why or 'the connection ended'}")
        time.sleep(0.2 if came > have else 1.0)


def _append(
    url: str, part: Path, have: int, size: int, headers: dict[str, str], progress: Progress
) -> tuple[int, str]:
    """One request. Returns the size of the whole, and why it broke off ("" = it did not)."""
    from huggingface_hub import utils
    from huggingface_hub.errors import HfHubHTTPError

    hub: Any = utils
    broken = HfHubHTTPError.__bases__[0]  # the HTTP library's own root of errors
    asked = (
        headers | ({"Range": f"bytes={have}-"} if have else {}) | {"Accept-Encoding": "identity"}
    )
    try:
        with hub.get_session().stream(
            "GET", url, headers=asked, follow_redirects=True, timeout=60
        ) as answer:
            if answer.status_code == 416:  # the part is no beginning of what is there now
                part.unlink()
                return size, "what had come before does not fit what is there now"
            hub.hf_raise_for_status(answer)
            resumed = answer.status_code == 206 and _starts_at(answer.headers, have)
            begun = have if resumed else 0
            size = size or begun + int(answer.headers.get("Content-Length", 0))
            _write(answer, part, begun, size, progress)
    except HfHubHTTPError:
        raise
    except broken as error:  # type: ignore[misc]
        return size, str(error) or type(error).__name__
    return size, ""


def _write(answer: Any, part: Path, begun: int, size: int, progress: Progress) -> None:
    with open(part, "r+b" if begun else "wb") as file:
        file.seek(begun)
        done = begun
        for chunk in answer.iter_bytes():  # as it arrives, so that nothing is lost in a buffer
            file.write(chunk)
            done += len(chunk)
            progress(done, size)


def _starts_at(headers: Mapping[str, str], offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset
