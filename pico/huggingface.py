"""A pico model as a folder in Hugging Face format, for the transformers engine:
python -m pico.huggingface pico/weights/pico-2M-f16.gguf --out build/hf

The same weights, so two engines can be held against each other. transformers turns entry i
of a head together with entry i + HEAD / 2, llama.cpp turns neighbours: rows change places.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pico.checkpoint import Checkpoint
from pico.export import read_f16
from pico.shapes import CONTEXT, HEAD, NORM_EPS, ROPE_BASE, TOKENIZER
from pico.tokenizer import END, shipped

WHOLE = {"embed.weight": "model.embed_tokens.weight", "norm.weight": "model.norm.weight"}
PARTS = {
    "attn_norm": ("input_layernorm",),
    "attn_qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attn_output": ("self_attn.o_proj",),
    "ffn_norm": ("post_attention_layernorm",),
    "ffn_gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "ffn_down": ("mlp.down_proj",),
}
TURNED = ("self_attn.q_proj", "self_attn.k_proj")


def write(model: Checkpoint, folder: Path) -> Path:
    """Write config, weights and tokenizer; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(_tensors(model)), folder / "model.safetensors", {"format": "pt"})
    _write_json(folder / "config.json", _config(model))
    (folder / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END}
    _write_json(folder / "tokenizer_config.json", about | {"model_max_length": CONTEXT})
    return folder


def _tensors(model: Checkpoint) -> Iterator[tuple[str, NDArray[np.float16]]]:
    for name, weight in model.weights.items():
        if name in WHOLE:
            yield WHOLE[name], weight
            continue
        _, index, part, _ = name.split(".")
        for label, piece in zip(PARTS[part], np.split(weight, len(PARTS[part])), strict=True):
            turned = _halves(piece) if label in TURNED else np.ascontiguousarray(piece)
            yield f"model.layers.{index}.{label}.weight", turned


def _halves(weight: NDArray[np.float16]) -> NDArray[np.float16]:
    """Of each head, first the rows at even places, then those at odd ones."""
    rows, columns = weight.shape
    pairs = weight.reshape(rows // HEAD, HEAD // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, columns))


def _config(model: Checkpoint) -> dict[str, object]:
    shape, end = model.shape, shipped().token_to_id(END)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float16",
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "max_position_embeddings": CONTEXT,
        "rope_theta": ROPE_BASE,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE},
        "rms_norm_eps": NORM_EPS,
        "tie_word_embeddings": True,
        "bos_token_id": end,
        "eos_token_id": end,
    }


def _write_json(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pico.huggingface")
    parser.add_argument("files", type=Path, nargs="+", help="f16 GGUF files of pico models")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model folders")
    given = parser.parse_args()
    for path in given.files:
        model = read_f16(path)
        print(write(model, given.out / f"pico-{model.size}"))


if __name__ == "__main__":
    main()
