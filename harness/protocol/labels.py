"""Finds label words as models write them: in any case, numbered, bold, in brackets, as tags.

``LabelReader`` finds the labels at the beginning of lines and those inside lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from harness.protocol.dialects import Dialect
from harness.protocol.tool_names import KnownTools, spelling

LabelKind = Literal[
    "thought", "action", "input", "answer", "observation", "question", "user", "assistant"
]
# Words that models write for a label, whatever the prompt said: lower case, single spaces.
_SPELLINGS: dict[LabelKind, str] = {
    "thought": "thought, thoughts, my thought, thinking, reasoning, 思考, 考え, 考察, 想法",
    "action": "action, actions, next action, act, tool, tool name, command, tool call, "
    "function call, tool use, 行動, アクション, 行动",
    "input": "action input, actions input, tool input, input, "
    "行動入力, 行動の入力, アクション入力, 入力, 行动输入, 输入",
    "answer": "answer, final answer, the answer, the final answer, my answer, "
    "回答, 最終回答, 答え, 最終的な答え, 最终答案, 答案",
    "observation": "observation, observations, tool response, function response, "
    "観察, 観察結果, 観測, 観測結果, 結果, 検索結果, 計算結果, 実行結果, 出力, 出力結果, 応答, "
    "ツールの結果, ツールの出力, ツール結果, ツール出力, "
    "观察, 观察结果, 结果, 搜索结果, 输出, 工具输出, 返回结果",
    "question": "question, new question, next question, 質問, 問題, 问题",
    "user": "human, user, ユーザー, 人間, 用户",
    "assistant": "assistant, ai, bot, system, gpt, アシスタント, 助手",
}
LABEL_WORDS: dict[str, LabelKind] = {
    word: kind for kind, words in _SPELLINGS.items() for word in words.split(", ")
}
# What comes back from a tool: one of these nouns, with nothing but such words, or a tool's
# name, before it ("Tool output", "Search results", "Wikipedia response").
_OBSERVATION_NOUNS = (
    *("observation", "observations", "observe", "observed", "obs", "result", "results"),
    *("output", "outputs", "response", "responses", "tool response", "returned"),
)
_OBSERVATION_WORDS = (
    *("the", "my", "a", "an", "new", "tool", "tools", "action", "search", "function", "api"),
    *("wiki", "wikipedia", "google", "web", "calculator", "calculation", "lookup", "query"),
    *("system", "execution", "page", "article"),
)

# What may stand before a label, and round it; and what is no markup before one.
_BEFORE = " \t\u00a0\u3000*_`#>-+=~•●○◦▪■□◆◇▶►→⇒➤・‣–—|[(<【《«"
AROUND = " \t\u00a0\u3000*_`~#>])】》»"
_NO_MARKUP = "\"'“”{}\\\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_REACH = 48  # a label and its decoration end within so many characters
_LONGEST_KEY = 40
SPEAKERS = ("user", "assistant")
CLOSING_MARKS = dict(zip('[(<【《「『"“', '])>】》」』"”', strict=True))
_MARKS = ("**", "__", "~~", "`", "*", "_")
_TAG = re.compile(
    r"[ \t*_`#>\-•]{0,8}+([\[<【(])([^\]>】)\n:：/\"'{}]{1,30}+)([\]>】)])[*_`]{0,3}+[ \t]*+[:：]?"
)
_OTHER_SIGNS = "-=>–—→ \t"  # "Observation - it is 4"
_ASIDE = re.compile(r"\s*[(\[（][^)\]）]{0,30}[)\]）]?\s*$")


@dataclass(frozen=True)
class Label:
    """A label; the text goes on ``end`` characters after its line began.

    ``own``: the prompt's own word as the prompt writes it. ``full``: a word of two, or
    one that is nothing else ("Final Answer", "observation"). ``mark`` closes what was
    opened before the label.
    """

    kind: LabelKind
    end: int
    flaws: tuple[str, ...] = ()
    own: bool = True
    full: bool = True
    mark: str = ""

    @property
    def certain(self) -> bool:
        """Whether it is a label wherever it stands."""
        return self.own or self.full


@cache
def _tables(dialect: Dialect) -> tuple[dict[str, LabelKind], dict[str, LabelKind]]:
    """The dialect's own words, and every word that may stand for a label."""
    kinds: tuple[LabelKind, ...] = get_args(LabelKind)
    # where two kinds share a word (the deck's "Answer"), the later one reads it
    own = {word: kind for kind in kinds if (word := getattr(dialect.labels, kind, ""))}
    return own, {**LABEL_WORDS, **{word.lower(): kind for word, kind in own.items()}}


@cache
def _patterns(dialect: Dialect) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Candidates: lines that may begin with a label, and labels inside lines."""
    own, words = _tables(dialect)
    nouns = sorted(_OBSERVATION_NOUNS, key=len, reverse=True)
    alone = "|".join(re.escape(word) for word in sorted({*own, *nouns}, key=len, reverse=True))
    observation = dict.fromkeys(("observation", *(w for w in own if own[w] == "observation")))
    own_observation = "|".join(re.escape(word) for word in observation)
    starts = re.compile(
        rf"^(?:[^\n:：]{{0,{_REACH}}}+[:：]"
        rf"|[ \t*_`#>\-•]{{0,8}}+[\[<【(][^\]>】)\n:：]{{1,30}}+[\]>】)]"
        rf"|[ \t*_`#>\-•]{{0,8}}+(?:{own_observation})[*_`]{{0,3}}[ \t]{{0,3}}(?:[-=]>?|[–—→])(?=[ \t])"
        rf"|[ \t*_`#>\-•\[<]{{0,8}}+(?:{alone})[ \t]*+\d{{0,2}}+[*_`~#>\]]{{0,8}}+[ \t]*+$)",
        re.MULTILINE | re.IGNORECASE,
    )
    inner = [word for word, kind in words.items() if kind not in SPEAKERS and len(word) < _REACH]
    both = sorted({*inner, *nouns}, key=len, reverse=True)
    spelt = "|".join(re.escape(word).replace(r"\ ", r"[ _]") for word in both)
    inside = re.compile(
        rf"(?:(?<![^\W_])|(?-i:(?<=[a-z0-9])(?=[A-Z])))({spelt})(?:[ ]?\d{{1,2}})?"
        rf"(?:[ ]?[(\[][^)\]\n:：]{{1,30}}[)\]])?[*_`\]]{{0,3}}[ ]?[:：]",
        re.IGNORECASE,
    )
    return starts, inside


class LabelReader:
    """Recognises labels for one dialect and its tools."""

    def __init__(self, tools: KnownTools) -> None:
        self.dialect = tools.dialect
        self.tools = {spelling(name): name for name in tools.exact}
        self.own, self.words = _tables(self.dialect)
        self.starts, self.within = _patterns(self.dialect)
        self.seen: dict[str, Label | None] = {}

    def labels(self, text: str) -> Iterator[tuple[int, int, Label]]:
        """Every line that begins with a label: where it starts, where its value starts."""
        for candidate in self.starts.finditer(text):
            head = candidate[0]
            if head not in self.seen:
                self.seen[head] = self._read(head)
            label = self.seen[head]
            if label:
                yield candidate.start(), candidate.start() + label.end, label

    def inside(self, text: str) -> Iterator[tuple[int, int, Label]]:
        """Every place where a label's word stands with a colon, wherever that is."""
        for candidate in self.within.finditer(text):
            head = candidate[0]
            label = self._read(head)
            if label:
                start = candidate.start()
                yield start, start + label.end, self._marked(label, text[max(0, start - 2) : start])

    def _marked(self, label: Label, before: str) -> Label:
        mark = _closing(before)
        if not mark:
            return label
        return replace(label, flaws=(*label.flaws, "decorated"), mark=mark)

    def label_of(self, value: str) -> Label | None:
        """The label that a value itself begins with."""
        found = self.starts.match(value[:_REACH])
        return self._read(found[0]) if found and found[0][-1:] in (":", "：") else None

    def _read(self, head: str) -> Label | None:
        """The label that a line's beginning is (if it is one)."""
        tag = _TAG.match(head)
        if tag and (label := self._tagged(tag)):
            return label
        sign = head[-1] if head[-1] in ":：" else ""
        word = head[:-1] if sign else head.rstrip(_OTHER_SIGNS)
        return self._read_word(head, word, sign)

    def _tagged(self, tag: re.Match[str]) -> Label | None:
        opening, word, closing = tag.groups()
        kind = self._kind(word)
        if (
            CLOSING_MARKS[opening] != closing
            or kind is None
            or (kind == "input" and opening == "(")
        ):
            return None
        if _word_key(word).endswith(" call"):  # a template's mark: the call stands behind it
            return None
        flaws = (
            ["decorated"] if self._own_word(word.strip(), kind) else ["wrong_label", "decorated"]
        )
        mark = f"</{word.split()[0]}>" if opening == "<" and word.split() else ""
        return Label(kind, tag.end(), tuple(flaws), own=False, full=True, mark=mark)

    def _read_word(self, head: str, word: str, sign: str) -> Label | None:
        if sign == ":" and word in self.own:
            return Label(self.own[word], len(head), full=_full(word))
        bare = _without_number(_from_letter(word)).rstrip(AROUND)
        plain = bare if bare.isascii() else unicodedata.normalize("NFKC", bare)
        kind = self._kind(plain)
        if kind is None or (kind in SPEAKERS and word.lstrip("# ") != bare):
            return None  # a speaker's name in bold is somebody's list
        own = self._own_word(plain, kind)
        flaws = []
        if not sign:
            if kind == "observation" or own:
                flaws.append("wrong_label")
            else:
                return None
        if "\\" in bare:
            flaws.append("escaped_markdown")
        if sign == "：" or plain != bare:
            flaws.append("fullwidth_punctuation")
        if word != bare:
            flaws.append("decorated")
        if kind in SPEAKERS:
            flaws.append("role_leak")
        elif not own:
            flaws.append("wrong_label")
        mark = _closing(word[: len(word) - len(_from_letter(word))])
        return Label(kind, len(head), tuple(flaws), own, _full(plain), mark)

    def _kind(self, plain: str) -> LabelKind | None:
        if len(plain) > _LONGEST_KEY:
            return None
        key = _word_key(plain)
        kind = self.words.get(key) or self.words.get(_word_key(_ASIDE.sub("", plain)))
        if kind or spelling(plain) in self.tools:
            return kind if spelling(plain) not in self.tools or plain in self.own else None
        return "observation" if self._observes(_word_key(_ASIDE.sub("", plain))) else None

    def _observes(self, key: str) -> bool:
        """Whether words name what came back from a tool."""
        for joint in (" from ", " of "):
            key, _, source = key.partition(joint)
            if len(source.split()) > 2:
                return False
        words = key.split()
        if not words or len(words) > 4 or words[-1] not in _OBSERVATION_NOUNS:
            return False
        return all(w in _OBSERVATION_WORDS or w in self.tools for w in words[:-1])

    def _own_word(self, plain: str, kind: LabelKind) -> bool:
        if self.dialect.form == "bracket":  # whose labels may be numbered
            plain = plain.rstrip("0123456789").rstrip(" ")
        return self.own.get(plain) == kind


def _full(plain: str) -> bool:
    key = _word_key(plain)
    return " " in key or key in ("observation", "observations") or not key.isascii()


def _from_letter(word: str) -> str:
    """``🔎 **Action`` from its first letter on; a quotation mark or brace is JSON's."""
    if word[:1] in ('"', "“") and not any(mark in word[1:] for mark in "\"”'"):
        word = word[1:]
    first = (at for at, char in enumerate(word) if char.isalnum() or char in _NO_MARKUP)
    return word[next(first, 0) :]


def _without_number(word: str) -> str:
    """``1. Action`` without its number."""
    digits = len(word) - len(word.lstrip("0123456789"))
    if 0 < digits <= 3 and word[digits : digits + 1] in (".", ")"):
        return word[digits + 1 :].lstrip(_BEFORE)
    return word


def _word_key(plain: str) -> str:
    """The word as the table of words holds it, without numbers."""
    words = plain.replace("\\", "").replace("_", " ").replace("-", " ").lower().split()
    return " ".join(kept for word in words if (kept := word.strip("*#()").rstrip("0123456789")))


def _closing(opened: str) -> str:
    """The mark that closes what is opened in front of a label ("" = nothing is)."""
    for mark in _MARKS:
        if opened.endswith(mark) and opened.count(mark) % 2:
            return mark
    return next((closing for opening, closing in CLOSING_MARKS.items() if opening in opened), "")
