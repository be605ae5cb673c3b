"""One generation over HTTP: send, wait out a busy server, read the stream, cut, account.

``Server.ask`` never raises: whatever goes wrong on the way is a Completion with finish
"error". It knows the wire format; not what a history is, nor whose turn it is.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from harness.clock import awake
from harness.engines._openai_options import Options
from harness.engines.stops import StopScanner
from harness.types import Completion, EngineSettings, Finish, Generate

ATTEMPTS = 4
BACKOFF = 0.5  # seconds before the second attempt, doubled before each next one
LONGEST_PAUSE = 60.0  # a server that asks for more is given up
CONNECT = 10.0
LONGEST_LINE, LONGEST_BODY = 1 << 20, 16 << 20
BUSY = (408, 425, 429, 500, 502, 503, 504)
TOO_LONG = ("context_length", "exceed_context", "context length", "context size", "context window")


@dataclass(frozen=True)
class Reply:
    """``ran_past_stop``: the server was told where to stop and went on, so the text was cut
    here. ``estimated``: it gave no token counts. ``model`` is its own name for the model."""

    completion: Completion
    ran_past_stop: bool = False
    estimated: bool = False
    model: str = ""


class _Fault(Exception):
    """The generation failed; ``pause`` seconds may help (None: nothing would)."""

    def __init__(self, text: str, finish: Finish = "error", pause: float | None = None) -> None:
        super().__init__(text)
        self.finish = finish
        self.pause = pause


class Server:
    """One server and model; may be asked from several threads at once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._closed = threading.Event()
        chat = options.api == "chat"
        self._url = options.url + ("/chat/completions" if chat else "/completions")
        headers = {"Accept-Encoding": "identity"}
        if options.key:
            headers["Authorization"] = f"Bearer {options.key}"
        self._client = httpx.Client(
            headers=headers,
            # A proxy from the environment has no business between this machine and itself.
            trust_env=not options.local,
            limits=httpx.Limits(max_connections=None),
        )

    def ask(
        self, text: str, request: Generate, settings: EngineSettings, deadline: float = 0.0
    ) -> Reply:
        """Generate behind ``text``. ``deadline`` is a ``clock.awake()`` value, 0 = none."""
        began = time.monotonic()
        reader = _Reader(request, self._options)
        try:
            self._insist(self._body(text, request, settings), reader, deadline)
            completion = reader.completion()
        except _Fault as fault:
            completion = replace(reader.completion(), finish=fault.finish, error="", stop="")
            if fault.finish == "error":
                completion = replace(completion, error=str(fault))
        return self._sealed(completion, reader, time.monotonic() - began)

    def close(self) -> None:
        """End all pauses and connections."""
        self._closed.set()
        self._client.close()

    def _sealed(self, completion: Completion, reader: _Reader, seconds: float) -> Reply:
        """Without the key, should the server have sent it back."""
        completion = replace(
            completion,
            text=self._redact(completion.text),
            thinking=self._redact(completion.thinking),
            error=self._redact(completion.error),
            seconds=round(seconds, 4),
        )
        name = self._redact(reader.model)
        return Reply(completion, reader.ran_past_stop, reader.estimated, name)

    def _redact(self, text: str) -> str:
        return text.replace(self._options.key, "[key]") if self._options.key else text

    def _body(self, text: str, request: Generate, settings: EngineSettings) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._options.model,
            "max_tokens": request.max_tokens,
            "temperature": settings.sampling.temperature,
            "seed": request.seed,
            "stream": self._options.stream,
        }
        if self._options.stream:
            body["stream_options"] = {"include_usage": True}
        if settings.sampling.temperature > 0:
            body["top_p"] = settings.sampling.top_p
        if self._options.stop == "server" and request.stop:
            body["stop"] = list(request.stop[:4])  # more than four is an error at OpenAI
        return body | (_chat(text) if self._options.api == "chat" else {"prompt": text})

    def _insist(self, body: dict[str, Any], reader: _Reader, deadline: float) -> None:
        """Ask again while the server is busy, for as long as it says, within reason."""
        for attempt in range(ATTEMPTS):
            try:
                return self._once(body, reader, deadline)
            except _Fault as fault:
                if fault.pause is None or attempt == ATTEMPTS - 1 or self._closed.is_set():
                    raise
                # Jitter: those who were turned away together do not come back together.
                pause = max(fault.pause, BACKOFF * 2**attempt) * random.uniform(1.0, 1.25)
                late = deadline and awake() + pause >= deadline
                if fault.pause > LONGEST_PAUSE or late:
                    raise
                self._closed.wait(pause)

    def _once(self, body: dict[str, Any], reader: _Reader, deadline: float) -> None:
        left = deadline - awake() if deadline else self._options.timeout
        if left <= 0:
            raise _Fault("", finish="deadline")
        seconds = min(left, self._options.timeout)
        timeout = httpx.Timeout(seconds, connect=min(CONNECT, seconds))
        try:
            with self._client.stream("POST", self._url, json=body, timeout=timeout) as response:
                if response.status_code != 200:
                    raise _refusal(response, deadline)
                reader.read(response, deadline)
        except httpx.TimeoutException as error:
            if deadline and awake() >= deadline - 0.05 and reader.chunks:
                raise _Fault("", finish="deadline") from error
            raise _Fault(f"the server sent nothing for {seconds:.0f} s") from error
        except httpx.ConnectError as error:
            raise _Fault(f"the server cannot be reached ({error})", pause=0.0) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            if not reader.finished:  # RuntimeError: the client was closed meanwhile
                raise _Fault(f"the connection broke ({type(error).__name__})") from error


def _chat(text: str) -> dict[str, Any]:
    """The history as one user message. Few servers continue an open assistant turn, so the
    model answers in a turn of its own each time: not the same test as plain completion."""
    return {"messages": [{"role": "user", "content": text}]}


@dataclass
class _Reader:
    """Collects one generation from what the server sends."""

    request: Generate
    options: Options
    chunks: int = 0
    reason: str = ""
    stop_reason: object = ""  # vLLM's: a stop string, or null for the model's own end
    usage: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    thinking: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scanner = StopScanner(self.request.stop)

    @property
    def finished(self) -> bool:
        return bool(self.reason or self.scanner.stop or self._ran_on)

    @property
    def ran_past_stop(self) -> bool:
        return bool(self.scanner.stop) and self.options.stop == "server"

    @property
    def estimated(self) -> bool:
        return not isinstance(self.usage.get("completion_tokens"), int)

    @property
    def _ran_on(self) -> bool:
        """A server that ignores max_tokens: a chunk is a token or more."""
        return self.chunks > self.request.max_tokens + 8

    def read(self, response: httpx.Response, deadline: float) -> None:
        """Read to the end, or to a stop string. Raises _Fault."""
        if "text/event-stream" not in response.headers.get("content-type", ""):
            return self._take(_json(b"".join(_bounded(response, deadline, self))))
        for line in _lines(_bounded(response, deadline, self)):
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                break
            self._take(_json(data))
            if self.scanner.stop or self._ran_on:
                return
        if not self.finished:
            raise _Fault("the stream broke off")

    def _take(self, data: Any) -> None:
        if not isinstance(data, dict) or data.get("error"):
            detail = data.get("error") if isinstance(data, dict) else data
            raise _failure(f"the server reported {_words(detail)}", str(detail))
        self.model = str(data.get("model") or self.model)
        if isinstance(data.get("usage"), dict):
            self.usage = data["usage"]
        choices = data.get("choices")
        if choices == [] and self.usage:
            return
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            raise _Fault("the server's JSON has no choices")
        self._take_choice(choices[0])

    def _take_choice(self, choice: dict[str, Any]) -> None:
        self.reason = str(choice.get("finish_reason") or self.reason)
        self.stop_reason = choice.get("stop_reason", self.stop_reason)
        message = choice.get("delta") or choice.get("message") or {}
        if not isinstance(message, dict):
            raise _Fault("the server's JSON has a message that is no object")
        thought = message.get("reasoning_content") or message.get("reasoning") or ""
        text = choice.get("text") or message.get("content") or ""
        if not isinstance(text, str) or not isinstance(thought, str):
            raise _Fault("the server's JSON has text that is no string")
        self.thinking.append(thought)
        self.chunks += bool(text or thought)
        if not self.scanner.stop:
            self.scanner.feed(text)

    def completion(self) -> Completion:
        """What was generated. Raises _Fault for an end that no model can cause."""
        finish, stop = self._finish()
        tokens = self.usage.get("completion_tokens")
        prompt = self.usage.get("prompt_tokens")
        guess = self.chunks if self.options.stream else -(-len(self.scanner.text) // 4)
        return Completion(
            text=self.scanner.text,
            finish=finish,
            stop=stop,
            tokens=tokens if isinstance(tokens, int) else guess,
            prompt_tokens=prompt if isinstance(prompt, int) else 0,
            thinking="".join(self.thinking) + self.scanner.thinking,
            error=f"the server ended with {self.reason or 'no reason'!r}"
            if finish == "error"
            else "",
        )

    def _finish(self) -> tuple[Finish, str]:
        if self.scanner.stop:
            return "stop", self.scanner.stop
        if self.reason == "length" or (self._ran_on and not self.reason):
            return "length", ""
        if self.reason in ("stop", "eos", "end_turn"):
            if isinstance(self.stop_reason, str) and self.stop_reason in self.request.stop:
                return "stop", self.stop_reason
            told = self.stop_reason is None or self.options.stop == "here" or not self.request.stop
            return ("eos" if told else "stop"), ""
        return "error", ""


def _refusal(response: httpx.Response, deadline: float) -> _Fault:
    """What an answer that is not 200 means."""
    status = response.status_code
    body = b"".join(_bounded(response, deadline, None))[:4096]
    detail = _detail(body)
    if status in BUSY:
        return _Fault(f"the server is failing or busy ({status}: {detail})", pause=_pause(response))
    if status in (401, 403):
        return _Fault(f"the server refused the key ({status}: {detail}); see key_env")
    if status == 404:
        hint = "check the url (up to and with /v1), the model's name, and api = completions or chat"
        return _Fault(f"no such address or model ({status}: {detail}); {hint}")
    return _failure(f"the server answered {status}: {detail}", body.decode("utf-8", "replace"))


def _failure(text: str, detail: str) -> _Fault:
    too_long = any(words in detail.lower() for words in TOO_LONG)
    return _Fault(text, finish="context" if too_long else "error")


def _pause(response: httpx.Response) -> float:
    """Retry-After in seconds, from either of its two forms; 0 where there is none."""
    value = response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _detail(body: bytes) -> str:
    """The server's own words, on one line."""
    try:
        data = json.loads(body)
        error = data.get("error", data) if isinstance(data, dict) else data
    except ValueError:
        error = body.decode("utf-8", "replace")
    return _words(error)


def _words(error: object) -> str:
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    return " ".join(str(error).split())[:200] or "nothing said"


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _Fault("the server sent something that is not JSON") from error


def _bounded(response: httpx.Response, deadline: float, reader: _Reader | None) -> Iterator[bytes]:
    """The body as it comes, within the time and within a size that no generation has."""
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > LONGEST_BODY:
            raise _Fault("the server sent more than 16 MiB")
        if deadline and awake() > deadline:
            if reader and reader.chunks:
                raise _Fault("", finish="deadline")
            raise _Fault("the server sent no text in time")
        yield part


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a stream, the last one only if it was ended."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            raise _Fault("the server sent a line of more than 1 MiB")
