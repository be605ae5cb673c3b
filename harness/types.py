"""The records that all parts share, in the order in which data flows through the harness.

Plain immutable values without behaviour; this file imports nothing of the harness. Text from a
model, a tool or a file is kept as it came; ``common.printable`` makes it safe to show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


class UserError(Exception):
    """A mistake the user can mend: shown as one line, exit code 2, no traceback.

    The message names the thing, the place, what was expected and the next step.
    """


class ToolUnavailable(Exception):
    """The world failed (network, throttling, damaged snapshot): never the model's fault."""


class NotOnTape(ToolUnavailable):
    """A recorded world was never asked this; not the same as finding nothing."""


class EngineError(Exception):
    """The engine failed (load, decode, server): never the model's fault."""


# --- models.toml ------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """One row of models.toml, or a model file named on the command line.

    ``params`` is the total number of weights (0 = not known before the file is read),
    ``bits`` the nominal bits per weight (4, 8, 16; 0 = not known). ``source`` is what
    the engine opens: a file path, a repository id, a URL or a script's name.
    """

    name: str
    engine: str
    source: str
    params: int = 0
    bits: int = 0
    family: str = ""
    licence: str = ""
    note: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


# --- tasks/*.jsonl ----------------------------------------------------------------------

AnswerType = Literal["number", "string", "date", "list", "yesno", "abstain"]


@dataclass(frozen=True)
class Target:
    """What counts as the right answer to a task.

    ``accepted`` are equivalent right answers, the first one canonical (numbers as
    decimal strings); ``rejected`` are near misses that must score wrong. Tolerances
    apply to numbers: |answer - target| <= abs_tol + rel_tol * |target|.
    """

    type: AnswerType
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    abs_tol: str = "0"
    rel_tol: str = "0"
    unit: str = ""
    ordered: bool = False


@dataclass(frozen=True)
class GoldAction:
    """One step of a known-good solution.

    Either ``input_any`` (inputs of which any will do) or ``expr`` (a calculate
    expression whose value matters, not its spelling). ``observation_contains`` is the
    evidence that the tool's answer must hold.
    """

    tool: str
    input_any: tuple[str, ...] = ()
    expr: str = ""
    observation_contains: str = ""


@dataclass(frozen=True)
class Task:
    """One question. ``cluster`` groups tasks that are not independent (twins, templates)."""

    id: str
    question: str
    answer: Target
    category: str
    language: str = "en"
    difficulty: int = 1
    gold_actions: tuple[GoldAction, ...] = ()
    evidence: tuple[str, ...] = ()
    cluster: str = ""
    provenance: str = ""


@dataclass(frozen=True)
class Suite:
    """A file of tasks and the world its tools answer from.

    ``path`` is the .jsonl file, ``sha256`` the hash of its bytes; ``world`` the path of
    the frozen snapshot beside it ("" = none) and ``world_sha256`` what its bytes must be.
    """

    name: str
    path: str
    sha256: str
    tasks: tuple[Task, ...]
    world: str = ""
    world_sha256: str = ""
    title: str = ""
    licence: str = ""


# --- worlds and tools -------------------------------------------------------------------


@dataclass(frozen=True)
class Article:
    """One page of an encyclopedia. ``text`` is plain sentences, the lead first.

    ``aliases`` redirect here. A page with ``meanings`` is a disambiguation page: it has
    no text of its own, only the titles that its title may stand for.
    """

    title: str
    text: str = ""
    language: str = "en"
    aliases: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """One search result: the title and a one-line snippet of plain text."""

    title: str
    snippet: str


@dataclass(frozen=True)
class WorldSpec:
    """Which world to open: its kind, the file or folder it needs, and that file's hash."""

    kind: str = "frozen"
    path: str = ""
    sha256: str = ""


class World(Protocol):
    """Where tool answers come from. Raises ToolUnavailable when it cannot be asked.

    A world that answers at once, from this machine alone, says so with ``instant = True``:
    the same run then repeats word for word.
    """

    id: str

    def article(self, title: str) -> Article | None:
        """The page of that title, redirects followed; None when there is none."""
        ...

    def similar(self, title: str, limit: int = 3) -> Sequence[str]:
        """Titles spelt like this one, nearest first; empty when there are none."""
        ...

    def search(self, query: str, limit: int = 3) -> Sequence[Hit]:
        """The best pages for a query, best first; empty when nothing matches."""
        ...


Outcome = Literal[
    "ok",  # the tool answered
    "not_found",  # it looked, and there is nothing
    "bad_argument",  # the tool cannot read its input: the model's fault
    "unknown_tool",  # no such tool: the model's fault
    "unreadable",  # the step could not be read: the model's fault
    "unavailable",  # the world failed: nobody's answer
    "not_on_tape",  # a recorded world was never asked this: nobody's answer
]


@dataclass(frozen=True)
class Observation:
    """What a tool (or the loop, on a step it cannot act on) sends back to the model.

    ``repairs`` names what the tool mended of its input to read it (none = nothing)."""

    text: str
    outcome: Outcome = "ok"
    seconds: float = 0.0
    repairs: tuple[str, ...] = ()


Ask = Callable[[str, str], Observation]
"""Puts a question to a tool: the tool's name (of a user's own tool name@version) and the
input. May raise ToolUnavailable."""


# --- generation -------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """Text to append to a history. Only ``special`` pieces, which come from a model's own
    chat template, may turn into control tokens; all other text is data."""

    text: str
    special: bool = False


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; ``temperature`` 0 is greedy and ignores the rest."""

    temperature: float = 0.0
    top_p: float = 1.0


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is set up for one run; everything here goes into the manifest.

    ``slots`` 0, ``threads`` 0 and ``context`` 0 mean: choose for this machine.
    ``episode_tokens`` is the room one episode may fill after the shared prefix;
    ``gpu_layers`` -1 is all of them. ``grammar`` is GBNF text, "" = free generation.
    """

    slots: int = 0
    threads: int = 0
    episode_tokens: int = 1536
    gpu_layers: int = -1
    sampling: Sampling = Sampling()
    grammar: str = ""


@dataclass(frozen=True)
class Generate:
    """The loop asks: append these pieces to the episode's history, then generate."""

    pieces: tuple[Piece, ...]
    stop: tuple[str, ...]
    max_tokens: int
    seed: int


@dataclass(frozen=True)
class Act:
    """The loop asks: call this tool."""

    tool: str
    input: str


Finish = Literal[
    "stop",  # a stop string was generated
    "eos",  # the model ended its turn
    "length",  # max_tokens were generated
    "context",  # the history fills the room for one episode
    "deadline",  # the deadline that a person asked for passed
    "error",  # the engine failed; ``error`` says how
]


@dataclass(frozen=True)
class Completion:
    """What came back from one generation.

    ``text`` is verbatim, up to but without the stop string ``stop``, whose tokens stay in
    the history; ``tail`` is what the last token carried beyond it. ``prompt_tokens`` were
    evaluated for this call, ``tokens`` generated (stop string included). ``thinking`` is a
    reasoning model's own block, kept apart from the protocol. ``masked`` counts tokens at
    which a grammar forbade the model's first choice (-1 = no grammar).
    """

    text: str
    finish: Finish
    stop: str = ""
    tail: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    thinking: str = ""
    masked: int = -1
    error: str = ""


# --- the protocol -----------------------------------------------------------------------


@dataclass(frozen=True)
class Action:
    """A move: call a tool."""

    tool: str
    input: str


@dataclass(frozen=True)
class Answer:
    """A move: end the episode with this answer."""

    text: str


Move = Action | Answer


@dataclass(frozen=True)
class Parsed:
    """One completion as the protocol reads it.

    ``move`` is the only reading there is, after ``repairs``; None means unreadable.
    ``errors`` are names from ``protocol.ERRORS``; none at all = strictly well-formed.
    """

    thought: str
    move: Move | None
    errors: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


# --- episodes ---------------------------------------------------------------------------

EpisodeKey = tuple[str, int]  # task id, trial
Status = Literal[
    "answered",
    "step_limit",
    "token_limit",
    "context_limit",
    "deadline",  # the one that a person asked for
    "unreadable",  # too many unreadable steps in a row
    "tool_unavailable",  # unscored
    "engine_error",  # unscored
]

# time_limit stands in older records: a clock that nobody had asked for ended the episode.
UNSCORED: frozenset[str] = frozenset({"tool_unavailable", "engine_error", "time_limit"})


@dataclass(frozen=True)
class Limits:
    """What one episode may spend; ``run_seconds`` 0 = no limit for the whole run.

    ``deadline`` is in seconds of wall time during which the machine was awake, for all
    steps of an episode together; 0, the default, is none: the clock never scores unless a
    person asks for it. ``unreadable`` steps in a row end an episode; observations are cut to
    ``observation_chars`` characters.
    """

    steps: int = 7
    step_tokens: int = 160
    episode_tokens: int = 1024
    deadline: float = 0.0
    run_seconds: float = 0.0
    unreadable: int = 3
    observation_chars: int = 600


@dataclass(frozen=True)
class Step:
    """One turn: what the model wrote, how the loop read it, what it was sent back.

    ``observation`` is None on the step that ended the episode."""

    completion: Completion
    parsed: Parsed
    observation: Observation | None = None


@dataclass(frozen=True)
class Episode:
    """One task, tried once. ``seconds`` is wall time from first token to last, with other
    episodes running beside it; ``detail`` says what failed when it is unscored."""

    task_id: str
    trial: int
    status: Status
    steps: tuple[Step, ...]
    answer: str = ""
    seconds: float = 0.0
    detail: str = ""
