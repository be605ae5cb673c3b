"""Text to tokens and back with a Hugging Face tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.engines.tokens import Tokeniser, looks_like_marker

# Tokens that end a turn in one chat format or another, whatever the folder's own list says.
_TURN_ENDS = [
    "</s>",
    "<|endoftext|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "<turn|>",
    "<|eom_id|>",
    "<|return|>",
    "<|eos|>",
    "<EOT>",
    "<eos>",
]
_REPLACEMENT = "\ufffd"
_LONGEST = 4  # tokens that one character can be spread over


class FolderTokeniser(Tokeniser):
    """A tokenizer of transformers. ``ends`` are the ids that end a generation."""

    def __init__(self, tokenizer: Any, ends: Iterable[int] = ()) -> None:
        self.tokenizer = tokenizer
        added = {token.content: index for index, token in tokenizer.added_tokens_decoder.items()}
        known = {tokenizer.eos_token_id, *(added.get(text) for text in _TURN_ENDS), *ends}
        self.ends = frozenset(index for index in known if index is not None)
        self.size = max([len(tokenizer) - 1, *tokenizer.get_vocab().values()]) + 1
        # An unknown character is no forgery, unless its token also means something else.
        unknown = {tokenizer.unk_token_id} - {tokenizer.eos_token_id, tokenizer.bos_token_id}
        marks = {i for i, token in tokenizer.added_tokens_decoder.items() if _is_control(token)}
        self._reserved = (marks | set(tokenizer.all_special_ids)) - unknown
        bos = tokenizer.bos_token_id
        opens = bos is not None and bos in tokenizer("", add_special_tokens=True)["input_ids"]
        self.opener = bos if opens else None

    def encode(self, text: str, special: bool) -> list[int]:
        sound = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        options = {} if special else {"split_special_tokens": True}
        ids: list[int] = self.tokenizer(sound, add_special_tokens=False, **options)["input_ids"]
        return ids

    def is_reserved(self, token: int) -> bool:
        return token in self._reserved

    def spelling(self, token: int) -> str:
        return self.decode([token])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens, control tokens spelt out."""
        text: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text


def _is_control(token: Any) -> bool:
    """Declared special, or shaped like a mark; other added tokens only spell text faster."""
    return bool(token.special) or looks_like_marker(token.content)


class TokenText:
    """The text of generated tokens as they come; an incomplete character is held back.

    ``context`` are the tokens before them, which decide about a leading space.
    """

    def __init__(self, tokeniser: FolderTokeniser, context: Sequence[int]) -> None:
        self._tokeniser = tokeniser
        self._ids = list(context)
        self._read = len(self._ids)

    def add(self, index: int) -> str:
        """The text that this token completes; "" while it is incomplete."""
        self._ids.append(index)
        new = self._unread()
        if new.endswith(_REPLACEMENT) and len(self._ids) - self._read < _LONGEST:
            return ""
        self._ids, self._read = self._ids[self._read :], len(self._ids) - self._read
        return new

    def end(self) -> str:
        """What was held back."""
        return self._unread() if len(self._ids) > self._read else ""

    def _unread(self) -> str:
        before = self._tokeniser.decode(self._ids[: self._read])
        return self._tokeniser.decode(self._ids)[len(before) :]
