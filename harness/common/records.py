"""Turns dataclasses into JSON values and back."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any


def slim(value: Any) -> Any:
    """A record as JSON values; fields that hold their default are left out."""
    if dataclasses.is_dataclass(value):
        pairs = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: slim(v) for f, v in pairs if v != f.default}
    if isinstance(value, tuple | list):
        return [slim(item) for item in value]
    return value


def full(value: Any) -> Any:
    """A record as JSON values, with every field, so that a later change of a default does not
    change what an old record says."""
    if dataclasses.is_dataclass(value):
        return {f.name: full(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [full(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def rebuild(hint: Any, value: Any) -> Any:
    """The record that ``slim`` was given, from its type; unknown fields are ignored, so
    that a newer harness's runs can be read."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{k: rebuild(hints[k], v) for k, v in value.items() if k in hints})
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return tuple(rebuild(args[0], item) for item in value)
    if origin in (typing.Union, types.UnionType) and value is not None:
        kinds = [arg for arg in args if arg is not type(None)]
        return rebuild(next((k for k in kinds if set(value) <= set(_hints(k))), kinds[0]), value)
    return value


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
