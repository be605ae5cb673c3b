"""What holds for every engine: the contract, what it declares, and how one is added."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT
from engine_contract import OPENINGS, EngineContract, OpenEngine
from hypothesis import given
from hypothesis import strategies as st

from harness import engines
from harness.engines import ENGINES, EngineKind
from harness.engines.scripted import ScriptedEngine, perfect
from harness.engines.tokens import Tokeniser
from harness.models import registry
from harness.types import EngineSettings, Model, Piece, Sampling, Target, Task, UserError

EXAMPLE = ROOT / "examples" / "engine.py"
TASKS = [
    Task(str(i), text.split("\n")[0], Target("number", ("7",)), "x")
    for i, text in enumerate(OPENINGS)
]


class WrittenText(EngineContract):
    """Engines whose text does not follow from the history."""

    generates = continues = samples = counts_room = False


class TestScripted(WrittenText):
    @pytest.fixture
    def open_engine(self) -> OpenEngine:
        return lambda settings: ScriptedEngine(perfect, TASKS, settings.slots)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """examples/engine.py as a module."""
    spec = importlib.util.spec_from_file_location("example_engine", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestExample(WrittenText):
    @pytest.fixture
    def open_engine(self, example: ModuleType) -> OpenEngine:
        return lambda settings: example.load(Model("polly", "parrot", " 7\nAnswer: 7"), settings)


def test_an_engine_is_one_file_and_one_line(suite_folder: Path, tmp_path: Path) -> None:
    """The smallest engine, put into a copy of the harness as its docstring says, and run."""
    copy = tmp_path / "copy" / "harness"
    shutil.copytree(ROOT / "harness", copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE, copy / "engines" / "parrot.py")
    told = [line.strip() for line in EXAMPLE.read_text().split("\n")]
    line = next(line for line in told if line.startswith('"parrot": EngineKind('))
    row = "\n".join(told[told.index("[polly]") : told.index('"""', 1)])
    table = copy / "engines" / "__init__.py"
    head, begins, rest = table.read_text().partition("ENGINES: dict[str, EngineKind] = {\n")
    table.write_text(f"{head}{begins}    {line}\n{rest}")
    (tmp_path / "models.toml").write_text(row.replace("\\\\n", "\\n").replace("42", "144"))
    command = [sys.executable, "-m", "harness", "run", "--model", "polly-parrot", "--suite", "mini"]
    there = {**os.environ, "PYTHONPATH": str(copy.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [manifest] = tmp_path.glob("runs/*-polly-parrot-mini/manifest.json")
    assert '"engine": "parrot"' in manifest.read_text()
    answers = (manifest.parent / "episodes.jsonl").read_text()
    assert answers.count('"answer": "144"') == 3 or answers.count('"answer":"144"') == 3


class Greedy(Tokeniser):
    """Matches marks in any text, as the worst vocabularies do; other tokens are characters."""

    opener = 0
    marks = ("<s>", "</s>", "<<s>", "a<s")

    def encode(self, text: str, special: bool) -> list[int]:
        pattern = "|".join([*map(re.escape, self.marks), "."])
        found = re.findall(pattern, text, re.DOTALL)
        return [self.marks.index(m) if m in self.marks else 9 + ord(m) for m in found]

    def is_reserved(self, token: int) -> bool:
        return token < len(self.marks)

    def spelling(self, token: int) -> str:
        return self.marks[token] if self.is_reserved(token) else chr(token - 9)


@given(st.text("<s>/a :", max_size=40))
def test_data_never_becomes_a_mark_and_loses_nothing(text: str) -> None:
    words = Greedy()
    for tokens in (words.continuation([Piece(text)]), words.opening([Piece(text)])[1:]):
        assert not any(map(words.is_reserved, tokens))
        assert "".join(map(words.spelling, tokens)) == text
    marked = words.opening([Piece("<s>", special=True), Piece(text), Piece("</s>", special=True)])
    assert [token for token in marked if words.is_reserved(token)] == [0, 1]


def test_every_variant_of_models_toml_belongs_to_one_engine() -> None:
    keys = [key for kind in ENGINES.values() for key in kind.variants]
    assert len(keys) == len(set(keys))
    engines_in_use = {row.model.engine for row in registry.read_rows(ROOT / "models.toml").values()}
    assert {"llama_cpp", "transformers"} <= engines_in_use <= set(ENGINES)


@pytest.mark.parametrize("name", [name for name, kind in ENGINES.items() if not kind.grammar])
def test_an_engine_without_grammars_refuses_one(name: str) -> None:
    with pytest.raises(UserError, match="llama_cpp"):
        engines.create(Model("m", name, "x"), EngineSettings(grammar='root ::= "a"'))


def test_only_an_engine_that_plays_tasks_is_given_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def load(*arguments: object) -> str:
        given.append(len(arguments))
        return "an engine"

    stage = ModuleType("stage")
    stage.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stage", stage)
    for plays in (False, True):
        monkeypatch.setitem(ENGINES, "toy", EngineKind("stage", plays_tasks=plays))
        engines.create(Model("m", "toy", "x"), EngineSettings(), TASKS)
    assert given == [2, 3]


def test_an_unknown_engine_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"model m: no engine 'llama'.*llama_cpp"):
        engines.create(Model("m", "llama", "x"), EngineSettings())


@pytest.mark.parametrize("temperature", [-1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(UserError, match=r"--temperature .*: expected 0"):
        engines.create(
            Model("m", "scripted", "perfect"), EngineSettings(sampling=Sampling(temperature))
        )
