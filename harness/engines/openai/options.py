"""Reads where an OpenAI-compatible server is and how to ask it, from a model's row.

Keys of a model's ``options``:
- ``url``: up to and with /v1; without it $OPENAI_BASE_URL counts.
- ``model``: the server's name for the model.
- ``api``: completions, or chat (the whole history as one user message).
- ``key_env``: the environment variable that holds the key.
- ``stop``: here (streamed and cut by the harness, so the record says which stop string it was) or
  server (the server cuts, and mostly does not say which).
- ``stream``: false for servers that cannot.
- ``timeout``: seconds without a token after which the server counts as hung.
- ``leave_out``: keys of a request that the server does not accept; see ``LEAVABLE``.
The key is read from the environment alone and is never written to a fact, text or error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.common.hints import hint
from harness.common.network import LOOPBACK
from harness.types import Model, UserError

_OPTIONS = ("url", "model", "api", "key_env", "stop", "stream", "timeout", "leave_out")
# What a request can do without. Without max_tokens it asks for max_completion_tokens; without
# both the harness cuts. Without stream there is no stop string on the way, only afterwards.
LEAVABLE = (
    "stream_options",
    "seed",
    "temperature",
    "top_p",
    "stop",
    "stream",
    "max_tokens",
    "max_completion_tokens",
)
# Seconds without a token: long enough for a 13B to read a long prompt on a slow CPU.
_STALL = 600.0
_PORTS = {"http": 80, "https": 443}
_URL_ENV, _KEY_ENV = "OPENAI_BASE_URL", "OPENAI_API_KEY"


@dataclass(frozen=True)
class ServerOptions:
    """How to reach one model on one server. ``key`` is "" where none is sent."""

    url: str
    model: str
    api: str
    stop: str
    stream: bool
    timeout: float
    leave_out: tuple[str, ...] = ()
    key: str = field(default="", repr=False)

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.url).hostname in LOOPBACK


def read_options(model: Model, environment: Mapping[str, str]) -> ServerOptions:
    """A row's options, checked. Raises UserError."""

    def wrong(text: str) -> UserError:
        return UserError(f"model {model.name}: {text}")

    given = model.options
    for key in given:
        if key not in _OPTIONS:
            key_hint = "; a key belongs in the environment, named by key_env" * ("key" in key)
            raise wrong(f"no option {key!r}; {hint(key, _OPTIONS)}{key_hint}")
    url = address_of(model, environment)
    api, stream = str(given.get("api", "completions")), given.get("stream", True)
    stop = str(given.get("stop", "here" if stream else "server"))
    if api not in ("completions", "chat") or stop not in ("here", "server"):
        raise wrong("api is completions or chat, and stop is here or server")
    timeout, leave_out = given.get("timeout", _STALL), given.get("leave_out", ())
    if not isinstance(stream, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise wrong("stream is true or false, and timeout a number of seconds above 0")
    if not isinstance(leave_out, list | tuple) or not set(leave_out) <= set(LEAVABLE):
        raise wrong(f"leave_out is a list of some of {', '.join(LEAVABLE)}")
    named = _named_url(model)
    name = str(given.get("model") or ("" if _is_url(model.source) else model.source) or model.name)
    key = _key(model, urlsplit(url).hostname or "", not named, environment)
    return ServerOptions(url, name, api, stop, stream, float(timeout), tuple(leave_out), key)


def address_of(model: Model, environment: Mapping[str, str] = os.environ) -> str:
    """Where a model's requests go: the base URL of its row, else of OPENAI_BASE_URL.

    Written in one way (small letters, no usual port, no slash at the end), so that it can be
    compared; user, password and query are refused, so it holds no secret. Raises UserError
    where there is no server.
    """
    url = _named_url(model) or environment.get(_URL_ENV, "").strip()
    where = f"model {model.name}:"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host:
        raise UserError(
            f'{where} no server: give url = "http://…/v1" in its row, or set {_URL_ENV}'
        )
    if parts.username or parts.password or parts.query:
        raise UserError(
            f"{where} the url must hold no user, password or query: keys come from the environment"
        )
    host = f"[{host}]" if ":" in host else host
    shown = f":{port}" if port and port != _PORTS[scheme] else ""
    return f"{scheme}://{host}{shown}{parts.path.rstrip('/')}"


def _named_url(model: Model) -> str:
    """The URL that a row names itself; "" for none."""
    return str(model.options.get("url") or (model.source if _is_url(model.source) else ""))


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _key(
    model: Model, host: str, url_from_environment: bool, environment: Mapping[str, str]
) -> str:
    """The key to send, "" for none.

    OPENAI_API_KEY goes where its owner would expect: to OpenAI, to this machine, or to the
    server that the environment names. Any other server gets a key that the row names.
    """
    named = str(model.options.get("key_env", ""))
    if named and not environment.get(named):
        raise UserError(f"model {model.name}: the environment variable {named} is not set")
    openai = host == "openai.com" or host.endswith(".openai.com")
    expected = url_from_environment or host in LOOPBACK or openai
    name = named or (_KEY_ENV if expected else "")
    key = environment.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"model {model.name}: what {name} holds is no key: odd characters in it")
    return key
