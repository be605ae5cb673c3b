"""The ReAct text protocol: one completion's text -> Thought + Move, and the grammar.

Pure functions of text. Knows no model, no tool's behaviour, no task and no score.
"""

from harness.protocol.dialects import DIALECTS, Dialect, Labels, dialect_of
from harness.protocol.errors import ERRORS, REPAIRS
from harness.protocol.parse import parse
from harness.protocol.visible import fold

VERSION = 2  # raise it when a completion is read in another way

__all__ = [
    "DIALECTS",
    "ERRORS",
    "REPAIRS",
    "VERSION",
    "Dialect",
    "Labels",
    "fold",
    "parse",
    "unreadable_notice",
]

VERSION = 2  # raise it when any text gets another reading: a run names the reading it had


def unreadable_notice(dialect: str | Dialect = "colon") -> str:
    """The fixed Observation after a step that cannot be read."""
    return dialect_of(dialect).notice
