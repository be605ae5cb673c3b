"""``run``: models over a suite, with live progress; ends with the result table."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from harness import prompts
from harness.cli.live import fetch_model, run_session
from harness.cli.options import (
    at_least_one,
    choice,
    command,
    flag,
    hide_until_asked,
    option,
    repeated,
    runs_dir,
    seconds,
    temperature,
)
from harness.cli.output import put, tell, width
from harness.models import registry
from harness.models.chat_template import chat_of
from harness.models.registry import Row
from harness.prompts import Prompt
from harness.protocol.grammar import write_grammar
from harness.report import data, table
from harness.run.plan import (
    Extras,
    RunPlan,
    default_prompt,
    default_suite,
    equip,
    fit_probe,
    world_for,
)
from harness.run.session import Session, open_session
from harness.suites import tasks
from harness.suites.subsets import Subset
from harness.types import EngineSettings, Limits, Model, Sampling, UserError

_HELP = """\
Run models over a suite of tasks, keep a record, and print the result table. The same
command again goes on where the last one stopped.

examples:
  python -m harness run --model 'pico-*'
  python -m harness run --model ./any-model.Q4_K_M.gguf --suite core --limit 40
  python -m harness run --model hf:owner/name:file.gguf --chat
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    usage = "python -m harness run --model NAME [OPTION ...]"
    parser = command(commands, "run", run_models, "run models over a suite", _HELP, usage=usage)
    _add_common(parser.add_argument_group("what most people need"))
    rarer = {
        "which tasks": _add_tasks,
        "how the model is asked": _add_asking,
        "tools": _add_tools,
        "the machine": _add_machine,
        "limits": _add_limits,
    }
    groups = [parser.add_argument_group(title) for title in rarer]
    for add_options, group in zip(rarer.values(), groups, strict=True):
        add_options(group)
    hide_until_asked(parser, groups)


_MODEL = """a name or glob of models.toml, a .gguf file, a Hugging Face folder (FOLDER@nf4,
@int8 or @bf16), hf:owner/name:file.gguf, or hf:owner/name@nf4"""
_SUITE = """a name under tasks/, a .jsonl file or a folder (default: generated for pico models,
else core)"""
_WORLD = """where tool answers come from: frozen (default: the suite's own), frozen:FILE, live,
live:LANGUAGE, live:URL of an api.php, recorded:TAPE, zim:FILE, none"""
_FAULT = """make the world fail now and then: rate=0.1,kind=timeout (or 429, empty, garbage, slow;
several joined by +)"""
_DEADLINE = """wall seconds for one episode; past them it is scored as wrong (default: none, so
that a slow or busy machine costs no model anything)"""


def _add_common(group: Any) -> None:
    repeated(group, "--model NAME", _MODEL, required=True)
    option(group, "--suite S", _SUITE)
    option(group, "--limit N", "only N tasks, evenly spread; 40 are part of 80", at_least_one, 0)
    option(group, "--trials K", "try every task K times (default 1)", at_least_one, 1)
    option(group, "--prompt NAME", "a shipped prompt or a file (default: the suite's, else react)")
    flag(group, "--chat", "use the model's chat template (default: raw completion)")
    option(
        group, "--tools LIST", "'none': a closed-book run (default: the prompt's)", default="prompt"
    )
    option(group, "--world KIND[:WHERE]", _WORLD, default="frozen")
    runs_dir(group, "where records go")
    flag(group, "--fresh", "begin a new run instead of continuing the last one")
    flag(group, "--json", "print the results as JSON")


def _add_tasks(group: Any) -> None:
    repeated(group, "--category C", "only tasks of this category")
    repeated(group, "--language L", "only tasks of this language")
    repeated(group, "--task T", "only the task of this id")


def _add_asking(group: Any) -> None:
    choice(group, "--mode text|grammar", "free text, or only what the protocol's grammar allows")
    choice(group, "--repair default|none", "act on the one reading of a malformed step, or not")
    option(group, "--temperature T", "0 is greedy (default)", temperature, 0.0)
    option(group, "--seed SEED", "of sampling (default 0)", int, 0)


def _add_tools(group: Any) -> None:
    option(group, "--tools-file FILE.py", "more tools: your functions, each with a docstring")
    option(group, "--record TAPE", "keep what the world answers on a tape, to be replayed")
    option(group, "--fault SPEC", _FAULT)


def _add_machine(group: Any) -> None:
    option(group, "--slots N", "episodes at once (default: by the machine)", at_least_one, 0)
    option(group, "--threads N", "CPU threads (default: chosen by trying)", at_least_one, 0)
    option(group, "--gpu-layers N", "layers on the GPU (default: all)", int, -1)


def _add_limits(group: Any) -> None:
    steps, tokens = Limits.steps, Limits.step_tokens
    option(group, "--max-steps N", f"per episode (default {steps})", at_least_one, steps)
    option(group, "--step-tokens N", f"to write per step (default {tokens})", at_least_one, tokens)
    option(group, "--deadline S", _DEADLINE, seconds, Limits.deadline)
    option(group, "--run-seconds S", "begin no new episode after so long", float, 0.0)


def run_models(args: argparse.Namespace) -> int:
    """Run every model asked for; 0 all scored, 1 some not, 2 the user's mistake."""
    rows = registry.resolve(args.model)
    plans = [plan_for(args, row.model) for row in rows]  # errors show before anything is fetched
    sessions: list[Session] = []
    code = 0
    for row, plan in zip(rows, plans, strict=True):
        try:
            session = open_session(_with_model(plan, row, args.chat), args.runs_dir, args.fresh)
            sessions.append(session)
            code = max(code, run_session(session))
        except UserError as error:
            if len(plans) == 1:
                raise
            tell(f"error: {error}")
            code = 2
    done = [session.run for session in sessions if session.run and session.run.episodes()]
    results = [data.load_result(record.path) for record in done]
    if args.json:
        put(data.json_text([data.row(result) for result in results]))
    elif results:
        put(*table.result_blocks(data.rows(results), width()))
        for record in done:
            put(f"record: {record.path}")
    return code


def _with_model(plan: RunPlan, row: Row, chat: bool) -> RunPlan:
    """The plan with its model on this machine and, for ``chat``, the model's own template."""
    found = fetch_model(row)
    prompt = plan.prompt
    if chat:
        prompt = dataclasses.replace(prompt, chat=chat_of(found.model))
    return dataclasses.replace(
        plan, model=found.model, prompt=prompt, origin=found.origin, warnings=found.warnings
    )


def plan_for(args: argparse.Namespace, model: Model) -> RunPlan:
    """What the arguments ask for, checked as far as it can be without the model."""
    suite = tasks.load_suite(args.suite or default_suite(model))
    world = world_for(suite, args.world)
    prompt = _prompt_for(args.prompt or default_prompt(suite), args.tools == "none")
    extras = Extras(args.tools_file, args.record, args.fault)
    if prompt.probe:
        prompt, suite = fit_probe(prompt, suite)
    else:
        prompt, world = equip(prompt, world, extras)
    plan = RunPlan(
        model,
        suite,
        prompt,
        world,
        Limits(
            steps=args.max_steps,
            step_tokens=args.step_tokens,
            deadline=args.deadline,
            run_seconds=args.run_seconds,
        ),
        EngineSettings(
            slots=args.slots,
            threads=args.threads,
            gpu_layers=args.gpu_layers,
            sampling=Sampling(args.temperature),
            grammar=write_grammar(prompt.protocol()) if args.mode == "grammar" else "",
        ),
        mode=args.mode,
        repair=args.repair == "default",
        trials=args.trials,
        seed=args.seed,
        subset=Subset(args.limit, tuple(args.category), tuple(args.language), tuple(args.task)),
        extras=extras,
    )
    plan.asked()  # a subset without tasks is an error before anything is loaded
    return plan


def _prompt_for(name: str, closed_book: bool) -> Prompt:
    """The prompt asked for; without tools, its closed-book sibling."""
    return prompts.load_prompt("closed-book" if closed_book and name == "react" else name)
