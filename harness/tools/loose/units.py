"""Removes units and currencies from a sum where its numbers stay true without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.tools.loose.tokens import CannotRead, RepairNotes, Token, source_of
from harness.tools.loose.words import UNITS, UnitWord


def without_units(tokens: list[Token], note: RepairNotes) -> list[Token]:
    """Without units and currencies, where dropping them leaves the number true: one unit
    throughout, or units of different kinds that are only multiplied and divided."""
    found: list[Token] = []
    units: dict[str, UnitWord] = {}
    i = 0
    while i < len(tokens):
        unit, end = _unit_at(tokens, i)
        if unit is None:
            found.append(tokens[i])
            i += 1
            continue
        source = source_of(tokens[i:end])
        behind = bool(found) and found[-1].kind in ("number", "close", "percent", "fraction")
        before = unit.money and end < len(tokens) and tokens[end].kind == "number"
        powered = end < len(tokens) and tokens[end].text == "**"
        again = end < len(tokens) and _unit_at(tokens, end)[0] is not None
        if powered or again or not (behind or before):
            raise CannotRead(source, "write the number alone")
        note("units", source)
        units[source] = unit
        if before and not behind:
            tokens[end] = tokens[end]._replace(gap=tokens[i].gap)
            double = (end + 1 < len(tokens) and _unit_at(tokens, end + 1)[0]) or unit
            if double.name != unit.name:  # $5m
                raise CannotRead(source + tokens[end].source + tokens[end + 1].source)
        i = end
    _check_units(found, units)
    return found


_POWERS = {"square": "2", "sq": "2", "cubic": "3"}


def _unit_at(tokens: Sequence[Token], i: int) -> tuple[UnitWord | None, int]:
    """The unit that begins at ``i``, km/h and km² taken whole, and where it ends."""
    start = i
    power = _POWERS.get(tokens[i].text.lower(), "") if tokens[i].kind == "word" else ""
    i += bool(power)
    if i >= len(tokens) or tokens[i].kind != "unit":
        return None, start
    unit = UNITS[tokens[i].text]
    i += 1
    if i < len(tokens) and tokens[i].kind == "superscript" and not tokens[i].gap:
        power = tokens[i].text
        i += 1
    elif source_of(tokens[i : i + 2]) in ("^2", "^3", "**2", "**3"):
        power = tokens[i + 1].text
        i += 2
    unit = UnitWord(unit.name + power, unit.kind + power, unit.money)
    divided = i < len(tokens) and (tokens[i].text == "/" or tokens[i].text.lower() == "per")
    if divided and i + 1 < len(tokens) and tokens[i + 1].kind == "unit":
        per, end = _unit_at(tokens, i + 1)
        if per is not None and not per.money:
            return UnitWord(f"{unit.name}/{per.name}", f"{unit.kind}/{per.kind}", unit.money), end
    return unit, i


def _check_units(tokens: Sequence[Token], units: Mapping[str, UnitWord]) -> None:
    """Refuse km beside m, and a sum or difference of unlike units."""
    if len({unit.name for unit in units.values()}) < 2:
        return
    parts = {  # of km/h and km2: km and h
        (name.rstrip("23"), kind.rstrip("23"))
        for unit in units.values()
        for name, kind in zip(unit.name.split("/"), unit.kind.split("/"), strict=True)
    }
    unlike = len({kind for _, kind in parts}) < len(parts)
    if unlike or any(token.text in ("+", "-", ",") for token in tokens):
        raise CannotRead(", ".join(list(units)[:3]), "write numbers alone, all in one unit")
