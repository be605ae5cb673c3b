"""The written forms of the protocol that a prompt may declare, and their label words.

Knows the forms; does not know how a text is read, nor which tools there are.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Literal

from harness.types import UserError

Form = Literal["colon", "bracket", "two_line"]
LabelKind = Literal[
    "thought", "action", "input", "answer", "observation", "question", "user", "assistant"
]


@dataclass(frozen=True)
class Labels:
    """The words before the colon, as the prompt writes them."""

    thought: str = "Thought"
    action: str = "Action"
    input: str = "Action Input"
    answer: str = "Answer"
    observation: str = "Observation"
    question: str = "Question"

    def word(self, kind: LabelKind) -> str:
        """The prompt's own word for a kind of line ("" for a speaker's name)."""
        return str(getattr(self, kind, ""))


@dataclass(frozen=True)
class Dialect:
    """How a move is written.

    ``form`` colon: ``Action: tool: input``; bracket: ``Action: tool[input]``, its labels
    may be numbered and ``finish`` is the tool that answers; two_line: ``Action: tool``
    and ``Action Input: input`` below it. Where ``calls_only`` holds, an Answer is no
    move of the form (the talk's prompt, whose calls stand under ``Answer:``).
    """

    name: str
    form: Form
    labels: Labels = Labels()
    finish: str = ""
    calls_only: bool = False

    @property
    def stops(self) -> tuple[str, str]:
        """Stop strings for a prompt in this dialect; a numbered label needs the bare word."""
        colon = "" if self.form == "bracket" else ":"
        return f"{self.labels.observation}{colon}", f"\n{self.labels.question}:"

    @property
    def notice(self) -> str:
        """What the loop sends back, as the Observation, after a step it cannot read."""
        action, answer = self.labels.action, self.labels.answer
        if self.calls_only:
            return f'Error: write one line "{action}: tool: input".'
        if self.form == "bracket":
            finish = f"{action}: {self.finish}[answer]"
            return f'Error: write one line "{action}: tool[input]" or "{finish}".'
        if self.form == "two_line":
            return (
                f'Error: write two lines "{action}: tool" and "{self.labels.input}: input", '
                f'or one line "{answer}: text".'
            )
        return f'Error: write one line "{action}: tool: input" or "{answer}: text".'


JAPANESE = Labels("思考", "行動", "行動入力", "回答", "観察", "質問")

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("colon", "colon"),
        Dialect("bracket", "bracket", finish="Finish"),
        Dialect("two_line", "two_line", Labels(answer="Final Answer")),
        Dialect("deck", "colon", replace(Labels(), action="Answer"), calls_only=True),
        Dialect("colon-ja", "colon", JAPANESE),
    )
}


def dialect_of(dialect: str | Dialect) -> Dialect:
    """The dialect of that name. Raises UserError for a name that is not in DIALECTS."""
    if isinstance(dialect, Dialect):
        return dialect
    if dialect in DIALECTS:
        return DIALECTS[dialect]
    near = difflib.get_close_matches(str(dialect), DIALECTS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UserError(f"dialect {dialect!r}: {hint}known: {', '.join(DIALECTS)}")


# Words that models write for a label, whatever the prompt said: lower case, single spaces.
_SPELLINGS: dict[LabelKind, tuple[str, ...]] = {
    "thought": (
        *("thought", "thoughts", "my thought", "thinking", "reasoning"),
        *("思考", "考え", "考察", "想法"),
    ),
    "action": (
        *("action", "actions", "next action", "act", "tool", "tool name", "command"),
        *("tool call", "function call", "tool use"),
        *("行動", "アクション", "行动"),
    ),
    "input": (
        *("action input", "actions input", "tool input", "input"),
        *("行動入力", "行動の入力", "アクション入力", "入力", "行动输入", "输入"),
    ),
    "answer": (
        *("answer", "final answer", "the answer", "the final answer", "my answer"),
        *("回答", "最終回答", "答え", "最終的な答え", "最终答案", "答案"),
    ),
    "observation": (
        *("observation", "observations", "tool response", "function response"),
        *(
            "観察",
            "観察結果",
            "観測",
            "観測結果",
            "結果",
            "検索結果",
            "計算結果",
            "実行結果",
            "出力",
        ),
        *("出力結果", "応答", "ツールの結果", "ツールの出力", "ツール結果", "ツール出力"),
        *("观察", "观察结果", "结果", "搜索结果", "输出", "工具输出", "返回结果"),
    ),
    "question": ("question", "new question", "next question", "質問", "問題", "问题"),
    "user": ("human", "user", "ユーザー", "人間", "用户"),
    "assistant": ("assistant", "ai", "bot", "system", "gpt", "アシスタント", "助手"),
}
WORDS: dict[str, LabelKind] = {word: kind for kind, words in _SPELLINGS.items() for word in words}
# What comes back from a tool: one of these nouns, with nothing but such words, or a tool's
# name, before it ("Tool output", "Search results", "Wikipedia response").
OBSERVATION_NOUNS = frozenset(
    (
        *("observation", "observations", "observe", "observed", "obs", "result", "results"),
        *("output", "outputs", "response", "responses", "tool response", "returned"),
    )
)
OBSERVATION_WORDS = frozenset(
    (
        *("the", "my", "a", "an", "new", "tool", "tools", "action", "search", "function", "api"),
        *("wiki", "wikipedia", "google", "web", "calculator", "calculation", "lookup", "query"),
        *("system", "execution", "page", "article"),
    )
)
