"""What decoding many episodes together is worth, as ratios measured in one run.

    python benchmarks/engine_speed.py [--model FILE.gguf] [--episodes N]

The same ReAct-shaped work, twice over: one episode after the other through
``llama_cpp.Llama.create_completion``, which keeps the longest common prefix of its last
call and is handed token lists so that it always finds it; and through the harness's engine
with 1, 4, 8 and 16 slots. Without --model it makes two models of random weights: speed
does not depend on what the weights say. Seconds vary with the machine; read the ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from harness.engines.llama_cpp import native  # noqa: E402
from harness.engines.llama_cpp.engine import LlamaCppEngine, load  # noqa: E402
from harness.types import Completion, EngineSettings, Generate, Model, Piece, UserError  # noqa: E402

SLOTS = (1, 4, 8, 16)
ROUNDS = 2  # each way is run so often, in turn, and the best time counts
TURNS, GENERATED = 3, 30
WORDS = ["the", "of", "and", "is", "in", "to", "number", "town", "capital", "people", "river"]


def _words(count: int, seed: int) -> str:
    """So many plain words, each of them one token in most vocabularies."""
    return "".join(f" {word}" for word in random.Random(seed).choices(WORDS, k=count))


PREFIX = f"Question:{_words(400, seed=0)}\n\nQuestion:"


def _text(episode: int, turn: int) -> str:
    """What is appended before a turn: a question of 20 words, then observations of 40."""
    if turn == 0:
        return f"{_words(20, episode)}\nThought:"
    return f"\nObservation:{_words(40, 1000 * episode + turn)}\nThought:"


@dataclass
class Result:
    """One way's best round. ``inside`` is the share of time spent in llama.cpp itself."""

    seconds: float
    tokens: int
    inside: float = 0.0

    @property
    def speed(self) -> float:
        return self.tokens / self.seconds


def batched(engine: LlamaCppEngine, episodes: int) -> Result:
    """All episodes through the engine, as the runner drives it."""
    timer = _Timer(engine)
    began, tokens = time.perf_counter(), 0
    waiting, turn = deque(range(episodes)), [0] * episodes
    live = 0
    while waiting or live:
        while waiting and live < engine.slots:
            _ask(engine, waiting.popleft(), 0)
            live += 1
        for name, completion in engine.step():
            episode = int(name)
            tokens += completion.tokens
            turn[episode] += 1
            if _goes_on(completion) and turn[episode] < TURNS:
                _ask(engine, episode, turn[episode])
            else:
                engine.finish(name)
                live -= 1
    seconds = time.perf_counter() - began
    return Result(seconds, tokens, timer.stop() / seconds)


def _ask(engine: LlamaCppEngine, episode: int, turn: int) -> None:
    pieces = (Piece(_text(episode, turn)),)
    engine.submit(str(episode), Generate(pieces, ("\nObservation:",), GENERATED, 1))


def _goes_on(completion: Completion) -> bool:
    assert not completion.error, completion.error
    return completion.finish != "context"


class _Timer:
    """Adds up the time in llama.cpp's decode, waiting for its logits included."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        self.seconds = 0.0
        self._context: Any = engine._context
        for name in ("decode", "logits"):
            setattr(self._context, name, self._timed(getattr(self._context, name)))

    def _timed(self, call: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.seconds += time.perf_counter() - began

        return timed

    def stop(self) -> float:
        del self._context.decode, self._context.logits
        return self.seconds


def serial(llama: Any, episodes: int) -> Result:
    """The episodes one by one through the high-level class, its prefix cache warm."""
    prefix = llama.tokenize(PREFIX.encode(), add_bos=True)
    llama.create_completion(prefix, max_tokens=1, temperature=0)
    began, tokens = time.perf_counter(), 0
    for episode in range(episodes):
        history = list(prefix)
        for turn in range(TURNS):
            history += llama.tokenize(_text(episode, turn).encode(), add_bos=False)
            done = llama.create_completion(
                history, max_tokens=GENERATED, temperature=0, stop=["\nObservation:"]
            )
            count = done["usage"]["completion_tokens"]
            tokens += count
            history = llama.input_ids[: llama.n_tokens].tolist()[: len(history) + count]
    return Result(time.perf_counter() - began, tokens)


def compare(path: Path, episodes: int) -> None:
    """Measure one model every way and print the table."""
    import llama_cpp

    engines = [_engine(path, slots) for slots in SLOTS]
    facts = engines[0].facts
    on_gpu, threads = native.offloads(), int(str(facts["threads"]))  # the same for both
    llama = llama_cpp.Llama(
        str(path),
        n_ctx=4096,
        n_threads=threads,
        n_threads_batch=threads,
        n_gpu_layers=-1 if on_gpu else 0,
        flash_attn=on_gpu,
        verbose=False,
    )
    best: dict[str, Result] = {}
    for _ in range(ROUNDS):
        _keep(best, "serial, create_completion", serial(llama, episodes))
        for engine in engines:
            _keep(best, f"engine, {engine.slots:>2} slots", batched(engine, episodes))
    print(
        f"\n{facts['name'] or path.name}: {facts['params']:,} weights, {facts['recipe']}, "
        f"{facts['vocab']:,} tokens in its vocabulary; threads: {threads}; "
        f"prefix {facts['prefix_tokens']} tokens, {episodes} episodes of {TURNS} turns"
    )
    print(f"{'':27}{'tokens/s':>9}{'ratio':>8}{'in llama.cpp':>14}")
    base = best["serial, create_completion"].speed
    for name, result in best.items():
        inside = f"{result.inside:14.1%}" if result.inside else ""
        print(f"{name:27}{result.speed:9,.0f}{result.speed / base:8.2f}{inside}")
    for engine in engines:
        engine.close()


def _engine(path: Path, slots: int) -> LlamaCppEngine:
    engine = load(
        Model(path.stem, "llama_cpp", str(path)), EngineSettings(slots=slots, episode_tokens=512)
    )
    engine.start((Piece(PREFIX),))
    return engine


def _keep(best: dict[str, Result], name: str, result: Result) -> None:
    if name not in best or result.seconds < best[name].seconds:
        best[name] = result


def random_models(folder: Path) -> list[Path]:
    """A model as small as the built-in ones, and one with a vocabulary of usual size."""
    from tiny_gguf import write_tiny

    return [
        write_tiny(folder / "1M.gguf", width=128, layers=4, feed=384, quantise="q8_0"),
        write_tiny(
            folder / "70M.gguf", width=512, layers=12, feed=1536, unused=32000, quantise="q4_0"
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--model", type=Path, help="a .gguf file; two random ones are made without it"
    )
    parser.add_argument("--episodes", type=int, default=16)
    arguments = parser.parse_args()
    print(native.system_info())
    print(f"devices: {', '.join(device.description for device in native.devices())}")
    if hasattr(os, "getloadavg"):
        print(f"load before: {os.getloadavg()[0]:.1f} (the figures mean little on a busy machine)")
    with tempfile.TemporaryDirectory() as folder:
        try:
            for path in [arguments.model] if arguments.model else random_models(Path(folder)):
                compare(path, arguments.episodes)
        except UserError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
