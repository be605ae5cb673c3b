"""Gives texts that mean the same one spelling, in three steps.

``match_form`` undoes what typing does to characters, ``normalise`` is the form for strict
comparison, ``loosen`` the one for lenient comparison. Every function takes any text and
needs time linear in its length.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from harness.common.cjk import HIRAGANA, KANJI, KANJI_MARKS, KATAKANA
from harness.scoring.kanji_forms import OLD_TO_NEW

# Read as one character each, because writers and keyboards mix them up freely.
_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛´`′ʼʻʽʾʿˈꞌ", "'"),
        **dict.fromkeys("“”„‟″〝〟", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－⁻", "-"),
        **dict.fromkeys("〜～∼˜", "~"),
        **dict.fromkeys("·•‧∙⋅･", "・"),
        **dict.fromkeys("髙", "高"),
        **dict.fromkeys("﨑", "崎"),
        "٪": "%",
    }
)
_LOOSE = str.maketrans({"ヴ": "ブ", "ヂ": "ジ", "ヅ": "ズ", "・": " ", "_": " ", "'": None})
# Latin letters that no accent makes, and the plain ones written for them
_LATIN = str.maketrans(
    {**dict(zip("łøđðħıŧŋəĸ", "loddhitnek", strict=True)), "þ": "th", "æ": "ae", "œ": "oe"}
)
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_V_SOUNDS = (("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"))
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"

_NO_BASE = re.compile(rf"(?<![^\W_])(?<!⁻)[{_SUPERSCRIPTS}]+")
_POWER = re.compile(rf"(?<=[0-9０-９])(?=⁻?[{_SUPERSCRIPTS}])")
_MIXED = re.compile(rf"(?<=[0-9０-９])(?=[{_VULGAR}])")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SPACE = re.compile(r"\s+")
_KANJI = f"{KANJI}{KANJI_MARKS}"
_CJK = f"{_KANJI}{HIRAGANA}{KATAKANA}・"
_CJK_GAP = re.compile(rf"(?<=[{_CJK}]) +(?=[{_CJK}])")
_QUOTES = re.compile('["「」『』«»]')
_DOT_NOT_IN_NUMBER = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
_HYPHEN_IN_WORD = re.compile(r"(?<=[^\W\d])-(?=[^\W\d])")
_INITIALS = re.compile(r"(?<![^\W_])([a-z]) (?=[a-z](?![^\W_]))")
_SMALL_KE = re.compile(rf"(?<=[{_KANJI}])[ヶケがガヵカ箇个](?=[{_KANJI}])")
_NO = re.compile(rf"(?<=[{_KANJI}])[ノ之](?=[{_KANJI}])")
_TSU = re.compile(rf"(?<=[{_KANJI}])[ツッっ](?=[{_KANJI}])")
_FINAL_BAR = re.compile("(?<=[ァ-ヺー][ァ-ヺ])ー(?![ァ-ヺー])")

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
def match_form(text: str) -> str:
    """Undo what typing does to characters: width, case, dashes, quotes, invisible marks.

    Unlike bare NFKC it keeps ``10²`` apart from ``102``, ``2½`` from ``21/2`` and drops
    enumeration marks such as ``①``, which are not figures. Idempotent.
    """
    if text.isascii():
        return _SPACE.sub(" ", text.casefold().replace("`", "'")).strip()
    text = _POWER.sub("^", _NO_BASE.sub(" ", text))
    text = _VARIATION.sub("", _MIXED.sub(" ", text))
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
    whole = match_form(text)
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
    """The form for lenient comparison: no accents or special letters in Latin script, no dots
    or hyphens inside names, initials together, no middle dots, Japanese spelling variants
    unified (old and new kanji, ヶ and が, a final ー). Numbers keep their points and signs."""
    text = normalise(text)
    for sound, plain in _V_SOUNDS:
        text = text.replace(sound, plain)
    text = _unaccented(text.translate(OLD_TO_NEW)).translate(_LATIN).translate(_LOOSE)
    text = _TSU.sub("つ", _NO.sub("の", _SMALL_KE.sub("ヶ", _FINAL_BAR.sub("", text))))
    text = _HYPHEN_IN_WORD.sub(" ", _DOT_NOT_IN_NUMBER.sub("", text)).replace(" & ", " and ")
    return normalise(_INITIALS.sub(r"\1", _SPACE.sub(" ", text)))


@REMEMBER
def loose_spellings(text: str) -> frozenset[str]:
    """All lenient forms of a text: as ``loosen`` has it, and with ä, ö, ü, ø, å written out."""
    whole = unicodedata.normalize("NFC", normalise(text))
    return frozenset((loosen(text), loosen(whole.translate(_DIGRAPHS))))


def _unaccented(text: str) -> str:
    """Accents off Latin letters; marks of other scripts, such as が's, stay."""
    if text.isascii():
        return text
    bare: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character) and bare and (bare[-1] < "\u0250"):
            continue
        bare.append(character)
    return unicodedata.normalize("NFC", "".join(bare))


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
