"""Declares commands and their options: every command adds its own with the functions here.

For example::

    parser = command(commands, "run", run_models, "run models over a suite", _HELP)
    option(parser, "--limit N", "only the first N tasks", at_least_one, 0)
    option(parser, "-o --out FILE", "a .png file", Path, required=True)
    choice(parser, "--mode text|grammar", "free text, or by the grammar")
    repeated(parser, "--model NAME", "a name or a file")
    flag(parser, "--json", "print the results as JSON")
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.run.store import RUNS_DIR

_Run = Callable[[argparse.Namespace], int]


def command(
    commands: Any, name: str, run: _Run, help: str, description: str | None = None, **more: Any
) -> argparse.ArgumentParser:
    """Add a command, or a verb of one, and return its parser.

    ``commands`` is what ``add_subparsers`` returned; ``run`` carries the command out and returns
    the exit code; ``help`` is its line in the list of commands, ``description`` its own page.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, **more
    )
    parser.set_defaults(command=run)
    return parser


def option(
    parser: Any,
    name: str,
    help: str,
    kind: Callable[[str], Any] = str,
    default: Any = "",
    **more: Any,
) -> None:
    """Add an option that takes one value.

    ``parser`` is a parser or a group of one. ``name`` is the option as help shows it, with the
    word that stands for its value ("--limit N"). ``kind`` makes the value of a text and may raise
    ArgumentTypeError. ``more`` goes to ``add_argument``.
    """
    *flags, metavar = name.split()
    parser.add_argument(*flags, metavar=metavar, type=kind, default=default, help=help, **more)


def choice(parser: Any, name: str, help: str) -> None:
    """Add an option whose values are listed in its name; the first one is the default."""
    choices = name.split()[-1].split("|")
    option(parser, name, f"{help} (default {choices[0]})", default=choices[0], choices=choices)


def repeated(parser: Any, name: str, help: str, **more: Any) -> None:
    """Add an option that may be given several times; its values become a list."""
    option(parser, name, f"{help}; may be repeated", default=[], action="append", **more)


def flag(parser: Any, name: str, help: str) -> None:
    """Add an option without a value."""
    parser.add_argument(name, action="store_true", help=help)


def runs_dir(parser: Any, purpose: str) -> None:
    """Add ``--runs-dir``; ``purpose`` is the first part of its help."""
    option(parser, "--runs-dir D", f"{purpose} (default {RUNS_DIR}/)", Path, RUNS_DIR)


def hide_until_asked(parser: argparse.ArgumentParser, groups: Sequence[Any]) -> None:
    """Leave the options of ``groups`` out of ``--help``; ``--help-all`` shows them too."""
    hidden = {action: action.help for group in groups for action in group._group_actions}
    for action in hidden:
        action.help = argparse.SUPPRESS

    class _HelpAll(argparse.Action):
        def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
            for action, text in hidden.items():
                action.help = text
            parser.print_help()
            parser.exit()

    parser.add_argument("--help-all", action=_HelpAll, nargs=0, help="show all options and exit")


# --- kinds of values --------------------------------------------------------------------


def at_least_one(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def seconds(text: str) -> float:
    """A time in seconds, more than 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: expected seconds, more than 0")
    return number


def temperature(text: str) -> float:
    """0 or more."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: expected 0 (greedy) or a number above it")
    return number
