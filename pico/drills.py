"""Drills in copying: random strings, named, then asked for again in another order.

Finding a place by what stands before it and going on from there is most of what these
tasks need, and is learnt many times faster where every token trains it. No text, no task.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pico.tokenizer import digit_tokens

LENGTHS = (4, 6, 8, 11)  # tokens of a string, its name included; one length a batch
STRINGS = 5


def batch(count: int, vocab: int, device: str) -> tuple[Tensor, Tensor]:
    """Token ids and kinds, each (count, 2 * STRINGS * length): strings of digits and
    rare words in one order, then in another; what can be known of the second half counts."""
    length = LENGTHS[int(torch.randint(len(LENGTHS), ()))]
    shape = (count, STRINGS, length)
    digits = torch.tensor(digit_tokens(), device=device)
    words = torch.randint(300, vocab, shape, device=device)
    numerals = digits[torch.randint(len(digits), shape, device=device)]
    strings = torch.where(torch.rand(shape, device=device) < 0.7, numerals, words)
    strings[..., 0] = torch.randint(300, vocab, shape[:2], device=device)  # the name
    order = torch.rand(shape[:2], device=device).argsort(1)
    again = strings.gather(1, order[..., None].expand(shape))
    kinds = torch.zeros(shape, dtype=torch.long, device=device)
    known = kinds.clone()
    known[..., 1:] = 2
    both = torch.cat((strings.flatten(1), again.flatten(1)), 1)
    return both, torch.cat((kinds.flatten(1), known.flatten(1)), 1)
