"""Makes small GGUF models with random weights, of every kind of memory llama.cpp has.

They load, tokenise and decode like real ones; what they write is nonsense, the same
nonsense each time.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import gguf
import numpy as np

from harness.models.gguf.tables import RECIPES

ARCHITECTURES = ("llama", "gemma3", "mamba", "lfm2")
KINDS = {"llama": "kv", "gemma3": "iswa", "mamba": "recurrent", "lfm2": "hybrid"}
EOS, TURN_START, TURN_END, TOOL = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|tool_call|>"
WORDS = [
    "Question",
    "Thought",
    "Action",
    "Observation",
    "Answer",
    "calculate",
    "wikipedia",
    "search",
    "the",
    "of",
    "and",
    "is",
    "in",
    "to",
    "number",
    "town",
    "capital",
    "people",
    "river",
    "height",
    "born",
    "year",
    "built",
    "What",
    "Who",
    "Where",
    "I",
    "need",
    "find",
]
FILE_TYPES = {recipe.name.lower(): number for number, recipe in RECIPES.items()}


def write_tiny(
    path: Path,
    architecture: str = "llama",
    *,
    vocab: str = "bpe",
    width: int = 64,
    layers: int = 2,
    feed: int = 128,
    context: int = 4096,
    seed: int = 0,
    quantise: str = "f32",
    bos: bool | None = None,
    split: int = 0,
    unused: int = 0,
    tied: bool = False,
) -> Path:
    """Write a model and return its path (where ``split`` > 0, files of so many tensors).

    ``unused`` tokens fill the vocabulary up, for one as large as real ones are; ``tied`` stores
    the embedding once more as the output matrix.

    ``vocab`` is bpe (GPT-2 bytes, no BOS) or spm (SentencePiece with byte fallback, BOS);
    ``quantise`` one of FILE_TYPES, done by llama.cpp's own quantiser.
    """
    raw = path if quantise == "f32" else path.with_suffix(".f32.gguf")
    writer = gguf.GGUFWriter(raw, architecture, split_max_tensors=split)
    writer.add_name(f"tiny-{architecture}")
    writer.add_file_type(FILE_TYPES["f32"])
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_layer_norm_rms_eps(1e-5)
    size = (_spm if vocab == "spm" else _bpe)(writer, bos, unused)
    _SHAPES[architecture](_Weights(writer, seed, tied), writer, size, width, layers, feed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if raw != path:
        quantise_file(raw, path, quantise)
        raw.unlink()
    return path


def quantise_file(source: Path, target: Path, kind: str, **ends: str) -> None:
    """llama.cpp's quantiser, single-threaded; ``ends`` are types of its own for the
    ``output_tensor`` and the ``token_embedding``."""
    import llama_cpp

    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread, params.ftype = 1, FILE_TYPES[kind]
    for end, name in ends.items():
        setattr(params, f"{end}_type", gguf.GGMLQuantizationType[name])
    code = llama_cpp.llama_model_quantize(
        str(source).encode(), str(target).encode(), ctypes.byref(params)
    )
    assert code == 0, f"quantiser: {code}"


def write_shapes(
    path: Path,
    tensors: dict[str, tuple[str, int, int]],
    file_type: int | None = None,
    keys: tuple[str, ...] = (),
) -> Path:
    """Write a file that says what it holds, and holds zeros.

    ``tensors`` are type, length of a row and rows by name; ``file_type`` None leaves the key
    out; ``keys`` are further ones, with a text.
    """
    writer = gguf.GGUFWriter(path, "llama")
    if file_type is not None:
        writer.add_file_type(file_type)
    for key in keys:
        writer.add_string(key, "calibration.dat")
    for name, (kind, row, rows) in tensors.items():
        quantised = gguf.GGMLQuantizationType[kind]
        block, size = gguf.GGML_QUANT_SIZES[quantised]
        data = np.zeros((rows, row // block * size), np.uint8)
        writer.add_tensor(name, data, raw_dtype=quantised)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class _Weights:
    """Adds tensors; shapes are given as llama.cpp names them, input first."""

    def __init__(self, writer: gguf.GGUFWriter, seed: int, tied: bool = False) -> None:
        self._writer = writer
        self._tied = tied
        self._random = np.random.default_rng(seed)

    def matrix(self, name: str, *shape: int, scale: float = 0.0) -> None:
        data = self._random.standard_normal(shape[::-1], np.float32)
        self._writer.add_tensor(name, data * (scale or shape[0] ** -0.5))

    def ones(self, name: str, *shape: int) -> None:
        self._writer.add_tensor(name, np.ones(shape[::-1], np.float32))

    def ends(self, vocab: int, width: int, norm: str = "output_norm.weight") -> None:
        before = self._random.bit_generator.state
        self.matrix("token_embd.weight", width, vocab, scale=1.0)
        if self._tied:
            self._random.bit_generator.state = before
        self.matrix("output.weight", width, vocab, scale=1.0 if self._tied else 0.3)
        self.ones(norm, width)

    def attention(self, block: str, width: int, kv_width: int) -> None:
        self.matrix(f"{block}.attn_q.weight", width, width)
        self.matrix(f"{block}.attn_k.weight", width, kv_width)
        self.matrix(f"{block}.attn_v.weight", width, kv_width)
        self.matrix(f"{block}.attn_output.weight", width, width)

    def feed_forward(self, block: str, width: int, feed: int) -> None:
        self.ones(f"{block}.ffn_norm.weight", width)
        self.matrix(f"{block}.ffn_gate.weight", width, feed)
        self.matrix(f"{block}.ffn_up.weight", width, feed)
        self.matrix(f"{block}.ffn_down.weight", feed, width)


def _llama(
    w: _Weights, writer: gguf.GGUFWriter, vocab: int, width: int, layers: int, feed: int
) -> None:
    heads = max(4, width // 64)  # of 64, but in the smallest
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads // 2)
    writer.add_feed_forward_length(feed)
    writer.add_rope_dimension_count(width // heads)
    w.ends(vocab, width)
    for i in range(layers):
        w.ones(f"blk.{i}.attn_norm.weight", width)
        w.attention(f"blk.{i}", width, width // 2)
        w.feed_forward(f"blk.{i}", width, feed)


def _gemma3(
    w: _Weights, writer: gguf.GGUFWriter, vocab: int, width: int, layers: int, feed: int
) -> None:
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_key_length(width // 4)
    writer.add_value_length(width // 4)
    writer.add_feed_forward_length(feed)
    writer.add_sliding_window(16)
    w.ends(vocab, width)
    for i in range(layers):
        block = f"blk.{i}"
        w.attention(block, width, width // 2)
        w.feed_forward(block, width, feed)
        for norm, size in (
            ("attn_norm", width),
            ("post_attention_norm", width),
            ("post_ffw_norm", width),
            ("attn_q_norm", width // 4),
            ("attn_k_norm", width // 4),
        ):
            w.ones(f"{block}.{norm}.weight", size)


def _mamba(
    w: _Weights, writer: gguf.GGUFWriter, vocab: int, width: int, layers: int, feed: int
) -> None:
    inner, state, kernel, rank = 2 * width, 16, 4, max(1, width // 16)
    writer.add_head_count(0)
    writer.add_feed_forward_length(0)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    w.ends(vocab, width)
    for i in range(layers):
        block = f"blk.{i}"
        w.ones(f"{block}.attn_norm.weight", width)
        w.matrix(f"{block}.ssm_in.weight", width, 2 * inner)
        w.matrix(f"{block}.ssm_conv1d.weight", kernel, inner)
        w.matrix(f"{block}.ssm_conv1d.bias", inner, scale=0.1)
        w.matrix(f"{block}.ssm_x.weight", inner, rank + 2 * state)
        w.matrix(f"{block}.ssm_dt.weight", rank, inner)
        w.matrix(f"{block}.ssm_dt.bias", inner, scale=0.1)
        writer.add_tensor(
            f"{block}.ssm_a", -np.tile(np.arange(1, state + 1, dtype=np.float32), (inner, 1))
        )
        w.ones(f"{block}.ssm_d", inner)
        w.matrix(f"{block}.ssm_out.weight", inner, width)


def _lfm2(
    w: _Weights, writer: gguf.GGUFWriter, vocab: int, width: int, layers: int, feed: int
) -> None:
    kernel = 3
    writer.add_head_count(4)
    writer.add_head_count_kv([0 if i % 2 == 0 else 2 for i in range(layers)])
    writer.add_feed_forward_length(feed)
    writer.add_shortconv_l_cache(kernel)
    writer.add_rope_freq_base(10000.0)
    w.ends(vocab, width, norm="token_embd_norm.weight")
    for i in range(layers):
        block = f"blk.{i}"
        w.ones(f"{block}.attn_norm.weight", width)
        w.feed_forward(block, width, feed)
        if i % 2:
            w.attention(block, width, width // 2)
            w.ones(f"{block}.attn_q_norm.weight", width // 4)
            w.ones(f"{block}.attn_k_norm.weight", width // 4)
        else:
            w.matrix(f"{block}.shortconv.conv.weight", kernel, width)
            w.matrix(f"{block}.shortconv.in_proj.weight", width, 3 * width)
            w.matrix(f"{block}.shortconv.out_proj.weight", width, width)


_SHAPES = {"llama": _llama, "gemma3": _gemma3, "mamba": _mamba, "lfm2": _lfm2}


def _bpe(writer: gguf.GGUFWriter, bos: bool | None, unused: int) -> int:
    """A byte-level vocabulary with the merges that make WORDS, each with a space before it."""
    letters = _byte_letters()
    tokens = [letters[byte] for byte in range(256)]
    merges: list[str] = []
    for word in WORDS:
        spelt = letters[ord(" ")] + word
        for end in range(2, len(spelt) + 1):
            if spelt[:end] not in tokens:
                merges.append(f"{spelt[: end - 1]} {spelt[end - 1]}")
                tokens.append(spelt[:end])
    types = [gguf.TokenType.NORMAL] * len(tokens)
    tokens += [EOS, TURN_START, TURN_END, TOOL]
    types += [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED]
    tokens += [f"unused{i}" for i in range(unused)]
    types += [gguf.TokenType.NORMAL] * unused
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index(EOS))
    writer.add_bos_token_id(tokens.index(EOS))
    writer.add_add_bos_token(bool(bos))
    return len(tokens)


def _spm(writer: gguf.GGUFWriter, bos: bool | None, unused: int) -> int:
    """A SentencePiece vocabulary: bytes, characters, WORDS with every prefix of theirs."""
    pieces = [chr(code) for code in range(33, 127)] + ["▁"]
    for word in WORDS:
        pieces += [f"▁{word}"[:end] for end in range(2, len(word) + 2)]
    pieces = list(dict.fromkeys(pieces))
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces, TOOL]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]
    types += [gguf.TokenType.NORMAL] * len(pieces) + [gguf.TokenType.USER_DEFINED]
    tokens += [f"unused{i}" for i in range(unused)]
    types += [gguf.TokenType.NORMAL] * unused
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores(
        [float(len(token)) if i > 258 else 0.0 for i, token in enumerate(tokens)]
    )
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(bos is None or bos)
    return len(tokens)


def _byte_letters() -> dict[int, str]:
    """GPT-2's spelling of bytes: printable ones as themselves, the rest from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}
