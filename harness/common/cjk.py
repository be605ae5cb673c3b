"""Ranges of Japanese and Chinese characters, for character classes of regular expressions."""

from __future__ import annotations

HIRAGANA = "ぁ-ゖゝゞ"
KATAKANA = "ァ-ヺヽヾー"
KANJI = "㐀-鿿豈-﫿𠀀-𿿿"
KANJI_MARKS = "々〆〇"  # stand among kanji, and mean nothing alone
