"""Write training data: python -m pico.data --episodes 200000 --workers 14 --out DIR.

Each shard holds the episodes of some worlds; worlds from ``HELD_OUT`` on are for the check
after training. Tokenises every stretch of text by itself, as the engine appends it.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

from pico import corpus
from pico.corpus import HARNESS, MOVE, THOUGHT, Sample
from pico.episodes import OBSERVED, SLIP, Part, Transcript, transcripts
from pico.numbers import exchanged
from pico.tokenizer import shipped

TASKS = (140, 280, 420)  # worlds of several sizes, since search answers depend on it
SHARD_WORLDS = 12
HELD_OUT = 900_000
PRACTICE = {"lookup": 3, "unanswerable": 3}  # times; what an article does not say is learnt last
FOUND = re.compile(
    r"(?<= is) .+?(?=\.(?:\s|$))|\d[\d.]*| (?:above|below|larger|smaller)\b"
)  # what a thought says of an observation
HELD_OUT_WORLDS = 6


def sample(transcript: Transcript) -> Sample:
    """An episode as tokens, each with its kind."""
    tokens: list[int] = []
    kinds: list[int] = []
    for part in transcript.parts:
        encoding = shipped().encode(part.text, add_special_tokens=False)
        tokens += encoding.ids
        if part.role in (OBSERVED, SLIP):
            kinds += [HARNESS] * len(encoding.ids)
        else:
            kinds += _kinds(part, [start for start, _ in encoding.offsets])
    category = "recovery" if transcript.recovers else transcript.task.category
    return Sample(tokens, kinds, category)


def _kinds(part: Part, starts: list[int]) -> list[int]:
    """From the move's label on, and where a thought says what was found, only one text is right."""
    move = max(part.text.find("\nAction:"), part.text.find("\nAnswer:"))
    found = {at for match in FOUND.finditer(part.text) for at in range(*match.span())}
    return [MOVE if at >= move or at in found else THOUGHT for at in starts]


def write_shard(path: Path, first: int, worlds: int) -> int:
    """The episodes of ``worlds`` worlds from seed ``first`` on; how many they are."""
    seeds = range(first, first + worlds)
    shard = corpus.pack(sample(t) for seed in seeds for t in _episodes(seed))
    corpus.save(shard, path)
    return len(shard)


def _episodes(seed: int) -> Iterator[Transcript]:
    """The episodes of one world, partly about other numbers, some of them more than once."""
    chance = Random(seed)
    for transcript in transcripts(seed, TASKS[seed % len(TASKS)]):
        for _ in range(PRACTICE.get(transcript.task.category, 1)):
            yield exchanged(transcript, chance)


def jobs(first: int, episodes: int, out: Path) -> Iterator[tuple[Path, int, int]]:
    """What ``write_shard`` is to be called with: the held-out worlds, then the rest."""
    yield out / "held-0.npz", HELD_OUT, HELD_OUT_WORLDS
    shards = -(-episodes // (SHARD_WORLDS * sum(TASKS) // len(TASKS)))
    for number in range(shards):
        seed = first + number * SHARD_WORLDS
        yield out / f"train-{seed}.npz", seed, SHARD_WORLDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pico.data")
    parser.add_argument("--episodes", type=int, required=True, help="about how many")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first-seed", type=int, default=1_000_000, help="of the training worlds")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    began = time.monotonic()
    with ProcessPoolExecutor(given.workers) as pool:
        futures = [
            pool.submit(write_shard, *job)
            for job in jobs(given.first_seed, given.episodes, given.out)
        ]
        total = sum(future.result() for future in futures)
    print(f"{total} episodes in {time.monotonic() - began:.0f} s: {given.out}", flush=True)


if __name__ == "__main__":
    main()
