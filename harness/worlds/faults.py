"""Makes some questions to a world fail on purpose, to see that no model is blamed for it.

Which questions fail depends on the seed and the question alone, not on the order of episodes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.types import Ask, Observation, ToolUnavailable, UserError

FAULT_KINDS = ("timeout", "429", "empty", "garbage", "slow")
_SLOW_SECONDS = 2.0
_EXPECTED = f"expected e.g. rate=0.1,kind=429; kinds: {', '.join(FAULT_KINDS)}, several joined by +"


@dataclass(frozen=True)
class Faults:
    """``rate``: the share of questions that fail; ``kinds``: how, in equal shares."""

    rate: float
    kinds: tuple[str, ...] = FAULT_KINDS
    seed: int = 0

    @property
    def instant(self) -> bool:
        """Whether none of them makes an answer late."""
        return "slow" not in self.kinds or not self.rate

    def __call__(self, ask: Ask) -> Ask:
        """Put the faults around the questions to a world."""

        def faulty(tool: str, input: str) -> Observation:
            kind = self.draw(tool, input)
            if kind == "slow":
                time.sleep(_SLOW_SECONDS)
            return _FAULTS[kind]() if kind in _FAULTS else ask(tool, input)

        return faulty

    def draw(self, tool: str, input: str) -> str:
        """The fault of this question, "" for none."""
        question = f"{self.seed}/{tool}/{input}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.sha256(question).digest()[:8], "big")
        happens = number / 2**64 < self.rate
        return self.kinds[number % len(self.kinds)] if happens else ""


def read_faults(text: str, seed: int = 0) -> Faults:
    """Read ``rate=0.1,kind=429+slow``. Raises UserError."""
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    kinds = tuple(fields.pop("kind", "+".join(FAULT_KINDS)).split("+"))
    try:
        rate = float(fields.pop("rate", "x"))
    except ValueError:
        rate = -1.0
    if fields or not 0 <= rate <= 1 or not set(kinds) <= set(FAULT_KINDS):
        raise UserError(f"--fault {text}: {_EXPECTED}")
    return Faults(rate, kinds, seed)


def _timeout() -> Observation:
    raise ToolUnavailable("injected fault: no answer in time")


def _throttled() -> Observation:
    raise ToolUnavailable("injected fault: throttled (HTTP 429)")


_FAULTS: dict[str, Callable[[], Observation]] = {
    "timeout": _timeout,
    "429": _throttled,
    "empty": lambda: Observation(""),
    "garbage": lambda: Observation(bytes(range(256)).decode("latin-1")),
}
