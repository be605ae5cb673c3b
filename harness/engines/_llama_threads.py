"""How many threads decode: chosen by timing the work itself.

llama.cpp's threads spin while they wait for each other, so a core that another program
uses makes all of them slow, and which count is best depends on who else is at work. It
never changes what is computed: sums are the same with any number of threads. So it may be
tried again in mid-run, on the very batches that the run needs anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

BLOCK_SECONDS, BLOCK_CALLS = 0.1, 32  # one look at one count: so long, or so many calls
ROUNDS = 3  # looks at each count, in turn
BUDGET = 2.0  # seconds after which no further round begins
HOPELESS = 0.5  # of the best speed: a count below it is not looked at again
SAME = 0.97  # of the best speed: so near, and fewer threads are as good
FALLEN = 0.6  # of the speed when it was chosen: below, all counts are tried again
WINDOW = 2.0  # seconds of decoding over which speed is watched
AGAIN = 30.0  # seconds of decoding after which another count may have become better
KEPT, KEPT_FALLEN = 50, 5  # times what a trial took: its outcome is kept at least so long


def candidates(cores: int) -> tuple[int, ...]:
    """The counts to try on so many cores, most first: all, one less, and powers of two."""
    powers = [1 << i for i in range(cores.bit_length()) if 1 << i < cores]
    return tuple(sorted({cores, max(1, cores - 1), *powers}, reverse=True))


class ThreadChoice:
    """Decode with ``count`` threads, tell ``note`` how long it took, and go on.

    Speeds are in tokens a second, of batches with one token for each sequence.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self._counts = tuple(counts)
        self.best = counts[0]
        self.speeds: dict[int, float] = {}
        self.trials = self.changes = 0
        self.seconds = 0.0  # that the first trial took
        self._cost = self._since = 0.0  # of the last trial; since then
        self._tries: list[int] = []
        self._meter = _Meter()
        if len(counts) > 1:
            self.begin()

    @property
    def trying(self) -> bool:
        """Whether a trial is under way."""
        return bool(self._tries)

    @property
    def count(self) -> int:
        """Threads for the next batch."""
        return self._tries[0] if self._tries else self.best

    @property
    def facts(self) -> dict[str, object]:
        """For the record: the count in use, and what the last trial found."""
        if not self.trials:
            return {"threads": self.best}
        return {
            "threads": self.best,
            "thread_trial": {
                "tokens_per_second": {str(n): round(s, 1) for n, s in self.speeds.items()},
                "trials": self.trials,
                "changes": self.changes,
                "seconds": round(self.seconds, 3),
            },
        }

    def note(self, tokens: int, seconds: float) -> bool:
        """Take in how long a batch of so many tokens took; True when a trial has ended."""
        if len(self._counts) == 1:
            return False
        self._meter.add(tokens, seconds)
        if not self.trying:
            self._since += seconds
            self._watch()
            return False
        self._cost += seconds
        if self._meter.full:
            self._looks[self.count].append(self._meter.speed)
            self._meter = _Meter()
            self._next()
        return not self.trying

    def _watch(self) -> None:
        """Begin a trial when speed has fallen, or when the last one is long ago."""
        if self._since >= max(AGAIN, KEPT * self._cost):
            self.begin()
        elif self._meter.seconds >= WINDOW:
            fallen = self._meter.speed < FALLEN * self.speeds[self.best]
            self._meter = _Meter()
            if fallen and self._since >= KEPT_FALLEN * self._cost:
                self.begin()

    def begin(self) -> None:
        """Begin a trial, whatever was found before."""
        self._looks: dict[int, list[float]] = {count: [] for count in self._counts}
        self._tries = list(self._counts)
        self._meter = _Meter()
        self._cost = self._since = 0.0

    def _next(self) -> None:
        """The next count to look at; the choice when there is none."""
        count = self._tries.pop(0)
        best = max(max(speeds) for speeds in self._looks.values() if speeds)
        if len(self._looks[count]) == 1 and self._looks[count][0] < HOPELESS * best:
            self._tries = []  # fewer threads are slower still
        if self._tries:
            return
        hopeful = [
            n for n, speeds in self._looks.items() if speeds and max(speeds) >= HOPELESS * best
        ]
        rounds = len(self._looks[hopeful[0]])
        if len(hopeful) > 1 and rounds < ROUNDS and self._cost < BUDGET:
            self._tries = hopeful
        else:
            self._choose()

    def _choose(self) -> None:
        self.speeds = {n: median(speeds) for n, speeds in self._looks.items() if speeds}
        enough = SAME * max(self.speeds.values())
        before, self.best = self.best, min(n for n, s in self.speeds.items() if s >= enough)
        self.changes += bool(self.trials) and self.best != before
        self.seconds = self.seconds or self._cost
        self.trials += 1


class _Meter:
    """Tokens a second over some batches. The first is not counted where others follow: it
    pays for the change of threads."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self._tokens = 0
        self._first = (0, 0.0)

    def add(self, tokens: int, seconds: float) -> None:
        self.calls += 1
        if self.calls == 1:
            self._first = (tokens, seconds)
        else:
            self._tokens += tokens
            self.seconds += seconds

    @property
    def full(self) -> bool:
        """Whether this is enough for one look."""
        seconds = self.seconds if self.calls > 1 else self._first[1]
        return seconds >= BLOCK_SECONDS or self.calls > BLOCK_CALLS

    @property
    def speed(self) -> float:
        tokens, seconds = (self._tokens, self.seconds) if self.calls > 1 else self._first
        return tokens / max(seconds, 1e-9)
