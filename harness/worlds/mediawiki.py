"""A live wiki through the package `wikipedia`, and everything that keeps it honest.

The package is from 2014: it guesses titles, speaks http, waits for ever, and turns odd
replies into KeyErrors. Here it runs as a private copy (its settings are module globals)
over a guarded connection; titles are looked up as written; every failure is mapped.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import threading
import unicodedata
from types import ModuleType
from typing import Any

from harness.common.text import one_line, title_key
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.guard import Guard, Reply

MAX_MEANINGS = 12
MAX_TITLE_BYTES = 255
MAX_REMEMBERED = 512  # articles; a page is asked for once in a run, as long as it fits
MAX_QUERY_CHARS = 300
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
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[title] = known
        article, self._last.source = known
        return article

    def similar(self, title: str, limit: int = 3) -> list[str]:
        """Titles the wiki's own search finds for this one."""
        words = one_line(_ILLEGAL.sub(" ", title))[:MAX_QUERY_CHARS]
        found = self._titles(words, limit + 1) if words else []
        return [other for other in found if title_key(other) != title_key(title)][:limit]

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        """The wiki's own search, with the first sentence of each page."""
        words = one_line(_ILLEGAL.sub(" ", query))[:MAX_QUERY_CHARS]
        if not words:
            return []
        with self._guard.call():
            try:
                pages = self._search(words, limit)
            except ToolUnavailable:
                raise
            except Exception as error:
                raise self._odd(error) from None
        return [Hit(page["title"], one_line(page.get("extract", ""))) for page in pages]

    def _find(self, title: str) -> Article | None:
        with self._guard.call():
            try:
                return self._article(title)
            except self._package.PageError:
                return None
            except self._package.DisambiguationError as error:
                return Article(error.title, language=self.language, meanings=self._meanings(error))
            except ToolUnavailable:
                raise
            except Exception as error:  # whatever an odd reply makes the package trip over
                raise self._odd(error) from None

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
        with self._guard.call():
            try:
                return [str(title) for title in self._package.search(words, results=limit)][:limit]
            except ToolUnavailable:
                raise
            except Exception as error:
                raise self._odd(error) from None

    def _search(self, words: str, limit: int) -> list[dict[str, Any]]:
        reply = self._ask(
            generator="search", gsrsearch=words, gsrlimit=limit, gsrwhat="text", redirects="",
            prop="extracts", exintro="", explaintext="", exsentences=2, exlimit="max",
        )  # fmt: skip
        pages = reply.get("query", {}).get("pages", {}).values()
        if not pages and "batchcomplete" not in reply:  # with it, no page is no hit
            raise KeyError("pages")
        return sorted(pages, key=lambda page: page["index"])[:limit]

    def _ask(self, **params: object) -> dict[str, Any]:
        reply: dict[str, Any] = self._package._wiki_request(params)
        return reply

    def _odd(self, error: Exception) -> ToolUnavailable:
        return ToolUnavailable(
            f"{self._guard.host}: a reply that makes no sense ({type(error).__name__})"
        )


def is_title(title: str) -> bool:
    """Can a page have this title? False for what MediaWiki would misread or refuse."""
    return (
        bool(title)
        and not title.startswith(":")
        and len(title.encode("utf-8", "replace")) <= MAX_TITLE_BYTES
        and not _ILLEGAL.search(title)
        and not _RELATIVE.search(title)
    )


class _Requests:
    """What the package takes for the module ``requests``."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def get(self, url: str, params: dict[str, Any], headers: dict[str, str]) -> Reply:
        reply = self._guard.get(url, {**params, "maxlag": 5}, headers)
        if "pageprops" in str(params.get("prop", "")):
            return Reply(_mended(reply.value))
        return reply


def _mended(reply: dict[str, Any]) -> dict[str, Any]:
    """Said as "missing", which is all the package understands: titles that lead to other
    wikis, in circles or to generated pages, and titles that cannot be. What is no reply to
    the question stays as it is, and trips the package."""
    query = reply["query"]
    pages = query.get("pages") or {}
    aside = not pages and ("interwiki" in query or "redirects" in query)
    if aside or any(key in page for page in pages.values() for key in ("invalid", "special")):
        return {"query": {"pages": {"-1": {"missing": ""}}}}
    return reply


def _private_copy(api: str, guard: Guard) -> ModuleType:
    """The package's module under settings of our own, apart from anybody else's."""
    spec = _find()
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings: dict[str, Any] = {"API_URL": api, "requests": _Requests(guard)}
    # named, since which parser it picks by itself depends on what else is installed
    settings["BeautifulSoup"] = functools.partial(module.BeautifulSoup, features="html.parser")
    vars(module).update(settings)
    return module


def _find() -> Any:
    try:
        spec = importlib.util.find_spec("wikipedia.wikipedia")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.loader is None:
        raise UserError("--world live needs the package wikipedia: pip install 'harness[live]'")
    return spec
