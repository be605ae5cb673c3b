"""Muon in float32: torch's own works in bfloat16, which many CPUs only emulate.

Momentum, then the nearest orthogonal matrix by Newton and Schulz's iteration (Jordan et
al., 2024, kellerjordan.github.io/posts/muon), scaled to AdamW's usual step (Liu et al.,
2025, arXiv 2502.16982), so that one learning rate serves both.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

A, B, C = 3.4445, -4.7750, 2.0315  # of the quintic iteration
ROUNDS = 5
MOMENTUM = 0.95
STEP = 0.2  # root mean square of an AdamW update


class Muon(torch.optim.Optimizer):
    """For matrices only; ``lr`` and ``weight_decay`` as AdamW's."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                update = orthogonal(weight.grad.lerp(momentum, MOMENTUM))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * STEP * max(weight.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """About U V^T where ``matrix`` is U S V^T: all singular values near 1."""
    flat = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = flat / (flat.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = A * x + (B * square + C * square @ square) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x
