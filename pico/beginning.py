"""Weights to begin with: a model that can copy before it has learnt anything.

What a transformer this small learns last and slowest is to find where it has just read the
same few tokens and to write what followed (induction; Olsson et al., 2022, arXiv
2209.11895). Two layers can do that, so two layers are begun with it: the heads of the first
fetch the tokens one, two and three places back, those of the second look for a place with
the same past and vote for its token. Nothing of the task is in these weights, no word and
no number; training moves them like all others. Everything else begins silent.

The idea of beginning with the structure that trained weights have is mimetic
initialisation (Trockman and Kolter, 2023, arXiv 2305.09828).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pico.model import Block, Llama
from pico.shapes import HEAD, ROPE_BASE

EMBED = 0.05  # size of an entry of an embedding
CONSTANT = 4.0  # times that: entry 0 of all embeddings, which positions are read from
OFFSETS = 3
SHARP = 8.0  # how strictly a head looks at its place
LOUD = 2.0  # how strictly one matching token is looked for
VOTE = 6.0  # how loudly what was found is written
PLACES = 4  # pairs of a head that turn fast enough to tell one place from the next
STILL = 7  # the first pair that hardly turns within an episode


@torch.no_grad()
def begin(model: Llama) -> None:
    """Give a new model its weights, from torch's own source of chance."""
    width = model.shape.width
    model.embed.weight.normal_(std=EMBED)
    model.embed.weight[:, 0] = EMBED * CONSTANT
    for block in model.blocks:
        for matrix in (block.attn_qkv.weight, block.ffn_gate_up.weight):
            matrix.normal_(std=width**-0.5)
        block.attn_output.weight.zero_()
        block.ffn_down.weight.zero_()
    _look_back(model.blocks[0])
    _match(model.blocks[1], model.blocks[0])


def _parts(block: Block) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Query, key and value matrices, each (heads, HEAD, width), and output (heads, width, HEAD)."""
    width = block.attn_output.weight.shape[0]
    qkv = block.attn_qkv.weight.view(3, -1, HEAD, width)
    return qkv[0], qkv[1], qkv[2], block.attn_output.weight.view(width, -1, HEAD).transpose(0, 1)


def _look_back(block: Block) -> None:
    """Head h reads the token h + 1 places back, all of them with the same eyes."""
    query, key, value, output = _parts(block)
    turns = ROPE_BASE ** -(torch.arange(PLACES) * 2 / HEAD)
    eyes = _flat(HEAD, query.shape[2])
    for head in range(min(OFFSETS, len(query))):
        query[head].zero_()
        key[head].zero_()
        query[head, 0 : 2 * PLACES : 2, 0] = SHARP / CONSTANT
        key[head, 0 : 2 * PLACES : 2, 0] = SHARP / CONSTANT * torch.cos(turns * (head + 1))
        key[head, 1 : 2 * PLACES : 2, 0] = SHARP / CONSTANT * torch.sin(turns * (head + 1))
        value[head] = eyes
        output[head] = EMBED * _flat(HEAD, output.shape[1]).T


def _match(block: Block, before: Block) -> None:
    """Each head looks for the place whose past is this place's present and past."""
    query, key, value, output = _parts(block)
    _, _, eyes, written = _parts(before)
    fetched = [torch.linalg.pinv(written[h]) for h in range(min(OFFSETS, len(written)))]
    for head in range(len(query)):
        present, *past = (_still() for _ in fetched)
        query[head] = LOUD * present @ eyes[0]
        key[head] = LOUD * present @ fetched[0] * EMBED
        for mix, here, there in zip(past, fetched, fetched[1:], strict=False):
            query[head] += LOUD * mix @ here * EMBED
            key[head] += LOUD * mix @ there * EMBED
        value[head] = _flat(HEAD, value.shape[2])
        output[head] = EMBED * VOTE * value[head].T


def _flat(rows: int, columns: int) -> Tensor:
    """Orthonormal rows that do not read the constant entry."""
    matrix = torch.zeros(rows, columns)
    torch.nn.init.orthogonal_(matrix[:, 1:])
    return matrix


def _still() -> Tensor:
    """Mixes a head's entries into those that hardly turn with the position."""
    mix = torch.zeros(HEAD, HEAD)
    torch.nn.init.orthogonal_(mix[2 * STILL :])
    return mix
