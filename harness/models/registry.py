"""The registry of models, downloaded or not: reads models.toml and what ``--model`` names.

A table is a model; its keys q4, q8, f16 (GGUF files for llama.cpp) and nf4, int8, bf16
(folders for transformers) are the variants that can be run: [vicuna-13b] with q4 and q8
gives vicuna-13b-q4 and vicuna-13b-q8. Opens no model and downloads nothing.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.common.files import sha256_of
from harness.common.hints import hint
from harness.engines import ENGINES, EngineKind, kind_of, opener_of
from harness.types import Model, UserError

FILE = Path("models.toml")
# What a table may say of the model, and a variant of its file, with the types expected.
_OF_MODEL: Mapping[str, type] = {
    **dict.fromkeys(("family", "licence", "stands_for", "note"), str),
    **dict.fromkeys(("params", "context"), int),
    "non_commercial": bool,
    "uncertain": list,
}
_OF_FILE: Mapping[str, type] = {
    **dict.fromkeys(("hf", "file", "url", "name", "revision", "sha256", "md5"), str),
    "bytes": int,
    "gb": float,
}
_PLACES = ("file", "hf", "url", "name")
_HASHES = {"sha256": re.compile("[0-9a-f]{64}"), "md5": re.compile("[0-9a-f]{32}")}


@dataclass(frozen=True)
class Origin:
    """Where a model's files are fetched from, and what they must be.

    ``repo`` is owner/name on the hub ("" = none), ``file`` the file in it ("" = the folder);
    ``url`` a file by itself. ``bytes`` is exact, ``gb`` what a page says in 10^9 bytes.
    """

    repo: str = ""
    file: str = ""
    url: str = ""
    revision: str = ""
    bytes: int = 0
    gb: float = 0.0
    sha256: str = ""
    md5: str = ""

    @property
    def label(self) -> str:
        """One line that names it: hf:owner/name@revision:file, or the URL; "" for nothing."""
        revision = f"@{self.revision}" if self.revision else ""
        file = f":{self.file}" if self.file else ""
        return f"hf:{self.repo}{revision}{file}" if self.repo else self.url

    @property
    def size(self) -> int:
        """Bytes as far as known, 0 = not."""
        return self.bytes or round(self.gb * 1e9)


@dataclass(frozen=True)
class Row:
    """A model and what its row says of it.

    ``context`` counts tokens (0 = not known); ``stands_for`` is the system of the 2023 talk;
    ``uncertain`` names the keys of the row that nobody has checked.
    """

    model: Model
    origin: Origin = Origin()
    context: int = 0
    stands_for: str = ""
    non_commercial: bool = False
    uncertain: tuple[str, ...] = ()


def read_rows(path: Path = FILE) -> dict[str, Row]:
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
    rows: dict[str, Row] = {}
    for name, table in tables.items():
        where = f"{path}:{_line_of(text, name)}: [{name}]"
        for row in _rows(name, table, where, path.parent):
            if row.model.name in rows:
                raise UserError(f"{where}: a model {row.model.name!r} is already defined")
            rows[row.model.name] = row
    return rows


def resolve(wanted: Sequence[str], path: Path = FILE) -> list[Row]:
    """The models that names, globs and places stand for, in the order asked, once each.

    A place is a .gguf file, a Hugging Face folder, hf:owner/name:file.gguf, or
    hf:owner/name, with @revision; folders take @nf4, @int8 or @bf16 at the end, else they are
    run as is best on the device. Raises UserError for what stands for nothing, with the
    nearest names.
    """
    found: dict[tuple[str, str], Row] = {}
    for name in wanted:
        for row in _place(name) or _named(name, path):
            found.setdefault((row.model.name, row.model.source), row)
    return list(found.values())


def _variants() -> dict[str, str]:
    """The engine that each key of a variant stands for."""
    return {key: name for name, kind in ENGINES.items() for key in kind.variants}


def _folder_kind() -> EngineKind:
    return ENGINES[opener_of("folder")]


def _named(name: str, path: Path) -> list[Row]:
    rows = read_rows(path)
    matched = [rows[key] for key in fnmatch.filter(rows, name)]
    if matched:
        return matched
    raise UserError(
        f"model {name!r} is not in {path}; expected a name from there, a .gguf file, a Hugging Face "
        f"folder or hf:owner/name:file.gguf; {hint(name, rows)}"
    )


def _place(name: str) -> list[Row]:
    """A row for a file, folder or repository named on the command line; [] for a plain name."""
    place, _, variant = name.rpartition("@")
    if variant not in _folder_kind().variants:
        place, variant = name, ""
    if place.startswith("hf:"):
        return [_hub_place(place, variant, chosen=place != name)]
    if name.endswith(".gguf") or Path(name).is_file():  # what else it is, its reader explains
        return [Row(Model(Path(name).stem, opener_of("gguf"), name))]
    folder = Path(place)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise UserError(
            f"model {name!r}: a folder without config.json, so no Hugging Face model; "
            "for llama.cpp name the .gguf file in it"
        )
    if folder.is_dir():
        return [Row(_folder_model(folder.resolve().name, str(folder), variant))]
    return []


def _hub_place(place: str, variant: str, chosen: bool) -> Row:
    match = re.fullmatch(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?(?::([\w./ +-]+))?", place)
    if match is None:
        raise UserError(f"model {place!r}: expected hf:owner/name:file.gguf or hf:owner/name")
    repo, revision, file = match[1], match[2] or "", match[3] or ""
    origin = Origin(repo, file, revision=revision)
    if not file:
        return Row(_folder_model(repo.partition("/")[2], origin.label, variant), origin)
    if chosen or not file.endswith(".gguf"):
        raise UserError(
            f"model {place!r}: a file must be a .gguf; its quantisation is read from the file. For "
            f"nf4 or int8 name the repository of the original weights, as in hf:owner/name@nf4"
        )
    return Row(Model(Path(file).stem, opener_of("gguf"), origin.label), origin)


def _folder_model(name: str, source: str, variant: str) -> Model:
    bits = _folder_kind().variants.get(variant, 0)
    name = f"{name}-{variant}" if variant else name
    return Model(name, opener_of("folder"), source, bits=bits, options=_folder_options(variant))


def _folder_options(variant: str) -> dict[str, object]:
    if variant in ("nf4", "int8"):
        return {"quantisation": variant}
    options: dict[str, object] = {"quantisation": "none"}
    return options | ({"dtype": "bfloat16"} if variant == "bf16" else {})


def _rows(name: str, table: Any, where: str, folder: Path) -> list[Row]:
    if not isinstance(table, dict):
        raise UserError(f"{where}: expected a table")
    known = _variants()
    variants = {key: value for key, value in table.items() if key in known}
    about = {key: value for key, value in table.items() if key not in known}
    for key in about:
        if key not in _OF_MODEL:
            raise UserError(f"{where}: unknown key {key!r}; {hint(key, [*known, *_OF_MODEL])}")
    for key in ("params", "licence"):
        if key not in table:
            raise UserError(f"{where}: the key {key!r} is missing")
    _check_types(about, _OF_MODEL, where)
    if not variants:
        raise UserError(f"{where}: nothing to run; give at least one of {', '.join(known)}")
    uncertain = tuple(about.get("uncertain", ()))
    for key in uncertain:
        if key not in table:
            raise UserError(f"{where}: uncertain names {key!r}, which the row does not have")
    return [_row(f"{name}-{key}", key, table, f"{where}: {key}", folder) for key in variants]


def _row(name: str, key: str, table: dict[str, Any], where: str, folder: Path) -> Row:
    value = table[key]
    if not isinstance(value, dict) or not any(place in value for place in _PLACES):
        raise UserError(f"{where} must be a table with one of {', '.join(_PLACES)}")
    _check_types(value, _OF_FILE, where)
    for kind, form in _HASHES.items():
        if kind in value and not form.fullmatch(value[kind]):
            raise UserError(f"{where}: {kind} must be hexadecimal, small letters, whole")
    engine = _variants()[key]
    declared = ENGINES[engine]
    origin = _origin(value) if declared.weights else Origin()
    options = {k: v for k, v in value.items() if k not in _OF_FILE}
    if declared.weights == "folder":
        options = _folder_options(key) | options
    about = {key: table[key] for key in ("family", "licence", "note") if key in table}
    source, bits = origin.label or _source(value, folder), declared.variants[key]
    model = Model(name, engine, source, table["params"], bits, options=options, **about)
    more = {k: table[k] for k in ("context", "stands_for", "non_commercial") if k in table}
    return Row(model, origin, uncertain=tuple(table.get("uncertain", ())), **more)


def _check_types(found: Mapping[str, Any], expected: Mapping[str, type], where: str) -> None:
    for key, value in found.items():
        wanted = expected.get(key)
        fits = isinstance(value, (int, float) if wanted is float else wanted or object)
        if not fits or (wanted is int and (isinstance(value, bool) or value < 0)):
            name = {list: "a list of keys", bool: "true or false", str: "text"}
            raise UserError(f"{where}: {key} must be {name.get(wanted or object, 'a number')}")


def _origin(value: Mapping[str, Any]) -> Origin:
    """Where to fetch from; empty where the file is given as a path."""
    if "hf" not in value and "url" not in value:
        return Origin()
    known = {k: v for k, v in value.items() if k in _OF_FILE and k not in ("hf", "name")}
    return Origin(value.get("hf", ""), **known)


def _source(value: Mapping[str, Any], folder: Path) -> str:
    if "file" in value:
        return str(folder / value["file"])
    return str(value.get("url") or value["name"])


def _line_of(text: str, name: str) -> int:
    """The line of a table's header, for messages (1 if it is written unusually)."""
    header = re.compile(rf"\s*\[+\s*[\"']?{re.escape(name)}[\"']?\s*[\].]")
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if header.match(line)), 1)


def short_size(params: int, digits: int = 2) -> str:
    """310000 -> 0.31M, 13015864320 -> 13B, 134515008 -> 135M, 0 (not known) -> ?

    ``digits`` are significant ones; whole millions and billions keep all of theirs.
    """
    for unit, factor, least in (("B", 1e9, 0.4), ("M", 1e6, 0.1)):
        if params >= least * factor:
            return _significant(params / factor, digits) + unit
    return f"{_significant(params / 1e3, 3)}k" if params else "?"


def _significant(number: float, digits: int) -> str:
    """In plain figures, never as 1e+02."""
    whole = len(str(round(number)))
    return f"{float(f'{number:.{max(digits, whole)}g}'):.12g}"


def identity(model: Model) -> str:
    """What makes two models the same one: the hash of the bytes where there is a file or a
    folder, the source as written otherwise. Raises UserError when the file is missing."""
    place = Path(model.source)
    if not kind_of(model).weights or model.source.startswith("hf:"):
        return f"{model.engine}:{model.source}"
    try:
        if place.is_dir():
            return folder_identity(place)
        return file_identity(place)
    except OSError as error:
        raise UserError(
            f"model {model.name}: {model.source}: {error.strerror}; give the path of a .gguf file "
            "or of a Hugging Face folder"
        ) from None


def split_names(file: str) -> list[str]:
    """The files of a split model, from the first one's name; [file] when it is whole."""
    match = re.fullmatch(r"(.*-)00001(-of-(\d{5})\.gguf)", file)
    if match is None:
        return [file]
    return [f"{match[1]}{i:05}{match[2]}" for i in range(1, int(match[3]) + 1)]


def file_identity(path: Path) -> str:
    """The hash of a file; of a split model, the hash over those of its parts."""
    parts = [path.with_name(name) for name in split_names(path.name)]
    if len(parts) == 1:
        return sha256_of(path)
    return hashlib.sha256("".join(map(sha256_of, parts)).encode()).hexdigest()


def folder_identity(folder: Path) -> str:
    """A hash over the names and bytes of everything that decides what the folder computes."""
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.model")])
    lines = "".join(f"{file.name} {sha256_of(file)}\n" for file in files)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
