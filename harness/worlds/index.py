"""Turns texts and queries into the words by which the frozen world indexes and finds pages.

SQLite's tokeniser finds no words in Japanese, so runs of kanji and kana are indexed as
overlapping pairs of characters. Titles spelt alike are found by the trigrams that they share.
"""

from __future__ import annotations

import re

from harness.common.cjk import HIRAGANA, KANJI, KANJI_MARKS, KATAKANA
from harness.common.text import compare_form, one_line, title_key

_MAX_QUERY_TERMS = 24
_MAX_TITLE_CHARS = 200

_HAN = f"{KANJI}{KANJI_MARKS}"
_JAPANESE_RUN = re.compile(f"[{_HAN}{HIRAGANA}{KATAKANA}]+")
# a query is cut at changes of script as well: the nearest thing to words without a dictionary
_QUERY_RUN = re.compile(
    f"(?P<han>[{_HAN}]+)|(?P<hiragana>[{HIRAGANA}]+)|(?P<katakana>[{KATAKANA}]+)"
    f"|(?P<word>(?:(?![{_HAN}{HIRAGANA}{KATAKANA}])[^\\W_])+)"
)
STOP_WORDS = frozenset(
    """
    a an and are as at be been by can could did do does find for from had has have her him his
    how i in is it its many me much my of on or s she he that the their them there these they
    this those to was we were what when where which who whom whose why will with would you your
    です ですか ました ますか でしょうか された されて している という について における
    から まで より ある いる する した どこ どの だれ いつ いくつ なに なん 何 誰
    """.split()  # noqa: SIM905 (a list of a hundred strings is worse to read)
)


def segmented(text: str) -> str:
    """The text as it is indexed: Japanese runs become pairs of characters, the last one
    alone again, so that a query of one character finds it at any place by its prefix."""
    return _JAPANESE_RUN.sub(
        lambda run: f" {' '.join(_pairs(run[0]))} {run[0][-1]} ", compare_form(text)
    )


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def match_expressions(query: str) -> list[str]:
    """FTS5 queries to try in turn: all words of meaning, then any. Every token is quoted
    and holds letters and digits only, so that no query is a syntax error."""
    runs = [(run.lastgroup or "", run[0]) for run in _QUERY_RUN.finditer(compare_form(query))]
    telling = [run for run in runs if not _is_stop(*run)] or runs
    telling = list(dict.fromkeys(telling))[:_MAX_QUERY_TERMS]
    every = [_term(*run) for run in telling]
    either = [term for kind, run in telling for term in _loose_terms(kind, run)]
    either = list(dict.fromkeys(either))[:_MAX_QUERY_TERMS]
    return [" AND ".join(every), " OR ".join(either)] if telling else []


def _is_stop(kind: str, run: str) -> bool:
    return run in STOP_WORDS or (kind == "hiragana" and len(run) <= 2)  # particles, endings


def _term(kind: str, run: str) -> str:
    if kind == "word":
        return f'"{run}"'
    return f'"{" ".join(_pairs(run))}"' if len(run) > 1 else f'"{run}"*'


def _loose_terms(kind: str, run: str) -> list[str]:
    if kind == "word" or len(run) < 3:
        return [_term(kind, run)]
    return [f'"{pair}"' for pair in _pairs(run)]


def trigrams(title: str) -> set[str]:
    """Trigrams of a title's letters and digits; spaces in front make beginnings weigh more."""
    key = one_line(re.sub(r"[\W_]+", " ", title_key(title)))[:_MAX_TITLE_CHARS]
    padded = f"  {key} "
    return {padded[i : i + 3] for i in range(len(key) + 1)} if key else set()
