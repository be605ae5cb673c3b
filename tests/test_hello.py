"""examples/hello.py runs from the repository's root, and the README tells what it prints."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytest.importorskip("llama_cpp")
EXAMPLE = ROOT / "examples" / "hello.py"


def test_the_example_prints_an_episode_from_question_to_verdict() -> None:
    said = subprocess.run(
        [sys.executable, EXAMPLE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    labels = re.findall(r"^(Question|Thought|Action|Observation|Answer|--)", said, re.MULTILINE)
    turn = ["Thought", "Action", "Observation"]
    assert labels == ["Question", *turn, *turn, "Thought", "Answer", "--"]
    assert said.rstrip().endswith("-- answered, right (number: one number)")
    readme = (ROOT / "README.md").read_text("utf-8").partition("\n## ")[0]
    told = re.findall(r"^    (\w+: .*)$", readme, re.MULTILINE)
    assert len(told) == len(labels) - 1
    for line in told:
        beginning = line.partition("…")[0].strip()
        assert f"\n{beginning}" in f"\n{said}", line


def test_the_example_fits_on_a_screen() -> None:
    lines = EXAMPLE.read_text("utf-8").split("\n")
    assert len([line for line in lines if line.strip()]) <= 50
