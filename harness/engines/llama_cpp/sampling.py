"""Chooses a token from a row of logits: greedily or by chance, with or without a grammar.

The grammar first checks only the model's own choice. Where it forbids that one, the whole
vocabulary is masked and the veto is counted.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.engines.llama_cpp.vocab import Vocabulary
from harness.types import EngineError, EngineSettings, Generate, Sampling, UserError

_Logits = npt.NDArray[np.float32]
_CANDIDATE = np.dtype([("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])  # llama_token_data
_ROOT = "root-then-stop"


class NoTokenAllowed(Exception):
    """The grammar leaves no token of this vocabulary."""


class Sampler:
    """Chooses the tokens of one completion. ``masked`` counts the grammar's vetoes."""

    def __init__(self, vocab: Vocabulary, settings: EngineSettings, request: Generate) -> None:
        self._vocab = vocab
        self._chain = _chain(settings.sampling, request.seed)
        self._grammar = None
        self.masked = -1
        if settings.grammar:
            self._grammar = _compile(vocab, settings.grammar, request.stop)
            if not self._grammar:  # never generate unconstrained
                raise EngineError(f"the grammar does not compile with {request.stop!r} behind it")
            self.masked = 0

    def choose(self, logits: _Logits, best: int) -> int:
        """The next token, given its logits and the index of the largest."""
        token = best if self._chain is None else self._draw(_Candidates(logits))
        if self._grammar is None:
            return token
        if not self._allows(token):
            self.masked += 1
            token = self._draw_allowed(logits)
        if not self._vocab.is_eog(token):
            lib.llama_sampler_accept(self._grammar, token)
        return token

    def close(self) -> None:
        for sampler in (self._chain, self._grammar):
            if sampler:
                lib.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _allows(self, token: int) -> bool:
        only = _Candidates(np.zeros(1, np.float32))
        only.data["id"] = token
        lib.llama_sampler_apply(self._grammar, only.pointer)
        return bool(only.data["logit"][0] == 0)

    def _draw_allowed(self, logits: _Logits) -> int:
        candidates = _Candidates(logits)
        lib.llama_sampler_apply(self._grammar, candidates.pointer)
        best = int(candidates.data["logit"].argmax())
        if not np.isfinite(candidates.data["logit"][best]):
            raise NoTokenAllowed
        return best if self._chain is None else self._draw(candidates)

    def _draw(self, candidates: _Candidates) -> int:
        lib.llama_sampler_apply(self._chain, candidates.pointer)
        return int(candidates.data["id"][candidates.array.selected])


class _Candidates:
    """Logits in the form that llama.cpp's samplers work on, which sort and cut it in place."""

    def __init__(self, logits: _Logits) -> None:
        self.data = np.empty(len(logits), _CANDIDATE)
        self.data["id"] = np.arange(len(logits))
        self.data["logit"] = logits
        self.data["p"] = 0
        pointer = self.data.ctypes.data_as(lib.llama_token_data_p)
        self.array = lib.llama_token_data_array(pointer, len(logits), -1, False)
        self.pointer = ctypes.byref(self.array)


def sampling_facts(sampling: Sampling) -> dict[str, object]:
    """What the manifest says about how tokens are chosen."""
    if sampling.temperature <= 0:
        return {"method": "greedy"}
    return {
        "method": "temperature, then top_p, then a draw; a seed for each generation",
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }


def check_grammar(vocab: Vocabulary, grammar: str) -> None:
    """Raise UserError, with the parser's reason, when a grammar does not compile."""
    if not grammar:
        return
    with native.stderr_caught() as said:
        sampler = _compile(vocab, grammar, ())
    if not sampler:
        reason = said[0].partition("grammar: ")[2] if said else native.log.why()
        raise UserError(f"the grammar does not compile: {reason}")
    lib.llama_sampler_free(sampler)


def _chain(sampling: Sampling, seed: int) -> Any:
    """The sampler of one generation; None is greedy."""
    if sampling.temperature <= 0:
        return None
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_p < 1:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
    # The largest 32-bit seed means "random" to llama.cpp.
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(seed % 0xFFFFFFFF))
    return chain


def _compile(vocab: Vocabulary, grammar: str, stops: Sequence[str]) -> Any:
    """A grammar behind whose text a stop string may follow, as it does without a grammar."""
    ends = " | ".join(_literal(stop) for stop in stops if stop)
    text = f"{grammar}\n{_ROOT} ::= root ({ends})?\n" if ends else f"{grammar}\n{_ROOT} ::= root\n"
    native.log.clear()
    return lib.llama_sampler_init_grammar(vocab.pointer, text.encode(), _ROOT.encode())


def _literal(text: str) -> str:
    """A GBNF string literal."""
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    escaped = (plain.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text)
    return f'"{"".join(escaped)}"'
