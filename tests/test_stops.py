"""Stop strings are found wherever the pieces were cut."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


thoughts = st.text(alphabet="<think>/ \nab", max_size=30)


@given(thoughts, thoughts, st.lists(st.text(alphabet="<tk>\na", max_size=3), max_size=3), st.data())
def test_cuts_do_not_matter_to_reasoning_either(
    a: str, b: str, stops: list[str], data: st.DataObject
) -> None:
    whole = data.draw(st.sampled_from(["", " ", "\n"])) + "<think>" + a + "</think>" + b
    once, by_character = scan([whole], stops), scan(list(whole), stops)
    assert (once.text, once.stop, once.thinking) == (
        by_character.text,
        by_character.stop,
        by_character.thinking,
    )
