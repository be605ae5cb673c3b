"""The zim world: an encyclopedia in a Kiwix ZIM file, through `libzim` (GPL: an extra).

A file is known by the identifier that its maker gave it, since real ones are too large to
hash. A search asks for the title, then for titles that begin so, then for the text without
stop words, because ZIM's own search wants every word.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.common.text import one_line, query_line, title_key
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.frozen import hit_of
from harness.worlds.html import read_page
from harness.worlds.index import STOP_WORDS

_CHECKED_BYTES = 256 << 20  # up to this size the file's own checksum is verified
_MAX_REDIRECTS = 5
_WHERE = "ZIM files of Wikipedia are at download.kiwix.org"


class ZimWorld:
    """Answers from a ZIM file.

    ``sha256`` is what ``identify_zim`` must return ("" = any). Raises UserError when the file
    is missing, damaged or another one, and ToolUnavailable when it turns out damaged later.
    """

    instant = True  # a file on this machine

    def __init__(self, path: str | Path, sha256: str = "") -> None:
        self.path = Path(path)
        self.sha256 = identify_zim(self.path, sha256)
        self._archive = _open(self.path)
        self.id = self.sha256.replace("-", ":", 1)
        self.language = _metadata(self._archive, "Language")[:2] or "en"
        self._lock = threading.Lock()

    def article(self, title: str) -> Article | None:
        """The page of that title or path, redirects followed."""
        with self._lock, _failures(self.path):
            entry = self._find(one_line(_clean(title)))
            return None if entry is None else self._article(entry)

    def similar(self, title: str, limit: int = 3) -> Sequence[str]:
        """Titles that begin like this one, as the file's own index finds them."""
        with self._lock, _failures(self.path):
            found = (entry.title for entry in self._suggested(_clean(title), limit + 1))
            return [other for other in found if title_key(other) != title_key(title)][:limit]

    def search(self, query: str, limit: int = 3) -> Sequence[Hit]:
        """Title, then beginnings of titles, then full text."""
        query = query_line(_clean(query))
        with self._lock, _failures(self.path):
            exact = self._find(query)
            found = [] if exact is None else [exact]
            found += self._suggested(query, limit)
            if len(found) < limit:
                found += self._full_text(query, limit)
            pages = (self._article(entry) for entry in found)
            hits = {page.title: hit_of(page) for page in pages if page}
        return list(hits.values())[:limit]

    def articles(self) -> Iterator[Article]:
        """Every page, with the titles that redirect to it; for building a snapshot."""
        archive, aliases, pages = self._archive, dict[str, list[str]](), []
        for number in range(archive.all_entry_count):
            entry = archive._get_entry_by_id(number)
            if entry.is_redirect:
                target = _resolved(entry)
                aliases.setdefault(target.path if target else "", []).append(one_line(entry.title))
            elif entry.get_item().mimetype.startswith("text/html"):
                pages.append(entry)
        for entry in pages:
            if page := self._article(entry):
                names = tuple(aliases.get(entry.path, ()))
                yield Article(page.title, page.text, page.language, names, page.meanings)

    def _find(self, title: str) -> Any:
        if not title:
            return None
        upper = title[:1].upper() + title[1:]
        for name in dict.fromkeys((title, upper)):
            for path in (name.replace(" ", "_"), f"A/{name.replace(' ', '_')}", name):
                if self._archive.has_entry_by_path(path):
                    return self._archive.get_entry_by_path(path)
            if self._archive.has_entry_by_title(name):
                return self._archive.get_entry_by_title(name)
        return None

    def _suggested(self, title: str, limit: int) -> list[Any]:
        from libzim.suggestion import SuggestionSearcher

        if not title.strip() or not self._archive.has_title_index:
            return []
        paths = SuggestionSearcher(self._archive).suggest(title).getResults(0, limit)
        return [self._archive.get_entry_by_path(path) for path in paths]

    def _full_text(self, query: str, limit: int) -> list[Any]:
        from libzim.search import Query, Searcher

        words = [word for word in query.split() if word.casefold().strip("?!.,'") not in STOP_WORDS]
        if not words or not self._archive.has_fulltext_index:
            return []
        wanted = Query().set_query(" ".join(words).rstrip("?!."))
        paths = Searcher(self._archive).search(wanted).getResults(0, limit)
        return [self._archive.get_entry_by_path(path) for path in paths]

    def _article(self, entry: Any) -> Article | None:
        entry = _resolved(entry)
        if entry is None:
            return None
        item = entry.get_item()
        if not item.mimetype.startswith("text/html"):
            return None
        page = read_page(bytes(item.content).decode("utf-8", "replace"))
        title = one_line(entry.title)
        if page.meanings:
            return Article(title, language=self.language, meanings=page.meanings)
        return Article(title, page.text, self.language) if title and page.text else None


def identify_zim(path: str | Path, expected: str = "") -> str:
    """`zim-` and the identifier in the header of the file. Raises UserError when there is none,
    or it is not ``expected`` ("" = any)."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(24)
    except OSError:
        raise UserError(f"{path}: no such file; {_WHERE}") from None
    if len(header) < 24 or not header.startswith(b"ZIM\x04"):
        raise UserError(f"{path}: not a ZIM file, or damaged; {_WHERE}")
    found = f"zim-{uuid.UUID(bytes=header[8:])}"
    if expected not in ("", found):
        raise UserError(f"{path} is {found}, but {expected} is expected: another edition of it?")
    return found


@contextlib.contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Whatever libzim raises while reading is the world's failure."""
    try:
        yield
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        raise ToolUnavailable(
            f"{path}: cannot be read ({type(error).__name__}); get a whole copy"
        ) from None


def _open(path: Path) -> Any:
    try:
        from libzim.reader import Archive
    except ModuleNotFoundError:
        raise UserError(
            "--world zim needs the package libzim: pip install 'harness[zim]'"
        ) from None
    try:
        archive = Archive(path)
        whole = path.stat().st_size > _CHECKED_BYTES or archive.check()
    except RuntimeError as error:
        raise UserError(f"{path}: not a ZIM file, or damaged: {error}") from None
    if not whole:
        raise UserError(f"{path}: damaged: its checksum is wrong; get a whole copy")
    return archive


def _metadata(archive: Any, key: str) -> str:
    return (
        bytes(archive.get_metadata(key)).decode("utf-8", "replace")
        if key in archive.metadata_keys
        else ""
    )


def _resolved(entry: Any) -> Any:
    """The entry that a redirect leads to; None when it leads nowhere."""
    for _ in range(_MAX_REDIRECTS):
        if not entry.is_redirect:
            return entry
        entry = entry.get_redirect_entry()
    return None


def _clean(text: str) -> str:
    """Without NUL and lone surrogates, which libzim cannot be asked for."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
