"""What a tool is: one function, and what the tool declares about itself beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass

from harness.types import Act, Completion, Episode, Generate, Observation, World

ToolFunction = Callable[[str, World], Observation]
Loop = Generator[Generate | Act, Completion | Observation, Episode]  # the ReAct loop of one episode


@dataclass(frozen=True)
class Tool:
    """One tool. Only ``run`` is needed; the rest is what other parts of the harness ask.

    ``run``          takes the input and the world, returns an Observation. Its docstring, an
                     example call and a sentence, is what the model reads about the tool.
    ``needs_world``  whether the answers come from the world. If so, they can be recorded on a
                     tape and made to fail; without, they are worked out anew in every run.
    ``instant``      whether an answer is there at once wherever the world's is. A tool that
                     waits for something else (a server, a user's code) says False.
    ``cites``        whether an answer is the text of one article, whose address goes on a tape.
    ``numeric``      whether an answer is a number, so that evidence is compared by its value.
    ``same_input``   whether two inputs ask for the same; None: when they have the same words.
    ``refusal``      why an input cannot be read, "" when it can, found without the world;
                     None: every input that is not blank can be read.
    ``loosely``      what runs instead where repairs are on: also reads what is not quite its
                     input but has one reading, and names the repairs in the observation.
    ``repairs``      the repairs that ``loosely`` makes to read an input.
    ``around``       wraps the loop of each episode, for a tool whose input depends on the calls
                     before it.
    ``version``      of a user's own tool: the hash of its file, kept with recorded answers.
    """

    run: ToolFunction
    needs_world: bool = True
    instant: bool = True
    cites: bool = False
    numeric: bool = False
    same_input: Callable[[str, str], bool] | None = None
    refusal: Callable[[str], str] | None = None
    loosely: ToolFunction | None = None
    repairs: Callable[[str], tuple[str, ...]] | None = None
    around: Callable[[Loop], Loop] | None = None
    version: str = ""

    @property
    def description(self) -> str:
        """What the model reads about it."""
        return inspect.getdoc(self.run) or ""

    @property
    def example(self) -> str:
        """The example call in its description."""
        return self.description.split("\n")[0]
