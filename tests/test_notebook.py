"""The notebook opens the same runs as the commands, and runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_session import finish, plan_for

nbclient = pytest.importorskip("nbclient", reason="the notebook extra is not installed")


def test_the_notebook_runs(
    suite_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat

    for script in ("perfect", "random"):
        run, _ = finish(plan_for(suite_folder, script), tmp_path / "runs")
        # a size, so that the chart has something to draw
        run.manifest["config"]["model"]["params"] = 1_000_000 if script == "perfect" else 2_000_000
        run.save_manifest()
    monkeypatch.setenv("HARNESS_RUNS", str(tmp_path / "runs"))
    notebook = nbformat.read(ROOT / "analysis.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the chart was drawn"
    assert any(
        "scripted-random" in output.get("data", {}).get("text/plain", "") for output in outputs
    )


def test_it_is_committed_without_outputs() -> None:
    import nbformat

    notebook = nbformat.read(ROOT / "analysis.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
