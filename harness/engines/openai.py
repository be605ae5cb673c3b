"""A server that speaks OpenAI's completions: llama-server, vLLM, Ollama, Groq and others.

A history is text here, sent whole each turn, so the server keeps nothing that the harness
relies on. What fails is the server, never the model: each fault ends one generation with
"error". It knows texts and requests; not prompts, protocols or tokens. The keys of a
model's ``options`` are in _openai_options, HTTP is in _openai_http.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from harness.clock import awake
from harness.engines._openai_options import Options, read_options
from harness.types import (
    Completion,
    EngineError,
    EngineSettings,
    Generate,
    Model,
    Piece,
    Task,
    UserError,
)

if TYPE_CHECKING:
    from harness.engines._openai_http import Reply, Server

INSTALL = 'pip install "harness[openai]"'
SLOTS = 8
PATIENCE = 0.02  # seconds that a step waits for something to end
GRACE = 2.0  # awake seconds past its deadline at which a request is given up
LONGEST = 3600.0  # awake seconds after which a request without a deadline is given up


def load(model: Model, settings: EngineSettings, tasks: Sequence[Task]) -> OpenAIEngine:
    """Make the engine; the server is first asked in ``start``.

    Raises UserError for wrong options, a missing key or httpx not installed.
    """
    if settings.grammar:
        raise UserError(f"model {model.name}: grammar mode needs the llama_cpp engine")
    options = read_options(model, os.environ)
    try:
        from harness.engines._openai_http import Server
    except ImportError as error:
        raise UserError(
            f"the openai engine needs httpx ({error}); install it with: {INSTALL}"
        ) from None
    return OpenAIEngine(model.name, Server(options), options, settings)


@dataclass(eq=False)
class _History:
    """One episode. ``tokens`` is the server's count where it gave one, else an estimate."""

    text: str = ""
    tokens: int = 0
    call: _Call | None = None


@dataclass(eq=False, frozen=True)
class _Call:
    """A request under way in a thread of its own."""

    episode_id: str
    deadline: float
    given_up: float  # awake time from which its answer is not waited for


class OpenAIEngine:
    """Each generation is one request in a thread; ``slots`` of them at once."""

    def __init__(
        self, name: str, server: Server, options: Options, settings: EngineSettings
    ) -> None:
        self.slots = settings.slots or SLOTS
        self.facts: dict[str, object] = {
            "engine": "openai",
            "url": options.url,
            "model": options.model,
            "api": options.api,
            "stop_strings": options.stop,
            "stream": options.stream,
            "open_turn": options.api == "completions",
            "slots": self.slots,
            "episode_tokens": settings.episode_tokens,
            "server_ran_past_stop": 0,
            "tokens_estimated": 0,
        }
        self._name = name
        self._server = server
        self._settings = settings
        self._prefix = ""
        self._tokens_per_character = 0.3
        self._histories: dict[str, _History] = {}
        self._replies: SimpleQueue[tuple[_Call, Reply]] = SimpleQueue()
        self._ended: list[tuple[str, Completion]] = []

    def start(self, prefix: Sequence[Piece]) -> int:
        """Ask for one token behind the prefix: whatever is wrong shows before the run.

        A server does not tell the tokens, so ``prefix_tokens_sha256`` is of the text.
        """
        self._prefix = _text(prefix)
        reply = self._server.ask(self._prefix or " ", Generate((), (), 1, 0), self._settings)
        completion = reply.completion
        where = f"model {self._name}: {self.facts['url']}"
        if completion.finish == "error":
            raise UserError(f"{where}: {completion.error}")
        if completion.finish == "context":
            raise UserError(f"{where}: the prompt alone is too long for the server's context")
        if completion.prompt_tokens and self._prefix:
            self._tokens_per_character = completion.prompt_tokens / len(self._prefix)
        count = completion.prompt_tokens or self._estimate(self._prefix)
        digest = hashlib.sha256(self._prefix.encode()).hexdigest()
        self.facts |= {
            "prefix_tokens": count,
            "prefix_tokens_estimated": not completion.prompt_tokens,
            "prefix_tokens_sha256": digest,
            "prefix_hash_of": "text",
            "server_model": reply.model,
        }
        return count

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.get(episode_id) or self._begin(episode_id)
        if history.call:
            raise EngineError(f"episode {episode_id} asked twice at once")
        added = _text(request.pieces)
        room = self._settings.episode_tokens - history.tokens - self._estimate(added)
        if room <= 0:
            return self._ended.append((episode_id, Completion("", "context")))
        history.text += added
        history.tokens += self._estimate(added)
        if request.max_tokens < 1:
            return self._ended.append((episode_id, Completion("", "length")))
        history.call = call = _Call(
            episode_id, deadline, deadline + GRACE if deadline else awake() + LONGEST
        )
        request = replace(request, max_tokens=min(request.max_tokens, room))
        # A daemon, so that a server that hangs cannot keep the process alive.
        arguments = (call, self._prefix + history.text, request)
        Thread(target=self._ask, args=arguments, daemon=True).start()

    def step(self) -> list[tuple[str, Completion]]:
        if not self._ended and any(history.call for history in self._histories.values()):
            self._receive(PATIENCE)
        while not self._replies.empty():
            self._receive(0)
        self._abandon_late_ones()
        ended, self._ended = self._ended, []
        return ended

    def finish(self, episode_id: str) -> None:
        self._histories.pop(episode_id, None)
        self._ended = [item for item in self._ended if item[0] != episode_id]

    def close(self) -> None:
        self._server.close()
        self._histories.clear()

    def _begin(self, episode_id: str) -> _History:
        if len(self._histories) >= self.slots:
            raise EngineError(f"episode {episode_id}: all {self.slots} slots are taken")
        history = self._histories[episode_id] = _History()
        return history

    def _ask(self, call: _Call, text: str, request: Generate) -> None:
        self._replies.put((call, self._server.ask(text, request, self._settings, call.deadline)))

    def _receive(self, seconds: float) -> None:
        try:
            call, reply = self._replies.get(timeout=seconds)
        except Empty:
            return
        history = self._histories.get(call.episode_id)
        if history and history.call is call:  # else it was dropped or given up meanwhile
            self._end(history, call, self._take(history, reply))

    def _take(self, history: _History, reply: Reply) -> Completion:
        """A reply becomes history: what the model wrote and its stop string, nothing behind."""
        completion = reply.completion
        history.text += completion.text + completion.stop
        history.tokens += completion.tokens
        self._count("server_ran_past_stop", reply.ran_past_stop)
        self._count("tokens_estimated", reply.estimated)
        if completion.finish == "length" and history.tokens >= self._settings.episode_tokens:
            return replace(completion, finish="context")
        return completion

    def _abandon_late_ones(self) -> None:
        """For what no timeout of the client catches: a name server that hangs, bytes that drip."""
        now = awake()
        for history in list(self._histories.values()):
            if history.call and now > history.call.given_up:
                error = "the server did not answer in time"
                self._end(history, history.call, Completion("", "error", error=error))

    def _end(self, history: _History, call: _Call, completion: Completion) -> None:
        history.call = None
        self._ended.append((call.episode_id, completion))

    def _estimate(self, text: str) -> int:
        return round(len(text) * self._tokens_per_character)

    def _count(self, name: str, more: bool) -> None:
        self.facts[name] = int(str(self.facts[name])) + more


def _text(pieces: Sequence[Piece]) -> str:
    """A server takes text alone, so special pieces go as text too; lone surrogates, which
    no request can hold, become U+FFFD."""
    text = "".join(piece.text for piece in pieces)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
