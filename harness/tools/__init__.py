"""Tools: what a model can call. One table; a tool is a plain function.

A tool takes its input and the world, and returns an Observation; its docstring, two
lines, is exactly what the model reads about it. A tool does not know who called it, how
the call was written, or how its answer is shown.
"""

from __future__ import annotations

import difflib
import inspect
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from harness.common.text import cut, one_line, redacted
from harness.tools import calculate, lookup, search, wikipedia
from harness.types import NotOnTape, Observation, Outcome, ToolUnavailable, UserError, World

VERSION = 2  # raise it when a tool answers some input in another way
Tool = Callable[[str, World], Observation]
Ask = Callable[[str, str], Observation]  # tool's name, input; may raise ToolUnavailable

# name in a prompt -> function; a new tool is one file and one line here
TOOLS: dict[str, Tool] = {
    "calculate": calculate.calculate,
    "wikipedia": wikipedia.wikipedia,
    "search": search.search,
    "lookup": lookup.lookup,
}
WORLDLESS = frozenset({"calculate"})  # never recorded, never made to fail
# What the same tools read beyond their docstrings where repairs are on (``--repair none``: off)
LOOSE: dict[str, Tool] = {"calculate": calculate.calculate_loosely}
# How the tools word what a world says. Raise it when that changes: answers recorded under
# another number are then refused instead of mixed in.
WORDING = 1
NAME_ECHO_CHARS = 40
DETAIL_CHARS = 300
MAX_CHARS = 4000  # of any answer; the loop cuts to its own, smaller limit
MAX_GARBAGE = 0.05  # share of characters that are no text


@runtime_checkable
class Recorded(Protocol):
    """A world that gives whole tool answers again, as they once were."""

    def expect(self, wording: int, tools: Sequence[str]) -> None:
        """Raises UserError when the answers belong to other tools."""

    def recall(self, tool: str, input: str) -> Observation:
        """Raises NotOnTape when this was never asked."""
        ...


def describe(names: Sequence[str], own: Mapping[str, Tool] | None = None) -> str:
    """What a model reads about tools: the docstring of each, in order. Asks no world.

    ``own`` are a user's tools beside ``TOOLS``. Raises UserError for a name in neither.
    """
    return "\n".join(inspect.getdoc(tool) or name for name, tool in _choose(names, own).items())


class Toolbox:
    """The tools that one prompt offers, over one world; safe to call from several threads.

    ``tape`` and ``fault`` are put around every question to the world: the one keeps the
    answers, the other makes some fail. With ``repair`` a tool also reads what is not quite
    its input but has one reading, and its observation says so. Raises UserError for a name
    in neither ``TOOLS`` nor ``own``, and for a recorded world that other tools made.
    """

    def __init__(
        self,
        names: Sequence[str],
        world: World,
        own: Mapping[str, Tool] | None = None,
        tape: Callable[[Ask], Ask] | None = None,
        fault: Callable[[Ask], Ask] | None = None,
        repair: bool = False,
    ) -> None:
        self.names = tuple(names)
        self.world = world
        self._tools = _choose(names, own)
        self._loose = {name: LOOSE[name] for name in names if repair and name in LOOSE}
        if isinstance(world, Recorded):
            world.expect(WORDING, [_identity(name, tool) for name, tool in self._tools.items()])
        ask: Ask = _checked(self._run)
        for around in (tape, fault):
            if around:
                ask = _checked(around(ask))
        self._ask = ask
        self._instant = bool(getattr(world, "instant", False) and getattr(fault, "instant", True))

    def describe(self) -> str:
        """What the model reads about these tools."""
        return "\n".join(inspect.getdoc(tool) or name for name, tool in self._tools.items())

    def instant(self, tool: str) -> bool:
        """Whether an answer of this tool is there at once: it does not wait for a network, for
        a user's own code, or for a fault that is slow on purpose."""
        if tool not in self._tools or tool in WORLDLESS:
            return True
        own = hasattr(self._tools[tool], "version") and not isinstance(self.world, Recorded)
        return self._instant and not own

    def call(self, tool: str, input: str) -> Observation:
        """Call a tool by its exact name. Never raises: what fails is told by the outcome.

        A failing world and a defect in a tool are both "unavailable", with the reason as
        text, so that neither is ever blamed on the model. ``seconds`` is wall time.
        """
        if tool not in self._tools:
            return Observation(self._unknown(tool), "unknown_tool")
        if error := _refusal(tool, input):
            return Observation(error, "bad_argument")
        began = time.perf_counter()
        try:
            if tool in WORLDLESS:
                observation = self._loose.get(tool, self._tools[tool])(input, self.world)
            else:
                observation = self._ask(_identity(tool, self._tools[tool]), input)
        except NotOnTape as error:
            observation = _failure(tool, str(error), "not_on_tape")
        except ToolUnavailable as error:
            observation = _failure(tool, str(error))
        except Exception as error:  # a defect of ours or of a user's tool, not of the model
            observation = _failure(tool, f"{type(error).__name__}: {error}")
        return replace(observation, seconds=time.perf_counter() - began)

    def _unknown(self, tool: str) -> str:
        name = one_line(tool)[:NAME_ECHO_CHARS]
        if not self.names:
            return f'Error: no tool "{name}"; there are none.'
        near = difflib.get_close_matches(tool[:NAME_ECHO_CHARS].lower(), self.names, 1, 0.4)
        example = _example((near or self.names)[0], self._tools)
        return f'Error: no tool "{name}". Tools: {", ".join(self.names)}, for example {example}.'

    def _run(self, identity: str, input: str) -> Observation:
        if isinstance(self.world, Recorded):
            return self.world.recall(identity, input)
        return self._tools[identity.partition("@")[0]](input, self.world)


def _example(name: str, tools: Mapping[str, Tool]) -> str:
    """The call that a tool's docstring shows."""
    return (inspect.getdoc(tools[name]) or name).split("\n")[0]


def _refusal(tool: str, input: str) -> str:
    """Why a shipped tool cannot read an input, "" when it can. No world is asked, so none of
    this is on a tape."""
    if tool == "lookup":
        return lookup.refusal(input)
    if tool in TOOLS and not input.strip():
        return f"Error: {tool} was given nothing; write for example {_example(tool, TOOLS)}."
    return ""


def _identity(name: str, tool: Tool) -> str:
    """The name; of a user's tool, with the hash of its file."""
    version = getattr(tool, "version", "")
    return f"{name}@{version}" if version else name


def _checked(ask: Ask) -> Ask:
    """Refuse what cannot be an answer, whoever gave it; cut what is too long."""

    def checked(tool: str, input: str) -> Observation:
        observation = ask(tool, input)
        text = observation.text[:MAX_CHARS]
        if not text.strip():
            raise ToolUnavailable("an empty answer")
        if observation.outcome == "ok" and _garbage(text) > MAX_GARBAGE * len(text):
            raise ToolUnavailable("an answer that is no text")
        return replace(observation, text=text)

    return checked


def _garbage(text: str) -> int:
    return sum(
        char == "\ufffd"
        or (unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in "\n\r\t")
        for char in text
    )


def _failure(tool: str, detail: str, outcome: Outcome = "unavailable") -> Observation:
    return Observation(cut(redacted(one_line(f"{tool} failed: {detail}")), DETAIL_CHARS), outcome)


def _choose(names: Sequence[str], own: Mapping[str, Tool] | None) -> dict[str, Tool]:
    if taken := TOOLS.keys() & (own or {}).keys():
        raise UserError(f"there is a tool {min(taken)!r} already; give your own another name")
    known = {**TOOLS, **(own or {})}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise UserError(f"no tool {name!r}; {hint}")
    return {name: known[name] for name in names}
