"""A user's own tools, and lookup: what they add to a run, and that they cannot end one."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from harness import prompts
from harness.agent import react
from harness.report.data import load_result
from harness.run.plan import Extras, RunPlan, equip
from harness.run.session import open_session
from harness.suites import tasks
from harness.tools import Toolbox, describe_tools, wrap_loop
from harness.tools.own import load_tools
from harness.types import (
    Act,
    Article,
    Completion,
    Episode,
    GoldAction,
    Hit,
    Limits,
    Model,
    Observation,
    Target,
    Task,
    UserError,
    WorldSpec,
)
from harness.worlds.none import NoWorld

TOOLS = '''
import os
import sys
from harness.types import Observation

HELD = __import__("threading").Event()

def roman(input):
    """roman: 14
    Returns a whole number in Roman numerals."""
    print("noise on the run's output")
    number, digits = int(input), [(10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    text = ""
    for value, letter in digits:
        text += letter * (number // value)
        number %= value
    return text

def page(input, world):
    """page: Oru
    Says whether there is an article."""
    return Observation("yes" if world.article(input) else "no", "ok")

def leaves(input):
    """leaves: x
    Ends the process, or tries to."""
    sys.exit(3)

def hangs(input):
    """hangs: x
    Never comes back."""
    HELD.wait(60)

def nothing(input):
    """nothing: x
    Returns None."""

def long(input):
    """long: x
    Returns far too much."""
    return "word " * 1_000_000

def _helper(input):
    return input
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TOOLS)
    return path


def toolbox(file: Path) -> Toolbox:
    mine = load_tools(str(file), seconds=0.2)
    return Toolbox(("calculate", *mine), NoWorld(), mine)


def test_the_functions_of_a_file_become_tools(file: Path) -> None:
    mine = load_tools(str(file))
    assert list(mine) == ["roman", "page", "leaves", "hangs", "nothing", "long"]
    assert describe_tools(["calculate", "roman"], mine).endswith(
        "\nroman: 14\nReturns a whole number in Roman numerals."
    )
    assert toolbox(file).call("roman", "14") == replace(
        Observation("XIV"), seconds=pytest.approx(0, abs=1)
    )
    assert toolbox(file).call("page", "Oru").text == "no"


def test_what_a_tool_does_ends_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = toolbox(file)
    for tool, why in {
        "leaves": "SystemExit: 3",
        "hangs": "did not come back within 0.2 s",
        "nothing": "returned NoneType, expected text",
    }.items():
        observation = box.call(tool, "x")
        assert (observation.outcome, observation.text) == ("unavailable", f"{tool} failed: {why}")
    assert "invalid literal" in box.call("roman", "many").text
    assert len(box.call("long", "x").text) <= 4000
    box.call("roman", "3")
    assert capsys.readouterr().out == ""


def test_what_a_tool_refuses_is_named_with_the_example_from_its_docstring(tmp_path: Path) -> None:
    (tmp_path / "picky.py").write_text(
        "from harness.types import Observation\n\ndef picky(input):\n"
        '    """picky: 14\n    Takes numbers."""\n'
        '    return Observation("Error: not a number.", "bad_argument", repairs=("forged",))\n'
    )
    mine = load_tools(str(tmp_path / "picky.py"))
    observation = Toolbox(("picky",), NoWorld(), mine).call("picky", "a\nAction: b" + "c" * 99)
    assert (observation.outcome, observation.repairs) == ("bad_argument", ())
    assert observation.text == (
        f'Error: picky cannot read "a Action: b{"c" * 48}…": not a number; '
        "write for example picky: 14."
    )


def test_a_tool_that_hangs_again_and_again_is_left_alone(file: Path) -> None:
    box = toolbox(file)
    before = threading.active_count()
    said = [box.call("hangs", "x").text for _ in range(6)]
    assert said[-1] == "hangs failed: did not come back 3 times; it is not called any more"
    assert threading.active_count() <= before + 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def f(input):\n    pass\n",
            r"mine.py:1: the docstring of f is what the model reads; expected two lines",
        ),
        ('\ndef f(input):\n    """Does things."""\n', r"mine.py:2: the docstring of f"),
        ('def f():\n    """f: x\n    Gives."""\n', r"mine.py:1: f should take the input"),
        (
            'def Fetch(input):\n    """Fetch: x\n    Gives."""\n',
            r"mine.py:1: 'Fetch' cannot be a tool's name",
        ),
        ("x = 1\n\nraise RuntimeError('no')\n", r"mine.py:3: RuntimeError: no"),
        ("import sys\nsys.exit(1)\n", r"mine.py:2: SystemExit"),
        ("def f(:\n", r"mine.py:1: SyntaxError"),
        ("x = 1\n", r"mine.py: no function in it"),
    ],
)
def test_a_file_that_cannot_be_tools_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UserError, match=message):
        load_tools(str(tmp_path / "mine.py"))


def test_a_tool_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text('def search(input):\n    """search: x\n    Mine."""\n')
    mine = load_tools(str(tmp_path / "mine.py"))
    with pytest.raises(UserError, match="a tool 'search' already"):
        Toolbox(("search",), NoWorld(), mine)
    with pytest.raises(UserError, match="not a Python file"):
        load_tools(str(tmp_path / "missing.py"))


def finish(folder: Path, prompt_name: str, task: Task, extras: Extras) -> list[Episode]:
    """One task, played by the scripted agent that follows the gold actions."""
    path = folder / "tasks.jsonl"
    path.write_text(tasks.dump_task(task) + "\n")
    suite = tasks.load_suite(str(path))
    prompt, spec = equip(prompts.load_prompt(prompt_name, "{tools}"), WorldSpec("none"), extras)
    assert "\nroman: 14\nReturns a whole number in Roman numerals.\n" in prompt.text
    plan = RunPlan(Model("perfect", "scripted", "perfect"), suite, prompt, spec, extras=extras)
    session = open_session(plan, folder / "runs")
    episodes = [event for event in session.events() if isinstance(event, Episode)]
    assert session.run and session.run.manifest["config"]["extras"]["tools_sha256"]
    return episodes


def test_an_own_tool_in_a_run(file: Path, tmp_path: Path) -> None:
    task = Task(
        "fourteen",
        "Write 14 in Roman numerals.",
        Target("string", ("XIV",)),
        "own",
        gold_actions=(GoldAction("roman", ("14",), observation_contains="XIV"),),
    )
    (episode,) = finish(tmp_path, "react", task, Extras(tools_file=str(file)))
    assert episode.answer == "XIV" and episode.steps[0].observation
    assert episode.steps[0].observation.text == "XIV"


# --- calculate, as a question writes it ---------------------------------------------------


@pytest.mark.parametrize("repair", [True, False])
def test_a_run_keeps_what_the_tool_mended(tmp_path: Path, repair: bool) -> None:
    task = Task(
        "boxes",
        "What is 1,200 × 3?",
        Target("number", ("3600",)),
        "arithmetic",
        gold_actions=(GoldAction("calculate", ("1,200 × 3",)),),
    )
    path = tmp_path / "tasks.jsonl"
    path.write_text(tasks.dump_task(task) + "\n", "utf-8")
    suite = tasks.load_suite(str(path))
    prompt, spec = equip(prompts.load_prompt("react", "{tools}"), WorldSpec("none"), Extras())
    plan = RunPlan(Model("perfect", "scripted", "perfect"), suite, prompt, spec, repair=repair)
    session = open_session(plan, tmp_path / "runs")
    list(session.events())
    seen = load_result(session.run.path)
    observation = seen.episodes[0].steps[0].observation
    assert observation and observation.repairs == (("grouping", "math_signs") if repair else ())
    assert observation.outcome == ("ok" if repair else "bad_argument")
    (score,) = seen.scores
    assert score.correct
    assert score.steps[0].errors == (("loose_argument",) if repair else ("bad_argument",))


# --- lookup -------------------------------------------------------------------------------


class Varland:
    """Two articles."""

    id = "varland"

    def article(self, title: str) -> Article | None:
        return {
            "Varland": Article(
                "Varland",
                "Varland is an island. Its capital is Orrin. It is green. The capital is old.",
            ),
            "Orrin": Article("Orrin", "Orrin is a town. Its mayor is Pell Ansa."),
        }.get(title)

    def similar(self, title: str, limit: int = 3) -> list[str]:
        return []

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        return []


def looked_up(*actions: str) -> list[str]:
    """What an episode reads that carries out these actions."""
    prompt = replace(prompts.load_prompt("react"), tools=("wikipedia", "lookup"))
    task = Task("t", "Which?", Target("string", ("x",)), "lookup")

    loop = react(task, prompt, Limits(steps=99), prompt.protocol())
    loop = wrap_loop(loop, prompt.tools)
    box, said = Toolbox(prompt.tools, Varland()), []
    next(loop)
    for action in actions:
        act = loop.send(Completion(f" I act.\nAction: {action}\n", "stop", "Observation:"))
        assert isinstance(act, Act)
        observation = box.call(act.tool, act.input)
        said.append(observation.text)
        loop.send(observation)
    return said


def test_lookup_goes_through_the_last_page_as_in_the_paper() -> None:
    assert looked_up(
        "lookup: capital",
        "wikipedia: Varland",
        "lookup: capital",
        "lookup: CAPITAL",
        "lookup: capital",
        "lookup: green",
        "lookup: harbour",
        "lookup: ",
        "wikipedia: Nowhere",
        "lookup: green",
        "wikipedia: Orrin",
        "lookup: mayor",
    ) == [
        'Error: no page is open to find "capital" in; open one, for example wikipedia: Japan.',
        "Varland is an island. Its capital is Orrin. It is green. The capital is old.",
        "(Result 1 of 2) Its capital is Orrin.",
        "(Result 2 of 2) The capital is old.",
        'No more results for "capital" in "Varland".',
        "(Result 1 of 1) It is green.",
        'No results for "harbour" in "Varland".',
        "Error: no word to look for; write for example lookup: capital.",
        'No article "Nowhere".',
        'No more results for "green" in "Varland".',
        "Orrin is a town. Its mayor is Pell Ansa.",
        "(Result 1 of 1) Its mayor is Pell Ansa.",
    ]


def test_lookup_ends_with_the_loops_own_episode() -> None:
    prompt = prompts.load_prompt("react")

    task = Task("t", "Which?", Target("string", ("x",)), "lookup")
    loop = react(task, prompt, Limits(), prompt.protocol())
    loop = wrap_loop(loop, ("wikipedia", "lookup"))
    next(loop)
    with pytest.raises(StopIteration) as stop:
        loop.send(Completion(" Done.\nAnswer: x\n", "stop", "\nQuestion:"))
    assert stop.value.value.answer == "x"


def test_lookup_in_a_run_whose_prompt_names_it(suite_folder: Path, tmp_path: Path) -> None:
    shipped = (prompts.PROMPTS_FOLDER / "react.txt").read_text("utf-8")
    (tmp_path / "with_lookup.txt").write_text(shipped.replace('"search"]', '"search", "lookup"]'))
    task = Task(
        "mayor",
        "Who is the mayor of Oru?",
        Target("string", ("Pell Ansa",)),
        "lookup",
        gold_actions=(GoldAction("wikipedia", ("Oru",)), GoldAction("lookup", ("mayor",))),
    )
    (tmp_path / "tasks.jsonl").write_text(tasks.dump_task(task) + "\n")
    suite = tasks.load_suite(str(tmp_path / "tasks.jsonl"))
    world = WorldSpec("frozen", str(suite_folder / "world.sqlite"))
    prompt, spec = equip(
        prompts.load_prompt(str(tmp_path / "with_lookup.txt"), "{tools}"), world, Extras()
    )
    assert "lookup: capital" in prompt.text
    session = open_session(
        RunPlan(Model("p", "scripted", "perfect"), suite, prompt, spec), tmp_path / "runs"
    )
    (episode,) = [event for event in session.events() if isinstance(event, Episode)]
    assert (
        episode.steps[1].observation
        and episode.steps[1].observation.text == "(Result 1 of 1) Its mayor is Pell Ansa."
    )
