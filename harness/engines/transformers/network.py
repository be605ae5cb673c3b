"""Calls a transformers model: tokens and states in, logits and states out.

A state is whatever the model keeps of a text: keys and values, a recurrent state, or both.
States of episodes of unequal length are joined into one batch and split again. Whether a
model supports that is measured when it is loaded.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

from harness.types import EngineError

# What a model's forward() may call its state.
_STATE_NAMES = ("past_key_values", "cache_params", "state")
_KEYS = ("keys", "values")  # [rows, heads, positions, size]: padded on the left
_STATES = ("conv_states", "recurrent_states")  # [rows, …]: no positions
_HARMLESS = {"_sliding_window_tensor"}


class Network:
    """``chunked``: more text may follow a state in one pass, else only token by token.
    ``batched``: states of several episodes may be joined."""

    def __init__(self, model: Any, vocabulary: int) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.vocabulary = vocabulary  # ids beyond it are padding of the matrix, no tokens
        self._accepts = inspect.signature(model.forward).parameters
        self._state_name = next((name for name in _STATE_NAMES if name in self._accepts), "")
        if not self._state_name:
            raise EngineError(f"{type(model).__name__} keeps no state between calls")
        self.chunked, self.batched = _measure(self)

    def forward(
        self, rows: Sequence[Sequence[int]], state: Any = None, lengths: Sequence[int] = (0,)
    ) -> tuple[Any, Any]:
        """Feed equally many tokens to each row.

        ``lengths`` are the positions that each row's state holds. Returns the logits behind
        each row's last token [rows, vocabulary], float32, and the new state."""
        ids = torch.tensor([list(row) for row in rows], device=self.device)
        inputs: dict[str, Any] = {"input_ids": ids, "use_cache": True}
        if state is not None:
            inputs[self._state_name] = state
        if "position_ids" in self._accepts:
            first = torch.tensor(list(lengths), device=self.device)[:, None]
            inputs["position_ids"] = first + torch.arange(ids.shape[1], device=self.device)
        if min(lengths) < max(lengths) and _has_positions(state):
            inputs["attention_mask"] = self._mask(lengths, ids.shape[1])
        if "logits_to_keep" in self._accepts:
            inputs["logits_to_keep"] = 1
        output = self.model(**inputs)
        return output.logits[:, -1, : self.vocabulary].float(), output[self._state_name]

    def _mask(self, lengths: Sequence[int], new: int) -> Any:
        """1 where a row has a token, 0 where it was padded on the left."""
        width = max(lengths)
        columns = torch.arange(width + new, device=self.device)
        padding = torch.tensor([width - length for length in lengths], device=self.device)
        return (columns[None, :] >= padding[:, None]).long()


def fork_state(state: Any) -> Any:
    """A copy of a state; models change a state in place."""
    return copy.deepcopy(state)


def join_states(states: Sequence[Any], lengths: Sequence[int]) -> Any:
    """One state of several rows; the shorter ones are padded on the left."""
    if len(states) == 1:
        return states[0]
    if not hasattr(states[0], "layers"):
        return [torch.cat(parts) for parts in zip(*states, strict=True)]
    joined = copy.copy(states[0])
    columns = zip(*(state.layers for state in states), strict=True)
    joined.layers = [_join_layers(layers) for layers in columns]
    return joined


def split_state(state: Any, row: int, length: int) -> Any:
    """One row's own state, ``length`` positions long, in memory of its own."""
    if not hasattr(state, "layers"):
        return [part[row : row + 1].clone() for part in state]
    alone = copy.copy(state)
    alone.layers = [_split_layer(layer, row, length) for layer in state.layers]
    return alone


def joinable(state: Any) -> bool:
    """Whether everything in a state is something that ``join_states`` knows."""
    if not hasattr(state, "layers"):
        return isinstance(state, list) and all(isinstance(part, torch.Tensor) for part in state)
    known = {*_KEYS, *_STATES, *_HARMLESS}
    return not any(
        isinstance(value, torch.Tensor) and name not in known
        for layer in state.layers
        for name, value in vars(layer).items()
    )


def _has_positions(state: Any) -> bool:
    """Whether a state was padded when it was joined; a purely recurrent one never is."""
    return any(_holds(layer, name) for layer in getattr(state, "layers", ()) for name in _KEYS)


def _join_layers(layers: Sequence[Any]) -> Any:
    def parts(name: str) -> list[Any]:
        return [getattr(layer, name) for layer in layers]

    joined = _copy_layer(layers[0])
    for name in _KEYS:
        if _holds(joined, name):
            setattr(joined, name, _pad_and_stack(parts(name)))
    for name in _STATES:
        if hasattr(joined, name):
            setattr(joined, name, _cat(parts(name)))
    if hasattr(joined, "cumulative_length"):
        joined.cumulative_length = max(parts("cumulative_length"))
    return joined


def _split_layer(layer: Any, row: int, length: int) -> Any:
    alone = _copy_layer(layer)
    for name in _KEYS:
        if _holds(layer, name):
            tensor = getattr(layer, name)
            kept = min(length, tensor.shape[-2])  # a sliding window holds only the last ones
            setattr(alone, name, tensor[row : row + 1, :, tensor.shape[-2] - kept :].clone())
    for name in _STATES:
        if hasattr(layer, name):
            setattr(alone, name, _each(getattr(layer, name), lambda t: t[row : row + 1].clone()))
    if hasattr(layer, "cumulative_length"):
        alone.cumulative_length = length
    return alone


def _copy_layer(layer: Any) -> Any:
    """A copy whose tensors are still shared but whose flags are its own."""
    duplicate = copy.copy(layer)
    for name, value in vars(layer).items():
        if isinstance(value, dict):
            setattr(duplicate, name, dict(value))
    return duplicate


def _holds(layer: Any, name: str) -> bool:
    tensor = getattr(layer, name, None)
    return isinstance(tensor, torch.Tensor) and tensor.dim() == 4


def _pad_and_stack(tensors: Sequence[Any]) -> Any:
    width = max(tensor.shape[-2] for tensor in tensors)
    pad = torch.nn.functional.pad
    return torch.cat([pad(tensor, (0, 0, width - tensor.shape[-2], 0)) for tensor in tensors])


def _cat(values: Sequence[Any]) -> Any:
    """Concatenate tensors, or dicts of tensors key by key; None stays None."""
    if isinstance(values[0], dict):
        return {key: _cat([value[key] for value in values]) for key in values[0]}
    return None if values[0] is None else torch.cat(list(values))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each(part, change) for key, part in value.items()}
    return None if value is None else change(value)


def _measure(network: Network) -> tuple[bool, bool]:
    """Try on a few tokens what the model's state supports: (chunked, batched).

    Mamba in transformers, for one, forgets its state when several tokens follow it at once.
    Raises EngineError when even token by token does not give what one pass gives.
    """
    with torch.inference_mode():
        ids = [(2 * i + 1) * network.vocabulary // 16 for i in range(8)]
        whole, _ = network.forward([ids])
        _, start = network.forward([ids[:4]])
        stepwise, before_last = None, start
        for at, index in enumerate(ids[4:], 4):
            before_last = fork_state(start)
            stepwise, start = network.forward([[index]], start, [at])
        size = whole.norm().item()
        noise = (stepwise - whole).norm().item()
        if not noise <= 0.5 * size:
            raise EngineError("the model gives other logits when it goes on from its own state")
        quantised = getattr(network.model, "hf_quantizer", None) is not None
        coarse = quantised or network.model.dtype.itemsize < 4
        allowed = max(4 * noise, size * (0.02 if coarse else 1e-4))
        return (
            _supports(lambda: _chunk_error(network, ids, whole), allowed),
            _supports(lambda: _batch_error(network, ids, before_last, whole), allowed),
        )


def _supports(error: Callable[[], float], allowed: float) -> bool:
    """Whether a way of using the model gives the same logits; False where it raises."""
    try:
        return error() <= allowed
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False


def _chunk_error(network: Network, ids: list[int], whole: Any) -> float:
    _, state = network.forward([ids[:4]])
    together, _ = network.forward([ids[4:]], state, [4])
    return float((together - whole).norm())


def _batch_error(network: Network, ids: list[int], before_last: Any, whole: Any) -> float:
    if not joinable(before_last):
        raise ValueError("a state of unknown parts")
    _, short = network.forward([ids[:2]])
    expected, _ = network.forward([ids[2:3]], fork_state(short), [2])
    lengths = [7, 2]
    rows, _ = network.forward(
        [[ids[7]], [ids[2]]], join_states([before_last, short], lengths), lengths
    )
    return float((rows - torch.cat([whole, expected])).norm(dim=-1).max())
