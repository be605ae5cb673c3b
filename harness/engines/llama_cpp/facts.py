"""What the manifest says of an opened GGUF model, and which models cannot be run."""

from __future__ import annotations

import hashlib
from typing import Any

from harness.common.files import sha256_of
from harness.engines.llama_cpp import native
from harness.engines.llama_cpp.native import lib
from harness.engines.llama_cpp.vocab import Vocabulary
from harness.models.gguf import GgufFacts
from harness.types import UserError

# Of ``GgufFacts``, as they are.
_COPIED = [
    "size_bytes",
    "header_sha256",
    "architecture",
    "name",
    "params",
    "params_stored",
    "recipe",
    "recipe_source",
    "bits",
    "bits_per_weight",
    "imatrix",
    "context_length",
    "layers",
    "tokenizer",
]


def refuse_non_generators(path: str, model: Any) -> None:
    """Raise UserError for an opened model that cannot continue a text."""
    if lib.llama_model_has_encoder(model) or not lib.llama_model_has_decoder(model):
        raise UserError(f"{path}: has an encoder; only plain decoders can continue a text")
    if lib.llama_model_is_diffusion(model):
        raise UserError(f"{path}: writes by diffusion, not word by word")
    if not lib.llama_vocab_type(lib.llama_model_get_vocab(model)):
        raise UserError(f"{path}: has no vocabulary, so it cannot read text")


def _memory_kind(model: Any) -> str:
    if lib.llama_model_is_recurrent(model):
        return "recurrent"
    if lib.llama_model_is_hybrid(model):
        return "hybrid"
    return "iswa" if lib.llama_model_n_swa(model) > 0 else "kv"


def model_facts(file: GgufFacts, model: Any, vocab: Vocabulary) -> dict[str, object]:
    """The model as its file describes it, and the build that runs it."""
    template = file.chat_template.encode("utf-8", "replace")
    return {
        "file": file.path,
        "file_sha256": sha256_of(file.path),
        "parts_sha256": [sha256_of(part) for part in file.parts[1:]],
        **{name: getattr(file, name) for name in _COPIED},
        "tensor_types": dict(file.tensor_types),
        "vocab": vocab.size,
        "chat_template_sha256": hashlib.sha256(template).hexdigest() if template else "",
        "bos_id": vocab.bos,
        "eos_id": vocab.eos,
        "add_bos": vocab.add_bos,
        "memory": _memory_kind(model),
        "llama_cpp_python": lib.__version__,
        "llama_cpp": lib.llama_version().decode("utf-8", "replace"),
        "library_sha256": sha256_of(native.library_path()),
        "system_info": native.system_info(),
        "devices": [f"{device.name}: {device.description}" for device in native.devices()],
    }
