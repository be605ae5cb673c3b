"""Reads the move under an Action or Answer label: which lines belong to it.

``calls`` reads how the call itself is spelt.
"""

from __future__ import annotations

from dataclasses import replace

from harness.protocol.calls import (
    FENCES,
    TOOL_CALL,
    joined,
    json_input,
    read_call,
    strip_markup,
    tidy_input,
    without_closing,
)
from harness.protocol.json_calls import decode_object, plain_input, read_json
from harness.protocol.parts import LabelledPart, closed
from harness.protocol.tool_names import (
    KnownTools,
    WrittenMove,
    could_be_name,
    is_nothing,
    plain_name,
)
from harness.protocol.unlabelled import UnlabelledCalls
from harness.types import Action, Answer

_LONGEST_SPACED = 80


def read_action(
    part: LabelledPart, input_part: LabelledPart | None, tools: KnownTools
) -> WrittenMove | None:
    """The move under an action label (with the input label below it, if there is one).

    None: words that do not name both a tool and an input."""
    if input_part is not None:
        return _two_lines(part, input_part, tools)
    whole = part.value + part.below
    text = whole.lstrip()
    blob = read_json(text.removeprefix(TOOL_CALL), tools)
    if blob:
        blob.used += whole.count("\n", 0, len(whole) - len(text))
        blob.flaws += ["decorated"] if text.startswith(TOOL_CALL) else []
        return blob
    flaws: list[str] = []
    value, used = _first_line(part, flaws)
    if is_nothing(value):
        return WrittenMove(None, nothing=True)
    value, more = joined(value.removeprefix(TOOL_CALL), part.rest(used))
    written = read_call(value, tools)
    if written is None:
        return None
    written.flaws += flaws
    written.used = used + more
    if written.used:
        written.flaws.append("line_breaks")
    return _with_input(written, part, tools)


def _first_line(part: LabelledPart, flaws: list[str]) -> tuple[str, int]:
    """The first line with something in it, and how many lines below the label it took;
    a code fence that opens before it is a flaw."""
    used, line, left = 0, part.value, part.below
    for _ in range(3):  # an opening code fence or two
        if line.startswith(FENCES):
            flaws.append("code_fence")
            line = _in_fence_marks(line)
        if line:
            return line, used
        bare = left.lstrip()
        used += left.count("\n", 0, len(left) - len(bare))
        line, newline, left = bare.partition("\n")
        line, left = line.strip(), newline + left
    return "", used


def _in_fence_marks(line: str) -> str:
    """What a line with fence marks says: all but the marks and the language."""
    mark = line[:3]
    inner = line.lstrip(mark[0])
    if inner.endswith(mark):
        return inner.rstrip(mark[0]).strip()
    return "" if could_be_name(inner.strip()) else inner.strip()


def _with_input(written: WrittenMove, part: LabelledPart, tools: KnownTools) -> WrittenMove:
    """The call with a tidy input, taken from the lines below where its own has none."""
    if isinstance(written.move, Answer):
        return _answered(tidy_answer(written.move.text, written.flaws), written)
    if written.move is None:
        return written
    text = written.move.input
    if not text and not written.closed:
        text = _input_below(written, part, tools)
    plain = json_input(text, written.flaws) if "json_action" not in written.flaws else text
    text = tidy_input(text, written.flaws) if plain is None else plain
    if not text:
        written.flaws.append("empty_input")
    written.move = replace(written.move, input=text)
    return written


def _input_below(written: WrittenMove, part: LabelledPart, tools: KnownTools) -> str:
    """The next line with something in it, up to where its brackets close; a line that is a
    call by itself is another move."""
    below = part.rest(written.used)
    if UnlabelledCalls(tools).opens(below):
        return ""
    field = LabelledPart(part.kind, "", below=below)
    flaws: list[str] = []
    text, used = _first_line(field, flaws)
    if not text:
        return ""
    text, more = joined(text, field.rest(used))
    written.used += used + more + 1
    written.flaws += [*flaws, "line_breaks"]
    return text


# --- Action and Action Input on two lines -----------------------------------------------


def _two_lines(
    part: LabelledPart, input_part: LabelledPart, tools: KnownTools
) -> WrittenMove | None:
    flaws: list[str] = []
    name, used = _first_line(part, flaws)
    if is_nothing(name):
        return WrittenMove(None, nothing=True)
    if not input_part.mark:
        input_part.mark = part.mark
    written = _field(input_part, tools)
    text, written.rest = written.rest, ""
    written.flaws += [*flaws, *input_part.flaws]
    if used:
        written.flaws.append("line_breaks")
    if part.rest(used).strip("`~ \t\n"):
        written.flaws.append("trailing_text")
    if tools.dialect.form != "two_line":
        written.flaws.append("wrong_dialect")
    if tools.finishes(name):
        written.flaws.append("wrong_label")
        return _answered(text, written)
    if not text:
        written.flaws.append("empty_input")
    tool = _tool_name(name, text, tools, written.flaws)
    written.move = Action(tool, text) if tool else None
    return written if tool else None


def _tool_name(name: str, text: str, tools: KnownTools, flaws: list[str]) -> str | None:
    """The tool named on the line above an input: known, or the one word that stands there."""
    tool = tools.find(name, flaws)
    if tool:
        return tool
    before, paren, _ = name.partition("(")
    if paren and (tool := tools.find(before.strip(), flaws)):  # add (two numbers)
        flaws.append("trailing_text")
        return tool
    both = read_call(name, tools)
    if both and isinstance(both.move, Action) and both.move.tool in tools.exact:
        flaws += both.flaws
        return both.move.tool if both.move.input in ("", text) else None
    plain, noted = plain_name(name)
    if not could_be_name(plain) or both:
        return None
    flaws += [*noted, "unknown_tool"]
    return plain


def _field(part: LabelledPart, tools: KnownTools) -> WrittenMove:
    """The extent of an input label's text: ``rest`` is the text, ``used`` its lines."""
    whole = part.value + part.below
    text = whole.lstrip()
    blank = whole.count("\n", 0, len(whole) - len(text))
    flaws = ["line_breaks"] if blank and text else []
    if blank and UnlabelledCalls(tools).opens(text):
        return WrittenMove(None, [])
    if text.startswith(FENCES):
        return _fenced(text, blank, flaws, tools)
    opened = text.lstrip("*` ")
    if opened.startswith("{") and (found := decode_object(opened)):
        data, end, noted = found
        raw = opened[:end]
        handed_on = tools.dialect.form == "two_line" and not noted
        inner = raw if handed_on else plain_input(data)
        flaws += ["line_breaks"] if "\n" in raw else []
        flaws += ["decorated"] if opened != text else []
        flaws += ["json_action"] if inner != raw else []
        used = blank + raw.count("\n")
        return WrittenMove(None, [*flaws, *noted], used=used, rest=inner, closed=not noted)
    lines = text.split("\n")
    end = _paragraph(text, lines, tools)
    _, more = joined(lines[0], "\n".join(lines[1:]))
    end = max(end, more + 1)
    flaws += ["line_breaks"] if end > 1 else []
    inner, _ = closed("\n".join(line.rstrip() for line in lines[:end]), part.mark)
    return WrittenMove(None, flaws, used=blank + max(end - 1, 0), rest=tidy_input(inner, flaws))


def _paragraph(text: str, lines: list[str], tools: KnownTools) -> int:
    """How many lines belong together: up to a blank one, a code fence or a call."""
    ends = (n for n, line in enumerate(lines) if not line.strip() or line.lstrip()[:3] in FENCES)
    return min(next(ends, len(lines)), UnlabelledCalls(tools).line_of_first(text))


def _fenced(text: str, blank: int, flaws: list[str], tools: KnownTools) -> WrittenMove:
    """A text in a code fence: what stands between the two fences, or, where it is never
    closed, up to the end or a call."""
    head, _, body = text.partition("\n")
    flaws = [*flaws, "code_fence"]
    inline = _in_fence_marks(head)
    if inline and head.rstrip().endswith(head[:3]):  # ```x``` on one line
        return WrittenMove(None, flaws, used=blank, rest=inline, closed=True)
    inner, closing, _ = ("\n" + body).partition("\n" + head[:3])
    if not closing:
        end = UnlabelledCalls(tools).line_of_first(inner)
        inner = "\n".join(inner.split("\n")[:end])
    used = blank + inner.count("\n") + bool(closing)
    said = f"{inline}\n{inner.strip()}".strip()
    return WrittenMove(None, flaws, used=used, rest=said, closed=bool(closing))


# --- Answer -----------------------------------------------------------------------------


def read_answer(part: LabelledPart, tools: KnownTools) -> WrittenMove:
    """The move under an answer label: mostly an answer, sometimes a call."""
    dialect = tools.dialect
    flaws: list[str] = []
    value, used = _first_line(part, flaws)
    call = _call_in_answer(value, part, used, tools)
    if call:
        call.flaws += [*flaws, "line_breaks"] if call.used else flaws
        return _with_input(call, part, tools)
    written = _answer_text(part, tools, value, used, flaws)
    text = tidy_answer(written.rest, written.flaws)
    written.rest = ""
    if dialect.form == "bracket":
        written.flaws.append("wrong_dialect")
    if dialect.calls_only:
        written.flaws.append("missing_action")
    return _answered(text, written)


def _answer_text(
    part: LabelledPart, tools: KnownTools, value: str, used: int, flaws: list[str]
) -> WrittenMove:
    """The extent of an answer: ``rest`` is its text. It ends with its line, a code fence,
    or in the two-line dialect, whose fields have labels of their own, at the next label."""
    whole = part.value + part.below
    text = whole.lstrip()
    if text.startswith(FENCES):
        blank = whole.count("\n", 0, len(whole) - len(text))
        written = _fenced(text, blank, ["line_breaks"] if blank else [], tools)
        written.flaws += ["line_breaks"] if "\n" in written.rest else []
        return written
    flaws += ["line_breaks"] if used else []
    if tools.dialect.form != "two_line":
        return WrittenMove(None, flaws, used=used, rest=value)
    lines = f"{value}\n{part.rest(used)}".split("\n")
    end = UnlabelledCalls(tools).line_of_first("\n".join(lines))
    text = "\n".join(lines[:end]).strip()
    for mark in FENCES:
        if text.count(mark) % 2 and text.endswith(mark):  # it opened before the label
            text = text.removesuffix(mark).strip()
            flaws.append("code_fence")
    if text == value:
        return WrittenMove(None, flaws, used=used, rest=value)
    extent = used + end - 1 if end < len(lines) else part.below.count("\n")
    return WrittenMove(None, [*flaws, "line_breaks"], used=extent, rest=text)


def tidy_answer(text: str, flaws: list[str]) -> str:
    """An answer without the marks round it as a whole."""
    text = text.strip()
    if text.startswith(FENCES) and text.endswith(text[:3]) and len(text) > 6:
        flaws.append("code_fence")
        return text.strip(text[0]).strip()
    return strip_markup(without_closing(text, flaws), flaws)


def _answered(text: str, written: WrittenMove) -> WrittenMove:
    """The call as an answer: an empty one is none, and no other move may count."""
    written.move = Answer(text) if text else None
    if not text:
        written.flaws.append("empty_input")
    return written


def _call_in_answer(
    value: str, part: LabelledPart, used: int, tools: KnownTools
) -> WrittenMove | None:
    """A call of a known tool that stands under an answer label."""
    whole = part.value + part.below
    blob = read_json(whole.lstrip(), tools)
    if blob and (not isinstance(blob.move, Action) or blob.move.tool in tools.exact):
        blob.used += whole.count("\n", 0, len(whole) - len(whole.lstrip()))
        blob.flaws += [] if tools.dialect.calls_only else ["wrong_label"]
        return blob
    value, more = joined(value, part.rest(used))
    written = read_call(value, tools)
    if written is None or written.move is None or "json_action" in written.flaws:
        return None
    written.used = used + more
    calls_only = tools.dialect.calls_only
    if isinstance(written.move, Answer):  # Answer: Finish[4]
        return written if written.closed else None
    marked = written.closed or any(sign in value[:_LONGEST_SPACED] for sign in ":：")
    if written.move.tool not in tools.exact or not marked:
        return None
    if not written.move.input and not (calls_only and "misspelt_tool" not in written.flaws):
        return None
    if not calls_only:
        if "misspelt_tool" in written.flaws:  # an answer may begin with "Search: …"
            return None
        written.flaws.append("wrong_label")
    return written
