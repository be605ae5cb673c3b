"""Stop strings are found wherever the pieces were cut."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.common.thinking import closing_mark
from harness.engines.stops import StopScanner


def scan(pieces: Sequence[bytes | str], stops: Sequence[str]) -> StopScanner:
    """Feed pieces until a stop string is complete, or to the end."""
    scanner = StopScanner(stops)
    for piece in pieces:
        if scanner.feed(piece):
            return scanner
    scanner.end()
    return scanner


def test_a_stop_string_across_three_pieces() -> None:
    found = scan([" I look.\nObs", "erva", "tion: made up"], ["\nObservation:"])
    assert (found.text, found.stop, found.tail) == (" I look.", "\nObservation:", " made up")


def test_no_stop_string_keeps_everything() -> None:
    found = scan(["a", "", "b\nObservatio"], ["\nObservation:"])
    assert (found.text, found.stop, found.tail) == ("a" + "b\nObservatio", "", "")


def test_the_one_complete_first_wins_and_the_longest_of_those() -> None:
    assert scan(["abcd"], ["cd", "b"]).stop == "b"
    found = scan(["x\nObservation: y"], ["Observation:", "\nObservation:"])
    assert (found.text, found.stop) == ("x", "\nObservation:")


def test_a_character_cut_in_bytes_waits_for_its_rest() -> None:
    scanner = StopScanner(["観察>"])
    for byte in "富士山\n観察".encode():
        assert not scanner.feed(bytes([byte]))
    assert scanner.text == "富士山\n観察"
    assert scanner.feed(b">")
    assert (scanner.text, scanner.stop, scanner.tail) == ("富士山\n", "観察>", "")


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert scan([b"ok \xff\xfe", b"\xe5\xaf"], ["stop"]).text == "ok \ufffd\ufffd\ufffd"
    found = scan([b"xEND\xe5"], ["END"])
    assert (found.text, found.tail) == ("x", "\ufffd")


@pytest.mark.parametrize("stops", [(), ("",)])
def test_without_stop_strings_nothing_stops(stops: tuple[str, ...]) -> None:
    assert scan(["anything", " at all"], stops).text == "anything at all"


def naive(text: str, stops: Sequence[str]) -> tuple[str, str]:
    """The definition, read off character by character."""
    for end in range(len(text) + 1):
        ending = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if ending:
            longest = max(ending, key=len)
            return text[: end - len(longest)], longest
    return text, ""


letters = st.text(alphabet="ab\n:é", max_size=40)


@given(st.lists(letters, max_size=12), st.lists(st.text(alphabet="ab\n:é", max_size=5), max_size=4))
def test_cutting_the_text_elsewhere_changes_nothing(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    expected = naive(whole, stops)
    for parts in (pieces, [whole], list(whole), [bytes([b]) for b in whole.encode()]):
        found = scan(parts, stops)
        assert (found.text, found.stop) == expected
        if found.stop:
            assert whole.startswith(found.text + found.stop + found.tail)


def test_time_grows_linearly_with_the_text() -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        scan(["\nObservation"] * count, ["\nObservation:", "\nQuestion:"])
        return time.process_time() - start

    seconds(1000)
    small, large = (min(seconds(count) for _ in range(3)) for count in (20_000, 80_000))
    assert large < 8 * small


def test_a_reasoning_block_is_kept_apart_and_stops_nothing() -> None:
    found = scan(
        ["\n<thi", "nk>I could write\nObservation: x</th", "ink>\n I look.\nObserv", "ation:"],
        ["\nObservation:"],
    )
    assert (found.thinking, found.text) == ("I could write\nObservation: x", "\n I look.")
    assert found.stop == "\nObservation:"


def test_a_reasoning_block_that_never_ends_leaves_no_text() -> None:
    found = scan(["<think>", "on and", " on"], ["\n"])
    assert (found.thinking, found.text, found.stop) == ("on and on", "", "")


@pytest.mark.parametrize("text", ["<thin ice>", "I <think>so</think>", " " * 80 + "<think>no", "<"])
def test_other_beginnings_are_text(text: str) -> None:
    found = scan(list(text), [])
    assert (found.thinking, found.text) == ("", text)


MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</Thought>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),
    ("<reasoning>", "</reasoning>"),
    ("<mm:think>", "</mm:think>"),
    ("<|think|>", "<|/think|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
]


@pytest.mark.parametrize(("opens", "closes"), MARKS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_reasoning_in_the_marks_of_every_family(opens: str, closes: str, size: int) -> None:
    text = f" {opens}I could say\nAnswer: 1{closes}\nAnswer: 2\nObservation:"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    found = scan(pieces, ["Answer: 1", "\nObservation:"])
    assert (found.thinking, found.text) == ("I could say\nAnswer: 1", "\nAnswer: 2")
    assert closing_mark(f"<assistant>{opens}\n") == closes


def test_blocks_of_reasoning_one_behind_the_other() -> None:
    text = "<think>a</think>\n<think>b</think>\nAnswer: 2"
    for pieces in ([text], list(text)):
        assert (scan(pieces, []).thinking, scan(pieces, []).text) == ("a\nb", "\nAnswer: 2")


def test_a_closing_mark_whose_opening_the_template_wrote() -> None:
    found = scan(list("so it is 1.\nAnswer: 1\n</think>\n\nAnswer: 2"), [])
    assert (found.thinking, found.text) == ("so it is 1.\nAnswer: 1\n", "\n\nAnswer: 2")
    assert scan(["Answer: 2</think>\n"], []).text == "Answer: 2</think>\n"


CHANNELS = (
    "<|channel|>analysis<|message|>The user asks.\nAnswer: 1<|end|><|start|>assistant"
    "<|channel|>commentary<|message|>Answer: 3<|end|><|start|>assistant"
    "<|channel|>final<|message|>Answer: 2"
)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_of_channels_the_final_one_is_read(size: int) -> None:
    def found(text: str) -> tuple[str, str]:
        scanner = scan([text[i : i + size] for i in range(0, len(text), size)], ["Answer: 1"])
        return scanner.thinking, scanner.text

    thought = "The user asks.\nAnswer: 1Answer: 3"
    assert found(CHANNELS) == (thought, "Answer: 2")
    assert found(f"{CHANNELS}<|return|>") == (thought, "Answer: 2")
    assert found("<|channel|>final<|message|>Answer: 2") == ("", "Answer: 2")
    assert found("<|channel|>final <|constrain|>text<|message|>Answer: 2") == ("", "Answer: 2")
    assert found("<|channel|>analysis<|message|>on and") == ("on and", "")
    assert closing_mark("<|end|><|start|>assistant") == "<|channel|>final<|message|>"


def test_channels_whose_marks_a_server_left_out() -> None:
    found = scan(["analysisThe user asks.assistantfinalAnswer: 2"], [])
    assert (found.thinking, found.text) == ("The user asks.", "Answer: 2")
    plain = "analysis of the assistantfinal table"
    assert scan([plain], []).text == plain


def test_a_prompt_without_an_open_block_needs_no_closing() -> None:
    for tail in ("<|im_start|>assistant\n", "<think>\n\n</think>\n\n", "", "I think", "a>"):
        assert closing_mark(tail) == ""


PARTS = [
    "<",
    "think",
    ">",
    "</",
    "[",
    "THINK",
    "]",
    "[/",
    " ",
    "\n",
    "a",
    "<|channel|>",
    "final",
    "analysis",
    "<|message|>",
    "<|end|>",
    "assistantfinal",
    "◁",
    "▷",
    "/",
]
thoughts = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


@given(thoughts, st.lists(st.text(alphabet="<tk>\na", max_size=3), max_size=3), st.data())
def test_cuts_do_not_matter_to_reasoning_either(
    rest: str, stops: list[str], data: st.DataObject
) -> None:
    opens = [mark for mark, _ in MARKS] + ["<|channel|>", ""]
    whole = data.draw(st.sampled_from(["", " ", "\n"])) + data.draw(st.sampled_from(opens)) + rest
    size = data.draw(st.integers(1, 5))
    once = scan([whole], stops)
    for pieces in (list(whole), [whole[i : i + size] for i in range(0, len(whole), size)]):
        found = scan(pieces, stops)
        assert (once.text, once.stop, once.thinking) == (found.text, found.stop, found.thinking)


@pytest.mark.parametrize(
    "piece", ["<think></think>", "<|channel|>final", "</think", "<think>", "analysis", "[/"]
)
def test_marks_without_end_do_not_grow_the_work(piece: str) -> None:
    """Counted in lines of the scanner that run, not in seconds."""

    def work(count: int) -> int:
        lines = 0

        def trace(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal lines
            lines += frame.f_code.co_filename.endswith("stops.py")
            return trace

        sys.settrace(trace)
        try:
            scan([piece] * count, ["\nObservation:"])
        finally:
            sys.settrace(None)
        return lines

    assert work(400) < 5 * work(100)
