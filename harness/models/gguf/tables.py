"""Names and sizes in GGUF files: tensor types, recipes, architectures. Only tables."""

from __future__ import annotations

from typing import NamedTuple


def _entries(table: str) -> list[list[str]]:
    """The words of each entry; entries are parted by commas."""
    return [entry.split() for entry in table.split(",")]


# ggml type, name, weights in a block, bytes of a block; sizes from ggml-common.h
_TENSOR_TYPES = """
0 F32 1 4, 1 F16 1 2, 2 Q4_0 32 18, 3 Q4_1 32 20, 6 Q5_0 32 22, 7 Q5_1 32 24, 8 Q8_0 32 34,
9 Q8_1 32 36, 10 Q2_K 256 84, 11 Q3_K 256 110, 12 Q4_K 256 144, 13 Q5_K 256 176, 14 Q6_K 256 210,
15 Q8_K 256 292, 16 IQ2_XXS 256 66, 17 IQ2_XS 256 74, 18 IQ3_XXS 256 98, 19 IQ1_S 256 50,
20 IQ4_NL 32 18, 21 IQ3_S 256 110, 22 IQ2_S 256 82, 23 IQ4_XS 256 136, 24 I8 1 1, 25 I16 1 2,
26 I32 1 4, 27 I64 1 8, 28 F64 1 8, 29 IQ1_M 256 56, 30 BF16 1 2, 34 TQ1_0 256 54,
35 TQ2_0 256 66, 39 MXFP4 32 17, 40 NVFP4 64 36, 41 Q1_0 128 18, 42 Q2_0 64 18
"""
TENSOR_TYPES = {
    int(number): (name, int(weights), int(size))
    for number, name, weights, size in _entries(_TENSOR_TYPES)
}
_REMOVED = """
4 Q4_2, 5 Q4_3, 31 Q4_0_4_4, 32 Q4_0_4_8, 33 Q4_0_8_8, 36 IQ4_NL_4_4, 37 IQ4_NL_4_8, 38 IQ4_NL_8_8
"""
REMOVED_TYPES = {int(number): name for number, name in _entries(_REMOVED)}


class Recipe(NamedTuple):
    """How a file was quantised: its name, its nominal bits a weight, and the type that it
    stores a matrix in unless it has a reason for another one."""

    name: str
    bits: int
    base: str


# general.file_type, name, bits, base type: numbers as in enum llama_ftype in llama.h, base types as
# in llama_model_quantize in llama-quant.cpp. MXFP4 is llama.h's MXFP4_MOE: only experts' matrices.
_RECIPES = """
0 F32 32 F32, 1 F16 16 F16, 32 BF16 16 BF16, 7 Q8_0 8 Q8_0, 18 Q6_K 6 Q6_K, 8 Q5_0 5 Q5_0,
9 Q5_1 5 Q5_1, 16 Q5_K_S 5 Q5_K, 17 Q5_K_M 5 Q5_K, 2 Q4_0 4 Q4_0, 3 Q4_1 4 Q4_1,
14 Q4_K_S 4 Q4_K, 15 Q4_K_M 4 Q4_K, 25 IQ4_NL 4 IQ4_NL, 30 IQ4_XS 4 IQ4_XS, 38 MXFP4 4 MXFP4,
39 NVFP4 4 NVFP4, 11 Q3_K_S 3 Q3_K, 12 Q3_K_M 3 Q3_K, 13 Q3_K_L 3 Q3_K, 22 IQ3_XS 3 IQ3_S,
23 IQ3_XXS 3 IQ3_XXS, 26 IQ3_S 3 IQ3_S, 27 IQ3_M 3 IQ3_S, 10 Q2_K 2 Q2_K, 21 Q2_K_S 2 Q2_K,
19 IQ2_XXS 2 IQ2_XXS, 20 IQ2_XS 2 IQ2_XS, 28 IQ2_S 2 IQ2_XS, 29 IQ2_M 2 IQ2_S, 37 TQ2_0 2 TQ2_0,
41 Q2_0 2 Q2_0, 24 IQ1_S 1 IQ1_S, 31 IQ1_M 1 IQ1_M, 36 TQ1_0 1 TQ1_0, 40 Q1_0 1 Q1_0
"""
RECIPES = {
    int(number): Recipe(name, int(bits), base) for number, name, bits, base in _entries(_RECIPES)
}
# Types with blocks longer than 32 weights -> what the quantiser takes where the length of a
# row is no multiple of the block (llama-quant.cpp, and its older versions)
_SMALL = "Q3_K IQ3_S IQ3_XXS Q2_K IQ2_S IQ2_XS IQ2_XXS Q2_0 TQ2_0 IQ1_S IQ1_M TQ1_0 Q1_0"
FALLBACKS = {
    "Q6_K": ("Q8_0",),
    "Q5_K": ("Q5_1",),
    "Q4_K": ("Q5_0",),
    "IQ4_XS": ("IQ4_NL",),
    **dict.fromkeys(_SMALL.split(), ("IQ4_NL", "Q4_0", "Q4_1")),
}
# Text generators that llama.cpp runs, for hints and for a yes without asking the build.
ARCHITECTURES = frozenset(
    [
        "llama",
        "llama4",
        "deci",
        "falcon",
        "grok",
        "gpt2",
        "gptneox",
        "mpt",
        "baichuan",
        "starcoder",
        "refact",
        "bloom",
        "stablelm",
        "qwen",
        "qwen2",
        "qwen2moe",
        "qwen3",
        "qwen3moe",
        "qwen3next",
        "qwen35",
        "qwen35moe",
        "phi2",
        "phi3",
        "phimoe",
        "plamo",
        "plamo2",
        "plamo3",
        "codeshell",
        "orion",
        "internlm2",
        "minicpm",
        "minicpm3",
        "gemma",
        "gemma2",
        "gemma3",
        "gemma3n",
        "gemma4",
        "starcoder2",
        "mamba",
        "mamba2",
        "jamba",
        "falcon-h1",
        "xverse",
        "command-r",
        "cohere2",
        "dbrx",
        "olmo",
        "olmo2",
        "olmoe",
        "openelm",
        "arctic",
        "deepseek",
        "deepseek2",
        "chatglm",
        "glm4",
        "glm4moe",
        "bitnet",
        "jais",
        "nemotron",
        "nemotron_h",
        "nemotron_h_moe",
        "exaone",
        "exaone4",
        "rwkv6",
        "rwkv6qwen2",
        "rwkv7",
        "arwkv7",
        "granite",
        "granitemoe",
        "granitehybrid",
        "bailingmoe",
        "bailingmoe2",
        "dots1",
        "arcee",
        "ernie4_5",
        "ernie4_5-moe",
        "hunyuan-moe",
        "hunyuan-dense",
        "smollm3",
        "gpt-oss",
        "lfm2",
        "lfm2moe",
        "smallthinker",
        "seed_oss",
        "apertus",
        "minimax-m2",
        "mistral3",
    ]
)
# Architectures that no llama.cpp can generate text with, and what to do instead.
_RUN_ORIGINAL = "run the original weights with the transformers engine"
_ENCODERS = """
bert nomic-bert nomic-bert-moe modern-bert jina-bert-v2 jina-bert-v3 neo-bert eurobert
gemma-embedding llama-embed t5encoder
"""
NOT_GENERATIVE = {
    "gptj": f"llama.cpp has the name but no code for it; {_RUN_ORIGINAL}",
    "rwkv": f"RWKV 4 and 5 were never in llama.cpp; {_RUN_ORIGINAL}",
    "rwkv5": f"RWKV 4 and 5 were never in llama.cpp; {_RUN_ORIGINAL}",
    "clip": "it is the image part of a model that sees; name the language model's file",
    "t5": "it is an encoder with a decoder, and only plain decoders can continue a text",
    **dict.fromkeys(_ENCODERS.split(), "it is an encoder: it embeds text and writes none"),
    **dict.fromkeys(
        ("dream", "llada", "llada-moe", "rnd1"), "it writes by diffusion, not word by word"
    ),
}
