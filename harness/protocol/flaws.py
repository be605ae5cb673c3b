"""The closed list of what can be wrong with a step, and the rule that mends each.

Order is the order of report. A step may have several; none at all = strictly well-formed.
``docs/metrics.md`` shows the same table with examples, and a test holds the two together.
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


ERRORS: dict[str, Flaw] = {
    "empty": Flaw("nothing but white space", ""),
    "truncated": Flaw("cut off by a limit before a move was complete", "I look up Jap"),
    "missing_thought": Flaw("no text before the move", "\nAction: wikipedia: Japan"),
    "several_thoughts": Flaw(
        "the Thought label again before the move", "I plan.\nThought: I look.\nAction: wikipedia: Japan"
    ),
    "missing_action": Flaw("neither an action nor an answer", "Japan is in Asia."),
    "malformed_action": Flaw("an Action that names no tool and input", "I look.\nAction: I will look it up"),
    "several_actions": Flaw(
        "more than one action; the same one twice is one reading, different ones are none",
        "I look.\nAction: wikipedia: Japan\nAction: wikipedia: Tokyo",
        "merge_repeats",
    ),
    "several_answers": Flaw(
        "more than one answer; the same one twice is one reading, different ones are none",
        "I know.\nAnswer: 4\nAnswer: 5",
        "merge_repeats",
    ),
    "action_and_answer": Flaw(
        "an action and an answer with no observation between", "I look.\nAction: wikipedia: Japan\nAnswer: Tokyo"
    ),
    "unknown_tool": Flaw("a tool that the prompt does not name", "I look.\nAction: bing: Japan"),
    "misspelt_tool": Flaw(
        "a known tool in other case, spacing or hyphens", "I look.\nAction: Wikipedia: Japan", "match_tool"
    ),
    "empty_input": Flaw("a move with nothing in it", "I look.\nAction: wikipedia:"),
    "bad_argument": Flaw(
        "the tool could not read its input (set by scoring)", "I add.\nAction: calculate: two plus two"
    ),
    "repeated_action": Flaw(
        "an action that the episode has already done (set by scoring)", "Again.\nAction: wikipedia: Japan"
    ),
    "wrong_label": Flaw("another word or spelling for a label", "I know.\nFinal Answer: 4", "accept_label"),
    "missing_label": Flaw("a command with no label before it", "I look.\nwikipedia: Japan", "accept_bare_command"),
    "inline_label": Flaw(
        "a label that does not begin its line", "I look. Action: wikipedia: Japan", "split_line"
    ),
    "line_breaks": Flaw("a move that is spread over lines", "I look.\nAction:\nwikipedia: Japan", "join_lines"),
    "wrong_dialect": Flaw(
        "a move in the form of another protocol", "I look.\nAction: wikipedia[Japan]", "read_other_dialect"
    ),
    "json_action": Flaw(
        "a move written as JSON", 'I look.\nAction: {"tool": "wikipedia", "input": "Japan"}', "read_json"
    ),
    "null_action": Flaw('an Action that says "none" beside an answer', "I know.\nAction: None\nAnswer: 4", "skip_null_action"),
    "quoted_input": Flaw("quotation marks round the input", 'I look.\nAction: wikipedia: "Japan"', "strip_quotes"),
    "unclosed_bracket": Flaw("a bracket that is not closed", "I look.\nAction: wikipedia[Japan", "close_bracket"),
    "escaped_markdown": Flaw(
        "markdown's backslashes", "I look.\nAction: google\\_search: Japan", "unescape_markdown"
    ),
    "fullwidth_punctuation": Flaw(
        "full-width forms in a label, tool or separator", "I look.\nAction： wikipedia： Japan", "fold_fullwidth"
    ),
    "decorated": Flaw(
        "bold, bullets, numbers, indents or code fences round the form",
        "I look.\n**Action:** wikipedia: Japan",
        "strip_decoration",
    ),
    "invisible_characters": Flaw(
        "carriage returns, control, zero-width or bidi characters", "I look.\r\nAction: wikipedia: Japan", "drop_invisible"
    ),
    "wrote_observation": Flaw(
        "an observation that the model wrote itself",
        "I look.\nAction: wikipedia: Japan\nObservation: Japan is a country.\nThought: So.\nAnswer: yes",
        "cut_at_observation",
    ),
    "wrote_question": Flaw(
        "a question that the model asked itself", "I look.\nAction: wikipedia: Japan\nQuestion: What is 2 + 2?", "cut_at_question"
    ),
    "role_leak": Flaw(
        "a speaker's name or a chat template's mark", "I look.\nAction: wikipedia: Japan\nHuman: ", "cut_at_role"
    ),
    "think_block": Flaw(
        "a reasoning block inside the text", "<think>Hm.</think>I look.\nAction: wikipedia: Japan", "skip_think_block"
    ),
    "trailing_text": Flaw("more text after the move", "I look.\nAction: wikipedia: Japan\nThen I wait.", "cut_after_move"),
}  # fmt: skip

REPAIRS: dict[str, str] = {
    "skip_think_block": "read what follows the last </think>",
    "drop_invisible": "remove characters that cannot be seen",
    "fold_fullwidth": "read full-width letters and punctuation of the form as plain ones",
    "unescape_markdown": "remove the backslash before _ and *",
    "strip_decoration": "remove markup round a label, a tool or an input",
    "accept_label": "read a known other word for a label as that label",
    "split_line": "begin a line where a label stands inside one",
    "accept_bare_command": "read the only line that is a known tool with an input as the action",
    "join_lines": "take the rest of a move from the lines below its label",
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


class Notes:
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
