"""docs/extending.md, kept true: its example runs, and it leaves no world or fault out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import prompts
from harness.agent import react
from harness.protocol import DIALECTS
from harness.tools import Toolbox
from harness.tools.own import load_tools
from harness.types import Completion, Generate, Limits, Observation, Piece
from harness.worlds import WORLDS
from harness.worlds.faults import FAULT_KINDS
from harness.worlds.none import NoWorld
from harness.worlds.recorded import Entry
from tests.conftest import ROOT, TASKS

TEXT = (ROOT / "docs" / "extending.md").read_text("utf-8")


def test_the_example_tool_works(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert example
    (tmp_path / "my_tools.py").write_text(example[1])
    mine = load_tools(str(tmp_path / "my_tools.py"))
    assert Toolbox(("roman",), NoWorld(), mine).call("roman", "14").text == "XIV"


def test_the_example_prompt_leads_through_the_loop(tmp_path: Path) -> None:
    example = re.search(r"```\n(\+\+\+.*?)```", TEXT, re.DOTALL)
    assert example
    (tmp_path / "mine.txt").write_text(example[1].rstrip("\n"), "utf-8")
    prompt = prompts.load_prompt(str(tmp_path / "mine.txt"), "calculate: 1 + 1")
    assert prompt.stop == DIALECTS["colon-ja"].stops and prompt.tools == ("calculate", "wikipedia")
    loop = react(TASKS[0], prompt, Limits(), prompt.protocol())
    next(loop)
    loop.send(Completion(" 計算する。\n行動: calculate: 12 * 12\n", "stop", "観察:"))
    request = loop.send(Observation("144"))
    assert isinstance(request, Generate) and request.pieces == (Piece(" 144\n思考:"),)
    with pytest.raises(StopIteration) as end:
        loop.send(Completion(" わかった。\n回答: 144\n", "stop", "\n質問:"))
    assert end.value.value.answer == "144"


def test_every_dialect_is_described() -> None:
    assert not [name for name in DIALECTS if f"`{name}`" not in TEXT]


def test_nothing_is_left_out() -> None:
    for word in (*WORLDS, *FAULT_KINDS, *Entry.__dataclass_fields__, "key", "sum"):
        assert f"`{word}" in TEXT, word
