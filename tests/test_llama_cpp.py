"""The llama.cpp engine, on small random models of every kind of memory it has."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_contract import OPENINGS, PREFIX, EngineContract, OpenEngine, ask, complete, drive
from tiny_gguf import ARCHITECTURES, EOS, KINDS, TOOL, TURN_END, TURN_START, write_tiny

from harness import engines
from harness.engines.llama_cpp import amx, cores, native
from harness.engines.llama_cpp.engine import LlamaCppEngine, load
from harness.engines.llama_cpp.threads import ThreadChoice, thread_candidates
from harness.models import gguf
from harness.types import EngineError, EngineSettings, Model, Piece, Sampling, UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def models(folder: Path) -> Callable[..., Path]:
    """Tiny models, each made once."""
    made: dict[str, Path] = {}

    def make(architecture: str = "llama", vocab: str = "bpe", quantise: str = "f32") -> Path:
        name = f"{architecture}-{vocab}-{quantise}.gguf"
        if name not in made:
            made[name] = write_tiny(folder / name, architecture, vocab=vocab, quantise=quantise)
        return made[name]

    return make


@pytest.fixture
def opened(models: Callable[..., Path]) -> Iterator[Callable[..., LlamaCppEngine]]:
    """Opens engines and closes them when the test ends."""
    engines_: list[LlamaCppEngine] = []

    def open_it(settings: EngineSettings | None = None, **kind: str) -> LlamaCppEngine:
        engine = load(
            Model("tiny", "llama_cpp", str(models(**kind))),
            settings or EngineSettings(slots=3, threads=1),
        )
        engines_.append(engine)
        return engine

    yield open_it
    for engine in engines_:
        engine.close()


@pytest.fixture
def engine(opened: Callable[..., LlamaCppEngine]) -> LlamaCppEngine:
    """A started engine on the llama model."""
    engine = opened()
    engine.start(PREFIX)
    return engine


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestContract(EngineContract):
    """The contract holds for attention, sliding-window, recurrent and hybrid models."""

    marker = TURN_START

    @pytest.fixture
    def open_engine(self, opened: Callable[..., LlamaCppEngine], architecture: str) -> OpenEngine:
        return lambda settings: opened(replace(settings, threads=1), architecture=architecture)


class TestSentencePiece(EngineContract):
    """The contract holds for a vocabulary that puts a space before what it is given."""

    marker = "</s>"

    @pytest.fixture
    def open_engine(self, opened: Callable[..., LlamaCppEngine]) -> OpenEngine:
        return lambda settings: opened(replace(settings, threads=1), vocab="spm")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_facts_say_what_kind_of_model_it_is(
    opened: Callable[..., LlamaCppEngine], architecture: str
) -> None:
    engine = opened(architecture=architecture, quantise="q8_0")
    engine.start(PREFIX)
    facts = engine.facts
    assert (facts["architecture"], facts["memory"]) == (architecture, KINDS[architecture])
    assert (facts["recipe"], facts["recipe_source"], facts["bits"]) == ("Q8_0", "file", 8)
    assert len(str(facts["file_sha256"])) == 64
    assert facts["n_ctx"] and facts["flash_attention"] and facts["system_info"]
    json.dumps(facts)


@pytest.mark.parametrize("vocab", ["bpe", "spm"])
def test_pieces_give_the_tokens_of_the_whole_text(
    opened: Callable[..., LlamaCppEngine], vocab: str
) -> None:
    words = opened(vocab=vocab)._vocab
    pieces = (
        "Question: a\nAnswer: b\n\nQuestion:",
        " Where is 東京, the town?\nThought:",
        " I need  to search\nObservation:",
        " naïve “number” 12\nThought:",
    )
    grown = words.opening([Piece(pieces[0])])
    for piece in pieces[1:]:
        grown += words.continuation([Piece(piece)])
    assert grown == words.opening([Piece("".join(pieces))])


@pytest.mark.parametrize("vocab", ["bpe", "spm"])
@pytest.mark.parametrize("pattern", ["{}", " a {} b", "{0}{0}", "x{}", "{}\n{}", "<|{}|>"])
def test_data_never_becomes_a_turn_token(
    opened: Callable[..., LlamaCppEngine], vocab: str, pattern: str
) -> None:
    words = opened(vocab=vocab)._vocab
    for mark in (EOS, TURN_START, TURN_END, TOOL, "<s>", "</s>", "<unk>"):
        text = pattern.format(mark, mark)
        tokens = words.continuation([Piece(text)])
        assert not any(words.is_reserved(token) for token in tokens)
        assert b"".join(map(words.piece, tokens)).decode() == text


def test_special_pieces_do_become_turn_tokens(opened: Callable[..., LlamaCppEngine]) -> None:
    words = opened()._vocab
    tokens = words.continuation([Piece(f"{TURN_START}", special=True), Piece(TURN_START)])
    assert [words.is_reserved(token) for token in tokens] == [True] + [False] * (len(tokens) - 1)


def test_bos_comes_once_and_only_where_the_vocabulary_wants_it(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    spm, bpe = opened(vocab="spm")._vocab, opened(vocab="bpe")._vocab
    assert spm.opening([Piece("the town")])[0] == spm.bos
    assert spm.opening([Piece("<s>the town", special=True)]).count(spm.bos) == 1
    assert spm.bos not in spm.continuation([Piece(" the town")])
    assert bpe.bos not in bpe.opening([Piece("the town")])


def test_a_long_prompt_is_evaluated_in_batches(engine: LlamaCppEngine) -> None:
    long = " the town and the river" * 200 + "\nThought:"
    roomy = complete(engine, "a", ask(long))
    assert roomy.prompt_tokens > 512 and roomy.finish in ("length", "eos")
    engine.finish("a")
    beside = drive(engine, {"a": ask(long), "b": ask(OPENINGS[0])})
    assert beside["a"].text == roomy.text


def test_the_end_of_a_turn_is_neither_text_nor_history(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    engine = opened(EngineSettings(slots=1, threads=1, grammar='root ::= " the"'))
    engine.start(PREFIX)
    done = complete(engine, "a", ask(OPENINGS[0]))
    assert (done.finish, done.text, done.stop) == ("eos", " the", "")
    assert done.tokens == len(engine._histories.open("a").tokens) - done.prompt_tokens + 1


def test_a_grammar_shapes_the_text_and_its_vetoes_are_counted(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    engine = opened(
        EngineSettings(slots=2, threads=1, grammar='root ::= " I need" ("\\nAction: " [a-z]+)')
    )
    engine.start(PREFIX)
    for i in range(3):  # each generation begins at the grammar's root
        done = complete(engine, "a", ask(OPENINGS[0], stop=("\nObservation:",), max_tokens=20))
        assert done.text.startswith(" I need\nAction: ") and 0 < done.masked <= done.tokens, i


def test_a_stop_string_may_follow_what_a_grammar_allows(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    stop = '"\n\\Observation:é'
    engine = opened(
        EngineSettings(slots=1, threads=1, grammar='root ::= " the"', sampling=Sampling(2.0))
    )
    engine.start(PREFIX)
    ends = set()
    for seed in range(200):
        done = complete(engine, str(seed), ask(OPENINGS[0], stop=(stop,), seed=seed, max_tokens=40))
        engine.finish(str(seed))
        assert done.text == " the"
        ends.add(done.finish)
        if len(ends) == 2:
            break
    assert ends == {"eos", "stop"}


@pytest.mark.parametrize(
    "grammar", ["root ::= [", 'start ::= "a"', "root ::= nothing", 'root ::= root "a"']
)
def test_a_grammar_that_does_not_compile_is_the_users_mistake(
    opened: Callable[..., LlamaCppEngine], grammar: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="grammar"):
        opened(EngineSettings(slots=1, grammar=grammar))
    assert capfd.readouterr() == ("", "")


def test_a_prompt_beyond_the_models_context_is_explained(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "short.gguf", context=64)
    engine = load(Model("tiny", "llama_cpp", str(path)), EngineSettings(slots=1, threads=1))
    with pytest.raises(UserError, match="trained for 64"):
        engine.start((Piece(" town" * 100),))
    engine.start((Piece("Question:"),))
    assert engine.facts["episode_tokens"] == 64 - int(str(engine.facts["prefix_tokens"]))
    engine.close()


def test_weights_that_are_not_numbers_are_never_the_models_fault(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "nan.gguf")
    data = bytearray(path.read_bytes())
    data[-8192:] = b"\xff\xff\xff\x7f" * 2048  # NaN in 32 bits, in the last tensors
    path.write_bytes(data)
    engine = load(Model("nan", "llama_cpp", str(path)), EngineSettings(slots=1, threads=1))
    with pytest.raises(EngineError, match="NaN"):
        engine.start(PREFIX)
    engine.close()


def test_logits_that_turn_into_nan_end_that_episode_alone(engine: LlamaCppEngine) -> None:
    engine.submit("a", ask(OPENINGS[0]))
    history = engine._histories.find("a")
    assert engine._context and history
    rows = engine._advance(engine._context, [history])
    engine._context.logits(1)[0, 5] = math.nan
    engine._sample(engine._context, rows)
    [(name, done)] = engine.step()
    assert (name, done.finish) == ("a", "error") and "NaN" in done.error
    assert complete(engine, "a", ask(" again")).finish == "error"
    assert complete(engine, "b", ask(OPENINGS[0])).error == ""
    assert history.call is None


def test_nothing_reaches_stderr(
    models: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    engine = load(Model("tiny", "llama_cpp", str(models())), EngineSettings(slots=1))
    engine.start(PREFIX)
    complete(engine, "a", ask(OPENINGS[0]))
    engine.close()
    assert capfd.readouterr() == ("", "")
    assert any("llama" in line for line in native.log.lines())


def test_the_native_log_is_made_harmless() -> None:
    native.log.clear()
    native.log._note(4, "llama_x: \x1b[31mred\x07 \u202ename\n".encode(), None)
    native.log._note(5, b"more\n", None)
    assert native.log.why() == r"llama_x: \x1b[31mred\x07 \u202enamemore"
    assert len(native.log.lines()) == 1


def test_a_file_that_llama_cpp_refuses_carries_its_reason(tmp_path: Path) -> None:
    good = write_tiny(tmp_path / "good.gguf")
    data = good.read_bytes().replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_xx.weight")
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.gguf.*ffn_up"):
        load(Model("bad", "llama_cpp", str(bad)), EngineSettings(slots=1))


def test_an_engine_by_its_name_in_the_table(models: Callable[..., Path]) -> None:
    engine = engines.create(Model("tiny", "llama_cpp", str(models())), EngineSettings(slots=1))
    assert isinstance(engine, LlamaCppEngine)
    engine.close()


# --- the machine

AMX, PLAIN = "AVX512 = 1 | AMX_INT8 = 1 | OPENMP = 1", "AVX512 = 1 | OPENMP = 1"
Q4 = gguf.GgufFacts(
    "m.gguf", "llama", tensor_types={"Q4_0": 9, "F32": 1}, size_bytes=4 << 30, kv_bytes=1 << 19
)
F16 = gguf.GgufFacts("m.gguf", "llama", tensor_types={"F16": 9, "F32": 1})


@pytest.mark.parametrize(
    ("info", "facts", "on_gpu", "crashes", "avoided"),
    [
        (AMX, Q4, False, True, True),
        (AMX, Q4, False, False, False),
        (AMX, Q4, True, True, False),
        (AMX, F16, False, True, False),
        (PLAIN, Q4, False, True, False),
        ("AMX_INT8 = 0", Q4, False, True, False),
    ],
)
def test_amx_kernels_are_avoided_only_where_they_crash(
    info: str, facts: gguf.GgufFacts, on_gpu: bool, crashes: bool, avoided: bool
) -> None:
    assert amx.avoids_amx(info, facts, on_gpu, lambda: crashes) is avoided


def test_the_amx_trial_runs_once_for_a_build(
    models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    path = str(models(quantise="q4_0"))
    assert amx.amx_crashes(path) is False
    assert list(json.loads((tmp_path / "amx.json").read_text()).values()) == [False]
    assert amx.amx_crashes("no such file, and not opened again") is False


def test_a_trial_that_fails_otherwise_is_careful_and_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert amx.amx_crashes(str(tmp_path / "missing.gguf")) is True
    assert not (tmp_path / "amx.json").exists()


def test_threads_stay_within_this_machine() -> None:
    assert 1 <= cores.most_threads() <= (os.cpu_count() or 1)


def test_more_slots_than_llama_cpp_can_hold_are_refused(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    with pytest.raises(UserError, match=r"--slots 300: llama\.cpp holds at most 255 episodes"):
        opened(EngineSettings(slots=300))
    assert opened(EngineSettings(slots=255, episode_tokens=8, threads=1)).slots == 255


# --- threads, chosen by trying


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_trying_threads_changes_no_text(
    opened: Callable[..., LlamaCppEngine], architecture: str
) -> None:
    """Also not when they are tried again in mid-run: here, all the time."""
    requests = {text: ask(text, max_tokens=40) for text in OPENINGS[:3]}
    written = []
    for counts in ((1,), (2, 1), (3, 2, 1)):
        engine = opened(EngineSettings(slots=3, episode_tokens=100), architecture=architecture)
        engine._threads = restless = choice_of(*counts)
        engine.start(PREFIX)
        assert not restless.trying
        restless.begin()
        written.append(drive(engine, requests))
    texts = [{name: done.text for name, done in each.items()} for each in written]
    assert texts[0] == texts[1] == texts[2]


def test_the_thread_trial_is_recorded_and_a_fixed_count_needs_none(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    engine = opened(EngineSettings(slots=2))
    engine._threads = choice_of(2, 1)
    engine.start(PREFIX)
    trial = json.loads(json.dumps(engine.facts))["thread_trial"]
    assert trial["again"] == 0 and trial["seconds"] > 0
    assert trial["tokens_per_second"].keys() == {"1", "2"} and engine.facts["threads"] in (1, 2)
    fixed = opened(EngineSettings(slots=2, threads=2))
    fixed.start(PREFIX)
    assert fixed.facts["threads"] == 2 and "thread_trial" not in fixed.facts


def test_a_count_that_does_not_come_back_is_given_up(
    opened: Callable[..., LlamaCppEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two threads on a machine where other programs use both cores."""
    texts = []
    for patience in (60.0, -1.0):
        monkeypatch.setattr(cores, "patience", lambda _, seconds=patience: seconds)
        engine = opened(EngineSettings(slots=3, episode_tokens=100))
        engine._threads = choice_of(2, 1)
        engine.start(PREFIX)
        texts.append(
            {n: c.text for n, c in drive(engine, {t: ask(t) for t in OPENINGS[:3]}).items()}
        )
    assert engine._threads.speeds == {2: 0.0, 1: 0.0} and engine._threads.best == 2
    assert texts[0] == texts[1]


def choice_of(*counts: int) -> ThreadChoice:
    return ThreadChoice(counts, cores.idle_seconds)


class Machine:
    """So many tokens a second with each count of threads; batches of four."""

    def __init__(self, speeds: dict[int, float], idle_cores: float = 0.0) -> None:
        self.speeds = speeds
        self.idle_cores = idle_cores
        self.idle = 0.0
        self.choice = ThreadChoice(sorted(speeds, reverse=True), lambda: self.idle)
        self.choice.begin()

    def decode(self, seconds: float = 0.0) -> None:
        """Until no trial is under way and so many seconds have passed."""
        spent = 0.0
        while spent < seconds or self.choice.trying:
            took = 4 / self.speeds[self.choice.count]
            spent += took
            self.idle += took * self.idle_cores
            self.choice.note(4, took)


QUIET, BUSY = {4: 200.0, 3: 170.0, 2: 120.0, 1: 65.0}, {4: 20.0, 3: 160.0, 2: 115.0, 1: 60.0}


@pytest.mark.parametrize(
    ("cores", "counts"), [(1, (1,)), (2, (2, 1)), (4, (4, 3, 2, 1)), (6, (6, 5, 4, 2, 1))]
)
def test_the_counts_worth_trying(cores: int, counts: tuple[int, ...]) -> None:
    assert thread_candidates(cores) == counts


@pytest.mark.parametrize(
    ("speeds", "best"),
    [
        (QUIET, 4),
        (BUSY, 3),
        ({4: 5.0, 3: 6.0, 2: 20.0, 1: 40.0}, 1),
        ({4: 101.0, 3: 100.0, 2: 99.0, 1: 50.0}, 2),
    ],
)
def test_the_fastest_count_is_chosen_the_fewest_where_equal(
    speeds: dict[int, float], best: int
) -> None:
    here = Machine(speeds)
    here.decode()
    assert here.choice.best == here.choice.count == best


def test_a_large_model_is_not_asked_about_counts_without_hope() -> None:
    choice, looked_at = ThreadChoice(thread_candidates(64), lambda: 0.0), set()
    choice.begin()
    while choice.trying:
        looked_at.add(choice.count)
        choice.note(4, 4 / choice.count)  # a token a second and thread
    assert choice.best >= 63 and min(looked_at) == 16


def test_the_count_follows_what_other_programs_do() -> None:
    here = Machine(QUIET)
    here.decode()
    here.choice.started(1.0)
    here.decode(100)
    assert (here.choice.best, here.choice.again) == (4, 0), "kept while it stays best"
    here.speeds = BUSY
    here.decode(12)
    assert (here.choice.best, here.choice.changes) == (3, 1), "another program came"
    here.decode(100)
    assert here.choice.again == 1, "no core is idle: more threads are not tried"
    here.speeds, here.idle_cores = QUIET, 1.0
    here.decode(200)
    assert (here.choice.best, here.choice.changes) == (4, 2), "and went: nothing fell"


def test_one_long_pause_does_not_decide_for_long() -> None:
    """A laptop slept in the middle of the first look: a second of it is counted."""
    here = Machine(QUIET, idle_cores=1.0)
    here.choice.note(4, 0.02)
    here.choice.note(4, 1.0)
    here.decode(120)
    assert here.choice.best == 4


def test_threads_given_up_are_not_chosen() -> None:
    here = Machine(BUSY)
    assert here.choice.first_look and here.choice.count == 4
    here.choice.give_up(1.0)
    here.decode()
    assert here.choice.best == 3
