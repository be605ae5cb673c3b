"""Divides a list into its items: commas, "and", bullets, numbers, JSON, bars.

Where a list can be divided in several ways, every way is a reading; a name that the task
knows, such as "Trinidad and Tobago", is never divided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from harness.scoring.text import match_form, normalise

_FIRM = (
    r"; ?(?:and |& )?|, (?:and |& |then )?|,(?![0-9]{3}(?![0-9]))|"
    r"、 ?(?:および|及び|そして|それに|それから|また)?| as well as | and | & |および|及び|ならびに|並びに|、|"
    r"[」』] ?[と、・]? ?(?=[「『])"
)
_BOLD = rf"{_FIRM}|と| ?[/|] ?| ?& ?| \+ | ?(?:->|→) ?"
_SEPARATORS = (  # from the surest to the most daring: names hold と, ・ and commas too
    re.compile(_FIRM),
    re.compile(_BOLD),
    re.compile(rf"{_BOLD}| ?・ ?"),
    re.compile(rf"{_BOLD}| ?・ ?|,"),
)
_LINE_MARK = re.compile(r"^\s*(?:[-*•・‣▪●–—+]|\(?[0-9]{1,2}[.):]|[\u2460-\u249b])\s*(?=\S)")
_NUMBER_MARK = re.compile(
    r"(?:^|(?<=[\s,;、]))\(?([0-9]{1,2})[.)](?=\s*[^\W\d_])\s*|([\u2460-\u2473])\s*"
)
_BULLET = re.compile(r"(?:^|\s+)[-*•]\s+")
_LEAD_IN = re.compile(r"^.*?(?:: | (?:are|is|were|was) |は)")
_DENIAL = re.compile(r"(?<![a-z])(?:not|no|never|none|neither)(?![a-z])|n't(?![a-z])|ない")
_BOTH = re.compile(r"^(?:both|all of|the following:?) ")
_OPEN, _CLOSE = "[({<", "])}>"
_CIRCLED_ONE = 0x2460
_PRIVATE = 0xE000  # private-use characters stand for known names while a text is divided
_RESERVED = re.compile("[\ue000-\uefff]")
_MOST_NAMES = 0x1000
_WIDE_SPACE = re.compile(r"(?<=\S)\u3000+(?=\S)")


def gold_items(gold: str) -> list[str]:
    """The items of a task's target, divided at semicolons, or like an answer where it has none."""
    parts = gold.split(";") if ";" in gold else _SEPARATORS[0].split(match_form(gold))
    return [item for part in parts if (item := normalise(part))]


def readings(text: str, names: Iterable[str]) -> list[list[str]]:
    """Every way to divide a text into items, the surest first; items are as written.

    ``names`` are items that stay whole, in normal form.
    """
    known = [name for name in names if _SEPARATORS[-1].search(name)]
    known = sorted(known, key=len, reverse=True)[:_MOST_NAMES]
    names_again = {_PRIVATE + place: name for place, name in enumerate(known)}
    ways = (_json(text), _lines(text), _numbered(text), _bulleted(text))
    found = [parts for parts in ways if parts]
    body = _sealed(_unwrapped(match_form(_WIDE_SPACE.sub(" / ", text))), known)
    return found + [[part.translate(names_again) for part in by.split(body)] for by in _SEPARATORS]


def without_lead_in(text: str) -> str:
    """A text without the words that announce a list: "the colours are", 色は, "both"."""
    text = match_form(text)
    lead = _LEAD_IN.match(text)
    if lead and _DENIAL.search(lead[0]):
        return text
    return _BOTH.sub("", text[lead.end() :] if lead else text)


def _json(text: str) -> list[str]:
    """A JSON array of names or numbers; [] for anything else."""
    if not text.strip().startswith("["):
        return []
    try:
        items = json.loads(text.strip().rstrip("."), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return []
    return items


def _lines(text: str) -> list[str]:
    """One item a line, bulleted or numbered or plain; [] for a text of one line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 2 and lines[0].rstrip().endswith((":", "：")):
        del lines[0]
    return [_LINE_MARK.sub("", line).strip(" ,;、") for line in lines] if len(lines) > 1 else []


def _numbered(text: str) -> list[str]:
    """Items behind 1., 2., 3. or ①②③ on one line; [] where the numbers do not count up."""
    marks = list(_NUMBER_MARK.finditer(text))
    numbers = [int(m[1]) if m[1] else ord(m[2]) - _CIRCLED_ONE + 1 for m in marks]
    if (
        len(marks) < 2
        or numbers != list(range(1, len(marks) + 1))
        or text[: marks[0].start()].strip()
    ):
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [
        re.sub(r"(?:[\s,;、]|\band$)+$", "", text[mark.end() : end])
        for mark, end in zip(marks, ends, strict=True)
    ]


def _bulleted(text: str) -> list[str]:
    """Items behind bullets on one line; [] for a text that does not begin with one."""
    return _BULLET.split(text)[1:] if _BULLET.match(text) and "\n" not in text else []


def _unwrapped(text: str) -> str:
    """The text without brackets or bold marks around the whole list."""
    bare = text.rstrip(". 。")
    for mark in ("**", "__", "*"):
        if bare.startswith(mark) and bare.endswith(mark) and bare.count(mark) == 2:
            return bare.strip(mark)
    if bare[:1] and bare[0] in _OPEN and bare[-1] == _CLOSE[_OPEN.index(bare[0])]:
        return bare[1:-1].strip()
    return text


def _sealed(text: str, names: Sequence[str]) -> str:
    """Each known name as one private character, which no separator divides."""
    text = _RESERVED.sub("", text)
    for place, name in enumerate(names):
        pattern = rf"(?<![^\W_]){re.escape(name)}(?![^\W_])" if name.isascii() else re.escape(name)
        text = re.sub(pattern, chr(_PRIVATE + place), text)
    return text


def each_once(items: Iterable[str]) -> list[str]:
    """The items in order, each once."""
    return list(dict.fromkeys(items))


def same_items(gold: Sequence[str], items: Sequence[str], ordered: bool) -> bool:
    """True when both hold the same items equally often, ``ordered``: in the same order. An empty
    ``gold`` equals nothing."""
    if not gold:
        return False
    return list(gold) == list(items) if ordered else sorted(gold) == sorted(items)
