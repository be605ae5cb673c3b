"""Checkpoints to GGUF: python -m pico.export DIR writes pico/weights at f16, q8_0 and q4_0.

llama.cpp's own quantiser makes the smaller files from the f16 one. Needs gguf and
llama_cpp, but no torch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from pico import checkpoint
from pico.checkpoint import Checkpoint
from pico.shapes import CONTEXT, HEAD, NORM_EPS, ROPE_BASE, TOKENIZER, WEIGHTS, Shape
from pico.tokenizer import END, PRE_TOKENIZER

# torch name in a block -> GGUF names of its parts, in order
PARTS = {
    "attn_norm": ("attn_norm",),
    "attn_qkv": ("attn_q", "attn_k", "attn_v"),
    "attn_output": ("attn_output",),
    "ffn_norm": ("ffn_norm",),
    "ffn_gate_up": ("ffn_gate", "ffn_up"),
    "ffn_down": ("ffn_down",),
}
WHOLE = {"embed.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}
QUANTISED = {"q8": "Q8_0", "q4": "Q4_0"}


def tensors(model: Checkpoint) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """GGUF names and arrays: vectors in float32 as llama.cpp wants them, matrices in float16."""
    for name, weight in model.weights.items():
        if name in WHOLE:
            yield WHOLE[name], _stored(weight)
        else:
            _, index, part, _ = name.split(".")
            pieces = np.split(weight, len(PARTS[part]))
            for label, piece in zip(PARTS[part], pieces, strict=True):
                yield f"blk.{index}.{label}.weight", _stored(piece)


def _stored(weight: NDArray[np.float16]) -> NDArray[np.generic]:
    return weight.astype(np.float32) if weight.ndim == 1 else np.ascontiguousarray(weight)


def write_f16(model: Checkpoint, path: Path) -> None:
    """Write a complete GGUF file of architecture llama, tokenizer included."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model)
    _add_tokenizer(writer)
    for name, weight in tensors(model):
        writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, model: Checkpoint) -> None:
    shape = model.shape
    writer.add_name(f"pico-{model.size}")
    writer.add_basename("pico")
    writer.add_size_label(model.size)
    writer.add_license("MIT")
    writer.add_description(
        "A demonstration model trained from scratch on ReAct episodes of invented worlds. "
        "It knows nothing else and says nothing about language models at large."
    )
    writer.add_string("pico.history", json.dumps(model.history))
    writer.add_string("pico.prompt_sha256", str(model.history[-1]["prompt_sha256"]))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(NORM_EPS)
    writer.add_vocab_size(shape.vocab)


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    model = json.loads(TOKENIZER.read_text(encoding="utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    end = model["vocab"][END]
    kinds = [gguf.TokenType.CONTROL if token == END else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)


def read_f16(path: Path) -> Checkpoint:
    """The checkpoint that ``write_f16`` made into this file, exact to the bit."""
    reader = gguf.GGUFReader(path)
    arrays = {tensor.name: tensor.data for tensor in reader.tensors}
    weights = {name: arrays[stored].astype(np.float16) for name, stored in WHOLE.items()}
    layers = int(_value(reader, "llama.block_count"))
    for index in range(layers):
        for part, names in PARTS.items():
            pieces = [arrays[f"blk.{index}.{name}.weight"] for name in names]
            weights[f"blocks.{index}.{part}.weight"] = np.concatenate(pieces).astype(np.float16)
    vocab, width = weights["embed.weight"].shape
    shape = Shape(width, layers, int(_value(reader, "llama.feed_forward_length")), vocab)
    history = json.loads(_value(reader, "pico.history"))
    return Checkpoint(_value(reader, "general.size_label"), shape, weights, tuple(history))


def _value(reader: gguf.GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    if field is None:
        raise SystemExit(f"this is no f16 file of a pico model: it has no {key}")
    return field.contents()


def quantise(source: Path, target: Path, kind: str) -> None:
    """Have llama.cpp write ``target`` at ``kind`` ("Q8_0", "Q4_0")."""
    from harness.engines.llama_cpp import native

    params = native.lib.llama_model_quantize_default_params()
    params.ftype = getattr(native.lib, f"LLAMA_FTYPE_MOSTLY_{kind}")
    params.nthread = 1
    if native.lib.llama_model_quantize(str(source).encode(), str(target).encode(), params) != 0:
        raise SystemExit(f"llama.cpp could not write {target}: {native.log.why()}")


def export(source: Path, folder: Path) -> list[Path]:
    """One checkpoint as f16, q8 and q4 files in ``folder``."""
    model = checkpoint.load(source)
    folder.mkdir(parents=True, exist_ok=True)
    full = folder / f"pico-{model.size}-f16.gguf"
    write_f16(model, full)
    smaller = [full.with_name(f"pico-{model.size}-{name}.gguf") for name in QUANTISED]
    for path, kind in zip(smaller, QUANTISED.values(), strict=True):
        quantise(full, path, kind)
    return [full, *smaller]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pico.export")
    parser.add_argument("checkpoints", type=Path, help="folder of .safetensors files, or one file")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    found = (
        sorted(given.checkpoints.glob("*.safetensors"))
        if given.checkpoints.is_dir()
        else [given.checkpoints]
    )
    for source in found:
        for path in export(source, given.out):
            print(f"{path}: {path.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
