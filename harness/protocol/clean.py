"""What surrounds a completion's text: reasoning blocks, turn marks, stubs of a stop string.

Knows the marks of many chat templates; nothing of labels, tools or moves.
"""

from __future__ import annotations

import re

from harness.protocol.dialects import Dialect
from harness.protocol.errors import Notes
from harness.protocol.visible import drop_invisible

_NAMES = (
    "think|thinking|thought|thoughts|reasoning|reason|reflection|scratchpad|analysis|"
    "inner_monologue|internal_monologue"
)
# An opening or closing mark of reasoning, in the spelling of one model family a line.
_THINKING = re.compile(
    rf"<\|(?P<edge>begin|end|start)_(?:of_)?(?:thought|thinking|think|reasoning)\|>"
    rf"|<\|?(?P<tag>/?)(?:[a-z]{{1,10}}[:_])?(?:{_NAMES})\|?\s{{0,3}}>"
    rf"|\[(?P<square>/?)(?:THINK|THINKING|REASONING)\]"
    rf"|◁(?P<kimi>/?)think(?:ing)?▷"
    rf"|(?:<\|start\|>assistant)?<\|channel\|>\s{{0,3}}(?P<channel>[a-z]{{1,20}})"
    rf"(?:[^<\n]{{0,60}}<\|message\|>)?"
    rf"|<\|channel>\s{{0,3}}(?P<gemma>[a-z]{{1,20}})|(?P<closed><channel\|>)"
    rf"|(?P<message><\|end\|>)",
    re.IGNORECASE,
)
# A mark between turns. Marks of tool calls are none: a call stands behind them.
_TURN = re.compile(
    r"<\|(?![\w▁]{0,40}(?:tool|call|action|function|python|constrain|message))[\w▁/:-]{1,40}\|>"
    r"|<｜(?![\w▁]{0,40}(?:tool|call))[\w▁/:-]{1,40}｜>"
    r"|</?s>|<(?:start|end)_of_(?:turn|utterance|sentence|text|message)>|<\|turn>|<turn\|>"
    r"|<(?:eos|bos|pad|unk|eot|eod|eom|sep|endoftext|im_end|im_start)>|</?assistant>"
    r"|\[/?INST\]|\[/?SYSTEM_PROMPT\]|\[(?:EOS|BOS|end of text)\]|<</?SYS>>",
    re.IGNORECASE,
)
_BLANK_AND_ROLE = re.compile(
    r"\s*+(?:(?:assistant|model)\b[ \t]*+(?:<\|(?:end_header_id|message)\|>)?)?+\s*+"
)
_CUT_GENERIC = re.compile(r"<(?:\|[\w▁/:-]{0,40}\|?|｜[\w▁/:-]{0,40}｜?)$")
_CUT_MARKS = (
    *("</s>", "<end_of_turn>", "<start_of_turn>", "<end_of_utterance>", "<end_of_sentence>"),
    *("<eos>", "[/INST]", "[end of text]"),
)
_LONGEST_MARK = 48
_MARKUP = " \t*_`#>-+"


def clean(text: str, stop: str, form: Dialect, notes: Notes) -> str:
    """The text that a person would see, up to the end of the model's turn or to the
    beginning of a stop string that it breaks off in. ``stop`` is the one it stopped at."""
    seen = drop_invisible(text)
    if seen != text:
        notes.add("invisible_characters")
    said = without_thinking(seen)
    if said is not None:
        notes.add("think_block")
        seen = said
    return _without_stub(_one_turn(seen, notes), stop, form, notes)


def without_thinking(text: str) -> str | None:
    """The text outside reasoning blocks; None where there are none.

    A block that never closes runs to the end; one that was opened before the text (by a
    template) takes everything in front of its closing mark."""
    kept: list[str] = []
    begun, inside, in_channel, seen = 0, False, False, False
    for mark in _THINKING.finditer(text):
        if mark["message"] and not (inside and in_channel):
            continue
        seen = True
        if _opens(mark):
            if not inside:
                kept.append(text[begun : mark.start()])
            inside, in_channel = True, bool(mark["channel"])
        else:
            if not inside and not (mark["channel"] or mark["gemma"]):
                kept.clear()
            elif not inside:
                kept.append(text[begun : mark.start()])
            inside, begun = False, mark.end()
    if not inside:
        kept.append(text[begun:])
    return "".join(kept) if seen else None


def _opens(mark: re.Match[str]) -> bool:
    channel = mark["channel"] or mark["gemma"]
    if channel:
        return channel.lower() != "final"
    if mark["edge"]:
        return mark["edge"].lower() != "end"
    slashes = (mark["tag"], mark["square"], mark["kimi"])
    return not (mark["closed"] or mark["message"]) and "/" not in slashes


def _one_turn(text: str, notes: Notes) -> str:
    """The text from its own turn's marks up to the next mark of a turn, whole or cut."""
    begun = len(text) - len(text.lstrip(" \t\n"))
    while opening := _TURN.match(text, begun):
        notes.add("role_leak")
        begun = _BLANK_AND_ROLE.match(text, opening.end()).end()  # type: ignore[union-attr]
    end = _TURN.search(text, begun)
    at = end.start() if end else _cut_mark(text)
    if at < len(text):
        notes.add("role_leak")
    return text[begun:at]


def _cut_mark(text: str) -> int:
    """Where a mark begins that the end of the text cuts short (the length: nowhere)."""
    whole = len(text.rstrip())
    tail = text[:whole][-_LONGEST_MARK:]
    generic = _CUT_GENERIC.search(tail)
    if generic:
        return whole - len(tail) + generic.start()
    for mark in _CUT_MARKS:
        for size in range(len(mark) - 1, 1, -1):
            if tail.endswith(mark[:size]):
                return whole - size
    return len(text)


def _without_stub(text: str, stop: str, form: Dialect, notes: Notes) -> str:
    """The text without a label on its last line that breaks off before its colon, or the
    markup that the model wrote in front of the stop string."""
    body, newline, last = text.rstrip().rpartition("\n")
    bare = last.strip(_MARKUP)
    whole = [f"{mark.strip().removesuffix(':')}:" for mark in form.stops]
    word = form.labels.observation
    if form.form == "bracket" and bare.rstrip(" 0123456789") == word:
        bare = word  # whose labels may be numbered
    if newline and bare and any(label != bare and label.startswith(bare) for label in whole):
        if not stop:  # the text ends in a stop string that never came to its end
            return body + newline
        if bare == word:
            notes.add("wrong_label")
            return body + newline
    inline = text.rstrip().removesuffix(word)
    if len(inline) < len(text.rstrip()) and inline.endswith((" ", "\t")):
        notes.add("inline_label")
        return inline.rstrip(" \t")
    body, newline, last = text.rpartition("\n")
    if not (newline and last) or bare or not stopped_at_observation(stop, form):
        return text
    if last.strip():
        notes.add("decorated")
    return body + newline


def stopped_at_observation(stop: str, form: Dialect) -> bool:
    """Whether the generation ended at the dialect's observation label."""
    return stop.strip().startswith(form.labels.observation)
