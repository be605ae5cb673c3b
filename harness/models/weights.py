"""Weights on this machine: where they are, how they are fetched, and that they are the right ones.

Repositories go through huggingface_hub (its cache, token, mirror and offline mode); large
files are fetched here, because a download that was killed must go on where it stopped.
What a row does not pin is pinned at first use, in models.lock beside models.toml. It knows
rows and files; not engines, nor what is in a file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.common import proxies
from harness.common.files import cache_folder, sha256_of
from harness.models.download import BrokeOff, Progress, fetch, room_for
from harness.models.registry import (
    Origin,
    Row,
    file_identity,
    folder_identity,
    nearest,
    split_names,
)
from harness.types import UserError

LOCK = Path("models.lock")
INSTALL = "pip install 'harness[llama]'"
# What a Hugging Face folder needs: weights, settings and the tokenizer. No code, no pickles.
PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
PLAIN_LIMIT = 45 * 10**9  # above this the hub serves no plain downloads
SHA256 = re.compile("[0-9a-f]{64}")
Tell = Callable[[str], None]


def local_path(row: Row, lock: Path = LOCK) -> Path | None:
    """The file or folder on this machine, None where it has to be fetched. Asks no network."""
    origin = row.origin
    if not origin.label:
        path = Path(row.model.source)
        return path if path.exists() else None
    if origin.url:
        path = _url_path(origin.url)
        return path if path.exists() else None
    try:
        return _cached(origin, _revision(origin, lock))
    except ImportError:
        return None


def pull(
    row: Row, tell: Tell = lambda line: None, progress: Progress | None = None, lock: Path = LOCK
) -> Path:
    """The file or folder, fetched where it is not here yet, and checked.

    ``tell`` gets one line about size and licence before anything is fetched. Raises UserError
    that says in one line what is wrong and what to do.
    """
    path = local_path(row, lock)
    if path is None and not row.origin.label:
        raise UserError(
            f"model {row.model.name}: {row.model.source}: no such file; models.toml names files from its own folder"
        )
    if path is None:
        _require_hub(row)
        proxies.make_usable()
        with _explained(row):
            path = (
                _from_url(row, tell, progress)
                if row.origin.url
                else _from_hub(row, tell, progress, lock)
            )
    if row.origin.label:
        check(row, path, lock)
    return path


def check(row: Row, path: Path, lock: Path = LOCK) -> None:
    """Compare with what the row, or else the first use, says the bytes are.

    Raises UserError; a file that is not what its row pins is deleted.
    """
    found = folder_identity(path) if path.is_dir() else file_identity(path)
    pinned, origin = row.origin.sha256, row.origin
    if pinned and found != pinned:
        _delete(path)
        raise _wrong_bytes(row, f"its sha256 is {found}, not {pinned}, as its row says")
    if pinned:
        return
    known = _read_lock(lock)
    if _key(origin) not in known:
        known[_key(origin)] = {"sha256": found, "revision": commit(path)}
        _write_lock(lock, known)
    elif known[_key(origin)].get("sha256") != found:
        raise UserError(
            f"model {row.model.name}: {path}: sha256 {found} is not what {lock} says of its first "
            f"use; if you trust the new bytes, remove {_key(origin)!r} from that file"
        )


# --- from the hub -----------------------------------------------------------------------


def _cached(origin: Origin, revision: str) -> Path | None:
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


def _from_hub(row: Row, tell: Tell, progress: Progress | None, lock: Path) -> Path:
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        snapshot_download,
        utils,
    )

    hub: Any = utils
    hub.disable_progress_bars()  # ours shows the same bytes
    origin, revision = row.origin, _revision(row.origin, lock)
    where: dict[str, Any] = {"repo_id": origin.repo, "revision": revision}
    # The library tries again for half a minute before it says what is wrong: ask once first.
    get_hf_file_metadata(hf_hub_url(filename=origin.file or "config.json", **where))
    patterns: dict[str, Any] = {"allow_patterns": PATTERNS, "ignore_patterns": ["*/*"]}
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
    room_for(_hub_cache(), size)
    for info in missing:
        _fetch_blob(origin.repo, info.filename, revision, progress)
    if not origin.file:
        return Path(snapshot_download(**where, **patterns))
    paths = [hf_hub_download(filename=file, **where) for file in files]
    return Path(paths[0])


def _fetch_blob(repo: str, file: str, revision: str, progress: Progress | None) -> None:
    """Put one large file where huggingface_hub looks for it before it downloads.

    Its blobs are named by their hash, so a part of one can be gone on with later."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, utils

    hub: Any = utils
    url = hf_hub_url(repo, file, revision=revision)
    about = get_hf_file_metadata(url)
    if (
        not about.etag
        or not SHA256.fullmatch(about.etag)
        or not 0 < (about.size or 0) < PLAIN_LIMIT
    ):
        return
    blob = _hub_cache() / f"models--{repo.replace('/', '--')}" / "blobs" / about.etag
    url = hf_hub_url(repo, file, revision=about.commit_hash or revision)
    fetch(url, blob, about.size or 0, hub.build_hf_headers(), progress, fixed=True)
    if (found := sha256_of(blob)) != about.etag:
        blob.unlink()
        raise UserError(
            f"{repo}: {file}: the download does not have the hash that the hub names "
            f"({found[:12]}… is not {about.etag[:12]}…); it was deleted, give the command again"
        )


def _hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _require_hub(row: Row) -> None:
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise UserError(
            f"model {row.model.name}: fetching it needs huggingface_hub: {INSTALL}; or name a file "
            "that is here"
        ) from None


# --- from a URL -------------------------------------------------------------------------


def _url_path(url: str) -> Path:
    """Where a file of an address is kept. The whole address decides: many repositories have a
    file of the same name."""
    parts = urlsplit(url)
    host = re.sub(r"[^\w.-]", "_", parts.netloc.rpartition("@")[2]) or "file"
    name = re.sub(r"[^\w.-]", "_", parts.path.rpartition("/")[2]) or "file"
    address = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return cache_folder() / "weights" / host / address / name


def _from_url(row: Row, tell: Tell, progress: Progress | None) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    origin, path = row.origin, _url_path(row.origin.url)
    if constants.HF_HUB_OFFLINE:
        raise OfflineModeIsEnabled
    _say_what_comes(row, origin.size, tell)
    fetch(origin.url, path, origin.bytes, {}, progress)
    if origin.md5:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != origin.md5:
            _delete(path)
            raise _wrong_bytes(row, f"its md5 is {found}, not {origin.md5}, as its row says")
    return path


# --- what is said -----------------------------------------------------------------------


def _say_what_comes(row: Row, size: int, tell: Tell) -> None:
    unit, factor = ("GB", 1e9) if size >= 1e9 else ("MB", 1e6)
    amount = f"{size / factor:.2f} {unit}" if size else "size not known"
    terms = row.model.licence or "not known here; see the model's page"
    forbidden = ", NOT for commercial use" if row.non_commercial else ""
    tell(f"fetching {row.model.name}: {row.origin.label}, {amount}; licence: {terms}{forbidden}")


@contextmanager
def _explained(row: Row) -> Iterator[None]:
    """What goes wrong in fetching, as one line that says what to do."""
    try:
        yield
    except UserError:
        raise
    except BrokeOff as error:
        raise UserError(
            f"model {row.model.name}: the download broke off: {error}; the same command goes on from there"
        ) from None
    except (OSError, ValueError, LookupError, TypeError, _http_error()) as error:
        raise UserError(f"model {row.model.name}: {row.origin.label}: {_why(row, error)}") from None


def _http_error() -> type[Exception]:
    """The root of the errors of the HTTP library that huggingface_hub uses, whichever it is."""
    from huggingface_hub.errors import HfHubHTTPError

    root: type[Exception] = HfHubHTTPError.__bases__[0]
    return root


def _why(row: Row, error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled) or _offline():
        return "is not on this machine, and HF_HUB_OFFLINE forbids to fetch it"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; make room and give the same command again"
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(row, error)
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause = error.__cause__
        if isinstance(cause, errors.HfHubHTTPError):
            return _refused(row, cause)
        return _unreachable(row, cause or error)
    if isinstance(error, errors.HFValidationError):
        return "is no repository's name; expected hf:owner/name:file.gguf"
    if isinstance(error, _http_error()):
        return _unreachable(row, error)
    if isinstance(error, LookupError | TypeError):
        return f"{_host(row)} answers in a way that makes no sense ({_first_line(error)})"
    return _first_line(error)


def _unreachable(row: Row, cause: BaseException) -> str:
    return (
        f"cannot reach {_host(row)} ({_first_line(cause)}); check the network, or set HF_ENDPOINT "
        "to a mirror"
    )


def _refused(row: Row, error: Any) -> str:
    """One line for what the server answered."""
    from huggingface_hub import errors

    status = error.response.status_code
    page = f"{_host(row)}/{row.origin.repo}"
    token = _has_token()
    if isinstance(error, errors.GatedRepoError):
        then = (
            "with the account of your token" if token else "then set HF_TOKEN to a token of yours"
        )
        return f"its owner asks you to accept terms first: open {page}, agree, {then}"
    if isinstance(error, errors.RevisionNotFoundError):
        return "there is no such revision; leave it out for the newest"
    if isinstance(error, errors.EntryNotFoundError):
        missing = (
            "there is no such file in the repository" if row.origin.file else "no model folder"
        )
        return f"{missing}; {_names_there(row)}"
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        private = "your token has no access to it" if token else "it is private: then set HF_TOKEN"
        return f"{status}: there is no such repository, or {private}"
    if status == 403:
        return "403: forbidden; " + (
            f"your token may not read it: see {page}" if token else f"see {page}, then set HF_TOKEN"
        )
    if status == 429:
        after = error.response.headers.get("Retry-After", "")
        wait = f"wait {after} s" if after.isdigit() else "wait some minutes"
        return f"429: too many requests; {wait}" + (
            "" if token else ", or set HF_TOKEN for a higher limit"
        )
    return f"the server answered {status}; try again later, or set HF_ENDPOINT to a mirror"


def _names_there(row: Row) -> str:
    from huggingface_hub import HfApi

    try:
        names = [
            name for name in HfApi().list_repo_files(row.origin.repo) if name.endswith(".gguf")
        ]
    except (OSError, ValueError):
        return "see its page for what there is"
    if not row.origin.file:
        hint = f"; to run one of its .gguf files: hf:{row.origin.repo}:{names[0]}" if names else ""
        return f"it has no config.json{hint}"
    return nearest(row.origin.file, names) if names else "it holds no .gguf file at all"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0][:300]


def _host(row: Row) -> str:
    from huggingface_hub import constants

    parts = urlsplit(row.origin.url or constants.ENDPOINT)
    return f"{parts.scheme}://{parts.netloc}"


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _has_token() -> bool:
    from huggingface_hub import get_token

    return bool(get_token())


def _wrong_bytes(row: Row, what: str) -> UserError:
    return UserError(
        f"model {row.model.name}: {row.origin.label}: {what}; it was deleted. Give the command "
        "again, and if that does not help, the file has been replaced: mend its row in models.toml"
    )


def _delete(path: Path) -> None:
    """A file and, where it is a link into a cache, what it points to."""
    target = path.resolve()
    path.unlink(missing_ok=True)
    target.unlink(missing_ok=True)


# --- models.lock ------------------------------------------------------------------------


def _key(origin: Origin) -> str:
    return origin.label


def _revision(origin: Origin, lock: Path) -> str:
    """The row's revision, else that of the first use, else the newest."""
    return origin.revision or _read_lock(lock).get(_key(origin), {}).get("revision") or "main"


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
    temporary = lock.with_name(f"{lock.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
        os.replace(temporary, lock)
    except OSError as error:
        raise UserError(f"{lock}: cannot be written: {error.strerror}") from None
