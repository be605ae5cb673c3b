"""Downloads one file: resumes where an earlier attempt stopped, and never leaves half a file.

What has come grows in a file ending in .part. The next attempt, in this process or a later
one, goes on with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.common.files import locked
from harness.types import UserError

_RETRIES = 4  # in a row without a single new byte
_SPARE = 1 << 28  # bytes of disk to leave free
_RANGE = re.compile(r"bytes (\d+)-\d*/(\d+|\*)")
OnProgress = Callable[[int, int], None]  # bytes so far, bytes in all (0 = not known)


class BrokeOff(Exception):
    """The connection failed again and again; what came is kept. Its text says how far."""


def fetch(
    url: str,
    to: Path,
    size: int,
    headers: Mapping[str, str],
    progress: OnProgress | None = None,
    *,
    fixed: bool = False,
) -> None:
    """Bring ``url`` to the path ``to``; ``size`` in bytes, 0 = as the server says.

    What came earlier is gone on with only if the server still has the same file, by its ETag
    or date of change. ``fixed`` says that it must: ``to`` is named by the hash of the bytes.

    Raises BrokeOff, UserError when the disk is too small or another process fetches the same
    file, OSError from the disk, and huggingface_hub's HfHubHTTPError for a refusal.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(to.with_name(to.name + ".part"), fixed)
    lock = Path(f"{part.path}.lock")
    with locked(lock) as alone:
        if not alone:
            raise UserError(f"another process is fetching {to.name}; wait for it")
        _complete(url, part, size, dict(headers), progress or (lambda done, total: None))
        os.replace(part.path, to)
        part.mark.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        lock.unlink()


@dataclass(frozen=True)
class _Part:
    """What has come so far, and beside it the mark of the version that it is the beginning of:
    the server's ETag, or its date of change."""

    path: Path
    fixed: bool

    @property
    def mark(self) -> Path:
        return self.path.with_name(self.path.name + ".mark")

    @property
    def version(self) -> str:
        """The mark of what is there; "" where it has none."""
        try:
            return self.mark.read_text("utf-8")
        except (OSError, ValueError):
            return ""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, version: str) -> None:
        """Drop what is there, and take the mark of what comes. In this order: a mark must never
        stand beside bytes of another version."""
        self.drop()
        if version:
            self.mark.write_text(version, "utf-8")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)


def room_for(folder: Path, needed: int) -> None:
    """Raise UserError when so many bytes more do not fit on the folder's disk."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed + _SPARE > free:
        raise UserError(
            f"the disk of {folder} is too small: {needed / 1e9:.1f} GB to fetch, {free / 1e9:.1f} GB "
            "free; make room, or set HF_HOME to a folder on a larger disk"
        )


def _complete(
    url: str, part: _Part, size: int, headers: dict[str, str], progress: OnProgress
) -> None:
    """Append to the part file until all of it is there."""
    tries, most = _RETRIES, part.size
    while True:
        have = part.size
        if (size and have > size) or (have and not part.fixed and not part.version):
            part.drop()
            have = 0
        if size and have == size:
            return
        room_for(part.path.parent, max(0, size - have))
        total, why = _append(url, part, have, size, headers, progress)
        came = part.size
        if not why and came >= total:
            return
        tries, most = (_RETRIES, came) if came > most else (tries - 1, most)
        if tries <= 0:
            of = f" of {total / 1e9:.2f}" if total else ""
            raise BrokeOff(f"{came / 1e9:.2f}{of} GB came, then: {why or 'the connection ended'}")
        time.sleep(0.2 if came > have else 1.0)


def _append(
    url: str, part: _Part, have: int, size: int, headers: dict[str, str], progress: OnProgress
) -> tuple[int, str]:
    """One request. Returns the size of the whole, and why it broke off ("" = it did not)."""
    from huggingface_hub import utils
    from huggingface_hub.errors import HfHubHTTPError

    hub: Any = utils
    broken = HfHubHTTPError.__bases__[0]  # the HTTP library's own root of errors
    asked = headers | {"Accept-Encoding": "identity"}
    if have:
        asked["Range"] = f"bytes={have}-"
        if part.version:
            asked["If-Range"] = part.version
    try:
        with hub.get_session().stream(
            "GET", url, headers=asked, follow_redirects=True, timeout=60
        ) as answer:
            if answer.status_code == 416:  # the part is no beginning of what is there now
                part.drop()
                return size, "what had come before does not fit what is there now"
            hub.hf_raise_for_status(answer)
            begun = have if answer.status_code == 206 else 0
            total = _total(answer.headers, begun)
            if begun and not _goes_on(answer.headers, part, begun, size):
                part.drop()
                return size, "the file was replaced by another while it came"
            if not begun:
                part.begin(_version(answer.headers))
            size = size or total
            _write(answer, part.path, begun, size, progress)
    except HfHubHTTPError:
        raise
    except broken as error:  # type: ignore[misc]
        return size, str(error) or type(error).__name__
    return size, ""


def _write(answer: Any, path: Path, begun: int, size: int, progress: OnProgress) -> None:
    with open(path, "r+b" if begun else "wb") as file:
        file.seek(begun)
        done = begun
        for chunk in answer.iter_bytes():  # as it arrives, so that nothing is lost in a buffer
            file.write(chunk)
            done += len(chunk)
            progress(done, size)


def _version(headers: Mapping[str, str]) -> str:
    """What tells this version of a file from others and may stand in If-Range: a strong ETag,
    else the date of change; "" for neither."""
    tag = headers.get("ETag", "").strip()
    return tag if tag.startswith('"') else headers.get("Last-Modified", "").strip()


def _total(headers: Mapping[str, str], begun: int) -> int:
    """The size of the whole file in bytes, 0 where the server does not say."""
    match = _RANGE.match(headers.get("Content-Range", "")) if begun else None
    if match and match[2].isdigit():
        return int(match[2])
    length = headers.get("Content-Length", "")
    return begun + int(length) if length.isdigit() else 0


def _goes_on(headers: Mapping[str, str], part: _Part, offset: int, size: int) -> bool:
    """Whether a partial answer goes on with the very file that the part began with: some
    servers ignore If-Range."""
    match = _RANGE.match(headers.get("Content-Range", ""))
    if match is None or int(match[1]) != offset or (size and match[2] not in ("*", str(size))):
        return False
    now = _version(headers)
    return part.fixed or not now or now == part.version
