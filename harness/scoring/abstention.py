"""Recognises answers that say that there is no answer, with closed lists of phrases.

Every clause of the text must say so: "I don't know, maybe Paris" names a candidate and is an
answer.
"""

from __future__ import annotations

import re

from harness.scoring.text import REMEMBER, match_form, normalise, occurs, without_lead

_ENGLISH = """
unknown, not known, unanswerable, undetermined, undefined, i don't know, i do not know,
don't know, do not know, not sure, no answer, cannot answer, can't answer, cannot be answered,
cannot determine, can't determine, cannot be determined, can't be determined,
could not be determined, could not determine, cannot be known, could not find, couldn't find,
cannot find, can't find, cannot be found, could not be found, not found, not available,
unavailable, not stated, not mentioned, not given, not specified, not provided, not recorded,
not listed, not enough info, not enough information, insufficient information, no information,
no info, no record, no data, no such information, does not say, doesn't say, does not mention,
doesn't mention, does not state, doesn't state, does not give, doesn't give, does not specify,
doesn't specify, do not say, do not mention
"""
_JAPANESE = """
不明, 不詳, 未詳, 分かりません, わかりません, 判りません, 分からない, わからない, 知りません,
知らない, 存じません, 情報なし, 情報がない, 情報がありません, 情報はない, 情報はありません,
情報が見つかりません, 情報不足, 記載なし, 記載がない, 記載がありません, 記載はない,
記載はありません, 記載されていない, 記載されていません, 書かれていない, 書かれていません,
見つからない, 見つかりません, 答えられない, 答えられません, 答えることができません, 回答不能,
回答できません, 回答できない, 特定できない, 特定できません, 判断できない, 判断できません,
答えはない, 答えはありません, 該当なし, データなし, データがありません
"""
_PHRASES = {
    language: tuple(phrase.strip() for phrase in table.split(","))
    for language, table in (("en", _ENGLISH), ("ja", _JAPANESE))
}
_CLAUSE = re.compile(r"[,.;:!?()。、]| - ")
_CANDIDATE = re.compile(
    r"[0-9]|(?<![a-z])(?:but|however|though|maybe|perhaps|probably|possibly|likely|guess|think|"
    r"believe|assume|suppose|or|either)(?![a-z])|しかし|ただし|たぶん|多分|おそらく|恐らく|かもしれ|と思|"
    r"でしょう|だろう|または|もしくは|あるいは"
)


def _phrases(language: str) -> tuple[str, ...]:
    """English always counts: small models fall back on it whatever they were asked in."""
    return _PHRASES["en"] + (_PHRASES.get(language, ()) if language != "en" else ())


def is_phrase(text: str, language: str) -> bool:
    """True when the text is one of the closed phrases and nothing else."""
    text = normalise(text)
    return text in _phrases(language) or without_lead(text) in _phrases(language)


@REMEMBER
def abstains(text: str, language: str) -> bool:
    """True when every clause says that there is no answer, and none names a candidate."""
    text = match_form(text)
    if _CANDIDATE.search(text):
        return False
    clauses = [clause for clause in _CLAUSE.split(text) if clause.strip()]
    return bool(clauses) and all(_says_so(clause, language) for clause in clauses)


def _says_so(clause: str, language: str) -> bool:
    return any(
        occurs(phrase, clause) >= 0 if phrase.isascii() else phrase in clause
        for phrase in _phrases(language)
    )
