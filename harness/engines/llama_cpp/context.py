"""Wraps one llama.cpp context: sequences that share a prefix and are decoded together.

Sequence 0 holds the prefix; the others are whole copies of it that only grow and are dropped
whole. No other way is exact for every kind of memory: on recurrent and hybrid models a partial
copy or cut is refused, or silently wrong.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.common.clock import awake
from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.models.memory import BATCH
from harness.types import EngineError, UserError

PREFIX = 0  # the sequence of the shared prefix
_FLASH_AUTO, _FLASH_OFF = -1, 0
_ABORTED = 2
_CODES = {1: "no room in its memory", _ABORTED: "it was aborted", -1: "it refused the batch"}


@dataclass
class Batch:
    """Tokens to evaluate together, at most BATCH.

    ``positions`` and ``sequences`` say where each token stands; ``outputs`` are the indices of the
    tokens whose logits are wanted.
    """

    tokens: Sequence[int]
    positions: Sequence[int]
    sequences: Sequence[int]
    outputs: Sequence[int]


class Context:
    """Owns a llama_context.

    ``model`` is the opened model and ``path`` its file, for messages. ``cells`` is the room in
    tokens over all ``sequences``. Raises UserError for a model that keeps no history,
    EngineError where llama.cpp makes no context.
    """

    def __init__(
        self, model: Any, path: str, cells: int, sequences: int, threads: int, on_gpu: bool
    ) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = params.n_outputs_max = sequences
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = threads
        # On a CPU flash attention halves the speed; for a GPU llama.cpp finds out if it can.
        params.flash_attn_type = _FLASH_AUTO if on_gpu else _FLASH_OFF
        native.log.clear()
        self._context = lib.llama_init_from_model(model, params)
        if not self._context:
            raise EngineError(f"{path}: llama.cpp made no context: {native.log.why()}")
        self._memory = lib.llama_get_memory(self._context)
        if not self._memory:
            self.close()
            raise UserError(
                f"{path}: a model of this architecture keeps no history and cannot be prompted"
            )
        self._path = path
        self._vocab_size = int(lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model)))
        self._rows = sequences
        self._address: int | None = None
        self._view = np.empty((0, 0), np.float32)
        self._batch = _NativeBatch()
        self._threads = threads
        self.facts: dict[str, object] = {
            "n_ctx": int(lib.llama_n_ctx(self._context)),
            "n_batch": BATCH,
            "flash_attention": _flash_attention(on_gpu),
            "type_k": "f16",
            "type_v": "f16",
        }

    def decode(self, batch: Batch) -> None:
        """Evaluate a batch. Raises EngineError when llama.cpp fails; its memory is then
        undefined."""
        self._check(lib.llama_decode(self._context, self._batch.filled(batch)))

    def _check(self, code: int) -> None:
        if code:
            reason = _CODES.get(code, f"code {code}")
            raise EngineError(
                f"{self._path}: llama.cpp failed to decode: {reason}: {native.log.why()}"
            )

    def decode_within(self, seconds: float, batch: Batch) -> bool:
        """As ``decode``, but on a CPU given up after so many awake seconds.

        Returns whether it came to its end; if not, its sequences must be dropped."""
        ends = awake() + seconds
        late = lib.ggml_abort_callback(lambda _: awake() > ends)
        lib.llama_set_abort_callback(self._context, late, None)
        code = lib.llama_decode(self._context, self._batch.filled(batch))
        lib.llama_set_abort_callback(self._context, lib.ggml_abort_callback(), None)
        self._check(code if code != _ABORTED else 0)
        return bool(code != _ABORTED)

    def use_threads(self, count: int) -> None:
        """Compute with so many threads from now on; what is computed stays the same."""
        if count != self._threads:
            self._threads = count
            lib.llama_set_n_threads(self._context, count, count)

    def logits(self, rows: int) -> npt.NDArray[np.float32]:
        """Logits of the last decode, one row an output, in their order: a view, valid until
        the next decode. Shape (rows, vocabulary)."""
        pointer = lib.llama_get_logits(self._context)
        address = ctypes.addressof(pointer.contents)
        if address != self._address:  # llama.cpp seldom moves its rows
            self._address = address
            self._view = np.ctypeslib.as_array(pointer, (self._rows, self._vocab_size))
        return self._view[:rows]

    def fork(self, sequence: int) -> None:
        """Begin a sequence as a copy of the prefix."""
        lib.llama_memory_seq_cp(self._memory, PREFIX, sequence, -1, -1)

    def drop(self, sequence: int) -> None:
        """Forget a sequence whole."""
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def close(self) -> None:
        if self._context:
            lib.llama_free(self._context)
        self._context = None


class _NativeBatch:
    """The arrays of a llama_batch, filled by slices instead of token by token."""

    def __init__(self) -> None:
        self._tokens, self._positions, self._sequences = np.zeros((3, BATCH), np.int32)
        self._outputs = np.zeros(BATCH, np.int8)
        self._counts = np.ones(BATCH, np.int32)
        # Each token belongs to one sequence, whose number lies in self._sequences.
        step = self._sequences.itemsize
        self._owners = (ctypes.POINTER(ctypes.c_int32) * BATCH)(
            *(
                ctypes.cast(self._sequences.ctypes.data + i * step, ctypes.POINTER(ctypes.c_int32))
                for i in range(BATCH)
            )
        )
        ints, bytes_ = ctypes.POINTER(ctypes.c_int32), ctypes.POINTER(ctypes.c_int8)
        self._batch = lib.llama_batch(
            0,
            self._tokens.ctypes.data_as(ints),
            None,
            self._positions.ctypes.data_as(ints),
            self._counts.ctypes.data_as(ints),
            self._owners,
            self._outputs.ctypes.data_as(bytes_),
        )

    def filled(self, batch: Batch) -> Any:
        count = len(batch.tokens)
        self._tokens[:count] = batch.tokens
        self._positions[:count] = batch.positions
        self._sequences[:count] = batch.sequences
        self._outputs[:count] = 0
        self._outputs[list(batch.outputs)] = 1
        self._batch.n_tokens = count
        return self._batch


def _flash_attention(on_gpu: bool) -> str:
    """Whether llama.cpp uses flash attention; only its log says what "auto" became."""
    if not on_gpu:
        return "off"
    said = [line for line in native.log.lines() if "lash" in line and "auto" in line.lower()]
    return said[-1].strip() if said else "auto"
