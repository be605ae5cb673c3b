"""Text to tokens and back, over llama.cpp's tokeniser.

Two promises: pieces appended one by one give the tokens that the whole text would give
(where it is cut behind a label's colon), and text that is data never becomes a token that
a chat template uses to mark turns. It knows no model state.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any

from harness.engines.llama_cpp.native import lib
from harness.types import Piece

# SentencePiece puts a space in front of whatever it is given, so a piece is tokenised
# behind one of these, whose tokens are then dropped. The first is what comes before a
# piece in fact; the others serve where it merges with the text.
SENTINELS = (":", "\n", "\x01", "a")
_CONTROL, _USER_DEFINED = 1 << 3, 1 << 4  # llama_token_attr
_BRACKETS = "<>[]{}|｜"


class Vocabulary:
    """The vocabulary of an opened model."""

    def __init__(self, model: Any) -> None:
        self._vocab = lib.llama_model_get_vocab(model)
        self.size = int(lib.llama_vocab_n_tokens(self._vocab))
        self.bos = int(lib.llama_vocab_bos(self._vocab))
        self.eos = int(lib.llama_vocab_eos(self._vocab))
        self.add_bos = bool(lib.llama_vocab_get_add_bos(self._vocab)) and self.bos >= 0
        self.piece = lru_cache(maxsize=None)(self._piece)
        self.is_eog = lru_cache(maxsize=None)(self._is_eog)
        self.is_reserved = lru_cache(maxsize=None)(self._is_reserved)
        self._sentinels = [(mark, self._tokenise(mark, False)) for mark in SENTINELS]

    @property
    def pointer(self) -> Any:
        """What llama.cpp's own functions take."""
        return self._vocab

    def opening(self, pieces: Iterable[Piece]) -> list[int]:
        """Tokens of a text that nothing comes before, BOS first if the model wants one."""
        tokens: list[int] = []
        for special, text in _joined(pieces):
            if tokens:
                tokens += self._behind(text, special)
            else:
                tokens = self._tokenise(text, True) if special else self._data(text, first=True)
        if self.add_bos and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tokens

    def continuation(self, pieces: Iterable[Piece]) -> list[int]:
        """Tokens of text appended to what there is."""
        return [token for special, text in _joined(pieces) for token in self._behind(text, special)]

    def _behind(self, text: str, special: bool) -> list[int]:
        return self._after_sentinel(text, True) if special else self._data(text, first=False)

    def _data(self, text: str, first: bool) -> list[int]:
        """Tokens of text in which nothing may mark a turn.

        Markers that the vocabulary matches in plain text are cut in two and both halves
        tokenised by themselves, until none is left.
        """
        tokens = self._tokenise(text, False) if first else self._after_sentinel(text, False)
        forged = {token for token in tokens if self.is_reserved(token)}
        if not forged:
            return tokens
        parts = _cut_markers(
            text, {self.piece(token).decode("utf-8", "replace") for token in forged}
        )
        if len(parts) == 1:
            return [token for token in tokens if token not in forged]
        found = [self._data(part, first and not i) for i, part in enumerate(parts)]
        return [token for part in found for token in part]

    def _after_sentinel(self, text: str, special: bool) -> list[int]:
        for mark, dropped in self._sentinels:
            tokens = self._tokenise(mark + text, special)
            if tokens[: len(dropped)] == dropped:
                return tokens[len(dropped) :]
        return self._tokenise(text, special)

    def _tokenise(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8  # no tokeniser gives more tokens than bytes, plus a prefix
        buffer = (ctypes.c_int32 * room)()
        count = lib.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            room = -count
            buffer = (ctypes.c_int32 * room)()
            count = lib.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        return buffer[:count]

    def _piece(self, token: int) -> bytes:
        """A token's bytes, control tokens spelt out: what the model wrote, verbatim."""
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_token_to_piece(self._vocab, token, buffer, room, 0, True)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def _is_eog(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_eog(self._vocab, token))

    def _is_reserved(self, token: int) -> bool:
        """Control tokens, tokens that end a turn, and user-defined ones shaped like a mark."""
        attributes = lib.llama_vocab_get_attr(self._vocab, token)
        if attributes & _CONTROL or self.is_eog(token):
            return True
        text = self.piece(token).decode("utf-8", "replace").strip()
        bracketed = len(text) > 2 and text[0] in _BRACKETS and text[-1] in _BRACKETS
        return bool(attributes & _USER_DEFINED) and bracketed

    @cached_property
    def any_eog(self) -> int:
        """Some token that ends a generation, -1 if there is none."""
        return self.eos if self.eos >= 0 else int(lib.llama_vocab_eot(self._vocab))


def _joined(pieces: Iterable[Piece]) -> list[tuple[bool, str]]:
    """Neighbours of one kind as one text, empty ones dropped: fewer cuts."""
    groups = groupby((piece for piece in pieces if piece.text), key=lambda piece: piece.special)
    return [(special, "".join(piece.text for piece in group)) for special, group in groups]


def _cut_markers(text: str, markers: set[str]) -> list[str]:
    """The text cut behind the first character of every marker (in halves if there is none)."""
    marks = sorted((mark for mark in (m.strip() for m in markers) if mark), key=len, reverse=True)
    cuts = (
        [match.start() + 1 for match in re.finditer("|".join(map(re.escape, marks)), text)]
        if marks
        else []
    )
    cuts = [cut for cut in cuts if cut < len(text)] or ([len(text) // 2] if len(text) > 1 else [])
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
