"""What one run is to do: a model, a suite, a prompt, a world, and every setting of the command.

``RunPlan`` is plain data: the worker process gets it as it is. The functions here fill in what
a person left open, such as the suite's own world or the texts of the tools.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness import prompts, worlds
from harness.prompts import Prompt
from harness.scoring.probes import commands
from harness.suites import tasks
from harness.suites.subsets import Subset, choose
from harness.tools import TOOLS, WORDING, Toolbox, describe_tools
from harness.tools.own import load_tools
from harness.types import (
    EngineSettings,
    EpisodeKey,
    Limits,
    Model,
    Suite,
    Task,
    UserError,
    WorldSpec,
)
from harness.worlds import faults, recorded


@dataclass(frozen=True)
class Extras:
    """What a run adds to its tools, "" for none: a Python file with more of them, a tape to
    keep the world's answers on, faults to inject."""

    tools_file: str = ""
    tape: str = ""
    faults: str = ""


@dataclass(frozen=True)
class RunPlan:
    """What a person asked to run. ``subset`` says which tasks, in which order.

    ``mode`` is text or grammar; ``repair`` acts on the one reading of a malformed step.
    ``origin`` is where the model was fetched from, "" = it was here; ``warnings`` are lines
    about it for the record."""

    model: Model
    suite: Suite
    prompt: Prompt
    world: WorldSpec
    limits: Limits = Limits()
    settings: EngineSettings = EngineSettings()
    mode: str = "text"
    repair: bool = True
    trials: int = 1
    seed: int = 0
    subset: Subset = Subset()
    extras: Extras = Extras()
    origin: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks to run, in order. Raises UserError for a subset that does not exist."""
        return choose(self.suite.tasks, self.subset)

    @property
    def keys(self) -> list[EpisodeKey]:
        """Every episode of the plan: all tasks once, then all again for the next trial."""
        tasks = self.tasks
        return [(task.id, trial) for trial in range(self.trials) for task in tasks]

    def asked(self) -> dict[str, Any]:
        """How much of the suite is run: what the record needs to tell a part from a whole."""
        return {"tasks": [task.id for task in self.tasks], "trials": self.trials}


def world_for(suite: Suite, asked: str) -> WorldSpec:
    """The world asked for; for "frozen" the suite's own snapshot, or none if it has none."""
    if asked != "frozen":
        return worlds.read_spec(asked)
    if not suite.world:
        return WorldSpec("none")
    return WorldSpec("frozen", suite.world, suite.world_sha256)


def default_suite(model: Model) -> str:
    """``generated`` for the pico models, which were trained for invented worlds, else core."""
    return "generated" if model.family == "pico" or "core" not in tasks.suite_names() else "core"


def default_prompt(suite: Suite) -> str:
    """The prompt that has the suite's name, else react."""
    return suite.name if suite.name in prompts.prompt_names() else "react"


def fit_probe(prompt: Prompt, suite: Suite) -> tuple[Prompt, Suite]:
    """A probe with its tools, and the tasks that it can ask.

    A probe that names no tools offers those that the suite asks for. A probe without
    ``{question}`` asks only the tasks whose question stands in its text. Raises UserError
    when there are none.
    """
    prompt = dataclasses.replace(prompt, tools=prompt.tools or commands(suite.tasks))
    if "{question}" in prompt.text:
        return prompt, suite
    asked = tuple(task for task in suite.tasks if task.question in prompt.text)
    if not asked:
        raise UserError(
            f"--prompt {prompt.name}: it holds neither {{question}} nor a question of suite "
            f"{suite.name}; write {{question}} where the question goes"
        )
    return prompt, dataclasses.replace(suite, tasks=asked)


def equip(prompt: Prompt, world: WorldSpec, extras: Extras) -> tuple[Prompt, WorldSpec]:
    """The prompt with its tools described, and the world with the hash of its file.

    Opens no world: the worker does, before it loads the model.
    """
    _check_extras(extras, world)
    own = load_tools(extras.tools_file) if extras.tools_file else {}
    if prompt.tools:
        prompt = dataclasses.replace(prompt, tools=(*prompt.tools, *own))
    described = describe_tools(prompt.tools, own)
    return prompts.render_prompt(prompt, described), worlds.pin_world(world)


def open_toolbox(
    names: Sequence[str], spec: WorldSpec, extras: Extras, seed: int = 0, repair: bool = False
) -> Toolbox:
    """The tools of a run over their world, which is opened here and nowhere else in a run.

    ``names`` are the tools offered, ``seed`` is that of injected faults, ``repair`` lets tools
    mend their input. Raises UserError for what the user can mend.
    """
    _check_extras(extras, spec)
    world = worlds.open_world(spec.kind, spec.path, spec.sha256)
    cited = frozenset(name for name in names if name in TOOLS and TOOLS[name].cites)
    return Toolbox(
        names,
        world,
        load_tools(extras.tools_file) if extras.tools_file else None,
        recorded.Recorder(extras.tape, world, WORDING, cited) if extras.tape else None,
        faults.read_faults(extras.faults, seed) if extras.faults else None,
        repair,
    )


def _check_extras(extras: Extras, world: WorldSpec) -> None:
    """Raise UserError for extras that are wrong whatever the files hold. Opens nothing."""
    if extras.tape and world.kind == "recorded":
        raise UserError("--record: a recorded world has nothing new to record; drop one of the two")
    if extras.faults:
        faults.read_faults(extras.faults)
