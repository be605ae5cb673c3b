"""Reads an encyclopedia's HTML page: its paragraphs as plain text, or the meanings of its title.

Tables, boxes, notes and code are dropped. Any text gives a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from harness.common.text import first_sentence, one_line

_DROPPED = frozenset(("table", "script", "style", "sup", "nav", "figure"))
_DROPPED |= {"header", "footer", "math", "noscript", "aside"}
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img"))
_VOID |= {"input", "link", "meta", "source", "track", "wbr"}
_DISAMBIGUATION = re.compile(r"\b(?:may|can|could)(?: also)? refer to\b|曖昧さ回避", re.IGNORECASE)
MAX_MEANINGS = 12


@dataclass
class WikiPage:
    """``text``: paragraphs, a line each. ``items``: the first link of each list item."""

    paragraphs: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.paragraphs)

    @property
    def meanings(self) -> tuple[str, ...]:
        """What the title may stand for, if listing that is all that the page does."""
        if _DISAMBIGUATION.search(first_sentence(self.text, 300)) and self.items:
            return tuple(dict.fromkeys(self.items))[:MAX_MEANINGS]
        return ()


def read_page(html: str) -> WikiPage:
    """The page in that HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_paragraph()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = WikiPage()
        self._dropped: list[str] = []  # open elements from the first dropped one on
        self._paragraph: list[str] | None = None
        self._link: list[str] | None = None
        self._in_item = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_data(" ")
        elif self._dropped or tag in _DROPPED:
            self._dropped.append(tag)
        elif tag == "p":
            self.end_paragraph()
            self._paragraph = []
        elif tag == "li":
            self._in_item = True
        elif tag == "a" and self._in_item:
            self._link, self._in_item = [], False

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            if tag in self._dropped:  # closes it, and what was left open inside
                del self._dropped[len(self._dropped) - 1 - self._dropped[::-1].index(tag) :]
        elif tag == "p":
            self.end_paragraph()
        elif tag == "a" and self._link is not None:
            if name := one_line("".join(self._link)):
                self.page.items.append(name)
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        for open_text in (self._paragraph, self._link):
            if open_text is not None:
                open_text.append(data)

    def end_paragraph(self) -> None:
        """Keep the paragraph that was open, if it says anything."""
        if self._paragraph and (text := one_line("".join(self._paragraph))):
            self.page.paragraphs.append(text)
        self._paragraph = None
