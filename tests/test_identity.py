"""What makes two runs the same, read from records of both formats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.run.identity import (
    DESCRIPTIONS,
    SPEED_ONLY,
    differences,
    fact_differences,
    fingerprint,
    in_words,
    settings_of,
)

# A manifest as the first version wrote it: whatever had its default was left out.
FORMAT_1: dict[str, Any] = {
    "format": 1,
    "config": {
        "model": {"name": "m", "engine": "llama_cpp", "source": "m.gguf", "identity": "ab12"},
        "suite": {"name": "core", "path": "tasks/core.jsonl", "sha256": "cd34"},
        "world": {"path": "tasks/core.sqlite", "sha256": "ef56"},
        "prompt": {
            "name": "react",
            "sha256": "0a",
            "dialect": "colon",
            "language": "en",
            "stop": ["Observation:"],
            "probe": False,
        },
        "tools": ["calculate"],
        "limits": {},
        "settings": {"sampling": {}},
        "mode": "text",
        "repair": True,
        "seed": 0,
    },
}


def test_what_format_1_left_out_is_filled_in() -> None:
    settings = settings_of(FORMAT_1)
    assert settings["limits.steps"] == 7 and settings["limits.step_seconds"] == 120.0
    assert settings["settings.sampling.temperature"] == 0.0
    assert settings["parser_version"] == settings["tools_version"] == 1


def test_a_default_that_changed_since_is_a_difference() -> None:
    today = {"format": 2, "config": {**FORMAT_1["config"], "limits": {"steps": 12}}}
    found = {
        name: (before, after)
        for name, before, after in differences(settings_of(FORMAT_1), settings_of(today))
    }
    assert found["limits.steps"] == (7, 12)
    assert found["limits.step_seconds"] == (120.0, None), (
        "the clock scored then, and no longer does"
    )


def test_the_same_bytes_elsewhere_are_the_same() -> None:
    here = settings_of(FORMAT_1)
    there = {**here, "world.path": "/x/core.sqlite", "suite.path": "y", "model.source": "z.gguf"}
    assert differences(here, there) == [] and fingerprint(here) == fingerprint(there)
    live = {**here, "world.kind": "live", "world.sha256": "", "world.path": "en"}
    assert differences(live, {**live, "world.path": "ja"}) == [("world.path", "en", "ja")]


values = st.none() | st.integers(0, 9) | st.text(max_size=3)
tables = st.dictionaries(st.sampled_from([*settings_of(FORMAT_1), "a", "b.c"]), values)


@given(tables, tables)
def test_the_fingerprint_is_the_same_exactly_where_nothing_differs(
    ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    ours, theirs = ({**dict.fromkeys({*ours, *theirs}), **side} for side in (ours, theirs))
    if not (ours.get("world.sha256") and theirs.get("world.sha256")) and (
        ours.get("world.sha256") or theirs.get("world.sha256")
    ):
        return  # then the hash differs, and whether the path counts does not matter
    assert (differences(ours, theirs) == []) == (fingerprint(ours) == fingerprint(theirs))


def test_speed_and_descriptions_are_no_identity() -> None:
    here = settings_of(FORMAT_1)
    for name in DESCRIPTIONS | SPEED_ONLY:
        assert differences(here, {**here, name: "another"}) == []


@pytest.mark.parametrize(
    "before, now, differ",
    [
        ({"slots": 4, "threads": 2}, {"slots": 4, "threads": 1}, []),
        ({"slots": 4}, {"slots": 8}, ["slots"]),
        (
            {"llama_cpp": "b1", "devices": ["CPU"]},
            {"llama_cpp": "b2", "devices": ("CPU",)},
            ["llama_cpp"],
        ),
        ({"slots": 4}, {"slots": 4, "a new fact": 1}, []),
    ],
)
def test_facts_of_two_engines(
    before: dict[str, Any], now: dict[str, Any], differ: list[str]
) -> None:
    assert [name for name, *_ in fact_differences(before, now)] == differ


def test_differences_in_words_are_short() -> None:
    words = in_words([("a", 1, 2), ("b", "x" * 99, None), *[("c", 0, 1)] * 9], most=3)
    assert words == "a 1 -> 2, b xxxxxxxxxxxx… -> none, c 0 -> 1 and 8 more"
