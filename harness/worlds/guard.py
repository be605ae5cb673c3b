"""Gets JSON from one host over HTTP, within limits of time, size, redirects and requests.

Whatever goes wrong is ToolUnavailable, in words that hold no address and no credential.
``Guard`` stands in for the module `requests` where a package calls ``requests.get``.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.common.network import ATTEMPTS, retry_after
from harness.types import ToolUnavailable
from harness.worlds.pace import Pace

WIKI_CALL_SECONDS = 25.0  # for everything one tool call needs, waiting included
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0  # of silence
_MAX_BYTES = 4 << 20  # of one reply, unpacked
_MAX_REQUESTS = 12  # for one tool call
_MAX_REDIRECTS = 3
_AT_ONCE = 3  # requests under way together, as Wikimedia asks
_THROTTLED = frozenset({429, 502, 503, 504})
_THROTTLED_CODES = frozenset({"maxlag", "ratelimited", "readonly"})


@dataclass(frozen=True)
class JsonReply:
    """What a package may do with a reply that was found good: ask for its JSON."""

    value: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """The reply, a JSON object."""
        return self.value


class _Throttled(Exception):
    """Ask again later; ``args`` are a reason and the seconds the server asked for."""


class Guard:
    """GET requests to ``origin`` (scheme and host) and nowhere else, from any thread."""

    def __init__(
        self, origin: str, agent: str, pace: Pace, seconds: float = WIKI_CALL_SECONDS
    ) -> None:
        import requests

        self.origin = origin
        self.host = urlsplit(origin).netloc
        self._agent = agent
        self._pace = pace
        self._seconds = seconds
        self._session = requests.Session()
        self._session.auth = lambda request: request  # or it would look for some in ~/.netrc
        self._turn = threading.BoundedSemaphore(_AT_ONCE)
        self._call = threading.local()

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """One tool call: its requests share a deadline and a number."""
        self._call.deadline = time.monotonic() + self._seconds
        self._call.left = _MAX_REQUESTS
        yield

    def get(self, url: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> JsonReply:
        """As ``requests.get``; asks again where a server asks for patience. The package's
        own headers are not sent."""
        for attempt in range(ATTEMPTS):
            self._spend()
            try:
                return JsonReply(self._ask(url, params))
            except _Throttled as error:
                reason, asked = error.args
                self._pace.back_off(attempt, asked)
        raise self._unavailable(reason)

    def _spend(self) -> None:
        if self._call.left == 0:
            raise self._unavailable(f"needs more than {_MAX_REQUESTS} requests for one page")
        self._call.left -= 1
        try:
            self._pace.wait(self._call.deadline)
        except ToolUnavailable as error:
            raise self._unavailable(str(error)) from None

    def _ask(self, url: str, params: Mapping[str, Any]) -> dict[str, Any]:
        status, headers, body = self._fetch(url, params)
        if status in _THROTTLED:
            raise _Throttled(f"throttled or overloaded (HTTP {status})", retry_after(headers))
        if status == 403:
            raise self._unavailable(
                "refused (HTTP 403); servers do that to clients without a contact: set "
                "HARNESS_CONTACT to an e-mail or web address"
            )
        if status != 200:
            raise self._unavailable(f"answered with HTTP {status}")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            kind = "HTML" if body.lstrip()[:1] == b"<" else "something else" if body else "nothing"
            raise self._unavailable(f"answered with {kind} instead of JSON") from None
        if not isinstance(value, dict):
            raise self._unavailable("answered with JSON of another shape")
        self._check_error(value.get("error"), headers)
        return value

    def _check_error(self, error: object, headers: Mapping[str, str]) -> None:
        if error is None:
            return
        code = str(error.get("code")) if isinstance(error, dict) else "unnamed"
        if code in _THROTTLED_CODES:
            raise _Throttled(f"throttled or overloaded ({code})", retry_after(headers))
        raise self._unavailable(f"answered with the error {code[:40]!r}")

    def _fetch(self, url: str, params: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        import requests
        import urllib3

        try:
            with self._turn:
                return self._follow(url, params)
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            raise self._unavailable("gave no answer in time") from None
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            raise self._unavailable(f"cannot be reached ({type(error).__name__})") from None

    def _follow(
        self, url: str, params: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        for _ in range(_MAX_REDIRECTS + 1):
            left = self._left()
            response = self._session.get(
                url,
                params=params,
                headers={"User-Agent": self._agent, "Accept": "application/json"},
                timeout=(min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left)),
                allow_redirects=False,
                stream=True,
            )
            with response:
                if not response.is_redirect:
                    return response.status_code, response.headers, self._read(response)
                url = urljoin(url, response.headers["Location"])
            params = None  # the address to go on with has them
            if not url.startswith(f"{self.origin}/"):
                raise self._unavailable("sends elsewhere (a redirect to another host), refused")
        raise self._unavailable("redirects without end")

    def _read(self, response: Any) -> bytes:
        """The body as it trickles in; neither a slow nor an endless one is waited for."""
        body = b""
        while piece := response.raw.read1(1 << 16, decode_content=True):
            body += piece
            if len(body) > _MAX_BYTES:
                raise self._unavailable(f"answered with more than {_MAX_BYTES >> 20} MiB")
            self._left()
        return body

    def _left(self) -> float:
        left = float(self._call.deadline) - time.monotonic()
        if left <= 0:
            raise self._unavailable("gave no answer in time")
        return left

    def _unavailable(self, what: str) -> ToolUnavailable:
        return ToolUnavailable(f"{self.host}: {what}")
