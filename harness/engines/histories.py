"""Keeps an engine's episodes: free slots, histories, requests under way, and what has ended.

An engine that generates token by token uses ``TokenHistories``, which also counts the room of
an episode and finds the end of a completion. To the engine it leaves evaluating tokens and
choosing the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from harness.common.clock import awake
from harness.engines.stops import StopScanner
from harness.types import Completion, EngineError, Finish, Generate


@dataclass(eq=False, kw_only=True)
class Call:
    """A request under way. ``deadline`` is a ``clock.awake()`` value, 0 = none."""

    request: Generate
    deadline: float = 0.0

    @property
    def late(self) -> bool:
        """Whether its deadline has passed."""
        return 0 < self.deadline < awake()

    def close(self) -> None:
        """Free what the call holds; called once, when it ends or is dropped."""


CallT = TypeVar("CallT", bound=Call)


@dataclass(eq=False)
class History(Generic[CallT]):
    """One episode. ``slot`` counts from 1; ``call`` is its request under way."""

    id: str
    slot: int
    call: CallT | None = None


HistoryT = TypeVar("HistoryT", bound=History[Any])


class Histories(Generic[HistoryT]):
    """At most ``slots`` histories at once.

    ``new(episode_id, slot)`` makes an empty one, behind the shared prefix.
    """

    def __init__(self, slots: int, new: Callable[[str, int], HistoryT]) -> None:
        self._slots = slots
        self._new = new
        self._free = list(range(slots, 0, -1))
        self._kept: dict[str, HistoryT] = {}
        self._ended: list[tuple[str, Completion]] = []

    def open(self, episode_id: str) -> HistoryT:
        """The history of an episode; a new one for an id not seen before.

        Raises EngineError when no slot is free, or a request of this episode is under way."""
        history = self._kept.get(episode_id)
        if history is None:
            if not self._free:
                raise EngineError(f"episode {episode_id}: all {self._slots} slots are taken")
            history = self._kept[episode_id] = self._new(episode_id, self._free[-1])
            self._free.pop()
        if history.call:
            raise EngineError(f"episode {episode_id}: a generation is already under way")
        return history

    def find(self, episode_id: str) -> HistoryT | None:
        """The history of an episode; None where there is none."""
        return self._kept.get(episode_id)

    def live(self) -> list[HistoryT]:
        """Those with a request under way, by slot: the same order however they came in."""
        return sorted((h for h in self._kept.values() if h.call), key=lambda h: h.slot)

    def end(self, history: HistoryT, completion: Completion) -> None:
        """A request has ended, or could not begin."""
        self._drop_call(history)
        self._ended.append((history.id, completion))

    @property
    def any_ended(self) -> bool:
        """Whether something waits to be taken."""
        return bool(self._ended)

    def take_ended(self) -> list[tuple[str, Completion]]:
        """What has ended since the last call: episode ids and their completions."""
        ended, self._ended = self._ended, []
        return ended

    def finish(self, episode_id: str) -> HistoryT | None:
        """Drop an episode whole and free its slot; returns its history where it had one."""
        history = self._kept.pop(episode_id, None)
        if history:
            self._drop_call(history)
            self._free.append(history.slot)
            self._ended = [item for item in self._ended if item[0] != episode_id]
        return history

    def clear(self) -> None:
        """Drop all episodes."""
        for episode_id in list(self._kept):
            self.finish(episode_id)
        self._free = list(range(self._slots, 0, -1))

    def _drop_call(self, history: HistoryT) -> None:
        if history.call:
            history.call.close()
        history.call = None


# --- token by token


class TokenSampler(Protocol):
    """Chooses the tokens of one completion, in a way of the engine's own."""

    masked: int
    """Tokens at which a grammar forbade the first choice; -1 = no grammar."""

    def choose(self, logits: Any, best: int) -> int:
        """The next token, given a row of logits and the index of the largest."""
        ...

    def close(self) -> None:
        """Free it."""
        ...


@dataclass(eq=False, kw_only=True)
class Generation(Call):
    """One completion being written.

    ``spell`` gives what a token adds to the text; ``held`` the rest where it held back an
    incomplete character.
    """

    sampler: TokenSampler
    spell: Callable[[int], str | bytes]
    held: Callable[[], str] = lambda: ""
    prompt_tokens: int = 0
    tokens: int = 0
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.scanner = StopScanner(self.request.stop)

    def close(self) -> None:
        self.sampler.close()


@dataclass(eq=False)
class TokenHistory(History[Generation]):
    """One episode as tokens, of which ``tokens[:evaluated]`` are in the model's memory.

    The first ``carried`` tokens are the last ones of the prefix. ``state`` is the engine's
    own; ``broken`` says why the history cannot be continued, "" where it can.
    """

    tokens: list[int] = field(default_factory=list)
    carried: int = 0
    evaluated: int = 0
    state: Any = None
    broken: str = ""

    @property
    def waiting(self) -> int:
        """Tokens that are still to be evaluated."""
        return len(self.tokens) - self.evaluated


class TokenHistories(Histories[TokenHistory]):
    """Histories of tokens; each may fill ``room`` tokens behind the prefix."""

    room = 0

    def begin(self, history: TokenHistory, tokens: Sequence[int], generation: Generation) -> None:
        """Append a request's tokens and let it be under way; it ends at once where it must."""
        history.call = generation
        if self._used(history) + len(tokens) >= self.room:
            return self.stop(history, "context")
        history.tokens += tokens
        generation.prompt_tokens = len(tokens)
        if history.broken or not history.waiting:
            self.stop(history, "error", history.broken or "there is nothing to continue")
        elif generation.request.max_tokens < 1:
            self.stop(history, "length")

    def end_late_ones(self) -> None:
        """End every generation whose deadline has passed."""
        for history in self.live():
            if history.call and history.call.late:
                self.stop(history, "deadline")

    def take(self, history: TokenHistory, token: int, ends: bool) -> None:
        """Add a chosen token to the history, and end the completion if it is the last one.

        ``ends``: by this token the model itself ends its turn; it is no part of the history."""
        call = history.call
        assert call
        call.tokens += 1
        if ends:
            return self.stop(history, "eos")
        history.tokens.append(token)
        if call.scanner.feed(call.spell(token)):
            self.stop(history, "stop")
        elif call.tokens >= call.request.max_tokens:
            self.stop(history, "length")
        elif self._used(history) >= self.room:
            self.stop(history, "context")

    def stop(self, history: TokenHistory, finish: Finish, error: str = "") -> None:
        """End a generation; its completion is what has been written so far."""
        call = history.call
        assert call
        if finish != "stop":
            if call.scanner.feed(call.held()):
                finish = "stop"
            else:
                call.scanner.end()
        completion = Completion(
            text=call.scanner.text,
            finish=finish,
            stop=call.scanner.stop,
            tail=call.scanner.tail,
            thinking=call.scanner.thinking,
            tokens=call.tokens,
            prompt_tokens=call.prompt_tokens,
            seconds=round(time.monotonic() - call.began, 4),
            masked=call.sampler.masked,
            error=error,
        )
        self.end(history, completion)

    @staticmethod
    def _used(history: TokenHistory) -> int:
        return len(history.tokens) - history.carried
