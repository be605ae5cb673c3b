"""Many episodes over one GGUF model, decoded together in one llama.cpp context.

Histories are token lists that only grow and are dropped whole. One ``llama_decode`` a step
carries the next token of every generation and as much as fits of the prompts that wait. It
knows nothing of protocol, tools or scores.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.common.clock import awake
from harness.common.files import sha256_of
from harness.engines.llama_cpp import machine, native, sampling
from harness.engines.llama_cpp.context import PREFIX, Context
from harness.engines.llama_cpp.native import lib
from harness.engines.llama_cpp.threads import ThreadChoice, candidates
from harness.engines.llama_cpp.vocab import Vocabulary
from harness.engines.stops import StopScanner
from harness.models import gguf
from harness.models.memory import BATCH
from harness.types import (
    Completion,
    EngineError,
    EngineSettings,
    Finish,
    Generate,
    Model,
    Piece,
    UserError,
)  # fmt: skip

WORKAROUND = (
    "this build of llama-cpp-python crashes in its AMX code; running without repacked weights, "
    "which is slower. Build it with clang for full speed."
)


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


@dataclass
class _Call:
    """One generation under way."""

    request: Generate
    deadline: float
    prompt_tokens: int
    scanner: StopScanner
    sampler: sampling.Sampler
    began: float = field(default_factory=time.monotonic)
    tokens: int = 0


@dataclass
class _Episode:
    """One history behind the prefix; ``tokens[:evaluated]`` are in llama.cpp's memory."""

    sequence: int
    tokens: list[int] = field(default_factory=list)
    evaluated: int = 0
    call: _Call | None = None
    broken: str = ""

    @property
    def waiting(self) -> int:
        return len(self.tokens) - self.evaluated


class LlamaCppEngine:
    """The contract is ``harness.engines.Engine``."""

    def __init__(self, file: gguf.GgufFacts, settings: EngineSettings) -> None:
        self._file = file
        self._prefix = 0
        self._settings = settings
        self._on_gpu = native.offloads() and settings.gpu_layers != 0
        self.slots = machine.plan_slots(file, settings, machine.device(settings))
        gpu_layers = settings.gpu_layers if self._on_gpu else 0
        self._threads = ThreadChoice(_thread_counts(settings, gpu_layers < 0), machine.idle_seconds)
        careful = machine.avoids_amx(
            native.system_info(), file, gpu_layers < 0, lambda: machine.amx_crashes(file.path)
        )
        self._context: Context | None = None
        self._episodes: dict[str, _Episode] = {}
        self._ended: list[tuple[str, Completion]] = []
        self._model = native.open_model(file.path, gpu_layers, not careful)
        try:
            _refuse_non_generators(file.path, self._model)
            self._vocab = Vocabulary(self._model)
            sampling.check_grammar(self._vocab, settings.grammar)
        except UserError:
            self.close()
            raise
        self.facts: dict[str, object] = _model_facts(file, self._model, self._vocab) | {
            "slots": self.slots,
            **self._threads.facts,
            "gpu_layers": gpu_layers,
            "extra_bufts": not careful,
            "sampling": sampling.describe(settings.sampling),
        }
        if careful:
            self.facts["workaround"] = WORKAROUND

    def start(self, prefix: Sequence[Piece]) -> int:
        tokens = self._vocab.opening(prefix)
        trained = int(lib.llama_model_n_ctx_train(self._model)) or 1 << 30
        self._room = min(self._settings.episode_tokens, trained - len(tokens))
        if self._room < 1:
            raise UserError(
                f"{self._file.path}: the prompt takes {len(tokens):,} tokens and this model was "
                f"trained for {trained:,}; choose a shorter prompt or another model"
            )
        self._close_context()
        self._context = Context(
            self._model, self._file.path, len(tokens) + self.slots * self._room,
            self.slots + 1, self._threads.count, self._on_gpu,
        )  # fmt: skip
        self._free = list(range(self.slots, PREFIX, -1))
        self._evaluate_prefix(self._context, tokens)
        self.facts |= (
            self._context.facts
            | self._threads.facts
            | {
                "episode_tokens": self._room,
                "prefix_tokens": len(tokens),
                "prefix_tokens_sha256": hashlib.sha256(
                    np.array(tokens, "<i4").tobytes()
                ).hexdigest(),
            }
        )
        return len(tokens)

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
            context.decode(part, range(at, at + len(part)), [PREFIX] * len(part), [len(part) - 1])
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
            for position in range(self._prefix, self._prefix + self._room):
                if not threads.trying:
                    break
                batch = [token] * len(slots), [position] * len(slots), slots, every
                if not threads.first_look:
                    self._decode(context, *batch)
                elif not self._decode_or_give_up(context, *batch):
                    break
            for slot in slots:
                context.drop(slot)

    def _decode_or_give_up(self, context: Context, *batch: Sequence[int]) -> bool:
        context.use_threads(self._threads.count)
        began = awake()
        ended = context.decode_within(machine.patience(self._file.size_bytes), *batch)
        if ended:
            self._threads.note(len(batch[0]), awake() - began)
        else:
            self._threads.give_up(awake() - began)
        return ended

    def _decode(
        self,
        context: Context,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[int],
    ) -> None:
        """As ``Context.decode``, with the threads chosen; batches that generate are timed."""
        context.use_threads(self._threads.count)
        began = awake()
        context.decode(tokens, positions, sequences, outputs)
        generates = len(outputs) == len(tokens)
        if generates and self._threads.note(len(tokens), awake() - began):
            self.facts |= self._threads.facts

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        episode = self._episodes.get(episode_id) or self._begin(episode_id)
        if episode.call:
            raise EngineError(f"episode {episode_id}: a generation is already under way")
        tokens = self._vocab.continuation(request.pieces)
        fits = len(episode.tokens) + len(tokens) < self._room
        if fits:
            episode.tokens += tokens
        episode.call = _Call(
            request, deadline, len(tokens) if fits else 0, StopScanner(request.stop),
            sampling.Sampler(self._vocab, self._settings, request),
        )  # fmt: skip
        if not fits:
            self._end(episode_id, episode, "context")
        elif episode.broken or not episode.waiting:
            self._end(
                episode_id, episode, "error", episode.broken or "there is nothing to continue"
            )
        elif request.max_tokens < 1:
            self._end(episode_id, episode, "length")

    def _begin(self, episode_id: str) -> _Episode:
        if self._context is None:
            raise EngineError("submit before start")
        if not self._free:
            raise EngineError(f"episode {episode_id}: all {self.slots} slots are taken")
        episode = self._episodes[episode_id] = _Episode(self._free.pop())
        self._context.fork(episode.sequence)
        return episode

    def step(self) -> list[tuple[str, Completion]]:
        now = awake()
        for episode_id, episode in self._in_order():
            if episode.call and 0 < episode.call.deadline < now:
                self._end(episode_id, episode, "deadline")
        if self._context is not None:
            for group in self._groups():
                self._sample(self._context, self._advance(self._context, group))
        ended, self._ended = self._ended, []
        return ended

    def _in_order(self) -> list[tuple[str, _Episode]]:
        """The episodes by their slot, so that a batch is the same however they came in."""
        return sorted(self._episodes.items(), key=lambda item: item[1].sequence)

    def _groups(self) -> Iterator[list[tuple[str, _Episode]]]:
        """What to decode together, as one batch after the other.

        A GPU reads all weights for each batch, so everything goes into one. A CPU computes
        faster on one prompt at a time, then on one token of every generation (measured: 10
        to 25 % on 1M and 70M weights; a batch of one shape also keeps its graph).
        """
        live = [(i, e) for i, e in self._in_order() if e.call]
        if self._on_gpu:
            yield sorted(live, key=lambda item: item[1].waiting)  # single tokens first
            return
        for prompt in live:
            if prompt[1].waiting > 1:
                yield [prompt]
        yield [(i, e) for i, e in live if e.call and e.waiting == 1]

    def _advance(
        self, context: Context, group: Sequence[tuple[str, _Episode]]
    ) -> list[tuple[str, _Episode]]:
        """Decode one batch; returns the episodes whose next token can be chosen, by row."""
        tokens: list[int] = []
        positions: list[int] = []
        sequences: list[int] = []
        outputs: list[int] = []
        rows = []
        for episode_id, episode in group:
            begin = episode.evaluated
            part = episode.tokens[begin : begin + BATCH - len(tokens)]
            tokens += part
            positions += range(self._prefix + begin, self._prefix + begin + len(part))
            sequences += [episode.sequence] * len(part)
            episode.evaluated += len(part)
            if part and not episode.waiting:
                outputs.append(len(tokens) - 1)
                rows.append((episode_id, episode))
        if tokens:
            self._decode(context, tokens, positions, sequences, outputs)
        return rows

    def _sample(self, context: Context, rows: Sequence[tuple[str, _Episode]]) -> None:
        if not rows:
            return
        logits = context.logits(len(rows))
        best = logits.argmax(axis=1)  # the index of a NaN where there is one
        sound = np.isfinite(logits[np.arange(len(rows)), best]).tolist()
        for i, first in enumerate(best.tolist()):
            episode_id, episode = rows[i]
            assert episode.call
            if not sound[i]:
                episode.broken = "the model computes no numbers (NaN)"
                self._end(episode_id, episode, "error", episode.broken)
                continue
            try:
                token = episode.call.sampler.choose(logits[i], first)
            except sampling.NoTokenAllowed:
                self._end(
                    episode_id, episode, "error", "the grammar allows no token of this vocabulary"
                )
                continue
            self._take(episode_id, episode, episode.call, token)

    def _take(self, episode_id: str, episode: _Episode, call: _Call, token: int) -> None:
        """Add a chosen token to the history and see whether it is the last."""
        call.tokens += 1
        if self._vocab.is_eog(token):
            self._end(episode_id, episode, "eos")
            return
        episode.tokens.append(token)
        if call.scanner.feed(self._vocab.piece(token)):
            self._end(episode_id, episode, "stop")
        elif call.tokens >= call.request.max_tokens:
            self._end(episode_id, episode, "length")
        elif len(episode.tokens) >= self._room:
            self._end(episode_id, episode, "context")

    def _end(self, episode_id: str, episode: _Episode, finish: Finish, error: str = "") -> None:
        call, episode.call = episode.call, None
        assert call
        if finish != "stop":
            call.scanner.end()
        completion = Completion(
            text=call.scanner.text,
            finish=finish,
            stop=call.scanner.stop,
            tail=call.scanner.tail,
            thinking=call.scanner.thinking,
            tokens=call.tokens,
            prompt_tokens=call.prompt_tokens,
            seconds=time.monotonic() - call.began,
            masked=call.sampler.masked,
            error=error,
        )
        call.sampler.close()
        self._ended.append((episode_id, completion))

    def finish(self, episode_id: str) -> None:
        episode = self._episodes.pop(episode_id, None)
        if episode is None:
            return
        if episode.call:
            episode.call.sampler.close()
        self._ended = [item for item in self._ended if item[0] != episode_id]
        if self._context is not None:
            self._context.drop(episode.sequence)
        self._free.append(episode.sequence)

    def close(self) -> None:
        self._close_context()
        if self._model:
            lib.llama_model_free(self._model)
        self._model = None

    def _close_context(self) -> None:
        for episode_id in list(self._episodes):
            self.finish(episode_id)
        if self._context is not None:
            self._context.close()
        self._context = None


def _thread_counts(settings: EngineSettings, all_on_gpu: bool) -> tuple[int, ...]:
    """What to choose from. Where a GPU computes everything there is nothing to choose."""
    if settings.threads or all_on_gpu:
        return (settings.threads or machine.threads(),)
    return candidates(machine.threads())


def _refuse_non_generators(path: str, model: Any) -> None:
    if lib.llama_model_has_encoder(model) or not lib.llama_model_has_decoder(model):
        raise UserError(f"{path}: has an encoder; only plain decoders can continue a text")
    if lib.llama_model_is_diffusion(model):
        raise UserError(f"{path}: writes by diffusion, not word by word")
    if not lib.llama_vocab_type(lib.llama_model_get_vocab(model)):
        raise UserError(f"{path}: has no vocabulary, so it cannot read text")


def _memory_kind(model: Any) -> str:
    if lib.llama_model_is_recurrent(model):
        return "recurrent"
    if lib.llama_model_is_hybrid(model):
        return "hybrid"
    return "iswa" if lib.llama_model_n_swa(model) > 0 else "kv"


def _model_facts(file: gguf.GgufFacts, model: Any, vocab: Vocabulary) -> dict[str, object]:
    template = file.chat_template.encode("utf-8", "replace")
    return {
        "file": file.path,
        "file_sha256": sha256_of(file.path),
        "parts_sha256": [sha256_of(part) for part in file.parts[1:]],
        "size_bytes": file.size_bytes,
        "header_sha256": file.header_sha256,
        "architecture": file.architecture,
        "name": file.name,
        "params": file.params,
        "params_stored": file.params_stored,
        "recipe": file.recipe,
        "recipe_source": file.recipe_source,
        "bits": file.bits,
        "bits_per_weight": file.bits_per_weight,
        "imatrix": file.imatrix,
        "tensor_types": dict(file.tensor_types),
        "context_length": file.context_length,
        "layers": file.layers,
        "vocab": vocab.size,
        "tokenizer": file.tokenizer,
        "chat_template_sha256": hashlib.sha256(template).hexdigest() if template else "",
        "bos_id": vocab.bos,
        "eos_id": vocab.eos,
        "add_bos": vocab.add_bos,
        "memory": _memory_kind(model),
        "llama_cpp_python": lib.__version__,
        "llama_cpp": lib.llama_version().decode("utf-8", "replace"),
        "library_sha256": sha256_of(native.library_path()),
        "system_info": native.system_info(),
        "devices": [f"{device.name}: {device.description}" for device in native.devices()],
    }
