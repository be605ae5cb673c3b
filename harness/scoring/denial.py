"""Finds out whether a text denies what it names, with closed lists of words. Takes folded text.

A denial counts in the same clause as the name, before it ("not Paris") or behind it ("Paris is wrong", 東京ではない).
"""

from __future__ import annotations

import re

OFFERS = re.compile(
    r"(?<![a-z])(?:or|either|and/or|vs\.?|versus)(?![a-z])|または|もしくは|あるいは|ないしは|それとも"
)
"""Words between alternatives."""

_BEFORE = re.compile(
    r"(?<![a-z])(?:not|no|never|neither|nor|cannot|unlike|except|excluding|excepting|instead|"
    r"rather than|other than|apart from|aside from|without|nothing like|wrong|incorrect|false|"
    r"(?:any|every)(?:thing|one|body|where)?(?: [a-z]+)? but|all but|far from|"
    r"(?:is|was|are|were|do|does|did|ca|could|wo|would|has|have|should)n'?t)(?![a-z])"
)
_LIFTED = re.compile(
    r"(?<![a-z])not (?:in |the |at |from )?[^,;.]{1,40}[,;]? but (?:rather |in |the |at |from |it is )*$|"
    r"[,;.] ?(?:but |rather,? |instead,? )?(?:(?:it|this|that|he|she)(?: is|'s| was)|rather|instead,?|but) (?:the |in )?$"
)
_BEHIND = re.compile(
    r"(?<![a-z])(?:not|never|wrong|incorrect|false|untrue|mistaken|inaccurate|no longer|"
    r"(?:is|was|are|were|do|does|did|ca|could|wo|would|has|have|should)n'?t)(?![a-z])"
)
_BEHIND_LATER = re.compile(
    r"(?<![a-z])(?:(?:is|was|are|seems) (?:wrong|incorrect|false|not (?:right|correct|true|it))|"
    r"(?:is|was)n'?t (?:right|correct|true|it))(?![a-z])|^ ?no ?$|^ ?(?:wrong|incorrect|false)(?![a-z])"
)
_BEHIND_JA = re.compile(
    r"ではな|じゃな|でない|でなく|ではあり|じゃあり|でもな|とは限|とは言え|とはいえ|ではござ|以外|"
    r"[はがも]?(?:違|ちが)[いうっわ]|[はがも]?(?:誤り|誤っ|間違|不正解|まちが)|を除|のほかに?(?=$|、)"
)
_CLAUSE = re.compile(r"[,;.!?]")


def denied(text: str, start: int, end: int) -> bool:
    """True when the text denies what stands from ``start`` to ``end``."""
    before, after = text[max(0, start - 200) : start], text[end : end + 200]
    if _BEHIND_JA.match(after) or _BEHIND_JA.search(re.split("[、。,]", after)[0]):
        return True
    if _BEFORE.search(before) and not _LIFTED.search(before):
        return True
    first, *later = _CLAUSE.split(after)
    return bool(_BEHIND.search(first)) or any(_BEHIND_LATER.search(clause) for clause in later)
