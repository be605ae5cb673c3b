"""Finds calls without a label: a known tool with an input, or a JSON call, in running text.

``calls`` and ``json_calls`` read how such a call is spelt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from harness.protocol.calls import TOOL_CALL, joined, read_call
from harness.protocol.json_calls import read_object
from harness.protocol.tool_names import FINISH, KnownTools, WrittenMove
from harness.types import Answer

_MOST_PLACES = 64  # more of them than anybody writes: they cannot all be one move
_MOST_FAILED = 8  # objects that are no call
_LONGEST = 4000
_LONGEST_JSON = 20_000
_CALL_ENDS = "</tool_call>"
# What a call on a line of its own may have wrong with it and still be one.
_FLAWS = frozenset(("escaped_markdown", "wrong_dialect", "decorated", "fullwidth_punctuation"))
_OPENING = re.compile(r"\s*+(?:```\w{0,12}+\s*+|<tool_call>\s*+)?")
_ROUND = r"[ \t*_`>\-•\[(<\"'「]"


@dataclass
class PlacedCall:
    """A call and where it stands in a text."""

    start: int
    end: int
    written: WrittenMove


class UnlabelledCalls:
    """Finds calls without a label, for one set of tools."""

    def __init__(self, tools: KnownTools) -> None:
        self.tools = tools
        self.places = _places(tuple(tools.exact), tools.dialect.finish)

    def line_of_first(self, text: str) -> int:
        """How many lines stand before the first call below a text's first line (all of
        them where there is none)."""
        first_line = text.find("\n")
        below = text[first_line:] if first_line >= 0 else ""
        found = self.find(below, near=True)
        return below.count("\n", 0, found[0].start) if found else text.count("\n") + 1

    def opens(self, text: str) -> bool:
        """Whether the first thing in a text, behind a code fence if need be, is a call."""
        begun = _OPENING.match(text)
        found = self.find(text[begun.end() if begun else 0 :][:_LONGEST], near=True)
        return bool(found) and found[0].start == 0

    def find(self, text: str, near: bool = False) -> list[PlacedCall]:
        """The calls in a text, in order. ``near``: a tool in another spelling counts."""
        found: list[PlacedCall] = []
        done = failed = 0
        for count, place in enumerate(self.places.finditer(text)):
            if count >= _MOST_PLACES:
                break
            if place.start() < done or (place["brace"] and failed >= _MOST_FAILED):
                continue
            start = place.start("brace") if place["brace"] else place.start()
            written, size = self._read(text, start, bool(place["brace"]), near)
            if written:
                done = start + size
                written.flaws.append("missing_label")
                found.append(PlacedCall(start, done, written))
            failed += not written
        return found

    def _read(
        self, text: str, start: int, brace: bool, near: bool
    ) -> tuple[WrittenMove | None, int]:
        """The call at a place, and how long it is."""
        if brace:
            read = read_object(text[start : start + _LONGEST_JSON], self.tools, labelled=False)
            return read or (None, 0)
        line, _, below = text[start : start + _LONGEST].partition("\n")
        value, more = joined(line.strip().removeprefix(TOOL_CALL), below)
        written = read_call(value.removesuffix(_CALL_ENDS), self.tools)
        if written is None or not self._stands(written, value, near):
            return None, 0
        if more:
            written.flaws.append("line_breaks")
        return written, len(line) + sum(len(piece) + 1 for piece in below.split("\n")[:more])

    def _stands(self, written: WrittenMove, line: str, near: bool) -> bool:
        allowed = _FLAWS | {"misspelt_tool", "wrong_label"} if near else _FLAWS
        if isinstance(written.move, Answer):
            return written.closed and not written.rest and allowed.issuperset(written.flaws)
        if not allowed.issuperset(written.flaws) or written.move is None:
            return written.move is None and "several_actions" in written.flaws
        if written.move.tool not in self.tools.exact or not written.move.input:
            return False
        return not line.startswith(written.move.tool + " ") or written.closed


@cache
def _places(names: tuple[str, ...], finish: str) -> re.Pattern[str]:
    """Where a call may begin: a line that opens with a tool's name and a sign, or JSON."""
    tools = "|".join(
        r"[ \t_\\-]{0,2}".join(re.escape(word) for word in re.split(r"[_\- ]+", name) if word)
        for name in names
    )
    finishes = "|".join(re.escape(word) for word in sorted({finish.lower(), *FINISH} - {""}))
    named = rf"(?:{tools})[*_`\"')\]]{{0,3}}[ \t]{{0,3}}[:：\[［【(（{{]" if tools else r"(?!)"
    return re.compile(
        rf"^(?:<tool_call>)?+{_ROUND}{{0,8}}+(?:{named}|(?:{finishes})[ \t]?[\[［【(（])"
        r"|(?P<brace>\{)(?=\s{0,8}[\"'“])",
        re.MULTILINE | re.IGNORECASE,
    )
