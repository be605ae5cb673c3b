"""The commands: the only place that prints, reads arguments or picks an exit code.

Exit codes: 0 done, 1 finished with unscored episodes or a failed check, 2 the user's
mistake, 130 interrupted. Each module here adds its commands with ``add(commands)``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import harness
from harness.common.printable import printable
from harness.types import UserError

MODULES = ("run", "results", "compare", "models", "prompt", "suites", "worlds", "machine")

ABOUT = """\
Can this small model, at this size and this quantisation, act as a ReAct agent?

  python -m harness run --model 'pico-*'          the built-in models, nothing to download
  python -m harness run --model ./any-model.gguf  your own file
  python -m harness report                        the table, with intervals
  python -m harness plot -o chart.png             the chart for the slide
"""


class _Parser(argparse.ArgumentParser):
    """Says what is near when a word is not known (Python 3.14 can by itself)."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.suggest_on_error = True


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as ``--help`` shows it."""
    parser = _Parser(prog="python -m harness", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"harness {harness.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for name in MODULES:
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
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
