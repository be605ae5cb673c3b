"""Turns text into tokens piece by piece, and keeps control tokens out of data.

Two promises. Pieces appended one by one give the tokens of the whole text, where it is cut
behind a label's colon. Text that is data never becomes a token that marks a turn, whatever it
spells.
"""

from __future__ import annotations

import hashlib
import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby

from harness.types import Piece

# Tokenisers treat the beginning of a text in a special way (SentencePiece puts a space in front
# of it). So a piece is tokenised behind one of these, whose tokens are then dropped. The first is
# what really comes before a piece; the others serve where it merges with the text.
_SENTINELS = (":", "\n", "\x01", "a")
_BRACKETS = "<>[]{}|｜"


class Tokeniser(ABC):
    """What an engine with its own vocabulary derives from.

    ``opener`` is the token that begins every text, None where the model wants none.
    """

    opener: int | None = None

    @abstractmethod
    def encode(self, text: str, special: bool) -> list[int]:
        """Tokens of a text by itself. ``special``: control tokens spelt in it are matched."""

    @abstractmethod
    def is_reserved(self, token: int) -> bool:
        """Whether a token marks turns or the like, so that no data may become it."""

    @abstractmethod
    def spelling(self, token: int) -> str:
        """The text of one token, control tokens spelt out."""

    def opening(self, pieces: Iterable[Piece]) -> list[int]:
        """Tokens of a text that nothing comes before, with the opener where there is one."""
        tokens: list[int] = []
        for special, text in _joined(pieces):
            tokens += self._tokens(text, special, first=not tokens)
        if self.opener is not None and tokens[:1] != [self.opener]:
            tokens.insert(0, self.opener)
        return tokens

    def continuation(self, pieces: Iterable[Piece]) -> list[int]:
        """Tokens of text that is appended to other text."""
        parts = (self._tokens(text, special, first=False) for special, text in _joined(pieces))
        return [token for part in parts for token in part]

    def _tokens(self, text: str, special: bool, first: bool) -> list[int]:
        """Tokens of one piece. Markers that the vocabulary matches in data are cut in two and
        both halves tokenised by themselves, until none is left."""
        tokens = self.encode(text, special) if first else self._behind(text, special)
        forged = set() if special else {token for token in tokens if self.is_reserved(token)}
        if not forged:
            return tokens
        parts = _cut_markers(text, map(self.spelling, forged))
        if len(parts) == 1:
            return [token for token in tokens if token not in forged]
        found = [self._tokens(part, False, first and not i) for i, part in enumerate(parts)]
        return [token for part in found for token in part]

    def _behind(self, text: str, special: bool) -> list[int]:
        """Tokens of a text as they are behind other text."""
        for mark, dropped in self._sentinels:
            tokens = self.encode(mark + text, special)
            if tokens[: len(dropped)] == dropped:
                return tokens[len(dropped) :]
        return self.encode(text, special)

    @cached_property
    def _sentinels(self) -> list[tuple[str, list[int]]]:
        return [(mark, self.encode(mark, False)) for mark in _SENTINELS]


def looks_like_marker(text: str) -> bool:
    """Whether a token's text is in brackets, as the marks of chat templates are."""
    text = text.strip()
    return len(text) > 2 and text[0] in _BRACKETS and text[-1] in _BRACKETS


def prefix_facts(tokens: Sequence[int]) -> dict[str, object]:
    """What the manifest says of the shared prefix: how many tokens, and their hash."""
    data = struct.pack(f"<{len(tokens)}i", *tokens)
    return {
        "prefix_tokens": len(tokens),
        "prefix_tokens_sha256": hashlib.sha256(data).hexdigest(),
    }


def _joined(pieces: Iterable[Piece]) -> list[tuple[bool, str]]:
    """Neighbours of one kind as one text, empty ones dropped: fewer cuts."""
    groups = groupby((piece for piece in pieces if piece.text), key=lambda piece: piece.special)
    return [(special, "".join(piece.text for piece in group)) for special, group in groups]


def _cut_markers(text: str, markers: Iterable[str]) -> list[str]:
    """The text cut behind the first character of every marker (in halves if there is none)."""
    marks = sorted({mark.strip() for mark in markers} - {""}, key=len, reverse=True)
    found = re.finditer("|".join(map(re.escape, marks)), text) if marks else ()
    cuts = [match.start() + 1 for match in found if match.start() + 1 < len(text)]
    if not cuts and len(text) > 1:
        cuts = [len(text) // 2]
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
