"""The smallest engine: whatever it is asked, it writes the same line.

To add an engine like it, copy this file to ``harness/engines/parrot.py`` and add one line to
``ENGINES`` in ``harness/engines/__init__.py``:

    "parrot": EngineKind("harness.engines.parrot", variants={"parrot": 0}),

Then a row of models.toml can name it, and ``run --model polly-parrot`` runs it:

    [polly]
    params = 0
    licence = "none"
    parrot = { name = " I know it.\\nAnswer: 42" }
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.histories import Call, Histories, History
from harness.engines.stops import StopScanner
from harness.engines.tokens import prefix_facts
from harness.types import Completion, EngineSettings, Generate, Model, Piece


def load(model: Model, settings: EngineSettings) -> ParrotEngine:
    """Open the engine; ``model.source`` is the line that it writes."""
    return ParrotEngine(model.source, settings.slots or 4)


class ParrotEngine:
    """The contract is ``harness.engines.Engine``; its "tokens" are bytes."""

    def __init__(self, line: str, slots: int) -> None:
        self.slots = slots
        self.facts: dict[str, object] = {"line": line, "slots": slots}
        self._line = line
        self._histories = Histories(slots, History[Call])

    def start(self, prefix: Sequence[Piece]) -> int:
        read = "".join(piece.text for piece in prefix).encode("utf-8", "replace")
        self.facts |= prefix_facts(list(read))
        return len(read)

    def submit(self, episode_id: str, request: Generate, deadline: float = 0.0) -> None:
        self._histories.open(episode_id).call = Call(request=request, deadline=deadline)

    def step(self) -> list[tuple[str, Completion]]:
        for history in self._histories.live():
            if history.call:
                self._histories.end(history, self._complete(history.call))
        return self._histories.take_ended()

    def finish(self, episode_id: str) -> None:
        self._histories.finish(episode_id)

    def close(self) -> None:
        self._histories.clear()

    def _complete(self, call: Call) -> Completion:
        if call.late:
            return Completion("", "deadline")
        scanner = StopScanner(call.request.stop)
        stopped = scanner.feed(self._line)
        tokens = len(self._line.encode("utf-8", "replace"))
        return Completion(scanner.text, "stop" if stopped else "eos", scanner.stop, tokens=tokens)
