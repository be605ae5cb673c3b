"""Finds the end of a completion in text that arrives in pieces, and the reasoning in it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from harness.common.thinking import CLOSES, LEAD, OPENS

# Channels (gpt-oss): <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final…
_CHANNEL = re.compile(r"<\|channel\|>")
_FINAL = re.compile(r"<\|channel\|>\s{0,4}final.{0,60}?<\|message\|>", re.DOTALL)
_FINAL_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_CHANNEL_MARKS = re.compile(r"<\|(?:start|channel|constrain)\|>[^<]{0,80}|<\|\w+\|>")
# The same where a server left the marks out: "analysisWe need …assistantfinalAnswer: …"
_BARE_FINAL = re.compile(r"\s*analysis(?=\S)(.*)assistantfinal", re.DOTALL)
_MAY_OPEN = re.compile(r"\s*(?:[<\[◁]\|?[\w:]{0,24}\|?(?:>\s?\w{0,8})?)?")
_LONGEST = 96  # no closing mark is longer
_BLOCKS = 8  # blocks of reasoning one behind the other; more are text


class StopScanner:
    """Collects generated text until one of several stop strings is complete.

    The stop string that is complete first ends the text; of those that end at the same
    character the longest does. So the result does not depend on where the pieces were cut,
    but for ``tail``: what the last piece carried beyond the stop string. Work is linear in
    the text, whatever it holds.

    Blocks of reasoning at the very beginning are kept apart as ``thinking``: no stop string is
    looked for inside them, and ``text`` begins behind them. Of a model's channels only the final
    one is text. A closing mark without an opening one (the template wrote that) also has
    reasoning before it, where text follows.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._stops = [stop for stop in stops if stop]
        self._overlap = max((len(stop) for stop in self._stops), default=1) - 1
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._edge = ""  # the last characters, in which a stop string may have begun
        self._lead: str | None = ""  # what there is while a reasoning block may yet begin
        self._closes: re.Pattern[str] | None = None  # inside a block: what ends it
        self._channels = False
        self._blocks: list[str] = []
        self._thoughts: list[str] = []  # of the block that is open
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
        return self._think(text, self._closes) if self._closes else self._scan(text)

    def _feed_lead(self, before: str, text: str) -> bool:
        """Take the beginning, which may or may not open a block of reasoning."""
        lead = before + text
        blank = len(lead) - len(lead.lstrip())
        channel = _CHANNEL.match(lead, blank)
        opened = channel or OPENS.match(lead, blank)
        if not opened or opened.end() > LEAD:
            undecided = len(lead) <= LEAD and _MAY_OPEN.fullmatch(lead)
            self._lead = lead if undecided else None
            return self._scan(text)
        self._lead, inside = None, lead[opened.end() :]
        if self._scan(lead[len(before) : opened.end()]):
            self.tail += inside
            return True
        self._parts, self._edge = [], ""
        self._channels = bool(channel)
        # A channel's mark is part of what ends the block: the first one may be the final one.
        return self._think(*((lead[blank:], _FINAL) if channel else (inside, CLOSES)))

    def _think(self, text: str, closes: re.Pattern[str]) -> bool:
        self._closes = closes
        window = self._thought_edge + text
        closed = closes.search(window)
        if closed is None:
            self._thoughts.append(text)
            self._thought_edge = window[-_LONGEST:]
            return False
        whole = "".join(self._thoughts) + text
        self._blocks.append(whole[: len(whole) - len(window) + closed.start()])
        self._thoughts, self._thought_edge, self._closes = [], "", None
        rest = window[closed.end() :]
        if closes is _FINAL or len(self._blocks) == _BLOCKS:
            return self._scan(rest)
        return self._feed_lead("", rest)

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
        return self._split()[1]

    @property
    def thinking(self) -> str:
        """The reasoning so far, without its marks; "" where there is none."""
        return self._split()[0]

    def _split(self) -> tuple[str, str]:
        """Reasoning and text."""
        text = "".join(self._parts)
        blocks = [*self._blocks, "".join(self._thoughts)]
        thinking = "\n".join(block for block in blocks if block)
        if self._channels:
            return _CHANNEL_MARKS.sub("", thinking), _FINAL_ENDS.split(text, maxsplit=1)[0]
        if self._blocks or thinking:
            return thinking, text
        return _split_unopened(text)

    def _first_stop(self, window: str) -> tuple[int, str] | None:
        """Start and text of the stop string that is complete first."""
        hits = [(window.find(stop), stop) for stop in self._stops]
        return min(
            ((start, stop) for start, stop in hits if start >= 0),
            key=lambda hit: (hit[0] + len(hit[1]), hit[0]),
            default=None,
        )


def _split_unopened(text: str) -> tuple[str, str]:
    """Reasoning and text where no mark at the beginning opened the reasoning."""
    if bare := _BARE_FINAL.match(text):
        return bare[1], text[bare.end() :]
    closed = CLOSES.search(text)
    if closed and text[closed.end() :].strip() and not OPENS.search(text[: closed.start()]):
        return text[: closed.start()], text[closed.end() :]
    return "", text
