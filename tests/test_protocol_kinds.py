"""Kinds of completions that a parser is easily deceived by, in every dialect.

Each test is a kind; the lists are its members. What is read must be the only thing that
the text can mean, and nothing may be credited that the model did not earn.
"""

from __future__ import annotations

import pytest

from benchmarks.fuzz_protocol import second_moves, written
from harness.protocol import DIALECTS, Dialect, Protocol
from harness.types import Action, Answer, Completion, Move, Parsed

TOOLS = ("calculate", "wikipedia", "search")
OSLO = Action("wikipedia", "Oslo")
BERGEN = Action("search", "Bergen")
FJORD = Answer("a fjord")
FORMS = pytest.mark.parametrize("form", DIALECTS.values(), ids=list(DIALECTS))
ANSWERING = pytest.mark.parametrize(
    "form", [form for form in DIALECTS.values() if not form.calls_only], ids=lambda form: form.name
)


def read(text: str, form: Dialect) -> Parsed:
    return Protocol(TOOLS, form).read(Completion(text, "stop"))


def moved(text: str, form: Dialect) -> Move | None:
    return read(text, form).move


def under(form: Dialect, call: str) -> str:
    """A call under the dialect's action label."""
    return f" I look.\n{form.labels.action}: {call}"


# --- a second move ----------------------------------------------------------------------


@FORMS
def test_a_second_action_is_seen_in_any_spelling(form: Dialect) -> None:
    for second in second_moves(BERGEN.tool, BERGEN.input, form):
        parsed = read(f" I look.\n{written(OSLO, form)}\n{second}", form)
        assert parsed.move is None and "several_actions" in parsed.errors, second


@ANSWERING
def test_an_action_behind_an_answer_is_seen_in_any_spelling(form: Dialect) -> None:
    for second in second_moves(BERGEN.tool, BERGEN.input, form):
        parsed = read(f" I know.\n{written(FJORD, form)}\n{second}", form)
        assert parsed.move is None and "action_and_answer" in parsed.errors, second


@ANSWERING
def test_an_action_before_an_answer_is_seen_in_any_spelling(form: Dialect) -> None:
    for first in second_moves(OSLO.tool, OSLO.input, form):
        parsed = read(f" I look.\n{first}\n{written(FJORD, form)}", form)
        assert parsed.move is None and "action_and_answer" in parsed.errors, first


@ANSWERING
@pytest.mark.parametrize(
    "answer",
    [
        "Answer: Bodø",
        "answer: Bodø",
        "**Final Answer:** Bodø",
        "final answer: Bodø",
        "[Answer: Bodø]",
        "<answer>Bodø</answer>",
        "Finish[Bodø]",
        "That is all. Answer: Bodø",
        "回答: Bodø",
    ],
)
def test_an_answer_behind_an_action_is_seen(form: Dialect, answer: str) -> None:
    parsed = read(f" I look.\n{written(OSLO, form)}\n{answer}", form)
    assert parsed.move is None and "action_and_answer" in parsed.errors


@ANSWERING
def test_both_on_one_line_are_two(form: Dialect) -> None:
    parsed = read(f" So.\n{written(Answer('23.1%'), form)} {written(OSLO, form)}", form)
    assert parsed.move is None and "action_and_answer" in parsed.errors


@pytest.mark.parametrize("between", ["; ", ", ", " and ", " then ", " | "])
def test_two_calls_in_one_line_are_two(between: str) -> None:
    colon, bracket = DIALECTS["colon"], DIALECTS["bracket"]
    assert moved(f" I look.\nAction: wikipedia: Oslo{between}search: Bergen", colon) is None
    assert moved(f" I look.\nAction 1: wikipedia[Oslo]{between}search[Bergen]", bracket) is None


@FORMS
def test_two_calls_in_json_are_two(form: Dialect) -> None:
    calls = ['{"tool": "wikipedia", "input": "Oslo"}', '{"tool": "search", "input": "Bergen"}']
    for both in (" ".join(calls), "\n".join(calls), f"[{', '.join(calls)}]"):
        assert "several_actions" in read(under(form, both), form).errors


@pytest.mark.parametrize(
    "thought",
    [
        "I will search: it helps.",
        "I must take action: look.",
        "Oslo: the capital.",
        "The result is 4.",
        "Now the Action: I look it up.",
        "It says {a: 1}.",
        "The search for the result of it goes on: so.",
    ],
)
def test_a_thought_may_say_such_words(thought: str) -> None:
    parsed = read(f" {thought}\nAction: wikipedia: Oslo", DIALECTS["colon"])
    assert (parsed.move, parsed.errors, parsed.thought) == (OSLO, (), thought)


@pytest.mark.parametrize(
    "answer", ["{a: 1}", "f(x) = [1, 2]", "3 < 5", "Lights, Camera, Action", "x; y", "5 [a]", "2**"]
)
def test_an_answer_may_hold_signs_of_the_form(answer: str) -> None:
    assert read(f" I know.\nAnswer: {answer}", DIALECTS["colon"]).errors == ()


# --- an observation by another name -----------------------------------------------------

OWN_OBSERVATIONS = [
    *(
        "Result: 4",
        "Results: 4",
        "Output: 4",
        "Observe: 4",
        "Obs: 4",
        "Response: 4",
        "observation: 4",
    ),
    *("[Observation] 4", "[Result]: 4", "(Observation) 4", "<observation>4</observation>"),
    *("<tool_response>\n4\n</tool_response>", "Observation (calculate): 4", "Observation[2]: 4"),
    *("Observation 2: 4", "Observation #2: 4", "Observation from calculate: 4", "Tool response: 4"),
    *("Tool Output:\n4", "Search result: 4", "Calculate output: 4", "**Result:** 4", "> Output: 4"),
    *("### Observation\n4", "Observation - 4", "Observation = 4", "Result\n4", "Observation：4"),
    *("結果: 4", "検索結果：4", "観察: 4", "出力: 4", "结果: 4"),
]


@ANSWERING
@pytest.mark.parametrize("observation", OWN_OBSERVATIONS)
def test_an_answer_behind_an_observation_by_any_name_is_none(
    form: Dialect, observation: str
) -> None:
    text = f" I add.\n{observation}\n{form.labels.thought}: So.\n{written(Answer('4'), form)}"
    parsed = read(text, form)
    assert parsed.move is None and "wrote_observation" in parsed.errors
    behind = read(text.replace(" I add.", f" I add.\n{written(OSLO, form)}"), form)
    assert behind.move == OSLO and "wrote_observation" in behind.errors


@ANSWERING
def test_an_observation_inside_a_line_is_one_too(form: Dialect) -> None:
    for observation in ("Result: 4.", "Tool response: 4.", "observation: 4.", "Output: 4."):
        assert moved(f" I add. {observation} {written(Answer('4'), form)}", form) is None


# --- an action that could not be read ---------------------------------------------------

SENTENCES = [
    "I will look it up",
    "look up Oslo",
    "I search for it.",
    "wikipedia search for Oslo",
    "search the web for it",
    "calculate the sum",
    "VX-4471-Q",
]


@ANSWERING
@pytest.mark.parametrize("sentence", SENTENCES)
def test_nothing_beside_an_unread_action_counts(form: Dialect, sentence: str) -> None:
    alone = read(under(form, sentence), form)
    assert (alone.move, alone.errors) == (None, ("malformed_action",))
    for other in (FJORD, OSLO):
        beside = read(f"{under(form, sentence)}\n{written(other, form)}", form)
        assert beside.move is None and "malformed_action" in beside.errors


@pytest.mark.parametrize("sentence", SENTENCES[:-1])
def test_a_sentence_is_no_tool(sentence: str) -> None:
    parsed = read(f" Hm.\nAction: {sentence}\nAction Input: Oslo", DIALECTS["two_line"])
    assert (parsed.move, parsed.errors) == (None, ("malformed_action",))


@ANSWERING
def test_codes_are_neither_false_nor_missing(form: Dialect) -> None:
    second = read(f"\n{written(OSLO, form)}\n{written(BERGEN, form)}", form)
    assert second.errors == ("missing_thought", "several_actions")
    both = read(f"\n{written(OSLO, form)}\n{written(FJORD, form)}", form)
    assert both.errors == ("missing_thought", "action_and_answer")
    inline = read(f" I look it up. {written(OSLO, form)}", form)
    assert (inline.move, inline.errors) == (OSLO, ("inline_label",))


# --- brackets, JSON, arguments ----------------------------------------------------------


@FORMS
@pytest.mark.parametrize(
    ("call", "move"),
    [
        ("wikipedia[Oslo\nin Norway]", Action("wikipedia", "Oslo\nin Norway")),
        ("wikipedia[\nOslo\n]", OSLO),
        ('wikipedia(\n  "Oslo"\n)', OSLO),
        ('wikipedia(query="Oslo"\n)', OSLO),
        ('wikipedia: {\n  "query": "Oslo"\n}', OSLO),
        ("calculate: (17.5 +\n3) * 2", Action("calculate", "(17.5 +")),  # nothing ends there
        ("calculate: (17.5 +\n3)", Action("calculate", "(17.5 +\n3)")),
        ("wikipedia:\n\nOslo", OSLO),
        ("\n\nwikipedia: Oslo", OSLO),
    ],
)
def test_what_is_left_open_goes_on(form: Dialect, call: str, move: Action) -> None:
    parsed = read(under(form, call), form)
    assert parsed.move == move
    assert ("join_lines" in parsed.repairs) == (move.input != "(17.5 +")


ARGUMENTS = [
    '{"tool": "wikipedia", "inputs": {"query": "Oslo"}}',
    '{"tool": "wikipedia", "args": ["Oslo"]}',
    '{"tool": "wikipedia", "kwargs": {"q": "Oslo"}}',
    '{"name": "wikipedia", "parameters": {"title": "Oslo"}}',
    '{"name": "wikipedia", "arguments": "{\\"query\\": \\"Oslo\\"}"}',
    '{"action": "wikipedia", "action_input": {"args": {"query": "Oslo"}}}',
    '{"Action": "wikipedia", "Action Input": "Oslo"}',
    '{"tool": "wikipedia", "page": "Oslo"}',
    '{"type": "function", "function": {"name": "wikipedia", "arguments": {"q": "Oslo"}}}',
    '{"tool_calls": [{"function": {"name": "wikipedia", "arguments": "{\\"q\\": \\"Oslo\\"}"}}]}',
    '{"action": {"tool": "wikipedia", "input": "Oslo"}}',
    '{"wikipedia": {"query": "Oslo"}}',
    "{'tool': 'wikipedia', 'input': 'Oslo'}",
    '{"tool": "wikipedia", "input": "Oslo",}',
    '{"tool": "wikipedia", "input": {"query": "Oslo"}',
    '{\n  "tool": "wikipedia",\n  "thought": "It is near.",\n  "input": "Oslo"\n}',
]


@FORMS
@pytest.mark.parametrize("call", ARGUMENTS)
def test_json_arguments_are_found_under_any_key(form: Dialect, call: str) -> None:
    parsed = read(under(form, call), form)
    assert parsed.move == OSLO and "read_json" in parsed.repairs


@FORMS
@pytest.mark.parametrize("call", ['{"tool": "wikipedia"}', '{"tool": "wikipedia", "args": {}}'])
def test_json_without_arguments_says_so(form: Dialect, call: str) -> None:
    parsed = read(under(form, call), form)
    assert parsed.move == Action("wikipedia", "") and "empty_input" in parsed.errors


@FORMS
@pytest.mark.parametrize(
    "call",
    [
        'wikipedia(query: "Oslo")',
        "wikipedia(title: 'Oslo')",
        'wikipedia(topic = "Oslo")',
        'wikipedia[query: "Oslo"]',
        'wikipedia: query="Oslo"',
        'wikipedia: title: "Oslo"',
    ],
)
def test_a_keyword_is_no_part_of_the_input(form: Dialect, call: str) -> None:
    assert moved(under(form, call), form) == OSLO


def test_several_values_are_handed_over_as_they_are() -> None:
    call = 'wikipedia(query="Oslo", lang="nb")'
    parsed = read(under(DIALECTS["colon"], call), DIALECTS["colon"])
    assert parsed.move == Action("wikipedia", 'query="Oslo", lang="nb"')


# --- labels in two_line -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "move", "code"),
    [
        ("action: wikipedia\naction input: Oslo", OSLO, "wrong_label"),
        ("So I look. action: wikipedia action input: Oslo", OSLO, "inline_label"),
        ("Action: wikipedia\nAction Input: Oslo\nobservation: It is.", OSLO, "wrote_observation"),
        ("Action: wikipedia\nAction Input: Oslo Observation: It is.", OSLO, "wrote_observation"),
        ("Action: wikipedia\nAction Input: Oslo\nquestion: And then?", OSLO, "wrote_question"),
        ("Action: wikipedia\nAction Input: Oslo\nthought: I wait.", OSLO, "trailing_text"),
        ("Action: wikipedia\nAction Input: Oslo\naction input: Bergen", None, "several_actions"),
        ("Action: wikipedia\nAction Input: Oslo\nfinal answer: x", None, "action_and_answer"),
    ],
)
def test_labels_follow_one_rule_in_two_line(text: str, move: Move | None, code: str) -> None:
    parsed = read(f" I look.\n{text}", DIALECTS["two_line"])
    assert parsed.move == move and code in parsed.errors


# --- what surrounds the form ------------------------------------------------------------


@FORMS
def test_a_stub_of_the_stop_string_is_no_text(form: Dialect) -> None:
    observation, question = (stop.strip() for stop in form.stops)
    for end in range(1, len(observation)):
        text = f" I look.\n{written(OSLO, form)}\n{observation[:end]}"
        assert read(text, form) == Parsed("I look.", OSLO)
    for end in range(1, len(question)):
        text = f" I know.\n{written(FJORD, form)}\n{question[:end]}"
        assert form.calls_only or read(text, form) == Parsed("I know.", FJORD)


@FORMS
@pytest.mark.parametrize("opening", ["`", "**", "__", "*", "[", "(", "<", "【", '"', "「"])
def test_the_closing_mark_goes_with_the_opening_one(form: Dialect, opening: str) -> None:
    pairs = {"[": "]", "(": ")", "<": ">", "【": "】", "「": "」"}
    closing = pairs.get(opening, opening)
    for move in (OSLO, FJORD)[: 1 if form.calls_only else 2]:
        parsed = read(f" So.\n{opening}{written(move, form)}{closing}", form)
        assert parsed.move == move and "decorated" in parsed.errors
    if form.form == "colon":
        inside = read(under(form, f"{opening}wikipedia: Oslo{closing}"), form)
        assert inside.move == OSLO and "decorated" in inside.errors


@FORMS
@pytest.mark.parametrize("fence", ["```", "```text", "~~~", "```tool_code"])
def test_a_code_fence_is_no_text(form: Dialect, fence: str) -> None:
    for move in (OSLO, FJORD)[: 1 if form.calls_only else 2]:
        parsed = read(f" So.\n{fence}\n{written(move, form)}\n{fence[:3]}", form)
        assert parsed == Parsed("So.", move, ("code_fence",), ("strip_code_fence",))


@pytest.mark.parametrize("dialect", ["colon", "two_line", "colon-ja"])
def test_an_answer_in_a_code_fence_is_what_stands_in_it(dialect: str) -> None:
    form = DIALECTS[dialect]
    label = f"{form.labels.answer}:"
    for text, answer in [
        (f"{label} ```python\nprint(1)\n```", "print(1)"),
        (f"{label}\n```\nprint(1)\nprint(2)\n```", "print(1)\nprint(2)"),
        (f"{label} ```print(1)```", "print(1)"),
        (f"```\n{label} print(1)\n```", "print(1)"),
    ]:
        parsed = read(f" I know.\n{text}", form)
        assert parsed.move == Answer(answer) and "code_fence" in parsed.errors


THINKING = [
    *(("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>")),
    *(("<seed:think>", "</seed:think>"), ("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷")),
    *(("<reasoning>", "</reasoning>"), ("<|START_THINKING|>", "<|END_THINKING|>")),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("<|channel>thought\n", "<channel|>"),
]


@FORMS
@pytest.mark.parametrize(("opening", "closing"), THINKING)
def test_reasoning_is_not_read(form: Dialect, opening: str, closing: str) -> None:
    other, own = written(BERGEN, form), written(OSLO, form)
    block = read(f"{opening}Or\n{other}\nHm.{closing} I look.\n{own}", form)
    assert block == Parsed("I look.", OSLO, ("think_block",), ("skip_think_block",))
    within = read(f" I look.\n{opening}Or\n{other}\n{closing}{own}", form)
    assert (within.move, within.thought) == (OSLO, "I look.")
    unclosed = read(f" I look.\n{opening}I could say\n{other}\nbut let me see", form)
    assert (unclosed.move, unclosed.errors) == (None, ("missing_action", "think_block"))


@ANSWERING
@pytest.mark.parametrize(
    "mark",
    [
        "<|im_end|>",
        "<end_of_turn>",
        "</s>",
        "<|eot_id|>",
        "<|end|>",
        "[/INST]",
        "<|endoftext|>",
        "<|end_of_text|>",
        "<｜end▁of▁sentence｜>",
        "<turn|>",
        "<|return|>",
        " [end of text]",
        "<eos>",
        "<|im_e",
        "<|",
        "<end_of_t",
        "</",
        "[/IN",
        "<eo",
        "<｜end▁of",
    ],
)
def test_a_mark_of_a_turn_is_no_answer(form: Dialect, mark: str) -> None:
    for text in (f"{written(FJORD, form)}{mark}", f"{written(FJORD, form)}\n{mark}\n"):
        assert read(f" I know.\n{text}", form) == Parsed(
            "I know.", FJORD, ("role_leak",), ("cut_at_role",)
        )


@FORMS
def test_a_whole_observation_is_no_stub(form: Dialect) -> None:
    label = form.labels.observation
    for behind in (f"{label}: 3", f"{label}: {label}", f"{label[0]}x"):
        assert read(f" I look.\n{written(OSLO, form)}\n{behind}", form).errors


@FORMS
@pytest.mark.parametrize(
    "call",
    [
        "<tool_call>wikipedia: Oslo</tool_call>",
        "Tool call: wikipedia: Oslo",
        "```wikipedia: Oslo```",
        "<action>wikipedia: Oslo</action>",
        "wikipedia: Oslo```",
    ],
)
def test_a_call_in_a_template_of_its_own_is_read(form: Dialect, call: str) -> None:
    label = "" if call.startswith(("<", "T")) else f"{form.labels.action}: "
    assert moved(f" I look.\n{label}{call}", form) == OSLO


@pytest.mark.parametrize(
    "cut", ["", "A", "Ans", "Answer", "Answer:", "Answer: ", "Answer: un", "Answer: unknown"]
)
def test_where_a_limit_cuts_a_model_that_repeats_itself_decides_nothing(cut: str) -> None:
    text = " No article.\nAnswer: unknown\nThought: No article.\nAnswer: unknown\n" + cut
    parsed = Protocol(TOOLS).read(Completion(text, "length"))
    assert parsed.move == Answer("unknown") and parsed.errors


@pytest.mark.parametrize("cut", ["Answer: 5", "Action: wiki", "Answer: unknown island"])
def test_a_cut_off_move_that_says_something_else_is_another_move(cut: str) -> None:
    text = " No article.\nAnswer: unknown\n" + cut
    assert Protocol(TOOLS).read(Completion(text, "length")).move is None


def test_the_first_move_cut_off_is_none() -> None:
    parsed = Protocol(TOOLS).read(Completion(" No article.\nAnswer: unkn", "length"))
    assert parsed.move is None and parsed.errors == ("truncated",)


@pytest.mark.parametrize("word", ["EOS", "BOS", "INST", "Think", "Reasoning"])
def test_a_word_in_brackets_behind_a_tool_is_its_input(word: str) -> None:
    bracket = Protocol(TOOLS, "bracket")
    looked = bracket.read(Completion(f" I look.\nAction 1: wikipedia[{word}]\n", "stop"))
    assert looked == Parsed("I look.", Action("wikipedia", word))


def test_a_mark_behind_an_answer_is_no_part_of_it() -> None:
    marked = Protocol(TOOLS).read(Completion(" I know.\nAnswer: Paris [EOS]", "eos"))
    assert marked.move == Answer("Paris") and "role_leak" in marked.errors
