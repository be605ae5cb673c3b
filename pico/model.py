"""A Llama in plain PyTorch, shaped so that llama.cpp computes the same numbers.

Knows nothing of text or training. Rotary positions turn neighbouring pairs of a head's
entries, llama.cpp's convention for its ``llama`` architecture, so that weights are
exported as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

from pico.shapes import CONTEXT, HEAD, NORM_EPS, ROPE_BASE, Shape

Past = tuple[Tensor, Tensor]
"""Keys and values of what came before: each (1 or batch, heads, tokens, HEAD)."""


def angles(start: int, length: int, device: torch.device) -> Tensor:
    """Turns for positions ``start`` on, as complex numbers of length 1: (length, HEAD / 2)."""
    powers = torch.arange(0, HEAD, 2, device=device, dtype=torch.float32) / HEAD
    turns = torch.outer(
        torch.arange(start, start + length, device=device, dtype=torch.float32),
        ROPE_BASE**-powers,
    )
    return torch.polar(torch.ones_like(turns), turns)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair (x[2i], x[2i+1]) by its position's angle; x is (batch, heads, tokens, HEAD)."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), NORM_EPS)


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and around a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = Norm(shape.width)
        self.attn_qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = Norm(shape.width)
        self.ffn_gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, turns: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        mixed, own = self.attend(self.attn_norm(x), turns, past)
        x = x + mixed
        gate, up = self.ffn_gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + self.ffn_down(F.silu(gate) * up), own

    def attend(self, x: Tensor, turns: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        batch, length, _ = x.shape
        parts = self.attn_qkv(x).view(batch, length, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        query, key = rotate(query, turns), rotate(key, turns)
        own = (key, value)
        if past is None:
            out = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            key = torch.cat((past[0].expand(batch, -1, -1, -1), key), 2)
            value = torch.cat((past[1].expand(batch, -1, -1, -1), value), 2)
            bias = causal_lower_right(length, key.shape[2])
            out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.attn_output(out.transpose(1, 2).reshape(batch, length, -1)), own


class Llama(nn.Module):
    """Token ids in, logits out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)
        self._initialise()

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = weight.shape[1] ** -0.5 if "embed" not in name else 0.05
                if name.endswith(("attn_output.weight", "ffn_down.weight")):
                    scale /= (2 * self.shape.layers) ** 0.5
                nn.init.normal_(weight, std=scale)

    def read(self, tokens: Tensor) -> list[Past]:
        """Evaluate a shared prefix of shape (1, length); keys and values for ``forward``."""
        return self._run(tokens, None)[1]

    def forward(self, tokens: Tensor, past: list[Past] | None = None) -> Tensor:
        """Logits (batch, length, vocab) of ``tokens`` (batch, length) that follow ``past``."""
        return self.logits(self.hidden(tokens, past))

    def hidden(self, tokens: Tensor, past: list[Past] | None = None) -> Tensor:
        """What ``logits`` reads: (batch, length, width)."""
        return self._run(tokens, past)[0]

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits for hidden states of any leading shape."""
        return F.linear(self.norm(hidden), self.embed.weight)

    def _run(self, tokens: Tensor, past: list[Past] | None) -> tuple[Tensor, list[Past]]:
        start = past[0][0].shape[2] if past else 0
        assert start + tokens.shape[1] <= CONTEXT
        turns = angles(start, tokens.shape[1], tokens.device)
        x, pasts = self.embed(tokens), []
        for index, block in enumerate(self.blocks):
            x, own = block(x, turns, past[index] if past else None)
            pasts.append(own)
        return x, pasts
