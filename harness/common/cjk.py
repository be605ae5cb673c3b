"""Ranges of Japanese and Chinese characters, for character classes of regular expressions."""

from __future__ import annotations

HIRAGANA = "ぁ-ゖゝゞ"
KATAKANA = "ァ-ヺヽヾー"
KANJI = "㐀-鿿豈-﫿々〆〇𠀀-𿿿"
