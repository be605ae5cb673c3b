"""Cleans a text before it is read: what cannot be seen, reasoning, other turns, label stubs.

``clean`` is the first step of reading a completion. ``observation_line`` makes what a tool
returned one line, in which no label can begin.
"""

from __future__ import annotations

import re

from harness.common.thinking import without_thinking
from harness.protocol.dialects import Dialect
from harness.protocol.errors import FlawNotes

# Single characters, or possessive runs: nothing here can backtrack.
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*+[ -/]*+[@-~]?|\\][^\x07\n\x1b]*+\x07?|[\\\\c78M(])?")
# The body of a character class, in ranges: controls, zero-width, bidi, tags, fillers.
_UNSEEN = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_INVISIBLE = re.compile(f"[{_UNSEEN}]+")
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_SPACES = re.compile("[ \t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_WINDOW = 4  # of an observation, so many times its limit is looked at
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


def clean(text: str, stop: str, form: Dialect, notes: FlawNotes) -> str:
    """The text that a person would see, up to the end of the model's turn or to the
    beginning of a stop string that it breaks off in. ``stop`` is the one it stopped at."""
    seen = drop_invisible(text)
    if seen != text:
        notes.add("invisible_characters")
    said = without_thinking(seen)
    if said is not None:
        notes.add("think_block")
        seen = said
    return _without_stub(_one_turn(seen, form, notes), stop, form, notes)


def _one_turn(text: str, form: Dialect, notes: FlawNotes) -> str:
    """The text from its own turn's marks up to the next mark of a turn, whole or cut."""
    begun = len(text) - len(text.lstrip(" \t\n"))
    while opening := _TURN.match(text, begun):
        notes.add("role_leak")
        begun = _BLANK_AND_ROLE.match(text, opening.end()).end()  # type: ignore[union-attr]
    end = next((m for m in _TURN.finditer(text, begun) if not _is_input(m, form)), None)
    at = end.start() if end else _cut_mark(text)
    if at < len(text):
        notes.add("role_leak")
    return text[begun:at]


def _is_input(mark: re.Match[str], form: Dialect) -> bool:
    """Whether what looks like a mark is a tool's input in brackets: ``wikipedia[EOS]``."""
    before = mark.string[max(0, mark.start() - 1) : mark.start()]
    return form.form == "bracket" and mark[0].startswith("[") and before.isalnum()


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


def _without_stub(text: str, stop: str, form: Dialect, notes: FlawNotes) -> str:
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
    if not (newline and last) or bare or not form.stopped_at_observation(stop):
        return text
    if last.strip():
        notes.add("decorated")
    return body + newline


def drop_invisible(text: str) -> str:
    """The text without terminal sequences, controls, zero-width and bidi characters.

    Line ends and tabs stay ("\\r\\n" becomes "\\n"). Joiners stay between letters outside
    ASCII, where scripts and emoji need them.
    """
    text = _SEQUENCE.sub("", text) if "\x1b" in text else text
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    return _JOINERS.sub("", text) if "\u200c" in text or "\u200d" in text else text


def observation_line(text: str, limit: int) -> str:
    """``text`` as one line of at most ``limit`` characters, "…" at the end where it is cut.

    Line ends of every kind and runs of blanks become one space, so that nothing in an
    observation can begin a line; what cannot be seen is gone; a lone surrogate becomes
    U+FFFD, so that the line is valid UTF-8. ``limit`` 0 = no limit.
    """
    window = text.lstrip()[: _WINDOW * limit] if limit > 0 else text
    line = _SPACES.sub(" ", drop_invisible(window)).strip()
    line = _SURROGATES.sub("\ufffd", line)
    if limit <= 0 or (len(line) <= limit and len(window) == len(text.strip())):
        return line
    return line[: limit - 1].rstrip() + "…"
