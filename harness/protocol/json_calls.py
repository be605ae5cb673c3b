"""Reads calls written as JSON, or nearly: which tool an object names and what it hands over.

An object that is not quite JSON (Python's quotation marks, a comma too many, brackets
that the model never closed) is read where only one object can be meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from harness.protocol.tool_names import KnownTools, WrittenMove, call_by_name
from harness.types import Action, Answer

_TOOL_KEYS = (
    *("tool", "tool_name", "toolname", "action", "function", "function_name", "name"),
    *("command", "api", "tool_call", "function_call", "call", "action_name"),
)
_CALL_LISTS = ("tool_calls", "function_calls", "calls", "actions", "tool_uses")
_INPUT_KEYS = (
    *("action_input", "tool_input", "input", "inputs", "arguments", "args", "parameters"),
    *("params", "kwargs", "tool_args", "tool_parameters", "query", "argument", "parameter"),
)
# What else a call may hold that is no argument.
_BESIDE = (
    *("id", "type", "index", "call_id", "status", "thought", "thoughts", "reason", "reasoning"),
    *("explanation", "comment", "description", "language", "observation"),
)
_LONGEST = 20_000
_LONGEST_MENDED = 2_000
_DEEPEST = 5
_BEFORE_OBJECT = re.compile(r"\s*+(?:(?:```|~~~)\s*+\w{0,12}+\s*+)?(?:json\s++)?\[?+\s*+(?=\{)")
_TOKEN = re.compile(
    r"""("(?:[^"\\]|\\.)*+")|'((?:[^'\\]|\\.)*+)'|“([^”]*+)”|([{\[])|([}\]])"""
    r"""|\b(True|False|None)\b|,(?=\s*+[}\]])""",
    re.DOTALL,
)
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')
_WORDS = {"True": "true", "False": "false", "None": "null"}


def read_json(text: str, tools: KnownTools) -> WrittenMove | None:
    """A call written as one JSON object, fenced or not, at the beginning of a text."""
    read = read_object(text, tools)
    return read[0] if read else None


def read_object(
    text: str, tools: KnownTools, labelled: bool = True
) -> tuple[WrittenMove, int] | None:
    """The same, and where the object ends. ``labelled`` False: there is no label over it, so
    it counts only if its keys are those of a call."""
    found = decode_object(text)
    if found is None or not (labelled or _means_call(found[0], tools)):
        return None
    data, end, flaws = found
    written = _call_of(data, tools)
    if written is None:
        return None
    left = (flaw for flaw in written.flaws if flaw not in ("wrong_dialect", "wrong_label"))
    written.flaws = ["json_action", *flaws, *left]
    if text.lstrip().startswith(("```", "~~~")):
        written.flaws.append("code_fence")
    if written.move and not _says(written.move):
        written.flaws.append("empty_input")
        written.move = written.move if isinstance(written.move, Action) else None
    written.used, written.closed = text.count("\n", 0, end), "unclosed_bracket" not in flaws
    written.rest = text[end:].partition("\n")[0].strip(" \t`~],;")
    return written, end


def decode_object(text: str) -> tuple[dict[str, object], int, list[str]] | None:
    """The JSON object at the beginning of a text (behind a code fence or a list's
    bracket, if need be), where it ends, and what was wrong with it."""
    before = _BEFORE_OBJECT.match(text)
    if before is None:
        return None
    start = before.end()
    try:
        data, end = json.JSONDecoder(strict=False).raw_decode(text[:_LONGEST], start)
        return data, end, []
    except (ValueError, RecursionError):
        pass
    for chunk in dict.fromkeys((text[start:], text[start:].partition("\n")[0])):
        mended, size, flaws = _mended(chunk[:_LONGEST_MENDED])
        try:
            data = json.loads(mended, strict=False)
        except (ValueError, RecursionError):
            continue
        return data, start + size, flaws
    return None


def _mended(text: str) -> tuple[str, int, list[str]]:
    """An object as proper JSON, its length in the text, and what was wrong with it."""
    out: list[str] = []
    open_brackets: list[str] = []
    at = 0
    for token in _TOKEN.finditer(text):
        out.append(text[at : token.start()])
        at = token.end()
        double, single, curly, opening, closing, word = token.groups()
        if opening:
            open_brackets.append("}" if opening == "{" else "]")
        elif closing and (not open_brackets or open_brackets.pop() != closing):
            break
        if single is not None:
            double = f'"{single.replace(chr(34), chr(92) + chr(34))}"'.replace("\\'", "'")
        elif curly is not None:
            double = json.dumps(curly, ensure_ascii=False)
        string = _BAD_ESCAPE.sub("", double) if double else ""
        out.append(string or opening or closing or _WORDS.get(word or "", ""))
        if not open_brackets:
            return "".join(out), at, ["escaped_markdown"] if "\\_" in text[:at] else []
    left = text[at:].rstrip().rstrip("`~").rstrip().rstrip(",")
    in_string = left.count('"') % 2 and "\n" not in left[left.rfind('"') :]
    quoted = '"' if in_string else ""
    return (
        "".join([*out, left, quoted, *reversed(open_brackets)]),
        len(text),
        ["unclosed_bracket"],
    )


def _call_of(data: dict[str, object], tools: KnownTools, depth: int = 0) -> WrittenMove | None:
    """The call that an object is. None where it names no tool."""
    data = {_json_key(key): value for key, value in data.items()}
    for key in _CALL_LISTS:
        calls = data.get(key)
        if isinstance(calls, list) and calls and depth < _DEEPEST:
            found = [_call_of(c, tools, depth + 1) for c in calls[:10] if isinstance(c, dict)]
            moves = {written.move for written in found if written}
            if len(moves) > 1:
                return WrittenMove(None, ["several_actions"])
            return next((written for written in found if written), None)
    for key in _TOOL_KEYS:
        named = data.get(key)
        if isinstance(named, dict) and depth < _DEEPEST:
            inner = {**{k: v for k, v in data.items() if k in _INPUT_KEYS}, **named}
            if written := _call_of(inner, tools, depth + 1):
                return written
        if isinstance(named, str):
            return call_by_name(named, plain_input(_arguments(data, key)), tools, [])
    others = [key for key in data if key not in _BESIDE]
    if len(others) == 1 and tools.known(others[0]):  # {"wikipedia": "Japan"}
        return call_by_name(others[0], plain_input(data[others[0]]), tools, [])
    return None


def _means_call(data: dict[str, object], tools: KnownTools) -> bool:
    """Whether an object without a label over it is meant as a call."""
    keys = {_json_key(key) for key in data}
    if "name" in keys and not keys.isdisjoint(_INPUT_KEYS):
        return True
    certain = {*_TOOL_KEYS, *_CALL_LISTS} - {"name", "call", "command", "api"}
    return not keys.isdisjoint(certain) or any(tools.known(key) for key in data)


def _json_key(key: str) -> str:
    return key.strip().lower().replace(" ", "_").replace("-", "_")


def _arguments(data: dict[str, object], name_key: str) -> object:
    """What an object hands to the tool: under a key for that, or whatever else it holds."""
    for key in _INPUT_KEYS:
        if key in data and key != name_key:
            return data[key]
    others = {k: v for k, v in data.items() if k != name_key and k not in _BESIDE}
    return others if others else ""


def plain_input(arguments: object, depth: int = 0) -> str:
    """JSON arguments as the one string that a tool takes: the only value there is, or
    the object itself where there are several."""
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        found = decode_object(arguments)
        if found and not arguments[found[1] :].strip():
            arguments = found[0]
    if isinstance(arguments, dict | list) and len(arguments) == 1 and depth < _DEEPEST:
        values: Iterable[object] = arguments.values() if isinstance(arguments, dict) else arguments
        return plain_input(next(iter(values)), depth + 1)
    if isinstance(arguments, str):
        return arguments
    if arguments is None or arguments in ({}, []):
        return ""
    return json.dumps(arguments, ensure_ascii=False)


def _says(move: Action | Answer) -> str:
    return move.input if isinstance(move, Action) else move.text
