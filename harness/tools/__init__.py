"""Tools: what a model can call. One table; a tool is a plain function.

A tool takes its input and the world, and returns an Observation; its docstring, two
lines, is exactly what the model reads about it. A tool does not know who called it, how
the call was written, or how its answer is shown.
"""

from __future__ import annotations

import difflib
import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.text import cut, one_line
from harness.tools import calculate, search, wikipedia
from harness.types import NotOnTape, Observation, Outcome, ToolUnavailable, UserError, World

Tool = Callable[[str, World], Observation]

# name in a prompt -> function; a new tool is one file and one line here
TOOLS: dict[str, Tool] = {
    "calculate": calculate.calculate,
    "wikipedia": wikipedia.wikipedia,
    "search": search.search,
}
NAME_ECHO_CHARS = 40
DETAIL_CHARS = 300


def describe(names: Sequence[str]) -> str:
    """What a model reads about tools: the docstring of each, in order. Asks no world.

    Raises UserError when a name is not in ``TOOLS``.
    """
    _check_names(names)
    return "\n".join(inspect.getdoc(TOOLS[name]) or name for name in names)


class Toolbox:
    """The tools that one prompt offers, over one world; safe to call from several threads.

    Raises UserError when a name is not in ``TOOLS``.
    """

    def __init__(self, names: Sequence[str], world: World) -> None:
        self.names = tuple(names)
        self.world = world
        _check_names(self.names)

    def describe(self) -> str:
        """What the model reads about these tools."""
        return describe(self.names)

    def call(self, tool: str, input: str) -> Observation:
        """Call a tool by its exact name. Never raises: what fails is told by the outcome.

        A failing world and a defect in a tool are both "unavailable", with the reason as
        text, so that neither is ever blamed on the model. ``seconds`` is wall time.
        """
        if tool not in self.names:
            name, names = one_line(tool)[:NAME_ECHO_CHARS], ", ".join(self.names)
            return Observation(f'Error: no tool "{name}". Tools: {names}.', "unknown_tool")
        began = time.perf_counter()
        try:
            observation = TOOLS[tool](input, self.world)
        except NotOnTape as error:
            observation = _failure(tool, str(error), "not_on_tape")
        except ToolUnavailable as error:
            observation = _failure(tool, str(error))
        except Exception as error:  # a defect of ours or of a user's tool, not of the model
            observation = _failure(tool, f"{type(error).__name__}: {error}")
        return replace(observation, seconds=time.perf_counter() - began)


def _failure(tool: str, detail: str, outcome: Outcome = "unavailable") -> Observation:
    return Observation(cut(one_line(f"{tool} failed: {detail}"), DETAIL_CHARS), outcome)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in TOOLS:
            near = difflib.get_close_matches(name, TOOLS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(TOOLS)}"
            raise UserError(f"no tool {name!r}; {hint}")
