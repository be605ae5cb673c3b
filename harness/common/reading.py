"""Reads text and TOML files of users: UTF-8, with or without a byte order mark.

Every error is a UserError that names the file and the line.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from harness.types import UserError

_TOML_PLACE = re.compile(r"(.*) \(at (?:line ([0-9]+), column [0-9]+|end of document)\)")


def decode_text(data: bytes, path: str | Path) -> str:
    """The text in a file's bytes; a byte order mark is dropped. ``path`` is for the error.

    Raises UserError with file:line for bytes that are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None


def read_data(path: str | Path) -> bytes:
    """A file's bytes. Raises UserError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def read_text(path: str | Path) -> str:
    """A file's text, every line end as ``\\n``. Raises UserError."""
    return decode_text(read_data(path), path).replace("\r\n", "\n").replace("\r", "\n")


def read_toml(path: str | Path) -> dict[str, Any]:
    """A TOML file's tables. Raises UserError."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.fullmatch(str(error))
        why, line = (place[1], place[2]) if place else (str(error), None)
        raise UserError(f"{path}:{line or text.count(chr(10)) + 1}: not TOML: {why}") from None
