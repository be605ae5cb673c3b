"""Finding the end of a completion in text that arrives in pieces.

Shared by the engines. It knows strings and UTF-8, no tokens, no protocol and no model.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class StopScanner:
    """Collects generated text until one of several stop strings is complete.

    The stop string that is complete first ends the text; of those that end at the same
    character the longest does. So the result does not depend on where the pieces were cut,
    but for ``tail``: what the last piece carried beyond the stop string. Work is linear in
    the text, whatever it holds.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._stops = [stop for stop in stops if stop]
        self._overlap = max((len(stop) for stop in self._stops), default=1) - 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._edge = ""  # the last characters, in which a stop string may have begun
        self.stop = ""
        self.tail = ""

    def feed(self, piece: bytes | str) -> bool:
        """Add what was generated; True once a stop string is complete.

        Bytes may end inside a character: the rest is awaited. Bytes that are not UTF-8
        become U+FFFD. After a stop string nothing more may be fed.
        """
        text = piece if isinstance(piece, str) else self._decoder.decode(piece)
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

    def _first_stop(self, window: str) -> tuple[int, str] | None:
        """Start and text of the stop string that is complete first."""
        hits = [(window.find(stop), stop) for stop in self._stops]
        return min(
            ((start, stop) for start, stop in hits if start >= 0),
            key=lambda hit: (hit[0] + len(hit[1]), hit[0]),
            default=None,
        )
