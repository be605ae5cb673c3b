"""Many episodes over one transformers model: what is evaluated together, and the next tokens.

New text is evaluated episode by episode, generated tokens for all episodes together. Each
episode keeps its state from turn to turn, so nothing is evaluated twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from harness.engines.histories import Generation, TokenHistories, TokenHistory
from harness.engines.tokens import prefix_facts
from harness.engines.transformers.network import Network, fork_state, join_states, split_state
from harness.engines.transformers.text import FolderTokeniser, TokenText
from harness.types import (
    Completion,
    EngineError,
    EngineSettings,
    Generate,
    Piece,
    Sampling,
    UserError,
)

_CONTEXT = 4  # tokens of the history that decide how the first new one is spelt


class TransformersEngine:
    """The contract is ``harness.engines.Engine``.

    ``slots`` is how many episodes it holds at once, ``context`` how many positions the model
    has (0 = no limit), ``facts`` what the manifest says of the model.
    """

    def __init__(
        self,
        network: Network,
        tokeniser: FolderTokeniser,
        settings: EngineSettings,
        slots: int,
        context: int,
        facts: dict[str, object],
    ) -> None:
        self.slots = slots
        self.facts = facts
        self._network: Network | None = network
        self._tokeniser = tokeniser
        self._settings = settings
        self._context = context
        self._prefix: list[int] = []
        self._prefix_state: Any = None
        self._histories = TokenHistories(slots, self._new_history)
        self._histories.room = settings.episode_tokens
        self._together: list[TokenHistory] = []  # whose states are joined, in this order
        self._joined: Any = None

    def start(self, prefix: Sequence[Piece]) -> int:
        self._prefix = self._tokeniser.opening(prefix)
        count = len(self._prefix)
        if self._context and count >= self._context:
            raise UserError(
                f"the prompt has {count} tokens and the model has room for {self._context}: "
                "use a shorter prompt or another model"
            )
        if count > 1:
            with _faults_explained():
                _, self._prefix_state = self._net.forward([self._prefix[:-1]])
        room = self._settings.episode_tokens
        self._histories.room = min(room, self._context - count) if self._context else room
        self.facts |= prefix_facts(self._prefix) | {"episode_tokens": self._histories.room}
        return count

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.open(episode_id)
        new = self._tokeniser.continuation(request.pieces)
        text = TokenText(self._tokeniser, [*history.tokens[-_CONTEXT:], *new][-_CONTEXT:])
        sampler = TorchSampler(self._settings.sampling, request.seed)
        generation = Generation(
            request=request, deadline=deadline, sampler=sampler, spell=text.add, held=text.end
        )
        self._histories.begin(history, new, generation)

    def step(self) -> list[tuple[str, Completion]]:
        self._histories.end_late_ones()
        if live := self._histories.live():
            with _faults_explained():
                for group in self._groups(live):
                    self._feed(group)
        return self._histories.take_ended()

    def finish(self, episode_id: str) -> None:
        self._histories.finish(episode_id)

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

    def _new_history(self, episode_id: str, slot: int) -> TokenHistory:
        """A history that begins with the prefix's last token: something must be evaluated
        before there are logits."""
        with _faults_explained():
            state = fork_state(self._prefix_state)
        last = self._prefix[-1:]
        return TokenHistory(episode_id, slot, tokens=list(last), carried=len(last), state=state)

    def _length(self, history: TokenHistory) -> int:
        """Positions that a history's state holds."""
        return len(self._prefix) - history.carried + history.evaluated

    def _groups(self, live: list[TokenHistory]) -> list[list[TokenHistory]]:
        """What is evaluated together: new text alone, single tokens in one batch, where the
        model supports it."""
        if not self._net.batched:
            return [[history] for history in live]

        def goes_alone(history: TokenHistory) -> bool:
            return not self._length(history) or (self._net.chunked and history.waiting > 1)

        alone = [history for history in live if goes_alone(history)]
        together = [history for history in live if not goes_alone(history)]
        return [*([history] for history in alone), *([together] if together else [])]

    def _feed(self, group: list[TokenHistory]) -> None:
        count = group[0].waiting if self._net.chunked and len(group) == 1 else 1
        state = self._gather(group)
        rows = [history.tokens[history.evaluated :][:count] for history in group]
        logits, state = self._net.forward(rows, state, [self._length(h) for h in group])
        self._keep(group, state)
        for history in group:
            history.evaluated += count
        self._choose(group, logits)

    def _gather(self, group: list[TokenHistory]) -> Any:
        """The joined state of a group; unchanged from the last step as long as the group is."""
        if group == self._together:
            return self._joined
        if any(history.state is None and self._length(history) for history in group):
            self._scatter()
        return join_states([h.state for h in group], [self._length(h) for h in group])

    def _scatter(self) -> None:
        """Give everyone in the batch a state of their own again."""
        for row, history in enumerate(self._together):
            if self._histories.find(history.id) is history:
                history.state = split_state(self._joined, row, self._length(history))
        self._together, self._joined = [], None

    def _keep(self, group: list[TokenHistory], state: Any) -> None:
        if len(group) == 1:
            group[0].state = state
            return
        if group != self._together:
            self._scatter()
        self._together, self._joined = group, state
        for history in group:
            history.state = None

    def _choose(self, group: list[TokenHistory], logits: Any) -> None:
        best, indices = logits.max(dim=-1)  # NaN anywhere in a row makes its maximum NaN
        broken = best.isnan().tolist()
        for row, first in enumerate(indices.tolist()):
            history = group[row]
            if history.waiting or not history.call:
                continue
            if broken[row]:
                self._histories.stop(history, "error", "the model's logits are not numbers")
                continue
            token = history.call.sampler.choose(logits[row], first)
            self._histories.take(history, token, ends=token in self._tokeniser.ends)


class TorchSampler:
    """Chooses the tokens of one completion, greedily or by chance."""

    masked = -1  # there is no grammar

    def __init__(self, sampling: Sampling, seed: int) -> None:
        self._sampling = sampling
        self._generator = torch.Generator().manual_seed(seed)

    def choose(self, logits: Any, best: int) -> int:
        """The likeliest token, or one from the smallest set that holds ``top_p`` of the mass.

        It is drawn on the CPU and from the request's own generator, so that neither the device
        nor the other episodes of a batch change the draw."""
        if self._sampling.temperature <= 0:
            return best
        probabilities = torch.softmax(logits.cpu() / self._sampling.temperature, dim=-1)
        ordered, indices = probabilities.sort(descending=True, stable=True)
        before = ordered.cumsum(dim=-1) - ordered
        ordered[before >= self._sampling.top_p] = 0.0
        ordered[0] = max(float(ordered[0]), 1e-9)  # top_p 0 leaves the likeliest
        return int(indices[torch.multinomial(ordered, 1, generator=self._generator)])

    def close(self) -> None:
        """Nothing to free."""


@contextmanager
def _faults_explained() -> Iterator[None]:
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
