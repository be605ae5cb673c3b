"""Reads the articles of a world from plain text files.

A file is blocks separated by blank lines. The first block names the language; every other
block is one page: its title, then `aliases:` and `meanings:` lines if it has any (items
separated by `;`), then its text. Lines that begin with `#` are comments.

    language: en

    Lake Sennet
    aliases: Sennet
    Lake Sennet is a lake. It is deep.

    Sennet Light
    meanings: Sennet Light (tower); Sennet Light (novel)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.common.reading import read_text
from harness.types import Article, UserError

_FIELD = re.compile(r"(aliases|meanings): *(.*)")
_JOINED = {"ja": "", "zh": ""}  # what a line break in a text stands for; elsewhere a space
_Line = tuple[int, str]  # its number and its text


def read_articles(path: Path | str) -> list[Article]:
    """All pages of one file, in the file's order.

    Raises UserError (file:line, what was expected) for a file that cannot be read, a
    missing language, an empty page, a field given twice or a title or alias used twice.
    """
    blocks = list(_blocks(read_text(path).split("\n")))
    line, first = blocks[0][0] if blocks else (1, "")
    language = first.removeprefix("language:").strip()
    if not first.startswith("language:") or not language or len(blocks[0]) > 1:
        raise UserError(f"{path}:{line}: expected `language: en` (or another code) alone first")
    pages = [(block[0][0], _parse_page(block, language, str(path))) for block in blocks[1:]]
    _refuse_shared_names(pages, str(path))
    return [page for _, page in pages]


def _blocks(lines: Sequence[str]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith("#"):
            continue
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield block
            block = []


def _parse_page(block: Sequence[_Line], language: str, path: str) -> Article:
    (first, title), *rest = block
    if _FIELD.fullmatch(title):
        raise UserError(f"{path}:{first}: expected a title, found the field {title!r}")
    fields: dict[str, tuple[str, ...]] = {}
    text: list[str] = []
    for number, line in rest:
        field = None if text else _FIELD.fullmatch(line)
        if field is None:
            text.append(line)
        elif field[1] in fields:
            raise UserError(f"{path}:{number}: {title}: `{field[1]}:` stands here a second time")
        else:
            fields[field[1]] = _items(field[2], f"{path}:{number}: {title}: `{field[1]}:`")
    if bool(text) == ("meanings" in fields):
        raise UserError(f"{path}:{first}: {title}: expected a text or `meanings:`, one of the two")
    joined = _JOINED.get(language, " ").join(text)
    return Article(title, joined, language, fields.get("aliases", ()), fields.get("meanings", ()))


def _items(value: str, where: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in value.split(";") if item.strip())
    if not items:
        raise UserError(f"{where} is empty; give items separated by `;` or drop the line")
    return items


def _refuse_shared_names(pages: Sequence[tuple[int, Article]], path: str) -> None:
    """Two pages of one name would make a lookup depend on their order."""
    owner: dict[str, str] = {}
    for line, page in pages:
        for name in (page.title, *page.aliases):
            key = name.casefold()
            if key in owner:
                raise UserError(
                    f"{path}:{line}: {name!r} already leads to {owner[key]!r}; rename one of the two"
                )
            owner[key] = page.title
