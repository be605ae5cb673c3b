"""The ReAct text protocol: what a prompt's form is, and how a completion in it is read.

Pure functions of text. The path of a completion: ``clean`` takes away what is not its text,
``labels`` and ``parts`` find which text stands behind which label, ``turns`` finds the moves
(``moves``, ``unlabelled``) and how each is spelt (``calls``, ``json_calls``,
``tool_names``), ``parse`` decides whether there is one reading, ``errors`` names what is
wrong. ``dialects`` are the forms, ``grammar`` writes one as GBNF.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.protocol.clean import observation_line
from harness.protocol.dialects import DIALECTS, Dialect, Labels, dialect_of
from harness.protocol.errors import ERRORS, REPAIRS
from harness.protocol.parse import parse_completion
from harness.protocol.tool_names import KnownTools
from harness.types import Completion, Parsed

PARSER_VERSION = 2  # raise it when any text gets another reading: a run names the reading it had

__all__ = [
    "DIALECTS",
    "ERRORS",
    "PARSER_VERSION",
    "REPAIRS",
    "Dialect",
    "Labels",
    "Protocol",
    "dialect_of",
    "observation_line",
]


@dataclass(frozen=True, init=False)
class Protocol:
    """How the text of one prompt is read.

    ``tools`` are the names that the prompt offers, ``dialect`` is the form it declares.
    ``repair`` False: a move counts only where nothing was wrong with it. ``probe``: there is
    one generation, graded on its call, and no loop.
    """

    tools: tuple[str, ...]
    dialect: Dialect
    repair: bool
    probe: bool

    def __init__(
        self,
        tools: Iterable[str],
        dialect: str | Dialect = "colon",
        repair: bool = True,
        probe: bool = False,
    ) -> None:
        """``dialect`` may be a name. Raises UserError for one that is not in DIALECTS."""
        form = dialect_of(dialect)
        self.__dict__.update(tools=tuple(tools), dialect=form, repair=repair, probe=probe)

    @cached_property
    def _known(self) -> KnownTools:
        return KnownTools(self.tools, self.dialect)

    def read(self, completion: Completion) -> Parsed:
        """The thought, the only move that it can mean, and what is wrong with it.

        Never raises, whatever the text; time is linear in its length.
        """
        return parse_completion(completion, self._known, self.repair)
