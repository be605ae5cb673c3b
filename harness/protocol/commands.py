"""One move's text as a tool and its input, or as an answer.

Knows every written form of a call; the prompt's own form passes without a flaw. Does not
know what surrounds the move.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.protocol.dialects import Dialect
from harness.types import Action, Answer, Move

FENCES = ("```", "~~~")
_FINISH = ("finish", "final answer", "answer", "final", "done", "回答", "最終回答")
_NOTHING = ("", "none", "n/a", "na", "null", "nothing", "no action", "no tool", "なし", "-")
_QUOTES = ('""', "''", "“”", "‘’", "「」", "『』", "«»", "``", "„“")
_TOOL_KEYS = ("action", "tool", "tool_name", "name", "function", "command")
_INPUT_KEYS = ("action_input", "tool_input", "input", "arguments", "args", "parameters", "query", "argument")
_GLUE = ("for", "up", "on", "about", "to", "the", "with", "using", "it", "and", "is")
_SIGNS = ("-", "–", "—", "->", "=>", "→", "|", "=")
_WRAPS = "*_`<>[]()\"'“”「」【】 \t"
_WIDE = str.maketrans({"：": ":", "［": "[", "］": "]", "（": "(", "）": ")"})
_LONGEST_TOOL = 64
_REACH = 40
_DEEPEST = 1000
_LONGEST_JSON = 20_000


@dataclass
class Command:
    """A move and what was wrong with how it was written. ``move`` None: an action that
    cannot be read. ``used`` counts the lines below the label that belong to it,
    ``closed`` says that its end is marked, so that it cannot have been cut off."""

    move: Move | None
    flaws: list[str] = field(default_factory=list)
    used: int = 0
    closed: bool = False
    rest: str = ""
    nothing: bool = False


class Tools:
    """The tools that the prompt names, found under other spellings too."""

    def __init__(self, names: Sequence[str], dialect: Dialect) -> None:
        self.exact = dict.fromkeys(names)
        self.dialect = dialect
        self.near: dict[str, list[str]] = {}
        for name in self.exact:
            self.near.setdefault(_spelling(name), []).append(name)

    def find(self, written: str, flaws: list[str]) -> str | None:
        """The known tool that is meant, or None. Notes what was wrong with the spelling."""
        if written in self.exact:
            return written
        if len(written) > 2 * _LONGEST_TOOL:
            return None
        plain, noted = plain_name(written)
        if plain not in self.exact:
            near = self.near.get(_spelling(plain), [])
            if len(near) != 1:
                return None
            if self.dialect.form != "bracket" or plain.lower() != near[0].lower():
                noted.append("misspelt_tool")
            plain = near[0]
        flaws += noted
        return plain

    def finishes(self, written: str) -> bool:
        """Whether the name is the word that ends an episode, and no tool."""
        plain, _ = plain_name(written[: 2 * _LONGEST_TOOL])
        own = self.dialect.finish.lower()
        word = plain.replace("_", " ").lower()
        return not self.find(written, []) and word in (*_FINISH, own or "finish")


def plain_name(written: str) -> tuple[str, list[str]]:
    """A name without markup, backslashes and full-width forms, and the flaws it had."""
    flaws = []
    name = written.strip()
    if "\\" in name:
        name = name.replace("\\", "")
        flaws.append("escaped_markdown")
    bare = name.strip(_WRAPS) if not name.startswith("__") else name
    if bare != name:
        flaws.append("decorated")
    plain = unicodedata.normalize("NFKC", bare)
    if plain != bare:
        flaws.append("fullwidth_punctuation")
    return plain, flaws


def _spelling(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in "_- \t")


def is_nothing(value: str) -> bool:
    """Whether an Action says that there is none."""
    return value.strip(_WRAPS + ".。").lower() in _NOTHING


def read_command(line: str, tools: Tools) -> Command | None:
    """The call written in one line, in whatever form. None where it is no call."""
    first, second = (_bracket, _colon) if tools.dialect.form == "bracket" else (_colon, _bracket)
    for reader in (read_json, first, second, _paren, _spaced):
        command = reader(line, tools)
        if command:
            return command
    return None


def _colon(value: str, tools: Tools) -> Command | None:
    """``tool: input``"""
    plain = value.replace("：", ":", 1)
    at = plain.find(":", 0, _LONGEST_TOOL)
    if at < 0:
        return None
    flaws = ["fullwidth_punctuation"] if value[at] == "：" else []
    if tools.dialect.form != "colon":
        flaws.append("wrong_dialect")
    return _call(value[:at], value[at + 1 :], tools, flaws)


def _bracket(value: str, tools: Tools) -> Command | None:
    """``tool[input]``, brackets balanced."""
    wide = value.replace("［", "[").replace("］", "]")
    flaws = ["fullwidth_punctuation"] if wide != value and "［" in value[:_LONGEST_TOOL] else []
    value = wide if flaws else value
    at = value.find("[", 0, _LONGEST_TOOL)
    if at <= 0:
        return None
    if tools.dialect.form != "bracket":
        flaws.append("wrong_dialect")
    return _enclosed(value, at, "[]", tools, flaws)


def _paren(value: str, tools: Tools) -> Command | None:
    """``tool(input)``, the way of a programming language."""
    at = value.replace("（", "(", 1).find("(", 0, _LONGEST_TOOL)
    if at <= 0:
        return None
    flaws = ["wrong_dialect"]
    if value[at] == "（":
        value = value.translate(_WIDE)
        flaws.append("fullwidth_punctuation")
    command = _enclosed(value, at, "()", tools, flaws)
    if command and command.rest:  # calculate (3 + 4) * 2 is no call
        return None
    if command and isinstance(command.move, Action):
        name, equals, rest = command.move.input.partition("=")
        if equals and name.strip().isidentifier() and rest.strip()[:1] in "\"'":
            command.move = Action(command.move.tool, rest.strip())
    return command


def _enclosed(value: str, at: int, pair: str, tools: Tools, flaws: list[str]) -> Command | None:
    end = _matching(value, at + 1, pair)
    if end < 0:
        command = _call(value[:at], value[at + 1 :], tools, [*flaws, "unclosed_bracket"])
    else:
        command = _call(value[:at], value[at + 1 : end], tools, flaws)
    if command and end >= 0:
        command.closed = True
        command.rest = value[end + 1 :].strip(" \t.。,;*`_")
        if pair == "[]" and _names_another(command.rest, tools):
            return Command(None, ["several_actions"], closed=True)
        if value[end + 1 :].strip() and not command.rest:
            command.flaws.append("trailing_text" if value[end + 1 :].strip(" *`_") else "decorated")
    return command


def _matching(value: str, at: int, pair: str) -> int:
    """Where the bracket that is open before ``at`` is closed (-1 = never). Linear."""
    depth = 1
    for _ in range(_DEEPEST):
        end = value.find(pair[1], at)
        if end < 0:
            return -1
        depth += value.count(pair[0], at, end) - 1
        if depth == 0:
            return end
        at = end + 1
    return value.rfind(pair[1])


def _names_another(rest: str, tools: Tools) -> bool:
    """Whether a second ``tool[`` follows a first one on its line."""
    words = rest.partition("[")[0].split()
    return "[" in rest and bool(words) and (tools.find(words[-1], []) is not None or tools.finishes(words[-1]))


def _spaced(value: str, tools: Tools) -> Command | None:
    """``tool input``: only a known tool, and no sentence that happens to begin like one."""
    name, _, rest = value.partition(" ")
    first, _, after = rest.strip().partition(" ")
    if first in _SIGNS:
        rest = after
    elif first.lower() in _GLUE:
        return None
    flaws = ["wrong_dialect"]
    tool = tools.find(name, flaws)
    if tool is None or not rest.strip():
        return None
    return Command(Action(tool, rest.strip()), flaws)


def _call(name: str, text: str, tools: Tools, flaws: list[str]) -> Command | None:
    """A call of a tool by a name: a known one, the finishing word, or one unknown word."""
    if tools.finishes(name):
        if tools.dialect.form == "bracket" and "[" not in name and "wrong_dialect" not in flaws:
            own = [] if name.strip().lower() == tools.dialect.finish.lower() else ["wrong_label"]
        else:
            own = ["wrong_dialect"]
        return Command(Answer(text.strip()), [*flaws, *own])
    tool = tools.find(name, flaws)
    if tool is None:
        plain, noted = plain_name(name)
        if not is_name(plain):
            return None
        tool, flaws = plain, [*flaws, *noted, "unknown_tool"]
    return Command(Action(tool, text.strip()), flaws)


def is_name(word: str) -> bool:
    """Whether a word could be a tool's name: one word, no sentence."""
    return 0 < len(word) <= _LONGEST_TOOL and all(c.isalnum() or c in "_-./" for c in word)


# --- JSON -------------------------------------------------------------------------------


def read_json(text: str, tools: Tools) -> Command | None:
    """A call written as one JSON object, fenced or not, at the beginning of a text."""
    found = decode_object(text)
    if found is None:
        return None
    data, end = found
    name = next((data[key] for key in _TOOL_KEYS if isinstance(data.get(key), str | dict)), None)
    arguments = next((data[key] for key in _INPUT_KEYS if key in data), "")
    if isinstance(name, dict):  # {"function": {"name": …, "arguments": …}}
        arguments = next((name[key] for key in _INPUT_KEYS if key in name), arguments)
        name = name.get("name")
    if not isinstance(name, str):
        return None
    command = _call(name, plain_input(arguments, tools.dialect), tools, [])
    if command:
        command.flaws = ["json_action", *(flaw for flaw in command.flaws if flaw != "wrong_dialect")]
        command.used, command.closed = text.count("\n", 0, end), True
        command.rest = text[end:].partition("\n")[0].strip(" \t`~],")
    return command


def decode_object(text: str) -> tuple[dict[str, object], int] | None:
    """The JSON object at the beginning of a text (behind a code fence or a list's
    bracket, if need be), and where it ends."""
    start = text.find("{", 0, _REACH)
    if start < 0 or text[:start].strip("`~ \t\n[json"):
        return None
    try:
        data, end = json.JSONDecoder(strict=False).raw_decode(text[:_LONGEST_JSON], start)
    except (ValueError, RecursionError):
        return None
    return data, end


def plain_input(arguments: object, dialect: Dialect) -> str:
    """JSON arguments as the one string that a tool takes: the only value there is, or
    the object itself where there are several (or the dialect passes objects on)."""
    if isinstance(arguments, dict) and len(arguments) == 1 and dialect.form != "two_line":
        arguments = next(iter(arguments.values()))
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments is not None else ""


# --- inputs -----------------------------------------------------------------------------


def tidy_input(text: str, flaws: list[str]) -> str:
    """A plain input without quotation marks, markup and markdown's backslashes round it."""
    text = text.strip()
    for mark in ("**", "`"):
        if text.startswith(mark) and len(text) > 2 * len(mark):
            inner = text.removeprefix(mark).removesuffix(mark)
            if mark not in inner and (text.endswith(mark) or mark == "**"):
                text = inner.strip()
                flaws.append("decorated")
    if "\\_" in text or "\\*" in text:
        text = text.replace("\\_", "_").replace("\\*", "*")
        flaws.append("escaped_markdown")
    for pair in _QUOTES:
        inner = text[1:-1]
        if len(text) > 2 and text[0] == pair[0] and text[-1] == pair[1] and not set(pair) & set(inner):
            flaws.append("quoted_input")
            return inner.strip()
    if text[:1] in ('"', "“", "「") and len(text) > 1 and not set('"”」') & set(text[1:]):
        flaws.append("quoted_input")  # opened, never closed
        return text[1:].strip()
    return text
