"""Japanese: how invented things are called, in katakana and in rare pairs of kanji."""

from __future__ import annotations

from harness.invent.draw import Draw
from harness.invent.wording import Names, Words

KANA = tuple(
    "カキクケコサシスセソタテトナニヌネノハヒフヘマミムメモヤユヨラリルレロガギグゴザジダデドバビブベボワ"
)
ENDINGS = ("", "", "", "ン", "ー", "ス", "ル", "ラ")
# No place is called by such a pair, as far as we know.
FRONT = tuple("鈴霧藍錫苔鷺楓雫榛葦鴇梟蛍茜琥墨椿萩")
BACK = tuple("窪渕畝垣峰淵棚鞍堰杣嶺磐樋畦")


def katakana(draw: Draw, syllables: int) -> str:
    """A word in katakana, such as レトミン."""
    return "".join(draw.pick(KANA) for _ in range(syllables)) + draw.pick(ENDINGS)


def kanji(draw: Draw) -> str:
    """Two kanji that might be a place or a family, such as 苔窪."""
    return draw.pick(FRONT) + draw.pick(BACK)


def _place(draw: Draw) -> str:
    return kanji(draw) if draw.chance(0.4) else katakana(draw, 2 + draw.below(2))


def _town(draw: Draw, words: Words) -> str:
    return draw.phrase(lambda: _place(draw) + draw.pick("町市村"))


def _river(draw: Draw, words: Words) -> str:
    return draw.phrase(lambda: katakana(draw, 3) + "川")


def _bridge(draw: Draw, words: Words) -> str:
    return draw.phrase(lambda: katakana(draw, 3) + "橋")


def _person(draw: Draw, words: Words) -> str:
    def name() -> str:
        given = katakana(draw, 2)
        return kanji(draw) + given if draw.chance(0.3) else f"{given}・{katakana(draw, 3)}"

    return draw.phrase(name)


def _company(draw: Draw, words: Words) -> str:
    return draw.phrase(lambda: katakana(draw, 3) + draw.pick(words["firm"]))


def _novel(draw: Draw, words: Words) -> str:
    def title() -> str:
        plain = draw.pick(words["title_how"]) + draw.pick(words["title_thing"])
        return plain if draw.chance(0.5) else f"{katakana(draw, 2)}の{plain}"

    return draw.phrase(title)


def _film(draw: Draw, words: Words) -> str:
    parts = ("film_title", "title_how", "title_thing")
    return draw.phrase(lambda: "".join(draw.pick(words[part]) for part in parts))


def _painting(draw: Draw, words: Words) -> str:
    def title() -> str:
        one, two = draw.sample(words["title_thing"], 2)
        return one + draw.pick(words["painting_title"]) + two

    return draw.phrase(title)


NAMES = Names(
    of={
        "river": _river,
        "town": _town,
        "person": _person,
        "company": _company,
        "novel": _novel,
        "film": _film,
        "bridge": _bridge,
        "painting": _painting,
    },
    mountain=lambda draw: draw.phrase(lambda: katakana(draw, 3) + "山"),
    word=lambda draw: katakana(draw, 3),
    alike={
        "river": ("新{name}", "小{name}", "{new}川"),
        "town": ("東{name}", "上{name}", "{new}{name}"),
        "person": ("{new}・{last}", "{first}・{new}"),
        "company": ("{new}{name}", "新{name}"),
        "novel": ("続・{name}", "{new}の{name}"),
        "film": ("続・{name}", "{new}と{name}"),
        "bridge": ("新{name}", "{new}{name}"),
        "painting": ("夜の{name}", "{new}の{name}"),
    },
)
