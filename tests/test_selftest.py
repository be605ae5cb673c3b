"""What ``tasks check`` finds, in suites of a user's own and in imported ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.suites import tasks
from harness.suites.check import Problem, check_suite
from harness.suites.importers import IMPORTED
from harness.suites.writing import confirm_gold
from harness.tools import TOOLS, Toolbox
from harness.types import Article, GoldAction, Suite, Target, Task
from harness.worlds.frozen import FrozenWorld, build_snapshot
from harness.worlds.none import NoWorld

NOWHERE = Toolbox(tuple(TOOLS), NoWorld())


def sums(count: int, provenance: str = "", cluster_size: int = 1) -> tuple[Task, ...]:
    """Sums with an answer of their own for every cluster."""
    made = []
    for n in range(count):
        cluster = n // cluster_size
        expr, value = f"{cluster} + 7000", str(cluster + 7000)
        gold = GoldAction("calculate", expr=expr, observation_contains=value)
        question, answer = f"What is {expr}, for the {n}th time?", Target("number", (value,))
        task = Task(f"t{n}", question, answer, "arithmetic", gold_actions=(gold,))
        made.append(replace(task, cluster=f"c{cluster}", provenance=provenance))
    return tuple(made)


def suite(some: tuple[Task, ...], world: str = "") -> Suite:
    return Suite("made", "made.jsonl", "", some, world)


def texts(problems: list[Problem], fatal: bool = True) -> str:
    return "\n".join(f"{p.task}: {p.text}" for p in problems if p.fatal is fatal)


def with_first(some: tuple[Task, ...], **changes: object) -> tuple[Task, ...]:
    return (replace(some[0], **changes), *some[1:])  # type: ignore[arg-type]


def test_a_sound_suite_has_no_problems() -> None:
    assert check_suite(suite(sums(60)), NOWHERE) == []


def test_a_gold_action_must_show_what_it_says() -> None:
    wrong = GoldAction("calculate", expr="1 + 1", observation_contains="3")
    assert "should show '3', and shows '2'" in texts(
        check_suite(suite(with_first(sums(60), gold_actions=(wrong,))), NOWHERE)
    )
    unknown = GoldAction("telephone", ("Ada",))
    assert "no tool 'telephone'; there are calculate" in texts(
        check_suite(suite(with_first(sums(60), gold_actions=(unknown,))), NOWHERE)
    )


def test_an_answer_that_cannot_score_right_and_one_that_should_not_are_told() -> None:
    answer = Target("number", ("about a dozen",), rejected=("12",))
    assert "accepted answer 'about a dozen' does not score right" in texts(
        check_suite(suite(with_first(sums(60), answer=answer)), NOWHERE)
    )
    leaky = with_first(sums(60), question="7000", answer=Target("number", ("7000",)))
    assert "the wrong answer '7000' scores right" in texts(check_suite(suite(leaky), NOWHERE))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Target("number", ("2.5k",)), "'2.5k' is no plain number; write 2500 first"),
        (Target("number", ("three",)), "'three' is no plain number; write 3 first"),
        (Target("number", ("2 h",), unit="minutes"), "'2 h' is no plain number; write 120 first"),
        (Target("number", ("abc",)), "'abc' is not one number"),
        (Target("number", ("3 or 4",)), "'3 or 4' is not one number"),
        (Target("number", ("7", "7th")), "'7th' is not one number"),
        (Target("number", ("7",), abs_tol="a bit"), "abs_tol 'a bit' is no number from 0 up"),
        (Target("date", ("before 1911",)), "'before 1911' is not one date"),
        (Target("date", ("5/6/1911",)), "'5/6/1911' is not one date"),
        (Target("list", (" ; ",)), "does not score right"),
    ],
)
def test_a_target_that_the_matcher_reads_otherwise_is_told(answer: Target, said: str) -> None:
    assert said in texts(check_suite(suite(with_first(sums(60), answer=answer)), NOWHERE))


@pytest.mark.parametrize(
    "answer",
    [
        Target("number", ("-2,500.50", "minus two thousand five hundred and a half")),
        Target("number", ("90", "1.5 hours"), unit="minutes"),
        Target("number", ("74", "room 74")),
        Target("date", ("44 BC", "-44")),
        Target("date", ("79",)),
        Target("list", ("Trinidad and Tobago; Washington, D.C.",)),
    ],
)
def test_a_target_that_reads_back_is_sound(answer: Target) -> None:
    assert texts(check_suite(suite(with_first(sums(60), answer=answer)), NOWHERE)) == ""


def test_another_task_s_answer_must_be_wrong_here_unless_both_ask_the_same() -> None:
    broad = Target("number", ("7003",), abs_tol="1")
    said = texts(check_suite(suite(with_first(sums(60), answer=broad)), NOWHERE))
    assert "t0: the answer to t2, '7002', scores right here" in said
    assert "t3" not in said


def test_one_answer_to_many_questions_is_a_problem_but_twins_count_once() -> None:
    same = tuple(
        Task(f"t{n}", f"Which town, {n}?", Target("string", ("Pell",)), "lookup") for n in range(9)
    )
    assert "the constant answer 'Pell' is right for 9 of 69 questions" in texts(
        check_suite(suite((*sums(60), *same)), NOWHERE)
    )
    assert check_suite(suite(sums(48, cluster_size=4)), NOWHERE) == []


def test_in_an_imported_suite_what_its_makers_chose_is_a_note() -> None:
    same = tuple(
        Task(f"y{n}", f"Is it so, {n}?", Target("yesno", ("yes",)), "yesno", provenance=IMPORTED)
        for n in range(40)
    )
    problems = check_suite(suite((*sums(60, IMPORTED), *same)), NOWHERE)
    assert "the constant answer 'yes' is right for 40 of 100" in texts(problems, fatal=False)
    assert texts(problems) == ""


def test_lookups_without_a_world_are_not_replayed_and_that_is_said() -> None:
    gold = GoldAction("wikipedia", ("Pell",), observation_contains="a town")
    problems = check_suite(suite(with_first(sums(60), gold_actions=(gold,))), NOWHERE)
    assert texts(problems) == ""
    assert (
        texts(problems, fatal=False) == ": 1 gold actions were not replayed: the suite has no world"
    )


def test_checking_ten_times_the_tasks_is_about_ten_times_the_work() -> None:
    def calls(count: int) -> int:
        counted = 0

        def count_call(frame: object, event: str, arg: object) -> None:
            nonlocal counted
            counted += event == "call"

        sys.setprofile(count_call)
        try:
            problems = check_suite(suite(sums(count)), NOWHERE)
        finally:
            sys.setprofile(None)
        assert texts(problems) == ""
        assert ("one pair in" in texts(problems, fatal=False)) is (count > 1000)
        return counted

    assert calls(1200) < 12 * calls(120)


# --- imported gold actions --------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "stated", "kept"),
    [
        ("2 * 6", "12", "12"),
        ("200 / 3", "66.67", "66.6666666667"),
        ("200 / 3", "66.6", "66.6"),
        ("200 / 3", "67", "66.6666666667"),
        ("1 / 4", ".25", "0.25"),
        ("8 / 2", "4", "4"),
        ("2 * 6", "13", None),
        ("2 * 60", "12", None),
        ("2 *", "12", None),
    ],
)
def test_a_stated_result_is_confirmed_rounded_or_given_up(
    expr: str, stated: str, kept: str | None
) -> None:
    gold = GoldAction("calculate", expr=expr, observation_contains=stated)
    target = Target("number", ("12",))
    task = Task("t", "How many?", target, "sum", gold_actions=(gold, gold), provenance=IMPORTED)
    golds = confirm_gold(task, NOWHERE).gold_actions
    assert [gold.observation_contains for gold in golds] == ([] if kept is None else [kept, kept])


def test_evidence_that_the_tool_does_not_show_is_dropped_and_the_look_up_stays(
    tmp_path: Path,
) -> None:
    build_snapshot([Article("Pell", "Pell is a town.")], tmp_path / "w.sqlite")
    box = Toolbox(tuple(TOOLS), FrozenWorld(tmp_path / "w.sqlite"))
    golds = tuple(GoldAction("wikipedia", ("Pell",), "", text) for text in ("a town", "a port"))
    target = Target("string", ("a town",))
    task = Task("t", "What is Pell?", target, "lookup", gold_actions=golds, provenance=IMPORTED)
    kept = confirm_gold(task, box).gold_actions
    assert [gold.observation_contains for gold in kept] == ["a town", ""]


# --- the command ------------------------------------------------------------------------


def test_check_prints_the_table_and_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    some = with_first(sums(60), answer=Target("number", ("no number",)))
    file.write_text("".join(tasks.dump_task(task) + "\n" for task in some))
    assert main(["tasks", "check", str(file)]) == 1
    said = capsys.readouterr().out
    assert "difficulty 1" in said and "arithmetic  en" in said
    assert f"{file}: t0: the accepted answer 'no number' does not score right" in said
    assert "mine: 60 tasks, " in said
    file.write_text("".join(tasks.dump_task(task) + "\n" for task in sums(60)))
    assert main(["tasks", "check", str(file)]) == 0
    assert "60 tasks, 0 problems" in capsys.readouterr().out
