"""Suites: what a user's file may look like, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.suites.tasks import dump_task, load_suite, parse_tasks
from harness.types import UserError
from tests.conftest import TASKS

GOOD = '{"id": "a", "question": "q?", "category": "c", "answer": {"type": "number", "accepted": ["1"]}}'


def test_a_task_survives_its_file() -> None:
    lines = "".join(dump_task(task) + "\n" for task in TASKS)
    assert parse_tasks(lines, "x") == TASKS


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "t.jsonl:2: not JSON"),
        ("[1]", "t.jsonl:2: expected a JSON object"),
        (
            GOOD.replace("question", "qestion"),
            "t.jsonl:2: unknown field 'qestion'; did you mean question?",
        ),
        (GOOD.replace('"question": "q?", ', ""), "t.jsonl:2: field 'question' is missing"),
        (GOOD.replace("number", "numbr"), "t.jsonl:2: answer type 'numbr'; did you mean number?"),
        (GOOD.replace('["1"]', "[]"), "t.jsonl:2: answer: 'accepted' is empty"),
        (GOOD.replace('["1"]', "[1]"), "t.jsonl:2: answer: accepted: expected a list of texts"),
        (GOOD.replace('"a"', "3"), "t.jsonl:2: id: expected text"),
        (
            GOOD[:-1] + ', "gold_actions": [{"tool": "wikipedia"}]}',
            "t.jsonl:2: gold_actions: wikipedia needs",
        ),
        (GOOD, "t.jsonl:2: id 'a' is already used in line 1"),
    ],
)
def test_a_bad_line_is_named_with_its_place(line: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        parse_tasks(GOOD + "\n" + line, "t.jsonl")
    assert says in str(error.value)


def test_a_suite_is_a_folder_or_a_file(suite_folder: Path) -> None:
    suite = load_suite(str(suite_folder))
    assert suite.name == "mini" and suite.tasks == TASKS and suite.world.endswith("world.sqlite")
    assert load_suite(str(suite_folder / "tasks.jsonl")) == suite


def test_an_unknown_suite_names_the_nearest(suite_folder: Path) -> None:
    (suite_folder / "generated.jsonl").write_text(GOOD)
    with pytest.raises(UserError, match="did you mean generated"):
        load_suite("generatd", suite_folder)


def test_an_empty_suite_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text("\n")
    with pytest.raises(UserError, match="no tasks in it"):
        load_suite(str(tmp_path))


def test_changed_tasks_are_noticed(suite_folder: Path) -> None:
    with open(suite_folder / "tasks.toml", "a") as side:
        side.write('tasks_sha256 = "00"\n')
    with pytest.raises(UserError, match="the tasks were changed"):
        load_suite(str(suite_folder))


def test_files_with_a_byte_order_mark_are_read(suite_folder: Path) -> None:
    plain = load_suite(str(suite_folder))
    for name in ("tasks.jsonl", "tasks.toml"):
        file = suite_folder / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    marked = load_suite(str(suite_folder))
    assert (marked.tasks, marked.world, marked.title) == (plain.tasks, plain.world, plain.title)


def test_tasks_that_are_not_utf_8_are_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_bytes(f"{GOOD}\n".encode() + b"caf\xe9\n")
    with pytest.raises(UserError, match=r"tasks\.jsonl:2: not UTF-8 text"):
        load_suite(str(tmp_path))


@pytest.mark.parametrize(
    ("side", "says"),
    [
        (
            'title = "x"\nlicense = "MIT"\n',
            "tasks.toml:2: unknown key 'license'; did you mean licence?",
        ),
        ('title = "x"\n\nworld = 3\n', "tasks.toml:3: world: expected text, found 3"),
        ('languages = "en"\n', "tasks.toml:1: languages: expected a list, found 'en'"),
        ('title = "x"\nworld = \n', "tasks.toml:2: not TOML: "),
        ('title = "x"\nworld = ["a"', "tasks.toml:2: not TOML: "),
    ],
)
def test_a_slip_beside_the_tasks_is_told_by_line(suite_folder: Path, side: str, says: str) -> None:
    (suite_folder / "tasks.toml").write_text(side)
    with pytest.raises(UserError) as error:
        load_suite(str(suite_folder))
    assert says in str(error.value)


@pytest.mark.parametrize("world", ["../secret.sqlite", "/etc/passwd"])
def test_a_world_outside_the_folder_is_refused(suite_folder: Path, world: str) -> None:
    (suite_folder / "tasks.toml").write_text(f'world = "{world}"\n')
    with pytest.raises(UserError, match="outside"):
        load_suite(str(suite_folder))
