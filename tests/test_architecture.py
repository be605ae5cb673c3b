"""docs/architecture.md, held against the tree: its picture, its rooms, its ways in."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.test_layers import LAYERS

TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROOMS = [name for layer in LAYERS for name in layer if name.isalpha()]


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[tuple[str, str]]:
    """The rows of a table of two columns, without its head."""
    found = [line.strip("| ").split(" | ") for line in text.split("\n") if line.startswith("| ")]
    return [(first, second) for first, second in found[1:]]


WAYS = rows(section("Where to change what"))


def test_the_table_of_layers_has_every_entry_of_the_package_once() -> None:
    there = {p.stem for p in (ROOT / "harness").iterdir() if not p.name.startswith("__")}
    assert sorted(ROOMS) == sorted(there)


def test_every_room_is_in_the_picture_once() -> None:
    picture = section("One direction").split("```")[1]
    assert sorted(re.findall(r"\[ (\w+) \]", picture)) == sorted(ROOMS)


def test_the_rooms_are_told_in_the_order_of_the_layers() -> None:
    assert [room.strip("`") for room, _ in rows(section("Rooms"))] == ROOMS


@pytest.mark.parametrize(("aim", "files"), WAYS, ids=[aim for aim, _ in WAYS])
def test_a_change_needs_at_most_three_files_and_they_are_there(aim: str, files: str) -> None:
    named = re.findall(r"`([\w./-]+/[\w./-]+)`", files)
    assert 0 < len(named) <= 3, aim
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_ways_in_are_all_there() -> None:
    things = ("a tool", "an engine", "a dialect", "a matcher", "a chart", "a suite")
    assert [aim for aim, _ in WAYS] == [*(f"add {thing}" for thing in things), "fix resume"]
