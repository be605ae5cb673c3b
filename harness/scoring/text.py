"""One spelling for texts that mean the same: folding, normal form, loose form.

It knows characters, not tasks: nothing here knows what a right answer is. Every
function takes any text at all and needs time linear in its length.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Read as one character each, because writers and keyboards mix them up freely.
_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛´`′ʼ", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－⁻", "-"),
        **dict.fromkeys("〜～∼˜", "~"),
        **dict.fromkeys("·•‧∙⋅･", "・"),
        **dict.fromkeys("髙", "高"),
        **dict.fromkeys("﨑", "崎"),
        "٪": "%",
    }
)
_LOOSE = str.maketrans(
    {"ヴ": "ブ", "斉": "斎", "齊": "斎", "齋": "斎", "・": " ", "_": " ", "'": None}
)
_V_SOUNDS = (("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"))
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"

_NO_BASE = re.compile(rf"(?<![^\W_])[{_SUPERSCRIPTS}]+")
_POWER = re.compile(rf"(?<=[0-9０-９])(?=⁻?[{_SUPERSCRIPTS}])")
_MIXED = re.compile(rf"(?<=[0-9０-９])(?=[{_VULGAR}])")
_THIN_GROUP = re.compile("(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_SPACE = re.compile(r"\s+")
_CJK = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_GAP = re.compile(rf"(?<=[{_CJK}]) +(?=[{_CJK}])")
_QUOTES = re.compile('["「」『』«»]')
_DOT_NOT_IN_NUMBER = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
_HYPHEN_IN_WORD = re.compile(r"(?<=[^\W\d])-(?=[^\W\d])")

_COPULAS = ("でございます", "になります", "であります", "である", "だった", "でした", "です")
_TAILS = (*".,;:!?。、 ", *_COPULAS)
_WRAPS = ("**", "__", "*", "_", "'")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "【": "】", "〈": "〉", "《": "》"}
_LEAD = re.compile(
    r"^(?:(?:so|thus|therefore),? )?(?:the )?(?:(?:final |correct )?answer|result) (?:is|was)(?: |: ?)|"
    r"^(?:it|this|that|he|she) (?:is|was) |^(?:正解|答え|回答|最終的な答え|結果)は ?"
)
_ARTICLES = frozenset({"a", "an", "the"})


# The same few texts meet again and again: a suite's answers, each with every other.
REMEMBER = lru_cache(maxsize=4096)


@REMEMBER
def fold(text: str) -> str:
    """Undo what typing does to characters: width, case, dashes, quotes, invisible marks.

    Unlike bare NFKC it keeps ``10²`` apart from ``102``, ``2½`` from ``21/2`` and drops
    enumeration marks such as ``①``, which are not figures. Idempotent.
    """
    if text.isascii():
        return _SPACE.sub(" ", text.casefold().replace("`", "'")).strip()
    text = _POWER.sub("^", _NO_BASE.sub(" ", text))
    text = _THIN_GROUP.sub(",", _MIXED.sub(" ", text))
    text = "".join(" " if _enclosed(c) else c for c in text if unicodedata.category(c) != "Cf")
    for _ in range(3):  # NFKC after casefold can open another fold; two rounds settle it
        text = unicodedata.normalize("NFKC", text.translate(_SAME)).casefold().translate(_SAME)
    return _SPACE.sub(" ", text).strip()


def _enclosed(character: str) -> bool:
    """Circled, parenthesised and full-stop figures: ① ⑴ ⒈."""
    return "\u2460" <= character <= "\u249b" or "\u24ea" <= character <= "\u24ff"


@REMEMBER
def normalise(text: str) -> str:
    """The form in which two strings are compared strictly. Idempotent; "" only for "".

    Folded, quotation marks gone, trailing punctuation and Japanese copulas gone, leading
    articles gone: each only as long as something is left to compare.
    """
    whole = fold(text)
    return _without_articles(_trim(_squeeze(_QUOTES.sub(" ", whole)))) or whole


def _squeeze(text: str) -> str:
    """Single spaces, and none between CJK characters, where they carry no meaning."""
    return _CJK_GAP.sub("", _SPACE.sub(" ", text)).strip()


def _trim(text: str) -> str:
    """Wrapping marks, trailing punctuation and copulas off, from both ends inwards, as
    long as a letter or a figure is left."""
    start, end = 0, len(text)
    first = next((i for i, c in enumerate(text) if c.isalnum()), end)
    while (smaller := _trim_once(text, start, end, first)) != (start, end):
        start, end = smaller
    return text[start:end]


def _trim_once(text: str, start: int, end: int, first: int) -> tuple[int, int]:
    for tail in _TAILS:
        if end - len(tail) > first and text.endswith(tail, start, end):
            return start, end - len(tail)
    if text.startswith(" ", start, end):
        return start + 1, end
    if end - 1 > first and text[end - 1] == "だ" and script(text[end - 2]) not in ("", "hiragana"):
        return start, end - 1  # not the end of a name in hiragana, such as はまだ
    for mark in _WRAPS:
        size, inner = len(mark), end - start - 2 * len(mark)
        if inner > 0 and text.startswith(mark, start) and text.endswith(mark, start, end):
            return start + size, end - size
    closing = _BRACKETS.get(text[start : start + 1])
    if closing and end - start > 2 and text.find(closing, start, end) == end - 1:
        return start + 1, end - 1
    return start, end


def _without_articles(text: str) -> str:
    words = text.split(" ")
    for i, word in enumerate(words):
        if word not in _ARTICLES:
            return " ".join(words[i:])
    return text


@REMEMBER
def loosen(text: str) -> str:
    """The form for lenient comparison: no accents on Latin letters, no dots or hyphens
    inside names, no middle dots, Japanese spelling variants unified. Numbers keep their
    points and signs."""
    text = normalise(text)
    for sound, plain in _V_SOUNDS:
        text = text.replace(sound, plain)
    text = "".join(_unaccented(c) for c in text).translate(_LOOSE)
    return normalise(_HYPHEN_IN_WORD.sub(" ", _DOT_NOT_IN_NUMBER.sub("", text)))


def _unaccented(character: str) -> str:
    if character < "\u00c0" or character > "\u1eff":
        return character
    base = unicodedata.normalize("NFD", character)[0]
    return base if "a" <= base <= "z" else character


def script(character: str) -> str:
    """What kind of character this is, as far as word boundaries go; "" for none."""
    if "\u3041" <= character <= "\u309f":
        return "hiragana"
    if "\u30a1" <= character <= "\u30ff" and character != "・":
        return "katakana"
    if "\u3005" <= character <= "\u3007" or "\u3400" <= character <= "\u9fff":
        return "kanji"
    if character.isdigit():
        return "digit"
    return "letter" if character.isalpha() else ""


def occurs(needle: str, text: str) -> int:
    """Where ``needle`` stands in ``text`` with a change of script on both sides; -1 = nowhere.

    A regular expression's word boundary does not do: 答えは東京です has none round 東京.
    """
    at = text.find(needle) if needle else -1
    while at >= 0:
        end = at + len(needle)
        if not (_joined(text[at - 1 : at], needle[0]) or _joined(needle[-1], text[end : end + 1])):
            return at
        at = text.find(needle, at + 1)
    return -1


def _joined(left: str, right: str) -> bool:
    return bool(left and right and script(left)) and script(left) == script(right)


def without_lead(text: str) -> str:
    """A normal form without the words that only announce an answer, as far as any is left:
    "the answer is", 答えは."""
    return normalise(_LEAD.sub("", text)) or text


def without_asides(text: str) -> str:
    """Bracketed asides out, unless nothing else is there: 18個(残り2個) -> 18個."""
    kept: list[str] = []
    depth = 0
    for character in text:
        depth += character in _BRACKETS
        if not depth:
            kept.append(character)
        depth -= depth > 0 and character in _BRACKETS.values()
    return "".join(kept).strip() or text
