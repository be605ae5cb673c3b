"""What every part uses: hints for wrong names, whole writes, locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.common.files import locked, write_whole
from harness.common.hints import hint
from harness.common.packages import version_of, versions


@pytest.mark.parametrize(
    "name, known, said",
    [
        ("raect", ["react", "deck"], "did you mean react?"),
        ("Core", ["core"], "did you mean core?"),
        ("x", ["react", "deck"], "there are react, deck"),
        ("x", [], "there are none"),
        (
            "zz",
            [f"name-{i}" for i in range(20)],
            "there are name-0, name-1, name-2, name-3, name-4, "
            "name-5, name-6, name-7 … (20 in all)",
        ),
    ],
)
def test_a_wrong_name_gets_the_nearest_or_what_there_is(
    name: str, known: list[str], said: str
) -> None:
    assert hint(name, known) == said


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "new \ud800")
    assert (tmp_path / "a.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_lock_is_held_by_one_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from harness.common.files import locked\n"
        "with locked(Path(sys.argv[1])) as held: print(held)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    with locked(tmp_path / "lock") as held:
        assert held and subprocess.check_output(command, text=True).strip() == "False"
    assert subprocess.check_output(command, text=True).strip() == "True"


def test_versions_of_what_is_installed() -> None:
    assert version_of("pytest") and not version_of("no-such-package-anywhere")
    assert list(versions(["no-such-package-anywhere", "pytest"])) == ["pytest"]
