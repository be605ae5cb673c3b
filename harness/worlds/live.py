"""The live world: articles from a real wiki, searches by a real search engine.

`live` is English Wikipedia and DuckDuckGo; `live:ja` another language; `live:URL` the
api.php of any MediaWiki; `,search=wiki` after any of them has the wiki search itself.
What it answers changes from day to day: record it to repeat a run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import harness
from harness.common.network import LOOPBACK
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.guard import WIKI_CALL_SECONDS, Guard
from harness.worlds.mediawiki import Wiki
from harness.worlds.pace import Pace
from harness.worlds.web import Web

_CONTACT = "HARNESS_CONTACT"  # environment: whom an operator may write to about our requests
_WIKI_GAP = 0.1  # seconds between requests
_WEB_GAP = 2.0
_SEARCHERS = ("duckduckgo", "wiki")
_LANGUAGE = re.compile(r"[a-z]{2,12}(-[a-z]{2,12}){0,2}")


@dataclass(frozen=True)
class WikiAddress:
    """Where to ask: the wiki's api.php, its language, and who searches."""

    api: str
    language: str = "en"
    engine: str = "duckduckgo"

    @property
    def id(self) -> str:
        """What recorded answers are kept under."""
        return f"live:{self.api},search={self.engine}"


def read_address(text: str) -> WikiAddress:
    """Read `ja`, `https://…/api.php`, `…,search=wiki`. Raises UserError."""
    where, *rest = text.split(",")
    engine = _SEARCHERS[0]
    for setting in rest:
        key, _, engine = setting.partition("=")
        if key != "search" or engine not in _SEARCHERS:
            raise UserError(
                f"--world live:{text}: {setting!r} is not a setting; expected search={' or search='.join(_SEARCHERS)}"
            )
    if "://" not in where:
        language = where or "en"
        if not _LANGUAGE.fullmatch(language):
            raise UserError(
                f"--world live:{text}: {language!r} is not a language of Wikipedia; expected e.g. en or ja"
            )
        return WikiAddress(f"https://{language}.wikipedia.org/w/api.php", language, engine)
    url = urlsplit(where)
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
        raise UserError(
            f"--world live:{text}: expected https:// (http:// is for this machine only)"
        )
    if (
        not url.hostname
        or url.username
        or url.password
        or url.query
        or url.fragment
        or not url.path.endswith("api.php")
    ):
        raise UserError(
            f"--world live: expected the plain address of a wiki's api.php, found {url.hostname or where!r} with something else"
        )
    return WikiAddress(where, "en", engine)


class LiveWorld:
    """Asks the network, and tries it at once: better before a run than after many failures.

    ``path`` says where, as ``read_address`` takes it; ``sha256`` is not used, since there is no
    file. A tool call may take ``seconds``; ``web_url`` is the search engine's address. Raises
    UserError when the network or a package is missing.
    """

    def __init__(
        self,
        path: str = "",
        sha256: str = "",
        *,
        seconds: float = WIKI_CALL_SECONDS,
        web_url: str = "",
    ) -> None:
        self.address = read_address(path)
        self.id = self.address.id
        url = urlsplit(self.address.api)
        guard = Guard(f"{url.scheme}://{url.netloc}", user_agent(), Pace(_WIKI_GAP), seconds)
        self._wiki = Wiki(self.address.api, self.address.language, guard)
        self._web = (
            Web(self.address.language, Pace(_WEB_GAP), web_url)
            if self.address.engine != "wiki"
            else None
        )
        try:
            self._wiki.check()
        except ToolUnavailable as error:
            raise UserError(
                f"--world live: {error}; without a network use --world frozen, or --world recorded:TAPE "
                "with a tape made where there is one"
            ) from None

    @property
    def source(self) -> dict[str, str]:
        """Where this thread's last article came from."""
        return self._wiki.source

    def article(self, title: str) -> Article | None:
        """The wiki's page of that title."""
        return self._wiki.article(title)

    def similar(self, title: str, limit: int = 3) -> Sequence[str]:
        """What the wiki finds for that title."""
        return self._wiki.similar(title, limit)

    def search(self, query: str, limit: int = 3) -> Sequence[Hit]:
        """What the search engine finds."""
        return self._web.search(query, limit) if self._web else self._wiki.search(query, limit)


def user_agent() -> str:
    """Says who asks. Raises UserError when $HARNESS_CONTACT cannot stand in a header."""
    contact = os.environ.get(_CONTACT, "")
    if not contact.isascii() or not contact.isprintable() or len(contact) > 200:
        raise UserError(f"${_CONTACT}: expected one line of ASCII, an e-mail or web address")
    return f"react-harness/{harness.__version__} ({contact or 'no contact given'}) python-requests"
