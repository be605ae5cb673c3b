"""The marks around a model's reasoning, of many model families."""

from __future__ import annotations

import re

# The marks of a block of reasoning: <think>, [THINK], <seed:think>, ◁think▷, <|think|> and
# their like, and those that close with another word (Cohere, Sky-T1, Apertus, Gemma 4).
_WORD = r"(?:\w{1,12}[:_])?(?:think(?:ing)?|thoughts?|reasoning)"
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
