"""Reads one call's text as a tool and its input, or as an answer.

Every known form of a call is read, the prompt's own without a flaw. ``moves`` finds the
lines that a call takes up.
"""

from __future__ import annotations

import re

from harness.protocol.json_calls import decode_object, plain_input, read_json
from harness.protocol.tool_names import KnownTools, WrittenMove, call_by_name
from harness.types import Action

FENCES = ("```", "~~~")
TOOL_CALL = "<tool_call>"
_PARAMETERS = frozenset(
    (
        *("action_input", "tool_input", "input", "arguments", "args", "parameters", "query"),
        *(
            "argument",
            "expression",
            "q",
            "title",
            "term",
            "text",
            "keyword",
            "search_query",
            "page",
        ),
    )
)
_KEYWORD = re.compile(r"\s*+([A-Za-z]\w{0,30}+)\s*+[=:]\s*+(.*+)", re.DOTALL)
_CLOSING_TAG = re.compile(r"</((?:final_)?answer|action|action_input|input|tool_call)>$")
# After a tool's name: words that go on with a sentence, and signs that only separate.
_GLUE = (
    *("for", "up", "on", "about", "to", "the", "with", "using", "it", "and", "is", "tool"),
    *("search", "lookup", "query", "page", "article", "entry", "results", "result", "again"),
)
_SIGNS = frozenset(("-", "–", "—", "->", "=>", "→", "|", "="))
_BRACKETS = {"[": "]", "［": "］", "【": "】"}
_PARENTHESES = {"(": ")", "（": "）"}
_ALL_BRACKETS = {**_BRACKETS, **_PARENTHESES, "{": "}"}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "«": "»", "„": "“"}
_ROUND_A_CALL = {"[": "]", "(": ")", "<": ">", '"': '"', "'": "'", "「": "」", "`": "`", "{": "}"}
_REACH = 64  # a name ends within so many characters
_DEEPEST = 1000
_LONGEST_JOINED = 2000
_MOST_JOINED = 40  # lines that one open bracket may run over


def read_call(line: str, tools: KnownTools) -> WrittenMove | None:
    """The call written in one line, in whatever form. None where it is no call."""
    first, second = (_bracket, _colon) if tools.dialect.form == "bracket" else (_colon, _bracket)
    for reader in (read_json, _wrapped, first, second, _paren, _spaced):
        written = reader(line, tools)
        if written:
            return written
    return None


def _wrapped(line: str, tools: KnownTools) -> WrittenMove | None:
    """A call with brackets, quotation marks or code marks round it as a whole."""
    inner = _between(line, _ROUND_A_CALL) or _in_marks(line)
    written = read_call(inner, tools) if inner else None
    if written:
        written.flaws.append("decorated")
        written.closed = True
    return written


def _between(text: str, pairs: dict[str, str]) -> str:
    """What stands between two marks that are a pair and occur nowhere else ("" = nothing)."""
    opening, closing = text[:1], pairs.get(text[:1])
    if not closing or len(text) < 3 or text[-1] != closing:
        return ""
    inner = text[1:-1]
    return "" if opening in inner or closing in inner else inner.strip()


def _in_marks(text: str) -> str:
    """What stands in brackets that hold other brackets, or in bold marks."""
    closing = _ALL_BRACKETS.get(text[:1])
    if closing and _matching(text, 1, text[0], closing) == len(text) - 1:
        return text[1:-1].strip()
    for mark in ("**", "__", "~~", "*", "_"):
        if text.startswith(mark) and text.endswith(mark) and text.count(mark) == 2:
            return text[len(mark) : -len(mark)].strip()
    return ""


def _colon(line: str, tools: KnownTools) -> WrittenMove | None:
    """``tool: input``"""
    places = [at for sign in ":：" if (at := line.find(sign, 0, _REACH)) >= 0]
    if not places:
        return None
    at = min(places)
    flaws = ["fullwidth_punctuation"] if line[at] == "：" else []
    if tools.dialect.form != "colon":
        flaws.append("wrong_dialect")
    return call_by_name(line[:at], line[at + 1 :], tools, flaws)


def _bracket(line: str, tools: KnownTools) -> WrittenMove | None:
    """``tool[input]``, brackets balanced."""
    return _enclosed(
        line, _BRACKETS, tools, [] if tools.dialect.form == "bracket" else ["wrong_dialect"]
    )


def _paren(line: str, tools: KnownTools) -> WrittenMove | None:
    """``tool(input)`` or ``tool(name="input")``, the way of a programming language."""
    written = _enclosed(line, _PARENTHESES, tools, ["wrong_dialect"])
    if written and written.rest:  # calculate (3 + 4) * 2 is no call
        return None
    if written and isinstance(written.move, Action):
        written.move = Action(written.move.tool, _keyword_value(written.move.input, False))
    return written


def _keyword_value(text: str, quoted: bool) -> str:
    """The value of ``name="value"`` or ``name: "value"``; anything else as it is.

    ``quoted``: only a value in quotation marks, behind a usual name for an argument."""
    found = _KEYWORD.fullmatch(text[:_LONGEST_JOINED]) if len(text) <= _LONGEST_JOINED else None
    if found is None:
        return text
    name, value = found[1].lower(), found[2].strip()
    if _between(value, _QUOTES):
        return value if name in _PARAMETERS or not quoted else text
    several = '"' in value or "'" in value
    return value if name in _PARAMETERS and value and not quoted and not several else text


def _enclosed(
    line: str, pairs: dict[str, str], tools: KnownTools, flaws: list[str]
) -> WrittenMove | None:
    places = [at for opening in pairs if (at := line.find(opening, 0, _REACH)) > 0]
    if not places:
        return None
    at = min(places)
    opening, closing = line[at], pairs[line[at]]
    if not opening.isascii():
        flaws = [*flaws, "fullwidth_punctuation"]
    end = _matching(line, at + 1, opening, closing)
    if end < 0:
        return call_by_name(line[:at], line[at + 1 :], tools, [*flaws, "unclosed_bracket"])
    written = call_by_name(line[:at], line[at + 1 : end], tools, flaws)
    if written is None:
        return None
    behind = line[end + 1 :].strip()
    written.closed = True
    written.rest = behind.strip(f" \t.。,;*`_{closing}")
    if _names_another(written.rest, opening, tools):
        return WrittenMove(None, ["several_actions"], closed=True)
    if behind and not written.rest:
        written.flaws.append("trailing_text" if behind.strip(" *`_") else "decorated")
    return written


def _matching(line: str, at: int, opening: str, closing: str) -> int:
    """Where the bracket that is open before ``at`` is closed (-1 = never)."""
    depth = 1
    for _ in range(_DEEPEST):
        end = line.find(closing, at)
        if end < 0:
            return -1
        depth += line.count(opening, at, end) - 1
        if depth == 0:
            return end
        at = end + 1
    return line.rfind(closing)


def _names_another(rest: str, opening: str, tools: KnownTools) -> bool:
    """Whether a second call follows a first one on its line."""
    words = rest.partition(opening)[0].split() if opening in rest else []
    return bool(words) and (tools.known(words[-1]) or tools.finishes(words[-1]))


def _spaced(line: str, tools: KnownTools) -> WrittenMove | None:
    """``tool input``: only a known tool, and no sentence that happens to begin like one."""
    name, _, rest = line.partition(" ")
    first, _, after = rest.strip().partition(" ")
    if first in _SIGNS:
        rest = after
    elif first.lower() in _GLUE or (after and tools.known(first)):
        return None
    flaws = ["wrong_dialect"]
    tool = tools.find(name, flaws)
    if tool is None or not rest.strip():
        return None
    return WrittenMove(Action(tool, rest.strip()), flaws)


# --- brackets over several lines --------------------------------------------------------


def joined(value: str, below: str) -> tuple[str, int]:
    """A line with those of ``below`` up to where its open brackets close, and how many.

    None where they never do, or not at the end of a line."""
    open_brackets: list[str] = []
    if len(value) > _LONGEST_JOINED or not _left_open(value, open_brackets):
        return value, 0
    text = value
    lines = below[: 2 * _LONGEST_JOINED].split("\n", _MOST_JOINED)
    for count, line in enumerate(lines[:_MOST_JOINED], 1):
        text += "\n" + line
        if not _left_open(line, open_brackets):
            ends = line.rstrip(" \t.;,`*")[-1:] in _ALL_BRACKETS.values()
            return (text, count) if ends else (value, 0)
    return value, 0


def _left_open(line: str, open_brackets: list[str]) -> bool:
    """Whether brackets are open at the end of a line; the closing ones that are due."""
    for char in line:
        if char in _ALL_BRACKETS:
            open_brackets.append(_ALL_BRACKETS[char])
        elif open_brackets and char == open_brackets[-1]:
            open_brackets.pop()
    return bool(open_brackets)


# --- inputs -----------------------------------------------------------------------------


def tidy_input(text: str, flaws: list[str]) -> str:
    """A plain input without markup, markdown's backslashes, a parameter's name and one
    pair of quotation marks round it."""
    text = strip_markup(without_closing(text.strip(), flaws), flaws)
    if "\\_" in text or "\\*" in text:
        text = text.replace("\\_", "_").replace("\\*", "*")
        flaws.append("escaped_markdown")
    if (value := _keyword_value(text, True)) != text:
        text = value
        flaws.append("wrong_dialect")
    if inner := _between(text, _QUOTES):
        flaws.append("quoted_input")
        return inner
    if len(text) > 1 and text[0] in '"“「' and not any(mark in text[1:] for mark in '"”」'):
        flaws.append("quoted_input")  # opened, never closed
        return text[1:].strip()
    return text


def json_input(text: str, flaws: list[str]) -> str | None:
    """An input that is one JSON object, as the tool takes it. None where it is none."""
    found = decode_object(text)
    if found is None or text[found[1] :].strip("`~ \t\n.;"):
        return None
    flaws += ["json_action", *found[2]]
    return plain_input(found[0])


def without_closing(text: str, flaws: list[str]) -> str:
    """A text without the fence or tag at its end that closes what stands before it."""
    for mark in FENCES:
        if text.endswith(mark) and text.count(mark) == 1 and text != mark:
            flaws.append("code_fence")
            return text.removesuffix(mark).rstrip()
    tag = _CLOSING_TAG.search(text[-_REACH:])
    if tag and tag.start() and f"<{tag[1]}" not in text:
        flaws.append("decorated")
        return text[: -len(tag[0])].rstrip()
    return text


def strip_markup(text: str, flaws: list[str]) -> str:
    """A text without bold or code marks round it as a whole (or left before or behind)."""
    for mark in ("**", "`"):
        if mark not in text or text.count(mark) > 2 or len(text) <= len(mark):
            continue
        inner = text.removeprefix(mark).removesuffix(mark)
        both = text.startswith(mark) and text.endswith(mark)
        lone = text.count(mark) == 1 and (text.startswith("**") or text.endswith("`"))
        if inner.strip() and mark not in inner and (both or lone):
            flaws.append("decorated")
            return inner.strip()
    return text
