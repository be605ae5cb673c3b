"""Reads what an OpenAI-compatible server sends into one Completion.

Servers differ in the content type they name, in empty chunks, in words for the end and in token
counts. None of that is blamed on the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx

from harness.common.clock import awake
from harness.engines.openai.options import ServerOptions
from harness.engines.openai.refusals import Fault, reported_fault
from harness.engines.stops import StopScanner
from harness.types import Completion, Finish, Generate

_LONGEST_LINE, _LONGEST_BODY = 1 << 20, 16 << 20
_BYTES_A_TOKEN = 4  # where a server does not count: about right for English and Japanese
_BUNDLED = 10  # bytes a chunk above which a chunk holds several tokens
_RAN_ON = 8  # chunks beyond max_tokens at which a server counts as ignoring it
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
# Why a generation ended, by what the word speaks of; the first that fits.
_ENDS: Mapping[Finish, str] = {
    "error": r"(?:^|_)(?:filter|content_?filter|unsafe|safety|block|prohibit|malformed|recitation"
    "|language|error|fail|abort|cancel|tool|function|rate|time|resource|insufficient)",
    "context": r"(?:^|_)context",
    "length": r"(?:^|_)(?:length|max|limit|trunc|budget)",
    "eos": r"(?:^|_)(?:stop|eos|eot|end|complet|done|finished|normal|success)",
}


@dataclass
class ReplyReader:
    """Collects one generation from what the server sends.

    ``heard`` is called whenever something of the generation came. ``chunks`` counts pieces of
    text; ``model`` is the server's own name for the model.
    """

    request: Generate
    options: ServerOptions
    heard: Callable[[], None] = lambda: None
    chunks: int = 0
    reason: str = ""
    stop_reason: object = ""  # vLLM's: a stop string, or null for the model's own end
    usage: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    thinking: list[str] = field(default_factory=list)
    streamed: bool = False
    answered: bool = False  # whether there was a choice at all
    ended: bool = False  # whether the server said that this was all
    called_tool: bool = False

    def __post_init__(self) -> None:
        self.scanner = StopScanner(self.request.stop)

    # --- what was read

    @property
    def finished(self) -> bool:
        return bool(self.reason or self.ended or self.scanner.stop or self._ran_on)

    @property
    def ran_past_stop(self) -> bool:
        """The server was told where to stop and went on, so the text was cut here."""
        return bool(self.scanner.stop) and self.options.stop == "server"

    @property
    def estimated(self) -> bool:
        """The server gave no count of tokens that can be one."""
        return self._counted is None

    @property
    def only_reasoning(self) -> bool:
        """All that came is apart as reasoning, and no stop string ended the text."""
        stopped = self.scanner.stop or (isinstance(self.stop_reason, str) and self.stop_reason)
        apart = any(text.strip() for text in self.thinking)
        return apart and not stopped and not self._whole.strip()

    @property
    def _whole(self) -> str:
        return self.scanner.text + self.scanner.thinking

    @property
    def _ran_on(self) -> bool:
        """A server that ignores max_tokens: a chunk is a token or more."""
        return self.chunks > self.request.max_tokens + _RAN_ON

    @property
    def _counted(self) -> int | None:
        tokens = token_count(self.usage.get("completion_tokens"))
        empty = not self._whole and not any(self.thinking)
        return tokens or (0 if empty and tokens == 0 else None)

    @property
    def tokens(self) -> int:
        """Tokens generated: the server's count, else what came."""
        if self._counted is not None:
            return self._counted
        size = len((self._whole + "".join(self.thinking)).encode("utf-8", "replace"))
        if self.streamed and size <= _BUNDLED * self.chunks:
            return self.chunks
        return -(-size // _BYTES_A_TOKEN)

    def completion(self) -> Completion:
        """What was generated. A generation that ended in a way no model can cause is an error."""
        finish, stop = self._finish()
        return Completion(
            text=self.scanner.text,
            finish=finish,
            stop=stop,
            tokens=self.tokens,
            prompt_tokens=token_count(self.usage.get("prompt_tokens")) or 0,
            thinking="".join(self.thinking) + self.scanner.thinking,
            error=self._error() if finish == "error" else "",
        )

    def _finish(self) -> tuple[Finish, str]:
        if self.scanner.stop:
            return "stop", self.scanner.stop
        if self._ran_on and not self.reason:
            return "length", ""
        if (finish := self._named_end) != "eos":
            return finish, ""
        if isinstance(self.stop_reason, str) and self.stop_reason in self.request.stop:
            return "stop", self.stop_reason
        if self._spent and not re.search("eos|eot|end_?turn|sequence", self.reason.lower()):
            return "length", ""
        if (self.called_tool and not self._whole.strip()) or self.only_reasoning:
            return "error", ""
        told = self.stop_reason is None or self.options.stop == "here" or not self.request.stop
        return ("eos" if told else "stop"), ""

    @property
    def _named_end(self) -> Finish:
        """What the server's word for the end means; an end without a word is one."""
        word = re.sub(r"[^a-z]+", "_", self.reason.lower())
        found = (finish for finish, pattern in _ENDS.items() if re.search(pattern, word))
        return next(found, "error" if word or not self.ended else "eos")

    @property
    def _spent(self) -> bool:
        """Whether max_tokens were generated, as far as they can be counted."""
        exact = self._counted is not None or (self.streamed and self.tokens == self.chunks)
        return exact and self.tokens >= self.request.max_tokens

    def _error(self) -> str:
        if self._named_end == "error" and not self.called_tool:
            return f"the server ended with {self.reason or 'no reason'!r}"
        if self.only_reasoning:
            return (
                "the server put all of the text into its reasoning field and left the content "
                "empty; switch its reasoning parser off, or use api = completions"
            )
        return "the server turned the text into a tool call; switch its tool parser off"

    # --- reading

    def read(self, response: httpx.Response, deadline: float) -> None:
        """Read to the end, or to a stop string. Raises Fault."""
        head, parts = _peeked(bounded_body(response, deadline, lambda: self.chunks > 0))
        begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        named = "event-stream" in response.headers.get("content-type", "").lower()
        fields = (b"data:", b"event:", b"id:", b"retry:", b"error:", b":")
        if begins[:1] in (b"{", b"[") or not (named or begins.startswith(fields)):
            return self._read_whole(b"".join(parts))
        self.streamed = True
        for line in stream_lines(parts):
            if line.startswith(b"error:"):
                raise reported_fault(_json(line[6:]))
            data = line[5:].strip() if line.startswith(b"data:") else b""
            if data == b"[DONE]":
                self.ended = True
                break
            if data:
                self._take(_json(data))
            if self.scanner.stop or self._ran_on:
                return
        if not self.finished:
            raise Fault("the stream broke off")
        if not self.answered:
            raise Fault("the server's stream has no choices")

    def _read_whole(self, body: bytes) -> None:
        self._take(_json(body.removeprefix(b"\xef\xbb\xbf")))
        self.ended = True
        if not self.answered:
            raise Fault("the server's JSON has no choices")

    def _take(self, data: Any) -> None:
        """One chunk, or the whole. Chunks without a choice carry what is not for us."""
        if data is None:
            return
        if not isinstance(data, dict) or data.get("error") or data.get("object") == "error":
            raise reported_fault(data)
        self.heard()
        self.model = str(data.get("model") or self.model)
        if isinstance(data.get("usage"), dict):
            self.usage = data["usage"]
        choices = data.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self.answered = True
            self._take_choice(choices[0])
        elif self.answered and token_count(self.usage.get("completion_tokens")):
            self.ended = True  # the counts come last

    def _take_choice(self, choice: dict[str, Any]) -> None:
        reason = str(choice.get("finish_reason") or "")
        self.reason = self.reason if reason.lower() in ("", "null", "none") else reason
        self.stop_reason = choice.get("stop_reason", self.stop_reason)
        message = choice.get("delta") or choice.get("message") or {}
        if not isinstance(message, dict):
            raise Fault("the server's JSON has a message that is no object")
        self.called_tool |= bool(message.get("tool_calls") or message.get("function_call"))
        apart, text = _parts(choice.get("text") or message.get("content") or "")
        for key in _REASONING_KEYS:
            if not apart and message.get(key):
                apart = "".join(_parts(message[key]))
        self.thinking.append(apart)
        self.chunks += bool(text or apart)
        if not self.scanner.stop:
            self.scanner.feed(text)


def token_count(value: object) -> int | None:
    """A number of tokens as servers give it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1e9 and value == int(value) else None


def _parts(content: object) -> tuple[str, str]:
    """Reasoning and text of a message's content: a string, or a list of parts (Mistral's)."""
    if isinstance(content, str):
        return "", content
    if not isinstance(content, list):
        raise Fault("the server's JSON has text that is no string")
    apart, text = "", ""
    for part in content:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict) and part.get("thinking"):
            apart += "".join(_parts(part["thinking"]))
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            text += part["text"]
    return apart, text


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Fault("the server sent something that is not JSON") from error


def _peeked(parts: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to tell what they begin, and all of the parts."""
    taken: list[bytes] = []
    for part in parts:
        taken.append(part)
        if len(b"".join(taken).lstrip()) > len(b"retry:") + 3 or len(taken) > 64:
            break
    return b"".join(taken), chain(taken, parts)


def bounded_body(
    response: httpx.Response, deadline: float, began: Callable[[], bool]
) -> Iterator[bytes]:
    """The body as it comes, within the time and within a size that no generation has.

    ``deadline`` is a ``clock.awake()`` value, 0 = none; past it, it is the episode's time that
    is up where text ``began`` to come, else the server that failed."""
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > _LONGEST_BODY:
            raise Fault("the server sent more than 16 MiB")
        if deadline and awake() > deadline:
            if began():
                raise Fault("", finish="deadline")
            raise Fault("the server sent no text in time")
        yield part


def stream_lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a stream; a last one that was not ended is a line if it is whole."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.removeprefix(b"\xef\xbb\xbf").strip() for line in whole)
        if len(rest) > _LONGEST_LINE:
            raise Fault("the server sent a line of more than 1 MiB")
    if rest.rstrip().endswith((b"}", b"[DONE]")):
        yield rest.strip()
