"""A GGUF file's quantisation, from its tensors: recipe, bits a weight, matrices stored twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.models.gguf.header import Tensor
from harness.models.gguf.tables import FALLBACKS, RECIPES, TENSOR_TYPES, Recipe
from harness.types import UserError

_BLOCKS = {name: block for name, block, _ in TENSOR_TYPES.values()}
_OWN_SHARE = 0.3  # of the blocks' weights: the least that any recipe keeps at its own width
_PURE_SHARE = 0.9  # of all matrices' weights: so much of one type names a file by it
_ROWS = 32  # of a matrix, looked at to see whether two hold the same weights


@dataclass(frozen=True)
class Quantisation:
    """A model's recipe, its nominal bits a weight, and the ``source`` of both: "file", or
    "measured" where the file's own word is missing or wrong."""

    recipe: str
    bits: int
    source: str


@dataclass(frozen=True)
class Stored:
    """A tensor and where its first byte is: the file, and the place in it."""

    tensor: Tensor
    path: Path
    start: int


def measured_bits(tensors: Sequence[Tensor]) -> float:
    """Bytes of the tensors times 8 over their weights; 0 where there are none."""
    weights = sum(tensor.weights for tensor in tensors)
    return 8 * sum(tensor.bytes for tensor in tensors) / weights if weights else 0.0


def quantisation_of(file_type: int, tensors: Sequence[Tensor]) -> Quantisation:
    """The recipe that a file names (``general.file_type``, -1 = not at all) if its tensors
    bear it out, else what is measured.

    A recipe mixes types. Q4_K_M stores most matrices as Q4_K, some as Q6_K, those whose rows
    are no multiple of 256 weights as Q5_0, and embedding and output as Q6_K or Q8_0; so a
    small Q4_K_M may have 7.5 bits a weight and still be one. Therefore only the matrices in
    the blocks count (``blk.``), and the recipe is borne out when

    1. its base type, or the stand-in for that where a row's length needs one, occurs there;
    2. types of the recipe's own width, and such stand-ins, hold 30 % of the weights there.
       (The least of all is Q3_K_L on an architecture whose query, key and value are one
       matrix: a third.)

    Otherwise, and where the number is unknown or carries llama.cpp's mark for a guess (1024),
    both are measured: the type of nine tenths of the weights in matrices and its width, or
    "mixed" and the bits a weight without their fraction, as every recipe's name leaves it out.
    """
    recipe = RECIPES.get(file_type)
    if recipe and (_borne_out(recipe, tensors) or not tensors):
        return Quantisation(recipe.name, recipe.bits, "file")
    common = _common_type(tensors)
    bits = type_bits(common) if common else int(measured_bits(tensors))
    return Quantisation(common or "mixed" if tensors else "", bits, "measured")


def _borne_out(recipe: Recipe, tensors: Sequence[Tensor]) -> bool:
    matrices = _matrices(tensors)
    blocks = [tensor for tensor in matrices if tensor.name.startswith("blk.")] or matrices
    based = [t for t in blocks if t.type == recipe.base or _stands_in(t, recipe.base)]
    own = sum(
        tensor.weights
        for tensor in blocks
        if type_bits(tensor.type) == recipe.bits or _stands_in(tensor, recipe.base)
    )
    return bool(based) and own >= _OWN_SHARE * sum(tensor.weights for tensor in blocks)


def _matrices(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Without norms and biases, which no recipe quantises."""
    return [tensor for tensor in tensors if sum(extent > 1 for extent in tensor.shape) > 1]


def _stands_in(tensor: Tensor, base: str) -> bool:
    """Whether the length of a row forbids ``base`` and the tensor has what is taken then."""
    row = tensor.shape[0]
    if row % 32:
        return tensor.type == "F16"
    return bool(row % _BLOCKS[base]) and tensor.type in FALLBACKS.get(base, ())


def type_bits(name: str) -> int:
    """The nominal bits of a tensor type: the first number in its name (Q4_1 has 5.0 with its
    scales and is a 4-bit type)."""
    found = re.search(r"\d+", name)
    return int(found[0]) if found else 0


def _common_type(tensors: Sequence[Tensor]) -> str:
    """The type of nearly all weights, "" where they are mixed."""
    held: Counter[str] = Counter()
    for tensor in _matrices(tensors) or tensors:
        held[tensor.type] += tensor.weights
    name, weights = max(held.items(), key=lambda item: item[1], default=("", 0))
    return name if weights >= _PURE_SHARE * held.total() else ""


def stored_twice(stored: Sequence[Stored]) -> int:
    """Weights of an output matrix that is the embedding once more, 0 where it is its own.

    A model with tied embeddings has one matrix for both ends. Some files hold it twice, as
    two types; two rows that came from the same numbers then differ by rounding alone, while
    those of a separate output matrix have nothing in common. _ROWS rows are compared.
    Raises UserError when the file cannot be read, or the package gguf is missing.
    """
    named = {item.tensor.name: item for item in stored}
    first, second = named.get("token_embd.weight"), named.get("output.weight")
    if first is None or second is None or first.tensor.shape != second.tensor.shape:
        return 0
    return second.tensor.weights if _same(first, second) else 0


def _same(first: Stored, second: Stored) -> bool:
    """Whether two matrices of one shape hold the same weights, up to their rounding."""
    if len(first.tensor.shape) != 2 or not first.tensor.weights:
        return False
    if any(first.tensor.shape[0] % _BLOCKS[stored.tensor.type] for stored in (first, second)):
        return False  # no quantiser writes such rows
    ours, theirs = _rows(first), _rows(second)
    if first.tensor.kind == second.tensor.kind and ours == theirs:
        return True
    try:
        import numpy as np
        from gguf import GGMLQuantizationType, dequantize
    except ImportError as error:
        raise UserError(
            f"{first.path}: {error.name} is needed to read weights: pip install 'harness[llama]'"
        ) from None
    try:
        a, b = (
            dequantize(np.frombuffer(data, np.uint8), GGMLQuantizationType(kind)).astype(np.float64)
            for data, kind in ((ours, first.tensor.kind), (theirs, second.tensor.kind))
        )
    except (NotImplementedError, ValueError):  # a type newer than the package; damaged rows
        return False
    allowed = _rounding(first.tensor.type) + _rounding(second.tensor.type)
    return bool(np.linalg.norm(a - b) <= min(allowed, 0.5) * np.linalg.norm(b))


def _rounding(name: str) -> float:
    """What a type may change at most, relative to the size of a row: twice the usual (Q8_0
    0.006, Q6_K 0.02, Q5_0 0.04, Q4_K 0.07, measured on Qwen2.5)."""
    return 2.0 ** (2 - min(type_bits(name), 10))


def _rows(stored: Stored) -> bytes:
    """The bytes of _ROWS rows, evenly spread over a matrix."""
    width, height = stored.tensor.shape
    _, block, size = TENSOR_TYPES[stored.tensor.kind]
    length = width // block * size
    parts = []
    try:
        with stored.path.open("rb") as file:
            for row in range(0, height, max(1, height // _ROWS)):
                file.seek(stored.start + row * length)
                parts.append(file.read(length))
    except OSError as error:
        raise UserError(f"{stored.path}: {error.strerror}") from None
    return b"".join(parts)
