"""Walks the header of a GGUF file: metadata and where each tensor lies.

Every count and length in the file is a claim that is checked against the bytes there are,
before anything is allocated or skipped.
Layout: the GGUF specification in ggml's docs/gguf.md.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from harness.common.printable import printable
from harness.models.gguf.tables import REMOVED_TYPES, TENSOR_TYPES

_MAX_KEYS = 1 << 14
_MAX_TENSORS = 1 << 17
_MAX_STRING = 1 << 24  # bytes; the longest are chat templates
_MAX_ITEMS = 1 << 23  # of one array of strings
_KEPT_ITEMS = 4096  # numeric arrays up to this long are kept, longer ones only counted

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...] | range  # range(n): an array of n items that was not kept


class Damaged(Exception):
    """The bytes make no sense: what is wrong, and what to do about it."""

    def __init__(self, what: str, advice: str = "download it again") -> None:
        super().__init__(f"{what}; {advice}")


def _unknown_version(version: int) -> Damaged:
    if version == 1:
        return Damaged("it is GGUF version 1, which llama.cpp opens no more", "get a newer file")
    if version and not version & 0xFFFF:
        return Damaged("it was written for a big-endian machine", "get the usual one")
    return Damaged(f"GGUF version {version} is not known here", "a newer harness may know it")


class Tensor(NamedTuple):
    """One matrix or vector as it is stored. ``shape`` names the length of a row first;
    ``offset`` counts bytes from where the tensors of its file begin."""

    name: str
    kind: int  # the ggml type, see TENSOR_TYPES
    shape: tuple[int, ...]
    offset: int

    @property
    def type(self) -> str:
        """The type's name, such as Q4_K."""
        return TENSOR_TYPES[self.kind][0]

    @property
    def weights(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        _, block, size = TENSOR_TYPES[self.kind]
        return -(-self.weights // block) * size


@dataclass(frozen=True)
class Header:
    """What stands before the weights."""

    values: dict[str, Value]
    tensors: list[Tensor]
    size: int  # bytes of metadata
    data_start: int  # where the tensors begin
    data_end: int  # where the last tensor ends; 0 = there are none


# metadata type -> how it is stored
_FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"}
_FORMATS |= {10: "<Q", 11: "<q", 12: "<d"}
_SCALARS = {kind: struct.Struct(form) for kind, form in _FORMATS.items()}
_STRING, _ARRAY = 8, 9


class HeaderReader:
    """Walks a header. Raises Damaged wherever a claim goes beyond the bytes there are."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        self.size = len(data)
        self.at = 4  # behind the magic
        self.tokens_at = 0  # where the vocabulary's texts begin, 0 = nowhere

    def header(self) -> Header:
        version = self.number(4)
        if version not in (2, 3):
            raise _unknown_version(version)
        tensors, keys = self.number(10), self.number(10)
        self._limit(tensors, _MAX_TENSORS, "tensors")
        self._limit(keys, _MAX_KEYS, "metadata keys")
        values: dict[str, Value] = {}
        for _ in range(keys):
            key, kind = self.string(1 << 16), self.number(4)
            if (key, kind) == ("tokenizer.ggml.tokens", _ARRAY):
                self.tokens_at = self.at
            values[key] = self.value(kind)
        found = [self._tensor() for _ in range(tensors)]
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16:
            raise Damaged("its alignment makes no sense")
        start = -(-self.at // alignment) * alignment
        end = max((start + tensor.offset + tensor.bytes for tensor in found), default=0)
        return Header(values, found, self.at, start, end)

    def number(self, kind: int) -> int:
        return int(self.scalar(kind))

    def scalar(self, kind: int) -> Scalar:
        form = _SCALARS[kind]
        if self.at + form.size > self.size:
            raise Damaged("it ends inside its header")
        (value,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return value  # type: ignore[no-any-return]

    def string(self, limit: int = _MAX_STRING) -> str:
        length = self.number(10)
        if length > self.size - self.at:
            raise Damaged("it ends inside its header")
        self._limit(length, limit, "bytes in one text")
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        if kind in _SCALARS:
            return self.scalar(kind)
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        raise Damaged(f"metadata of an unknown type {kind}")

    def _array(self) -> Value:
        kind, count = self.number(4), self.number(10)
        if kind == _STRING:
            self._limit(count, min(_MAX_ITEMS, (self.size - self.at) // 8), "texts in one list")
            return self._skip_strings(count)
        if kind not in _SCALARS:
            raise Damaged(f"a list of an unknown type {kind}")
        form = _SCALARS[kind]
        self._limit(count, (self.size - self.at) // form.size, "numbers in one list")
        self.at += count * form.size
        if count > _KEPT_ITEMS:
            return range(count)
        kept = self.data[self.at - count * form.size : self.at]
        return tuple(item for (item,) in form.iter_unpack(kept))

    def _skip_strings(self, count: int) -> range:
        at, size, length_at = self.at, self.size, _SCALARS[10].unpack_from
        for _ in range(count):
            if at + 8 > size:
                raise Damaged("it ends inside its header")
            at += 8 + length_at(self.data, at)[0]
        if at > size:
            raise Damaged("it ends inside its header")
        self.at = at
        return range(count)

    def texts_at(self, at: int, wanted: Sequence[int]) -> dict[int, str]:
        """Some texts of the list that begins at a place already walked over."""
        self.at = at
        kind, count = self.number(4), self.number(10)
        if kind != _STRING:
            return {}
        last = min(max(wanted, default=-1), count - 1)
        texts = (self.string() for _ in range(last + 1))
        return {index: text for index, text in enumerate(texts) if index in wanted}

    def _tensor(self) -> Tensor:
        """One tensor's entry; its claims are checked, its weights are not read."""
        name = self.string(1 << 10)
        dims = self.number(4)
        self._limit(dims, 4, f"dimensions of tensor {shown(name)}")
        shape = [self.number(10) for _ in range(dims)]
        kind, offset = self.number(4), self.number(10)
        if kind in REMOVED_TYPES:
            raise Damaged(
                f"stored as {REMOVED_TYPES[kind]}, which llama.cpp has dropped", "get a newer file"
            )
        if kind not in TENSOR_TYPES:
            raise Damaged(f"tensor {shown(name)} has an unknown type {kind}")
        weights = 1
        for extent in shape:
            weights *= extent
            self._limit(weights, 1 << 48, f"weights in tensor {shown(name)}")
        return Tensor(name, kind, tuple(shape), offset)

    @staticmethod
    def _limit(claimed: int, limit: int, what: str) -> None:
        if claimed > limit:
            raise Damaged(f"it claims {claimed:,} {what}, more than {limit:,}")


def shown(name: str) -> str:
    """A name out of a file or folder, for a message."""
    return repr(printable(name, 80))
