"""What a completion is read as: the form, real models' habits, and texts nobody would write."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_protocol import mutated
from harness.common.thinking import without_thinking
from harness.protocol import DIALECTS, ERRORS, REPAIRS, Dialect, Labels, Protocol, observation_line
from harness.types import Action, Answer, Completion, Finish, Move, Parsed, UserError

TOOLS = ("calculate", "wikipedia", "google_search")
JAPAN = Action("wikipedia", "Japan")
SET_BY_SCORING = {"bad_argument", "repeated_action"}


def read(
    text: str,
    dialect: str | Dialect = "colon",
    finish: Finish = "stop",
    stop: str = "",
    repair: bool = True,
) -> Parsed:
    return Protocol(TOOLS, dialect, repair).read(Completion(text, finish, stop))


# --- the form ---------------------------------------------------------------------------

STRICT: list[tuple[str, str, str, Move]] = [
    ("colon", " I look it up.\nAction: wikipedia: Japan\n", "Observation:", JAPAN),
    ("colon", " I look it up.\n\nAction: wikipedia: Japan\n\n", "Observation:", JAPAN),
    ("colon", "Thought: I look it up.\nAction: wikipedia: Japan", "", JAPAN),
    ("colon", " I think.\nI look it up.\nAction: wikipedia: Japan\nObservation:", "", JAPAN),
    ("colon", " Now the Action: I look it up.\nAction: wikipedia: Japan\n", "", JAPAN),
    ("colon", " I look.\nAction: wikipedia: Dr. No.\n", "", Action("wikipedia", "Dr. No.")),
    (
        "colon",
        " I look.\nAction: wikipedia: Alien: Covenant",
        "",
        Action("wikipedia", "Alien: Covenant"),
    ),
    (
        "colon",
        ' I seek.\nAction: google_search: "a" or "b"',
        "",
        Action("google_search", '"a" or "b"'),
    ),
    (
        "colon",
        " I add.\nAction: calculate: (3 + 4) * -2\n",
        "",
        Action("calculate", "(3 + 4) * -2"),
    ),
    ("colon", " I know.\nAnswer: Tokyo\n", "\nQuestion:", Answer("Tokyo")),
    ("colon", " I know.\nAnswer: Alien: Covenant", "", Answer("Alien: Covenant")),
    (
        "bracket",
        " I look.\nAction 1: Wikipedia[Creed (band)]\n",
        "\nObservation",
        Action("wikipedia", "Creed (band)"),
    ),
    ("bracket", "Thought 2: I look.\nAction 2: wikipedia[Japan]\nObservation 2:", "", JAPAN),
    ("bracket", " I look.\nAction 1: Wikipedia [Japan]", "", JAPAN),
    ("bracket", " I know.\nAction 3: Finish[1,800 [ft]]\n", "\nQuestion:", Answer("1,800 [ft]")),
    ("two_line", " I look.\nAction: wikipedia\nAction Input: Japan\n", "Observation:", JAPAN),
    (
        "two_line",
        ' I add.\nAction: calculate\nAction Input: {"a": [1, 2]}\n',
        "",
        Action("calculate", '{"a": [1, 2]}'),
    ),
    ("two_line", " I know.\nFinal Answer: Tokyo", "", Answer("Tokyo")),
    ("deck", " I look.\nAnswer: wikipedia: Japan", "", JAPAN),
    ("colon-ja", " 調べる。\n行動: wikipedia: 日本\n", "観察:", Action("wikipedia", "日本")),
]


@pytest.mark.parametrize(("dialect", "text", "stop", "move"), STRICT)
def test_the_form_has_no_errors(dialect: str, text: str, stop: str, move: Move) -> None:
    parsed = read(text, dialect, stop=stop)
    assert (parsed.move, parsed.errors, parsed.repairs) == (move, (), ())
    assert parsed.thought
    assert read(text, dialect, stop=stop, repair=False) == parsed


def test_a_prompt_may_bring_its_own_labels() -> None:
    german = Dialect(
        "german", "colon", Labels("Gedanke", "Aktion", "Eingabe", "Antwort", "Beobachtung", "Frage")
    )
    text = " Ich suche.\nAktion: wikipedia: Japan\n"
    assert read(text, german).errors == ()
    assert read(text).move is None
    assert '"Aktion: tool: input"' in german.notice


def test_an_unknown_dialect_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match=r"'colan'.*did you mean colon"):
        read("x", "colan")


def test_the_notice_after_an_unreadable_step_is_fixed() -> None:
    colon = 'Error: write one line "Action: tool: input" or "Answer: text".'
    assert DIALECTS["colon"].notice == colon
    notices = {dialect.notice for dialect in DIALECTS.values()}
    assert len(notices) == len(DIALECTS)
    assert all(observation_line(notice, 0) == notice for notice in notices)


# --- the closed lists -------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(set(ERRORS) - SET_BY_SCORING))
def test_every_code_is_reached_by_its_example(code: str) -> None:
    finish: Finish = "length" if code == "truncated" else "stop"
    parsed = read(ERRORS[code].example, finish=finish)
    assert code in parsed.errors
    repair = ERRORS[code].repair
    if repair and parsed.move:
        assert repair in parsed.repairs
    assert read(ERRORS[code].example, finish=finish, repair=False).move is None


def test_every_repair_mends_some_error_and_the_other_way_round() -> None:
    assert {flaw.repair for flaw in ERRORS.values() if flaw.repair} == set(REPAIRS)


def test_the_documentation_shows_the_same_lists() -> None:
    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    for code, flaw in ERRORS.items():
        example = (
            flaw.example.encode("unicode_escape").decode() if "\r" in flaw.example else flaw.example
        )
        shown = example.replace("\n", "⏎").strip()
        assert f"| `{code}` | {flaw.meaning} | ``{shown}`` | {flaw.repair or '–'} |" in page
    for name, meaning in REPAIRS.items():
        assert f"| `{name}` | {meaning} |" in page
    for heading, names in (("What can be wrong", ERRORS), ("How it is repaired", REPAIRS)):
        section = page.partition(f"\n### {heading}\n")[2].partition("\n#")[0]
        assert section.count("\n| `") == len(names)


# --- habits of real models --------------------------------------------------------------

HABITS: list[tuple[str, Move | None, set[str]]] = [
    (
        "I look.\nAction: google\\_search: Japan",
        Action("google_search", "Japan"),
        {"escaped_markdown"},
    ),
    ("I add.\nAction: calculate: 3 \\* 4", Action("calculate", "3 * 4"), {"escaped_markdown"}),
    ("I look.\nAction：wikipedia：Japan", JAPAN, {"fullwidth_punctuation"}),
    ("I look.\n**Action:** wikipedia: Japan", JAPAN, {"decorated"}),
    ("I look.\n**Action: wikipedia: Japan**", JAPAN, {"decorated"}),
    ("I look.\n- Action: `wikipedia`: `Japan`", JAPAN, {"decorated"}),
    ("I look.\n1. Action: wikipedia: Japan", JAPAN, {"decorated"}),
    ("I look.\n🔎 Action: wikipedia: Japan", JAPAN, {"decorated"}),
    ("I look.\n  > Action: wikipedia: Japan", JAPAN, {"decorated"}),
    ("I look.\n```\nAction: wikipedia: Japan\n```", JAPAN, {"code_fence"}),
    ("I look.\nAction 1: wikipedia: Japan", JAPAN, {"wrong_label"}),
    ("I look.\nACTION: wikipedia: Japan", JAPAN, {"wrong_label"}),
    ("I look.\nTool: wikipedia: Japan", JAPAN, {"wrong_label"}),
    ("I look.\nAction: wikipedia[Japan]", JAPAN, {"wrong_dialect"}),
    ("I look.\nAction: wikipedia Japan", JAPAN, {"wrong_dialect"}),
    ("I look.\nAction: wikipedia - Japan", JAPAN, {"wrong_dialect"}),
    ('I look.\nAction: wikipedia(title="Japan")', JAPAN, {"wrong_dialect", "quoted_input"}),
    ("I look.\nAction: wikipedia\nAction Input: Japan", JAPAN, {"wrong_dialect"}),
    ('I look.\nAction: {"name": "wikipedia", "arguments": {"q": "Japan"}}', JAPAN, {"json_action"}),
    ('I look.\nAction: wikipedia: {"title": "Japan"}', JAPAN, {"json_action"}),
    (
        'I look.\nAction:\n```json\n{"action": "wikipedia",\n"action_input": "Japan"}\n```',
        JAPAN,
        {"json_action", "code_fence"},
    ),
    (
        'I look.\n<tool_call>\n{"name": "wikipedia", "arguments": {"q": "Japan"}}\n</tool_call>',
        JAPAN,
        {"json_action", "missing_label", "decorated"},
    ),
    ('I look.\nAction: wikipedia: "Japan"', JAPAN, {"quoted_input"}),
    ("I look.\nAction: wikipedia: 「日本」", Action("wikipedia", "日本"), {"quoted_input"}),
    ("I look.\nAction: Google Search: Japan", Action("google_search", "Japan"), {"misspelt_tool"}),
    ("I look.\nAction: [wikipedia: Japan]", JAPAN, {"decorated"}),
    ("I look.\r\nAction: wikipedia: Japan\r\n", JAPAN, {"invisible_characters"}),
    ("I look.\nAction: wiki\u200bpedia: Japan", JAPAN, {"invisible_characters"}),
    (
        "調べる。\n行動：wikipedia：日本\n観察：",
        Action("wikipedia", "日本"),
        {"wrong_label", "fullwidth_punctuation"},
    ),
    ("わかった。\n回答: 東京", Answer("東京"), {"wrong_label"}),
    ("I look. Action: wikipedia: Japan", JAPAN, {"inline_label"}),
    ("I look it up.Action: wikipedia: Japan", JAPAN, {"inline_label"}),
    (
        "I look.\nAction: wikipedia: Japan Observation: It is a country.",
        JAPAN,
        {"inline_label", "wrote_observation"},
    ),
    (
        "I look. Action: wikipedia: Japan Question: And then?",
        JAPAN,
        {"inline_label", "wrote_question"},
    ),
    ("I look.\nAction: Action: wikipedia: Japan", JAPAN, {"wrong_label"}),
    ("I look.\nAction:\nwikipedia: Japan", JAPAN, {"line_breaks"}),
    ("I look.\nAction: wikipedia: Japan\nPAUSE", JAPAN, {"trailing_text"}),
    (
        "I look.\nAction: wikipedia: Japan\nHuman: Observation: It is.\nAnswer: x",
        JAPAN,
        {"role_leak", "wrote_observation"},
    ),
    ("I look.\nAction: wikipedia: Japan<|im_end|>\n<|im_start|>user", JAPAN, {"role_leak"}),
    ("Assistant: I look.\nAction: wikipedia: Japan", JAPAN, {"role_leak"}),
    (
        "I know.\nAnswer: Tokyo\n\nQuestion: What is the capital of France?\nThought:",
        Answer("Tokyo"),
        {"wrote_question"},
    ),
    ("I know.\nFinal Answer: **Tokyo**", Answer("Tokyo"), {"wrong_label", "decorated"}),
    ("I know.\nAnswer:\nTokyo", Answer("Tokyo"), {"line_breaks"}),
    ("I know.\nAnswer: Tokyo\nThought: I am done.", Answer("Tokyo"), {"trailing_text"}),
    ("I know.\nAction: Finish[Tokyo]", Answer("Tokyo"), {"wrong_dialect"}),
    ("I know.\nAction: None\nAnswer: Tokyo", Answer("Tokyo"), {"null_action"}),
    ("I know.\nAction: nothing more to look up\nAnswer: Tokyo", None, {"malformed_action"}),
    ("I look.\nAnswer: wikipedia: Japan", JAPAN, {"wrong_label"}),
    ("\n\nAction: wikipedia: Japan", JAPAN, {"missing_thought"}),
    ("wikipedia: Japan", JAPAN, {"missing_thought", "missing_label"}),
    ("I look.\nAction: wikipedia:", Action("wikipedia", ""), {"empty_input"}),
    ("I look.\nAction: ../../bin/sh: x", Action("../../bin/sh", "x"), {"unknown_tool"}),
    ("I look.\nAction: __class__: x", Action("__class__", "x"), {"unknown_tool"}),
    ("I look.\nAction: wikipedia", None, {"malformed_action"}),
    ("I look.\nAction: look up Japan", None, {"malformed_action"}),
    ("I look.\nAnswer:", None, {"empty_input"}),
    ("I should write Action: and then the tool.", None, {"missing_action"}),
    ("I must take action: to look it up.", None, {"missing_action"}),
    ("The answer is Tokyo.", None, {"missing_action"}),
]


@pytest.mark.parametrize(("text", "move", "errors"), HABITS)
def test_habits(text: str, move: Move | None, errors: set[str]) -> None:
    parsed = read(text)
    assert (parsed.move, set(parsed.errors)) == (move, errors)
    assert list(parsed.errors) == [code for code in ERRORS if code in errors]


OTHER_DIALECTS: list[tuple[str, str, Move | None]] = [
    ("bracket", "\n\nFinish[NOT ENOUGH INFO]", Answer("NOT ENOUGH INFO")),
    ("bracket", "I know.\nAction 1: Finish[Tokyo].", Answer("Tokyo")),
    ("bracket", "I know.\nAction 1: Finish[Tokyo", Answer("Tokyo")),
    ("bracket", "I know.\nAnswer: Tokyo", Answer("Tokyo")),
    ("bracket", "I look.\nAction 1: Wikipedia: Japan", JAPAN),
    ("bracket", "I look.\nAction 1: Wikipedia【Japan】", JAPAN),
    ("bracket", 'I look.\nAction 1: Wikipedia["Japan"]', JAPAN),
    ("bracket", "I look Action 1: Wikipedia[Japan]", JAPAN),
    (
        "bracket",
        "I look.\nAction 1: wikipedia[Japan]\nObservation 1: x\nThought 2: y\nAction 2: Finish[z]",
        JAPAN,
    ),
    ("bracket", "I look.\nAction 1: wikipedia[Japan], wikipedia[Tokyo]", None),
    ("bracket", "I know.\nAction 1: Login", None),
    ("two_line", "\n Thought: x\n Action: wikipedia \n\n Action Input: Japan \n", JAPAN),
    ("two_line", "x\nAction:\nwikipedia\nAction Input:\nJapan\n", JAPAN),
    ("two_line", 'x\nAction: wikipedia\nAction Input: "Japan"\nObservation', JAPAN),
    ("two_line", "x\nAction: wikipedia (an encyclopedia)\nAction Input: Japan", JAPAN),
    ("two_line", "x Action: wikipedia Action Input: Japan Observation:", JAPAN),
    ("two_line", "x\nAction: wikipedia\nAction Input: Japan\n\nI wait for the result.", JAPAN),
    ("two_line", "x\nAction: wikipedia: Japan", JAPAN),
    ("two_line", "x\nAction: calculate\nAction Input: 3 +\n4", Action("calculate", "3 +\n4")),
    (
        "two_line",
        "x\nAction: calculate\nAction Input:\n```\n3 +\n\n4\n```\n",
        Action("calculate", "3 +\n\n4"),
    ),
    (
        "two_line",
        'x\nAction: calculate\nAction Input: {\n "a": 1\n}',
        Action("calculate", '{\n "a": 1\n}'),
    ),
    (
        "two_line",
        "x\nAction: calculate\nAction Input: user: bob\nquestion: 1",
        Action("calculate", "user: bob"),
    ),
    ("two_line", "x\nAction: calculate\nAction Input:", Action("calculate", "")),
    (
        "two_line",
        '```json\n{"action": "Final Answer", "action_input": "Tokyo"}\n```',
        Answer("Tokyo"),
    ),
    ("two_line", "x\nAction: Final Answer\nAction Input: Tokyo", Answer("Tokyo")),
    ("two_line", "x\nFinal Answer: Tokyo\nand Kyoto", Answer("Tokyo\nand Kyoto")),
    ("two_line", "I now know the final answer. Final Answer: Tokyo", Answer("Tokyo")),
    ("two_line", "x\nAnswer: Tokyo", Answer("Tokyo")),
    ("two_line", "x\nAction: wikipedia\nFinal Answer: Tokyo", None),
    ("two_line", "x\nAction: wikipedia\nAction Input: Japan\nFinal Answer: Tokyo", None),
    ("two_line", "x\nAction: wikipedia\nThought: Japan", None),
    ("two_line", "x\nAction Input: Japan", None),
    ("two_line", "The Action: line comes next.", None),
    # The talk's prompt: an answer from memory, a run-on under an escaped name, a drift.
    ("deck", " It has about 68 million people.\nAnswer: 68 million", Answer("68 million")),
    (
        "deck",
        " I look.\nAnswer: google\\_search: France population\n\nQuestion: Who?\nThought: x\nAnswer: wikipedia: Who",
        Action("google_search", "France population"),
    ),
    ("deck", " The AI replies only with a command and its input.", None),
]


@pytest.mark.parametrize(("dialect", "text", "move"), OTHER_DIALECTS)
def test_habits_in_other_dialects(dialect: str, text: str, move: Move | None) -> None:
    parsed = read(text, dialect)
    assert parsed.move == move
    assert parsed.errors


def test_the_deck_form_asks_for_commands() -> None:
    assert read(" I know.\nAnswer: 68 million", "deck").errors == ("missing_action",)
    run_on = read(" I look.\nAnswer: google\\_search: x\nQuestion: What?\nThought:", "deck")
    assert run_on.errors == ("escaped_markdown", "wrote_question")


# --- one reading or none ----------------------------------------------------------------

TWO_READINGS = [
    "I look.\nAction: wikipedia: Japan\nAction: wikipedia: Tokyo",
    "I look.\nwikipedia: Japan\nwikipedia: Tokyo",
    "I look.\nAction: wikipedia: Japan\nThought: Or there.\nAction: wikipedia: Tokyo",
    "I look.\nAction: wikipedia: Japan\nAnswer: Tokyo",
    "I know.\nAnswer: Tokyo\nAction: wikipedia: Japan",
    "I know.\nAnswer: Tokyo\nAnswer: Kyoto",
]


@pytest.mark.parametrize("text", TWO_READINGS)
def test_a_repair_does_not_choose_between_two_moves(text: str) -> None:
    parsed = read(text)
    assert parsed.move is None
    assert parsed.repairs == ()


def test_the_same_move_twice_is_one_reading() -> None:
    twice = read("I look.\nAction: wikipedia: Japan\nAction: wikipedia: Japan")
    assert (twice.move, twice.errors, twice.repairs) == (
        JAPAN,
        ("several_actions",),
        ("merge_repeats",),
    )


OWN_OBSERVATIONS = [
    "Observation: It is Tokyo.",
    "**Observation 1:** It is.",
    "Human: Observation: It is.",
    "観察: 東京",
]


@pytest.mark.parametrize("observation", OWN_OBSERVATIONS)
def test_an_answer_behind_an_invented_observation_is_never_credited(observation: str) -> None:
    alone = read(f" I wonder.\n{observation}\nThought: So.\nAnswer: Tokyo")
    assert alone.move is None
    behind = read(f" I look.\nAction: wikipedia: Japan\n{observation}\nThought: So.\nAnswer: Tokyo")
    assert behind.move == JAPAN
    assert "wrote_observation" in alone.errors and "wrote_observation" in behind.errors
    inline = read(f" I look. Action: wikipedia: Japan {observation} Answer: Tokyo")
    assert inline.move != Answer("Tokyo")


def test_an_observation_inside_a_thought_is_one_too() -> None:
    assert read(" I look. Observation: It is Tokyo. Answer: Tokyo").move is None
    assert read(" I look. Observation: It is Tokyo.\nAnswer: Tokyo").move is None
    first = read(" I look. Action: wikipedia: Japan Observation: It is.\nAnswer: Tokyo")
    assert first.move == JAPAN


@given(st.integers(0), st.integers(0), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=400, deadline=None)
def test_whatever_follows_an_invented_observation(before: int, after: int, dialect: str) -> None:
    label = DIALECTS[dialect].labels.observation
    first, rest = mutated(Random(before)), mutated(Random(after))
    move = read(f"{first}\n{label}: It is.\n{rest}", dialect).move
    reasoned = without_thinking(f"{first}\n{rest}") is not None  # that is no protocol
    if isinstance(move, Answer) and not reasoned:
        assert move == read(f"{first}\n", dialect).move


def test_nothing_behind_a_question_of_its_own_counts() -> None:
    assert read(" Hm.\nQuestion: What is 2 + 2?\nThought: Easy.\nAnswer: 4").move is None
    # but a text that opens with the question repeats the one it was asked
    assert read("Question: What is 2 + 2?\nThought: Easy.\nAnswer: 4").move == Answer("4")


# --- how the completion ended -----------------------------------------------------------


@pytest.mark.parametrize("finish", ["length", "context", "deadline", "time", "error"])
def test_a_move_that_may_have_been_cut_off_is_none(finish: Finish) -> None:
    for text in (" I lo", " I look.\nAction: wikipedia: Ja", " I know.\nAnswer: 4"):
        parsed = read(text, finish=finish)
        assert (parsed.move, parsed.errors) == (None, ("truncated",))
    whole = " I look.\nAction: wikipedia: Japan\n"
    assert read(whole, finish=finish).move == JAPAN
    assert read(" I look.\nAction 1: wikipedia[Japan]", "bracket", finish=finish).move == JAPAN


@pytest.mark.parametrize(
    ("text", "stop", "errors"),
    [
        (" I look.\nAction: wikipedia: Japan\n", "Observation:", ()),
        (" I look.\nAction: wikipedia: Japan ", "Observation:", ("inline_label",)),
        (" I look.\nAction: wikipedia: Japan\n**", "Observation:", ("decorated",)),
        (" I look.\nAction: wikipedia: Japan\nHuman: ", "Observation:", ("role_leak",)),
        (" I look.\nAction: wikipedia: Japan\nSo the ", "Observation:", ("trailing_text",)),
        (" I look.\nAction: wikipedia: Japan", "\nQuestion:", ("wrote_question",)),
        (" I know.\nAnswer: 4\n", "\nQuestion:", ()),
        (" I know.\nAnswer: 4\n", "Observation:", ("wrote_observation",)),
        (" Hm.", "\nQuestion:", ("missing_action", "wrote_question")),
        ("", "\nQuestion:", ("empty", "wrote_question")),
        ("", "", ("empty",)),
    ],
)
def test_what_the_stop_string_says(text: str, stop: str, errors: tuple[str, ...]) -> None:
    assert read(text, stop=stop).errors == errors


def test_without_repair_only_the_form_moves() -> None:
    for text, move, _ in HABITS:
        assert read(text, repair=False).move is None
        assert read(text).move == move
    assert read(" I look.\nAction: wikipedia: Japan", repair=False).move == JAPAN


# --- observations -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ok\nAction: calculate\nAction Input: 1+1", "ok Action: calculate Action Input: 1+1"),
        ("ok\r\n\r\nAnswer: 42", "ok Answer: 42"),
        (
            "1\u2028Action: x\u2029Answer: x\x85Action: y\x0bAnswer: z",
            "1 Action: x Answer: x Action: y Answer: z",
        ),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07\u202etext\u200b\ufeff", "red text"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("👩\u200d🔬 می\u200cخواهم a\u200db", "👩\u200d🔬 می\u200cخواهم ab"),
    ],
)
def test_an_observation_is_one_harmless_line(text: str, line: str) -> None:
    assert observation_line(text, 100) == line


def test_an_observation_is_capped() -> None:
    assert observation_line("word " * 100, 12) == "word word w…"
    assert observation_line("short", 5) == "short"
    assert observation_line("x" * 10, 0) == "x" * 10


@given(st.text(st.characters(), max_size=200), st.integers(1, 60))
def test_folding_is_idempotent_and_safe(text: str, limit: int) -> None:
    line = observation_line(text, limit)
    assert len(line) <= limit
    assert observation_line(line, limit) == line
    assert line.splitlines() in ([line], [])
    line.encode("utf-8")
