"""Says in one line what went wrong while a model was fetched, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from harness.common.hints import hint
from harness.models.download import BrokeOff
from harness.models.registry import Row
from harness.types import UserError


@contextmanager
def explained(row: Row) -> Iterator[None]:
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
        files = HfApi().list_repo_files(row.origin.repo)
    except (OSError, ValueError):
        return "see its page for what there is"
    names = [name for name in files if name.endswith(".gguf")]
    if not row.origin.file:
        one = f"; to run one of its .gguf files: hf:{row.origin.repo}:{names[0]}" if names else ""
        return f"it has no config.json{one}"
    return hint(row.origin.file, names) if names else "it holds no .gguf file at all"


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
