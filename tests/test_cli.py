"""The whole command line, with the scripted engine: what it prints, what it exits with."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.cli import build_parser, main
from tests.conftest import ROOT

MODELS = """
[perfect]
params = 310_000
licence = "x"
script = { name = "perfect" }
[memory]
params = 900_000
licence = "x"
script = { name = "memory" }
[faulty]
params = 0
licence = "x"
script = { name = "faulty" }
"""
EXAMPLE = re.compile(r"^ +python -m harness (.+)$", re.MULTILINE)

Tell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, suite_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in: three scripted models, the suite `mini`."""
    (tmp_path / "models.toml").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of the first test that needs them are kept for the others."""
    return tmp_path_factory.mktemp("finished") / "runs"


@pytest.fixture
def tell(home: Path, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Run one command line; returns its exit code and what it printed."""

    def run(line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(shlex.split(line))
        except SystemExit as exit:  # argparse
            code = int(exit.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def told(tell: Tell, cache: Path) -> Tell:
    """As ``tell``, over a finished run of the perfect agent and of one that guesses."""
    if not cache.exists():
        code, _, said = tell("run --model perfect-script --model memory-script --suite mini")
        assert code == 0, said
        shutil.copytree("runs", cache)
    shutil.copytree(cache, "runs", dirs_exist_ok=True)
    return tell


def run_folder(model: str) -> Path:
    return next(Path("runs").glob(f"*-{model}-script-mini"))


def commands(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command and its verbs, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield f"{name} {word}".strip(), below
                yield from commands(below, f"{name} {word}".strip())


COMMANDS = dict(commands(build_parser()))
TOP = [name for name in COMMANDS if " " not in name]


# --- help -------------------------------------------------------------------------------


def test_the_help_names_every_command_and_four_ways_in(tell: Tell) -> None:
    code, said, _ = tell("--help")
    assert code == 0 and len(EXAMPLE.findall(said)) >= 4
    for name in TOP:
        assert re.search(rf"^    {name} ", said, re.MULTILINE), name


@pytest.mark.parametrize("name", TOP)
def test_every_command_explains_itself_with_an_example(name: str, tell: Tell) -> None:
    code, said, _ = tell(f"{name} --help")
    assert code == 0 and EXAMPLE.search(said), name


@pytest.mark.parametrize("name", TOP)
def test_every_option_says_what_it_does(name: str) -> None:
    for action in COMMANDS[name]._actions:
        silent = isinstance(action, argparse._SubParsersAction) or not action.option_strings
        assert silent or action.help, f"{name} {action.option_strings}"


def test_the_help_of_run_fits_a_screen_and_help_all_has_the_rest(tell: Tell) -> None:
    code, common, _ = tell("run --help")
    assert code == 0 and len(common.splitlines()) <= 40
    assert "--model" in common and "--deadline" not in common
    code, everything, _ = tell("run --help-all")
    names = [name for action in COMMANDS["run"]._actions for name in action.option_strings]
    assert code == 0 and all(name in everything for name in names)


def test_every_example_in_the_help_is_a_command_line() -> None:
    parser = build_parser()
    texts = [parser.description or "", *(each.description or "" for each in COMMANDS.values())]
    lines = [line for text in texts for line in EXAMPLE.findall(text)]
    assert len(lines) > 20
    for line in lines:
        words = shlex.split(re.split(" {2,}", line)[0], comments=True)
        assert callable(parser.parse_args(words).command), line


def test_the_version_is_the_package_s(tell: Tell) -> None:
    assert tell("--version")[1].strip() == f"harness {harness.__version__}"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "runn --model x",
        "run",
        "run --model a --mode txt",
        "run --model a --trials 0",
        "power --tasks many",
        *(f"run --model a --deadline {s}" for s in ("0", "-1", "nan", "inf", "soon")),
        *(f"run --model a --temperature {t}" for t in ("-0.1", "nan", "inf", "hot")),
    ],
)
def test_a_slip_on_the_command_line_exits_with_2_and_the_usage(line: str, tell: Tell) -> None:
    code, said, error = tell(line)
    assert code == 2 and not said and error.startswith("usage: ")


# --- the user's mistakes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("run --model perfekt-script --suite mini", "perfect-script"),
        ("run --model perfect-script --suite mnii", "suite 'mnii'"),
        ("run --model perfect-script --suite mini --prompt raect", "did you mean react"),
        ("run --model ./none.gguf --suite mini", "none.gguf"),
        ("report", "no runs in runs/; begin with: python -m harness run"),
        ("report none", "none: not a run folder"),
        ("plot -o chart.png", "no runs in runs/"),
        ("view none -o x.html", "not a run folder"),
        ("show none task", "not a run folder"),
        ("score none", "no run folder"),
        ("compare a b", "no run folder"),
        ("power", "--tasks N"),
        ("prompt raect", "did you mean react"),
        ("prompt check raect", "did you mean react"),
        ("prompt check react --model nothing", "nothing"),
        ("prompt react --model perfect-script", "go with `prompt check"),
        ("tasks check nothing", "suite 'nothing'"),
        ("worlds show frozne:x", "did you mean frozen"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_next_step(line: str, hint: str, tell: Tell) -> None:
    code, said, error = tell(line)
    assert code == 2 and hint in error, error
    assert error.startswith("error: ") and error.count("\n") == 1 and "Traceback" not in error
    assert not said


def test_a_mistake_with_a_terminal_s_own_codes_in_it_is_harmless(tell: Tell) -> None:
    code, _, error = tell("tasks check 'x\x1b[2J'")
    assert code == 2 and "\x1b" not in error and "\\x1b" in error


def test_no_registry_is_a_mistake_too(tell: Tell, home: Path) -> None:
    (home / "models.toml").unlink()
    code, _, error = tell("run --model perfect-script --suite mini")
    assert code == 2 and "models.toml: not found" in error


# --- run and what follows ---------------------------------------------------------------


def test_a_run_ends_with_the_table_and_can_be_given_again(told: Tell) -> None:
    code, said, error = told("run --model perfect-script --suite mini")
    assert code == 0 and "perfect-script: complete, 3 episodes" in " ".join(error.split())
    assert "right [95 %]" in said and "100.0 [44, 100]" in said and "record: runs" in said
    assert len(list(Path("runs").iterdir())) == 2


def test_a_deadline_that_was_asked_for_is_called_by_its_name(tell: Tell) -> None:
    with Path("models.toml").open("a") as file:
        file.write('[slow]\nparams = 0\nlicence = "x"\nscript = { name = "slow" }\n')
    code, said, _ = tell("run --model slow-script --suite mini --deadline 0.01")
    assert code == 0 and "0.0 [0, 56]" in said
    assert "slow-script: 3 of 3 missed the 0.01 s deadline" in said


def test_a_run_with_faults_exits_with_1_and_says_how_many(tell: Tell) -> None:
    code, said, _ = tell("run --model faulty-script --suite mini --trials 20")
    assert code == 1 and "unscored for a fault: faulty-script" in said


def test_a_model_that_cannot_run_stops_no_other(tell: Tell) -> None:
    code, said, error = tell("run --model ./none.gguf --model perfect-script --suite mini")
    assert code == 2 and "none.gguf" in error and "100.0 [44, 100]" in said


def test_trials_modes_and_repair_are_runs_of_their_own(told: Tell) -> None:
    for more in (
        "--trials 2",
        "--mode grammar",
        "--repair none",
        "--tools none",
        "--temperature 0.7",
        "--seed 3",
        "--prompt deck-2023",
        "--prompt react-placebo",
    ):
        code, _, error = told(f"run --model perfect-script --suite mini {more}")
        assert code == 0, error
    assert len(list(Path("runs").iterdir())) == 2 + 7, "more trials go on with the same run"


def read(text: str) -> Any:
    return json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("report --json", {"name", "accuracy", "accuracy_low", "wellformed", "gap", "unscored"}),
        ("report --details --json", {"errors", "categories", "rungs", "composability", "pass_at"}),
        ("score perfect-script --json", {"accuracy", "changed"}),
        ("compare perfect-script memory-script --json", {"comparisons", "ranking", "words"}),
        ("power --tasks 240 --json", {"tasks", "discordance", "smallest_difference"}),
        ("prompt check react --model perfect-script --json", {"prompt", "model", "sound"}),
        ("models --json", {"name", "params", "bits", "engine"}),
        ("tasks --json", {"name", "tasks", "hash", "world"}),
    ],
)
def test_what_programs_read_is_json(line: str, keys: set[str], told: Tell) -> None:
    Path("tasks").mkdir()
    shutil.copy("mini/tasks.jsonl", "tasks/short.jsonl")
    code, said, error = told(line)
    assert code == 0 and not error
    found = read(said)
    rows = found if isinstance(found, list) else [found]
    assert rows and all(keys <= set(row) for row in rows)


def test_the_run_itself_can_print_json(tell: Tell) -> None:
    code, said, _ = tell("run --model perfect-script --suite mini --json")
    assert code == 0 and [row["accuracy"] for row in json.loads(said)] == [1.0]


def test_the_report_has_a_line_a_model(told: Tell) -> None:
    code, said, _ = told("report")
    assert code == 0
    assert re.search(r"perfect-script +0.31M", said) and re.search(r"memory-script +0.9M", said)
    code, said, _ = told(f"report {run_folder('perfect')} --details")
    assert code == 0 and "ladder" in said and "arithmetic" in said and "memory-script" not in said


def test_a_chart_a_viewer_and_one_episode(told: Tell, home: Path) -> None:
    assert told("plot -o chart.png -o chart.svg")[0] == 0
    assert (home / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert (home / "chart.svg").read_text("utf-8").startswith("<?xml")
    assert told("plot -o chart.gif")[0] == 2
    run = run_folder("perfect")
    assert told(f"view {run} -o trace.html")[0] == 0
    assert "Pell Ansa" in (home / "trace.html").read_text("utf-8")
    code, said, _ = told(f"show {run} mayor")
    assert code == 0 and "Action: wikipedia: Oru" in said and "right" in said
    code, _, error = told(f"show {run} mayer")
    assert code == 2 and "did you mean mayor?" in error


def test_a_comparison_and_its_words(told: Tell) -> None:
    code, said, _ = told("compare perfect-script memory-script")
    assert code == 0 and "cannot tell them apart" in said and "can show" in said


# --- prompts and suites -----------------------------------------------------------------


def test_prompts_are_listed_and_shown_as_models_read_them(tell: Tell) -> None:
    code, said, _ = tell("prompt")
    assert code == 0 and {"react", "react-ja", "react-placebo", "deck-2023", "closed-book"} <= {
        line.split()[0] for line in said.splitlines()
    }
    code, said, _ = tell("prompt react")
    assert code == 0 and "{tools}" not in said and "sha256 " in said and "calculate: " in said


def test_shipped_prompts_are_sound_by_themselves(tell: Tell) -> None:
    code, said, _ = tell("prompt check")
    assert code == 0 and said.count("well-formed and true") == said.count("\n")


def test_a_model_is_asked_a_prompt_s_own_examples(tell: Tell) -> None:
    code, said, _ = tell("prompt check react --model perfect-script")
    assert code == 0 and "perfect-script: 4 of 4 examples reproduced" in said
    assert "3 of 3 moves: Who wrote the play" in said
    code, said, _ = tell("prompt check react --model memory-script")
    assert code == 1 and "memory-script: 0 of 4" in said
    assert "0 of 2 moves: What is 17.5 * 36 - 12?; then Answer: 1900" in said
    assert tell("prompt check deck-2023 --model perfect-script")[0] == 0


BROKEN = """+++
tools = ["calculate", "wikipedia"]
stop = ["Observation:"]
+++
Question: What is 2 + 2?
Thought: I add.
Action: calculate: 2 + 2
Observation: 5
Thought:
Answer: 5

Question: {question}
Thought:"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BROKEN, "example 1: calculate: 2 + 2 gives 4, not 5"),
        (BROKEN, "example 1: not well-formed itself: missing_thought"),
        (BROKEN, "no example of the tool wikipedia"),
        (BROKEN.replace("Thought:\nAnswer: 5\n", ""), "example 1: it does not end in an answer"),
        (BROKEN.replace("{question}", "Why?"), "there is no {question} in it"),
        ("Question: {question}\nThought:", "no worked example"),
    ],
)
def test_what_is_wrong_with_a_prompt_is_said(text: str, problem: str, tell: Tell) -> None:
    Path("mine.txt").write_text(text)
    code, said, _ = tell("prompt check mine.txt")
    assert code == 1 and problem in said


def test_the_placebo_says_nothing_and_is_as_long() -> None:
    texts = [
        (ROOT / "harness" / "prompts" / f"{name}.txt").read_text("utf-8").split("\n")
        for name in ("react", "react-placebo")
    ]
    pairs = [(a, b) for a, b in zip(*texts, strict=True) if a != b]
    title, *thoughts = pairs
    assert title[0].startswith("title") and len(thoughts) == 9
    for real, filler in thoughts:
        assert real.startswith("Thought: ") and filler.startswith("Thought: ")
        assert abs(len(real) - len(filler)) <= 12
    assert len({filler for _, filler in thoughts}) <= 4, "fixed sentences"
    assert abs(sum(len(a) - len(b) for a, b in thoughts)) <= 30


def test_a_suite_is_checked(tell: Tell, home: Path) -> None:
    code, said, _ = tell("tasks check mini")
    assert code == 0 and "3 tasks, 0 problems" in said
    with (home / "mini" / "tasks.jsonl").open("a") as file:
        file.write('{"id": "x"}\n')
    code, _, error = tell("tasks check mini")
    assert code == 2 and "tasks.jsonl:4" in error


# --- as a program among others ----------------------------------------------------------


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m harness run --help | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode in (0, 120, 141) and "Traceback" not in done.stderr


def test_a_table_in_a_pipe_is_never_cut(told: Tell) -> None:
    _, said, _ = told("report")
    (heads,) = [line for line in said.splitlines() if line.startswith("model ")]
    for head in ("right [95 %]", "strict", "repaired", "gap", "ladder", "tok/s", "memory"):
        assert head in heads
