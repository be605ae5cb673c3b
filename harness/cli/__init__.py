"""The commands: the only place that prints, reads arguments or picks an exit code.

A new command is a file here with ``add(commands)``, and its name in ``COMMANDS``.
Exit codes: 0 done, 1 finished with unscored episodes or a failed check, 2 the user's
mistake, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import harness
from harness.cli.output import tell
from harness.types import UserError

COMMANDS = ("run", "results", "compare", "models", "prompt", "suites", "worlds", "machine")

_ABOUT = """\
Can this small model, at this size and this quantisation, act as a ReAct agent?

  python -m harness run --model 'pico-*'          the built-in models, nothing to download
  python -m harness run --model ./any-model.gguf  your own file
  python -m harness report                        the table, with intervals
  python -m harness plot -o chart.png             the chart for the slide
"""


class _Parser(argparse.ArgumentParser):
    """Keeps the line breaks of descriptions; suggests a word for a wrong one (Python 3.14)."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.suggest_on_error = True


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as ``--help`` shows it."""
    parser = _Parser(prog="python -m harness", description=_ABOUT)
    parser.add_argument("--version", action="version", version=f"harness {harness.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name in COMMANDS:
        importlib.import_module(f"harness.cli.{name}").add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a terminal cannot write is shown as "?"
            stream.reconfigure(errors="replace")
    args = build_parser().parse_args(argv)
    try:
        return int(args.command(args))
    except UserError as error:
        tell(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        tell("interrupted")
        return 130
    except BrokenPipeError:  # | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
