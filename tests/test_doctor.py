"""doctor: what it finds, what it advises, and what it says of machines that are not here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_gguf import write_tiny

from harness import doctor
from harness.cli.machine import grouped
from harness.engines import gguf
from harness.models import Origin, Row, read_rows
from harness.types import Model

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
    (broken,) = doctor._llama({"error": doctor._why_died(-4, "")})
    assert broken.state == "bad" and "SIGILL: it was built for another CPU" in broken.text
    assert "does not open" in doctor.asked("no_such_function")["error"]


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


@pytest.mark.parametrize(("gigabytes", "fits"), [(4, 0), (8, 2), (16, 8), (64, 32)])
def test_a_model_that_is_not_here_is_estimated_from_its_row(gigabytes: int, fits: int) -> None:
    row = read_rows(ROOT / "models.toml")["vicuna-7b-q4"]
    assert doctor.fitting(row, None, gigabytes * GIB) == fits


def test_the_estimate_of_a_cache_is_that_of_llama_2() -> None:
    """32 layers of 4,096 numbers, keys and values, two bytes each."""
    assert doctor.usual_kv_bytes(6_738_415_616) == pytest.approx(2 * 2 * 32 * 4096, rel=0.1)


def test_a_file_that_is_here_is_asked_itself(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.gguf")
    row = Row(Model("a", "llama_cpp", str(path), params=10**12))
    facts = gguf.inspect(path)
    least = facts.size_bytes + doctor.WORK_FLOOR + facts.kv_bytes * (doctor.PREFIX_TOKENS + 1536)
    assert doctor.fitting(row, path, least) == 1
    assert doctor.fitting(row, path, least - 1) == 0
    assert doctor.fitting(row, path) == 32


def test_what_is_not_loaded_here_has_no_fit() -> None:
    assert doctor.fitting(Row(Model("a", "openai", "x")), None) is None
    assert (
        doctor.fitting(Row(Model("a", "llama_cpp", "hf:a/b:c.gguf"), Origin("a/b", "c.gguf")), None)
        is None
    )


def test_variants_are_shown_together() -> None:
    assert grouped({"a-q4": 8, "a-q8": 8, "b-q4": 0}) == {8: ["a-q4/q8"], 0: ["b-q4"]}
