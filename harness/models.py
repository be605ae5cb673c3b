"""models.toml -> Model: what --model may name, and where its file is.

A table is a model; its keys q4, q8, f16 (GGUF files for llama.cpp) and nf4, int8, bf16
(folders for transformers) are the variants that can be run: [vicuna-13b] with q4 and q8
gives vicuna-13b-q4 and vicuna-13b-q8. This file opens no model and downloads nothing.
"""

from __future__ import annotations

import difflib
import fnmatch
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.files import sha256_of
from harness.types import Model, UserError

FILE = Path("models.toml")
# variant key -> (engine, nominal bits per weight)
VARIANTS = {
    "q4": ("llama_cpp", 4),
    "q8": ("llama_cpp", 8),
    "f16": ("llama_cpp", 16),
    "nf4": ("transformers", 4),
    "int8": ("transformers", 8),
    "bf16": ("transformers", 16),
    "server": ("openai", 0),
    "script": ("scripted", 0),
}
COMMON = {"params", "family", "licence", "note"}
PLACES = ("file", "hf", "url", "name")


def read_models(path: Path = FILE) -> dict[str, Model]:
    """All rows by name, in file order. Raises UserError with file:line for a bad row."""
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise UserError(
            f"{path}: not found; run from the repository's folder, or name a .gguf file"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: {error}") from None
    models: dict[str, Model] = {}
    for name, table in tables.items():
        where = f"{path}:{_line_of(text, name)}: [{name}]"
        for model in _variants(name, table, where, path.parent):
            if model.name in models:
                raise UserError(f"{where}: a model {model.name!r} is already defined")
            models[model.name] = model
    return models


def resolve(wanted: Sequence[str], path: Path = FILE) -> list[Model]:
    """The models that names, globs and .gguf paths stand for, in the order asked, once each.

    Raises UserError for a name that stands for nothing, with the nearest ones.
    """
    found: dict[str, Model] = {}
    for name in wanted:
        for model in _matches(name, path):
            found.setdefault(model.name, model)
    return list(found.values())


def _matches(name: str, path: Path) -> list[Model]:
    if name.endswith(".gguf"):
        return [Model(Path(name).stem, "llama_cpp", name)]
    if name.startswith("hf:"):
        return [Model(name.rpartition(":")[2].removesuffix(".gguf"), "llama_cpp", name)]
    if (Path(name) / "config.json").is_file():
        return [Model(Path(name).resolve().name, "transformers", name)]
    models = read_models(path)
    matched = [models[key] for key in fnmatch.filter(models, name)]
    if not matched:
        raise UserError(
            f"model {name!r} is not in {path}; {nearest(name, models)}, or give the path of a .gguf file"
        )
    return matched


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the names spelt most like ``name``."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(near)}" if near else f"there are {', '.join(known[:6])} …"


def _variants(name: str, table: Any, where: str, folder: Path) -> list[Model]:
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table")
    variants = {key: value for key, value in table.items() if key in VARIANTS}
    for key in table:
        if key not in variants and key not in COMMON:
            raise UserError(f"{where}: unknown key {key!r}; {nearest(key, [*VARIANTS, *COMMON])}")
    for key in ("params", "licence"):
        if key not in table:
            raise UserError(f"{where}: the key {key!r} is missing")
    if not variants:
        raise UserError(f"{where}: nothing to run; give at least one of {', '.join(VARIANTS)}")
    common: dict[str, Any] = {key: table[key] for key in COMMON if key in table}
    return [
        _model(f"{name}-{key}", key, value, common, where, folder)
        for key, value in variants.items()
    ]


def _model(
    name: str, key: str, value: Any, common: dict[str, Any], where: str, folder: Path
) -> Model:
    if not isinstance(value, dict) or not any(place in value for place in PLACES):
        raise UserError(f"{where}: {key} must be a table with one of {', '.join(PLACES)}")
    engine, bits = VARIANTS[key]
    options = {k: v for k, v in value.items() if k not in PLACES}
    if engine == "transformers":
        options = {"quantisation": key if key in ("nf4", "int8") else "none", **options}
    return Model(name, engine, _source(value, folder), bits=bits, options=options, **common)


def _source(value: dict[str, Any], folder: Path) -> str:
    if "hf" in value:
        return f"hf:{value['hf']}:{value['file']}" if "file" in value else f"hf:{value['hf']}"
    if "file" in value:
        return str(folder / value["file"])
    return str(value.get("url") or value["name"])


def _line_of(text: str, name: str) -> int:
    """The line of a table's header, for messages (1 if it is written unusually)."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip().startswith("[") and line.strip().strip("[]").split(".")[0].strip(
            "\"' "
        ) in (name, name.split(".")[0]):
            return number
    return 1


def identity(model: Model) -> str:
    """What makes two models the same one: the hash of the file's bytes where there is a
    file, the source as written otherwise. Raises UserError when the file is missing."""
    if model.engine != "llama_cpp" or model.source.startswith("hf:"):
        return f"{model.engine}:{model.source}"
    try:
        return sha256_of(model.source)
    except OSError as error:
        raise UserError(
            f"model {model.name}: {model.source}: {error.strerror}; give the path of a .gguf file"
        ) from None


def is_here(model: Model) -> bool:
    """True where nothing has to be downloaded before the model runs."""
    if model.source.startswith("hf:"):
        return False
    return model.engine in ("openai", "scripted") or Path(model.source).exists()
