"""Finds the tool that a written name means, and holds a move with its flaws."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.protocol.dialects import Dialect
from harness.types import Action, Answer, Move

# A word that ends the episode, and one that says there is no action.
FINISH = frozenset(("finish", "final answer", "answer", "final", "done", "回答", "最終回答"))
_NOTHING = frozenset(
    ("", "none", "n/a", "na", "null", "nothing", "no action", "no tool", "none needed", "なし")
)
_BEFORE_NAME = "-•・ \t*_`<>[]()\"'“”「」【】"
_BEHIND_NAME = "*_`<>[]()\"'“”「」【】 \t,;:"
_SEPARATORS = str.maketrans("", "", "_- \t")
LONGEST_NAME = 64


@dataclass
class WrittenMove:
    """A move and what was wrong with how it was written.

    ``move`` None: an action that cannot be carried out, so that nothing else may count
    (``nothing``: it says itself that there is none). ``used`` counts the lines below the
    label that belong to it, ``closed`` says that its end is marked, so that it was not
    cut off, ``rest`` is what follows that mark on its line.
    """

    move: Move | None
    flaws: list[str] = field(default_factory=list)
    used: int = 0
    closed: bool = False
    rest: str = ""
    nothing: bool = False


class KnownTools:
    """The tools that the prompt names, found under other spellings too."""

    def __init__(self, names: Sequence[str], dialect: Dialect) -> None:
        self.exact = dict.fromkeys(names)
        self.dialect = dialect
        self.near: dict[str, list[str]] = {}
        for name in self.exact:
            self.near.setdefault(spelling(name), []).append(name)

    def find(self, written: str, flaws: list[str]) -> str | None:
        """The known tool that is meant, or None. FlawNotes what was wrong with the spelling."""
        if written in self.exact:
            return written
        if len(written) > 2 * LONGEST_NAME:
            return None
        plain, noted = plain_name(written)
        if plain not in self.exact:
            near = self.near.get(spelling(plain), [])
            if len(near) != 1:
                return None
            if self.dialect.form != "bracket" or plain.lower() != near[0].lower():
                noted.append("misspelt_tool")  # in brackets a capital is the paper's own way
            plain = near[0]
        flaws += noted
        return plain

    def known(self, written: str) -> bool:
        """Whether that is a tool, in any spelling."""
        return self.find(written, []) is not None

    def finishes(self, written: str) -> bool:
        """Whether the name is the word that ends an episode, and no tool."""
        word = plain_name(written[: 2 * LONGEST_NAME])[0].replace("_", " ").lower()
        own = self.dialect.finish.lower()
        return (word in FINISH or (bool(own) and word == own)) and not self.known(written)


def call_by_name(name: str, text: str, tools: KnownTools, flaws: list[str]) -> WrittenMove | None:
    """A call by name: of a known tool, the finishing word, or one unknown word."""
    if tools.finishes(name):
        return WrittenMove(Answer(text.strip()), [*flaws, *_finish_flaws(name, tools.dialect)])
    noted: list[str] = []
    tool = tools.find(name, noted)
    if tool is None:
        plain, noted = plain_name(name)
        if not could_be_name(plain):
            return None
        tool, noted = plain, [*noted, "unknown_tool"]
    return WrittenMove(Action(tool, text.strip()), [*flaws, *noted])


def _finish_flaws(name: str, dialect: Dialect) -> list[str]:
    if dialect.form != "bracket":
        return ["wrong_dialect"]
    return [] if name.strip().lower() == dialect.finish.lower() else ["wrong_label"]


def plain_name(written: str) -> tuple[str, list[str]]:
    """A name without markup, backslashes and full-width forms, and the flaws it had."""
    flaws = []
    name = written.strip()
    if "\\" in name:
        name = name.replace("\\", "")
        flaws.append("escaped_markdown")
    bare = name if name.startswith("__") else name.lstrip(_BEFORE_NAME).rstrip(_BEHIND_NAME)
    if bare != name:
        flaws.append("decorated")
    plain = unicodedata.normalize("NFKC", bare)
    if plain != bare:
        flaws.append("fullwidth_punctuation")
    return plain, flaws


def spelling(name: str) -> str:
    """What near spellings of a name have in common: case, spaces, hyphens, underscores."""
    return name.casefold().translate(_SEPARATORS)


def could_be_name(word: str) -> bool:
    """Whether a word could be a tool's name: one word, no sentence."""
    return 0 < len(word) <= LONGEST_NAME and all(c.isalnum() or c in "_-./" for c in word)


def is_nothing(value: str) -> bool:
    """Whether an Action says that there is none."""
    return len(value) < LONGEST_NAME and value.strip(_BEFORE_NAME + ".。").lower() in _NOTHING
