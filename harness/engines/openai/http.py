"""Sends one generation over HTTP, waits while the server is busy, and reads the reply.

``Server.ask`` never raises: whatever goes wrong on the way is a Completion with finish
"error".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from harness.common.clock import awake
from harness.common.network import ATTEMPTS, LONGEST_PAUSE, pause_before
from harness.engines.openai.options import LEAVABLE, ServerOptions
from harness.engines.openai.refusals import LONGEST_REFUSAL, Fault, refused_fault
from harness.engines.openai.reply import ReplyReader, bounded_body
from harness.types import Completion, EngineSettings, Generate

_FIRST_PAUSE = 0.5  # seconds before the second attempt
_CONNECT = 10.0
_LISTING = 10.0  # seconds that the list of models may take
_Heard = Callable[[float], None]


@dataclass(frozen=True)
class ServerReply:
    """What a server sent back for one request.

    ``ran_past_stop``: the server was told where to stop and went on, so the text was cut
    here. ``estimated``: it gave no token counts. ``model`` is its own name for the model.
    ``only_reasoning``: it put all that came apart as reasoning."""

    completion: Completion
    ran_past_stop: bool = False
    estimated: bool = False
    only_reasoning: bool = False
    model: str = ""


class Server:
    """One server and model; may be asked from several threads at once.

    ``left_out`` are the keys that requests go without: those of the row, and those that the
    server refused by name.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._closed = threading.Event()
        self.left_out = set(options.leave_out)
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
        self,
        text: str,
        request: Generate,
        settings: EngineSettings,
        deadline: float = 0.0,
        heard: _Heard = lambda pause: None,
    ) -> ServerReply:
        """Generate behind ``text``. ``deadline`` is a ``clock.awake()`` value, 0 = none.

        ``heard`` is called at each sign of life, with the seconds (mostly 0) for which none is
        to be expected after it.
        """
        began = time.monotonic()
        reader = ReplyReader(request, self._options, lambda: heard(0.0))
        try:
            self._insist(text, settings, reader, deadline, heard)
            completion = reader.completion()
        except Fault as fault:
            completion = replace(reader.completion(), finish=fault.finish, error="", stop="")
            if fault.finish == "error":
                completion = replace(completion, error=str(fault))
        return self._sealed(completion, reader, time.monotonic() - began)

    def listed(self, name: str) -> str:
        """What the server's list of models says of the one that it calls ``name``.

        The only one of a list is it. Its name, and where the server tells them its files,
        weights and bytes: behind one name the model may be exchanged. "" where there is no
        such list.
        """
        try:
            response = self._client.get(f"{self._options.url}/models", timeout=_LISTING)
            entries = response.json()["data"] if response.status_code == 200 else []
            known = [entry for entry in entries if isinstance(entry.get("id"), str)]
        except (httpx.HTTPError, OSError, ValueError, LookupError, TypeError, AttributeError):
            return ""
        named = [entry for entry in known if entry["id"] in (name, self._options.model)]
        entry = known[0] if len(known) == 1 else named[0] if named else None
        if entry is None:
            return ""
        meta = entry.get("meta") if isinstance(entry.get("meta"), dict) else {}
        about = {"root": entry.get("root"), **{k: meta.get(k) for k in ("n_params", "size")}}
        told = [
            f"{key} {value}" for key, value in about.items() if value not in (None, entry["id"])
        ]
        text = entry["id"] + (f" ({', '.join(told)})" if told else "")
        return self._redact(text)[:300]

    def close(self) -> None:
        """End all pauses and connections."""
        self._closed.set()
        self._client.close()

    def _sealed(self, completion: Completion, reader: ReplyReader, seconds: float) -> ServerReply:
        """The reply with the key blanked out, in case the server sent it back."""
        completion = replace(
            completion,
            text=self._redact(completion.text),
            thinking=self._redact(completion.thinking),
            error=self._redact(completion.error),
            seconds=round(seconds, 4),
        )
        return ServerReply(
            completion,
            reader.ran_past_stop,
            reader.estimated,
            reader.only_reasoning,
            self._redact(reader.model),
        )

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
        if self._options.stream and "stream" not in self.left_out:
            body["stream_options"] = {"include_usage": True}
        if settings.sampling.temperature > 0:
            body["top_p"] = settings.sampling.top_p
        if self._options.stop == "server" and request.stop:
            body["stop"] = list(request.stop[:4])  # more than four is an error at OpenAI
        if "max_tokens" in self.left_out:
            body["max_completion_tokens"] = request.max_tokens
        body = {key: value for key, value in body.items() if key not in self.left_out}
        return body | (_chat(text) if self._options.api == "chat" else {"prompt": text})

    def _insist(
        self,
        text: str,
        settings: EngineSettings,
        reader: ReplyReader,
        deadline: float,
        heard: _Heard,
    ) -> None:
        """Ask again while the server is busy, for as long as it says, within reason."""
        for attempt in range(ATTEMPTS):
            try:
                return self._send(text, settings, reader, deadline, heard)
            except Fault as fault:
                if fault.pause is None or attempt == ATTEMPTS - 1 or self._closed.is_set():
                    raise
                pause = pause_before(attempt, _FIRST_PAUSE, fault.pause)
                late = deadline and awake() + pause >= deadline
                if fault.pause > LONGEST_PAUSE or late:
                    raise
                heard(pause)
                self._closed.wait(pause)

    def _send(
        self,
        text: str,
        settings: EngineSettings,
        reader: ReplyReader,
        deadline: float,
        heard: _Heard,
    ) -> None:
        """Ask, and again without each key that the server refuses by name."""
        while True:
            body = self._body(text, reader.request, settings)
            heard(0.0)
            try:
                return self._once(body, reader, deadline)
            except Fault as fault:
                if not fault.key:
                    raise
                self.left_out.add(fault.key)

    def _once(self, body: dict[str, Any], reader: ReplyReader, deadline: float) -> None:
        left = deadline - awake() if deadline else self._options.timeout
        if left <= 0:
            raise Fault("", finish="deadline")
        seconds = min(left, self._options.timeout)
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT, seconds))
        try:
            with self._client.stream("POST", self._url, json=body, timeout=timeout) as response:
                if response.status_code != 200:
                    told = b"".join(bounded_body(response, deadline, lambda: False))[
                        :LONGEST_REFUSAL
                    ]
                    keys = [key for key in LEAVABLE if key in body]
                    raise refused_fault(
                        response.status_code, response.headers, told, keys, self._url
                    )
                reader.read(response, deadline)
        except httpx.TimeoutException as error:
            if deadline and awake() >= deadline - 0.05 and reader.chunks:
                raise Fault("", finish="deadline") from error
            raise Fault(f"the server sent nothing for {seconds:.0f} s") from error
        except httpx.ConnectError as error:
            raise Fault(f"the server cannot be reached ({error})", pause=0.0) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            if not reader.finished:  # RuntimeError: the client was closed meanwhile
                raise Fault(f"the connection broke ({type(error).__name__})") from error


def _chat(text: str) -> dict[str, Any]:
    """The history as one user message. Few servers continue an open assistant turn, so the
    model answers in a turn of its own each time: not the same test as plain completion."""
    return {"messages": [{"role": "user", "content": text}]}
