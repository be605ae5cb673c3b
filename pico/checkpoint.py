"""A trained model as one safetensors file: f16 weights, its shape and history as metadata.

Works on numpy arrays, so that exporting needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from pico.shapes import Shape

Weights = dict[str, NDArray[np.float16]]


@dataclass(frozen=True)
class Checkpoint:
    """``history`` has one entry for each round of training: what it was trained on and how long."""

    size: str
    shape: Shape
    weights: Weights
    history: tuple[Mapping[str, object], ...] = ()


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write the file whole or not at all."""
    about = {
        "size": checkpoint.size,
        "shape": json.dumps(asdict(checkpoint.shape)),
        "history": json.dumps(checkpoint.history),
    }
    part = path.with_suffix(".part")
    save_file(checkpoint.weights, part, about)
    part.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a file that ``save`` wrote."""
    with safe_open(path, framework="numpy") as file:
        about = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    shape = Shape(**json.loads(about["shape"]))
    return Checkpoint(about["size"], shape, weights, tuple(json.loads(about["history"])))
