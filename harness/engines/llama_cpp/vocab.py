"""Text to tokens and back with the vocabulary of an opened GGUF model."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from harness.engines.llama_cpp.native import lib
from harness.engines.tokens import Tokeniser, looks_like_marker

_CONTROL, _USER_DEFINED = 1 << 3, 1 << 4  # llama_token_attr


class Vocabulary(Tokeniser):
    """llama.cpp's own tokeniser. ``pointer`` is what llama.cpp's functions take."""

    def __init__(self, model: Any) -> None:
        self.pointer = lib.llama_model_get_vocab(model)
        self.size = int(lib.llama_vocab_n_tokens(self.pointer))
        self.bos = int(lib.llama_vocab_bos(self.pointer))
        self.eos = int(lib.llama_vocab_eos(self.pointer))
        self.add_bos = bool(lib.llama_vocab_get_add_bos(self.pointer)) and self.bos >= 0
        self.opener = self.bos if self.add_bos else None
        self.piece = lru_cache(maxsize=None)(self._piece)
        self.is_eog = lru_cache(maxsize=None)(self._is_eog)
        self._reserved = lru_cache(maxsize=None)(self._is_reserved)

    def encode(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8  # no tokeniser gives more tokens than bytes, plus a prefix
        buffer = (ctypes.c_int32 * room)()
        count = lib.llama_tokenize(self.pointer, data, len(data), buffer, room, False, special)
        if count < 0:
            room = -count
            buffer = (ctypes.c_int32 * room)()
            count = lib.llama_tokenize(self.pointer, data, len(data), buffer, room, False, special)
        return buffer[:count]

    def is_reserved(self, token: int) -> bool:
        return self._reserved(token)

    def spelling(self, token: int) -> str:
        return self.piece(token).decode("utf-8", "replace")

    def _piece(self, token: int) -> bytes:
        """A token's bytes, control tokens spelt out: what the model wrote, verbatim."""
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_token_to_piece(self.pointer, token, buffer, room, 0, True)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def _is_eog(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_eog(self.pointer, token))

    def _is_reserved(self, token: int) -> bool:
        """Control tokens, tokens that end a turn, and user-defined ones shaped like a mark."""
        attributes = lib.llama_vocab_get_attr(self.pointer, token)
        if attributes & _CONTROL or self.is_eog(token):
            return True
        return bool(attributes & _USER_DEFINED) and looks_like_marker(self.spelling(token))
