"""Tokenised episodes as flat arrays, on disk and in memory. Knows no text.

One shard is one ``.npz``: ``tokens`` (int16) and ``kinds`` (uint8) of all episodes end to
end, ``starts`` (int64, one more than episodes) and ``categories`` (uint8, an index into
``names``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Who wrote a token: the harness, the model thinking aloud, or the model where only one
# text is right (an action, an answer, a number on the way there).
HARNESS, THOUGHT, MOVE = 0, 1, 2

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """One episode behind the few-shot prefix: a kind for every token."""

    tokens: Sequence[int]
    kinds: Sequence[int]
    category: str


@dataclass(frozen=True)
class Corpus:
    """Episodes end to end; episode i is ``tokens[starts[i]:starts[i + 1]]``."""

    tokens: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    starts: Ints
    categories: NDArray[np.uint8]
    names: tuple[str, ...]

    @property
    def lengths(self) -> Ints:
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.categories)


def pack(samples: Iterable[Sample]) -> Corpus:
    """Lay episodes end to end."""
    rows = list(samples)
    names = tuple(sorted({row.category for row in rows}))
    return Corpus(
        np.concatenate([np.asarray(row.tokens, np.int16) for row in rows]),
        np.concatenate([np.asarray(row.kinds, np.uint8) for row in rows]),
        np.cumsum([0, *(len(row.tokens) for row in rows)], dtype=np.int64),
        np.array([names.index(row.category) for row in rows], np.uint8),
        names,
    )


def save(corpus: Corpus, path: Path) -> None:
    """Write a shard; a reader never sees half of one."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            tokens=corpus.tokens,
            kinds=corpus.kinds,
            starts=corpus.starts,
            categories=corpus.categories,
            names=np.array(corpus.names),
        )
    part.replace(path)


def load(paths: Iterable[Path]) -> Corpus:
    """Read shards into one corpus."""
    shards = [np.load(path) for path in sorted(paths)]
    if not shards:
        raise SystemExit("no episodes there: run python -m pico.data first")
    names = tuple(sorted({str(name) for shard in shards for name in shard["names"]}))
    offsets = np.cumsum([0, *(len(shard["tokens"]) for shard in shards)])
    return Corpus(
        np.concatenate([shard["tokens"] for shard in shards]),
        np.concatenate([shard["kinds"] for shard in shards]),
        np.concatenate(
            [shard["starts"][:-1] + offset for shard, offset in zip(shards, offsets, strict=False)]
            + [offsets[-1:]]
        ),
        np.concatenate([_renumbered(shard, names) for shard in shards]),
        names,
    )


def _renumbered(shard: np.lib.npyio.NpzFile, names: tuple[str, ...]) -> NDArray[np.uint8]:
    table = np.array([names.index(str(name)) for name in shard["names"]], np.uint8)
    renumbered: NDArray[np.uint8] = table[shard["categories"]]
    return renumbered


def groups(lengths: Ints, count: int, longest: int) -> list[tuple[Ints, int]]:
    """Split episode numbers into ``count`` groups of like length, equally many in each.

    Gives each group's episodes and its padded length (a multiple of 32). Episodes longer
    than ``longest`` tokens are left out.
    """
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= longest]
    parts = [part for part in np.array_split(order, count) if len(part)]
    return [(part, int(-(-lengths[part[-1]] // 32) * 32)) for part in parts]
