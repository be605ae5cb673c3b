"""What a GGUF file says about its model, and why a file is not usable; loads no weights."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.common.hints import hint
from harness.models.gguf.header import Damaged, Header, HeaderReader, Tensor, Value, shown
from harness.models.gguf.tables import ARCHITECTURES, NOT_GENERATIVE
from harness.models.gguf.tensors import Stored, measured_bits, quantisation_of, stored_twice
from harness.types import UserError


@dataclass(frozen=True)
class GgufFacts:
    """A model as its file describes it.

    ``params`` is what everyone calls the model: its weights, a tied embedding that the file
    holds twice counted once; ``params_stored`` counts all weights of all tensors and
    ``tensor_types`` says how many of them are stored in which type. ``recipe`` (Q4_K_M) and
    its nominal ``bits`` are the file's own word, or measured where it is missing or wrong:
    ``recipe_source`` is "file" or "measured" (the rule: ``quantisation_of``). ``bits_per_weight`` is
    always measured, over what is stored; ``imatrix``: the file says that it was quantised with
    an importance matrix.

    ``kv_bytes`` is what one token takes in an f16 cache, ``state_bytes`` what one sequence of a
    recurrent model takes (0 = nothing, or not known). Ids are -1 and texts "" where the file
    says nothing. ``parts`` are the files of a split model, ``size_bytes`` their sum. ``header_sha256`` covers all metadata: the vocabulary, the
    template, the shapes.
    """

    path: str
    architecture: str
    name: str = ""
    params: int = 0
    params_stored: int = 0
    recipe: str = ""
    recipe_source: str = ""
    bits: int = 0
    bits_per_weight: float = 0.0
    imatrix: bool = False
    tensor_types: Mapping[str, int] = field(default_factory=dict)
    context_length: int = 0
    layers: int = 0
    width: int = 0
    heads: int = 0
    vocab: int = 0
    tokenizer: str = ""
    chat_template: str = ""
    bos_id: int = -1
    eos_id: int = -1
    kv_bytes: int = 0
    state_bytes: int = 0
    size_bytes: int = 0
    parts: tuple[str, ...] = ()
    header_sha256: str = ""


def inspect(path: str | os.PathLike[str]) -> GgufFacts:
    """Read a model's facts; a split model is read whole, from its first file.

    Raises UserError, in milliseconds and without large allocations, for anything that is
    not a complete GGUF file of a version in use. Whether llama.cpp knows the architecture
    is for ``check_architecture``.
    """
    path = Path(path)
    header, digest = _read_file(path)
    parts = _parts(path, header.values)
    headers = [header, *(_read_file(part)[0] for part in parts[1:])]
    stored = [
        Stored(tensor, part, found.data_start + tensor.offset)
        for part, found in zip(parts, headers, strict=True)
        for tensor in found.tensors
    ]
    facts = _facts(str(path), header.values, [item.tensor for item in stored])
    return replace(
        facts,
        params=facts.params_stored - stored_twice(stored),
        size_bytes=sum(part.stat().st_size for part in parts),
        parts=tuple(map(str, parts)),
        header_sha256=digest,
    )


def check_architecture(facts: GgufFacts, known: bool | None = None) -> None:
    """Raise UserError when llama.cpp cannot generate text with this architecture.

    ``known`` is what the build at hand says about the name; None = go by the table.
    """
    name = facts.architecture
    if name in NOT_GENERATIVE:
        raise UserError(f"{facts.path}: architecture {name!r}: {NOT_GENERATIVE[name]}")
    if name in ARCHITECTURES or known:
        return
    raise UserError(
        f"{facts.path}: this llama.cpp does not know the architecture {shown(name)}; a newer "
        f"llama-cpp-python may; {hint(name, sorted(ARCHITECTURES))}"
    )


def token_texts(path: str | os.PathLike[str], ids: Sequence[int]) -> dict[int, str]:
    """The texts of some tokens of a vocabulary; ids that it does not have are left out."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = HeaderReader(data)
        reader.header()
        return reader.texts_at(reader.tokens_at, ids) if reader.tokens_at else {}


def _read_file(path: Path) -> tuple[Header, str]:
    """One file's header and the hash of its bytes."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            _refuse_other_formats(path, file.read(512), size)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = HeaderReader(data).header()
                digest = hashlib.sha256(data[: header.size]).hexdigest()
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; name the .gguf file in it") from None
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such file; give the path of a .gguf file{_near(path)}"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except Damaged as error:
        raise UserError(f"{path}: not a usable GGUF file: {error}") from None
    if header.data_end > size:
        raise UserError(
            f"{path}: cut short: its tensors end at byte {header.data_end:,}, the file has "
            f"{size:,}; download it again"
        )
    return header, digest


def _near(path: Path) -> str:
    names = [item.name for item in path.parent.glob("*.gguf")] if path.parent.is_dir() else []
    return f"; {hint(path.name, names)}" if names else ""


_OLD_MAGIC = {b"lmgg": "ggml", b"fmgg": "ggmf", b"tjgg": "ggjt"}


def _refuse_other_formats(path: Path, head: bytes, size: int) -> None:
    """Raise UserError for what is not GGUF, naming what it looks like."""
    what = ""
    if head[:4] in _OLD_MAGIC:
        raise UserError(
            f"{path}: an old {_OLD_MAGIC[head[:4]]} file, which no llama.cpp since 2023 opens and (if "
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


def _facts(path: str, values: Mapping[str, Value], tensors: Sequence[Tensor]) -> GgufFacts:
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
    types: Counter[str] = Counter()
    for tensor in tensors:
        types[tensor.type] += tensor.weights
    found = quantisation_of(number("general.file_type", -1), tensors)
    return GgufFacts(
        path=path,
        architecture=architecture,
        name=text("general.name"),
        params_stored=types.total(),
        recipe=found.recipe,
        recipe_source=found.source,
        bits=found.bits,
        bits_per_weight=round(measured_bits(tensors), 3),
        imatrix=any(key.startswith("quantize.imatrix.") for key in values),
        tensor_types=dict(types.most_common()),
        context_length=number(f"{architecture}.context_length"),
        layers=number(f"{architecture}.block_count"),
        width=number(f"{architecture}.embedding_length"),
        heads=_numbers(architecture, values)("attention.head_count"),
        vocab=len(tokens) if isinstance(tokens, range) else number(f"{architecture}.vocab_size"),
        tokenizer=text("tokenizer.ggml.model"),
        chat_template=text("tokenizer.chat_template"),
        bos_id=number("tokenizer.ggml.bos_token_id", -1),
        eos_id=number("tokenizer.ggml.eos_token_id", -1),
        kv_bytes=_kv_bytes(architecture, values),
        state_bytes=_state_bytes(architecture, values),
    )


def _kv_bytes(architecture: str, values: Mapping[str, Value]) -> int:
    """Bytes of keys and values that one token adds over all layers, at two bytes a number."""
    number = _numbers(architecture, values)
    layers, heads = number("block_count"), number("attention.head_count")
    per_layer = values.get(f"{architecture}.attention.head_count_kv", heads)
    if isinstance(per_layer, tuple):
        kv_heads = sum(int(count) for count in per_layer)
    else:
        kv_heads = layers * int(per_layer) if isinstance(per_layer, int) else 0
    width = number("embedding_length") // heads if heads else 0
    return (
        2
        * kv_heads
        * (number("attention.key_length", width) + number("attention.value_length", width))
    )


def _state_bytes(architecture: str, values: Mapping[str, Value]) -> int:
    """Bytes of the states that each sequence of a recurrent or hybrid model has, however long
    it is: a convolution's last inputs and a state, four bytes a number (llama-hparams.cpp)."""
    number = _numbers(architecture, values)
    width, inner, state = (
        number(key) for key in ("embedding_length", "ssm.inner_size", "ssm.state_size")
    )
    if number("wkv.head_size"):  # RWKV
        layer = width * (number("token_shift_count", 2) + number("wkv.head_size"))
    elif inner:  # Mamba
        inputs = inner + 2 * number("ssm.group_count") * state
        layer = (number("ssm.conv_kernel") - 1) * inputs + state * inner
    else:
        layer = width * max(0, number("shortconv.l_cache") - 1)
    per_layer = values.get(f"{architecture}.attention.head_count_kv")
    attending = sum(map(bool, per_layer)) if isinstance(per_layer, tuple) else 0
    return 4 * (number("block_count") - attending) * layer


def _numbers(architecture: str, values: Mapping[str, Value]) -> Callable[..., int]:
    """Reads whole numbers among an architecture's own keys, of one a layer the largest."""

    def number(key: str, default: int = 0) -> int:
        value = values.get(f"{architecture}.{key}")
        value = max(value, default=None) if isinstance(value, tuple) else value
        return value if isinstance(value, int) else default

    return number


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
