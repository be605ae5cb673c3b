"""Opens a Hugging Face folder with transformers, quantised by bitsandbytes where asked.

Reads safetensors only, runs no code from the folder and fetches nothing: a repository that is
not on this machine has to be pulled first.

Keys of a model's ``options``: ``quantisation`` (nf4, int8 or none), ``dtype`` (bfloat16,
float16 or float32: of the weights that stay unquantised), ``device`` (auto, cpu, cuda,
cuda:1, mps).
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.common.files import sha256_of
from harness.common.hints import hint
from harness.common.packages import versions
from harness.engines import ENGINES
from harness.models.memory import TORCH_GPU_SLOTS, TORCH_SLOTS
from harness.types import EngineError, EngineSettings, Model, UserError

if TYPE_CHECKING:
    from harness.engines.transformers.engine import TransformersEngine

_QUANTISATIONS = ("nf4", "int8", "none")
_DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}  # and what a recipe says
_OPTIONS = ("quantisation", "dtype", "device")
_LIBRARIES = (*ENGINES["transformers"].packages, "accelerate", "tokenizers", "safetensors")
# Where a configuration says how many positions there are. RWKV's context_length is only what
# it was trained with: its state has no end.
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len")


def load(model: Model, settings: EngineSettings) -> TransformersEngine:
    """Open ``model.source``: a folder in Hugging Face format, or hf:owner/repository[@revision].

    Raises UserError for what the user can mend, EngineError when the model cannot be run.
    """
    quantisation, dtype, device = _options(model)
    _require("torch", "transformers", *(("bitsandbytes",) if quantisation != "none" else ()))
    folder = _folder(model)
    weights = _weights(model, folder)
    import torch

    device = _device(model, device)
    dtype = dtype or ("float32" if device == "cpu" else "bfloat16")
    if settings.threads:
        torch.set_num_threads(settings.threads)
    _quieten()
    from harness.engines.transformers.engine import TransformersEngine
    from harness.engines.transformers.network import Network
    from harness.engines.transformers.text import FolderTokeniser

    network, tokenizer = _open(model, folder, quantisation, dtype, device)
    tokeniser = FolderTokeniser(tokenizer, _ends(network))
    width = network.get_output_embeddings().weight.shape[0]
    net = Network(network, min(tokeniser.size, width))
    slots = settings.slots or (TORCH_SLOTS if device == "cpu" else TORCH_GPU_SLOTS)
    facts = {
        "engine": "transformers",
        "source": model.source,
        "device": device,
        "device_name": _device_name(device),
        "dtype": dtype,
        "slots": slots,
        "threads": torch.get_num_threads(),
        "batched": net.batched,
        "chunked": net.chunked,
        "context_length": _positions(network.config),
        **_about(network, weights),
        "files": {path.name: sha256_of(path) for path in [*weights, *_texts(folder)]},
        "versions": versions(_LIBRARIES),
    }
    return TransformersEngine(net, tokeniser, settings, slots, _positions(network.config), facts)


def _options(model: Model) -> tuple[str, str, str]:
    for key in model.options:
        if key not in _OPTIONS:
            raise UserError(f"model {model.name}: no option {key!r}; {hint(key, _OPTIONS)}")
    by_bits = {4: "nf4", 8: "int8"}.get(model.bits, "none")
    quantisation = str(model.options.get("quantisation", by_bits))
    dtype = str(model.options.get("dtype", ""))
    for what, value, choices in (
        ("quantisation", quantisation, _QUANTISATIONS),
        ("dtype", dtype or "bfloat16", _DTYPES),
    ):
        if value not in choices:
            raise UserError(f"model {model.name}: no {what} {value!r}; {hint(value, choices)}")
    return quantisation, dtype, str(model.options.get("device", "auto"))


def _require(*packages: str) -> None:
    for name in packages:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UserError(
                f"the transformers engine needs {name} ({error}); install it with: {ENGINES['transformers'].install}"
            ) from None


def _folder(model: Model) -> Path:
    """The folder on this machine; nothing is fetched."""
    if not model.source.startswith("hf:"):
        folder = Path(model.source)
    else:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        repository, _, revision = model.source.removeprefix("hf:").partition("@")
        try:
            folder = Path(
                snapshot_download(repository, revision=revision or None, local_files_only=True)
            )
        except (LocalEntryNotFoundError, HFValidationError, OSError) as error:
            raise UserError(
                f"model {model.name}: {repository} is not on this machine; fetch it with: "
                f"python -m harness models pull {model.name} ({type(error).__name__})"
            ) from None
    if not (folder / "config.json").is_file():
        raise UserError(
            f"model {model.name}: {folder} has no config.json, so it is no model folder"
        )
    return folder


def _weights(model: Model, folder: Path) -> list[Path]:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
        why = "only pickled weights, which could run code when read" if pickles else "no weights"
        raise UserError(
            f"model {model.name}: {folder} has {why}; expected *.safetensors: "
            "take a revision that has them, or convert them where you trust the file"
        )
    return weights


def _device(model: Model, wanted: str) -> str:
    import torch

    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if present[name])
    kind, _, number = wanted.partition(":")
    count = {"cuda": torch.cuda.device_count()}.get(kind, 1)
    if not present.get(kind) or (number and not (number.isdecimal() and int(number) < count)):
        here = ", ".join(name for name, there in present.items() if there)
        raise UserError(f"model {model.name}: no device {wanted!r} here; there is {here}")
    return wanted


def _quieten() -> None:
    """Silence the progress bars and repeated warnings of the libraries."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="MatMul8bitLt: inputs will be cast")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # the same, as newer versions say it


def _open(
    model: Model, folder: Path, quantisation: str, dtype: str, device: str
) -> tuple[Any, Any]:
    import torch
    import transformers

    common: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **common)
        network = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            device_map={"": device},
            quantization_config=_quantisation(quantisation),
            **common,
        )
    except Exception as error:  # these libraries raise nearly every type for a bad folder
        raise _explain(model, folder, error) from error
    network.eval()
    if network.config.model_type == "rwkv" and quantisation == "nf4":
        # Rescaling would quantise the weights once more, and as fp4.
        network.config.rescale_every = 0
    return network, tokenizer


def _quantisation(name: str) -> Any:
    if name == "none":
        return None
    import torch
    from transformers import BitsAndBytesConfig

    if name == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _explain(model: Model, folder: Path, error: Exception) -> Exception:
    """What a failure to open means for the user."""
    first = " ".join(str(error).split())[:300]
    if "out of memory" in first or isinstance(error, MemoryError):
        return EngineError(
            f"model {model.name}: out of memory; use nf4, or a smaller model ({first})"
        )
    if isinstance(error, ImportError):
        return UserError(
            f"model {model.name}: {first}; install it with: {ENGINES['transformers'].install}"
        )
    if "trust_remote_code" in str(error):
        first = "it brings its own code, and the harness runs no code from a model folder"
    return UserError(f"model {model.name}: cannot open {folder}: {first} ({type(error).__name__})")


def _ends(network: Any) -> set[int]:
    """The ids at which the model's own settings end a generation."""
    found: set[int] = set()
    for config in (network.config, getattr(network, "generation_config", None)):
        value = getattr(config, "eos_token_id", None)
        found |= {value} if isinstance(value, int) else set(value or ())
    return found


def _positions(config: Any) -> int:
    """How many positions the model has; 0 where nothing limits it."""
    inner = config.get_text_config(decoder=True)
    values = (getattr(inner, name, None) for name in _POSITIONS)
    return next((value for value in values if isinstance(value, int) and value > 0), 0)


def _about(network: Any, weights: Sequence[Path]) -> dict[str, object]:
    """What the manifest says of the model: its configuration, size and number format.

    ``params`` counts a tied embedding once, ``params_stored`` what the files hold; ``bits`` is
    the nominal width of ``recipe``, ``bits_per_weight`` what a weight takes in memory.
    """
    params = sum(_count(parameter) for parameter in network.parameters())
    size = network.get_memory_footprint()
    measured = 8 * size / params
    recipe, bits, source = _recipe(network, measured)
    return {
        "architecture": type(network).__name__,
        "params": params,
        "params_stored": _stored(weights),
        "recipe": recipe,
        "recipe_source": source,
        "bits": bits,
        "bits_per_weight": round(measured, 3),
        "memory_bytes": size,
        "config": json.loads(network.config.to_json_string(use_diff=True)),
    }


def _recipe(network: Any, measured: float) -> tuple[str, int, str]:
    """Name, nominal bits and source of how the weights are held: quantised as they were
    loaded or already in the folder, else in a number format. A quantised folder that does not
    name its bits has those ``measured``."""
    config = getattr(network.config, "quantization_config", None)
    if config is None:
        dtype = str(network.dtype).removeprefix("torch.")
        return _DTYPES.get(dtype, dtype), 8 * network.dtype.itemsize, "file"
    said = config if isinstance(config, dict) else config.to_dict()
    if said.get("load_in_4bit"):
        return str(said.get("bnb_4bit_quant_type", "fp4")), 4, "file"
    if said.get("load_in_8bit"):
        return "int8", 8, "file"
    method, bits = str(said.get("quant_method", "")), said.get("bits", said.get("w_bit", 0))
    if isinstance(bits, int) and bits:
        return f"{method}-{bits}", bits, "file"
    return method, int(measured), "measured"


def _stored(weights: Sequence[Path]) -> int:
    """Numbers in the safetensors files, by the shapes in their headers."""
    from safetensors import safe_open

    total = 0
    for path in weights:
        with safe_open(path, "pt") as file:
            names = file.keys()
            total += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    return total


def _count(parameter: Any) -> int:
    """Weights in a parameter; a packed 4-bit one remembers its shape."""
    state = getattr(parameter, "quant_state", None)
    return int(parameter.numel() if state is None else state.shape.numel())


def _texts(folder: Path) -> list[Path]:
    names = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer.model")
    return [folder / name for name in names if (folder / name).is_file()]


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
