"""``prompt``: what every model reads."""

from __future__ import annotations

import argparse
from typing import Any

from harness import prompts, tools
from harness.printable import printable

HELP = """\
Print a prompt as the models read it, tools filled in, with its fingerprint.

example:
  python -m harness prompt react
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("prompt", help="what every model reads", description=HELP)
    parser.set_defaults(command=show_prompt)
    parser.add_argument(
        "name", nargs="?", default="", help=f"one of {', '.join(prompts.names())}, or a file"
    )


def show_prompt(args: argparse.Namespace) -> int:
    """Print one prompt, or the list of them."""
    if not args.name:
        for name in prompts.names():
            prompt = prompts.load(name)
            print(f"{name:20} {prompt.title}")
        return 0
    prompt = prompts.load(args.name)
    offered = [tool for tool in prompt.tools if tool in tools.TOOLS]
    prompt = prompts.render(prompt, tools.describe(offered))
    print(printable(prompt.text))
    print(f"\nsha256 {prompt.sha256}")
    return 0
