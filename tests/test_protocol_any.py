"""What holds of any completion at all: one value, one reading, time linear in its length."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_protocol import broken, mutated, second_moves, written
from harness.protocol import DIALECTS, Dialect, Protocol
from harness.protocol.labels import LABEL_WORDS
from harness.types import Action, Answer, Completion, Finish, Parsed

TOOLS = ("calculate", "wikipedia", "google_search")
BOUNDARIES = {"wrote_observation", "wrote_question", "role_leak", "think_block"}


def read(
    text: str,
    dialect: str | Dialect = "colon",
    finish: Finish = "stop",
    stop: str = "",
    repair: bool = True,
) -> Parsed:
    return Protocol(TOOLS, dialect, repair).read(Completion(text, finish, stop))


ANYTHING = st.text(st.characters(), max_size=300) | st.lists(
    st.sampled_from(
        [
            *"ab:[]{}()\"'*`\\\n\r\t \0\x1b\u2028\x85\u200b\u200d\ud800：【】",
            "Thought:",
            "Action:",
            "\nAction: ",
            "Action Input:",
            "\nAnswer:",
            "Observation:",
            "Question:",
            "Human:",
            "wikipedia",
            "Finish[",
            "```",
            '{"action": ',
            "</think>",
            "行動:",
            "<|im_end|>",
        ]
    ),
    max_size=40,
).map("".join)


@given(ANYTHING, st.sampled_from(sorted(DIALECTS)), st.booleans(), st.integers(0))
@settings(max_examples=400, deadline=None)
def test_any_text_has_a_value(text: str, dialect: str, repair: bool, seed: int) -> None:
    for case in (text, mutated(Random(seed))):
        parsed = read(case, dialect, repair=repair)
        assert list(broken(parsed, repair)) == []
        assert read(case, dialect, repair=repair) == parsed


@given(ANYTHING, st.integers(0))
@settings(max_examples=300, deadline=None)
def test_strict_means_that_nothing_was_dropped_or_added(text: str, seed: int) -> None:
    for case in (text, " I look.\nAction: wikipedia: " + text, mutated(Random(seed))):
        parsed = read(case)
        if parsed.errors:
            continue
        assert parsed.move is not None
        said = "".join(f"{parsed.thought}{written(parsed.move, DIALECTS['colon'])}".split())
        dense = "".join(case.split()).removeprefix("Thought:")
        assert dense.startswith(said)
        left = dense.removeprefix(said)  # nothing, or as much of a stop string as there is
        assert "Observation:".startswith(left) or "Question:".startswith(left)


@given(ANYTHING, st.integers(0), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=300, deadline=None)
def test_a_strict_move_is_read_again_as_the_form_writes_it(
    text: str, seed: int, dialect: str
) -> None:
    form = DIALECTS[dialect]
    shapes = (Action("wikipedia", "Japan " + text), Answer("It is " + text))
    for case in (text, mutated(Random(seed)), *(f" So.\n{written(m, form)}" for m in shapes)):
        parsed = read(case, dialect)
        if parsed.move and not parsed.errors:
            assert read(f" {parsed.thought}\n{written(parsed.move, form)}\n", dialect) == parsed


@given(ANYTHING, st.integers(0), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=200, deadline=None)
def test_a_second_move_leaves_no_reading(text: str, seed: int, dialect: str) -> None:
    form = DIALECTS[dialect]
    for case in (text, f" So.\n{written(Action('wikipedia', text), form)}", mutated(Random(seed))):
        first = read(case, dialect)
        begun = read(f"{case.rstrip()}\nx", dialect)  # "\nObservation" breaks off in a label
        if first.move is None or BOUNDARIES.intersection(first.errors + begun.errors):
            continue
        for second in second_moves("google_search", "another place", form):
            both = read(f"{case.rstrip()}\n{second}", dialect)
            assert both.move is None, second
            assert {"several_actions", "action_and_answer"}.intersection(both.errors), second


WORDS = st.text(
    st.characters(
        categories=("L", "N", "P", "S", "Zs"),
        exclude_characters="<>*`\\_\"'“”‘’«»「」『』„{}[]：:|=~#-",
    ),
    min_size=1,
    max_size=40,
).filter(
    lambda text: text == text.strip() and text.casefold() not in {"none", "done", *LABEL_WORDS}
)


@given(WORDS, st.sampled_from(TOOLS), WORDS)
@settings(max_examples=200, deadline=None)
def test_what_is_written_in_the_form_is_read_back(thought: str, tool: str, text: str) -> None:
    forms: dict[str, tuple[str, str]] = {
        "colon": (f" {thought}\nAction: {tool}: {text}\n", f" {thought}\nAnswer: {text}\n"),
        "bracket": (
            f" {thought}\nAction 1: {tool}[{text}]\n",
            f" {thought}\nAction 1: Finish[{text}]\n",
        ),
        "two_line": (
            f" {thought}\nAction: {tool}\nAction Input: {text}\n",
            f" {thought}\nFinal Answer: {text}\n",
        ),
    }
    for dialect, (action, answer) in forms.items():
        assert read(action, dialect) == Parsed(thought, Action(tool, text))
        answered = read(answer, dialect)
        if not answered.errors:  # an answer may look like a call: "wikipedia(x)"
            assert answered == Parsed(thought, Answer(text))


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    assert read(f"So.{separator}Action: wikipedia: Japan").move is None
    kept = read(f" I look.\nAction: wikipedia: Ja{separator}pan")
    assert kept.move == Action("wikipedia", f"Ja{separator}pan")


FAMILIES: dict[str, Callable[[int], str]] = {
    "a label and spaces": lambda n: "Action:" + " " * n + "x",
    "action lines": lambda n: "Action: a\n" * (n // 10),
    "different action lines": lambda n: "".join(
        f"Action: wikipedia: {i}\n" for i in range(n // 25)
    ),
    "fences": lambda n: "```\n" * (n // 4),
    "U+2028 before a label": lambda n: "\u2028Action: wikipedia: a" * (n // 21),
    "U+0085 before a label": lambda n: "x\x85Action: wikipedia: a" * (n // 22),
    "lone surrogates": lambda n: "\ud800" * n,
    "line ends": lambda n: "\n" * n,
    "brackets": lambda n: "t\nAction: wikipedia[" + "[]" * (n // 2),
    "open brackets": lambda n: "t\nAction: wikipedia" + "[" * n,
    "JSON": lambda n: "t\nAction: " + '{"a":' * (n // 5),
    "labels in a line": lambda n: "t. Action: wikipedia: " * (n // 22),
    "template marks": lambda n: "</s>" * (n // 4),
    "escape sequences": lambda n: "\x1b]0;" * (n // 4),
    "joiners": lambda n: "あ\u200d" * (n // 2),
    "reasoning": lambda n: "<think>" * (n // 7),
    "channels": lambda n: "<|channel|>analysis<|message|>a<|end|>" * (n // 38),
    "marks cut short": lambda n: "<|" * (n // 2),
    "braces": lambda n: '{"' * (n // 2),
    "calls in JSON": lambda n: '{"tool": "wikipedia", "input": "x"}\n' * (n // 36),
    "half a call": lambda n: "{'tool': '" * (n // 10),
    "brackets over lines": lambda n: "t\nAction: wikipedia[\n" + "[\n" * (n // 2),
    "tags": lambda n: "<observation>\n" * (n // 14),
    "words for labels": lambda n: "the action: of my answer: is a result: " * (n // 40),
    "separators": lambda n: "t\nAction: wikipedia: " + "; wikipedia: x" * (n // 14),
    "lines of an answer": lambda n: "t\nFinal Answer: x\n" + "wikipedia: \n" * (n // 12),
    "backslashes": lambda n: 't\nAction: {"' + "\\" * n,
    "bare commands": lambda n: "wikipedia:\n" * (n // 11),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dialect", ["colon", "two_line"])
def test_time_grows_with_length_alone(family: str, dialect: str) -> None:
    def seconds(text: str) -> float:
        begun = time.process_time()
        read(text, dialect)
        return time.process_time() - begun

    short, long = (FAMILIES[family](size) for size in (60_000, 120_000))
    for _ in range(5):  # a machine under load may need another look
        ratio = min(seconds(long) for _ in range(3)) / min(seconds(short) for _ in range(3))
        if ratio <= 2.5:
            return
    pytest.fail(f"twice the length takes {ratio:.1f} times the time")
