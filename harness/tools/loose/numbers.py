"""Reads the numbers of a sum: digits in groups, scale words, percentages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.tools.loose.tokens import (
    ARITY,
    CannotRead,
    RepairNotes,
    Token,
    operand_begins,
    operand_ends,
    source_of,
)
from harness.tools.loose.words import SCALE_WORDS

# --- numbers ----------------------------------------------------------------------------

_FIRST = re.compile(r"[1-9][0-9]{0,2}")
_NEXT = re.compile(r"[0-9]{3}(?:\.[0-9]+)?")


def without_groups(tokens: list[Token], note: RepairNotes) -> list[Token]:
    """5,069 as 5069, where the comma cannot be one between two numbers."""
    joins = _commas_that_group(tokens)
    found: list[Token] = []
    grown = 0  # groups that the last number has taken up
    for i, token in enumerate(tokens):
        if i in joins:
            continue
        spaced = token.kind == "number" and token.gap == " " and _spaced(tokens, i, found, grown)
        if spaced or (i - 1 in joins):
            last = found.pop()
            if i - 1 in joins and " " in last.source:  # 12 345,678
                raise CannotRead(f"{last.source},{token.source}", "write numbers without commas")
            source = last.source + ("," if i - 1 in joins else " ") + token.source
            found.append(Token("number", last.text + token.text, source, last.gap))
            grown += 1
        else:
            if grown:
                note("grouping", found[-1].source)
            found.append(token)
            grown = 0
    if grown:
        note("grouping", found[-1].source)
    return found


def _spaced(tokens: Sequence[Token], i: int, found: Sequence[Token], grown: int) -> bool:
    """12 345, but not the mixed number 12 345/400."""
    last = found[-1] if found else None
    if last is None or last.kind != "number" or "," in last.source:
        return False
    if not (grown or _FIRST.fullmatch(last.text)) or not _NEXT.fullmatch(tokens[i].text):
        return False
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if not grown and after is not None and after.source == "/" and not after.gap:
        raise CannotRead(f"{last.source} {tokens[i].source}/", "write 12345 / 4 or 12 + 3 / 4")
    return "." not in last.text


def _commas_that_group(tokens: Sequence[Token]) -> set[int]:
    inside: dict[int, list[int]] = {}
    stack = [-1]
    for i, token in enumerate(tokens):
        if token.kind == "open":
            stack.append(i)
        elif token.kind == "close":
            stack.pop()
        elif token.kind == "comma":
            inside.setdefault(stack[-1], []).append(i)
    groups: set[int] = set()
    for opener, commas in inside.items():
        called = tokens[opener - 1] if opener > 0 and tokens[opener - 1].kind == "name" else None
        most = ARITY[called.text.removeprefix("math.")] if called else 1
        could: list[int] = []
        for i in commas:
            if _could_group(tokens, i, could[-1:] == [i - 2]):
                could.append(i)
        if could and len(commas) - len(could) + 1 == most:
            groups.update(could)
        elif could or most == 1:
            at = (could or commas)[0]
            piece = source_of(tokens[max(0, at - 1) : at + 2])
            raise CannotRead(piece, "write numbers without commas, for example 1234.5")
    return groups


def _could_group(tokens: Sequence[Token], comma: int, goes_on: bool) -> bool:
    if not 0 < comma < len(tokens) - 1:
        return False
    left, right = tokens[comma - 1], tokens[comma + 1]
    return (
        left.kind == right.kind == "number"
        and not (tokens[comma].gap or right.gap)
        and (goes_on or bool(_FIRST.fullmatch(left.text)))
        and bool(_NEXT.fullmatch(right.text))
    )


def without_scales(tokens: list[Token], note: RepairNotes) -> list[Token]:
    """68 million as (68*10**6), 1億2345万 as a sum, 2½ as (2+1/2)."""
    found: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind == "scale":
            raise CannotRead(token.source, "write the digits, for example 68000000")
        end = i + 1
        if token.kind == "number":
            parts, end = _scaled(tokens, i)
            if parts:
                source = source_of(tokens[i:end])
                note("words", source)
                token = Token("number", f"({'+'.join(parts)})", source, token.gap)
            elif end < len(tokens) and tokens[end].kind == "fraction" and token.text.isdigit():
                token = Token(
                    "number", f"({token.text}+{tokens[end].text})", token.source, token.gap
                )
                end += 1
        found.append(token)
        i = end
    return found


def _scaled(tokens: Sequence[Token], i: int) -> tuple[list[str], int]:
    """The addends of a number with scale words from ``i`` on, and where it ends."""
    parts: list[str] = []
    smallest = 99
    while i + 1 < len(tokens) and tokens[i].kind == "number" and tokens[i + 1].kind == "scale":
        zeros = SCALE_WORDS[tokens[i + 1].text]
        if zeros >= smallest or not re.fullmatch(r"[0-9.]+", tokens[i].text):
            raise CannotRead(source_of(tokens[i : i + 2]), "write the digits, for example 68000000")
        parts.append(f"{tokens[i].text}*10**{zeros}")
        smallest = zeros
        i += 2
    if not parts:
        return parts, i + 1
    rest = tokens[i] if i < len(tokens) and not tokens[i].gap else None
    japanese = not tokens[i - 1].source.isascii()
    if (
        japanese
        and rest is not None
        and re.fullmatch(rf"[1-9][0-9]{{0,{smallest - 1}}}", rest.text)
    ):
        return [*parts, rest.text], i + 1
    return parts, i


# --- percent ----------------------------------------------------------------------------


def without_percents(tokens: list[Token], note: RepairNotes) -> list[Token]:
    """35% as (35/100), where % cannot be Python's remainder. Two readings are refused:
    200 + 5% (205 or 210?), and 5% + 3 (a remainder?)."""
    at = {i for i, token in enumerate(tokens) if token.kind == "percent" and _is_percent(tokens, i)}
    found: list[Token] = []
    for i, token in enumerate(tokens):
        if token.kind == "percent" and i not in at:
            found.append(token._replace(kind="op"))
        elif i in at:
            number = found.pop()
            source = number.source + token.gap + token.source
            _check_addend(tokens, i, at, source)
            note("percent", source)
            found.append(Token("number", f"({number.text}/100)", source, number.gap))
        elif token.kind == "of":
            found.append(_of(tokens, i, at, note))
        else:
            found.append(token)
    return found


def _is_percent(tokens: Sequence[Token], i: int) -> bool:
    if not i or tokens[i - 1].kind != "number":
        return False
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if after is not None and after.text in ("+", "-"):
        number, sign, end = (*tokens[i + 2 : i + 5], None, None, None)[:3]
        alike = number is not None and number.kind == "number"
        if alike and sign is not None and sign.kind == "percent" and not operand_begins(end):
            return True  # 100% - 35%
        raise CannotRead(
            source_of(tokens[i - 1 : i + 2]), f"write {tokens[i - 1].text} / 100 in brackets"
        )
    return not operand_begins(after)


def _check_addend(tokens: Sequence[Token], i: int, at: set[int], source: str) -> None:
    """A percentage on its own behind + or - must follow 1 or percentages only."""
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    alone = after is None or after.kind in ("close", "comma") or after.text in ("+", "-")
    sign = i - 2
    starts = ("open", "comma")
    if not alone or sign < 1 or tokens[sign].text not in ("+", "-"):
        return
    if not operand_ends(tokens[sign - 1]) and tokens[sign - 1].kind != "percent":
        return  # the sign belongs to the number
    if sign - 1 in at:  # behind another one, which stands on its own as well
        first = sign < 3 or tokens[sign - 3].kind in starts or tokens[sign - 3].text in ("+", "-")
    else:
        last = after is None or after.text not in ("+", "-")
        one = tokens[sign - 1].text in ("1", "1.0")
        first = one and last and (sign == 1 or tokens[sign - 2].kind in starts)
    if not first:
        raise CannotRead(
            source, f"write a share of what, for example 200 * {tokens[i - 1].text} / 100"
        )


def _of(tokens: Sequence[Token], i: int, at: set[int], note: RepairNotes) -> Token:
    """``35% of 80`` and 80の35%: the one that is no percentage must be the other side."""
    token = tokens[i]
    shares = {i - 1, i + 2} & at
    before = i - 3 if i - 1 in at else i - 2
    tight = before >= 0 and tokens[before].text in ("/", "//", "%", "**")
    percent_first = i - 1 in at
    if not shares or tight or (token.source != "の" and not percent_first):
        raise CannotRead(token.source, "write *, for example 0.35 * 80")
    note("words", token.source)
    return Token("op", "*", "*", token.gap or " ")
