"""The records of scoring: how one answer, one step and one episode were scored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """How an answer text compares with a target, and why.

    ``extracted`` is the text or value that was compared, ``rule`` the rule that decided."""

    strict: bool
    lenient: bool
    extracted: str
    rule: str


@dataclass(frozen=True)
class StepScore:
    """``strict``: well-formed as written. ``readable``: one reading, after repairs if need
    be (so strict implies readable). ``errors`` add to the parser's what only the
    surroundings show: bad_argument, loose_argument, unknown_tool, repeated_action;
    ``repairs`` add what the tool mended of its input."""

    strict: bool
    readable: bool
    errors: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


RUNGS = ("parsed", "right_tool", "right_input", "evidence", "answer")


@dataclass(frozen=True)
class EpisodeScore:
    """One scored episode.

    ``fault`` is "" when the episode counts, else who failed: tool, engine or harness.
    ``correct`` is the answer under strict matching, ``lenient`` under lenient matching,
    ``correct_strict`` correct with every step strictly well-formed. ``rung`` counts the
    rungs of ``RUNGS`` reached in order (0 to 5). ``hops_right`` of ``hops`` gold actions
    were matched; ``overuse`` and ``underuse`` count tool calls beyond and short of gold.
    ``errors_met`` are the errors that the model was told of and had another step after;
    ``recovered`` those that its next step put right.
    """

    task_id: str
    trial: int
    category: str
    language: str
    cluster: str
    status: str
    fault: str
    correct: bool
    lenient: bool
    correct_strict: bool
    rung: int
    hops_right: int
    hops: int
    tool_calls: int
    overuse: int
    underuse: int
    verdict: Verdict
    steps: tuple[StepScore, ...]
    tokens: int = 0
    seconds: float = 0.0
    errors_met: int = 0
    recovered: int = 0
