"""The byte-level BPE of the pico models: words and syllables, and up to three digits a token.

Merges are learnt from ``train`` worlds. Every run of one to three
digits is a token, whether a world holds it or not: a number of nine digits is copied in
three steps, and a step seldom begins like another. Rebuild it with ``python -m
pico.tokenizer``; the result is the same on every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from pico.shapes import TOKENIZER, VOCAB

END = "<|end|>"  # token 0: a model file must name one, no text holds it
PRE_TOKENIZER = "llama3"  # llama.cpp's name for the pattern below, and for whole pieces first
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NUMBERS = [f"{n:0{digits}}" for digits in (2, 3) for n in range(10**digits)]

_WORD = re.compile(r" ?[^\W\d_]+| ?[^\s\w]+|\s+")  # numbers are tokens as they are
WORLDS = 24
TASKS = 120


def blank() -> Tokenizer:
    """The tokenizer before training: how text is split and how bytes are written."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def learn(texts: Iterable[str], size: int = VOCAB) -> Tokenizer:
    """Train on the texts of some worlds. ``size`` counts bytes, numbers and ``END`` too."""
    words = size - len(NUMBERS)
    tokenizer = blank()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_words(texts), trainer)
    if tokenizer.get_vocab_size() != words:
        raise SystemExit(f"only {tokenizer.get_vocab_size()} of {words} tokens: not enough words")
    return _with_numbers(tokenizer)


def _words(texts: Iterable[str]) -> Iterator[str]:
    return chain.from_iterable(map(_WORD.findall, texts))


def _with_numbers(tokenizer: Tokenizer) -> Tokenizer:
    """Numbers need no merges, since a whole piece that is a token is taken as it is."""
    written = json.loads(tokenizer.to_str())
    vocab = written["model"]["vocab"]
    vocab.update({number: len(vocab) + place for place, number in enumerate(NUMBERS)})
    return Tokenizer.from_str(json.dumps(written))


@lru_cache(maxsize=1)
def shipped() -> Tokenizer:
    """The tokenizer that every pico model uses."""
    return Tokenizer.from_file(str(TOKENIZER))


def ids(text: str) -> list[int]:
    """Token ids of a piece of text, as the engine makes them."""
    tokens: list[int] = shipped().encode(text, add_special_tokens=False).ids
    return tokens


@lru_cache(maxsize=1)
def prefix_tokens() -> tuple[int, ...]:
    """The few-shot prefix that every episode follows."""
    from pico.episodes import few_shot

    return tuple(ids(few_shot().prefix))


def main() -> None:
    from pico.episodes import plain_texts

    texts = chain.from_iterable(plain_texts(seed, TASKS) for seed in range(WORLDS))
    learn(texts).save(str(TOKENIZER))
    print(f"{TOKENIZER}: {VOCAB} tokens; the few-shot prefix is {len(prefix_tokens())} of them")


if __name__ == "__main__":
    main()
