"""One call's text as a tool and its input, or as an answer.

Knows every written form of a call; the prompt's own form passes without a flaw. Does not
know which lines it stands on, nor what surrounds it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.protocol.dialects import Dialect
from harness.types import Action, Answer, Move

FENCES = ("```", "~~~")
# A word that ends the episode, and one that says there is no action.
_FINISH = frozenset(("finish", "final answer", "answer", "final", "done", "回答", "最終回答"))
_NOTHING = frozenset(
    ("", "none", "n/a", "na", "null", "nothing", "no action", "no tool", "none needed", "なし")
)
_TOOL_KEYS = ("action", "tool", "tool_name", "name", "function", "command")
_INPUT_KEYS = (
    "action_input", "tool_input", "input", "arguments", "args", "parameters", "query", "argument",
)  # fmt: skip
_PARAMETERS = frozenset((*_INPUT_KEYS, "expression", "q", "title", "term", "text", "keyword"))
# After a tool's name: words that go on with a sentence, and signs that only separate.
_GLUE = frozenset(("for", "up", "on", "about", "to", "the", "with", "using", "it", "and", "is"))
_SIGNS = frozenset(("-", "–", "—", "->", "=>", "→", "|", "="))
_BRACKETS = {"[": "]", "［": "］", "【": "】"}
_PARENTHESES = {"(": ")", "（": "）"}
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "«": "»", "„": "“"}
_ROUND_A_CALL = {"[": "]", "(": ")", "<": ">", '"': '"', "'": "'", "「": "」"}
_BEFORE_NAME = "-•・ \t*_`<>[]()\"'“”「」【】"
_BEHIND_NAME = "*_`<>[]()\"'“”「」【】 \t,;:"
_SEPARATORS = str.maketrans("", "", "_- \t")
_LONGEST_NAME = 64
_LONGEST_JSON = 20_000
_FENCE_AND_TAG = 40  # what may stand before a JSON object is shorter
_DEEPEST = 1000


@dataclass
class Command:
    """A move and what was wrong with how it was written.

    ``move`` None: an action that cannot be carried out, so that nothing else may count
    (``nothing``: it says itself that there is none). ``used`` counts the lines below the
    label that belong to it, ``closed`` says that its end is marked, so that it was not
    cut off, ``rest`` is what follows that mark on its line.
    """

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
        if len(written) > 2 * _LONGEST_NAME:
            return None
        plain, noted = plain_name(written)
        if plain not in self.exact:
            near = self.near.get(_spelling(plain), [])
            if len(near) != 1:
                return None
            if self.dialect.form != "bracket" or plain.lower() != near[0].lower():
                noted.append("misspelt_tool")  # in brackets a capital is the paper's own way
            plain = near[0]
        flaws += noted
        return plain

    def known(self, written: str) -> bool:
        """Whether that is a tool, in any spelling."""
        return self.find(written, []) is not None

    def finishes(self, written: str) -> bool:
        """Whether the name is the word that ends an episode, and no tool."""
        word = plain_name(written[: 2 * _LONGEST_NAME])[0].replace("_", " ").lower()
        own = self.dialect.finish.lower()
        return (word in _FINISH or (bool(own) and word == own)) and not self.known(written)


def plain_name(written: str) -> tuple[str, list[str]]:
    """A name without markup, backslashes and full-width forms, and the flaws it had."""
    flaws = []
    name = written.strip()
    if "\\" in name:
        name = name.replace("\\", "")
        flaws.append("escaped_markdown")
    bare = name if name.startswith("__") else name.lstrip(_BEFORE_NAME).rstrip(_BEHIND_NAME)
    if bare != name:
        flaws.append("decorated")
    plain = unicodedata.normalize("NFKC", bare)
    if plain != bare:
        flaws.append("fullwidth_punctuation")
    return plain, flaws


def _spelling(name: str) -> str:
    return name.casefold().translate(_SEPARATORS)


def is_nothing(value: str) -> bool:
    """Whether an Action says that there is none."""
    return len(value) < _LONGEST_NAME and value.strip(_BEFORE_NAME + ".。").lower() in _NOTHING


# --- the forms of a call ----------------------------------------------------------------


def read_command(line: str, tools: Tools) -> Command | None:
    """The call written in one line, in whatever form. None where it is no call."""
    first, second = (_bracket, _colon) if tools.dialect.form == "bracket" else (_colon, _bracket)
    for reader in (read_json, _wrapped, first, second, _paren, _spaced):
        command = reader(line, tools)
        if command:
            return command
    return None


def _wrapped(line: str, tools: Tools) -> Command | None:
    """A call with brackets or quotation marks round it as a whole."""
    inner = _between(line, _ROUND_A_CALL)
    command = read_command(inner, tools) if inner else None
    if command:
        command.flaws.append("decorated")
        command.closed = True
    return command


def _between(text: str, pairs: dict[str, str]) -> str:
    """What stands between two marks that are a pair and occur nowhere else ("" = nothing)."""
    opening, closing = text[:1], pairs.get(text[:1])
    if not closing or len(text) < 3 or text[-1] != closing:
        return ""
    inner = text[1:-1]
    return "" if opening in inner or closing in inner else inner.strip()


def _colon(line: str, tools: Tools) -> Command | None:
    """``tool: input``"""
    places = [at for sign in ":：" if (at := line.find(sign, 0, _LONGEST_NAME)) >= 0]
    if not places:
        return None
    at = min(places)
    flaws = ["fullwidth_punctuation"] if line[at] == "：" else []
    if tools.dialect.form != "colon":
        flaws.append("wrong_dialect")
    return _call(line[:at], line[at + 1 :], tools, flaws)


def _bracket(line: str, tools: Tools) -> Command | None:
    """``tool[input]``, brackets balanced."""
    return _enclosed(
        line, _BRACKETS, tools, [] if tools.dialect.form == "bracket" else ["wrong_dialect"]
    )


def _paren(line: str, tools: Tools) -> Command | None:
    """``tool(input)`` or ``tool(name="input")``, the way of a programming language."""
    command = _enclosed(line, _PARENTHESES, tools, ["wrong_dialect"])
    if command and command.rest:  # calculate (3 + 4) * 2 is no call
        return None
    if command and isinstance(command.move, Action):
        name, equals, value = command.move.input.partition("=")
        if equals and name.strip() in _PARAMETERS and value.strip():
            command.move = Action(command.move.tool, value.strip())
    return command


def _enclosed(line: str, pairs: dict[str, str], tools: Tools, flaws: list[str]) -> Command | None:
    places = [at for opening in pairs if (at := line.find(opening, 0, _LONGEST_NAME)) > 0]
    if not places:
        return None
    at = min(places)
    opening, closing = line[at], pairs[line[at]]
    if not opening.isascii():
        flaws = [*flaws, "fullwidth_punctuation"]
    end = _matching(line, at + 1, opening, closing)
    if end < 0:
        return _call(line[:at], line[at + 1 :], tools, [*flaws, "unclosed_bracket"])
    command = _call(line[:at], line[at + 1 : end], tools, flaws)
    if command is None:
        return None
    behind = line[end + 1 :].strip()
    command.closed = True
    command.rest = behind.strip(f" \t.。,;*`_{closing}")
    if _names_another(command.rest, opening, tools):
        return Command(None, ["several_actions"], closed=True)
    if behind and not command.rest:
        command.flaws.append("trailing_text" if behind.strip(" *`_") else "decorated")
    return command


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


def _names_another(rest: str, opening: str, tools: Tools) -> bool:
    """Whether a second call follows a first one on its line."""
    words = rest.partition(opening)[0].split() if opening in rest else []
    return bool(words) and (tools.known(words[-1]) or tools.finishes(words[-1]))


def _spaced(line: str, tools: Tools) -> Command | None:
    """``tool input``: only a known tool, and no sentence that happens to begin like one."""
    name, _, rest = line.partition(" ")
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
    """A call by name: of a known tool, the finishing word, or one unknown word."""
    if tools.finishes(name):
        return Command(Answer(text.strip()), [*flaws, *_finish_flaws(name, tools.dialect)])
    noted: list[str] = []
    tool = tools.find(name, noted)
    if tool is None:
        plain, noted = plain_name(name)
        if not _could_be_name(plain):
            return None
        tool, noted = plain, [*noted, "unknown_tool"]
    return Command(Action(tool, text.strip()), [*flaws, *noted])


def _finish_flaws(name: str, dialect: Dialect) -> list[str]:
    if dialect.form != "bracket":
        return ["wrong_dialect"]
    return [] if name.strip().lower() == dialect.finish.lower() else ["wrong_label"]


def _could_be_name(word: str) -> bool:
    """Whether a word could be a tool's name: one word, no sentence."""
    return 0 < len(word) <= _LONGEST_NAME and all(c.isalnum() or c in "_-./" for c in word)


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
        flaws = (flaw for flaw in command.flaws if flaw not in ("wrong_dialect", "wrong_label"))
        command.flaws = ["json_action", *flaws]
        command.used, command.closed = text.count("\n", 0, end), True
        command.rest = text[end:].partition("\n")[0].strip(" \t`~],")
    return command


def decode_object(text: str) -> tuple[dict[str, object], int] | None:
    """The JSON object at the beginning of a text (behind a code fence or a list's
    bracket, if need be), and where it ends."""
    start = text.find("{", 0, _FENCE_AND_TAG)
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
    """A plain input without markup, markdown's backslashes and one pair of quotation
    marks round it."""
    text = strip_markup(text.strip(), flaws)
    if "\\_" in text or "\\*" in text:
        text = text.replace("\\_", "_").replace("\\*", "*")
        flaws.append("escaped_markdown")
    if inner := _between(text, _QUOTES):
        flaws.append("quoted_input")
        return inner
    if len(text) > 1 and text[0] in '"“「' and not any(mark in text[1:] for mark in '"”」'):
        flaws.append("quoted_input")  # opened, never closed
        return text[1:].strip()
    return text


def strip_markup(text: str, flaws: list[str]) -> str:
    """A text without bold or code marks round it as a whole (or ``**`` left before it)."""
    for mark in ("**", "`"):
        inner = text.removeprefix(mark).removesuffix(mark)
        opened = text.startswith(mark) and (text.endswith(mark) or mark == "**")
        if opened and inner.strip() and mark not in inner and len(text) > len(mark):
            flaws.append("decorated")
            return inner.strip()
    return text
