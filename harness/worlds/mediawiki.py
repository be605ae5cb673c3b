"""Asks a live wiki through the package `wikipedia`, over a guarded connection.

The package is from 2014: left alone it guesses titles, speaks http, waits for ever, and turns
odd replies into KeyErrors. Here titles are looked up as written, and whatever fails is
ToolUnavailable. The package keeps its settings in module globals, so each ``Wiki`` loads a
copy of the module of its own (``_private_copy``): two wikis can be asked in one process, and a
user's own tool that imports the package gets it unchanged.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
import threading
import unicodedata
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from harness.common.text import one_line, query_line, title_key
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.guard import Guard, JsonReply
from harness.worlds.html import MAX_MEANINGS

_MAX_TITLE_BYTES = 255
_MAX_REMEMBERED = 512  # articles; a page is asked for once in a run, as long as it fits
# What MediaWiki forbids in a title (its manual, "Page title"): signs with a meaning in links,
# percent codes, character references, three tildes.
_ILLEGAL = re.compile(r"[\x00-\x1f\x7f#<>\[\]{}|�]|%[0-9A-Fa-f]{2}|&#?\w+;|~~~|[\ud800-\udfff]")
_RELATIVE = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_HEADING = re.compile(r"^=+[^\n]*=+[ \t]*$", re.MULTILINE)


class Wiki:
    """Pages and searches of one MediaWiki, by the address of its api.php."""

    def __init__(self, api: str, language: str, guard: Guard) -> None:
        self.api = api
        self.language = language
        self._guard = guard
        self._package = _private_copy(api, guard)
        self._last = threading.local()
        self._remembered: dict[str, tuple[Article | None, dict[str, str]]] = {}

    def check(self) -> None:
        """Is it there, and can it do what is needed? ToolUnavailable or UserError if not."""
        with self._guard.call():
            query = self._ask(meta="siteinfo", siprop="general|extensions").get("query") or {}
        names = {extension.get("name") for extension in query.get("extensions", ())}
        if "general" not in query or "TextExtracts" not in names:
            raise UserError(
                f"{self.api}: not a MediaWiki with the extension TextExtracts, which gives plain text"
            )

    @property
    def source(self) -> dict[str, str]:
        """Where this thread's last article came from: url, title, revision."""
        return dict(getattr(self._last, "source", {}))

    def article(self, title: str) -> Article | None:
        """The page of exactly that title, redirects followed by the wiki itself."""
        self._last.source = {}
        title = unicodedata.normalize("NFC", one_line(title.replace("_", " ")))
        if not is_title(title):
            return None
        known = self._remembered.get(title)
        if known is None:
            known = self._find(title), self.source
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[title] = known
        article, self._last.source = known
        return article

    def similar(self, title: str, limit: int = 3) -> list[str]:
        """Titles the wiki's own search finds for this one."""
        words = query_line(_ILLEGAL.sub(" ", title))
        found = self._titles(words, limit + 1) if words else []
        return [other for other in found if title_key(other) != title_key(title)][:limit]

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        """The wiki's own search, with the first sentence of each page."""
        words = query_line(_ILLEGAL.sub(" ", query))
        if not words:
            return []
        with self._tool_call():
            pages = self._search(words, limit)
        return [Hit(page["title"], one_line(page.get("extract", ""))) for page in pages]

    def _find(self, title: str) -> Article | None:
        try:
            with self._tool_call():
                return self._article(title)
        except self._package.PageError:
            return None
        except self._package.DisambiguationError as error:
            return Article(error.title, language=self.language, meanings=self._meanings(error))

    def _article(self, title: str) -> Article:
        page = self._package.page(title, auto_suggest=False)
        text = _HEADING.sub("", page.content).strip()
        self._last.source = {
            "url": page.url,
            "title": page.title,
            "revision": str(page.revision_id),
        }
        return Article(page.title, text, self.language)

    def _meanings(self, error: Any) -> tuple[str, ...]:
        options = dict.fromkeys(one_line(option) for option in error.options)
        options.pop("", None)
        return tuple(options)[:MAX_MEANINGS] or tuple(self._titles(error.title, MAX_MEANINGS))

    def _titles(self, words: str, limit: int) -> list[str]:
        with self._tool_call():
            return [str(title) for title in self._package.search(words, results=limit)][:limit]

    def _search(self, words: str, limit: int) -> list[dict[str, Any]]:
        search = {"generator": "search", "gsrsearch": words, "gsrlimit": limit, "gsrwhat": "text"}
        extracts = {"prop": "extracts", "exintro": "", "explaintext": "", "exsentences": 2}
        reply = self._ask(**search, **extracts, exlimit="max", redirects="")
        pages = reply.get("query", {}).get("pages", {}).values()
        if not pages and "batchcomplete" not in reply:  # with it, no page is no hit
            raise KeyError("pages")
        return sorted(pages, key=lambda page: page["index"])[:limit]

    def _ask(self, **params: object) -> dict[str, Any]:
        reply: dict[str, Any] = self._package._wiki_request(params)
        return reply

    @contextlib.contextmanager
    def _tool_call(self) -> Iterator[None]:
        """One tool call. Whatever an odd reply makes the package trip over is ToolUnavailable;
        that there is no such page, or several, is the package's to say."""
        with self._guard.call():
            try:
                yield
            except (ToolUnavailable, self._package.PageError, self._package.DisambiguationError):
                raise
            except Exception as error:
                kind = type(error).__name__
                raise ToolUnavailable(
                    f"{self._guard.host}: a reply that makes no sense ({kind})"
                ) from None


def is_title(title: str) -> bool:
    """Can a page have this title? False for what MediaWiki would misread or refuse."""
    return (
        bool(title)
        and not title.startswith(":")
        and len(title.encode("utf-8", "replace")) <= _MAX_TITLE_BYTES
        and not _ILLEGAL.search(title)
        and not _RELATIVE.search(title)
    )


class _Requests:
    """Takes the place of the module ``requests`` in the package."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def get(self, url: str, params: dict[str, Any], headers: dict[str, str]) -> JsonReply:
        reply = self._guard.get(url, {**params, "maxlag": 5}, headers)
        if "pageprops" in str(params.get("prop", "")):
            return JsonReply(_mended(reply.value))
        return reply


def _mended(reply: dict[str, Any]) -> dict[str, Any]:
    """The reply, with "missing" for every title that is no page of this wiki: it leads to
    another wiki, in a circle or to a generated page, or no page can have it. The package
    understands nothing else. What is no reply to the question stays as it is, and trips it."""
    query = reply["query"]
    pages = query.get("pages") or {}
    aside = not pages and ("interwiki" in query or "redirects" in query)
    if aside or any(key in page for page in pages.values() for key in ("invalid", "special")):
        return {"query": {"pages": {"-1": {"missing": ""}}}}
    return reply


def _private_copy(api: str, guard: Guard) -> ModuleType:
    """The package's module, loaded once more, with settings of its own."""
    spec = _package_spec()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings: dict[str, Any] = {"API_URL": api, "requests": _Requests(guard)}
    # named, since which parser it picks by itself depends on what else is installed
    settings["BeautifulSoup"] = functools.partial(module.BeautifulSoup, features="html.parser")
    vars(module).update(settings)
    return module


def _package_spec() -> Any:
    try:
        spec = importlib.util.find_spec("wikipedia.wikipedia")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.loader is None:
        raise UserError("--world live needs the package wikipedia: pip install 'harness[live]'")
    return spec
