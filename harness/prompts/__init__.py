"""Few-shot prompts: text files, and what renders and fingerprints them.

A prompt file is text with a TOML head between two lines of ``+++``. ``{tools}`` stands
for the tool descriptions, ``{question}`` for the task. What precedes ``{question}`` is
the prefix that every episode shares and the engine evaluates once. The head names the
dialect, whose stop strings hold unless the head has its own. A file without a head is a
probe: one generation, no stop string, taken to the letter.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from harness.common.hints import hint
from harness.protocol import DIALECTS, Protocol, dialect_of
from harness.types import Piece, UserError

PROMPTS_FOLDER = Path(__file__).parent
_HEAD = "+++\n"
_KEYS = ("title", "dialect", "language", "tools", "stop", "probe")


@dataclass(frozen=True)
class Chat:
    """A chat template cut where the user's text goes: ``head`` before it, ``tail`` behind it up
    to where the assistant begins. ``sha256`` is of the template, ``date`` (ISO) what it was told
    is today, "" where it does not ask."""

    head: str
    tail: str
    sha256: str
    date: str = ""


@dataclass(frozen=True)
class Prompt:
    """A prompt ready to use.

    ``text`` has no placeholder but ``{question}`` once rendered. ``probe`` means one
    generation and no loop. ``dialect`` names the protocol's written form. ``chat`` is what a
    model's own template puts around the user's turn; None is raw completion.
    """

    name: str
    text: str
    title: str = ""
    dialect: str = "colon"
    language: str = "en"
    tools: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    probe: bool = False
    chat: Chat | None = None

    @property
    def beginning(self) -> tuple[Piece, ...]:
        """The prefix as an engine takes it, in the user's turn where there are turns."""
        head = (Piece(self.chat.head, special=True),) if self.chat else ()
        return (*head, Piece(self.prefix))

    @property
    def prefix(self) -> str:
        """The shared beginning, up to a label's colon. The space after the colon belongs to
        what is appended, so that tokens do not depend on where the text was cut."""
        return self._cut[0].rstrip(" ")

    def opening(self, question: str) -> tuple[Piece, ...]:
        """What is appended to the prefix to begin an episode, up to ``Thought:``."""
        before, asks, after = self._cut
        gap = before[len(before.rstrip(" ")) :]
        asked = gap + (question if asks else "")
        if self.chat is None:
            return (Piece(asked + after),)
        # The assistant's turn is opened with the label and stays open for the whole episode.
        label = after.lstrip("\n") if asks else ""
        space = " " if label and self.chat.tail.endswith(":") else ""
        told = asked if asks else after
        return (Piece(told), Piece(self.chat.tail, special=True), Piece(space + label))

    @property
    def _cut(self) -> tuple[str, str, str]:
        """The text round ``{question}``. One without it asks its own question and is cut
        behind its last label but one, because an engine needs something to go on from."""
        if "{question}" in self.text:
            return self.text.partition("{question}")
        ends = len(self.text.rstrip(" \n:"))
        at = max(self.text.rfind(":", 0, ends) + 1, self.text.find(" ") + 1)
        return self.text[:at], "", self.text[at:]

    @property
    def sha256(self) -> str:
        """Hash of the rendered text: the prompt was held constant if this was."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def protocol(self, repair: bool = True) -> Protocol:
        """How what follows this prompt is read; ``repair`` as in ``Protocol``."""
        return Protocol(self.tools, self.dialect, repair, self.probe)


def prompt_names() -> list[str]:
    """The prompts that ship with the harness."""
    return sorted(path.stem for path in PROMPTS_FOLDER.glob("*.txt"))


def load_prompt(name: str, tool_block: str = "{tools}") -> Prompt:
    """A shipped prompt by name, or any text file by path, with the tools filled in.

    Raises UserError when there is no such prompt or its head is wrong.
    """
    path = PROMPTS_FOLDER / f"{name}.txt" if name in prompt_names() else Path(name)
    try:
        text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"prompt {name!r}: not a shipped prompt nor a UTF-8 text file ({error}); "
            f"{hint(name, prompt_names(), 2)}"
        ) from None
    return render_prompt(_read_prompt(path.stem, text, path), tool_block)


def render_prompt(prompt: Prompt, tool_block: str) -> Prompt:
    """The prompt with ``{tools}`` filled in."""
    return replace(prompt, text=prompt.text.replace("{tools}", tool_block))


def _read_prompt(name: str, text: str, path: Path) -> Prompt:
    if not text.startswith(_HEAD):
        return Prompt(name, text, dialect="deck", probe=True)
    head, found, body = text[len(_HEAD) :].partition("\n" + _HEAD)
    if not found:
        raise UserError(f"{path}:1: the head that begins with +++ has no closing line of +++")
    try:
        keys = tomllib.loads(head)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: the head is not TOML: {error}") from None
    if unknown := set(keys).difference(_KEYS):
        key = min(unknown)
        raise UserError(f"{path}: unknown key {key!r} in the head; {hint(key, _KEYS)}")
    try:
        dialect = dialect_of(str(keys.get("dialect", "colon")))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    probe = keys.get("probe", False)
    if dialect.calls_only and not probe:
        loops = ", ".join(name for name, each in DIALECTS.items() if not each.calls_only)
        raise UserError(
            f"{path}: dialect {dialect.name!r} has no answer, so no episode would end; "
            f"write probe = true, or one of {loops}"
        )
    stop = keys.pop("stop", () if probe else dialect.stops)
    return Prompt(
        name, body, **{**keys, "tools": tuple(keys.get("tools", ())), "stop": tuple(stop)}
    )
