"""Old and variant forms of kanji and the present form of each, for lenient comparison."""

from __future__ import annotations

from pathlib import Path


def _variants() -> dict[str, str]:
    lines = Path(__file__).with_name("kanji_forms.txt").read_text("utf-8").splitlines()
    words = (word for line in lines if not line.startswith("#") for word in line.split())
    return {old: word[0] for word in words for old in word[1:]}


OLD_TO_NEW = str.maketrans(_variants())
