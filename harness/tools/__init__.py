"""The table of tools that a model can call, and the toolbox that calls them.

A tool is one function in a file of this package and one line in ``TOOLS``. It gets the input
and the world, and returns an Observation. It depends on nothing else, so that the same
question has the same answer in every episode.
"""

from __future__ import annotations

import difflib
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from harness.common.hints import hint
from harness.common.text import cut, one_line, redacted
from harness.tools import calculate, lookup, search, wikipedia
from harness.tools.tool import Loop, Tool
from harness.types import Ask, NotOnTape, Observation, Outcome, ToolUnavailable, UserError, World

TOOLS_VERSION = 2  # raise it when a tool answers some input in another way

# name in a prompt -> the tool; a new tool is one function and one line here
TOOLS: dict[str, Tool] = {
    "calculate": Tool(
        calculate.calculate,
        needs_world=False,
        numeric=True,
        same_input=calculate.same_value,
        loosely=calculate.calculate_loosely,
        repairs=calculate.repairs_of,
    ),
    "wikipedia": Tool(wikipedia.wikipedia, cites=True),
    "search": Tool(search.search),
    "lookup": Tool(lookup.lookup, refusal=lookup.lookup_refusal, around=lookup.complete_lookups),
}
# How the tools word what a world says. Raise it when that changes: answers recorded under
# another number are then refused instead of mixed in.
WORDING = 1
MAX_ANSWER_CHARS = 4000  # of any tool; the loop cuts to its own, smaller limit
_NAME_CHARS = 40
_DETAIL_CHARS = 300
_MAX_GARBAGE = 0.05  # share of characters that are no text


@runtime_checkable
class Recorded(Protocol):
    """A world that gives whole tool answers again, as they once were."""

    def expect(self, wording: int, tools: Sequence[str]) -> None:
        """Raises UserError when the answers belong to other tools."""

    def recall(self, tool: str, input: str) -> Observation:
        """Raises NotOnTape when this was never asked."""
        ...


def describe_tools(names: Sequence[str], own: Mapping[str, Tool] | None = None) -> str:
    """What a model reads about tools: the docstring of each, in order. Needs no world.

    ``own`` are a user's tools beside ``TOOLS``. Raises UserError for a name in neither.
    """
    return "\n".join(tool.description or name for name, tool in _choose(names, own).items())


def wrap_loop(loop: Loop, names: Sequence[str]) -> Loop:
    """The loop of an episode, wrapped by those of the named tools that complete their calls."""
    for name in names:
        if name in TOOLS and (around := TOOLS[name].around):
            loop = around(loop)
    return loop


def needs_world(name: str) -> bool:
    """Whether the tool of that name answers from a world; True where there is no such tool."""
    return name not in TOOLS or TOOLS[name].needs_world


class Toolbox:
    """The tools that one prompt offers, over one world; safe to call from several threads.

    ``names``  the tools to offer, of ``TOOLS`` and ``own``
    ``world``  where their answers come from
    ``own``    a user's own tools by name
    ``tape``   put around every question to the world, to record its answers
    ``fault``  put around that, to make some questions fail
    ``repair`` read also what is not quite a tool's input but has one reading

    Raises UserError for a name that there is not, and for a recorded world that other tools
    made.
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
        self._repair = repair
        if isinstance(world, Recorded):
            world.expect(WORDING, [_identity(name, tool) for name, tool in self._tools.items()])
        ask: Ask = _checked(self._ask_tool)
        for around in (tape, fault):
            if around:
                ask = _checked(around(ask))
        self._ask = ask
        self._instant = bool(getattr(world, "instant", False) and getattr(fault, "instant", True))

    def instant(self, name: str) -> bool:
        """Whether an answer of this tool is there at once: it waits neither for a network, nor
        for a user's own code, nor for a fault that is slow on purpose."""
        tool = self._tools.get(name)
        if tool is None:
            return True
        if not tool.needs_world:
            return tool.instant
        return self._instant and (tool.instant or isinstance(self.world, Recorded))

    def call(self, name: str, input: str) -> Observation:
        """Call a tool by its exact name. Never raises; the outcome says what failed.

        A failing world and a defect in a tool are both "unavailable", with the reason as
        text, so that neither is ever blamed on the model. ``seconds`` is wall time.
        """
        tool = self._tools.get(name)
        if tool is None:
            return Observation(self._unknown(name), "unknown_tool")
        if error := _refusal(name, tool, input):
            return Observation(error, "bad_argument")
        began = time.perf_counter()
        try:
            if tool.needs_world:
                observation = self._ask(_identity(name, tool), input)
            else:
                observation = self._run(tool, input)
        except NotOnTape as error:
            observation = _failure(name, str(error), "not_on_tape")
        except ToolUnavailable as error:
            observation = _failure(name, str(error))
        except Exception as error:  # a defect of ours or of a user's tool, not of the model
            observation = _failure(name, f"{type(error).__name__}: {error}")
        return replace(observation, seconds=time.perf_counter() - began)

    def _unknown(self, name: str) -> str:
        shown = one_line(name)[:_NAME_CHARS]
        if not self.names:
            return f'Error: no tool "{shown}"; there are none.'
        near = difflib.get_close_matches(name[:_NAME_CHARS].lower(), self.names, 1, 0.4)
        example = self._tools[(near or self.names)[0]].example
        return f'Error: no tool "{shown}". Tools: {", ".join(self.names)}, for example {example}.'

    def _ask_tool(self, identity: str, input: str) -> Observation:
        if isinstance(self.world, Recorded):
            return self.world.recall(identity, input)
        return self._run(self._tools[identity.partition("@")[0]], input)

    def _run(self, tool: Tool, input: str) -> Observation:
        run = tool.loosely if self._repair and tool.loosely else tool.run
        return run(input, self.world)


def _refusal(name: str, tool: Tool, input: str) -> str:
    """Why a tool cannot read an input, "" when it can. A user's own tool judges for itself."""
    if tool.refusal:
        return tool.refusal(input)
    if input.strip() or tool.version:
        return ""
    return f"Error: {name} was given nothing; write for example {tool.example}."


def _identity(name: str, tool: Tool) -> str:
    """The name; of a user's tool, with the hash of its file."""
    return f"{name}@{tool.version}" if tool.version else name


def _checked(ask: Ask) -> Ask:
    """Refuse what cannot be an answer, whoever gave it; cut what is too long."""

    def checked(tool: str, input: str) -> Observation:
        observation = ask(tool, input)
        text = observation.text[:MAX_ANSWER_CHARS]
        if not text.strip():
            raise ToolUnavailable("an empty answer")
        if observation.outcome == "ok" and _garbage(text) > _MAX_GARBAGE * len(text):
            raise ToolUnavailable("an answer that is no text")
        return replace(observation, text=text)

    return checked


def _garbage(text: str) -> int:
    return sum(
        char == "\ufffd"
        or (unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in "\n\r\t")
        for char in text
    )


def _failure(name: str, detail: str, outcome: Outcome = "unavailable") -> Observation:
    return Observation(cut(redacted(one_line(f"{name} failed: {detail}")), _DETAIL_CHARS), outcome)


def _choose(names: Sequence[str], own: Mapping[str, Tool] | None) -> dict[str, Tool]:
    if taken := TOOLS.keys() & (own or {}).keys():
        raise UserError(f"there is a tool {min(taken)!r} already; give your own another name")
    known = {**TOOLS, **(own or {})}
    for name in names:
        if name not in known:
            raise UserError(f"no tool {name!r}; {hint(name, known)}")
    return {name: known[name] for name in names}
