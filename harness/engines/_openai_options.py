"""Where an OpenAI-compatible server is and how to ask it: a row's options, checked.

Keys of a model's ``options``: ``url`` (up to and with /v1; or $OPENAI_BASE_URL), ``model``
(the server's name for it), ``api`` (completions, or chat: see _openai_http), ``key_env`` (the
environment variable that holds the key), ``stop`` (here: streamed and cut by the harness,
so that the record says which stop string it was; server: the server cuts, and mostly does
not say), ``stream`` (false for servers that cannot), ``timeout`` (seconds without a byte).
The key is read from the environment alone and stands in no fact, text or error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from harness.types import Model, UserError

OPTIONS = ("url", "model", "api", "key_env", "stop", "stream", "timeout")
URL_ENV, KEY_ENV = "OPENAI_BASE_URL", "OPENAI_API_KEY"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Options:
    """How to reach one model on one server. ``key`` is "" where none is sent."""

    url: str
    model: str
    api: str
    stop: str
    stream: bool
    timeout: float
    key: str = field(default="", repr=False)

    @property
    def local(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.url).hostname in LOOPBACK


def read_options(model: Model, environment: Mapping[str, str]) -> Options:
    """A row's options, checked. Raises UserError."""

    def wrong(text: str) -> UserError:
        return UserError(f"model {model.name}: {text}")

    given = model.options
    for key in given:
        if key not in OPTIONS:
            hint = "; a key belongs in the environment, named by key_env" if "key" in key else ""
            raise wrong(f"no option {key!r}; there are {', '.join(OPTIONS)}{hint}")
    is_url = model.source.startswith(("http://", "https://"))
    url = str(given.get("url") or (model.source if is_url else environment.get(URL_ENV, "")))
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong(f'no server: give url = "http://…/v1" in its row, or set {URL_ENV}')
    if parts.username or parts.password or parts.query:
        raise wrong("the url must hold no user, password or query: keys come from the environment")
    api, stream = str(given.get("api", "completions")), given.get("stream", True)
    stop = str(given.get("stop", "here" if stream else "server"))
    if api not in ("completions", "chat") or stop not in ("here", "server"):
        raise wrong("api is completions or chat, and stop is here or server")
    timeout = given.get("timeout", 120)
    if not isinstance(stream, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise wrong("stream is true or false, and timeout a number of seconds above 0")
    name = str(given.get("model") or ("" if is_url else model.source) or model.name)
    key = _key(model, parts.hostname, not (given.get("url") or is_url), environment)
    return Options(url.rstrip("/"), name, api, stop, stream, float(timeout), key)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


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
    name = named or (KEY_ENV if expected else "")
    key = environment.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"model {model.name}: what {name} holds is no key: odd characters in it")
    return key
