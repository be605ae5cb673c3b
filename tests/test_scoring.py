"""Scores of whole episodes: what a model gets credit for, and what is nobody's fault."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol import Protocol
from harness.scoring.episodes import score_episode, unscored
from harness.scoring.records import RUNGS, EpisodeScore
from harness.scoring.statistics import wilson
from harness.scoring.summary import summarise
from harness.types import (
    Completion,
    Episode,
    Finish,
    GoldAction,
    Observation,
    Outcome,
    Status,
    Step,
    Target,
    Task,
)

TOOLS = ("calculate", "wikipedia", "search")
PROTOCOL = Protocol(TOOLS)

SUM = Task(
    "sum",
    "What is 12 * 12?",
    Target("number", ("144",)),
    "arithmetic",
    gold_actions=(GoldAction("calculate", expr="12 * 12", observation_contains="144"),),
)
TRAM = Task(
    "tram",
    "When did the town where Ilse Varn was born get a tram?",
    Target("number", ("1911",)),
    "multi_hop",
    gold_actions=(
        GoldAction("wikipedia", ("Ilse Varn",), observation_contains="Port Almeric"),
        GoldAction("wikipedia", ("Port Almeric",), observation_contains="1911"),
    ),
)
ECHO = Task("echo", "Say blue.", Target("string", ("blue",)), "no_tool")
NOBODY = Task(
    "nobody",
    "Who built the Gull?",
    Target("abstain"),
    "unanswerable",
    gold_actions=(GoldAction("wikipedia", ("Gull",)),),
)

BIRTH = Observation("Ilse Varn was born in Port Almeric.")
TOWN = Observation("Port Almeric opened its first tram in 1911.")


def act(
    text: str, seen: str | Observation = "", outcome: Outcome = "ok"
) -> tuple[str, Observation]:
    observation = seen if isinstance(seen, Observation) else Observation(seen, outcome)
    return f" I look.\nAction: {text}\n", observation


def say(text: str) -> tuple[str, None]:
    return f" I know.\nAnswer: {text}", None


def episode(
    task: Task, *turns: tuple[str, Observation | None], status: Status = "answered", trial: int = 0
) -> Episode:
    return Episode(task.id, trial, status, tuple(_step(*turn) for turn in turns), seconds=1.0)


def _step(text: str, observation: Observation | None, finish: Finish = "stop") -> Step:
    completion = Completion(text, finish, stop="Observation:" if observation else "", tokens=7)
    return Step(completion, PROTOCOL.read(completion), observation)


def score(
    task: Task, *turns: tuple[str, Observation | None], status: Status = "answered", trial: int = 0
) -> EpisodeScore:
    return score_episode(task, episode(task, *turns, status=status, trial=trial), PROTOCOL)


# --- the ladder -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turns", "status", "rung"),
    [
        ([("no idea", None)], "unreadable", "(nothing)"),
        ([act("search: tram", "nothing", "not_found")], "step_limit", "parsed"),
        ([act("wikipedia: Oslo", "Oslo is a city.")], "step_limit", "right_tool"),
        ([act("wikipedia: Ilse Varn", BIRTH)], "step_limit", "right_input"),
        (
            [act("wikipedia: Ilse Varn", BIRTH), act("wikipedia: Port Almeric", TOWN)],
            "step_limit",
            "evidence",
        ),
        ([act("wikipedia: Port Almeric", TOWN), say("1912")], "answered", "evidence"),
        (
            [act("wikipedia: Ilse Varn", BIRTH), act("wikipedia: Port Almeric", TOWN), say("1911")],
            "answered",
            "answer",
        ),
        ([say("1911")], "answered", "parsed"),
    ],
)
def test_an_episode_climbs_the_ladder_in_order(
    turns: list[tuple[str, Observation | None]], status: Status, rung: str
) -> None:
    assert ("(nothing)", *RUNGS)[score(TRAM, *turns, status=status).rung] == rung


def test_a_right_answer_from_memory_is_right_but_low_on_the_ladder() -> None:
    result = score(TRAM, say("1911"))
    assert (result.correct, result.rung, result.underuse, result.hops_right) == (True, 1, 2, 0)


def test_another_input_that_brings_the_same_evidence_is_right() -> None:
    assert (
        score(TRAM, act("wikipedia: Ilse Varn (painter)", BIRTH), status="step_limit").hops_right
        == 1
    )


def test_a_calculation_counts_by_value_not_by_spelling() -> None:
    assert score(SUM, act("calculate: 72 + 72", "144"), say("144")).rung == 5
    assert score(SUM, act("calculate: 12 * 12.0", "144.0"), say("144")).rung == 5
    assert score(SUM, act("calculate: 12 * 120", "1440"), say("144")).rung == 2


def test_a_quotient_that_the_suite_states_cut_off_is_seen_in_the_whole() -> None:
    cut = GoldAction("calculate", expr="44899 / 6016", observation_contains="7.4")
    ratio = replace(SUM, answer=Target("number", ("7.5",), abs_tol="0.05"), gold_actions=(cut,))
    assert score(ratio, act("calculate: 44899 / 6016", "7.46326462766"), say("7.5")).rung == 5
    assert score(ratio, act("calculate: 44899 / 601", "74.7071547421"), say("7.5")).rung == 2


def test_a_task_that_needs_no_tool_asks_for_an_answer_only() -> None:
    assert score(ECHO, say("blue")).rung == 5
    assert score(ECHO, say("red")).rung == 4
    looked = score(ECHO, act("search: blue", "Blue is a colour."), say("blue"))
    assert (looked.correct, looked.tool_calls, looked.overuse, looked.underuse) == (True, 1, 1, 0)
    asked = score(SUM, act("calculate: 12 * 12", "144"), say("144"))
    assert (asked.tool_calls, asked.overuse, asked.underuse) == (1, 0, 0)


def test_looking_and_finding_nothing_is_evidence_for_abstaining() -> None:
    found_nothing = act("wikipedia: Gull", "No article.", "not_found")
    assert score(NOBODY, found_nothing, say("unknown")).rung == 5
    assert not score(NOBODY, found_nothing, say("Ansa")).lenient
    assert not score(NOBODY, found_nothing, say("")).lenient


# --- steps ------------------------------------------------------------------------------


def test_only_the_surroundings_show_some_errors() -> None:
    result = score(
        SUM,
        act("calculate: twelve", "Error", "bad_argument"),
        act("calculate: 12 * 12", "144"),
        act("calculate: 12  *  12.", "144"),
        status="step_limit",
    )
    assert [step.errors for step in result.steps] == [("bad_argument",), (), ("repeated_action",)]
    assert [step.strict for step in result.steps] == [False, True, True]
    assert all(step.readable for step in result.steps)


LOOSE = Observation("144", repairs=("math_signs", "equals"))


def test_an_argument_that_the_tool_mended_is_readable_and_not_strict() -> None:
    turns = act("calculate: 12 × 12 =", LOOSE), say("144")
    result = score(SUM, *turns)
    assert (result.correct, result.correct_strict, result.rung) == (True, False, 5)
    assert [(step.strict, step.readable) for step in result.steps] == [(False, True), (True, True)]
    assert result.steps[0].errors == ("loose_argument",)
    assert result.steps[0].repairs == ("math_signs", "equals")


def test_without_repairs_it_is_what_the_tool_could_not_read() -> None:
    record = episode(SUM, act("calculate: 12 × 12 =", LOOSE), say("144"))
    result = score_episode(SUM, record, Protocol(TOOLS, repair=False))
    assert result.steps[0].errors == ("bad_argument",) and result.steps[0].repairs == ()
    assert result.rung == 2  # nobody would have seen 144


@pytest.mark.parametrize(
    ("turns", "met", "recovered"),
    [
        ([act("calculate: twelve", "E", "bad_argument"), act("calculate: 12", "12")], 1, 1),
        ([act("calculate: twelve", "E", "bad_argument"), act("calculate: 12²", LOOSE)], 1, 1),
        ([act("calculate: twelve", "E", "bad_argument"), act("search: twelve", "12")], 1, 0),
        ([act("calculate: twelve", "E", "bad_argument"), say("144")], 1, 0),
        ([act("calculate: a", "E", "bad_argument")] * 3, 2, 0),  # nothing comes after the third
        ([act("bing: a", "E", "unknown_tool"), act("search: a", "No", "not_found")], 1, 1),
        ([act("bing: a", "E", "unknown_tool"), say("144")], 1, 0),
        ([("Hm.", Observation("E", "unreadable")), say("144")], 1, 1),
        ([("Hm.", Observation("E", "unreadable")), act("search: a", "A")], 1, 1),
        ([("Hm.", Observation("E", "unreadable")), ("Hm.", None)], 1, 0),
        ([act("search: a", "No", "not_found"), say("144")], 0, 0),
    ],
)
def test_an_error_is_recovered_from_when_the_next_step_puts_it_right(
    turns: list[tuple[str, Observation | None]], met: int, recovered: int
) -> None:
    result = score(SUM, *turns, status="step_limit")
    assert (result.errors_met, result.recovered) == (met, recovered)
    rate = summarise([result]).recovered
    assert (rate.hits, rate.n) == (recovered, met)


def test_a_repaired_step_makes_the_answer_right_but_not_strictly() -> None:
    turns = (
        act("**wikipedia**: Ilse Varn", BIRTH),
        act("wikipedia: Port Almeric", TOWN),
        say("1911"),
    )
    result = score(TRAM, *turns)
    assert result.correct and not result.correct_strict
    assert [(step.strict, step.readable) for step in result.steps] == [
        (False, True),
        (True, True),
        (True, True),
    ]
    without = score_episode(TRAM, episode(TRAM, *turns), Protocol(TOOLS, repair=False))
    assert without.hops_right == 1 and without.tool_calls == 1 and not without.steps[0].readable


# --- an old run under new rules ---------------------------------------------------------


def test_an_answer_counts_only_as_it_reads_today() -> None:
    spoilt = replace(episode(ECHO, ("Action: Answer", None)), answer="blue")
    result = score_episode(ECHO, spoilt, PROTOCOL)
    assert (result.status, result.correct) == ("unreadable", False)


def test_what_follows_an_answer_is_left_out() -> None:
    result = score(ECHO, say("blue"), act("search: red", "Red is a colour."), status="step_limit")
    assert (result.status, result.correct, result.tool_calls, len(result.steps)) == (
        "answered",
        True,
        0,
        1,
    )


def test_an_observation_belongs_to_the_call_that_it_answered() -> None:
    old = episode(TRAM, act("wikipedia: Port Almeric", TOWN), status="step_limit")
    misread = replace(
        old.steps[0], parsed=PROTOCOL.read(Completion(" I look.\nAction: search: tram", "stop"))
    )
    before = score_episode(TRAM, old, PROTOCOL)
    after = score_episode(TRAM, replace(old, steps=(misread,)), PROTOCOL)
    assert (RUNGS[before.rung - 1], RUNGS[after.rung - 1]) == ("evidence", "right_input")


def test_a_probe_is_scored_on_tool_and_input_without_carrying_anything_out() -> None:
    probe = score(TRAM, (" I look.\nAction: wikipedia: Ilse Varn", None), status="step_limit")
    assert (RUNGS[probe.rung - 1], probe.hops_right, probe.tool_calls) == ("right_input", 1, 1)


# --- faults -----------------------------------------------------------------------------


def test_faults_of_the_world_the_engine_and_the_harness_are_not_the_models() -> None:
    down = score(
        TRAM, act("wikipedia: Ilse Varn", "no network", "unavailable"), status="tool_unavailable"
    )
    tape = score(TRAM, act("wikipedia: Ilse Varn", "", "not_on_tape"), status="step_limit")
    broken = Episode("tram", 0, "engine_error", (_step("half a wo", None, "error"),))
    crashed = score_episode(TRAM, broken, PROTOCOL)
    never = score_episode(TRAM, Episode("tram", 0, "time_limit", ()), PROTOCOL)
    assert [s.fault for s in (down, tape, crashed, never, unscored(TRAM))] == [
        "tool",
        "tool",
        "engine",
        "harness",
        "harness",
    ]
    assert crashed.steps == ()  # what an engine cut off is no malformed step
    summary = summarise([down, tape, crashed, never, score(ECHO, say("blue"))])
    assert (summary.episodes, summary.unscored) == (1, {"tool": 2, "engine": 1, "harness": 1})
    assert summary.correct.value == 1


@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.sampled_from(["ok", "not_found", "unreadable", None]))
    )
)
def test_any_episode_gets_a_score(turns: list[tuple[str, Outcome | None]]) -> None:
    steps = tuple(
        _step(text, Observation("x", outcome) if outcome else None) for text, outcome in turns
    )
    for task in (SUM, TRAM, ECHO, NOBODY):
        result = score_episode(task, Episode(task.id, 0, "step_limit", steps), PROTOCOL)
        assert 0 <= result.rung <= 5 and len(result.steps) <= len(steps)
        assert result.lenient or not result.correct


# --- summaries --------------------------------------------------------------------------


def many(task: Task, right: int, of: int) -> list[EpisodeScore]:
    good, bad = score(task, say("blue")), score(task, say("red"))
    return [
        replace(good if i < right else bad, task_id=f"t{i}", cluster=f"t{i}") for i in range(of)
    ]


def test_accuracy_of_independent_tasks_has_the_wilson_interval() -> None:
    summary = summarise(many(ECHO, 30, 100))
    assert (summary.correct.low, summary.correct.high) == pytest.approx(wilson(30, 100), abs=1e-12)
    assert summary.correct.value == 0.3 and summary.tasks == 100


def test_twins_and_trials_are_not_counted_as_independent() -> None:
    once = many(ECHO, 30, 100)
    thrice = [replace(s, trial=i) for s in once for i in range(3)]
    one, three = summarise(once), summarise(thrice)
    assert three.episodes == 300 and three.tasks == 100
    assert three.correct.high - three.correct.low == pytest.approx(
        one.correct.high - one.correct.low, rel=0.02
    )


def test_trials_give_pass_at_k_and_pass_all_k() -> None:
    right = score(ECHO, say("blue"))
    wrong = score(ECHO, say("red"))
    trials = [replace(right if i < 2 else wrong, trial=i) for i in range(4)]
    summary = summarise(trials)
    assert summary.trials == 4
    assert [summary.pass_at[k].value for k in (1, 2, 3)] == pytest.approx([1 / 2, 5 / 6, 1.0])
    assert [summary.pass_all[k].value for k in (1, 2, 3)] == pytest.approx([1 / 2, 1 / 6, 0.0])


def test_a_summary_counts_errors_hops_and_the_composability_gap() -> None:
    path = act("wikipedia: Ilse Varn", BIRTH), act("wikipedia: Port Almeric", TOWN)
    summary = summarise(
        [
            score(TRAM, *path, say("1911")),
            score(TRAM, *path, say("1912"), trial=1),
            score(
                TRAM,
                path[0],
                ("What now", Observation("Error", "unreadable")),
                status="step_limit",
                trial=2,
            ),
        ]
    )
    assert summary.hops.value == 5 / 6
    assert (summary.composability_gap.hits, summary.composability_gap.n) == (1, 2)
    assert summary.errors == {"missing_action": 1}
    assert summary.steps_strict.value == 7 / 8 and summary.step_gap == 0
    assert [round(rate.value, 2) for rate in summary.rungs.values()] == [1, 1, 1, 0.67, 0.33]
    assert summary.mean_rung == 4


def test_a_summary_shows_who_abstains_where() -> None:
    abstention = summarise(
        [
            score(NOBODY, say("unknown")),
            score(NOBODY, say("Pell Ansa"), trial=1),
            score(NOBODY, ("...", None), status="unreadable", trial=2),
            score(ECHO, say("I don't know")),
            score(ECHO, say("blue"), trial=1),
        ]
    ).abstention
    assert (abstention.rightly, abstention.asserted, abstention.silent) == (1, 1, 1)
    assert (abstention.wrongly, abstention.answerable) == (1, 2)
    assert abstention.recall.value == 1 / 3


def test_an_empty_run_has_rates_over_nothing() -> None:
    summary = summarise([])
    assert (summary.correct.n, summary.correct.low, summary.correct.high) == (0, 0, 1)
    assert str(summary.correct) == "-" and summary.pass_at == {}
