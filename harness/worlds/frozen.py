"""The frozen world: an encyclopedia in one SQLite file, known by the sha256 of its bytes.

``build_snapshot`` writes the file, ``FrozenWorld`` answers from it, always the same. The same
articles give the same bytes under every version of SQLite (see ``_blank_leftovers``), so the
hash stands for the articles, and whoever builds the file again has the same world.

Search is a cascade: the page of exactly that name, then pages with all words of the query
that carry meaning, then pages with any of them. Ranking is BM25; the first sentence weighs
most, since it says what a page is about. SQLite's tokeniser finds no words in Japanese, so
runs of kanji and kana are indexed as overlapping pairs of characters. Titles spelt alike
are found by the trigrams that they share.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import sqlite3
import struct
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.common.text import first_sentence, lead, one_line, title_key
from harness.types import Article, Hit, ToolUnavailable, UserError
from harness.worlds.index import match_expressions, segmented, trigrams

_FORMAT = 1
_APPLICATION_ID = 0x52655743  # "ReWC": tells a snapshot from any other SQLite file
_PAGE_BYTES = 4096
_SNIPPET_CHARS = 480
_MIN_LIKENESS = 0.4  # Dice coefficient of two titles' trigrams

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE page (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, text TEXT NOT NULL,
                   language TEXT NOT NULL, meanings TEXT NOT NULL);
CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL,
                   page INTEGER NOT NULL, is_alias INTEGER NOT NULL, grams INTEGER NOT NULL);
CREATE INDEX name_key ON name (key, is_alias);
CREATE INDEX name_page ON name (page);
CREATE TABLE gram (gram TEXT, name INTEGER, PRIMARY KEY (gram, name)) WITHOUT ROWID;
CREATE VIRTUAL TABLE fts USING fts5 (names, first, body, content='',
                                     tokenize='porter unicode61 remove_diacritics 2');
"""

# --- build ------------------------------------------------------------------------------


def build_snapshot(
    articles: Iterable[Article], path: str | Path, *, title: str = "", licence: str = ""
) -> str:
    """Write a snapshot and return the sha256 of its bytes.

    The same articles, in any order, give the same bytes. The file appears whole or not at
    all. Raises UserError when two articles claim one name, a title is not one line, or the
    file cannot be written.
    """
    path = Path(path)
    pages = sorted(articles, key=lambda article: article.title)
    _check_names(pages)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            draft = Path(folder) / "draft"
            _write(draft, pages, {"title": title, "licence": licence})
            _blank_leftovers(draft)
            os.replace(draft, path)
        return _sha256(path)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"cannot write the world snapshot {path}: {error}") from error


def _check_names(pages: Sequence[Article]) -> None:
    for page in pages:
        for name in (page.title, *page.aliases):
            if not name or name != one_line(name):
                raise UserError(
                    f"article {page.title!r}: the name {name!r} must be one line of "
                    "text without spaces around it"
                )
    for page, following in pairwise(pages):
        if page.title == following.title:
            raise UserError(f"two articles have the title {page.title!r}; merge or rename one")
    owner: dict[str, str] = {}
    for page in pages:  # titles that differ in case alone are two pages, not a mistake
        owner.setdefault(title_key(page.title), page.title)
    for page in pages:
        for alias in page.aliases:
            other = owner.setdefault(title_key(alias), page.title)
            if other != page.title:
                raise UserError(
                    f"the alias {alias!r} of {page.title!r} already leads to "
                    f"{other!r}; drop it or write a page with both as meanings"
                )


def _write(path: Path, pages: Sequence[Article], meta: dict[str, str]) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # everything that a build of SQLite may have another default for
        for pragma in (
            f"page_size={_PAGE_BYTES}",
            "auto_vacuum=0",
            "secure_delete=1",
            "journal_mode=OFF",
            "encoding='UTF-8'",
            f"application_id={_APPLICATION_ID}",
            f"user_version={_FORMAT}",
        ):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        # gather the whole index in memory: versions differ in when they spill and merge
        db.execute("INSERT INTO fts (fts, rank) VALUES ('hashsize', 1000000000)")
        db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        for number, page in enumerate(pages, 1):
            _insert(db, number, page)
        db.execute("INSERT INTO fts (fts) VALUES ('optimize')")
        db.execute("COMMIT")
        db.execute("VACUUM")
    finally:
        db.close()


def _insert(db: sqlite3.Connection, number: int, page: Article) -> None:
    meanings = json.dumps(page.meanings, ensure_ascii=False)
    try:
        db.execute(
            "INSERT INTO page VALUES (?, ?, ?, ?, ?)",
            (number, page.title, page.text, page.language, meanings),
        )
    except UnicodeEncodeError as error:
        raise UserError(f"article {page.title!r} is not valid text: {error}") from None
    for name in (page.title, *page.aliases):
        grams = trigrams(name)
        row = (name, title_key(name), number, name is not page.title, len(grams))
        added = db.execute("INSERT INTO name VALUES (NULL, ?, ?, ?, ?, ?)", row)
        db.executemany(
            "INSERT INTO gram VALUES (?, ?)", [(gram, added.lastrowid) for gram in sorted(grams)]
        )
    names = " ".join((page.title, *page.aliases))
    body = page.text or " ".join(page.meanings)
    first = first_sentence(body, _SNIPPET_CHARS)
    db.execute(
        "INSERT INTO fts (rowid, names, first, body) VALUES (?, ?, ?, ?)",
        (number, segmented(names), segmented(first), segmented(body)),
    )


def _blank_leftovers(path: Path) -> None:
    """Set to zero what SQLite leaves in a file by chance, and sync it: the hash depends on it.

    That is the version that wrote the file (header bytes 96 to 99, which are only reported),
    and old bytes in the unused middle of b-tree pages. See "B-tree Pages" in the SQLite file
    format; no other kind of page begins with one of these four bytes.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        data[96:100] = bytes(4)
        for page in range(0, len(data), _PAGE_BYTES):
            header = page or 100  # the file's own header comes first
            if data[header] in (2, 5, 10, 13):
                cells, content = struct.unpack_from(">HH", data, header + 3)
                begin = header + (12 if data[header] < 10 else 8) + 2 * cells
                data[begin : page + content] = bytes(page + content - begin)
        data.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- the world --------------------------------------------------------------------------


class FrozenWorld:
    """Answers from a snapshot file, read-only; one object may serve several threads.

    ``sha256`` is the hash that the file must have ("" = any). Raises UserError
    when the file is missing, damaged, not a snapshot, or not the one expected.
    """

    instant = True  # a file on this machine

    def __init__(self, path: str | Path, sha256: str = "") -> None:
        self.path = Path(path)
        self.sha256 = identify_snapshot(self.path, sha256)
        self.id = f"frozen:{self.sha256[:12]}"
        self._lock = threading.Lock()
        self._db = _open(self.path)
        try:
            self.meta: dict[str, str] = dict(self._ask("SELECT key, value FROM meta"))
            self.count: int = self._ask("SELECT count(*) FROM page")[0][0]
        except ToolUnavailable as error:
            self.close()
            raise UserError(str(error)) from None

    def close(self) -> None:
        """Close the file; the world is not asked again."""
        with self._lock:
            self._db.close()

    def article(self, title: str) -> Article | None:
        """The page of that title: spelt exactly so, else in another case, else by alias."""
        page = self._find(title)
        return None if page is None else self._article(page)

    def similar(self, title: str, limit: int = 3) -> list[str]:
        """Titles that share most trigrams with this one, nearest first. An alias counts for
        its page."""
        grams = sorted(trigrams(_clean(title)))
        marks = ",".join("?" * len(grams))
        rows = self._ask(
            "SELECT title, max(likeness) AS best FROM (SELECT name.page AS page,"
            " 2.0 * count(*) / (name.grams + ?) AS likeness FROM gram"
            f" JOIN name ON name.id = gram.name WHERE gram IN ({marks}) GROUP BY name.id)"
            " JOIN page ON page.id = page GROUP BY page.id HAVING best >= ?"
            " ORDER BY best DESC, title LIMIT ?",
            (len(grams), *grams, _MIN_LIKENESS, limit),
        )
        return [str(row[0]) for row in rows]

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        """The best pages for a query in words; see the cascade at the top of this file."""
        query = _clean(query)
        exact = self._find(query)
        found = [] if exact is None else [exact]
        for expression in match_expressions(query):
            if len(found) < limit:
                rows = self._ask(
                    "SELECT rowid FROM fts WHERE fts MATCH ?"
                    " ORDER BY bm25(fts, 2.0, 2.0, 1.0), rowid LIMIT ?",
                    (expression, limit),
                )
                found += [row[0] for row in rows]
        return [hit_of(self._article(page)) for page in list(dict.fromkeys(found))[:limit]]

    def articles(self) -> Iterator[Article]:
        """All articles, in order of their titles."""
        for number in range(1, self.count + 1):
            yield self._article(number)

    def _find(self, title: str) -> int | None:
        title = one_line(_clean(title))
        rows = self._ask("SELECT id FROM page WHERE title = ?", (title,)) or self._ask(
            "SELECT page FROM name WHERE key = ? ORDER BY is_alias, id LIMIT 1", (title_key(title),)
        )
        return rows[0][0] if rows else None

    def _article(self, page: int) -> Article:
        title, text, language, meanings = self._ask(
            "SELECT title, text, language, meanings FROM page WHERE id = ?", (page,)
        )[0]
        aliases = self._ask(
            "SELECT name FROM name WHERE page = ? AND is_alias ORDER BY id", (page,)
        )
        return Article(
            title, text, language, tuple(row[0] for row in aliases), tuple(json.loads(meanings))
        )

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise ToolUnavailable(
                    f"world snapshot {self.path}: {error}; build it again or get a whole copy"
                ) from error


def hit_of(article: Article) -> Hit:
    """A page as a search result: its opening sentences, or what its title may stand for."""
    meanings = f"may refer to: {'; '.join(article.meanings)}." if article.meanings else ""
    return Hit(article.title, meanings or lead(article.text, _SNIPPET_CHARS))


def _clean(text: str) -> str:
    """Without lone surrogates, which SQLite cannot be asked for."""
    return text.encode("utf-8", "replace").decode("utf-8")


def identify_snapshot(path: str | Path, expected: str = "") -> str:
    """The sha256 of the file. Raises UserError when it cannot be read, or is not ``expected``
    ("" = any)."""
    try:
        found = _sha256(Path(path))
    except OSError as error:
        raise UserError(
            f"world snapshot {path}: {error.strerror or error}; build it with "
            "`python -m harness worlds build` or give another path"
        ) from None
    if expected and found != expected:
        raise UserError(
            f"world snapshot {path} has sha256 {found}, but {expected} is expected: "
            "it is not the world that these tasks were made for; get that file, or "
            "build it again from the same articles"
        )
    return found


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    try:
        kind, version, pages, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "page_count", "page_size")
        )
        whole = pages * size == path.stat().st_size
    except sqlite3.Error:
        kind, version, whole = 0, 0, False
    if kind == _APPLICATION_ID and version == _FORMAT and whole:
        return db
    db.close()
    problem = (
        "is damaged"
        if kind == _APPLICATION_ID and not whole
        else f"has format {version}, this version reads {_FORMAT}"
        if kind == _APPLICATION_ID
        else "is not a world snapshot"
    )
    raise UserError(f"{path} {problem}; build it with `python -m harness worlds build`")
