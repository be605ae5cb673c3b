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
    strip_markup,
    tidy_input,
)
from harness.protocol.scan import Part
from harness.types import Action, Answer

_LONGEST_NAME = 80
_LONGEST_SPACED = 80


def read_action(part: Part, input_part: Part | None, tools: Tools) -> Command | None:
    """The move under an action label (with the input label below it, if there is one).

    None: words that do not name both a tool and an input."""
    if input_part is not None:
        return _two_lines(part, input_part, tools)
    whole = part.value + part.below
    text = whole.lstrip()
    blob = read_json(text, tools)
    if blob:
        blob.used += whole.count("\n", 0, len(whole) - len(text))
        return blob
    value, used = _first_line(part)
    if is_nothing(value):
        return Command(None, nothing=True)
    command = read_command(value, tools)
    if command is None:
        return None
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
        return _answered(command.move.text, command)
    if command.move is None:
        return command
    text = command.move.input
    following = part.rest(command.used).partition("\n")[0].strip()
    if not text and following and not command.closed:
        text = following
        command.used += 1
        command.flaws.append("line_breaks")
    if tools.dialect.form != "two_line" and (found := decode_object(text)):
        text = plain_input(found[0], tools.dialect)
        command.flaws.append("json_action")
    elif "json_action" not in command.flaws:
        text = tidy_input(text, command.flaws)
    if not text:
        command.flaws.append("empty_input")
    command.move = replace(command.move, input=text)
    return command


# --- Action and Action Input on two lines -----------------------------------------------


def _two_lines(part: Part, input_part: Part, tools: Tools) -> Command | None:
    name, used = _first_line(part)
    if is_nothing(name):
        return Command(None, nothing=True)
    command = _field(input_part, tools)
    text, command.rest = command.rest, ""
    command.flaws += input_part.flaws
    if used:
        command.flaws.append("line_breaks")
    if part.rest(used).strip("`~ \t\n"):
        command.flaws.append("trailing_text")
    if tools.dialect.form != "two_line":
        command.flaws.append("wrong_dialect")
    if tools.finishes(name):
        command.flaws.append("wrong_label")
        return _answered(text, command)
    if not text:
        command.flaws.append("empty_input")
    tool = _tool_name(name, text, tools, command.flaws)
    command.move = Action(tool, text) if tool else None
    return command if tool else None


def _tool_name(name: str, text: str, tools: Tools, flaws: list[str]) -> str | None:
    """The tool named on the line above an input: known, or whatever stands there."""
    tool = tools.find(name, flaws)
    if tool:
        return tool
    before, paren, _ = name.partition("(")
    if paren and (tool := tools.find(before.strip(), flaws)):  # add (two numbers)
        flaws.append("trailing_text")
        return tool
    both = read_command(name, tools)
    if both and isinstance(both.move, Action) and both.move.tool in tools.exact:
        flaws += both.flaws
        return both.move.tool if both.move.input in ("", text) else None
    plain, noted = plain_name(name)
    if not plain or len(plain) > _LONGEST_NAME or both:
        return None
    flaws += [*noted, "unknown_tool"]
    return plain


def _field(part: Part, tools: Tools) -> Command:
    """The extent of an input label's text: ``rest`` is the text, ``used`` its lines."""
    whole = part.value + part.below
    text = whole.lstrip()
    blank = whole.count("\n", 0, len(whole) - len(text))
    flaws = ["line_breaks"] if blank and text else []
    if text.startswith(FENCES):
        return _fenced(text, blank, flaws)
    opened = text.lstrip("*` ")
    if opened.startswith("{") and (found := decode_object(opened)):
        data, end = found
        raw = opened[:end]
        inner = raw if tools.dialect.form == "two_line" else plain_input(data, tools.dialect)
        flaws += ["line_breaks"] if "\n" in raw else []
        flaws += ["decorated"] if opened != text else []
        flaws += ["json_action"] if inner != raw else []
        return Command(None, flaws, used=blank + raw.count("\n"), rest=inner, closed=True)
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
    inner = inner.strip() or head.strip("`~ ").removeprefix("json")
    return Command(None, [*flaws, "decorated"], used=blank + used, rest=inner, closed=bool(closing))


# --- Answer -----------------------------------------------------------------------------


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
    if dialect.form == "two_line":  # whose fields run up to the next label
        whole = f"{value}\n{part.rest(used)}".strip().removesuffix("```").strip()
        if whole != value:
            flaws.append("line_breaks")
            value, used = whole, part.below.count("\n")
    text = strip_markup(value, flaws)
    if dialect.form == "bracket":
        flaws.append("wrong_dialect")
    if dialect.commands_only:
        flaws.append("missing_action")
    return _answered(text, Command(None, flaws, used=used))


def _answered(text: str, command: Command) -> Command:
    """The command as an answer: an empty one is none, and no other move may count."""
    command.move = Answer(text) if text else None
    if not text:
        command.flaws.append("empty_input")
    return command


def _call_in_answer(value: str, tools: Tools) -> Command | None:
    """A call of a known tool that stands under an answer label."""
    command = read_command(value, tools)
    if command is None or command.move is None or "json_action" in command.flaws:
        return None
    if isinstance(command.move, Answer):  # Answer: Finish[4]
        return command if command.closed else None
    marked = command.closed or any(sign in value[:_LONGEST_SPACED] for sign in ":：")
    if command.move.tool not in tools.exact or not command.move.input or not marked:
        return None
    if not tools.dialect.commands_only:
        if "misspelt_tool" in command.flaws:  # an answer may begin with "Search: …"
            return None
        command.flaws.append("wrong_label")
    return command
