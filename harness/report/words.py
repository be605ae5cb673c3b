"""Words that tables, charts and pages share: names of runs, moves, widths, shares, sizes.

Names of models come from files and are made safe and short here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.common.printable import printable
from harness.scoring.records import EpisodeScore
from harness.types import Action, Move, Task

ResultRow = Mapping[str, Any]  # one run, as ``data.rows`` makes it

NAME = 64  # characters of a model's name
LINE = 78  # columns of a line of text


def run_words(row: ResultRow) -> str:
    """A run by its model's name and what tells it from others of that name."""
    name = printable(str(row["name"]), NAME)
    return f"{name} ({printable(str(row['apart']), NAME)})" if row["apart"] else name


def move_words(move: Move | None) -> str:
    """A move as the prompts write it: ``Action: wikipedia: Japan``, ``Answer: 4``."""
    if move is None:
        return "unreadable"
    if isinstance(move, Action):
        return f"Action: {move.tool}: {move.input}"
    return f"Answer: {move.text}"


def width_words(row: ResultRow) -> str:
    """The nominal width of the weights: ``4``, ``4?`` where the file does not say, ``?``."""
    if not row["bits"]:
        return "?"
    return f"{row['bits']}" if row["bits_source"] == "file" else f"{row['bits']}?"


def percent(share: float, form: str = ".1f") -> str:
    """A share of 0 to 1 in percent or points, "-" where there is none (nan)."""
    return format(100 * share, form) if share == share else "-"


def memory_words(size: int) -> str:
    """Bytes for people: 123 MB, 4.5 GB (decimal), "?" for 0."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB" if size else "?"


def deadline_words(row: ResultRow) -> str:
    """How many episodes missed the deadline, "" where the run had none."""
    if not row["deadline"]:
        return ""
    return f"{row['missed_deadline']} of {row['scored']} missed the {row['deadline']:g} s deadline"


def wrapped(text: str, indent: str = "", width: int = LINE) -> list[str]:
    """A text in lines of at most ``width`` columns; ``indent`` begins all but the first."""
    return textwrap.wrap(printable(text), width, subsequent_indent=indent)


def labelled(pairs: Iterable[tuple[str, str]], column: int, indent: str = "") -> Iterator[str]:
    """Lines ``label  text``: the text begins ``column`` columns behind ``indent`` and is
    wrapped there, at 80 columns in all."""
    for label, text in pairs:
        lines = textwrap.wrap(printable(text), 80 - column - len(indent))
        for number, line in enumerate(lines):
            yield f"{indent}{'' if number else label:{column}}{line}"


def verdict_words(score: EpisodeScore) -> str:
    """``right``, ``wrong`` or ``unscored``."""
    return "unscored" if score.fault else "right" if score.correct else "wrong"


def target_words(task: Task) -> str:
    """The accepted answers, or the type of answer where any of a kind is accepted."""
    return " | ".join(task.answer.accepted) or task.answer.type
