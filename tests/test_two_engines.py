"""The same weights through two engines: what a score says is of the model, not of the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("llama_cpp")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")
pytest.importorskip("gguf")

from harness.cli import main
from harness.run.store import Run, find_runs
from pico import huggingface
from pico.export import read_f16
from pico.shapes import WEIGHTS

TASKS = 7  # one of each category
FILE = WEIGHTS / "pico-0.8M-f16.gguf"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return huggingface.write(read_f16(FILE), tmp_path_factory.mktemp("hf") / "pico-0.8M")


def run(model: str, runs_dir: Path) -> Run:
    command = ["run", "--model", model, "--suite", "generated", "--limit", str(TASKS)]
    assert main([*command, "--threads", "1", "--runs-dir", str(runs_dir)]) == 0
    (made,) = find_runs(runs_dir)
    return made


def right(made: Run, capsys: pytest.CaptureFixture[str]) -> int:
    """How many of the tasks it solved, as the report says."""
    capsys.readouterr()
    assert main(["report", str(made.path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["episodes"] == TASKS
    return round(row["accuracy"] * TASKS)


def written(made: Run) -> dict[str, list[str]]:
    return {
        episode.task_id: [step.completion.text for step in episode.steps]
        for episode in made.episodes()
    }


def test_llama_cpp_and_transformers_write_the_same(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, but for what f16 and float32 round differently on some machine."""
    here = run(str(FILE), tmp_path / "llama_cpp")
    there = run(str(folder), tmp_path / "transformers")
    runs = (here, there)
    assert len({made.manifest["config"]["model"]["engine"] for made in runs}) == 2
    assert len({made.manifest["engine"]["prefix_tokens_sha256"] for made in runs}) == 1
    one, other = written(here), written(there)
    assert len(one) == len(other) == TASKS
    assert sum(one[task] == other[task] for task in one) >= TASKS - 1
    assert min(right(made, capsys) for made in runs) >= TASKS - 1


@pytest.mark.parametrize(("quantisation", "bits"), [("nf4", 4), ("int8", 8)])
def test_quantised_by_bitsandbytes_it_still_solves_the_tasks(
    folder: Path,
    tmp_path: Path,
    quantisation: str,
    bits: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("bitsandbytes")
    made = run(f"{folder}@{quantisation}", tmp_path)
    assert made.manifest["engine"]["bits"] == bits
    assert right(made, capsys) >= TASKS - 2
