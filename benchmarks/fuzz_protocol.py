"""Feeds mutated completions to the parser and counts what comes back.

    python benchmarks/fuzz_protocol.py --n 1000000

Exit code 1 if any completion raised, broke an invariant or, at 2,000 characters, took
longer than a fifth of a second. The texts are real models' habits, cut, spliced and sown
with labels, markup and odd characters; the same seed gives the same texts.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

from harness.protocol import DIALECTS, ERRORS, REPAIRS, Dialect, Protocol
from harness.types import Action, Completion, Finish, Move, Parsed

TOOLS = ("calculate", "wikipedia", "google_search", "Search", "Lookup")
FINISHES: tuple[Finish, ...] = (
    "stop",
    "stop",
    "stop",
    "eos",
    "eos",
    "length",
    "context",
    "deadline",
)
STOPS = ("", "Observation:", "\nQuestion:", "\nObservation", "観察:")
SEEDS = [flaw.example for flaw in ERRORS.values()] + [
    " I need the height.\nAction: wikipedia: Harl Lighthouse\n",
    " It is 41 metres tall.\nAnswer: 41\n",
    "Thought 1: I need to search it.\nAction 1: Search[Creed (band)]\nObservation 1: A band.",
    " I know it.\nAction 3: Finish[1,800 to 7,000 ft]",
    ' I add.\nAction: calculate\nAction Input: {\n  "a": 1,\n  "b": [2]\n}\nObservation: 3',
    '```json\n{"action": "Final Answer", "action_input": "42"}\n```',
    " I search.\nAnswer: google\\_search: France population\nQuestion: What is life?\nThought:",
    " 調べる。\n行動：wikipedia：日本\n観察：日本は島国。\n思考：わかった。\n回答：東京",
    " I look.\nAction: wikipedia[Japan\nand China]\nResult: It is.\nsearch: Tokyo",
    " I look. Action: wikipedia\nAction Input: {'query': 'Japan'}\nObserv",
    '[THINK]Hm.[/THINK] I add.\n```python\ncalculate(expression: "1 + 1")\n```',
    '<|im_start|>assistant\nI look.\n**Action:** `wikipedia`: "Japan"<|im_end|>',
]
PIECES = [
    *("Thought:", "Action:", "Action Input:", "Answer:", "Final Answer:", "Observation:"),
    *("Question:", "Human:", "Assistant:", "Action 1:", "Action：", "行動:", "Finish[", "]", "["),
    *("\n", "\n\n", "\r\n", " ", "\t", ":", "：", "(", ")", "{", "}", '"', "'", "`", "```", "**"),
    *("\nResult:", "<observation>", "[THINK]", "<|channel|>final<|message|>", "<|end|>", "<|"),
    *('{"tool": "Search", "input": "x"}', "Search: x", "[Action:", "action input:", "\nObserv"),
    *("\\_", "\\", "-", "* ", "1. ", "> ", "# ", "<think>", "</think>", "</s>", "<tool_call>"),
    *("wikipedia", "google_search", "Search", "bing", "none", "Japan", "3 * 4", "PAUSE"),
    *("\0", "\x1b[2J", "\x1b]0;x\x07", "\u200b", "\u200d", "\u202e", "\u2028", "\x85", "\ufeff"),
    *("\ud800", "\udfff", "\U0001f600", "İ", "ß", "ﬁ", "Ａ", "\u3000", "\xa0", "𝐀", "e\u0301"),
]


def mutated(rng: random.Random) -> str:
    """A completion that some model might have written on a bad day."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randrange(6)):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        change = rng.randrange(6)
        if change == 0:
            text = text[:at] + text[to:]
        elif change == 1:
            text = text[:to] + text[at:]
        elif change == 2:
            other = rng.choice(SEEDS)
            text = text[:at] + other[rng.randrange(len(other) + 1) :]
        elif change == 3:
            text = text[:at] + text[at:to].swapcase() + text[to:]
        else:
            text = text[:at] + rng.choice(PIECES) * rng.choice((1, 1, 1, 2, 20)) + text[at:]
    return text[:2000]


def broken(parsed: Parsed, repair: bool) -> Iterator[str]:
    """What must hold of any result, and does not."""
    if not parsed.errors and parsed.move is None:
        yield "no error, but no move"
    if not repair and parsed.errors and parsed.move is not None:
        yield "a move with errors, though nothing may be repaired"
    if parsed.repairs and (parsed.move is None or not parsed.errors):
        yield "a repair of nothing"
    if set(parsed.errors) - set(ERRORS) or set(parsed.repairs) - set(REPAIRS):
        yield "a name outside the closed lists"
    if isinstance(parsed.move, Action) and not parsed.move.tool:
        yield "an action without a tool"


def written(move: Move, form: Dialect) -> str:
    """A move as the dialect writes it."""
    if isinstance(move, Action):
        return form.write_action(move.tool, move.input)
    return form.write_answer(move.text) or f"{form.labels.answer}: {move.text}"


def unstable(parsed: Parsed, form: Dialect) -> Iterator[str]:
    """What must hold of a strict step once it is written anew, with and without a second
    move, and does not."""
    if parsed.errors or parsed.move is None:
        return
    anew = f" {parsed.thought}\n{written(parsed.move, form)}\n"
    protocol = Protocol(TOOLS, form)
    if protocol.read(Completion(anew, "stop")) != parsed:
        yield "strict, but not as the form writes it"
    for second in second_moves("wikipedia", "another place", form):
        if protocol.read(Completion(anew + second, "stop")).move is not None:
            yield f"a second move is not seen: {second!a}"


def second_moves(tool: str, text: str, form: Dialect) -> list[str]:
    """A move in many spellings, each as a line or lines below a first one."""
    return [
        written(Action(tool, text), form),
        *(f"{label}: {tool}: {text}" for label in ("Action", "action", "**Action**", "Tool")),
        f"Action: {tool}\nAction Input: {text}",
        f"action: {tool}\naction input: {text}",
        f"[Action: {tool}[{text}]]",
        f"So I go on. Action: {tool}: {text}",
        *(f"{tool}: {text}", f"{tool}[{text}]", f'{tool}("{text}")', f"- `{tool}: {text}`"),
        f'{{"tool": "{tool}", "input": "{text}"}}',
        f"{{'name': '{tool}', 'arguments': {{'query': '{text}'}}}}",
        f'```json\n{{"action": "{tool}", "action_input": "{text}"}}\n```',
        f'<tool_call>\n{{"name": "{tool}", "arguments": {{"q": "{text}"}}}}\n</tool_call>',
    ]


def main() -> int:
    """Run it and print the counts."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--n", type=int, default=100_000, help="how many completions")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    rng, dialects = random.Random(options.seed), list(DIALECTS)
    failures, moves = Counter[str](), Counter[str]()
    codes, slowest, inside = Counter[str](), 0.0, 0.0
    for _ in range(options.n):
        text, dialect, repair = mutated(rng), rng.choice(dialects), rng.random() < 0.8
        finish, stop = rng.choice(FINISHES), rng.choice(STOPS)
        protocol = Protocol(TOOLS, dialect, repair)
        begun = time.perf_counter()
        try:
            parsed = protocol.read(Completion(text, finish, stop))
        except Exception as error:
            failures[f"{error!r} on {text!a} {dialect} {finish} {stop!a}"] += 1
            continue
        took = time.perf_counter() - begun
        inside, slowest = inside + took, max(slowest, took)
        moves[type(parsed.move).__name__] += 1
        codes.update(parsed.errors or ["(strictly well-formed)"])
        for reason in (*broken(parsed, repair), *unstable(parsed, DIALECTS[dialect])):
            failures[f"{reason}: {text!a} {dialect} {finish} {stop!a} {parsed}"] += 1
    print(f"{options.n:,} completions: {sum(failures.values())} failures")
    print(
        f"{inside:.1f} s in the parser, {1e6 * inside / options.n:.0f} µs each, slowest {slowest:.3f} s"
    )
    print("moves: " + ", ".join(f"{name} {count:,}" for name, count in moves.most_common()))
    print("codes: " + ", ".join(f"{name} {count:,}" for name, count in codes.most_common()))
    for failure, count in failures.most_common(10):
        print(f"FAILED {count}x {failure}")
    return 1 if failures or slowest > 0.2 else 0


if __name__ == "__main__":
    sys.exit(main())
