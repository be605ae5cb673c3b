"""Finds the dates in a text, English or Japanese, as (year, month, day).

A two-digit year counts only with an era (AD 79, 79年). A numeric date that could be day/month
or month/day is no date unless both readings agree. A bound (before 1911), a guess (circa
1911), a decade and a range are no dates either.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from harness.scoring.numerals import KANJI_WHOLE, ORDINALS, kanji_value
from harness.scoring.text import REMEMBER, match_form


class Date(NamedTuple):
    """0 = not given. Years before our era are negative."""

    year: int
    month: int
    day: int

    def within(self, other: Date) -> bool:
        """True when this date says all that ``other`` says, and the same."""
        return all(theirs in (0, ours) for ours, theirs in zip(self, other, strict=True))


NO_DATE = Date(0, 0, 0)

# --- one spelling for eras and words ----------------------------------------------------

_ERA_TABLE = """
嘉永 1847 8, 安政 1853 7, 万延 1859 2, 文久 1860 4, 元治 1863 2, 慶応 1864 4, 慶應 1864 4,
明治 1867 45, meiji 1867 45, m 1867 45, 大正 1911 15, taisho 1911 15, t 1911 15,
昭和 1925 64, showa 1925 64, s 1925 64, 平成 1988 31, heisei 1988 31, h 1988 31,
令和 2018 99, reiwa 2018 99, r 2018 99
"""
# era -> (the year before its first year, its last year of the era)
_ERAS = {
    name: (int(before), int(last)) for name, before, last in map(str.split, _ERA_TABLE.split(","))
}
_ERA_NAMES = "|".join(name for name in _ERAS if len(name) > 1)
_ERA_YEAR = re.compile(rf"({_ERA_NAMES}) ?(元|[0-9]{{1,2}})(?![0-9])(?: ?年(?!間))?")
_ERA_LETTER = re.compile(
    r"(?<![a-z0-9])([mtshr]) ?(元|[0-9]{1,2})(?:年|\.(?=[0-9]{1,2}\.[0-9]{1,2}(?![0-9.])))"
)
_ERA_DAY = re.compile(r"(?<=年)([0-9]{1,2})\.([0-9]{1,2})(?![0-9.])")
_KANJI_FIGURE = re.compile(rf"{KANJI_WHOLE.pattern}(?=[年月日])")


@REMEMBER
def western(text: str) -> str:
    """Japanese era years as years of our era: 明治44年 -> 1911年. Takes folded text.

    Kanji figures before 年, 月 and 日 become figures. A year that the era never had becomes
    ``?年``, which no date or number matches.
    """

    def year(match: re.Match[str]) -> str:
        before, last = _ERAS[match[1]]
        n = 1 if match[2] == "元" else int(match[2])
        sign = "" if match[1].isascii() and len(match[1]) > 1 else "年"
        return f"{before + n}{sign}" if 1 <= n <= last else "?年"

    if text.isascii() and not _ERA_YEAR.search(text) and not _ERA_LETTER.search(text):
        return text
    text = _ERA_YEAR.sub(year, _KANJI_FIGURE.sub(lambda m: _figures(m[0]), text))
    return _ERA_DAY.sub(r"\1月\2日", _ERA_LETTER.sub(year, text))


def _figures(run: str) -> str:
    value = kanji_value(run)
    return run if value is None or value.denominator > 1 else str(value)


_MONTHS = {name.casefold(): i for i, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: i for name, i in _MONTHS.items()} | {"sept": 9}
_ORDINAL_DAYS = ORDINALS | {"thirtieth": 30, "thirty first": 31}
_ORDINAL_DAYS |= {f"twenty {word}": 20 + day for word, day in ORDINALS.items() if day < 10}
_ORDINAL_DAY = re.compile(
    "(?<![a-z])(?:"
    + "|".join(sorted(_ORDINAL_DAYS, key=len, reverse=True)).replace(" ", "[- ]")
    + ")(?![a-z])"
)
_ASIDE = re.compile(r"(?<=[0-9年])\([^()]{1,12}\)(?= ?(?:年|[0-9]{1,2}月))")  # 1911(明治44)年5月
_RANGE_DASH = re.compile(r"(?<![0-9–—-])([0-9]{3,4}) ?[–—] ?([0-9]{2,4})(?![0-9–—-])")
_TIME = re.compile(r"(?<=-[0-9]{2})t[0-9:]{2,8}(?:\.[0-9]+)?(?:z|[+-][0-9:]{2,5})?")
_WEEKDAY = re.compile(r"\([月火水木金土日]\)|[月火水木金土日]曜日?")


def _readable(text: str) -> str:
    """The text folded, with eras and ordinal words as figures, without weekdays and asides."""
    text = match_form(_RANGE_DASH.sub(r"\1~\2", text))
    text = _ORDINAL_DAY.sub(lambda m: f"{_ORDINAL_DAYS[m[0].replace('-', ' ')]}th", text)
    return _WEEKDAY.sub("", western(_ASIDE.sub("", _TIME.sub("", text))))


# --- forms ------------------------------------------------------------------------------

_MONTH = rf"(?<![a-z])({'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?![a-z])\.?"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?(?: day)?"
_BEFORE_FIGURE = r"(?<![0-9a-z])(?<![0-9][.,/-])"
_SOME_YEAR = (  # groups: front, figures, back
    r"(a\.?d\.? |c\.?e\.? |b\.?c\.?(?:e\.?)? )?"
    r"([0-9]{1,4})(?![0-9a-z])"
    r"( ?(?:b\.?c\.?e?|a\.?d|c\.?e)(?![a-z])\.?)?"
)
_ITS_YEAR = rf"(?:,? (?:of |in )?|[-/]){_SOME_YEAR}"  # behind a month

_Reader = Callable[[re.Match[str]], Date | None]


def _year(front: str | None, figures: str | None, back: str | None) -> int:
    """A signed year; 0 where there is none, or two figures at most without an era."""
    era = (front or back or "").replace(".", "").strip()
    year = int(figures or 0)
    return -year if era.startswith("bc") else year if era or len(figures or "") > 2 else 0


def _checked(year: int, month: int, day: int, figures: str | None) -> Date:
    """The date; NO_DATE where figures for a year were written that are no year."""
    return NO_DATE if figures and not year else Date(year, month, day)


def _japanese(match: re.Match[str]) -> Date:
    before, year, month, day = match.groups()
    return Date(-int(year) if before else int(year), int(month or 0), int(day or 0))


def _numeric(match: re.Match[str]) -> Date:
    first, second, year = (int(part) for part in match.groups())
    if first != second and first <= 12 and second <= 12:
        return NO_DATE
    return Date(year, second, first) if first > 12 else Date(year, first, second)


def _day_first(match: re.Match[str]) -> Date:
    day, month, *year = match.groups()
    return _checked(_year(*year), _MONTHS[month], int(day), year[1])


def _month_first(match: re.Match[str]) -> Date:
    month, day, *year = match.groups()
    return _checked(_year(*year), _MONTHS[month], int(day), year[1])


def _month_only(match: re.Match[str]) -> Date:
    month, *year = match.groups()
    return _checked(_year(*year), _MONTHS[month], 0, year[1])


def _year_first(match: re.Match[str]) -> Date:
    return Date(int(match[1]), _MONTHS[match[2]], int(match[3] or 0))


def _year_alone(match: re.Match[str]) -> Date | None:
    year = _year(*match.groups())
    return Date(year, 0, 0) if year else None


def _iso(match: re.Match[str]) -> Date:
    sign, year, month, day = match.groups()
    return Date(-int(year) if sign else int(year), int(month), int(day))


# In this order: what an earlier form has read, a later one does not see.
_FORMS: tuple[tuple[str, _Reader], ...] = (
    (
        r"(?<![0-9])(?:西暦|紀元)?((?:紀元)?前 ?)?(?<![0-9.,/-])([0-9]{1,4}) ?年(?!前|間|ぶり|後)"
        r"(?: ?の?([0-9]{1,2}) ?月(?: ?([0-9]{1,2}) ?日)?)?",
        _japanese,
    ),
    (r"(?<![0-9])([0-9]{1,2}) ?月 ?([0-9]{1,2}) ?日", lambda m: Date(0, int(m[1]), int(m[2]))),
    (
        rf"((?:(?<=^)|(?<= ))-)?{_BEFORE_FIGURE}([0-9]{{3,4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}})"
        "(?![0-9])",
        _iso,
    ),
    (
        r"(?<![0-9a-z.,/-])([0-9]{4})([0-9]{2})([0-9]{2})(?![0-9a-z]|[.,/-][0-9])",
        lambda m: Date(int(m[1]), int(m[2]), int(m[3])),
    ),
    (
        rf"{_BEFORE_FIGURE}([0-9]{{3,4}})[-/]([0-9]{{1,2}})(?![0-9a-z/-])",
        lambda m: Date(int(m[1]), int(m[2]), 0),
    ),
    (
        rf"{_BEFORE_FIGURE}([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}})(?![0-9])",
        _numeric,
    ),
    (
        rf"{_BEFORE_FIGURE}([0-9]{{1,2}})/([0-9]{{4}})(?![0-9/-])",
        lambda m: Date(int(m[2]), int(m[1]), 0),
    ),
    (
        rf"{_BEFORE_FIGURE}([0-9]{{3,4}})(?:, ?| |-|/)(?:the )?{_MONTH}(?:[- /]{_DAY}(?![0-9]))?",
        _year_first,
    ),
    (
        rf"{_BEFORE_FIGURE}{_DAY}(?: (?:of )?|[-/.] ?){_MONTH}(?:{_ITS_YEAR})?(?![a-z])",
        _day_first,
    ),
    (rf"{_MONTH}[- /](?:the )?{_DAY}(?![0-9])(?:{_ITS_YEAR})?", _month_first),
    (rf"{_MONTH}{_ITS_YEAR}", _month_only),
    (rf"{_BEFORE_FIGURE}{_SOME_YEAR}(?![0-9a-z]|[.,/-][0-9])", _year_alone),
)
_READERS = tuple((re.compile(pattern), reader) for pattern, reader in _FORMS)

# --- what makes a date none -------------------------------------------------------------

_NOT_BEFORE = re.compile(
    r"(?:(?<![a-z])(?:before|after|since|until|till|til|by|from|between|circa|ca|c|about|around|"
    r"approximately|approx|roughly|not|to|through|prior to|earlier than|later than|following|"
    r"at least|at latest|onwards?|pre|post|or|and|possibly|probably|perhaps|maybe|as early as|"
    r"as late as|eve of)\.?|[~<>≤≥±]|から|より|約|およそ)"
    r"[ ,-]?(?:the |about |year |early |late |mid-?|of |in |on )*$"
)
_NOT_AFTER = re.compile(
    r" ?(?:[+?±]|[-~](?: |$)|~|以前|以後|以降|以来|まで|から|より|頃|ごろ|ころ|前後|の?前(?!半)|"
    r"の?後(?!半)|代|か(?!も)|または|もしくは|"
    r"(?:to|or|until|till|through|onwards?|and (?:later|earlier|after|before)|"
    r"at the (?:latest|earliest))(?![a-z]))"
)
_TO = " ?(?:[-~]|to|and|or|through) ?"
_TH = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_TO_A_DAY = re.compile(
    rf"(?<![0-9]){_TH}{_TO}{_TH} (?:of )?{_MONTH}|{_MONTH} {_TH}{_TO}(?:{_MONTH} )?{_TH}(?![0-9])|"
    rf"{_MONTH}{_TO}{_MONTH}|[0-9]日? ?~ ?[0-9]|月[0-9]{{1,2}}日?[・、,][0-9]{{1,2}}日"
)


@REMEMBER
def find_dates(text: str) -> tuple[Date, ...]:
    """Every date in the text, in no particular order; NO_DATE for one that cannot be.

    Takes any text, best as typed: an en dash between years is a range, a hyphen may not be.
    The 31st of February, 5/6/1911, "before 1911" and "5-6 May 1911" give NO_DATE.
    """
    text = _readable(text)
    dates = tuple(date if _possible(date) else NO_DATE for date in _read(text))
    return (*dates, NO_DATE) if dates and _TO_A_DAY.search(text) else dates


def whole_date(text: str) -> Date | None:
    """The date that is the whole text; None for any other text."""
    text = _readable(text)
    for pattern, reader in _READERS:
        if whole := pattern.fullmatch(text):
            date = reader(whole)
            return date if date and _possible(date) else None
    return None


def _read(text: str) -> Iterator[Date]:
    left = text
    for pattern, reader in _READERS:
        for match in pattern.finditer(left):
            if date := reader(match):
                yield NO_DATE if _qualified(text, *match.span()) else date
        left = pattern.sub(lambda match: "|" * len(match[0]), left)


def _qualified(text: str, start: int, end: int) -> bool:
    """True for a bound, a guess or one end of a range."""
    return bool(_NOT_BEFORE.search(text, max(0, start - 30), start) or _NOT_AFTER.match(text, end))


def _possible(date: Date) -> bool:
    year, month, day = date
    if month > 12 or (day and not month) or date == NO_DATE:
        return False
    return day <= (calendar.monthrange(year if year > 0 else 2000, month)[1] if month else 0)
