"""The command `worlds`: what it prints, what it exits with, what it leaves behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.worlds import WORLDS
from harness.worlds.recorded import Entry, read_tape, write_tape

ENTRY = Entry("wikipedia", "Oru", "live:x", 1, "ok", "Oru is a town.", "2026-01-31T00:00:00+00:00")
OTHER = replace(ENTRY, tool="search", world="live:y", when="2026-02-01T00:00:00+00:00")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    write_tape([ENTRY, OTHER], tmp_path / "tape.jsonl")
    return tmp_path / "tape.jsonl"


def test_every_kind_of_world_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worlds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for kind in WORLDS:
        assert any(line.startswith(kind) and len(line.split()) > 3 for line in lines)


def test_a_snapshot_is_built_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("language: en\n\nOru\nOru is a town. Its mayor is Pell Ansa.\n")
    out = str(tmp_path / "world.sqlite")
    assert main(["worlds", "build", str(tmp_path / "a.txt"), "-o", out, "--title", "Two"]) == 0
    assert "1 articles, sha256 " in capsys.readouterr().out
    assert main(["worlds", "show", out, "--article", "Oru", "--search", "mayor"]) == 0
    said = capsys.readouterr().out
    assert "title: Two" in said and "[ok] Oru is a town. Its mayor is Pell Ansa." in said
    assert main(["worlds", "build", "-o", out]) == 2
    assert main(["worlds", "show", "frozne:x"]) == 2
    assert "did you mean frozen" in capsys.readouterr().err
    assert main(["worlds", "show", "recorded"]) == 2


def test_a_tape_is_listed(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worlds", "tape", "list", str(tape), "--json"]) == 0
    assert [row["tool"] for row in json.loads(capsys.readouterr().out)] == ["wikipedia", "search"]
    write_tape([replace(ENTRY, input="\x1b[2Jx")], tape)
    assert main(["worlds", "tape", "list", str(tape)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_tape_is_checked(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worlds", "tape", "check", str(tape)]) == 0
    with tape.open("ab") as file:
        file.write(
            replace(ENTRY, text="Oru was a town.").line() + ENTRY.line().replace(b"Oru", b"Uro")
        )
    assert main(["worlds", "tape", "check", str(tape)]) == 1
    said = capsys.readouterr().out
    assert "tape.jsonl:4: not a line" in said and "a second, other answer to wikipedia: Oru" in said


def test_tapes_are_merged(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second, out = tmp_path / "second", tmp_path / "out"
    write_tape([replace(ENTRY, input="Two"), replace(ENTRY, text="Else.")], second)
    assert main(["worlds", "tape", "merge", str(tape), str(second), "-o", str(out)]) == 1
    assert "an earlier answer differs: wikipedia: Oru" in capsys.readouterr().out
    assert [entry.text for entry in read_tape(out)[0]] == ["Oru is a town."] * 3
    assert main(["worlds", "tape", "merge", str(tape), "-o", str(out)]) == 0
    assert main(["worlds", "tape", "merge", str(tape), str(tmp_path / "none"), "-o", str(out)]) == 2


def test_damaged_lines_are_dropped_from_a_tape(tape: Path, tmp_path: Path) -> None:
    with tape.open("ab") as file:
        file.write(b"damaged\n")
    assert main(["worlds", "tape", "prune", str(tape)]) == 0
    assert read_tape(tape) == ([ENTRY, OTHER], [])
    (tmp_path / "bad").write_bytes(b"damaged\n")
    assert main(["worlds", "tape", "prune", str(tmp_path / "bad")]) == 2
    assert (tmp_path / "bad").read_bytes() == b"damaged\n", "a tape is never emptied by a slip"


def test_a_run_over_a_world_of_ones_own(
    suite_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Record a run, replay it; what is wrong with the world is said before the model loads."""
    (tmp_path / "models.toml").write_text(
        '[perfect]\nparams = 0\nlicence = "x"\nscript = { name = "perfect" }\n'
    )
    monkeypatch.chdir(tmp_path)
    command = [
        "run",
        "--model",
        "perfect-script",
        "--suite",
        str(suite_folder),
        "--runs-dir",
        str(tmp_path / "runs"),
    ]
    assert main([*command, "--record", "tape.jsonl"]) == 0
    assert len(read_tape("tape.jsonl")[0]) == 2
    assert main([*command, "--world", "recorded:tape.jsonl"]) == 0
    assert main([*command, "--world", "none"]) in (0, 1)
    for world in (
        "recorded:none.jsonl",
        "zim:none.zim",
        "live:evil.example/#",
        "live:http://127.0.0.1:9/api.php",
        "frozen:x",
    ):
        assert main([*command, "--world", world]) == 2
    for more in (
        ["--fault", "rate=9"],
        ["--tools-file", "none.py"],
        ["--world", "recorded:tape.jsonl", "--record", "t2"],
    ):
        assert main([*command, *more]) == 2
    assert capsys.readouterr().err.count("error: ") == 8
    assert len(list((tmp_path / "runs").iterdir())) == 3, "no run was begun for those"
