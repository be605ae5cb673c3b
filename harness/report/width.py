"""Reads the size of a run's model and the width of its weights from the record.

The width of a model is the width of its recipe (Q4_K_M is 4 bits), never that of the tensor
type that most weights have: rows of small models often fall back to wider types.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

_RECIPE = re.compile(
    r"(?<![a-z0-9])(?:i?q[1-8]_[a-z0-9]+(?:_[a-z]+)?|i?q[1-8]|tq[12]_0|mxfp4|nvfp4|bf16|f16|f32|nf4"
    r"|fp4|int[48])(?![a-z0-9])",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:i?q|tq|nf|fp|mxfp|nvfp|int|bf|f|bfloat|float)(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class RecordedWidth:
    """The width of a model's weights.

    ``recipe`` is its name ("Q4_K_M", "" = not known), ``bits`` its nominal width in bits
    (0 = not known), ``measured`` the bits a weight takes in the file (nan = not known).
    ``source`` says where ``bits`` comes from: "file" (the file or the engine names its
    recipe), "row" (models.toml), "name" (the file's name), "types" (of its tensors), "measured"
    (bits a weight), or "" (nowhere).
    """

    recipe: str = ""
    bits: int = 0
    measured: float = math.nan
    source: str = ""


def recorded_width(manifest: Mapping[str, Any]) -> RecordedWidth:
    """The width in a run's manifest. Older manifests have no ``recipe``; there the models.toml
    row is asked first, then the file's name, its tensors, and the measured bits a weight."""
    engine = manifest.get("engine", {})
    row_bits = int(manifest["config"]["model"].get("bits") or 0)
    measured = float(engine.get("bits_per_weight") or math.nan)
    if "recipe" not in engine:
        return _older(manifest, row_bits, measured)
    recipe, bits = str(engine["recipe"] or ""), int(engine.get("bits") or 0)
    if bits:
        return RecordedWidth(recipe, bits, measured, str(engine.get("recipe_source") or "file"))
    return RecordedWidth(recipe, row_bits, measured, "row" if row_bits else "")


def params_of(manifest: Mapping[str, Any]) -> int:
    """The parameter count that the model goes by, 0 = not known. Older manifests counted a
    tied embedding twice where the file stores it twice, so there the row is asked first."""
    engine, row = manifest.get("engine", {}), manifest["config"]["model"]
    counted, said = int(engine.get("params") or 0), int(row.get("params") or 0)
    return counted or said if "params_stored" in engine else said or counted


def bits_of(recipe: str) -> int:
    """The nominal width of a recipe by its name (IQ4_XS -> 4, BF16 -> 16); 0 = not known."""
    number = _NUMBER.match(recipe)
    return int(number[1]) if number else 0


def _older(manifest: Mapping[str, Any], row_bits: int, measured: float) -> RecordedWidth:
    engine = manifest.get("engine", {})
    types = engine.get("tensor_types", {})
    named = str(engine.get("quantisation") or "")
    if named == "none":  # transformers without quantisation: the width of its numbers
        named = str(engine.get("dtype") or "")
    if bits_of(named) and named not in types:  # no tensor type is called so: a recipe's name
        return RecordedWidth(named, bits_of(named), measured, "file")
    in_name, plain = _in_name(manifest), bits_of(named) if _plain(types) else 0
    guesses = {"row": row_bits, "name": bits_of(in_name), "types": plain}
    guesses["measured"] = _whole(measured)
    source, bits = next(((source, bits) for source, bits in guesses.items() if bits), ("", 0))
    recipes = [name for name in (in_name, named) if "_" in name and bits_of(name) == bits]
    return RecordedWidth(recipes[0] if recipes else "", bits, measured, source)


def _in_name(manifest: Mapping[str, Any]) -> str:
    """The last recipe that the file's or the model's name holds."""
    model = manifest["config"]["model"]
    for text in (PurePath(str(model.get("source", ""))).name, str(model.get("name", ""))):
        if found := _RECIPE.findall(text):
            return str(found[-1]).upper()
    return ""


def _plain(types: Mapping[str, Any]) -> bool:
    """Whether the tensors are as those recipes leave them that are called after one type
    (Q4_1: some heads in Q6_K); a K or I recipe leaves others."""
    return not any(name.startswith("IQ") or "_K" in name for name in set(types) - {"Q6_K"})


def _whole(measured: float) -> int:
    """Recipes take a little more than they are called after: Q4_K_M takes 4.85 bits."""
    return int(measured) if measured == measured else 0
