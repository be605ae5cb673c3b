"""docs/extending.md, kept true: its example runs, and it leaves no world or fault out."""

from __future__ import annotations

import re
from pathlib import Path

from harness.tools import Toolbox
from harness.tools.own import load_tools
from harness.worlds import WORLDS
from harness.worlds.faults import FAULT_KINDS
from harness.worlds.none import NoWorld
from harness.worlds.recorded import Entry
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "extending.md").read_text("utf-8")


def test_the_example_tool_works(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert example
    (tmp_path / "my_tools.py").write_text(example[1])
    mine = load_tools(str(tmp_path / "my_tools.py"))
    assert Toolbox(("roman",), NoWorld(), mine).call("roman", "14").text == "XIV"


def test_nothing_is_left_out() -> None:
    for word in (*WORLDS, *FAULT_KINDS, *Entry.__dataclass_fields__, "key", "sum"):
        assert f"`{word}" in TEXT, word
