"""Many episodes over one GGUF model, decoded together in one llama.cpp context.

One ``llama_decode`` a step carries the next token of every generation and as much as fits of
the prompts that wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.common.clock import awake
from harness.engines.histories import Generation, TokenHistories, TokenHistory
from harness.engines.llama_cpp import amx, capacity, cores, native, sampling
from harness.engines.llama_cpp.context import PREFIX, Batch, Context
from harness.engines.llama_cpp.facts import model_facts, refuse_non_generators
from harness.engines.llama_cpp.native import lib
from harness.engines.llama_cpp.threads import ThreadChoice, thread_candidates
from harness.engines.llama_cpp.vocab import Vocabulary
from harness.engines.tokens import prefix_facts
from harness.models import gguf
from harness.models.memory import BATCH
from harness.types import Completion, EngineError, EngineSettings, Generate, Model, Piece, UserError


def load(model: Model, settings: EngineSettings) -> LlamaCppEngine:
    """Open a GGUF file.

    Raises UserError, before llama.cpp is asked where that can be, for a file that is no
    usable model, too many slots, too little memory, or a grammar that does not compile.
    """
    if model.source.startswith("hf:"):
        raise UserError(
            f"model {model.name}: {model.source} is not on this machine; "
            f"python -m harness models pull {model.name}"
        )
    facts = gguf.inspect(model.source)
    gguf.check_architecture(facts, native.knows_architecture(facts.architecture))
    if not facts.params:
        raise UserError(f"{facts.path}: holds a vocabulary but no weights; give the whole model")
    return LlamaCppEngine(facts, settings)


class LlamaCppEngine:
    """The contract is ``harness.engines.Engine``."""

    def __init__(self, file: gguf.GgufFacts, settings: EngineSettings) -> None:
        self._file = file
        self._prefix = 0
        self._settings = settings
        self._on_gpu = native.offloads() and settings.gpu_layers != 0
        self.slots = capacity.plan_slots(file, settings, capacity.device_for(settings))
        gpu_layers = settings.gpu_layers if self._on_gpu else 0
        self._threads = ThreadChoice(_thread_counts(settings, gpu_layers < 0), cores.idle_seconds)
        careful = amx.avoids_amx(
            native.system_info(), file, gpu_layers < 0, lambda: amx.amx_crashes(file.path)
        )
        self._context: Context | None = None
        self._histories = TokenHistories(self.slots, self._new_history)
        self._model = native.open_model(file.path, gpu_layers, not careful)
        try:
            refuse_non_generators(file.path, self._model)
            self._vocab = Vocabulary(self._model)
            sampling.check_grammar(self._vocab, settings.grammar)
        except UserError:
            self.close()
            raise
        self.facts: dict[str, object] = model_facts(file, self._model, self._vocab) | {
            "slots": self.slots,
            **self._threads.facts,
            "gpu_layers": gpu_layers,
            "extra_bufts": not careful,
            "sampling": sampling.sampling_facts(settings.sampling),
        }
        if careful:
            self.facts["workaround"] = amx.AMX_CRASHES

    def start(self, prefix: Sequence[Piece]) -> int:
        tokens = self._vocab.opening(prefix)
        trained = int(lib.llama_model_n_ctx_train(self._model)) or 1 << 30
        room = min(self._settings.episode_tokens, trained - len(tokens))
        if room < 1:
            raise UserError(
                f"{self._file.path}: the prompt takes {len(tokens):,} tokens and this model was "
                f"trained for {trained:,}; choose a shorter prompt or another model"
            )
        self._close_context()
        self._histories.room = room
        cells = len(tokens) + self.slots * room
        threads = self._threads.count
        self._context = Context(
            self._model, self._file.path, cells, self.slots + 1, threads, self._on_gpu
        )
        self._evaluate_prefix(self._context, tokens)
        self.facts |= self._context.facts | self._threads.facts
        self.facts |= prefix_facts(tokens) | {"episode_tokens": room}
        return len(tokens)

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.open(episode_id)
        tokens = self._vocab.continuation(request.pieces)
        sampler = sampling.Sampler(self._vocab, self._settings, request)
        generation = Generation(
            request=request, deadline=deadline, sampler=sampler, spell=self._vocab.piece
        )
        self._histories.begin(history, tokens, generation)

    def step(self) -> list[tuple[str, Completion]]:
        self._histories.end_late_ones()
        if self._context is not None:
            for group in self._groups():
                self._sample(self._context, self._advance(self._context, group))
        return self._histories.take_ended()

    def finish(self, episode_id: str) -> None:
        history = self._histories.finish(episode_id)
        if history and self._context is not None:
            self._context.drop(history.slot)

    def close(self) -> None:
        self._close_context()
        if self._model:
            lib.llama_model_free(self._model)
        self._model = None

    def _close_context(self) -> None:
        self._histories.clear()
        if self._context is not None:
            self._context.close()
        self._context = None

    def _new_history(self, episode_id: str, slot: int) -> TokenHistory:
        """A history behind the prefix; its slot is its sequence in llama.cpp's memory."""
        if self._context is None:
            raise EngineError("submit before start")
        self._context.fork(slot)
        return TokenHistory(episode_id, slot)

    def _evaluate_prefix(self, context: Context, tokens: Sequence[int]) -> None:
        """Evaluate the prefix, with threads chosen at a glance, and behind it choose them well."""
        if not tokens:
            return
        began, self._prefix = awake(), 0
        self._threads.begin(rounds=1)
        self._try_threads(context, tokens[-1])
        glance = awake() - began
        context.use_threads(self._threads.count)
        for at in range(0, len(tokens), BATCH):
            part = tokens[at : at + BATCH]
            count = len(part)
            context.decode(Batch(part, range(at, at + count), [PREFIX] * count, [count - 1]))
        if not np.isfinite(context.logits(1)).any():
            raise EngineError(
                f"{self._file.path}: computes no numbers (NaN): the file or this build is broken"
            )
        began, self._prefix = awake(), len(tokens)
        self._threads.begin()
        self._try_threads(context, tokens[-1])
        self._threads.started(glance + awake() - began)

    def _try_threads(self, context: Context, token: int) -> None:
        """Let the thread choice see what it needs: every slot decodes behind the prefix, and
        is dropped whole, which leaves llama.cpp's memory as it was."""
        slots, threads = range(PREFIX + 1, self.slots + 1), self._threads
        every = range(len(slots))
        while threads.trying:
            for slot in slots:
                context.fork(slot)
            for position in range(self._prefix, self._prefix + self._histories.room):
                if not threads.trying:
                    break
                batch = Batch([token] * len(slots), [position] * len(slots), slots, every)
                if not threads.first_look:
                    self._decode(context, batch)
                elif not self._decode_or_give_up(context, batch):
                    break
            for slot in slots:
                context.drop(slot)

    def _decode_or_give_up(self, context: Context, batch: Batch) -> bool:
        context.use_threads(self._threads.count)
        began = awake()
        ended = context.decode_within(cores.patience(self._file.size_bytes), batch)
        if ended:
            self._threads.note(len(batch.tokens), awake() - began)
        else:
            self._threads.give_up(awake() - began)
        return ended

    def _decode(self, context: Context, batch: Batch) -> None:
        """As ``Context.decode``, with the threads chosen; batches that generate are timed."""
        context.use_threads(self._threads.count)
        began = awake()
        context.decode(batch)
        count = len(batch.tokens)
        generates = len(batch.outputs) == count
        if generates and self._threads.note(count, awake() - began):
            self.facts |= self._threads.facts

    def _groups(self) -> Iterator[list[TokenHistory]]:
        """What to decode together, as one batch after the other.

        A GPU reads all weights for each batch, so everything goes into one. A CPU computes
        faster on one prompt at a time, then on one token of every generation (measured: 10
        to 25 % on 1M and 70M weights; a batch of one shape also keeps its graph).
        """
        live = self._histories.live()
        if self._on_gpu:
            yield sorted(live, key=lambda history: history.waiting)  # single tokens first
            return
        for history in live:
            if history.waiting > 1:
                yield [history]
        yield [history for history in live if history.call and history.waiting == 1]

    def _advance(self, context: Context, group: Sequence[TokenHistory]) -> list[TokenHistory]:
        """Decode one batch; returns the histories whose next token can be chosen, by row."""
        tokens: list[int] = []
        positions: list[int] = []
        sequences: list[int] = []
        outputs: list[int] = []
        rows = []
        for history in group:
            begin = history.evaluated
            part = history.tokens[begin : begin + BATCH - len(tokens)]
            tokens += part
            positions += range(self._prefix + begin, self._prefix + begin + len(part))
            sequences += [history.slot] * len(part)
            history.evaluated += len(part)
            if part and not history.waiting:
                outputs.append(len(tokens) - 1)
                rows.append(history)
        if tokens:
            self._decode(context, Batch(tokens, positions, sequences, outputs))
        return rows

    def _sample(self, context: Context, rows: Sequence[TokenHistory]) -> None:
        """Choose the next token of each history, from the last decode's rows of logits."""
        if not rows:
            return
        logits = context.logits(len(rows))
        best = logits.argmax(axis=1)  # the index of a NaN where there is one
        sound = np.isfinite(logits[np.arange(len(rows)), best]).tolist()
        for row, first in enumerate(best.tolist()):
            history = rows[row]
            assert history.call
            if not sound[row]:
                history.broken = "the model computes no numbers (NaN)"
                self._histories.stop(history, "error", history.broken)
                continue
            try:
                token = history.call.sampler.choose(logits[row], first)
            except sampling.NoTokenAllowed:
                why = "the grammar allows no token of this vocabulary"
                self._histories.stop(history, "error", why)
                continue
            self._histories.take(history, token, ends=self._vocab.is_eog(token))


def _thread_counts(settings: EngineSettings, all_on_gpu: bool) -> tuple[int, ...]:
    """What to choose from. Where a GPU computes everything there is nothing to choose."""
    if settings.threads or all_on_gpu:
        return (settings.threads or cores.most_threads(),)
    return thread_candidates(cores.most_threads())
