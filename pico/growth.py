"""A larger model that begins as a smaller, trained one.

Old weights keep their places. What is new reads everything, but nothing old listens to it
yet: so the larger model begins by computing what the smaller one did, and learns on. The
idea is Net2Net's (Chen et al., 2015, arXiv 1511.05641) for residual networks. With a
shape of its own size it is a plain copy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pico.checkpoint import Checkpoint
from pico.model import Llama

WHISPER = 0.1  # of their usual size: writes into new parts of the stream, which norms do hear


@torch.no_grad()
def grown(before: Checkpoint, model: Llama) -> dict[str, Tensor]:
    """Weights for ``model``, freshly initialised and at least as large, from a checkpoint."""
    old = {name: torch.from_numpy(weight).float() for name, weight in before.weights.items()}
    new = {name: weight.clone() for name, weight in model.state_dict().items()}
    width, was = model.shape.width, before.shape.width
    for name, weight in new.items():
        if name not in old:  # a layer more: silent at first
            if name.endswith(("attn_output.weight", "ffn_down.weight")):
                weight.zero_()
        elif name.endswith("attn_qkv.weight"):
            _read(weight.view(3, width, width), old[name].view(3, was, was))
        elif name.endswith("ffn_gate_up.weight"):
            _read(weight.view(2, -1, width), old[name].view(2, -1, was))
        elif name.endswith(("attn_output.weight", "ffn_down.weight")):
            _write(weight, old[name])
        elif name == "embed.weight":
            weight[:, was:] = 0
            weight[:, :was] = old[name]
        else:  # a norm divides by the mean over more entries, most of them small
            weight[:] = (was / width) ** 0.5
            weight[:was] = old[name] * (was / width) ** 0.5
    return new


def _read(weight: Tensor, old: Tensor) -> None:
    """Old units (rows) read the old stream only; new units read all of it."""
    weight[:, : old.shape[1], old.shape[2] :] = 0
    weight[:, : old.shape[1], : old.shape[2]] = old


def _write(weight: Tensor, old: Tensor) -> None:
    """The old stream (rows) hears the old units only; the new stream is written softly."""
    weight[old.shape[0] :] *= WHISPER
    weight[: old.shape[0], old.shape[1] :] = 0
    weight[: old.shape[0], : old.shape[1]] = old
