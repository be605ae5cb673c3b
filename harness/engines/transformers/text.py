"""Text <-> tokens for the transformers engine.

Text becomes tokens piece by piece, the same tokens as all of it at once; data never
becomes a control token. It knows a tokenizer and nothing of models or episodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from harness.types import Piece

# Tokens that end a turn in one chat format or another, whatever the folder's own list says.
TURN_ENDS = (
    "</s>", "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>",
    "<turn|>", "<|eom_id|>", "<|return|>", "<|eos|>", "<EOT>", "<eos>",
)  # fmt: skip
# A piece is tokenised behind one of these characters, whose tokens are then dropped: so no
# tokenizer takes it for the beginning of a text. The first that stays a token of its own wins.
SENTINELS = (":", "\n", "\x01", "a")
BRACKETS = "<>[]{}|｜"
REPLACEMENT = "\ufffd"


class Tokens:
    """A tokenizer as the engine needs it: append-only, and deaf to control tokens in data.

    ``ends`` are the ids that end a generation.
    """

    def __init__(self, tokenizer: Any, ends: Iterable[int] = ()) -> None:
        self.tokenizer = tokenizer
        added = {token.content: index for index, token in tokenizer.added_tokens_decoder.items()}
        known = {tokenizer.eos_token_id, *(added.get(text) for text in TURN_ENDS), *ends}
        self.ends = frozenset(index for index in known if index is not None)
        self.size = max([len(tokenizer) - 1, *tokenizer.get_vocab().values()]) + 1
        literals = [t.content for t in tokenizer.added_tokens_decoder.values() if _is_control(t)]
        # An unknown character is no forgery, unless its token also means something else.
        unknown = {tokenizer.unk_token_id} - {tokenizer.eos_token_id, tokenizer.bos_token_id}
        self._control = (
            {added[text] for text in literals} | set(tokenizer.all_special_ids)
        ) - unknown
        longest_first = sorted(map(re.escape, literals), key=len, reverse=True)
        self._literal = re.compile("|".join(longest_first) or r"(?!)")

    def begin(self, pieces: Sequence[Piece]) -> list[int]:
        """The tokens of a text's beginning, with the token that opens it where there is one."""
        bos = self.tokenizer.bos_token_id
        opens = bos is not None and bos in self._encode("", add_special_tokens=True)
        ids = self._pieces(pieces, behind=False)
        return [bos, *ids] if opens and ids[:1] != [bos] else ids

    def append(self, pieces: Sequence[Piece]) -> list[int]:
        """The tokens of text that follows other text."""
        return self._pieces(pieces, behind=True)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens, control tokens spelt out."""
        text: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text

    def _pieces(self, pieces: Sequence[Piece], behind: bool) -> list[int]:
        ids: list[int] = []
        for special, group in groupby(pieces, key=lambda piece: piece.special):
            text = "".join(piece.text for piece in group)
            if special:
                ids += self._follow(text, special=True) if behind else self._encode(text)
            else:
                ids += self._data(text, behind)
            behind = behind or bool(ids)
        return ids

    def _data(self, text: str, behind: bool) -> list[int]:
        """Tokens of data. Where its spelling would make a control token, the spelling is cut."""
        ids = self._follow(text) if behind else self._encode(text, split_special_tokens=True)
        if self._control.isdisjoint(ids):
            return ids
        ids = []
        for part in self._cut_literals(text):
            ids += self._follow(part) if behind else self._encode(part, split_special_tokens=True)
            behind = True
        # What is left was made by a normaliser or by the vocabulary itself: it is dropped.
        return [index for index in ids if index not in self._control]

    def _cut_literals(self, text: str) -> Iterator[str]:
        start = 0
        for match in self._literal.finditer(text):
            yield text[start : match.start() + 1]
            start = match.start() + 1
        yield text[start:]

    def _follow(self, text: str, special: bool = False) -> list[int]:
        """Tokens of text as they are behind other text."""
        split = {} if special else {"split_special_tokens": True}
        for sentinel in SENTINELS:
            lead = self._encode(sentinel)
            ids = self._encode(sentinel + text, **split)
            if ids[: len(lead)] == lead:
                return ids[len(lead) :]
        return self._encode(text, **split)

    def _encode(self, text: str, add_special_tokens: bool = False, **options: bool) -> list[int]:
        sound = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        encoded = self.tokenizer(sound, add_special_tokens=add_special_tokens, **options)
        ids: list[int] = encoded["input_ids"]
        return ids


def _is_control(token: Any) -> bool:
    """Declared special, or shaped like a mark; other added tokens only spell text faster."""
    text = token.content.strip()
    bracketed = len(text) > 2 and text[0] in BRACKETS and text[-1] in BRACKETS
    return bool(token.special) or bracketed


class TokenText:
    """The text of generated tokens as they come; an incomplete character is held back."""

    LONGEST = 4  # tokens that one character can be spread over

    def __init__(self, tokens: Tokens, context: Sequence[int]) -> None:
        self._tokens = tokens
        self._ids = list(context)  # what came before decides about a leading space
        self._read = len(self._ids)

    def add(self, index: int) -> str:
        """The text that this token completes; "" while it is incomplete."""
        self._ids.append(index)
        new = self._unread()
        if new.endswith(REPLACEMENT) and len(self._ids) - self._read < self.LONGEST:
            return ""
        self._ids, self._read = self._ids[self._read :], len(self._ids) - self._read
        return new

    def end(self) -> str:
        """What was held back."""
        return self._unread() if len(self._ids) > self._read else ""

    def _unread(self) -> str:
        before = self._tokens.decode(self._ids[: self._read])
        return self._tokens.decode(self._ids)[len(before) :]
