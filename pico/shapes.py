"""The sizes of the pico family, and where its files lie. No heavy imports.

A shape is a Llama: RMSNorm, rotary positions, SwiGLU, no biases, the output matrix tied
to the embedding. Every row length is a multiple of 32, as q4_0 needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
TOKENIZER = FOLDER / "tokenizer.json"
WEIGHTS = FOLDER / "weights"

CONTEXT = 2048
ROPE_BASE = 1e7  # so slow that half of a head's pairs hardly turn within the context
NORM_EPS = 1e-5
HEAD = 32


@dataclass(frozen=True)
class Shape:
    """``width`` and ``hidden`` are row lengths; heads are ``HEAD`` wide."""

    width: int
    layers: int
    hidden: int
    vocab: int

    @property
    def heads(self) -> int:
        return self.width // HEAD

    @property
    def params(self) -> int:
        """Number of weights, the tied embedding counted once."""
        layer = 4 * self.width**2 + 3 * self.width * self.hidden + 2 * self.width
        return self.vocab * self.width + self.layers * layer + self.width


VOCAB = 2304
SIZES = {
    "0.3M": Shape(width=64, layers=3, hidden=192, vocab=VOCAB),
    "0.8M": Shape(width=128, layers=4, hidden=192, vocab=VOCAB),
    "2M": Shape(width=192, layers=4, hidden=448, vocab=VOCAB),
    "4.5M": Shape(width=256, layers=6, hidden=512, vocab=VOCAB),
}
