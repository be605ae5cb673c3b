"""``run``: models over a suite, with live progress; ends with the result table."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from typing import Any

from harness import prompts, worlds
from harness.cli import options
from harness.cli.live import follow
from harness.cli.models import fetching
from harness.cli.output import put, width
from harness.common.printable import printable
from harness.models import registry
from harness.models.chat_template import chat_of
from harness.models.prepare import prepare
from harness.models.registry import Row
from harness.prompts import Prompt
from harness.report import data, table
from harness.run import session
from harness.run.session import Plan, Session
from harness.run.worker import Extras, check_extras
from harness.scoring.probes import commands
from harness.suites import tasks
from harness.suites.subsets import Subset, choose
from harness.tools import describe_tools
from harness.tools.own import load_tools
from harness.types import EngineSettings, Limits, Model, Sampling, Suite, UserError, WorldSpec

HELP = """\
Run models over a suite of tasks and keep a record that can be resumed and re-scored.
The same command again goes on where the last one stopped, or says that all is done.

examples:
  python -m harness run --model 'pico-*'
  python -m harness run --model ./some-model.Q4_K_M.gguf --suite core --limit 40
  python -m harness run --model vicuna-13b-q4 --model vicuna-13b-q8
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("run", help="run models over a suite of tasks", description=HELP)
    parser.set_defaults(command=run)
    _what(parser.add_argument_group("what to run"))
    _how(parser.add_argument_group("how the model is asked"))
    _tools(parser.add_argument_group("tools, and where they look"))
    _machine(parser.add_argument_group("the machine"))
    _limits(parser.add_argument_group("limits"))
    _record(parser.add_argument_group("the record"))


def _what(group: Any) -> None:
    group.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="NAME",
        help="a name or glob from models.toml, a .gguf file, a Hugging Face folder (FOLDER@nf4, @int8 "
        "or @bf16), hf:owner/name:file.gguf, or hf:owner/name@nf4; may be repeated",
    )
    group.add_argument(
        "--suite",
        default="",
        metavar="S",
        help="a name under tasks/, a .jsonl file or a folder (default: generated for the "
        "built-in pico models, else core)",
    )
    group.add_argument(
        "--limit",
        type=_count,
        default=0,
        metavar="N",
        help="only the first N tasks of a fixed order in which categories and languages are "
        "evenly spread: 40 are part of 80, and a run can grow",
    )
    for name, what in (("category", "category"), ("language", "language"), ("task", "task id")):
        group.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=name[0].upper(),
            help=f"only tasks of this {what}; may be repeated",
        )
    group.add_argument(
        "--trials", type=_count, default=1, metavar="K", help="try every task K times (default 1)"
    )


def _how(group: Any) -> None:
    group.add_argument(
        "--prompt",
        default="",
        metavar="NAME",
        help="a shipped prompt or a text file (default: the one named like the suite, else react)",
    )
    group.add_argument(
        "--chat",
        action="store_true",
        help="wrap the prompt in the model's own chat template, the assistant's turn left open "
        "(default: raw completion)",
    )
    group.add_argument(
        "--mode",
        choices=("text", "grammar"),
        default="text",
        help="free text (default), or decoding constrained to the protocol's grammar",
    )
    group.add_argument(
        "--repair",
        choices=("default", "none"),
        default="default",
        help="act on the one reading of a malformed step (default), or on none",
    )
    group.add_argument(
        "--temperature", type=_temperature, default=0.0, metavar="T", help="0 is greedy (default)"
    )
    group.add_argument("--seed", type=int, default=0, help="of sampling (default 0)")


def _tools(group: Any) -> None:
    group.add_argument(
        "--tools",
        default="prompt",
        metavar="LIST",
        help="'none' for a closed-book run (default: the prompt's)",
    )
    group.add_argument(
        "--tools-file",
        default="",
        metavar="FILE.py",
        help="more tools: functions with a docstring of yours",
    )
    group.add_argument(
        "--world",
        default="frozen",
        metavar="KIND[:WHERE]",
        help="where tool answers come from: frozen (default: the suite's own), frozen:FILE, live, "
        "live:LANGUAGE, live:URL of an api.php, recorded:TAPE, zim:FILE, none",
    )
    group.add_argument(
        "--record",
        default="",
        metavar="TAPE",
        help="keep what the world answers on a tape, to be replayed",
    )
    group.add_argument(
        "--fault",
        default="",
        metavar="SPEC",
        help="make the world fail now and then: rate=0.1,kind=timeout (or 429, empty, garbage, slow; "
        "several joined by +)",
    )


def _machine(group: Any) -> None:
    group.add_argument(
        "--slots",
        type=_count,
        default=0,
        metavar="N",
        help="episodes at once (default: chosen for this machine)",
    )
    group.add_argument(
        "--threads",
        type=_count,
        default=0,
        metavar="N",
        help="CPU threads (default: chosen by trying, and tried again when the speed falls)",
    )
    group.add_argument(
        "--gpu-layers", type=int, default=-1, metavar="N", help="layers on the GPU (default: all)"
    )


def _limits(group: Any) -> None:
    group.add_argument(
        "--max-steps",
        type=_count,
        default=Limits.steps,
        metavar="N",
        help=f"per episode (default {Limits.steps})",
    )
    group.add_argument(
        "--step-tokens",
        type=_count,
        default=Limits.step_tokens,
        metavar="N",
        help=f"generated per step (default {Limits.step_tokens})",
    )
    group.add_argument(
        "--deadline",
        type=_seconds,
        default=Limits.deadline,
        metavar="S",
        help="wall seconds for one episode; past them it is scored as wrong (default: none, so "
        "that a slow or busy machine costs no model anything)",
    )
    group.add_argument(
        "--run-seconds",
        type=float,
        default=0.0,
        metavar="S",
        help="begin no new episode after so long (default: no limit)",
    )


def _record(group: Any) -> None:
    options.runs_dir(group, "where records go")
    group.add_argument(
        "--fresh", action="store_true", help="begin a new run instead of going on with the last one"
    )
    group.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Work off every model; 0 all scored, 1 some not, 2 the user's mistake."""
    rows = registry.resolve(args.model)
    plans = [plan(args, row.model) for row in rows]  # mistakes are said before anything is fetched
    sessions: list[Session] = []
    code = 0
    for row, each in zip(rows, plans, strict=True):
        try:
            one = session.open_session(made_ready(each, row, args.chat), args.runs_dir, args.fresh)
            sessions.append(one)
            code = max(code, follow(one))
        except UserError as error:
            if len(plans) == 1:
                raise
            print(f"error: {printable(str(error))}", file=sys.stderr)
            code = 2
    done = [one.run for one in sessions if one.run and one.run.episodes()]
    results = [data.load_result(record.path) for record in done]
    if args.json:
        put(data.json_text([data.row(result) for result in results]))
    elif results:
        put(*table.result_blocks(data.rows(results), width()))
        for record in done:
            print(f"record: {record.path}")
    return code


def made_ready(wanted: Plan, row: Row, chat: bool = False) -> Plan:
    """The plan with its model on this machine; what the file and its row disagree on is said."""
    with fetching() as (tell, progress):
        ready = prepare(row, tell, progress)
    for warning in ready.warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    prompt = wanted.prompt
    if chat:
        prompt = dataclasses.replace(prompt, chat=chat_of(ready.model))
    return dataclasses.replace(
        wanted, model=ready.model, prompt=prompt, origin=ready.origin, warnings=ready.warnings
    )


def plan(args: argparse.Namespace, model: Model) -> Plan:
    """What the arguments ask for, checked as far as it can be without the model."""
    suite = tasks.load_suite(args.suite or default_suite(model))
    world = world_for(suite, args.world)
    prompt = choose_prompt(args.prompt or default_prompt(suite), args.tools == "none")
    extras = Extras(args.tools_file, args.record, args.fault)
    if prompt.probe:
        prompt, suite = fit_probe(prompt, suite)
    else:
        prompt, world = equip(prompt, world, extras)
    settings = EngineSettings(
        slots=args.slots, threads=args.threads, gpu_layers=args.gpu_layers,
        sampling=Sampling(args.temperature),
        grammar=grammar_for(prompt) if args.mode == "grammar" else "",
    )  # fmt: skip
    limits = Limits(
        steps=args.max_steps, step_tokens=args.step_tokens,
        deadline=args.deadline, run_seconds=args.run_seconds,
    )  # fmt: skip
    subset = Subset(args.limit, tuple(args.category), tuple(args.language), tuple(args.task))
    choose(suite.tasks, subset)  # a subset that there is not is said before anything is loaded
    return Plan(
        model, suite, prompt, world, limits, settings, args.mode,
        args.repair == "default", args.trials, args.seed, subset, extras,
    )  # fmt: skip


def world_for(suite: Suite, asked: str) -> WorldSpec:
    """The world asked for; by default the suite's own snapshot, or none where it needs none."""
    if asked == "frozen":
        return (
            WorldSpec("frozen", suite.world, suite.world_sha256)
            if suite.world
            else WorldSpec("none")
        )
    return worlds.read_spec(asked)


def equip(prompt: Prompt, world: WorldSpec, extras: Extras) -> tuple[Prompt, WorldSpec]:
    """The prompt with its tools described, and the world with the hash of its file. Opens no
    world: the worker does, before it loads the model."""
    check_extras(extras, world)
    own = load_tools(extras.tools_file) if extras.tools_file else {}
    if prompt.tools:
        prompt = dataclasses.replace(prompt, tools=(*prompt.tools, *own))
    described = describe_tools(prompt.tools, own)
    return prompts.render_prompt(prompt, described), worlds.pin_world(world)


def default_suite(model: Model) -> str:
    """The pico models were trained for invented worlds; everything else meets core."""
    return "generated" if model.family == "pico" or "core" not in tasks.suite_names() else "core"


def default_prompt(suite: Suite) -> str:
    """A suite that goes by a prompt's name is asked with that prompt."""
    return suite.name if suite.name in prompts.prompt_names() else "react"


def fit_probe(prompt: Prompt, suite: Suite) -> tuple[Prompt, Suite]:
    """A probe of one's own offers the tools that the suite asks for, unless it names its
    own; without ``{question}`` it is put to the tasks alone whose question stands in it."""
    prompt = dataclasses.replace(prompt, tools=prompt.tools or commands(suite.tasks))
    if "{question}" in prompt.text:
        return prompt, suite
    asked = tuple(task for task in suite.tasks if task.question in prompt.text)
    if not asked:
        raise UserError(
            f"--prompt {prompt.name}: it holds neither {{question}} nor a question of suite {suite.name}; "
            f"write {{question}} where the question goes"
        )
    return prompt, dataclasses.replace(suite, tasks=asked)


def choose_prompt(name: str, closed_book: bool) -> Prompt:
    """The prompt asked for; without tools, its closed-book sibling."""
    if closed_book and name == "react":
        name = "closed-book"
    return prompts.load_prompt(name)


def grammar_for(prompt: Prompt) -> str:
    """The GBNF text that only lets the protocol through."""
    from harness.protocol.grammar import write_grammar

    return write_grammar(prompt.protocol())


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: expected seconds, more than 0")
    return number


def _temperature(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: expected 0 (greedy) or a number above it")
    return number
