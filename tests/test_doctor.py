"""doctor: what it finds, what it advises, and what it says of machines that are not here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_gguf import write_tiny

from harness.cli.machine import grouped
from harness.engines.llama_cpp.engine import load
from harness.machine import child, doctor, fit
from harness.models import memory
from harness.models.registry import Origin, Row, read_rows
from harness.types import EngineSettings, Model

ROOT = Path(__file__).parent.parent
GIB = 1 << 30


def findings(*found: doctor.Finding) -> dict[str, doctor.Finding]:
    return {finding.topic: finding for finding in found}


def test_this_machine_can_run_the_built_in_models() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "doctor", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    topics = {finding["topic"]: finding for finding in found["findings"]}
    assert {"python", "llama.cpp", "gpu", "transformers", "memory", "disk", "load"} <= set(topics)
    assert topics["llama.cpp"]["state"] == "ok" and found["fits"]["pico-2M-q4"] > 0


def test_without_llama_cpp_the_answer_is_what_to_install() -> None:
    (missing,) = doctor._llama(None)
    assert missing.state == "bad" and "pip install 'harness[llama]'" in missing.advice


def test_a_library_that_kills_its_process_is_a_finding(tmp_path: Path) -> None:
    (broken,) = doctor._llama({"error": child._why_died(-4, "")})
    assert broken.state == "bad" and "SIGILL: it was built for another CPU" in broken.text
    assert "does not open" in child.ask_child("no_such_function")["error"]


def build(info: str, *devices: dict[str, object], amx: bool | None = None) -> dict[str, object]:
    return {
        "version": "1",
        "info": info,
        "offloads": bool(devices),
        "devices": devices,
        "amx_crashes": amx,
    }


def test_the_state_of_amx() -> None:
    said = {
        crashes: findings(*doctor._llama(build("CPU : AVX = 1 | AMX_INT8 = 1", amx=crashes)))["amx"]
        for crashes in (True, False, None)
    }
    assert "crashes" in said[True].text and "clang" in said[True].advice
    assert said[False].state == "ok" and "not tried" in str(said[None].text)
    assert "amx" not in findings(*doctor._llama(build("CPU : AVX = 1")))


def test_a_gpu_is_named_with_its_memory() -> None:
    gpu = {
        "name": "CUDA0",
        "description": "Some GPU",
        "kind": "gpu",
        "free": 20 * 10**9,
        "total": 24 * 10**9,
    }
    assert findings(*doctor._llama(build("", gpu)))["gpu"].text == "Some GPU, 20.0 of 24.0 GB free"


def test_where_bitsandbytes_quantises() -> None:
    torch = {
        "transformers": "5",
        "torch": "2",
        "devices": ["cpu", "mps"],
        "bitsandbytes": "0.5",
        "quantises": ["mps", "cpu"],
    }
    found = findings(*doctor._transformers(torch))
    assert found["bitsandbytes"].text == "0.5: nf4 and int8 on cpu, mps (slow on mps)"
    without = findings(*doctor._transformers({**torch, "bitsandbytes": ""}))
    assert "harness[transformers]" in without["bitsandbytes"].advice


def device(gigabytes: float, slots: int = 16) -> memory.Device:
    return memory.Device("machine", slots, int(gigabytes * GIB), int(gigabytes * GIB))


@pytest.mark.parametrize(("gigabytes", "fits"), [(4, 0), (8, 1), (16, 8), (64, 16)])
def test_a_model_that_is_not_here_is_estimated_from_its_row(gigabytes: int, fits: int) -> None:
    row = read_rows(ROOT / "models.toml")["vicuna-7b-q4"]
    assert fit.slots_that_fit(row, None, device(gigabytes)) == fits


def test_the_estimate_of_a_cache_is_that_of_llama_2() -> None:
    """32 layers of 4,096 numbers, keys and values, two bytes each."""
    usual = fit.usual_model(6_738_415_616, 1)
    assert usual.kv_bytes == pytest.approx(2 * 2 * 32 * 4096, rel=0.1)
    assert (usual.width, usual.heads) == (pytest.approx(4096, rel=0.05), 32)


def test_doctor_says_as_many_episodes_as_the_engine_takes(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.gguf")
    row = Row(Model("a", "llama_cpp", str(path), params=10**12))
    engine = load(row.model, EngineSettings(threads=1))
    try:
        assert fit.slots_that_fit(row, fit.facts_of(row), fit.this_device()) == engine.slots
    finally:
        engine.close()


def test_what_other_programs_hold_is_not_there_to_be_filled() -> None:
    row = read_rows(ROOT / "models.toml")["vicuna-7b-q4"]
    full = memory.Device("machine", 4, 64 * GIB, 2 * GIB)
    assert fit.slots_that_fit(row, None, full) == 0


def test_transformers_takes_a_fixed_number() -> None:
    row = read_rows(ROOT / "models.toml")["cerebras-gpt-1.3b-nf4"]
    gpu = memory.Device("GPU", 16, 24 * GIB, 24 * GIB)
    assert [fit.slots_that_fit(row, None, where) for where in (device(16), device(1), gpu)] == [
        4,
        0,
        8,
    ]


def test_what_is_not_loaded_here_has_no_fit() -> None:
    assert fit.slots_that_fit(Row(Model("a", "openai", "x")), None, device(16)) is None
    unknown = Row(Model("a", "llama_cpp", "hf:a/b:c.gguf"), Origin("a/b", "c.gguf"))
    assert fit.slots_that_fit(unknown, None, device(16)) is None


def test_variants_are_shown_together() -> None:
    assert grouped({"a-q4": 8, "a-q8": 8, "b-q4": 0}) == {8: ["a-q4/q8"], 0: ["b-q4"]}
