"""The command ``prompt``: what every model reads, and whether a model follows its examples."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from harness import prompts, tools
from harness.cli.live import fetch_model
from harness.cli.options import command, flag, repeated
from harness.cli.output import put
from harness.common.printable import printable
from harness.models import registry
from harness.prompts import Prompt
from harness.types import Model, UserError

_HELP = """\
Print a prompt as the models read it, tools filled in, with its fingerprint. `prompt check`
looks at a prompt's worked examples: without --model whether they are well-formed and true,
with it whether the model reproduces each one when asked its question again, over the
example's own observations. Exit code 1 when something is wrong or not reproduced.

examples:
  python -m harness prompt react
  python -m harness prompt check react
  python -m harness prompt check react --model 'pico-*'
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = command(commands, "prompt", print_prompt, "what every model reads", _HELP)
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        metavar="[check] NAME",
        help=f"one of {', '.join(prompts.prompt_names())}, or a file",
    )
    parser.add_argument("checked", nargs="?", default="", help=argparse.SUPPRESS)
    repeated(parser, "--model NAME", "with check: a model that shall reproduce the examples")
    flag(parser, "--json", "with check: a list of objects")


def print_prompt(args: argparse.Namespace) -> int:
    """Print a prompt, the list of them, or what checking one shows."""
    if args.name == "check":
        return check_prompts(args)
    if args.checked or args.model or args.json:
        raise UserError("prompt: --model, --json and a second name go with `prompt check NAME`")
    if not args.name:
        for name in prompts.prompt_names():
            put(f"{name:20} {prompts.load_prompt(name).title}")
        return 0
    prompt = _rendered(args.name)
    put(prompt.text, f"\nsha256 {prompt.sha256}")
    return 0


def _rendered(name: str) -> Prompt:
    """A prompt with its tools described."""
    prompt = prompts.load_prompt(name)
    offered = [tool for tool in prompt.tools if tool in tools.TOOLS]
    return prompts.render_prompt(prompt, tools.describe_tools(offered))


def check_prompts(args: argparse.Namespace) -> int:
    """Check one prompt, or every shipped one that has examples."""
    from harness.cli import examples
    from harness.report.data import json_text

    names = [args.checked] if args.checked else ["react"] if args.model else prompts.prompt_names()
    found: list[dict[str, Any]] = []
    for name in names:
        prompt = _rendered(name)
        found += [_by_itself(prompt, examples.problems(prompt))]
        if not found[-1]["problems"]:
            found += [_with(model, prompt) for model in map(_ready, registry.resolve(args.model))]
    if args.json:
        put(json_text(found))
    else:
        put(*(line for row in found for line in _lines(row)))
    return 0 if all(row["sound"] for row in found) else 1


def _ready(row: registry.Row) -> Model:
    return fetch_model(row).model


def _by_itself(prompt: Prompt, problems: list[str]) -> dict[str, Any]:
    return {"prompt": prompt.name, "model": "", "sound": not problems, "problems": problems}


def _with(model: Model, prompt: Prompt) -> dict[str, Any]:
    from harness.cli import examples

    replays = examples.replay_examples(prompt, model)
    return {
        "prompt": prompt.name,
        "model": model.name,
        "sound": all(one.reproduced for one in replays),
        "examples": [
            {
                "question": one.example.question,
                "moves": len(one.example.moves),
                "same": one.same,
                "reproduced": one.reproduced,
                "instead": one.instead,
                "fault": one.fault,
            }
            for one in replays
        ],
    }


def _lines(row: dict[str, Any]) -> Iterator[str]:
    if not row["model"]:
        sound = "examples well-formed and true" if row["sound"] else "not sound"
        yield f"{row['prompt']}: {sound}"
        yield from (f"  {problem}" for problem in row["problems"])
        return
    done = sum(one["reproduced"] for one in row["examples"])
    yield f"{row['model']}: {done} of {len(row['examples'])} examples reproduced"
    for one in row["examples"]:
        fault = f"; the {one['fault']} failed" if one["fault"] else ""
        instead = f"; then {one['instead'].splitlines()[0]}" if one["instead"] else ""
        line = f"  {one['same']} of {one['moves']} moves: {one['question']}{instead}{fault}"
        yield printable(line, 120)
