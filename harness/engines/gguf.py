"""What a GGUF file says about itself, read without llama.cpp and without trust.

Every count and length in the file is a claim that is checked against the bytes there are,
before anything is allocated or skipped. It explains files that are no usable model; it
loads no weights and knows no engine.
Layout: the GGUF specification in ggml's docs/gguf.md.
"""

from __future__ import annotations

import difflib
import hashlib
import mmap
import os
import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.engines._gguf_tables import (
    ARCHITECTURES,
    FILE_TYPES,
    HOPELESS,
    REMOVED_TYPES,
    TENSOR_TYPES,
)
from harness.printable import printable
from harness.types import UserError

MAX_KEYS = 1 << 14
MAX_TENSORS = 1 << 17
MAX_STRING = 1 << 24  # bytes; the longest are chat templates
MAX_ITEMS = 1 << 23  # of one array of strings
KEPT_ITEMS = 4096  # numeric arrays up to this long are kept, longer ones only counted

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...] | range  # range(n): an array of n items that was not kept


@dataclass(frozen=True)
class GgufFacts:
    """A model as its file describes it.

    ``params`` counts all weights of all tensors; ``tensor_types`` says how many of them
    are stored in which type; ``bits`` is the whole number of bits a weight has in the type
    that most weights have. ``kv_bytes`` is what one token takes in an f16 cache (0 =
    nothing, or not known). Ids are -1 and texts "" where the file says nothing.
    ``parts`` are the files of a split model, ``size_bytes`` their sum. ``header_sha256``
    covers all metadata: the vocabulary, the template, the shapes.
    """

    path: str
    architecture: str
    name: str = ""
    params: int = 0
    file_type: str = ""
    tensor_types: Mapping[str, int] = field(default_factory=dict)
    bits: int = 0
    context_length: int = 0
    layers: int = 0
    vocab: int = 0
    tokenizer: str = ""
    chat_template: str = ""
    bos_id: int = -1
    eos_id: int = -1
    kv_bytes: int = 0
    size_bytes: int = 0
    parts: tuple[str, ...] = ()
    header_sha256: str = ""

    @property
    def quantisation(self) -> str:
        """The file's own name for its quantisation, else the type most weights have."""
        return self.file_type or max(
            self.tensor_types, key=self.tensor_types.__getitem__, default=""
        )

    @property
    def bits_per_weight(self) -> float:
        """File bits over weights, metadata and all."""
        return round(8 * self.size_bytes / self.params, 3) if self.params else 0.0


class _Damaged(Exception):
    """The bytes make no sense: what is wrong, and what to do about it."""

    def __init__(self, what: str, advice: str = "download it again") -> None:
        super().__init__(f"{what}; {advice}")


def _unknown_version(version: int) -> _Damaged:
    if version == 1:
        return _Damaged("it is GGUF version 1, which llama.cpp opens no more", "get a newer file")
    if version and not version & 0xFFFF:
        return _Damaged("it was written for a big-endian machine", "get the usual one")
    return _Damaged(f"GGUF version {version} is not known here", "a newer harness may know it")


@dataclass(frozen=True)
class _Header:
    values: dict[str, Value]
    types: Counter[int]  # ggml type -> weights
    size: int  # bytes of metadata, tensor data begins here
    data_end: int  # where the last tensor ends


def inspect(path: str | os.PathLike[str]) -> GgufFacts:
    """Read a model's facts; a split model is read whole, from its first file.

    Raises UserError, in milliseconds and without large allocations, for anything that is
    not a complete GGUF file of a version in use. Whether llama.cpp knows the architecture
    is for ``check_architecture``.
    """
    path = Path(path)
    header, digest = _read_file(path)
    parts = _parts(path, header.values)
    types = Counter(header.types)
    for part in parts[1:]:
        types.update(_read_file(part)[0].types)
    facts = _facts(str(path), header.values, types)
    size = sum(part.stat().st_size for part in parts)
    return replace(facts, size_bytes=size, parts=tuple(map(str, parts)), header_sha256=digest)


def check_architecture(facts: GgufFacts, known: bool | None = None) -> None:
    """Raise UserError when llama.cpp cannot generate text with this architecture.

    ``known`` is what the build at hand says about the name; None = go by the table.
    """
    name = facts.architecture
    if name in HOPELESS:
        raise UserError(f"{facts.path}: architecture {name!r}: {HOPELESS[name]}")
    if name in ARCHITECTURES or known:
        return
    near = difflib.get_close_matches(name, sorted(ARCHITECTURES), n=3, cutoff=0.5)
    hint = f"nearest: {', '.join(near)}" if near else "a newer llama-cpp-python may know it"
    raise UserError(f"{facts.path}: this llama.cpp knows no architecture {_shown(name)}; {hint}")


def token_texts(path: str | os.PathLike[str], ids: Sequence[int]) -> dict[int, str]:
    """The texts of some tokens of a vocabulary; ids that it does not have are left out."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(data)
        reader.header()
        return reader.texts_at(reader.tokens_at, ids) if reader.tokens_at else {}


def _read_file(path: Path) -> tuple[_Header, str]:
    """One file's header and the hash of its bytes."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            _refuse_other_formats(path, file.read(512), size)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = _Reader(data).header()
                digest = hashlib.sha256(data[: header.size]).hexdigest()
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; name the .gguf file in it") from None
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; give the path of a .gguf file{_near(path)}"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except _Damaged as error:
        raise UserError(f"{path}: not a usable GGUF file: {error}") from None
    if header.data_end > size:
        raise UserError(
            f"{path}: cut short: its tensors end at byte {header.data_end:,}, the file has "
            f"{size:,}; download it again"
        )
    return header, digest


def _near(path: Path) -> str:
    names = [item.name for item in path.parent.glob("*.gguf")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.4)
    return f"; nearest there: {', '.join(map(_shown, close))}" if close else ""


OLD_MAGIC = {b"lmgg": "ggml", b"fmgg": "ggmf", b"tjgg": "ggjt"}


def _refuse_other_formats(path: Path, head: bytes, size: int) -> None:
    """Raise UserError for what is not GGUF, naming what it looks like."""
    what = ""
    if head[:4] in OLD_MAGIC:
        raise UserError(
            f"{path}: an old {OLD_MAGIC[head[:4]]} file, which no llama.cpp since 2023 opens and (if "
            "quantised) no tool converts; get the model, or its stand-in in models.toml, as GGUF"
        )
    if head[:4] == b"GGUF":
        return
    if size == 0:
        what = "it is empty"
    elif head.startswith(b"version https://git-lfs"):
        what = "it is a Git LFS pointer, not the file itself: run git lfs pull"
    elif head.lstrip()[:1] == b"<":
        what = "it is a web page: the download met an error or a login"
    elif head.startswith(b"PK"):
        what = "it is a PyTorch or zip archive: convert it to GGUF, or name its folder"
    elif head[8:9] == b"{":
        what = "it is a safetensors file: name its folder to run it with transformers"
    elif head.lstrip()[:1] == b"{":
        what = "it is JSON text"
    elif not head.strip(b"\0"):
        what = "it begins with zeros: an interrupted download"
    raise UserError(f"{path}: not a GGUF model: {what or 'its first bytes are not GGUF'}")


# metadata type -> how it is stored
SCALARS = {
    0: struct.Struct("<B"), 1: struct.Struct("<b"), 2: struct.Struct("<H"), 3: struct.Struct("<h"),
    4: struct.Struct("<I"), 5: struct.Struct("<i"), 6: struct.Struct("<f"), 7: struct.Struct("<?"),
    10: struct.Struct("<Q"), 11: struct.Struct("<q"), 12: struct.Struct("<d"),
}  # fmt: skip
STRING, ARRAY = 8, 9


class _Reader:
    """Walks a header. Raises _Damaged wherever a claim goes beyond the bytes there are."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        self.size = len(data)
        self.at = 4  # behind the magic
        self.tokens_at = 0  # where the vocabulary's texts begin, 0 = nowhere

    def header(self) -> _Header:
        version = self.number(4)
        if version not in (2, 3):
            raise _unknown_version(version)
        tensors, keys = self.number(10), self.number(10)
        self._limit(tensors, MAX_TENSORS, "tensors")
        self._limit(keys, MAX_KEYS, "metadata keys")
        values: dict[str, Value] = {}
        for _ in range(keys):
            key, kind = self.string(1 << 16), self.number(4)
            if (key, kind) == ("tokenizer.ggml.tokens", ARRAY):
                self.tokens_at = self.at
            values[key] = self.value(kind)
        types: Counter[int] = Counter()
        ends = [self._tensor(types) for _ in range(tensors)]
        alignment = values.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 16:
            raise _Damaged("its alignment makes no sense")
        start = -(-self.at // alignment) * alignment
        return _Header(values, types, self.at, start + max(ends, default=0) if ends else 0)

    def number(self, kind: int) -> int:
        return int(self.scalar(kind))

    def scalar(self, kind: int) -> Scalar:
        form = SCALARS[kind]
        if self.at + form.size > self.size:
            raise _Damaged("it ends inside its header")
        (value,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return value  # type: ignore[no-any-return]

    def string(self, limit: int = MAX_STRING) -> str:
        length = self.number(10)
        if length > self.size - self.at:
            raise _Damaged("it ends inside its header")
        self._limit(length, limit, "bytes in one text")
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        if kind in SCALARS:
            return self.scalar(kind)
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self._array()
        raise _Damaged(f"metadata of an unknown type {kind}")

    def _array(self) -> Value:
        kind, count = self.number(4), self.number(10)
        if kind == STRING:
            self._limit(count, min(MAX_ITEMS, (self.size - self.at) // 8), "texts in one list")
            return self._skip_strings(count)
        if kind not in SCALARS:
            raise _Damaged(f"a list of an unknown type {kind}")
        form = SCALARS[kind]
        self._limit(count, (self.size - self.at) // form.size, "numbers in one list")
        self.at += count * form.size
        if count > KEPT_ITEMS:
            return range(count)
        kept = self.data[self.at - count * form.size : self.at]
        return tuple(item for (item,) in form.iter_unpack(kept))

    def _skip_strings(self, count: int) -> range:
        at, size, length_at = self.at, self.size, SCALARS[10].unpack_from
        for _ in range(count):
            if at + 8 > size:
                raise _Damaged("it ends inside its header")
            at += 8 + length_at(self.data, at)[0]
        if at > size:
            raise _Damaged("it ends inside its header")
        self.at = at
        return range(count)

    def texts_at(self, at: int, wanted: Sequence[int]) -> dict[int, str]:
        """Some texts of the list that begins at a place already walked over."""
        self.at = at
        kind, count = self.number(4), self.number(10)
        if kind != STRING:
            return {}
        last = min(max(wanted, default=-1), count - 1)
        texts = (self.string() for _ in range(last + 1))
        return {index: text for index, text in enumerate(texts) if index in wanted}

    def _tensor(self, types: Counter[int]) -> int:
        """Count one tensor's weights; returns where its data ends, from the data's start."""
        name = self.string(1 << 10)
        dims = self.number(4)
        self._limit(dims, 4, f"dimensions of tensor {_shown(name)}")
        shape = [self.number(10) for _ in range(dims)]
        kind, offset = self.number(4), self.number(10)
        if kind in REMOVED_TYPES:
            raise _Damaged(
                f"stored as {REMOVED_TYPES[kind]}, which llama.cpp has dropped", "get a newer file"
            )
        if kind not in TENSOR_TYPES:
            raise _Damaged(f"tensor {_shown(name)} has an unknown type {kind}")
        weights = 1
        for extent in shape:
            weights *= extent
            self._limit(weights, 1 << 48, f"weights in tensor {_shown(name)}")
        types[kind] += weights
        _, block, size = TENSOR_TYPES[kind]
        return offset + -(-weights // block) * size

    @staticmethod
    def _limit(claimed: int, limit: int, what: str) -> None:
        if claimed > limit:
            raise _Damaged(f"it claims {claimed:,} {what}, more than {limit:,}")


def _facts(path: str, values: Mapping[str, Value], types: Counter[int]) -> GgufFacts:
    def text(key: str) -> str:
        value = values.get(key)
        return value if isinstance(value, str) else ""

    def number(key: str, default: int = 0) -> int:
        value = values.get(key)
        return value if isinstance(value, int) else default

    architecture = text("general.architecture")
    if not architecture:
        raise UserError(f"{path}: not a usable GGUF file: it names no architecture")
    tokens = values.get("tokenizer.ggml.tokens")
    main, block, size = TENSOR_TYPES[max(types, key=types.__getitem__)] if types else ("", 1, 0)
    return GgufFacts(
        path=path,
        architecture=architecture,
        name=text("general.name"),
        params=sum(types.values()),
        file_type=FILE_TYPES.get(number("general.file_type", -1), ""),
        tensor_types={TENSOR_TYPES[kind][0]: count for kind, count in types.most_common()},
        bits=8 * size // block if main else 0,
        context_length=number(f"{architecture}.context_length"),
        layers=number(f"{architecture}.block_count"),
        vocab=len(tokens) if isinstance(tokens, range) else number(f"{architecture}.vocab_size"),
        tokenizer=text("tokenizer.ggml.model"),
        chat_template=text("tokenizer.chat_template"),
        bos_id=number("tokenizer.ggml.bos_token_id", -1),
        eos_id=number("tokenizer.ggml.eos_token_id", -1),
        kv_bytes=_kv_bytes(architecture, values),
    )


def _kv_bytes(architecture: str, values: Mapping[str, Value]) -> int:
    """Bytes of keys and values that one token adds over all layers, at two bytes a number."""

    def number(key: str, default: int) -> int:
        value = values.get(f"{architecture}.{key}")
        return value if isinstance(value, int) else default

    layers, heads = number("block_count", 0), number("attention.head_count", 0)
    per_layer = values.get(f"{architecture}.attention.head_count_kv", heads)
    if isinstance(per_layer, tuple):
        kv_heads = sum(int(count) for count in per_layer)
    else:
        kv_heads = layers * int(per_layer) if isinstance(per_layer, int) else 0
    width = number("embedding_length", 0) // heads if heads else 0
    return (
        2
        * kv_heads
        * (number("attention.key_length", width) + number("attention.value_length", width))
    )


_PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")


def _parts(path: Path, values: Mapping[str, Value]) -> list[Path]:
    """All files of a split model, this one alone when it is whole."""
    count, number = values.get("split.count", 1), values.get("split.no", 0)
    if not isinstance(count, int) or count <= 1:
        return [path]
    match = _PART.fullmatch(path.name)
    if not match or int(match[3]) != count:
        raise UserError(
            f"{path}: part of a model split into {count} files, which must keep their names "
            f"(…-00001-of-{count:05}.gguf)"
        )
    parts = [path.with_name(f"{match[1]}-{i:05}-of-{count:05}.gguf") for i in range(1, count + 1)]
    if number != 0:
        raise UserError(
            f"{path}: part {int(match[2])} of {count}; name the first one, {parts[0].name}"
        )
    for part in parts:
        if not part.is_file():
            raise UserError(f"{path}: split into {count} files, of which {part.name} is missing")
    return parts


def _shown(name: str) -> str:
    """A name out of a file or folder, for a message."""
    return repr(printable(name, 80))
