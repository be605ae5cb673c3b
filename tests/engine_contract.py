"""What every engine must do, as tests that each engine's test file runs on itself.

A test file defines ``class TestX(EngineContract)`` with a fixture ``open_engine`` that
makes an engine (not yet started) from EngineSettings, and turns off below what its engine
cannot show. Engines are asked for greedy text unless a test says otherwise.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import ClassVar, get_args

import pytest

from harness.common.clock import awake
from harness.engines import Engine
from harness.types import Completion, EngineError, EngineSettings, Finish, Generate, Piece, Sampling

OpenEngine = Callable[[EngineSettings], Engine]

PREFIX = (
    Piece("Question: What is the number\nThought: I need the number\nAnswer: 7\n\nQuestion:"),
)
OPENINGS = (
    " Who built the town\nThought:",
    " Where is the river and what is the height of it\nThought:",
    " What is 3 * 4\nThought:",
    " 日本の首都\nThought:",
)


def ask(
    text: str,
    *,
    stop: tuple[str, ...] = (),
    max_tokens: int = 12,
    seed: int = 1,
    special: bool = False,
) -> Generate:
    """A request for the continuation of one piece of text ("" appends nothing)."""
    return Generate((Piece(text, special),) if text else (), stop, max_tokens, seed)


def drive(
    engine: Engine, requests: Mapping[str, Generate], deadline: float = 0.0
) -> dict[str, Completion]:
    """Submit requests together and step until all of them have ended."""
    for episode_id, request in requests.items():
        engine.submit(episode_id, request, deadline)
    done: dict[str, Completion] = {}
    patience = time.monotonic() + 120
    while len(done) < len(requests):
        ended = engine.step()
        for episode_id, completion in ended:
            assert episode_id in requests and episode_id not in done
            done[episode_id] = completion
        if not ended:
            assert time.monotonic() < patience, (
                f"no end after 120 s, {len(done)} of {len(requests)} done"
            )
            time.sleep(0.0005)
    return done


def complete(engine: Engine, episode_id: str, request: Generate) -> Completion:
    """One request by itself."""
    return drive(engine, {episode_id: request})[episode_id]


class EngineContract:
    """See the file's docstring. The flags say what the engine can show."""

    generates: ClassVar[bool] = True  # its text follows from the history, token by token
    continues: ClassVar[bool] = True  # its histories hold the very tokens it generated
    samples: ClassVar[bool] = True  # it has a temperature and seeds
    counts_room: ClassVar[bool] = True  # it knows when an episode's room is full
    marker: ClassVar[str] = ""  # text that its vocabulary has as one control token

    @pytest.fixture
    def engine(self, open_engine: OpenEngine) -> Engine:
        """A started engine with three slots."""
        return self.started(open_engine)

    def started(self, open_engine: OpenEngine, **settings: object) -> Engine:
        engine = open_engine(EngineSettings(**{"slots": 3, "episode_tokens": 256, **settings}))  # type: ignore[arg-type]
        engine.start(PREFIX)
        return engine

    def test_facts_can_be_recorded(self, open_engine: OpenEngine) -> None:
        engine = open_engine(EngineSettings(slots=2))
        tokens = engine.start(PREFIX)
        facts = json.loads(json.dumps(engine.facts))
        assert facts["prefix_tokens"] == tokens > 0
        assert len(facts["prefix_tokens_sha256"]) == 64
        assert engine.slots == 2

    def test_an_idle_step_returns_at_once(self, engine: Engine) -> None:
        assert engine.step() == []

    def test_a_completion_is_accounted_for(self, engine: Engine) -> None:
        completion = complete(engine, "a", ask(OPENINGS[0], stop=("\n",)))
        assert completion.finish in get_args(Finish)
        assert "\n" not in completion.text
        assert completion.error == "" and completion.masked == -1
        assert (completion.tokens > 0) == bool(completion.text + completion.stop)

    def test_the_same_request_gives_the_same_text(self, engine: Engine) -> None:
        first = complete(engine, "a", ask(OPENINGS[0]))
        engine.finish("a")
        assert complete(engine, "b", ask(OPENINGS[0])).text == first.text

    def test_neighbours_do_not_change_the_text(self, engine: Engine) -> None:
        alone = []
        for text in OPENINGS[: engine.slots]:
            alone.append(complete(engine, text, ask(text)).text)
            engine.finish(text)
        together = drive(engine, {text: ask(text) for text in OPENINGS[: engine.slots]})
        assert [together[text].text for text in OPENINGS[: engine.slots]] == alone

    def test_a_slot_is_used_again_and_nothing_of_it_is_left(self, engine: Engine) -> None:
        first = complete(engine, "first", ask(OPENINGS[0]))
        engine.finish("first")
        for i in range(2 * engine.slots + 1):
            complete(engine, f"other {i}", ask(OPENINGS[i % len(OPENINGS)]))
            engine.finish(f"other {i}")
        assert complete(engine, "first", ask(OPENINGS[0])).text == first.text

    def test_finish_in_mid_generation_and_of_unknown_episodes(self, engine: Engine) -> None:
        engine.finish("never seen")
        engine.submit("a", ask(OPENINGS[0]))
        engine.finish("a")
        assert complete(engine, "b", ask(OPENINGS[1])).error == ""
        assert engine.step() == []

    def test_past_the_deadline_a_generation_ends_and_says_so(self, engine: Engine) -> None:
        ended = drive(engine, {"a": ask(OPENINGS[0], max_tokens=200)}, deadline=awake() - 1)
        assert ended["a"].finish == "deadline"

    def test_length_is_exact(self, engine: Engine) -> None:
        if not self.generates:
            pytest.skip("its text does not follow from the history")
        completion = complete(engine, "a", ask(OPENINGS[0], max_tokens=5))
        assert completion.finish == "eos" or (completion.finish, completion.tokens) == ("length", 5)
        assert completion.prompt_tokens > 0

    def test_stop_strings_wherever_they_fall(self, engine: Engine) -> None:
        if not self.generates:
            pytest.skip("its text does not follow from the history")
        whole = complete(engine, "whole", ask(OPENINGS[0], max_tokens=16)).text
        for at in range(1, len(whole) - 3, 3):
            stop = whole[at : at + 3]
            if "\ufffd" in stop:
                continue
            engine.finish("cut")
            cut = complete(
                engine, "cut", ask(OPENINGS[0], stop=("never there", stop), max_tokens=16)
            )
            assert (cut.finish, cut.stop) == ("stop", stop)
            assert cut.text == whole[: whole.index(stop)]

    def test_generation_goes_on_where_it_was_cut(self, engine: Engine) -> None:
        if not self.continues:
            pytest.skip("its histories are text")
        whole = complete(engine, "whole", ask(OPENINGS[0], max_tokens=16)).text
        first = complete(engine, "parts", ask(OPENINGS[0], max_tokens=6)).text
        rest = complete(engine, "parts", ask("", max_tokens=10)).text
        assert _same(first + rest, whole)

    def test_the_stop_string_stays_in_the_history(self, engine: Engine) -> None:
        if not self.continues:
            pytest.skip("its histories are text")
        whole = complete(engine, "whole", ask(OPENINGS[1], max_tokens=16)).text
        stop = next(
            part
            for part in (whole[at : at + 2] for at in range(3, len(whole)))
            if "\ufffd" not in part
        )
        cut = complete(engine, "parts", ask(OPENINGS[1], stop=(stop,), max_tokens=16))
        rest = complete(engine, "parts", ask("", max_tokens=16 - cut.tokens)).text
        assert _same(cut.text + cut.stop + cut.tail + rest, whole)

    def test_a_history_that_grew_equals_the_whole_text(self, engine: Engine) -> None:
        if not self.continues:
            pytest.skip("its histories are text")
        pieces = (
            " What is the town\nThought:",
            " I need the height\nObservation:",
            " 12 of 3\nThought:",
        )
        for piece in pieces[:-1]:
            nothing = complete(engine, "grown", ask(piece, max_tokens=0))
            assert (nothing.text, nothing.finish, nothing.tokens) == ("", "length", 0)
        grown = complete(engine, "grown", ask(pieces[-1]))
        assert complete(engine, "whole", ask("".join(pieces))).text == grown.text

    def test_the_room_of_an_episode_ends_it(self, open_engine: OpenEngine) -> None:
        if not self.counts_room:
            pytest.skip("it does not know the room")
        engine = self.started(open_engine, episode_tokens=40)
        full = complete(engine, "a", ask(OPENINGS[0], max_tokens=400))
        assert full.finish in ("context", "eos") and full.tokens < 40
        engine.finish("a")
        too_long = complete(engine, "a", ask(" town" * 300))
        assert (too_long.finish, too_long.text, too_long.tokens) == ("context", "", 0)

    def test_text_that_looks_special_stays_data(self, engine: Engine) -> None:
        if not self.marker:
            pytest.skip("it has no control tokens to show")
        data = complete(engine, "data", ask(f" {self.marker}", max_tokens=1))
        mark = complete(engine, "mark", ask(f" {self.marker}", max_tokens=1, special=True))
        assert data.prompt_tokens > mark.prompt_tokens

    def test_a_seed_gives_its_own_text_whoever_runs_beside_it(
        self, open_engine: OpenEngine
    ) -> None:
        if not self.samples:
            pytest.skip("it does not sample")
        engine = self.started(open_engine, sampling=Sampling(temperature=1.0, top_p=0.95))
        alone = complete(engine, "alone", ask(OPENINGS[0], seed=7))
        engine.finish("alone")
        together = drive(engine, {str(seed): ask(OPENINGS[0], seed=seed) for seed in (5, 7)})
        assert together["7"].text == alone.text
        assert together["5"].text != alone.text

    def test_close_frees_an_engine_in_use(self, open_engine: OpenEngine) -> None:
        engine = self.started(open_engine)
        engine.submit("a", ask(OPENINGS[0]))
        engine.close()
        again = self.started(open_engine)
        assert complete(again, "a", ask(OPENINGS[0])).error == ""
        again.close()

    def test_more_episodes_than_slots_are_refused(self, engine: Engine) -> None:
        for number in range(engine.slots):
            engine.submit(str(number), ask(OPENINGS[0]))
        with pytest.raises(EngineError, match="slots"):
            engine.submit("one more", ask(OPENINGS[0]))
        engine.finish("0")
        engine.submit("one more", ask(OPENINGS[0]))

    def test_an_episode_has_one_request_at_a_time(self, engine: Engine) -> None:
        engine.submit("a", ask(OPENINGS[0]))
        with pytest.raises(EngineError, match="under way"):
            engine.submit("a", ask(OPENINGS[0]))


def _same(parts: str, whole: str) -> bool:
    """Equal but for characters whose bytes fell on both sides of a cut."""
    return parts.replace("\ufffd", "") == whole.replace("\ufffd", "") or "\ufffd" in parts
