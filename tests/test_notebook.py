"""The notebook opens the same runs as the commands, and runs from top to bottom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.types import EngineSettings, Sampling
from tests.conftest import ROOT
from tests.made_runs import many_tasks, write_right, write_suite

nbclient = pytest.importorskip("nbclient", reason="the notebook extra is not installed")


def executed(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The outputs of the notebook over these runs, top to bottom."""
    import nbformat

    monkeypatch.setenv("HARNESS_RUNS", str(runs_dir))
    notebook = nbformat.read(ROOT / "analysis.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    return [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]


def test_ten_runs_of_two_models_are_ten_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = write_suite(tmp_path / "suite", many_tasks(8))
    for model in ("one", "two"):
        for temperature in (0.0, 0.5, 1.0):
            warm = EngineSettings(sampling=Sampling(temperature))
            write_right(tmp_path / "runs", suite, model, 3, settings=warm)
        write_right(tmp_path / "runs", suite, model, 3)
        write_right(tmp_path / "runs", suite, model, 1, done=3)
    outputs = executed(tmp_path / "runs", monkeypatch)
    tables = [
        output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})
    ]
    assert [table.count("<tr") - 1 for table in tables] == [10] * 4
    assert "interrupted" in tables[0] and "3 of 8" in tables[0] and "temperature 0.5" in tables[0]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the chart was drawn"
    assert "Question: " in outputs[-1].text


def test_without_runs_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = executed(tmp_path / "runs", monkeypatch)
    said = "".join(output.get("text", "") for output in outputs)
    assert "Make some with: python -m harness run --model 'pico-*'" in said
    assert "nothing to draw" in said


def test_it_is_committed_without_outputs() -> None:
    import nbformat

    notebook = nbformat.read(ROOT / "analysis.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
