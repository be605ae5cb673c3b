"""The probe of the 2023 talk: what is right, what is malformed, and what runs on."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from harness import prompts
from harness.cli import main
from harness.scoring.probes import commands, grade_action, ran_on, score_probe, wanted
from harness.scoring.records import EpisodeScore
from harness.suites import tasks
from harness.types import Action, Completion, Episode, Finish, Step, Task
from tests.conftest import ROOT

DECK, FIXED = prompts.load_prompt("deck-2023"), prompts.load_prompt("deck-2023-fixed")
SUITE = tasks.load_suite(str(ROOT / "tasks" / "deck-2023.jsonl"))
TASKS = {task.id: task for task in SUITE.tasks}
FRANCE = TASKS["population-france"]

# What models of that year wrote, in shape: their words are not kept here.
RIGHT = " I can look up France on Wikipedia.\nAnswer: wikipedia: France"
FROM_MEMORY = " I know this one. About 65 million people live in France.\nAnswer: 65 million\n"
INVENTED = "".join(
    f"\n\nQuestion: How many people live in {land}?\nThought: I can search for it."
    f"\nAnswer: google\\_search: {land} population"
    for land in ("Spain", "Italy", "Chile", "Peru")
)
RUNS_ON = " I can search for it.\nAnswer: google\\_search: France population" + INVENTED
DRIFTS = (
    " You reply with one command and its input, and with nothing else. The commands are "
    "calculate, wikipedia and google_search. e.g. wikipedia: Japan. You work by giving commands,"
)


def probe(
    text: str,
    task: Task = FRANCE,
    prompt: prompts.Prompt = DECK,
    finish: Finish = "eos",
    repair: bool = True,
) -> tuple[Episode, EpisodeScore]:
    completion, protocol = Completion(text, finish), prompt.protocol(repair)
    parsed = protocol.read(completion)
    steps = (Step(completion, parsed),)
    episode = Episode(task.id, 0, "step_limit" if parsed.move else "unreadable", steps)
    return episode, score_probe(task, episode, protocol)


def score(text: str, task: Task = FRANCE, prompt: prompts.Prompt = DECK) -> EpisodeScore:
    return probe(text, task, prompt)[1]


# --- the shapes that the talk showed ----------------------------------------------------


def test_the_right_command_and_an_end() -> None:
    episode, one = probe(RIGHT)
    assert one.correct and one.correct_strict and one.rung == 3 and not ran_on(episode, one)
    assert one.verdict.rule == "probe: right"


def test_an_answer_from_memory_is_no_command_under_either_prompt() -> None:
    for prompt in (DECK, FIXED):
        episode, one = probe(FROM_MEMORY, prompt=prompt)
        assert not one.correct and one.rung == 0 and one.verdict.rule == "probe: no command"
        (step,) = one.steps
        assert not step.strict and not step.readable and "missing_action" in step.errors
        assert not ran_on(episode, one)


def test_an_escaped_name_is_right_once_repaired_and_its_run_on_is_flagged() -> None:
    episode, one = probe(RUNS_ON, finish="length")
    assert one.correct and not one.correct_strict and one.rung == 3
    (step,) = one.steps
    assert step.readable and {"escaped_markdown", "wrote_question"} <= set(step.errors)
    assert ran_on(episode, one)
    assert not probe(RUNS_ON, finish="length", repair=False)[1].correct


def test_a_drift_into_the_instructions_is_unreadable_and_runs_on() -> None:
    episode, one = probe(DRIFTS, finish="length")
    assert not one.correct and one.rung == 0 and not one.steps[0].readable
    assert ran_on(episode, one)


# --- tool, input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "grade"),
    [
        ("wikipedia: france", "right"),
        ("wikipedia: The population of France", "right"),
        ("google_search: France population", "right"),
        ("google_search: what is the population of France", "right"),
        ("google_search: current population of France 2023", "more words"),
        ("wikipedia: Spain", "other input"),
        ("wikipedia: population", "other input"),
        ("calculate: 60 + 5", "other tool"),
        ("search: France", "no command"),
    ],
)
def test_how_near_a_command_comes(command: str, grade: str) -> None:
    one = score(f" So.\nAction: {command}\n", prompt=FIXED)
    assert one.verdict.rule == f"probe: {grade}"
    assert one.correct == (grade == "right") and one.lenient == (grade in ("right", "more words"))


@pytest.mark.parametrize(
    ("sum", "right"),
    [
        ("850 * 0.12", True),
        ("0.12*850", True),
        ("12 / 100 * 850", True),
        ("850 / 12", False),
        ("12% of 850", True),
        ("10% of 850", False),
        ("102 + 0j", False),
    ],
)
def test_a_sum_is_right_by_its_value(sum: str, right: bool) -> None:
    assert score(f" So.\nAnswer: calculate: {sum}\n", TASKS["sum-percent"]).correct is right


def test_a_sum_as_people_write_it_is_right_and_not_as_written() -> None:
    text, task = " So.\nAnswer: calculate: 12% of 850", TASKS["sum-percent"]
    loose = score(text, task)
    assert loose.correct and not loose.correct_strict
    assert [step.readable for step in loose.steps] == [True]
    assert loose.steps[0].errors == ("loose_argument",)
    assert loose.steps[0].repairs == ("words", "percent")
    refused = probe(text, task, repair=False)[1]
    assert refused.verdict.rule == "probe: other input" and refused.steps[0].repairs == ()


def test_the_first_gold_action_is_wanted_where_a_task_has_one() -> None:
    task = next(
        t
        for t in tasks.load_suite(str(ROOT / "tasks" / "core.jsonl")).tasks
        if len(t.gold_actions) > 1
    )
    gold = task.gold_actions[0]
    assert {action.tool for action in wanted(task)} == {gold.tool}
    assert grade_action(wanted(task)[0], wanted(task)) == "right"


# --- the suite and the prompts ----------------------------------------------------------


def test_every_probe_wants_a_command_that_the_prompts_offer() -> None:
    assert len(SUITE.tasks) == 31 and SUITE.tasks[0].question == "What is the population of France?"
    assert set(commands(SUITE.tasks)) == set(DECK.tools) == set(FIXED.tools)
    for task in SUITE.tasks:
        assert wanted(task), task.id
        for action in wanted(task):
            assert score(f" So.\nAnswer: {action.tool}: {action.input}\n", task).correct_strict


def test_a_near_miss_of_every_sum_is_another_input() -> None:
    for task in SUITE.tasks:
        for text in task.answer.rejected:
            tool, _, input = text.partition(": ")
            assert grade_action(Action(tool, input), wanted(task)) == "other input", text


def test_the_fixed_twin_differs_in_the_label_alone() -> None:
    diff = [
        line
        for line in difflib.ndiff(DECK.text.split("\n"), FIXED.text.split("\n"))
        if line[0] in "+-"
    ]
    assert diff == ["- Answer: wikipedia: Japan", "+ Action: wikipedia: Japan"]
    assert DECK.probe and FIXED.probe and not DECK.stop and not FIXED.stop


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
def test_a_text_of_ones_own_is_taken_to_the_letter(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "talk.txt"
    path.write_bytes(
        f"Reply with a command.{ending}Question: {{question}}{ending}Thought:".encode()
    )
    prompt = prompts.load_prompt(str(path))
    assert prompt.probe and not prompt.stop
    lines = ending.replace("\r\n", "\n")
    told = prompt.prefix + "".join(piece.text for piece in prompt.opening("Why?"))
    assert told == f"Reply with a command.{lines}Question: Why?{lines}Thought:"


TALK = """Reply with a command: calculate, wikipedia or google_search.
Question: What is the capital of Japan?
Thought: I can look it up.
Answer: wikipedia: Japan
Question: What is the population of France?
Thought:"""


def test_a_text_with_its_own_question_is_asked_to_the_letter() -> None:
    for text in (TALK, TALK + "\n", "Population of France", "Question:  x", ":", ""):
        prompt = prompts.Prompt("talk", text, dialect="deck", probe=True)
        assert prompt.prefix + "".join(piece.text for piece in prompt.opening("Why?")) == text
    assert prompts.Prompt("talk", TALK).prefix.endswith("\nQuestion:")


def test_it_is_put_to_the_task_that_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "talk.txt").write_text(TALK)
    (tmp_path / "else.txt").write_text(TALK.replace("France", "Freedonia"))
    monkeypatch.chdir(ROOT)
    command = [
        "run",
        "--model",
        "perfect-script",
        "--suite",
        "deck-2023",
        "--json",
        "--runs-dir",
        str(tmp_path / "runs"),
    ]
    assert main([*command, "--prompt", str(tmp_path / "talk.txt")]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["episodes"], row["accuracy"]) == (1, 1.0)
    assert main([*command, "--prompt", str(tmp_path / "else.txt")]) == 2
    assert "write {question} where the question goes" in capsys.readouterr().err
    assert main([*command, "--limit", "3"]) == 0
    said = capsys.readouterr()
    (row,) = json.loads(said.out)
    assert (row["prompt"], row["episodes"], row["accuracy"]) == ("deck-2023", 3, 1.0)
    assert "100% right" in said.err
