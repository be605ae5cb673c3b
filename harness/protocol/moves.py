"""Labelled parts as moves: which lines belong to an action or an answer.

Knows labels and lines; how one call is spelt is left to ``commands``.
"""

from __future__ import annotations

from dataclasses import replace

from harness.protocol.commands import (
    FENCES,
    Command,
    Tools,
    decode_object,
    is_nothing,
    plain_input,
    plain_name,
    read_command,
    read_json,
    tidy_input,
)
from harness.protocol.scan import Part
from harness.types import Action, Answer

_LONGEST_NAME = 80


def read_action(part: Part, input_part: Part | None, tools: Tools) -> Command | None:
    """The move under an action label (with the input label below it, if there is one).

    None: words that name no tool and input. A command without a move: a tool, but no
    input of any kind, so that there is nothing to do and nothing else may count.
    """
    if input_part is not None:
        return _two_lines(part, input_part, tools)
    blob = read_json(part.text, tools)
    if blob:
        return blob
    value, used = _first_line(part)
    if is_nothing(value):
        return Command(None, nothing=True)
    command = read_command(value, tools)
    if command is None:
        known = tools.find(value, [])
        return Command(None, ["empty_input"]) if known else None
    command.used = used
    if used:
        command.flaws.append("line_breaks")
    return _with_input(command, part, tools)


def _first_line(part: Part) -> tuple[str, int]:
    """The first line with something in it, and how many lines below the label it took."""
    if part.value:
        return part.value, 0
    used, left = 0, part.below
    for _ in range(3):  # an opening code fence or two
        bare = left.lstrip()
        used += left.count("\n", 0, len(left) - len(bare))
        line, _, left = bare.partition("\n")
        if not line.startswith(FENCES):
            return line.strip(), used
        left = "\n" + left
    return "", used


def _with_input(command: Command, part: Part, tools: Tools) -> Command:
    """The command with a tidy input, taken from the next line where its own has none."""
    if isinstance(command.move, Answer):
        text = command.move.text
        command.flaws += [] if text else ["empty_input"]
        return command
    if command.move is None:
        return command
    text = command.move.input
    following = part.rest(command.used).partition("\n")[0].strip()
    if not text and following and not command.closed:
        text = following
        command.used += 1
        command.flaws.append("line_breaks")
    if text.startswith("{") and tools.dialect.form != "two_line" and (found := decode_object(text)):
        text = plain_input(found[0], tools.dialect)
        command.flaws.append("json_action")
    elif "json_action" not in command.flaws:
        text = tidy_input(text, command.flaws)
    command.flaws += [] if text else ["empty_input"]
    command.move = replace(command.move, input=text)
    return command


def _two_lines(part: Part, input_part: Part, tools: Tools) -> Command | None:
    """``Action: tool`` and ``Action Input: input``."""
    name, used = _first_line(part)
    flaws = ["line_breaks"] if used else []
    flaws += ["trailing_text"] if part.rest(used).strip("`~ \t\n") else []
    flaws += [] if tools.dialect.form == "two_line" else ["wrong_dialect"]
    if is_nothing(name):
        return Command(None, nothing=True)
    command = _field(input_part, tools)
    text = command.rest
    command.rest, command.flaws = "", [*flaws, *command.flaws, *input_part.flaws]
    if tools.finishes(name):
        command.move = Answer(text)
        command.flaws.append("wrong_label")
    else:
        tool = _tool_name(name, text, tools, command.flaws)
        command.move = Action(tool, text) if tool else None
        if tool is None:
            return None
    command.flaws += [] if text else ["empty_input"]
    return command


def _tool_name(name: str, text: str, tools: Tools, flaws: list[str]) -> str | None:
    """The tool named on the line above an input: known, or whatever stands there."""
    tool = tools.find(name, flaws)
    if tool:
        return tool
    before, paren, _ = name.partition("(")
    if paren and (tool := tools.find(before.strip(), flaws)):
        flaws.append("trailing_text")
        return tool
    both = read_command(name, tools)
    if both and isinstance(both.move, Action) and both.move.tool in tools.exact:
        if both.move.input not in ("", text):
            return None
        flaws += both.flaws
        return both.move.tool
    plain, noted = plain_name(name)
    if not plain or len(plain) > _LONGEST_NAME or both:
        return None
    flaws += [*noted, "unknown_tool"]
    return plain


def _field(part: Part, tools: Tools) -> Command:
    """The extent of an input label's text; ``rest`` holds the text, ``used`` its lines."""
    whole = part.value + part.below
    text = whole.lstrip()
    blank = whole.count("\n", 0, len(whole) - len(text))
    flaws = ["line_breaks"] if blank and text else []
    if text.startswith(FENCES):
        return _fenced(text, blank, flaws)
    opened = text.lstrip("*` ")
    if opened.startswith("{") and (found := decode_object(opened)):
        data, end = found
        inner = opened[:end] if tools.dialect.form == "two_line" else plain_input(data, tools.dialect)
        used = opened.count("\n", 0, end)
        flaws += ["line_breaks"] if used else []
        flaws += ["decorated"] if opened != text else []
        flaws += ["json_action"] if inner != opened[:end] else []
        return Command(None, flaws, used=blank + used, rest=inner, closed=True)
    lines = text.split("\n")
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    flaws += ["line_breaks"] if end > 1 else []
    inner = tidy_input("\n".join(line.rstrip() for line in lines[:end]), flaws)
    return Command(None, flaws, used=blank + max(end - 1, 0), rest=inner)


def _fenced(text: str, blank: int, flaws: list[str]) -> Command:
    """An input in a code fence: what stands between the two fences."""
    head, _, body = text.partition("\n")
    inner, closing, _ = ("\n" + body).partition("\n" + head[:3])
    used = inner.count("\n") + bool(closing)
    inner = inner.strip() or head.strip("`~ ")
    return Command(None, [*flaws, "decorated"], used=blank + used, rest=inner, closed=bool(closing))


def read_answer(part: Part, tools: Tools) -> Command:
    """The move under an answer label: mostly an answer, sometimes a call."""
    dialect = tools.dialect
    value, used = _first_line(part)
    flaws = ["line_breaks"] if used else []
    call = _call_in_answer(value, tools)
    if call:
        call.flaws += flaws
        call.used = used
        return _with_input(call, part, tools)
    if dialect.form == "two_line":
        whole = f"{value}\n{part.rest(used)}".strip().removesuffix("```").strip()
        if whole != value:
            flaws.append("line_breaks")
            value, used = whole, part.below.count("\n")
    text = _tidy_answer(value, flaws)
    if dialect.form == "bracket":
        flaws.append("wrong_dialect")
    if dialect.commands_only:
        flaws.append("missing_action")
    if not text:
        flaws.append("empty_input")
    return Command(Answer(text), flaws, used=used)


def _call_in_answer(value: str, tools: Tools) -> Command | None:
    """A call of a known tool that stands under an answer label."""
    command = read_command(value, tools)
    if command is None or "json_action" in command.flaws:
        return None
    if isinstance(command.move, Answer):  # Answer: Finish[4]
        return command if command.closed else None
    if command.move is None:
        return None
    own = tools.dialect.commands_only
    spaced = ":" not in value[:80] and "：" not in value[:80] and not command.closed
    if command.move.tool not in tools.exact or not command.move.input or spaced:
        return None
    if not own:
        if "misspelt_tool" in command.flaws:
            return None
        command.flaws.append("wrong_label")
    return command


def _tidy_answer(text: str, flaws: list[str]) -> str:
    for mark in ("**", "`"):
        inner = text.removeprefix(mark).removesuffix(mark)
        if len(text) == len(inner) + 2 * len(mark) and inner and mark not in inner:
            flaws.append("decorated")
            return inner.strip()
    return text
