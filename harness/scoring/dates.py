"""Dates in a text, in English and Japanese, as (year, month, day).

It reads spellings, it does not judge answers. Two-digit years are no years; a numeric
date that could be day/month or month/day is no date unless both readings agree.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from harness.scoring.text import REMEMBER, fold


class Date(NamedTuple):
    """0 = not given. Years before our era are negative."""

    year: int
    month: int
    day: int

    def within(self, other: Date) -> bool:
        """True when this date says all that ``other`` says, and the same."""
        return all(theirs in (0, ours) for ours, theirs in zip(self, other, strict=True))


NO_DATE = Date(0, 0, 0)

# era -> (the year before its first year, its last year of the era)
_ERAS = {
    "明治": (1867, 45), "meiji": (1867, 45),
    "大正": (1911, 15), "taisho": (1911, 15),
    "昭和": (1925, 64), "showa": (1925, 64),
    "平成": (1988, 31), "heisei": (1988, 31),
    "令和": (2018, 99), "reiwa": (2018, 99),
}  # fmt: skip
_MONTHS = {name.casefold(): i for i, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: i for name, i in _MONTHS.items()} | {"sept": 9}
_KANJI_DIGIT = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0}

_ERA_YEAR = re.compile(rf"({'|'.join(_ERAS)}) ?(元|[0-9]{{1,2}})(?![0-9]) ?年?")
_KANJI_FIGURE = re.compile(r"[〇零一二三四五六七八九十]{1,4}(?=[年月日])")
_MONTH = rf"({'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"([0-9]{3,4})(?![0-9])"
_NOT_AFTER = r"(?<![0-9])(?<![0-9][.,/-])"

_Reader = Callable[[re.Match[str]], Date]


@REMEMBER
def western(text: str) -> str:
    """Japanese era years as years of our era: 明治44年 -> 1911年. Takes folded text.

    A year that the era never had becomes ``?年``, which no date or number matches.
    """

    def year(match: re.Match[str]) -> str:
        before, last = _ERAS[match[1]]
        n = 1 if match[2] == "元" else int(match[2])
        return f"{before + n}年" if 1 <= n <= last else "?年"

    return _ERA_YEAR.sub(year, _KANJI_FIGURE.sub(lambda m: _kanji(m[0]), text))


def _kanji(figure: str) -> str:
    if "十" not in figure:
        return "".join(str(_KANJI_DIGIT[c]) for c in figure)
    tens, _, ones = figure.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return figure
    return str(10 * (_KANJI_DIGIT[tens] if tens else 1) + (_KANJI_DIGIT[ones] if ones else 0))


def _ymd(match: re.Match[str]) -> Date:
    return Date(*(int(part or 0) for part in match.groups()))


def _numeric(match: re.Match[str]) -> Date:
    first, second, year = (int(part) for part in match.groups())
    if first != second and first <= 12 and second <= 12:
        return NO_DATE
    return Date(year, second, first) if first > 12 else Date(year, first, second)


# In this order: what an earlier form has read, a later one does not see.
_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (re.compile(r"(?:紀元)?前 ?([0-9]{1,4})(?![0-9]) ?年"), lambda m: Date(-int(m[1]), 0, 0)),
    (
        re.compile(rf"{_NOT_AFTER}([0-9]{{1,4}}) ?(?:bce?(?![a-z])|b\.c\.(?:e\.)?)"),
        lambda m: Date(-int(m[1]), 0, 0),
    ),
    (
        re.compile(rf"{_NOT_AFTER}{_YEAR} ?年(?: ?([0-9]{{1,2}}) ?月(?: ?([0-9]{{1,2}}) ?日)?)?"),
        _ymd,
    ),
    (
        re.compile(r"(?<![0-9])([0-9]{1,2}) ?月 ?([0-9]{1,2}) ?日"),
        lambda m: Date(0, int(m[1]), int(m[2])),
    ),
    (
        re.compile(rf"{_NOT_AFTER}([0-9]{{3,4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}})(?![0-9])"),
        lambda m: Date(int(m[1]), int(m[3]), int(m[4])),
    ),
    (
        re.compile(rf"{_NOT_AFTER}([0-9]{{3,4}})[-/]([0-9]{{1,2}})(?![0-9/-])"),
        lambda m: Date(int(m[1]), int(m[2]), 0),
    ),
    (
        re.compile(rf"{_NOT_AFTER}([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}})(?![0-9])"),
        _numeric,
    ),
    (
        re.compile(rf"{_NOT_AFTER}{_DAY} (?:of )?{_MONTH},?(?: (?:of )?{_YEAR})?(?![a-z])"),
        lambda m: Date(int(m[3] or 0), _MONTHS[m[2]], int(m[1])),
    ),
    (
        re.compile(rf"(?<![a-z]){_MONTH} {_DAY}(?![0-9])(?:,? {_YEAR})?"),
        lambda m: Date(int(m[3] or 0), _MONTHS[m[1]], int(m[2])),
    ),
    (
        re.compile(rf"(?<![a-z]){_MONTH},? (?:of )?{_YEAR}"),
        lambda m: Date(int(m[2]), _MONTHS[m[1]], 0),
    ),
    (
        re.compile(rf"(?<![a-z]){_NOT_AFTER}{_YEAR}(?![0-9a-z]|[.,/-][0-9])"),
        lambda m: Date(int(m[1]), 0, 0),
    ),
)


@REMEMBER
def find_dates(text: str) -> tuple[Date, ...]:
    """Every date in the text, in no particular order; NO_DATE for one that cannot be.

    Takes any text; the 31st of February, the 13th month and 5/6/1911 give NO_DATE.
    """
    return tuple(date if _possible(date) else NO_DATE for date in _read(western(fold(text))))


def _read(text: str) -> Iterator[Date]:
    for pattern, reader in _FORMS:
        for match in pattern.finditer(text):
            yield reader(match)
        text = pattern.sub("|", text)


def _possible(date: Date) -> bool:
    year, month, day = date
    if month > 12 or (day and not month):
        return False
    return day <= (calendar.monthrange(year if year > 0 else 2000, month)[1] if month else 0)
