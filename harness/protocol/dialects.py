"""The written forms of the protocol, one of which each prompt declares.

A dialect is one unit: its label words, how it writes an action and an answer, its stop
strings, what the harness sends back after a step, and its share of the grammar. Every
dialect is one that the loop works in. How other spellings are read is in ``labels`` and
``calls``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Literal

from harness.common.hints import hint
from harness.types import Completion, Observation, Piece, UserError

Form = Literal["colon", "bracket", "two_line"]

_ACTIONS: dict[Form, str] = {
    "colon": "{action}: {tool}: {text}",
    "bracket": "{action}{number}: {tool}[{text}]",
    "two_line": "{action}: {tool}\n{input}: {text}",
}
_ANSWERS: dict[Form, str] = {
    "colon": "{answer}: {text}",
    "bracket": "{action}{number}: {finish}[{text}]",
    "two_line": "{answer}: {text}",
}


@dataclass(frozen=True)
class Labels:
    """The words before the colon, as the prompt writes them."""

    thought: str = "Thought"
    action: str = "Action"
    input: str = "Action Input"
    answer: str = "Answer"
    observation: str = "Observation"
    question: str = "Question"


@dataclass(frozen=True)
class Dialect:
    """How a move is written, and what the harness writes round it.

    ``form`` colon: ``Action: tool: input``; bracket: ``Action: tool[input]``, its labels
    may be numbered and ``finish`` is the tool that answers; two_line: ``Action: tool``
    and ``Action Input: input`` below it. ``calls_only``: there is no answer, so the
    dialect is for probes (the talk's prompt, whose calls stand under ``Answer:``).
    """

    name: str
    form: Form
    labels: Labels = Labels()
    finish: str = ""
    calls_only: bool = False

    @property
    def action_form(self) -> str:
        """An action, with ``{number}``, ``{tool}`` and ``{text}`` where those stand."""
        return self._labelled(_ACTIONS[self.form])

    @property
    def answer_form(self) -> str:
        """An answer, with ``{number}`` and ``{text}``; "" where the dialect has none."""
        return "" if self.calls_only else self._labelled(_ANSWERS[self.form])

    def write_action(self, tool: str, text: str) -> str:
        """An action as this dialect writes it, without a number."""
        return (
            self.action_form.replace("{number}", "").replace("{tool}", tool).replace("{text}", text)
        )

    def write_answer(self, text: str) -> str:
        """An answer as this dialect writes it, without a number."""
        return self.answer_form.replace("{number}", "").replace("{text}", text)

    @property
    def stops(self) -> tuple[str, str]:
        """The strings that end a generation; a label with a number needs the bare word."""
        colon = "" if self.form == "bracket" else ":"
        return f"{self.labels.observation}{colon}", f"\n{self.labels.question}:"

    def stopped_at_observation(self, stop: str) -> bool:
        """Whether ``stop``, the string that ended a generation, is the observation's label."""
        return stop.strip().startswith(self.labels.observation)

    @property
    def notice(self) -> str:
        """What the loop sends back, as the Observation, after a step it cannot read."""
        lines = self.write_action("tool", "input").split("\n")
        count, joint = ("two lines", ", or one line") if lines[1:] else ("one line", " or")
        action = " and ".join(f'"{line}"' for line in lines)
        answer = self.write_answer("answer" if self.form == "bracket" else "text")
        return f"Error: write {count} {action}" + (f'{joint} "{answer}".' if answer else ".")

    def reply(self, completion: Completion, observation: Observation) -> tuple[Piece, ...]:
        """What is appended after a step: the observation, and the label of the next thought.

        The history is never cut. Where the model wrote the observation's label as its stop
        string, only what is missing of it is added. A number behind the model's Action
        label is carried on: ``Observation 2: …``, ``Thought 3:``.
        """
        labels, number = self.labels, self._number_in(completion.text)
        written = completion.text + completion.stop + completion.tail
        if self.stopped_at_observation(completion.stop):
            begun = (completion.stop + completion.tail).strip().removeprefix(labels.observation)
            lead = "" if ":" in begun else ":" if begun else f"{_count_after(number)}:"
        else:
            newline = "" if written.endswith("\n") else "\n"
            lead = f"{newline}{labels.observation}{_count_after(number)}:"
        thought = labels.thought + _count_after(number and number + 1)
        return (Piece(f"{lead} {observation.text}\n{thought}:"),)

    def _number_in(self, text: str) -> int:
        """The number behind the last Action label of a text; 0 where there is none."""
        if self.form != "bracket":
            return 0
        found = re.findall(rf"^{re.escape(self.labels.action)} ?(\d{{1,2}}):", text, re.MULTILINE)
        return int(found[-1]) if found else 0

    def _labelled(self, template: str) -> str:
        for label in fields(Labels):
            template = template.replace(f"{{{label.name}}}", getattr(self.labels, label.name))
        return template.replace("{finish}", self.finish)


def _count_after(number: int) -> str:
    return f" {number}" if number else ""


_JAPANESE = Labels("思考", "行動", "行動入力", "回答", "観察", "質問")

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("colon", "colon"),
        Dialect("bracket", "bracket", finish="Finish"),
        Dialect("two_line", "two_line", Labels(answer="Final Answer")),
        Dialect("deck", "colon", replace(Labels(), action="Answer"), calls_only=True),
        Dialect("colon-ja", "colon", _JAPANESE),
    )
}


def dialect_of(dialect: str | Dialect) -> Dialect:
    """The dialect of that name. Raises UserError for a name that is not in DIALECTS."""
    if isinstance(dialect, Dialect):
        return dialect
    if dialect in DIALECTS:
        return DIALECTS[dialect]
    raise UserError(f"dialect {dialect!r}: {hint(str(dialect), DIALECTS)}")
