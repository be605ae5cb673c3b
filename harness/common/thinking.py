"""The marks round a model's reasoning, of many model families, and text without it.

The engines ask which mark opens a block at the very beginning, where no stop string may
count before it closes: only certain marks do (``OPENS``, ``CLOSES``). The protocol asks what
of a finished text is reasoning: more words do, and channels (``without_thinking``).
"""

from __future__ import annotations

import re

# The marks of a block of reasoning: <think>, [THINK], <seed:think>, ◁think▷, <|think|> and
# their like, and those that close with another word (Cohere, Sky-T1, Apertus, Gemma 4).
_THINK = "think(?:ing)?|thoughts?|reasoning"
_WORD = rf"(?:\w{{1,12}}[:_])?(?:{_THINK})"
OPENS = re.compile(
    rf"(?:[<\[◁]\|?{_WORD}\|?[>\]▷]"
    r"|<\|begin_of_thought\|>|<\|start_thinking\|>|<\|inner_prefix\|>|<\|channel>\s?thought)",
    re.IGNORECASE,
)
_OPENS_AT_END = re.compile(OPENS.pattern + r"\Z", re.IGNORECASE)
CLOSES = re.compile(
    rf"(?:[<\[◁]\|?/{_WORD}\|?[>\]▷]"
    r"|<\|end_of_thought\|>|<\|end_thinking\|>|<\|inner_suffix\|>|<channel\|>)",
    re.IGNORECASE,
)
_ALSO = "reason|reflection|scratchpad|analysis|inner_monologue|internal_monologue"
# Any mark of reasoning, an opening or a closing one, the spelling of one model family a line.
_MARK = re.compile(
    rf"<\|(?:begin|end|start)_(?:of_)?(?:thought|thinking|think|reasoning)\|>"
    rf"|<\|?/?(?:[a-z]{{1,10}}[:_])?(?:{_THINK}|{_ALSO})\|?\s{{0,3}}>"
    r"|(?:(?<!\w)\[|\[/)(?:think|thinking|reasoning)\]"  # wikipedia[Reasoning] opens no block
    r"|◁/?think(?:ing)?▷"
    r"|(?:<\|start\|>assistant)?<\|channel\|>\s{0,3}(?P<channel>[a-z]{1,20})"
    r"(?:[^<\n]{0,60}<\|message\|>)?"
    r"|<\|channel>\s{0,3}(?P<gemma>[a-z]{1,20})|<channel\|>"
    r"|(?P<message><\|end\|>)",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"[<\[◁]\|?/|<\|end|<channel\|>", re.IGNORECASE)
LEAD = 64  # characters within which a reasoning block begins, or there is none


def closing_mark(text: str) -> str:
    """What closes the reasoning that the end of ``text`` opens: ``</think>`` for ``…<think>``,
    the final channel's mark for an assistant's turn without a channel yet; "" for none."""
    stripped = text.rstrip()
    if stripped.endswith("<|start|>assistant"):
        return "<|channel|>final<|message|>"
    found = _OPENS_AT_END.search(stripped[-LEAD:])
    if found is None:
        return ""
    mark = found[0]
    for begin, end in (("begin_of", "end_of"), ("START_", "END_"), ("prefix", "suffix")):
        if begin in mark:
            return mark.replace(begin, end)
    if mark.startswith("<|channel>"):
        return "<channel|>"
    at = 2 if mark[1] == "|" else 1
    return f"{mark[:at]}/{mark[at:]}"


def without_thinking(text: str) -> str | None:
    """The text outside reasoning blocks; None where there are none.

    A block that never closes runs to the end; one that was opened before the text (by a
    template) takes everything in front of its closing mark."""
    kept: list[str] = []
    begun, inside, in_channel, seen = 0, False, False, False
    for mark in _MARK.finditer(text):
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
    return channel.lower() != "final" if channel else not _CLOSING.match(mark[0])
