"""Whether the thread count that the engine chooses is a good one, on a quiet machine and on
a busy one.

    python benchmarks/threads.py --model FILE.gguf [--burners 0 1] [--rounds 5] [--json]

For each number of burners (processes that do nothing but use a core, pinned to the last
ones where the system allows it) the engine starts and chooses. Then it generates the same
text again and again in paired blocks, in turn with counts that are fixed. A figure is
the median over rounds of (tokens a second as chosen / with that fixed count) of one round;
the result is the smallest, the one against the best fixed count. Wanted: at least 0.95 on a
quiet machine, 0.8 with one busy core of two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from harness import prompts  # noqa: E402
from harness.engines.llama_cpp import cores  # noqa: E402
from harness.engines.llama_cpp.engine import LlamaCppEngine, load  # noqa: E402
from harness.engines.llama_cpp.threads import ThreadChoice, thread_candidates  # noqa: E402
from harness.types import EngineSettings, Generate, Model, Piece  # noqa: E402

QUESTION = " How many people live in the town number {}?\nThought:"
BLOCK_SECONDS = 2.0
CHOSEN = 0  # as a thread count: the engine chooses


@contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes that only use a core each."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        if hasattr(os, "sched_setaffinity"):
            cpus = sorted(os.sched_getaffinity(0), reverse=True)
            for number, burner in enumerate(burners):
                os.sched_setaffinity(burner.pid, {cpus[number % len(cpus)]})
        time.sleep(1)
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def opened(path: Path, slots: int) -> LlamaCppEngine:
    """An engine behind the harness's usual prompt, its threads chosen, ready to generate."""
    engine = load(Model(path.stem, "llama_cpp", str(path)), EngineSettings(slots=slots))
    engine.start(prompts.load_prompt("react", "calculate: 12 * 12").beginning)
    return engine


def speed(engine: LlamaCppEngine, threads: ThreadChoice, tokens: int) -> float:
    """Tokens a second while all slots generate; reading their questions is not counted."""
    chosen = engine._threads
    for slot in range(engine.slots):
        engine.submit(str(slot), Generate((Piece(QUESTION.format(slot)),), (), tokens, 1))
    engine.step()
    engine._threads = threads
    engine.step()  # pays for the change of threads
    began, calls = time.perf_counter(), 0
    ended: set[str] = set()
    while not ended and (calls < 2 or time.perf_counter() - began < BLOCK_SECONDS):
        ended = {name for name, _ in engine.step()}  # as long as the batch is full
        calls += 1
    seconds = time.perf_counter() - began
    engine._threads = chosen
    for slot in range(engine.slots):
        engine.finish(str(slot))
    return calls * engine.slots / seconds


def measure(path: Path, burners: int, rounds: int, slots: int, tokens: int) -> dict[str, Any]:
    """One condition: the choice, and every way's speed in every round."""
    with burning(burners):
        psutil.cpu_percent()
        engine = opened(path, slots)
        ways = {CHOSEN: engine._threads} | {
            count: ThreadChoice((count,), cores.idle_seconds)
            for count in thread_candidates(cores.most_threads())
        }
        speeds: dict[int, list[float]] = {way: [] for way in ways}
        for number in range(rounds):
            for way in list(ways) if number % 2 else list(ways)[::-1]:
                speeds[way].append(speed(engine, ways[way], tokens))
        facts = engine.facts
        engine.close()
    return {
        "burners": burners,
        "threads": facts["threads"],
        "trial": facts.get("thread_trial"),
        "tokens_per_second": {way: median(found) for way, found in speeds.items()},
        "ratios": {
            way: median(_ratios(speeds[CHOSEN], found)) for way, found in speeds.items() if way
        },
        "cpu_percent": psutil.cpu_percent(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _ratios(chosen: Sequence[float], fixed: Sequence[float]) -> list[float]:
    return [mine / other for mine, other in zip(chosen, fixed, strict=True)]


def show(found: dict[str, Any]) -> None:
    """One condition in words."""
    trial = found["trial"] or {"seconds": 0.0, "again": 0, "changes": 0}
    print(
        f"{found['burners']} burners (CPU {found['cpu_percent']:.0f} % used, load {found['load']}): "
        f"{found['threads']} threads, chosen in {trial['seconds']:.1f} s, "
        f"tried again {trial['again']} times, changed {trial['changes']} times"
    )
    for way, value in found["tokens_per_second"].items():
        name = f"{way} threads" if way else "chosen"
        ratio = f"   chosen / this {found['ratios'][way]:.2f}" if way else ""
        print(f"  {name:>10} {value:8.1f} tok/s{ratio}")
    print(f"  against the best fixed count: {min(found['ratios'].values()):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="a .gguf file")
    parser.add_argument("--burners", type=int, nargs="+", default=[0, 1], metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=48, help="of one block, each slot")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = [
        measure(asked.model, burners, asked.rounds, asked.slots, asked.tokens)
        for burners in asked.burners
    ]
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        for each in found:
            show(each)


if __name__ == "__main__":
    main()
