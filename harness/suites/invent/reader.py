"""Reads and checks a language's file.

An error names the file, the table and the key, and says what would be right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from harness.common.reading import read_toml
from harness.suites.invent.check_wording import WrongWording, check_wording, no_such
from harness.suites.invent.wording import Language
from harness.suites.invent.world import SHARES, sorts_of
from harness.types import UserError

# code -> the file beside this one; a new language is one file and one line here
LANGUAGES = {"en": "english.toml", "ja": "japanese.toml"}

_T = TypeVar("_T")
_EXPECTED: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    tuple: "a list",
    Mapping: "a table",
}


@lru_cache(maxsize=8)
def load_language(code: str) -> Language:
    """The language of that code, a key of ``LANGUAGES``. Raises UserError, see below."""
    return read_language(Path(__file__).with_name(LANGUAGES[code]))


def read_language(path: Path) -> Language:
    """Read and check a language's file. Raises UserError for the first thing that is wrong."""
    tables = read_toml(path)
    try:
        _complete(tables)
        language = _record(tables, Language, "")
        check_wording(language)
    except WrongWording as error:
        raise UserError(f"{path}: {error}") from None
    return language


def _complete(tables: dict[str, Any]) -> None:
    """Add what the file need not say: the key and the sort of each fact; words for names."""
    kinds = _sub(tables, "kinds")
    for kind in kinds:
        if kind not in SHARES:
            raise no_such("kind", kind, SHARES, "[kinds]")
    for kind in SHARES:
        facts = _sub(tables, "kinds", kind, "facts")
        for key in facts:
            if key not in sorts_of(kind):
                raise no_such("fact", key, sorts_of(kind), f"[kinds.{kind}.facts]")
            _sub(tables, "kinds", kind, "facts", key).update(key=key, sort=sorts_of(kind)[key])
    _sub(tables, "names")["words"] = _sub(tables, "words")


def _sub(tables: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        if not isinstance(tables.get(key), dict):
            raise WrongWording(f"expected a table [{'.'.join(keys)}]")
        tables = tables[key]
    return tables


def _made(value: Any, hint: Any, where: str) -> Any:
    """The value as that type: tables as dataclasses, lists as tuples. ``where`` is its path."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is UnionType:
        hint = next((part for part in inner if _fits(value, part)), inner[0])
        return _made(value, hint, where)
    if not _fits(value, hint):
        raise WrongWording(
            f"{where}: expected {_EXPECTED.get(kind, 'a table')}, found {value!r:.60}"
        )
    if dataclasses.is_dataclass(kind):
        return _record(value, hint, where)
    if kind is Mapping:
        return {key: _made(item, inner[1], f"{where}.{key}") for key, item in value.items()}
    if kind is tuple:
        if not value:
            raise WrongWording(f"{where}: the list is empty")
        if inner[-1] is not Ellipsis and len(value) != len(inner):
            raise WrongWording(f"{where}: expected {len(inner)} items, found {len(value)}")
        return tuple(_made(item, inner[0], where) for item in value)
    return value


def _fits(value: Any, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is tuple:
        return isinstance(value, list)
    if kind is Mapping or dataclasses.is_dataclass(kind):
        return isinstance(value, dict)
    return type(value) is kind or (kind is float and type(value) is int)


def _record(table: dict[str, Any], cls: type[_T], where: str) -> _T:
    """A dataclass with every key that it must have, and no other."""
    hints = get_type_hints(cls)
    for key in table:
        if key not in hints:
            raise no_such("key", key, hints, f"[{where or 'top'}]")
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING and field.name not in table:
            raise WrongWording(f"[{where or 'top'}]: the key {field.name!r} is missing")
    made = {key: _made(table[key], hints[key], f"{where}.{key}".lstrip(".")) for key in table}
    return cls(**made)
