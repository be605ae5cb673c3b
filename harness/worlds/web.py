"""Searches the web through the package `ddgs`, with its DuckDuckGo engine alone.

The package's usual entry mixes engines by chance and says "No results found" for a throttled
request. So one engine is asked directly: there a refusal is None, and an empty list is a page
without results.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from harness.common.text import one_line, query_line
from harness.types import Hit, ToolUnavailable, UserError
from harness.worlds.pace import Pace

_SECONDS = 15.0  # for one request
_TURN_SECONDS = 60.0  # to wait for it to be one's turn
_REGIONS = {"en": "us-en", "ja": "jp-jp"}
_ANYWHERE = "wt-wt"
_TITLE_CHARS = 80
# what a page without hits says; any other page without hits is one we cannot read
_NOTHING = re.compile(r"no[- ]results", re.IGNORECASE)


class Web:
    """DuckDuckGo's page for browsers without scripts; ``url`` is its address ("" = the usual)."""

    def __init__(self, language: str, pace: Pace, url: str = "") -> None:
        self._engine = _engine()
        self._engine.search_url = url or self._engine.search_url
        self._engine.http_client.client.follow_redirects = False
        self._host = urlsplit(self._engine.search_url).netloc
        self._region = _REGIONS.get(language, _ANYWHERE)
        self._pace = pace
        self._one = threading.Lock()  # one request at a time: it is somebody's free service

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        """Title with host, and text, of the first results; ToolUnavailable when throttled."""
        words = query_line(query)
        if not words:
            return []
        self._pace.wait(time.monotonic() + _TURN_SECONDS)
        with self._one:
            found = self._ask(words)
        return [_hit(result) for result in found if result.title][:limit]

    def _ask(self, words: str) -> list[Any]:
        try:
            found = self._engine.search(words, region=self._region)
        except Exception as error:  # the text may hold addresses: the kind must do
            raise ToolUnavailable(
                f"{self._host}: cannot be reached ({type(error).__name__})"
            ) from None
        if found is None:
            self._pace.back_off(2)
            raise ToolUnavailable(
                f"{self._host}: throttled or refused (HTTP {self._engine.status})"
            )
        if not found and not _NOTHING.search(self._engine.page):
            self._pace.back_off(2)
            raise ToolUnavailable(f"{self._host}: an unexpected page (perhaps a CAPTCHA)")
        return list(found)


def _hit(result: Any) -> Hit:
    host = urlsplit(result.href).hostname or "?"
    return Hit(f"{one_line(result.title)[:_TITLE_CHARS]} ({host})", one_line(result.body))


def _engine() -> Any:
    """The package's engine, which also remembers the status and text of the last page."""
    try:
        from ddgs.engines import ENGINES
    except ModuleNotFoundError:
        raise UserError(
            "--world live needs the package ddgs: pip install 'harness[live]'"
        ) from None

    class Watched(ENGINES["text"]["duckduckgo"]):  # type: ignore[misc]
        status, page = 0, ""

        def request(self, *args: Any, **kwargs: Any) -> str | None:
            reply = self.http_client.request(*args, **kwargs)
            self.status, self.page = reply.status_code, reply.text
            return self.page if self.status == 200 else None

    return Watched(timeout=int(_SECONDS))
