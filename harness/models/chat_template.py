"""Renders a model's chat template in a child process: the text before and after the user turn.

A template is a program out of a model file. So it runs in a sandbox, in a child process with
little memory and a deadline, since a sandbox does not stop a loop.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.common.printable import printable
from harness.common.thinking import closing_mark
from harness.engines import kind_of
from harness.models import gguf
from harness.prompts import Chat
from harness.types import Model, UserError

_SECONDS = 10.0
_MEMORY = 1 << 30
_LONGEST = 1 << 16  # characters around the user's text
# Stands for the user's text. Letters only, so that no template trims or escapes it.
_MARK = "UserTextStandsHereq7Zk3VxW"
# What ``strftime_now`` tells templates, so that the prompt is the same tomorrow: the date that
# Llama 3's templates fall back to where there is no clock.
NOW = datetime(2024, 7, 26, 12)


def chat_of(model: Model) -> Chat:
    """The template of a model that is on this machine, rendered around one user turn.

    Thinking is switched off where the template has a switch; where it opens a reasoning
    block all the same, the block is closed. Raises UserError when there is no template or it
    cannot be used.
    """
    template, tokens = _template(model)
    if not template:
        raise UserError(
            f"model {model.name}: has no chat template; run it without --chat, as raw completion"
        )
    head, tail = render_template(template, tokens, f"model {model.name}: its chat template")
    if closing := closing_mark(tail):
        gap = "" if closing.startswith("<|channel|>") else "\n\n"
        tail = tail.rstrip() + gap + closing + gap
    date = NOW.date().isoformat() if "strftime_now" in template else ""
    return Chat(head, tail, hashlib.sha256(template.encode("utf-8", "replace")).hexdigest(), date)


def render_template(
    template: str, tokens: Mapping[str, str], what: str, seconds: float = _SECONDS
) -> tuple[str, str]:
    """What a template puts before and behind the user's text, the assistant's turn begun.

    ``tokens`` are variables such as bos_token; ``what`` names the template in errors.
    """
    job = json.dumps({"template": template, "tokens": dict(tokens)})
    code = f"from {__name__} import render_in_child; render_in_child()"
    try:
        child = subprocess.run(
            [sys.executable, "-c", code], input=job.encode(), capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{what} did not finish within {seconds:g} s; run without --chat") from None
    if child.returncode:
        why = child.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UserError(f"{what} fails: {printable(why, 200)}; run without --chat")
    text = child.stdout.decode("utf-8", "replace")
    head, found, tail = text.partition(_MARK)
    if not found or _MARK in tail:
        raise UserError(f"{what} does not show the user's text just once; run without --chat")
    return head, tail


def render_in_child() -> None:
    """The child: a job as JSON on stdin, the text on stdout."""
    _limit_memory()
    job = json.load(sys.stdin)
    environment = _environment()
    said = {"messages": [{"role": "user", "content": _MARK}], "add_generation_prompt": True}
    offered = {"enable_thinking": False, "tools": None, "documents": None}
    text = environment.from_string(job["template"]).render(**said, **offered, **job["tokens"])
    if len(text) > _LONGEST:
        sys.exit(f"it writes {len(text):,} characters around a question")
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):  # Windows, or macOS, which does not bear it
        return


def _environment() -> Any:
    """Jinja as chat templates expect it; the clock that they may ask stands still at ``NOW``."""
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}`` marks what is trained on: here it is its content."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(
        value, ensure_ascii=False, **options
    )

    def raise_exception(message: object) -> None:
        sys.exit(f"it says: {message}")

    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: NOW.strftime(str(form))
    return environment


# --- where templates stand --------------------------------------------------------------


def _template(model: Model) -> tuple[str, dict[str, str]]:
    """A model's template and the tokens it may name; "" where it has none."""
    opened = kind_of(model).weights
    if opened == "gguf":
        facts = gguf.inspect(model.source)
        ids = {"bos_token": facts.bos_id, "eos_token": facts.eos_id}
        texts = gguf.token_texts(model.source, tuple(ids.values()))
        return facts.chat_template, {name: texts.get(index, "") for name, index in ids.items()}
    if opened == "folder":
        return _folder_template(Path(model.source))
    raise UserError(
        f"model {model.name}: --chat needs the model's own template, which the {model.engine} engine "
        'does not see; for a server write api = "chat" in its row'
    )


def _folder_template(folder: Path) -> tuple[str, dict[str, str]]:
    settings = _json(folder / "tokenizer_config.json")
    tokens = {name: _token(settings.get(name)) for name in ("bos_token", "eos_token")}
    alone = folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text("utf-8", "replace"), tokens
    found = settings.get("chat_template", "")
    if isinstance(found, list):  # several by name
        named = {item.get("name"): item.get("template") for item in found if isinstance(item, dict)}
        found = named.get("default", "")
    return (found if isinstance(found, str) else ""), tokens


def _token(value: Any) -> str:
    """A special token as tokenizer_config.json writes it: a text, or an object with one."""
    text = value.get("content", "") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    return found if isinstance(found, dict) else {}
