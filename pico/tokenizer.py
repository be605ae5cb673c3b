"""The byte-level BPE of the pico models: every digit its own token, no invented names.

Merges are learnt only from words that most worlds share, so the vocabulary holds the
language of articles and questions and spells names out in pieces. Rebuild it with
``python -m pico.tokenizer``; the result is the same on every machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from pico.shapes import TOKENIZER, VOCAB

END = "<|end|>"  # token 0: a model file must name one, no text holds it
PRE_TOKENIZER = "smollm"  # llama.cpp's name for: digits apart, then GPT-2's pattern

_WORD = re.compile(r"\d| ?[^\W\d_]+| ?[^\s\w]+|\s+")
WORLDS = 24
TASKS = 120


def blank() -> Tokenizer:
    """The tokenizer before training: how text is split and how bytes are written."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def common_words(worlds: Sequence[Iterable[str]]) -> Iterator[str]:
    """Every occurrence of the words that at least half of the worlds hold, in a fixed order."""
    occurrences: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for texts in worlds:
        words = Counter(chain.from_iterable(map(_WORD.findall, texts)))
        occurrences += words
        spread.update(words.keys())
    for word in sorted(spread):
        if 2 * spread[word] >= len(worlds):
            yield from repeat(word, occurrences[word])


def learn(worlds: Sequence[Iterable[str]], size: int = VOCAB) -> Tokenizer:
    """Train on the texts of some worlds. ``size`` counts the 256 bytes and ``END`` too."""
    tokenizer = blank()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(common_words(worlds), trainer)
    if tokenizer.get_vocab_size() != size:
        raise SystemExit(f"only {tokenizer.get_vocab_size()} of {size} tokens: not enough words")
    return tokenizer


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

    worlds = [list(plain_texts(seed, TASKS)) for seed in range(WORLDS)]
    learn(worlds).save(str(TOKENIZER))
    print(f"{TOKENIZER}: {VOCAB} tokens; the few-shot prefix is {len(prefix_tokens())} of them")


if __name__ == "__main__":
    main()
