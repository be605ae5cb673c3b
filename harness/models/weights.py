"""Finds or fetches the weights of a model, and checks that they are the right ones.

Where a row names no hash, the hash of the first use is kept in models.lock beside models.toml.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.common import proxies
from harness.common.files import write_whole
from harness.models import hub
from harness.models.download import OnProgress
from harness.models.fetch_errors import explained
from harness.models.hub import Tell
from harness.models.registry import Origin, Row, file_identity, folder_identity
from harness.types import UserError

LOCK_FILE = Path("models.lock")


def local_path(row: Row, lock: Path = LOCK_FILE) -> Path | None:
    """The file or folder on this machine, None where it has to be fetched. Asks no network."""
    origin = row.origin
    if not origin.label:
        path = Path(row.model.source)
        return path if path.exists() else None
    if origin.url:
        path = hub.url_path(origin.url)
        return path if path.exists() else None
    try:
        return hub.find_cached(origin, _revision(origin, lock))
    except ImportError:
        return None


def pull(
    row: Row,
    tell: Tell = lambda line: None,
    progress: OnProgress | None = None,
    lock: Path = LOCK_FILE,
) -> Path:
    """The file or folder, fetched where it is not here yet, and checked.

    ``tell`` gets one line about size and licence before anything is fetched. Raises UserError
    that says in one line what is wrong and what to do.
    """
    path = local_path(row, lock)
    if path is None and not row.origin.label:
        raise UserError(
            f"model {row.model.name}: {row.model.source}: no such file; models.toml "
            "names files from its own folder"
        )
    if path is None:
        hub.require_hub(row)
        proxies.make_usable()
        with explained(row):
            if row.origin.url:
                path = hub.fetch_url(row, tell, progress)
            else:
                path = hub.fetch_repository(row, _revision(row.origin, lock), tell, progress)
    if row.origin.label:
        check_bytes(row, path, lock)
    return path


def check_bytes(row: Row, path: Path, lock: Path = LOCK_FILE) -> None:
    """Compare with what the row, or else the first use, says the bytes are.

    Raises UserError; a file that is not what its row pins is deleted.
    """
    found = folder_identity(path) if path.is_dir() else file_identity(path)
    pinned, origin = row.origin.sha256, row.origin
    if pinned and found != pinned:
        raise hub.reject(row, path, f"its sha256 is {found}, not {pinned}, as its row says")
    if pinned:
        return
    known = _read_lock(lock)
    if origin.label not in known:
        known[origin.label] = {"sha256": found, "revision": commit(path)}
        _write_lock(lock, known)
    elif known[origin.label].get("sha256") != found:
        raise UserError(
            f"model {row.model.name}: {path}: sha256 {found} is not what {lock} says of its first "
            f"use; if you trust the new bytes, remove {origin.label!r} from that file"
        )


# --- models.lock ------------------------------------------------------------------------


def _revision(origin: Origin, lock: Path) -> str:
    """The row's revision, else that of the first use, else the newest."""
    return origin.revision or _read_lock(lock).get(origin.label, {}).get("revision") or "main"


def commit(path: Path) -> str:
    """The commit that a cached file or folder belongs to, by huggingface_hub's layout; ""."""
    match = re.search(r"[\\/]snapshots[\\/]([0-9a-f]{40})(?:[\\/]|$)", str(path))
    return match[1] if match else ""


def _read_lock(lock: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(lock.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{lock}: cannot be read ({error}); mend or delete it") from None
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise UserError(f"{lock}: expected an object of objects; mend or delete it")
    return found


def _write_lock(lock: Path, known: dict[str, dict[str, str]]) -> None:
    try:
        write_whole(lock, json.dumps(known, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise UserError(f"{lock}: cannot be written: {error.strerror}") from None
