"""Fetches weights: from the Hugging Face hub through huggingface_hub, or from a URL.

huggingface_hub gives its cache, token, mirror and offline mode. Large files are fetched here,
because a download that was killed must go on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.common.files import cache_folder, sha256_of
from harness.models.download import OnProgress, fetch, room_for
from harness.models.registry import Origin, Row, split_names
from harness.types import UserError

# What a Hugging Face folder needs: weights, settings and the tokenizer. No code, no pickles.
_PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
_PLAIN_LIMIT = 45 * 10**9  # above this the hub serves no plain downloads
_SHA256 = re.compile("[0-9a-f]{64}")
Tell = Callable[[str], None]


def find_cached(origin: Origin, revision: str) -> Path | None:
    """What huggingface_hub has of a repository, complete or not at all."""
    from huggingface_hub import try_to_load_from_cache

    def cached(file: str) -> Path | None:
        found = try_to_load_from_cache(origin.repo, file, revision=revision)
        return Path(found) if isinstance(found, str) else None

    try:
        if origin.file:
            paths = [cached(file) for file in split_names(origin.file)]
            return paths[0] if all(paths) else None
        config = cached("config.json")
    except ValueError:  # a name that is no repository's
        return None
    return config.parent if config and _whole(config.parent) else None


def _whole(folder: Path) -> bool:
    """Whether a model folder has all its weights, by its own index where there is one."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    try:
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False
    return all((folder / str(name)).is_file() for name in names)


def fetch_repository(row: Row, revision: str, tell: Tell, progress: OnProgress | None) -> Path:
    """A row's file or folder from the hub, at a revision. Raises what huggingface_hub raises."""
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        snapshot_download,
        utils,
    )

    hub: Any = utils
    hub.disable_progress_bars()  # ours shows the same bytes
    origin = row.origin
    where: dict[str, Any] = {"repo_id": origin.repo, "revision": revision}
    # The library tries again for half a minute before it says what is wrong: ask once first.
    get_hf_file_metadata(hf_hub_url(filename=origin.file or "config.json", **where))
    patterns: dict[str, Any] = {"allow_patterns": _PATTERNS, "ignore_patterns": ["*/*"]}
    if origin.file:
        files = split_names(origin.file)
        infos = [hf_hub_download(filename=file, dry_run=True, **where) for file in files]
    else:
        infos = snapshot_download(dry_run=True, **where, **patterns)
        if not any(info.filename.endswith(".safetensors") for info in infos):
            raise UserError(
                f"model {row.model.name}: {origin.label} has no *.safetensors, and pickled weights "
                "could run code when read; name a repository or @revision that has them"
            )
    missing = [info for info in infos if info.will_download]
    size = sum(info.file_size or 0 for info in missing)
    _say_what_comes(row, size, tell)
    room_for(hub_cache(), size)
    for info in missing:
        _fetch_blob(origin.repo, info.filename, revision, progress)
    if not origin.file:
        return Path(snapshot_download(**where, **patterns))
    paths = [hf_hub_download(filename=file, **where) for file in files]
    return Path(paths[0])


def _fetch_blob(repo: str, file: str, revision: str, progress: OnProgress | None) -> None:
    """Put one large file where huggingface_hub looks for it before it downloads.

    Its blobs are named by their hash, so a part of one can be gone on with later."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, utils

    hub: Any = utils
    url = hf_hub_url(repo, file, revision=revision)
    about = get_hf_file_metadata(url)
    sha256, size = about.etag or "", about.size or 0
    if not _SHA256.fullmatch(sha256) or not 0 < size < _PLAIN_LIMIT:
        return
    blob = hub_cache() / f"models--{repo.replace('/', '--')}" / "blobs" / sha256
    url = hf_hub_url(repo, file, revision=about.commit_hash or revision)
    fetch(url, blob, size, hub.build_hf_headers(), progress, fixed=True)
    if (found := sha256_of(blob)) != sha256:
        blob.unlink()
        raise UserError(
            f"{repo}: {file}: the download does not have the hash that the hub names "
            f"({found[:12]}… is not {sha256[:12]}…); it was deleted, give the command again"
        )


def hub_cache() -> Path:
    """Where huggingface_hub keeps files. Raises ImportError where it is not installed."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def require_hub(row: Row) -> None:
    """Raise UserError where huggingface_hub is not installed."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise UserError(
            f"model {row.model.name}: fetching it needs huggingface_hub: pip install "
            "'harness[llama]'; or name a file that is here"
        ) from None


def url_path(url: str) -> Path:
    """Where a file of an address is kept. The whole address decides: many repositories have a
    file of the same name."""
    parts = urlsplit(url)
    host = re.sub(r"[^\w.-]", "_", parts.netloc.rpartition("@")[2]) or "file"
    name = re.sub(r"[^\w.-]", "_", parts.path.rpartition("/")[2]) or "file"
    address = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return cache_folder() / "weights" / host / address / name


def fetch_url(row: Row, tell: Tell, progress: OnProgress | None) -> Path:
    """A row's file from its URL, checked against its MD5 where the row has one."""
    from huggingface_hub import constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    origin, path = row.origin, url_path(row.origin.url)
    if constants.HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled
    _say_what_comes(row, origin.size, tell)
    fetch(origin.url, path, origin.bytes, {}, progress)
    if origin.md5:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != origin.md5:
            raise reject(row, path, f"its md5 is {found}, not {origin.md5}, as its row says")
    return path


def _say_what_comes(row: Row, size: int, tell: Tell) -> None:
    unit, factor = ("GB", 1e9) if size >= 1e9 else ("MB", 1e6)
    amount = f"{size / factor:.2f} {unit}" if size else "size not known"
    terms = row.model.licence or "not known here; see the model's page"
    forbidden = ", NOT for commercial use" if row.non_commercial else ""
    tell(f"fetching {row.model.name}: {row.origin.label}, {amount}; licence: {terms}{forbidden}")


def reject(row: Row, path: Path, what: str) -> UserError:
    """Delete a file that is not what its row says, and what a link to it points to; the error
    to raise."""
    target = path.resolve()
    path.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    return UserError(
        f"model {row.model.name}: {row.origin.label}: {what}; it was deleted. Give the command "
        "again, and if that does not help, the file has been replaced: mend its row in models.toml"
    )
