"""Finds out what a server's refusal means: prompt too long, unknown key in the request, busy.

Servers word these in many ways. So they are told apart by status, error code, and the words of
the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.common.network import retry_after
from harness.types import Finish

_BUSY = (408, 425, 429, 500, 502, 503, 504)
LONGEST_REFUSAL = 1 << 16
# A prompt that does not fit: what is spoken of, and that it is too much.
_CODES = re.compile(
    r"(context|prompt|input|sequence)_?(length|window|size|tokens)?_?(exceeded|too_long|overflow)"
    r"|exceed_context|context_?length|contextwindow",
    re.IGNORECASE,
)
_PROMPT = r"prompt|inputs?|context (?:length|window|size)|messages?|conversation|history"
_TOO_MUCH = (
    r"too (?:long|large|big)|(?:long|larg|bigg|great)er than|exceed|overflow|"
    r"(?:does not|doesn't|do not|don't|cannot|can't|won't) fit|reduce the length"
)
_LENGTH = (
    r"\btokens?\b|token (?:limit|count)|\bn_ctx\b|max_?(?:seq|model|input|total|sequence|context)_"
    r"?(?:len(?:gth)?|tokens)|(?:context|model|sequence|prompt|input) ?(?:length|window|size)"
)
_LIMIT = (
    rf"{_TOO_MUCH}|maxim|\bmax\b|limit|at most|less than|fewer than|more than|<=|≤|too many|"
    r"up to|\bonly\b|\brange\b|shorte|truncat|not enough|\d ?> ?\d"
)
_OVERFLOWS = (
    re.compile(rf"\b(?:{_PROMPT})\b.{{0,80}}?(?:{_TOO_MUCH})", re.IGNORECASE | re.DOTALL),
    re.compile(
        rf"\b(?:reduce|shorten)\b.{{0,40}}\b(?:{_PROMPT})\b|request (?:is )?too large",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:{_LENGTH}).{{0,120}}?(?:{_LIMIT})", re.IGNORECASE | re.DOTALL),
    re.compile(rf"(?:{_LIMIT}).{{0,120}}?(?:{_LENGTH})", re.IGNORECASE | re.DOTALL),
    re.compile(
        r"(?:トークン|コンテキスト|プロンプト|入力|上下文|输入|長さ).{0,40}(?:超|長すぎ|过长|上限)"
    ),
)
_OTHER_LIMITS = re.compile(
    r"per (?:second|minute|hour|day)|rate.?limit|\btpm\b|\brpm\b|quota|deadline"
    r"|credit|balance|billing|\bqueue|overload",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"(?:completion|output|generated|new) tokens", re.IGNORECASE)
_SPEAKS_OF_PROMPT = re.compile(r"context|prompt|input|message|model length", re.IGNORECASE)
# Keys that are everyday words too count as named only in quotes.
_EVERYDAY = ("stop", "stream")


class Fault(Exception):
    """The generation failed; ``pause`` seconds may help (None: nothing would). ``key`` is the
    request's key that the server does not take, "" where it is about something else."""

    def __init__(
        self, text: str, finish: Finish = "error", pause: float | None = None, key: str = ""
    ) -> None:
        super().__init__(text)
        self.finish = finish
        self.pause = pause
        self.key = key


def refused_fault(
    status: int, headers: Mapping[str, str], body: bytes, keys: Iterable[str], url: str
) -> Fault:
    """What an answer that is not 200 means. ``keys`` are those of the request that could be
    left out, ``url`` is where it went."""
    data = _loaded(body)
    detail = _words(data)
    if 300 <= status < 400:
        return Fault(f"the server answered {status} and sends requests on{_to(headers, url)}")
    text = f"the server answered {status}: {detail}"
    if status not in (401, 403, 404, 408, 425, 429, 502, 503, 504):
        if is_overflow(status, data):
            return Fault(text, finish="context")
        if key := refused_key(data, keys):
            return Fault(f"{text}; leave_out = [{key!r}] in its row may help", key=key)
    if status in _BUSY:
        busy = f"the server is failing or busy ({status}: {detail})"
        return Fault(busy, pause=retry_after(headers))
    if status in (401, 403):
        return Fault(f"the server refused the key ({status}: {detail}); see key_env")
    if status == 404:
        hint = "check the url (up to and with /v1), the model's name, and api = completions or chat"
        return Fault(f"no such address or model ({status}: {detail}); {hint}")
    return Fault(text)


def reported_fault(data: Any) -> Fault:
    """An error that came with status 200."""
    finish: Finish = "context" if is_overflow(200, data) else "error"
    return Fault(f"the server reported {_words(data)}", finish=finish)


def is_overflow(status: int, data: Any) -> bool:
    """Whether an error says that the prompt, with the answer asked for, does not fit."""
    text = _sentences(data)
    if _OTHER_LIMITS.search(text):
        return False
    error = _error(data)
    codes = (error.get(key) for key in ("code", "type", "error_type")) if error else ()
    if status == 413 or any(isinstance(code, str) and _CODES.search(code) for code in codes):
        return True
    if _OUTPUT.search(text) and not _SPEAKS_OF_PROMPT.search(text):
        return False
    return any(pattern.search(text) for pattern in _OVERFLOWS)


def refused_key(data: Any, keys: Iterable[str]) -> str:
    """The key of the request that an error names first; "" for none."""
    keys = list(keys)
    error = _error(data)
    for named in (error.get("param"), error.get("loc"), *_places(error.get("detail"))):
        last = named[-1] if isinstance(named, list) and named else named
        if isinstance(last, str) and last in keys:
            return last
    text = _sentences(data)
    found = []
    for key in keys:
        quote = r"['\"`‘“]" if key in _EVERYDAY else r"\b"
        if match := re.search(rf"{quote}{key}{quote.replace('‘“', '’”')}", text):
            found.append((match.start(), key))
    return min(found)[1] if found else ""


def _words(error: Any) -> str:
    """The server's own words, on one line."""
    return " ".join(_sentences(error).split())[:200] or "nothing said"


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _error(data: Any) -> dict[str, Any]:
    """The object that describes the error; {} where there is none."""
    if isinstance(data, list) and len(data) == 1:  # Google's
        data = data[0]
    inner = data.get("error") if isinstance(data, dict) else None
    if isinstance(inner, dict):
        return inner
    return data if isinstance(data, dict) else {}


def _places(detail: Any) -> list[Any]:
    """Where the errors of a validation (FastAPI's) are."""
    items = detail if isinstance(detail, list) else []
    return [item.get("loc") for item in items if isinstance(item, dict)]


def _sentences(data: Any) -> str:
    """What an error says, without what it repeats of the request."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return "; ".join(_sentences(item) for item in data[:8])
    if not isinstance(data, dict):
        return "" if data is None else str(data)
    for key in ("error", "message", "msg", "detail", "errors", "reason"):
        if data.get(key):
            where = data.get("loc")
            place = f"{where[-1]}: " if isinstance(where, list) and where else ""
            return place + _sentences(data[key])
    return str(data)


def _to(headers: Mapping[str, str], url: str) -> str:
    """Where a redirect leads, as a url for the row, without what may be secret in it."""
    try:
        parts = urlsplit(urljoin(url, headers.get("location", "")))
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    path = re.sub(r"/(?:chat/)?completions/?$", "", parts.path)
    target = f"{parts.scheme}://{host}{path}"
    return f" to {target}; give the address that it answers at as url" if host else ""
