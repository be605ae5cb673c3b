"""Runs episodes on an OpenAI-compatible server: llama-server, vLLM, Ollama, Groq and others.

A history is text here and is sent whole each turn, so nothing depends on what the server keeps.
A fault of the server ends one generation with "error" and is never blamed on the model. The same
holds for a server that names another model than before, or whose own count of the prompt shows
that it does not read all of the history.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from harness.common import proxies
from harness.common.clock import awake
from harness.engines import ENGINES
from harness.engines.histories import Call, Histories, History
from harness.engines.openai.options import ServerOptions, read_options
from harness.engines.openai.options import address_of as address_of
from harness.types import Completion, EngineSettings, Generate, Model, Piece, UserError

if TYPE_CHECKING:
    from harness.engines.openai.http import Server, ServerReply

_SLOTS = 8
_PATIENCE = 0.02  # seconds that a step waits for something to end
_GRACE = 2.0  # seconds past its deadline at which a request is given up
_SHOWN = 0.25  # of the tokens that a history grew by must show in the server's count
_JUNK = 32  # characters a token from which a count of the prompt is none


def load(model: Model, settings: EngineSettings) -> OpenAIEngine:
    """Make the engine; the server is first asked in ``start``.

    Raises UserError for wrong options, a missing key or httpx not installed.
    """
    options = read_options(model, os.environ)
    if not options.local:
        proxies.make_usable()
    try:
        from harness.engines.openai.http import Server
    except ImportError as error:
        raise UserError(
            f"the openai engine needs httpx ({error}); {ENGINES['openai'].install}"
        ) from None
    return OpenAIEngine(model.name, Server(options), options, settings)


@dataclass(eq=False, kw_only=True)
class _Asked(Call):
    """A request under way in a thread of its own. ``heard`` is when the server last gave a
    sign of life, a ``clock.awake()`` value (in the future during a pause that it asked for)."""

    episode_id: str
    heard: float = field(default_factory=awake)

    def hear(self, pause: float) -> None:
        self.heard = awake() + pause


@dataclass(eq=False)
class _TextHistory(History[_Asked]):
    """One episode. ``tokens`` is the server's count where it gave one, else an estimate;
    ``seen`` is what it last counted the whole prompt as, ``due`` what was added since."""

    text: str = ""
    tokens: int = 0
    seen: int = 0
    due: int = 0

    def add(self, text: str, tokens: int, due: int) -> None:
        self.text += text
        self.tokens += tokens
        self.due += due


class OpenAIEngine:
    """Each generation is one request in a thread; ``slots`` of them at once."""

    def __init__(
        self, name: str, server: Server, options: ServerOptions, settings: EngineSettings
    ) -> None:
        self.slots = settings.slots or _SLOTS
        self.facts: dict[str, object] = {
            "engine": "openai",
            "server": options.url,
            "model": options.model,
            "api": options.api,
            "stop_strings": options.stop,
            "stream": options.stream,
            "open_turn": options.api == "completions",
            "slots": self.slots,
            "episode_tokens": settings.episode_tokens,
            "server_ran_past_stop": 0,
            "tokens_estimated": 0,
            "only_reasoning": 0,
            "left_out": sorted(server.left_out),
            "warnings": [],
        }
        self._name = name
        self._server = server
        self._timeout = options.timeout
        self._asked_to_leave_out = set(options.leave_out)
        self._model = ""
        self._junk = False
        self._settings = settings
        self._prefix = ""
        self._prefix_seen = 0
        self._tokens_per_character = 0.3
        self._histories = Histories(self.slots, self._new_history)
        self._replies: SimpleQueue[tuple[_Asked, ServerReply]] = SimpleQueue()

    def start(self, prefix: Sequence[Piece]) -> int:
        """Ask for one token behind the prefix: whatever is wrong shows before the run.

        A server does not tell the tokens, so ``prefix_tokens_sha256`` is of the text.
        """
        self._prefix = _text(prefix)
        reply = self._server.ask(self._prefix or " ", Generate((), (), 1, 0), self._settings)
        completion = reply.completion
        where = f"model {self._name}: {self.facts['server']}"
        if completion.finish == "error":
            raise UserError(f"{where}: {completion.error}")
        if completion.finish == "context":
            raise UserError(f"{where}: the prompt alone is too long for the server's context")
        self._model = reply.model
        counted = self._prompt_count(completion, self._prefix)
        if counted and self._prefix:
            self._tokens_per_character = counted / len(self._prefix)
        self._prefix_seen = counted if self._prefix else 0
        count = counted or self._estimate(self._prefix)
        digest = hashlib.sha256(self._prefix.encode()).hexdigest()
        self.facts |= {
            "prefix_tokens": count,
            "prefix_tokens_estimated": not counted,
            "prefix_tokens_sha256": digest,
            "prefix_hash_of": "text",
            "served_model": _served(reply.model, self._server.listed(reply.model)),
        }
        self._warn()
        return count

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        history = self._histories.open(episode_id)
        added = _text(request.pieces)
        room = self._settings.episode_tokens - history.tokens - self._estimate(added)
        if room <= 0:
            return self._histories.end(history, Completion("", "context"))
        history.add(added, self._estimate(added), self._estimate(added))
        if request.max_tokens < 1:
            return self._histories.end(history, Completion("", "length"))
        request = replace(request, max_tokens=min(request.max_tokens, room))
        history.call = call = _Asked(request=request, deadline=deadline, episode_id=episode_id)
        # A daemon, so that a server that hangs cannot keep the process alive.
        text = self._prefix + history.text
        Thread(target=self._ask, args=(call, text), daemon=True).start()

    def step(self) -> list[tuple[str, Completion]]:
        if self._histories.live() and not self._histories.any_ended:
            self._receive(_PATIENCE)
        while not self._replies.empty():
            self._receive(0)
        self._abandon_late_ones()
        return self._histories.take_ended()

    def finish(self, episode_id: str) -> None:
        self._histories.finish(episode_id)

    def close(self) -> None:
        self._server.close()
        self._histories.clear()

    def _new_history(self, episode_id: str, slot: int) -> _TextHistory:
        return _TextHistory(episode_id, slot, seen=self._prefix_seen)

    def _ask(self, call: _Asked, text: str) -> None:
        reply = self._server.ask(text, call.request, self._settings, call.deadline, call.hear)
        self._replies.put((call, reply))

    def _receive(self, seconds: float) -> None:
        try:
            call, reply = self._replies.get(timeout=seconds)
        except Empty:
            return
        history = self._histories.find(call.episode_id)
        if history and history.call is call:  # else it was dropped or given up meanwhile
            self._histories.end(history, self._take(history, reply))

    def _take(self, history: _TextHistory, reply: ServerReply) -> Completion:
        """A reply becomes history: what the model wrote and its stop string, nothing behind."""
        completion = reply.completion
        self._note(reply)
        if completion.finish != "error" and (wrong := self._distrust(history, reply)):
            completion = replace(completion, finish="error", error=wrong)
        written = completion.text + completion.stop
        tokens, kept = completion.tokens, min(completion.tokens, self._estimate(written))
        if completion.thinking or reply.ran_past_stop:  # no part of the history
            tokens = kept
        history.add(written, tokens, kept)
        if completion.finish == "length" and history.tokens >= self._settings.episode_tokens:
            return replace(completion, finish="context")
        return completion

    def _distrust(self, history: _TextHistory, reply: ServerReply) -> str:
        """Why a reply is no answer of this model to this history; "" where it is one."""
        if self._model and reply.model and reply.model != self._model:
            return (
                f"the server answers as another model than before: {reply.model!r}, "
                f"not {self._model!r}; give the command again to begin a run of the new one"
            )
        self._model = self._model or reply.model
        prompt = self._prefix + history.text
        seen = self._prompt_count(reply.completion, prompt)
        before, due = history.seen, history.due
        history.seen, history.due = seen or before, 0 if seen else due
        # Some servers count only what they had not read before.
        only_new = seen <= min(2 * due + 16, self._estimate(prompt) // 2)
        if not seen or not before or only_new:
            return ""
        if seen - before < max(1, int(_SHOWN * due)) and due:
            return (
                f"the server cuts the prompt: it counts {seen} tokens of it, and {before} before "
                f"about {due} were appended; give the server a longer context"
            )
        return ""

    def _note(self, reply: ServerReply) -> None:
        """Keep count of the server's habits in the run; the start is not counted, so that the
        facts of a fresh engine are always the same."""
        self._count("server_ran_past_stop", reply.ran_past_stop)
        self._count("tokens_estimated", reply.estimated)
        self._count("only_reasoning", reply.only_reasoning)
        self._warn()

    def _warn(self) -> None:
        """Put into words what the server does that changes results."""
        self.facts["left_out"] = sorted(self._server.left_out)
        refused = sorted(self._server.left_out - self._asked_to_leave_out)
        warnings = [f"the server refused {', '.join(refused)}: not sent"] if refused else []
        if count := self.facts["only_reasoning"]:
            warnings.append(f"{count} replies were all reasoning, with nothing in their content")
        if self._junk:
            warnings.append("the server's counts of the prompt are too small to be true")
        self.facts["warnings"] = warnings

    def _prompt_count(self, completion: Completion, prompt: str) -> int:
        """The server's count of a prompt; 0 where it gave none, or one that cannot be one."""
        junk = 0 < completion.prompt_tokens * _JUNK < len(prompt)
        self._junk |= junk
        return 0 if junk else completion.prompt_tokens

    def _abandon_late_ones(self) -> None:
        """For what no timeout of the client catches: a name server that hangs, bytes that drip."""
        now = awake()
        for history in self._histories.live():
            call = history.call
            if call and call.deadline and now > call.deadline + _GRACE:
                error = "the server did not answer in time"
            elif call and now > call.heard + self._timeout + _GRACE:
                error = f"the server sent no token for {self._timeout:.0f} s"
            else:
                continue
            self._histories.end(history, Completion("", "error", error=error))

    def _estimate(self, text: str) -> int:
        return round(len(text) * self._tokens_per_character)

    def _count(self, name: str, more: bool) -> None:
        self.facts[name] = int(str(self.facts[name])) + more


def _served(replied: str, listed: str) -> str:
    """The model behind the address, by the server's reply and by its list of models."""
    if not listed or listed == replied or listed.startswith(f"{replied} ("):
        return listed or replied
    return f"{replied}, listed as {listed}" if replied else listed


def _text(pieces: Sequence[Piece]) -> str:
    """A server takes text alone, so special pieces go as text too; lone surrogates, which
    no request can hold, become U+FFFD."""
    text = "".join(piece.text for piece in pieces)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
