"""Tapes: a live run said again word for word, and nothing on them that is no answer."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import prompts
from harness.run.plan import Extras, RunPlan, equip
from harness.run.session import open_session
from harness.suites import tasks
from harness.tools import WORDING, Toolbox
from harness.types import (
    Article,
    Episode,
    GoldAction,
    Hit,
    Model,
    Observation,
    Suite,
    Target,
    Task,
    ToolUnavailable,
    UserError,
    WorldSpec,
)
from harness.worlds.faults import Faults
from harness.worlds.none import NoWorld
from harness.worlds.recorded import (
    Entry,
    RecordedWorld,
    Recorder,
    merge_tapes,
    parse_entry,
    read_tape,
    write_tape,
)
from tests import fake_wiki
from tests.fake_wiki import FakeWiki

ENTRY = Entry(
    "wikipedia",
    "Oru",
    "live:x",
    WORDING,
    "ok",
    "Oru is a town.",
    "2026-01-01T00:00:00+00:00",
    {"url": "u"},
)


class Town(NoWorld):
    """One page, which reads otherwise every time; other titles fail."""

    id = "town"

    def __init__(self) -> None:
        self.asked = 0

    def article(self, title: str) -> Article | None:
        self.asked += 1
        if title == "Down":
            raise ToolUnavailable("throttled")
        return Article(title, f"Answer number {self.asked}.") if title != "Nowhere" else None

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        return [Hit("Oru", "Oru is a town.")]


def recording(path: Path, world: Town) -> Toolbox:
    return Toolbox(("wikipedia", "search", "calculate"), world, tape=Recorder(path, world, WORDING))


def replaying(path: Path) -> Toolbox:
    return Toolbox(("wikipedia", "search", "calculate"), RecordedWorld(path))


def test_what_was_answered_is_said_again(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    live = recording(tape, Town())
    asked = [
        ("wikipedia", "Oru"),
        ("wikipedia", "Nowhere"),
        ("search", "town"),
        ("wikipedia", " Oru "),
    ]
    said = [live.call(*question) for question in asked]
    again = replaying(tape)
    assert [(o.text, o.outcome) for o in said] == [
        (o.text, o.outcome) for o in (again.call(*q) for q in asked)
    ]


def test_a_question_has_one_answer_in_a_run(tmp_path: Path) -> None:
    world = Town()
    live = recording(tmp_path / "tape", world)
    assert (
        live.call("wikipedia", "Oru").text
        == live.call("wikipedia", "Oru").text
        == "Answer number 1."
    )
    assert recording(tmp_path / "tape", Town()).call("wikipedia", "Oru").text == "Answer number 1."
    assert world.asked == 1


def test_a_miss_is_its_own_outcome(tmp_path: Path) -> None:
    recording(tmp_path / "tape", Town()).call("wikipedia", "Oru")
    observation = replaying(tmp_path / "tape").call("wikipedia", "oru")
    assert observation.outcome == "not_on_tape" and "not on the tape" in observation.text


def test_arithmetic_needs_no_tape(tmp_path: Path) -> None:
    live = recording(tmp_path / "tape", Town())
    live.call("calculate", "1+1")
    assert read_tape(tmp_path / "tape")[0] == []
    live.call("wikipedia", "Oru")
    assert replaying(tmp_path / "tape").call("calculate", "2*3").text == "6"


def test_what_failed_is_never_recorded(tmp_path: Path) -> None:
    world = Town()
    tape = Recorder(tmp_path / "tape", world, WORDING)
    assert (
        Toolbox(("wikipedia",), world, tape=tape).call("wikipedia", "Down").outcome == "unavailable"
    )
    for kind in ("timeout", "429", "empty", "garbage"):
        box = Toolbox(("wikipedia",), world, tape=tape, fault=Faults(1.0, (kind,)))
        assert box.call("wikipedia", "Oru").outcome == "unavailable"
    assert read_tape(tmp_path / "tape") == ([], [])


def test_a_tape_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", "canary-0123456789")
    file = tmp_path / "mine.py"
    file.write_text(
        'import os\n\ndef spill(input):\n    """spill: x\n    Spills."""\n    return f"key {os.environ[\'SERVICE_API_KEY\']} https://u:pw-canary@h/"\n'
    )
    from harness.tools.own import load_tools

    world = Town()
    tape = Recorder(tmp_path / "tape", world, WORDING)
    box = Toolbox(("spill",), world, load_tools(str(file)), tape)
    assert box.call("spill", "x").text == "key *** https://***@h/"
    assert b"canary" not in (tmp_path / "tape").read_bytes()


# --- the file -----------------------------------------------------------------------------


@given(
    st.builds(Entry, st.text(), st.text(), st.text(), st.integers(0, 9), st.just("ok"), st.text())
)
def test_any_entry_survives_its_line(entry: Entry) -> None:
    line = entry.line()
    assert line.count(b"\n") == 1 and parse_entry(line) == entry


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_noticed(at: int, byte: int) -> None:
    line = bytearray(ENTRY.line()[:-1])
    at %= len(line)
    if line[at] == byte:
        return
    line[at] = byte
    with contextlib.suppress(ValueError, TypeError):
        assert parse_entry(bytes(line)) == ENTRY  # white space or a spelling of the same JSON


def test_a_line_says_where_an_answer_came_from(tmp_path: Path) -> None:
    write_tape([ENTRY], tmp_path / "tape")
    body = json.loads((tmp_path / "tape").read_bytes())
    assert body["source"] == {"url": "u"} and len(body["key"]) == 64
    other = replace(ENTRY, world="live:y")
    assert other.key != ENTRY.key != replace(ENTRY, input="oru").key


def test_every_cut_of_a_tape_is_recorded_on_further(tmp_path: Path) -> None:
    first, second = ENTRY.line(), replace(ENTRY, input="Two").line()
    for cut in range(len(first), len(first + second), 7):
        tape = tmp_path / "tape"
        tape.write_bytes((first + second)[:cut])
        world = Town()
        recording(tape, world).call("wikipedia", "Three")
        entries, problems = read_tape(tape)
        assert [e.input for e in entries] == ["Oru", "Three"] and not problems


def test_a_damaged_tape_is_said_with_its_line(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    tape.write_bytes(ENTRY.line() + ENTRY.line().replace(b"town", b"city"))
    with pytest.raises(
        UserError, match=r"tape:2: not a line of a tape: its sum is wrong.*worlds tape check"
    ):
        RecordedWorld(tape)
    with pytest.raises(UserError, match="damaged"):
        Recorder(tape, Town(), WORDING)


@pytest.mark.parametrize(
    "line", [b"7", b"[]", b"{}", b"null", b"\xff\xfe", b'{"key": 1}', b"[" * 99999]
)
def test_no_line_breaks_the_reader(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "tape").write_bytes(line + b"\n")
    assert len(read_tape(tmp_path / "tape")[1]) == 1


def _write_some(path: Path, number: int) -> None:
    box = recording(path, Town())
    for i in range(20):
        box.call("wikipedia", f"Page {i if i % 2 else (number, i)}")


def test_many_writers_share_a_tape(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    context = multiprocessing.get_context("spawn")
    workers: list[threading.Thread | multiprocessing.process.BaseProcess] = [
        context.Process(target=_write_some, args=(tape, n)) for n in range(2)
    ]
    workers += [threading.Thread(target=_write_some, args=(tape, n)) for n in range(2, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    entries, problems = read_tape(tape)
    assert not problems and len(entries) == len({e.key for e in entries}) == 5 * 10 + 10


# --- another configuration ----------------------------------------------------------------


def test_a_tape_from_other_tools_is_refused(tmp_path: Path) -> None:
    write_tape([replace(ENTRY, wording=WORDING + 1)], tmp_path / "tape")
    with pytest.raises(UserError, match="word their answers otherwise"):
        replaying(tmp_path / "tape")
    write_tape([replace(ENTRY, tool="mine@abc")], tmp_path / "tape")
    with pytest.raises(UserError, match="another version of your tool 'mine'"):
        RecordedWorld(tmp_path / "tape").expect(WORDING, ["mine@def"])


def test_a_tape_holds_one_world(tmp_path: Path) -> None:
    write_tape([ENTRY, replace(ENTRY, world="live:y")], tmp_path / "tape")
    with pytest.raises(UserError, match=r"2 worlds: live:x; live:y; expected one: keep the lines"):
        RecordedWorld(tmp_path / "tape")


@pytest.mark.parametrize("data", [None, b""])
def test_no_tape_is_the_users_mistake(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "tape").write_bytes(data)
    with pytest.raises(UserError, match="--world live --record"):
        RecordedWorld(tmp_path / "tape")


def test_a_tape_that_changed_is_not_the_one_of_the_run(tmp_path: Path) -> None:
    write_tape([ENTRY], tmp_path / "tape")
    sha256 = RecordedWorld(tmp_path / "tape").sha256
    write_tape([ENTRY, replace(ENTRY, input="More")], tmp_path / "tape")
    with pytest.raises(UserError, match="was changed"):
        RecordedWorld(tmp_path / "tape", sha256)


def test_merging_keeps_first_answers_and_names_the_others() -> None:
    later = replace(ENTRY, text="Oru was a town.")
    new = replace(ENTRY, input="Two")
    assert merge_tapes([[ENTRY], [later, new, ENTRY]]) == ([ENTRY, new], [later])


# --- a whole run --------------------------------------------------------------------------

LIVE_TASKS = (
    Task(
        "capital",
        "What is the capital of Varland?",
        Target("string", ("Orrin",)),
        "lookup",
        gold_actions=(GoldAction("wikipedia", ("Varland",), observation_contains="Orrin"),),
    ),
    Task(
        "lake",
        "How long is the lake where perch live, in km, times two?",
        Target("number", ("25",)),
        "multi",
        gold_actions=(
            GoldAction("search", ("Perch",), observation_contains="Sennet"),
            GoldAction("wikipedia", ("Sennet",), observation_contains="12.5"),
            GoldAction("calculate", expr="12.5 * 2", observation_contains="25"),
        ),
    ),
    Task(
        "gull",
        "Who built the ship Gull?",
        Target("abstain"),
        "unanswerable",
        gold_actions=(GoldAction("wikipedia", ("Gull",), observation_contains="No article"),),
    ),
)


@pytest.fixture
def wiki() -> Iterator[FakeWiki]:
    with fake_wiki.running() as server:
        yield server


def run_on(spec: WorldSpec, folder: Path, extras: Extras = Extras()) -> list[Episode]:
    path = folder / "tasks.jsonl"
    path.write_text("".join(tasks.dump_task(task) + "\n" for task in LIVE_TASKS))
    suite: Suite = tasks.load_suite(str(path))
    prompt, spec = equip(prompts.load_prompt("react"), spec, extras)
    plan = RunPlan(Model("perfect", "scripted", "perfect"), suite, prompt, spec, extras=extras)
    session = open_session(plan, folder / "runs", fresh=True)
    events = [event for event in session.events() if isinstance(event, Episode)]
    return sorted(events, key=lambda episode: episode.task_id)


def timeless(episode: Episode) -> Episode:
    steps = tuple(
        replace(
            step,
            completion=replace(step.completion, seconds=0.0),
            observation=step.observation
            and Observation(step.observation.text, step.observation.outcome),
        )
        for step in episode.steps
    )
    return replace(episode, seconds=0.0, steps=steps)


def live_then_replayed(api: str, folder: Path) -> None:
    """One suite run live and taped, then twice from the tape: identical episodes."""
    tape = folder / "tape.jsonl"
    live = run_on(WorldSpec("live", f"{api},search=wiki"), folder, Extras(tape=str(tape)))
    assert [episode.status for episode in live] == ["answered"] * 3
    sources = [
        entry.source.get("title") for entry in read_tape(tape)[0] if entry.tool == "wikipedia"
    ]
    assert sorted(map(str, sources)) == ["None", "Sennet", "Varland"]
    for _ in range(2):
        replayed = run_on(WorldSpec("recorded", str(tape)), folder)
        assert [timeless(e) for e in replayed] == [timeless(e) for e in live]


def test_a_live_run_is_repeated_without_the_wiki(wiki: FakeWiki, tmp_path: Path) -> None:
    pytest.importorskip("wikipedia")
    live_then_replayed(wiki.api, tmp_path)
