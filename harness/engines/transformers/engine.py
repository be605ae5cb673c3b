"""Many episodes over one transformers model: the engine contract.

New text is evaluated episode by episode, generated tokens for all episodes together; each
episode keeps its state from turn to turn and nothing is evaluated twice. It knows tokens,
states and stop strings; not how a model is loaded, nor what its text means.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from harness.common.clock import awake
from harness.engines.stops import StopScanner
from harness.engines.transformers.model import Network, fork, join, split
from harness.engines.transformers.text import Tokens, TokenText
from harness.types import (
    Completion,
    EngineError,
    EngineSettings,
    Finish,
    Generate,
    Piece,
    Sampling,
    UserError,
)

CONTEXT = 4  # tokens of the history that decide how the first new one is spelt


@dataclass(eq=False)
class _Generation:
    """One request under way."""

    request: Generate
    deadline: float
    prompt_tokens: int
    text: TokenText
    scanner: StopScanner
    generator: Any
    began: float = field(default_factory=time.monotonic)
    tokens: int = 0


@dataclass(eq=False)
class _History:
    """One episode. ``state`` holds ``length`` positions (None: it is in the batch);
    ``waiting`` are the tokens behind them that are not evaluated yet."""

    id: str
    state: Any
    length: int
    waiting: list[int]
    last: list[int]
    live: _Generation | None = None


class TransformersEngine:
    """Up to ``slots`` episodes; ``context`` is the positions the model has (0 = no limit)."""

    def __init__(
        self,
        network: Network,
        tokens: Tokens,
        settings: EngineSettings,
        slots: int,
        context: int,
        facts: dict[str, object],
    ) -> None:
        self.slots = slots
        self.facts = facts
        self._network: Network | None = network
        self._tokens = tokens
        self._sampling = settings.sampling
        self._context = context
        self._episode_tokens = self._room = settings.episode_tokens
        self._prefix: list[int] = []
        self._prefix_state: Any = None
        self._histories: dict[str, _History] = {}
        self._ended: list[tuple[str, Completion]] = []
        self._together: list[_History] = []  # whose states are joined, in this order
        self._joined: Any = None

    def start(self, prefix: Sequence[Piece]) -> int:
        self._prefix = self._tokens.begin(prefix)
        count = len(self._prefix)
        if self._context and count >= self._context:
            raise UserError(
                f"the prompt has {count} tokens and the model has room for {self._context}: "
                "use a shorter prompt or another model"
            )
        # The last token is fed with each episode's own text: logits need something to feed.
        if count > 1:
            with _faults():
                _, self._prefix_state = self._net.forward([self._prefix[:-1]])
        if self._context:
            self._room = min(self._episode_tokens, self._context - count)
        digest = hashlib.sha256(struct.pack(f"<{count}i", *self._prefix)).hexdigest()
        self.facts |= {
            "prefix_tokens": count,
            "prefix_tokens_sha256": digest,
            "episode_tokens": self._room,
        }
        return count

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.get(episode_id) or self._begin(episode_id)
        if history.live:
            raise EngineError(f"episode {episode_id} asked twice at once")
        new = self._tokens.append(request.pieces)
        if self._used(history) + len(new) >= self._room:
            return self._ended.append((episode_id, Completion("", "context")))
        history.waiting += new
        history.last = (history.last + new)[-CONTEXT:]
        history.live = live = _Generation(
            request,
            deadline,
            len(new),
            TokenText(self._tokens, history.last),
            StopScanner(request.stop),
            torch.Generator().manual_seed(request.seed),
        )
        if not history.waiting:
            self._end(history, live, "error", "no text to go on from")
        elif request.max_tokens < 1:
            self._end(history, live, "length")

    def step(self) -> list[tuple[str, Completion]]:
        self._end_late_ones()
        live = [history for history in self._histories.values() if history.live]
        if live:
            with _faults():
                for group in self._groups(live):
                    self._feed(group)
        ended, self._ended = self._ended, []
        return ended

    def finish(self, episode_id: str) -> None:
        self._histories.pop(episode_id, None)
        self._ended = [item for item in self._ended if item[0] != episode_id]

    def close(self) -> None:
        self._histories.clear()
        self._together, self._joined, self._prefix_state = [], None, None
        self._network = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @property
    def _net(self) -> Network:
        if self._network is None:
            raise EngineError("the engine is closed")
        return self._network

    def _begin(self, episode_id: str) -> _History:
        if len(self._histories) >= self.slots:
            raise EngineError(f"{self.slots} episodes are under way and there are no more slots")
        with _faults():
            state = fork(self._prefix_state)
        done, last = max(0, len(self._prefix) - 1), self._prefix[-1:]
        history = _History(episode_id, state, done, list(last), list(last))
        self._histories[episode_id] = history
        return history

    def _used(self, history: _History) -> int:
        return history.length + len(history.waiting) - len(self._prefix)

    def _end_late_ones(self) -> None:
        now = awake()
        for history in self._histories.values():
            if history.live and history.live.deadline and now > history.live.deadline:
                self._end(history, history.live, "deadline")

    def _groups(self, live: list[_History]) -> list[list[_History]]:
        """Who is fed at once: new text alone, single tokens together, where the model bears it."""
        if not self._net.batched:
            return [[history] for history in live]

        def goes_alone(history: _History) -> bool:
            return history.length == 0 or (self._net.chunked and len(history.waiting) > 1)

        alone = [history for history in live if goes_alone(history)]
        together = [history for history in live if not goes_alone(history)]
        return [*([history] for history in alone), *([together] if together else [])]

    def _feed(self, group: list[_History]) -> None:
        count = len(group[0].waiting) if self._net.chunked and len(group) == 1 else 1
        state = self._gather(group)
        lengths = [history.length for history in group]
        rows = [history.waiting[:count] for history in group]
        logits, state = self._net.forward(rows, state, lengths)
        self._keep(group, state)
        for history in group:
            history.length += count
            del history.waiting[:count]
        self._choose(group, logits)

    def _gather(self, group: list[_History]) -> Any:
        """The joined state of a group; unchanged from the last step as long as the group is."""
        if group == self._together:
            return self._joined
        if any(history.state is None and history.length for history in group):
            self._scatter()
        return join([history.state for history in group], [history.length for history in group])

    def _scatter(self) -> None:
        """Give everyone in the batch a state of their own again."""
        for row, history in enumerate(self._together):
            if self._histories.get(history.id) is history:
                history.state = split(self._joined, row, history.length)
        self._together, self._joined = [], None

    def _keep(self, group: list[_History], state: Any) -> None:
        if len(group) == 1:
            group[0].state = state
            return
        if group != self._together:
            self._scatter()
        self._together, self._joined = group, state
        for history in group:
            history.state = None

    def _choose(self, group: list[_History], logits: Any) -> None:
        best, indices = logits.max(dim=-1)  # NaN anywhere in a row makes its maximum NaN
        broken = best.isnan().tolist()
        greedy = indices.tolist()
        for row, history in enumerate(group):
            if history.waiting or not history.live:
                continue
            if broken[row]:
                self._end(history, history.live, "error", "the model's logits are not numbers")
            elif self._sampling.temperature > 0:
                generator = history.live.generator
                self._take(history, history.live, draw(logits[row], self._sampling, generator))
            else:
                self._take(history, history.live, greedy[row])

    def _take(self, history: _History, live: _Generation, token: int) -> None:
        live.tokens += 1
        if token in self._tokens.ends:
            return self._end(history, live, "eos")
        history.waiting = [token]
        history.last = [*history.last, token][-CONTEXT:]
        if live.scanner.feed(live.text.add(token)):
            self._end(history, live, "stop")
        elif live.tokens >= live.request.max_tokens:
            self._end(history, live, "length")
        elif self._used(history) >= self._room:
            self._end(history, live, "context")

    def _end(self, history: _History, live: _Generation, how: Finish, error: str = "") -> None:
        history.live = None
        if how != "stop" and live.scanner.feed(live.text.end()):
            how = "stop"
        completion = Completion(
            text=live.scanner.text,
            finish=how,
            stop=live.scanner.stop,
            tail=live.scanner.tail,
            thinking=live.scanner.thinking,
            tokens=live.tokens,
            prompt_tokens=live.prompt_tokens,
            seconds=round(time.monotonic() - live.began, 4),
            error=error,
        )
        self._ended.append((history.id, completion))


def draw(logits: Any, sampling: Sampling, generator: Any) -> int:
    """One token from the smallest set of likeliest tokens that hold ``top_p`` of the mass.

    On the CPU and from the request's own generator, so that neither the device nor the
    other episodes of a batch touch the draw."""
    probabilities = torch.softmax(logits.cpu() / sampling.temperature, dim=-1)
    ordered, indices = probabilities.sort(descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    ordered[before >= sampling.top_p] = 0.0
    ordered[0] = max(float(ordered[0]), 1e-9)  # top_p 0 leaves the likeliest
    return int(indices[torch.multinomial(ordered, 1, generator=generator)])


@contextmanager
def _faults() -> Iterator[None]:
    """No gradients within; what torch raises becomes an EngineError that says what to do."""
    try:
        with torch.inference_mode():
            yield
    except (RuntimeError, MemoryError) as error:
        first = str(error).partition("\n")[0]
        if "memory" in str(error).lower() or isinstance(error, MemoryError):
            raise EngineError(
                "out of memory: use fewer --slots, 4-bit weights (nf4), shorter episodes or a "
                f"smaller model ({first})"
            ) from error
        raise EngineError(f"the model failed: {first}") from error
