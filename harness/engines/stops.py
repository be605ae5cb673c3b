"""Finding the end of a completion in text that arrives in pieces.

Shared by the engines. It knows strings, UTF-8 and the marks around a model's reasoning; no
tokens, no protocol and no model.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

THINK, THOUGHT = "<think>", "</think>"
_OPENS = re.compile(rf"\s*{THINK}")
_MAY_OPEN = re.compile(r"\s*" + "(?:".join(THINK) + ")?" * (len(THINK) - 1) + r"|\s*")
_LEAD = 64  # characters within which a reasoning block begins, or there is none


class StopScanner:
    """Collects generated text until one of several stop strings is complete.

    The stop string that is complete first ends the text; of those that end at the same
    character the longest does. So the result does not depend on where the pieces were cut,
    but for ``tail``: what the last piece carried beyond the stop string. Work is linear in
    the text, whatever it holds.

    A block of ``<think>…</think>`` at the very beginning is kept apart as ``thinking``: no
    stop string is looked for inside it, and ``text`` begins behind it.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._stops = [stop for stop in stops if stop]
        self._overlap = max((len(stop) for stop in self._stops), default=1) - 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._edge = ""  # the last characters, in which a stop string may have begun
        self._lead: str | None = ""  # what there is while a reasoning block may yet begin
        self._thinks = False
        self._thoughts: list[str] = []
        self._thought_edge = ""
        self.stop = ""
        self.tail = ""

    def feed(self, piece: bytes | str) -> bool:
        """Add what was generated; True once a stop string is complete.

        Bytes may end inside a character: the rest is awaited. Bytes that are not UTF-8
        become U+FFFD. After a stop string nothing more may be fed.
        """
        text = piece if isinstance(piece, str) else self._decoder.decode(piece)
        if self._lead is not None:
            return self._feed_lead(self._lead, text)
        return self._think(text) if self._thinks else self._scan(text)

    def _feed_lead(self, before: str, text: str) -> bool:
        """The beginning, of which it is not known yet whether it opens a reasoning block."""
        lead = before + text
        opened = _OPENS.match(lead)
        if not opened or opened.end() > _LEAD:
            undecided = len(lead) <= _LEAD and _MAY_OPEN.fullmatch(lead)
            self._lead = lead if undecided else None
            return self._scan(text)
        self._lead, inside = None, lead[opened.end() :]
        if self._scan(lead[len(before) : opened.end()]):
            self.tail += inside
            return True
        self._parts, self._edge, self._thinks = [], "", True
        return self._think(inside)

    def _think(self, text: str) -> bool:
        window = self._thought_edge + text
        at = window.find(THOUGHT)
        if at < 0:
            self._thoughts.append(text)
            self._thought_edge = window[-(len(THOUGHT) - 1) :]
            return False
        whole = "".join(self._thoughts) + text
        self._thinks = False
        self._thoughts = [whole[: len(whole) - len(window) + at]]
        return self._scan(window[at + len(THOUGHT) :])

    def _scan(self, text: str) -> bool:
        window = self._edge + text
        found = self._first_stop(window)
        if found is None:
            self._parts.append(text)
            self._edge = window[max(0, len(window) - self._overlap) :]
            return False
        start, self.stop = found
        whole = "".join(self._parts) + text
        self._parts = [whole[: len(whole) - len(window) + start]]
        self.tail = window[start + len(self.stop) :] + self._decoder.decode(b"", final=True)
        return True

    def end(self) -> None:
        """No more will come: a character left incomplete becomes U+FFFD."""
        self.feed(self._decoder.decode(b"", final=True))

    @property
    def text(self) -> str:
        """The text so far, up to but without the stop string."""
        return "".join(self._parts)

    @property
    def thinking(self) -> str:
        """The reasoning block so far, without its marks; "" where there is none."""
        return "".join(self._thoughts)

    def _first_stop(self, window: str) -> tuple[int, str] | None:
        """Start and text of the stop string that is complete first."""
        hits = [(window.find(stop), stop) for stop in self._stops]
        return min(
            ((start, stop) for start, stop in hits if start >= 0),
            key=lambda hit: (hit[0] + len(hit[1]), hit[0]),
            default=None,
        )
