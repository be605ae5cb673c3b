"""Finds fonts for charts: which installed ones can write a text, which letters none has.

Names of models and suites may be in any script; matplotlib's own font has no Japanese.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

OWN = "DejaVu Sans"  # comes with matplotlib
_JAPANESE_FONTS = [
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "VL Gothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
]
_FILES = re.compile(
    r"(NotoSans(CJK|JP)|ipaexg|ipag|Takao|VL-Gothic|Hiragino|ヒラギノ|YuGoth|meiryo|msgothic).*",
    re.IGNORECASE,
)


def families(text: str) -> list[str]:
    """The font families that together write ``text`` as far as this machine can."""
    return [OWN, *_japanese()] if lacking(text, [OWN]) else [OWN]


def lacking(text: str, names: Sequence[str]) -> str:
    """The characters of ``text`` that none of these families has."""
    from matplotlib import font_manager

    have: set[int] = set()
    for name in names:
        have |= font_manager.get_font(font_manager.findfont(name)).get_charmap().keys()
    return "".join(sorted({char for char in text if ord(char) not in have and not char.isspace()}))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Draw without a warning for every glyph that is missing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ ")
        yield


def _japanese() -> list[str]:
    """The Japanese fonts here, also those installed since matplotlib last looked."""
    from matplotlib import font_manager

    known = _known()
    if not known:
        for path in font_manager.findSystemFonts():
            if _FILES.fullmatch(Path(path).name):
                with contextlib.suppress(OSError, RuntimeError):
                    font_manager.fontManager.addfont(path)
        known = _known()
    return known


def _known() -> list[str]:
    from matplotlib import font_manager

    have = {entry.name for entry in font_manager.fontManager.ttflist}
    return [name for name in _JAPANESE_FONTS if name in have]
