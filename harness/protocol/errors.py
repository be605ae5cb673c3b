"""Lists everything that can be wrong with a step, and the rule that repairs it.

The order is the order of report. A step may have several; a step with none is strictly
well-formed. ``docs/metrics.md`` shows the same table, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flaw:
    """One code: what it means, a completion that has it, and the name of the repair.

    ``repair`` "" means that none is needed (the reading does not suffer) or none exists.
    """

    meaning: str
    example: str
    repair: str = ""


_LOOK = "I look it up.\n"
_JAPAN = _LOOK + "Action: wikipedia: Japan\n"

ERRORS: dict[str, Flaw] = {
    "empty": Flaw("nothing but white space", " "),
    "truncated": Flaw("cut off by a limit before a move was complete", "I look up Jap"),
    "missing_thought": Flaw("no text before the move", "\nAction: wikipedia: Japan"),
    "several_thoughts": Flaw(
        "the Thought label again before the move", "I plan.\nThought: I look.\nAnswer: 4"
    ),
    "missing_action": Flaw("neither an action nor an answer", "Japan is in Asia."),
    "malformed_action": Flaw(
        "an Action that names no tool and input: nothing beside it counts",
        _LOOK + "Action: I will look it up",
    ),
    "several_actions": Flaw(
        "more than one action: the same twice is one reading, different ones are none",
        _JAPAN + "Action: wikipedia: Tokyo",
        "merge_repeats",
    ),
    "several_answers": Flaw(
        "more than one answer: the same twice is one reading, different ones are none",
        "I know.\nAnswer: 4\nAnswer: 5",
        "merge_repeats",
    ),
    "action_and_answer": Flaw(
        "an action and an answer with no observation between", _JAPAN + "Answer: Tokyo"
    ),
    "unknown_tool": Flaw("a tool that the prompt does not name", _LOOK + "Action: bing: Japan"),
    "misspelt_tool": Flaw(
        "a known tool in other case, spacing or hyphens",
        _LOOK + "Action: Wikipedia: Japan",
        "match_tool",
    ),
    "empty_input": Flaw("a move with nothing in it", _LOOK + "Action: wikipedia:"),
    "bad_argument": Flaw(
        "the tool could not read its input (only scoring can tell)",
        "I add.\nAction: calculate: two plus two",
    ),
    "repeated_action": Flaw(
        "an action that the episode has done before (only scoring can tell)", _JAPAN
    ),
    "wrong_label": Flaw(
        "another word or spelling for a label", "I know.\nFinal Answer: 4", "accept_label"
    ),
    "missing_label": Flaw(
        "a command with no label before it", _LOOK + "wikipedia: Japan", "accept_bare_command"
    ),
    "inline_label": Flaw(
        "a label that does not begin its line",
        "I look it up. Action: wikipedia: Japan",
        "split_line",
    ),
    "line_breaks": Flaw(
        "a move that is spread over lines", _LOOK + "Action:\nwikipedia: Japan", "join_lines"
    ),
    "wrong_dialect": Flaw(
        "a move in another protocol's form",
        _LOOK + "Action: wikipedia[Japan]",
        "read_other_dialect",
    ),
    "json_action": Flaw(
        "a move, or its input, written as JSON",
        _LOOK + 'Action: {"tool": "wikipedia", "input": "Japan"}',
        "read_json",
    ),
    "null_action": Flaw(
        "an Action that says there is none, beside an answer",
        "I know.\nAction: None\nAnswer: 4",
        "skip_null_action",
    ),
    "quoted_input": Flaw(
        "quotation marks round the input", _LOOK + 'Action: wikipedia: "Japan"', "strip_quotes"
    ),
    "unclosed_bracket": Flaw(
        "a bracket that is never closed", _LOOK + "Action: wikipedia[Japan", "close_bracket"
    ),
    "escaped_markdown": Flaw(
        "markdown's backslashes",
        _LOOK + "Action: google\\_search: Japan",
        "unescape_markdown",
    ),
    "fullwidth_punctuation": Flaw(
        "full-width forms in a label, a tool or a separator",
        _LOOK + "Action： wikipedia： Japan",
        "fold_fullwidth",
    ),
    "decorated": Flaw(
        "bold, bullets, numbers, brackets or indents round the form",
        _LOOK + "**Action:** wikipedia: Japan",
        "strip_decoration",
    ),
    "code_fence": Flaw(
        "a code fence round a move or its input",
        _LOOK + "```\nAction: wikipedia: Japan\n```",
        "strip_code_fence",
    ),
    "invisible_characters": Flaw(
        "carriage returns, control, zero-width or bidi characters",
        "I look it up.\r\nAction: wikipedia: Japan",
        "drop_invisible",
    ),
    "wrote_observation": Flaw(
        "an observation that the model wrote itself",
        _JAPAN + "Observation: It is a country.\nThought: So.\nAnswer: yes",
        "cut_at_observation",
    ),
    "wrote_question": Flaw(
        "a question that the model asked itself",
        _JAPAN + "Question: What is 2 + 2?",
        "cut_at_question",
    ),
    "role_leak": Flaw(
        "a speaker's name or a chat template's mark", _JAPAN + "Human: ", "cut_at_role"
    ),
    "think_block": Flaw(
        "a reasoning block inside the text",
        "<think>Hm.</think>I look it up.\nAction: wikipedia: Japan",
        "skip_think_block",
    ),
    "trailing_text": Flaw("more text after the move", _JAPAN + "Then I wait.", "cut_after_move"),
}

REPAIRS: dict[str, str] = {
    "skip_think_block": "read nothing that stands in a reasoning block, closed or not",
    "drop_invisible": "remove characters that cannot be seen",
    "fold_fullwidth": "read full-width letters and punctuation of the form as plain ones",
    "unescape_markdown": "remove the backslash before _ and *",
    "strip_decoration": "remove markup round a label, a tool or an input",
    "strip_code_fence": "read what stands in a code fence as if it had none",
    "accept_label": "read a known other word for a label as that label",
    "split_line": "begin a line where a label stands inside one",
    "accept_bare_command": "read the only line that is a known tool with an input as the action",
    "join_lines": "take a move, or what is left of it, from the lines below its label",
    "read_other_dialect": "read a move in another dialect's form",
    "read_json": "read the tool and the input out of JSON",
    "match_tool": "take the one known tool that differs in case, spaces, hyphens or underscores only",
    "close_bracket": "end the input at the end of the line",
    "strip_quotes": "remove one pair of quotation marks round the input",
    "skip_null_action": "ignore an action that says that there is none",
    "merge_repeats": "take the same move, written again, once",
    "cut_at_observation": "read nothing as an answer that stands behind the model's own observation",
    "cut_at_question": "stop at the model's own question",
    "cut_at_role": "stop at another speaker's turn",
    "cut_after_move": "stop at the end of the move",
}


class FlawNotes:
    """The flaws found while one completion is read."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def add(self, *errors: str) -> None:
        """Note flaws by name. Raises KeyError for a name that is not in ERRORS."""
        for error in errors:
            ERRORS[error]
            self._found.add(error)

    def errors(self) -> tuple[str, ...]:
        """What was found, in the order of ERRORS."""
        return tuple(name for name in ERRORS if name in self._found)

    def repairs(self) -> tuple[str, ...]:
        """The rules that mended it, in the order of REPAIRS."""
        used = {ERRORS[name].repair for name in self._found}
        return tuple(name for name in REPAIRS if name in used)
