"""The pico models: what they were trained on, and that llama.cpp computes what torch does."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from harness.models import registry
from harness.protocol import Protocol
from harness.suites.invent import invent, side_of
from harness.tools import Toolbox
from harness.types import Action, Answer, Completion
from harness.worlds.none import NoWorld
from pico import shapes, thoughts
from pico.corpus import HARNESS, MOVE
from pico.episodes import OBSERVED, SLIP, Transcript, few_shot, transcripts
from pico.numbers import exchanged

TOOLS = ("calculate", "wikipedia", "search")
NUMBERS = re.compile(r"\d+(?:\.\d+)?")
SHIPPED = sorted(shapes.WEIGHTS.glob("*.gguf"))


@pytest.fixture(scope="module")
def episodes() -> list[Transcript]:
    return [t for seed in (3, 1_000_005) for t in transcripts(seed, 140)]


# --- what they were trained on ------------------------------------------------------------


def test_no_invented_name_of_a_benchmark_is_in_the_training_episodes(
    episodes: list[Transcript],
) -> None:
    trained = " ".join(t.text for t in episodes)
    for seed in (0, 3, 1_000_005):  # the very seeds that the episodes were made from, too
        coined = invent(seed, 140, split="eval").names
        assert not [name for name in coined if re.search(rf"\b{re.escape(name)}\b", trained)]


def test_no_number_of_a_benchmark_is_in_the_training_episodes(episodes: list[Transcript]) -> None:
    texts = [re.sub(r"(?<=\d),(?=\d{3})", "", t.text) for t in episodes]  # a slip writes 30,233
    whole = {n for text in texts for n in re.findall(r"(?<![\d.])\d{2,}(?![\d.]*\d)", text)}
    assert len(whole) > 500
    assert {side_of(number) for number in whole} == {"train"}


def test_the_same_seed_gives_the_same_episodes(episodes: list[Transcript]) -> None:
    assert [t.text for t in transcripts(3, 140)] == [t.text for t in episodes[:140]]


def test_every_turn_to_learn_is_strictly_well_formed(episodes: list[Transcript]) -> None:
    for transcript in episodes:
        for part in transcript.parts:
            if part.role == OBSERVED:
                continue
            stop = "\nQuestion:" if part.text.endswith("\nQuestion:") else "Observation:"
            parsed = Protocol(TOOLS).read(Completion(part.text.removesuffix(stop), "stop", stop))
            assert parsed.errors == (), part.text
            assert isinstance(parsed.move, Answer if "Question" in stop else Action)


def test_episodes_end_with_an_accepted_answer(episodes: list[Transcript]) -> None:
    categories = {t.task.category for t in episodes}
    assert len(categories) == 7
    for transcript in episodes:
        accepted = [f"Answer: {answer}\n\nQuestion:" for answer in transcript.task.answer.accepted]
        assert transcript.text.endswith(tuple(accepted))


def test_a_slip_is_in_the_history_but_not_to_be_learnt(episodes: list[Transcript]) -> None:
    pytest.importorskip("tokenizers")
    from pico.data import sample

    slipped = next(t for t in episodes if t.recovers)
    learnt = sample(slipped)
    assert learnt.category == "recovery"
    assert len(learnt.tokens) == len(learnt.kinds)
    ungraded = sum(part.role == SLIP for part in slipped.parts)
    turns = np.diff([0, *(kind != HARNESS for kind in learnt.kinds)])
    written = sum(part.role != OBSERVED for part in slipped.parts)
    assert ungraded == 1
    assert (turns == 1).sum() == written - 1


def test_a_slip_is_a_call_that_the_tool_refuses(episodes: list[Transcript]) -> None:
    answers = [
        after.text
        for transcript in episodes
        for part, after in pairwise(transcript.parts)
        if part.role == SLIP
    ]
    assert len(answers) > 5
    for text in answers:
        assert re.match(r" (Error: |No article )", text), text


def test_a_misspelt_title_has_one_slip() -> None:
    chance = Random(1)
    slips = {thoughts.misspelt("Orvale", chance) for _ in range(200)}
    lost, doubled = {"Orale", "Orvle", "Orvae"}, {"Orvvale", "Orvaale", "Orvalle"}
    assert slips == lost | doubled | {"Oravle", "Orvlae", "Orvael"}


@pytest.mark.parametrize("expr", ["1905 * 12", "48000 + 7", "96 / 8", "31 - 4"])
def test_a_miswritten_sum_is_refused_by_the_calculator(expr: str) -> None:
    box = Toolbox(("calculate",), NoWorld())
    written = {thoughts.miswritten(expr, Random(seed))[0] for seed in range(20)}
    assert expr not in written
    assert {box.call("calculate", sum).outcome for sum in written} == {"bad_argument"}


def test_exchanged_numbers_belong_to_the_training_side_and_leave_the_rest(
    episodes: list[Transcript],
) -> None:
    changed = 0
    for transcript in episodes:
        other = exchanged(transcript, Random(1))
        changed += other != transcript
        assert NUMBERS.sub("#", other.text) == NUMBERS.sub("#", transcript.text)
        pairs = set(zip(NUMBERS.findall(transcript.text), NUMBERS.findall(other.text), strict=True))
        assert len(dict(pairs)) == len(pairs), "a number stands for one other"
        new = {n for before, n in pairs if n != before}
        assert {side_of(number) for number in new} <= {"train"}
        assert other.parts == transcript.parts or not other.recovers
    assert changed > len(episodes) / 2


# --- the tokenizer ------------------------------------------------------------------------


def test_a_history_has_the_same_tokens_in_pieces_as_in_one(episodes: list[Transcript]) -> None:
    pytest.importorskip("tokenizers")
    from pico.data import sample
    from pico.tokenizer import ids, prefix_tokens

    for transcript in episodes[:40]:
        assert [*prefix_tokens(), *sample(transcript).tokens] == ids(
            few_shot().prefix + transcript.text
        )


def test_up_to_three_digits_are_a_token_and_moves_are_marked() -> None:
    pytest.importorskip("tokenizers")
    from pico.data import sample
    from pico.tokenizer import shipped

    transcript = next(t for t in transcripts(3, 7) if t.task.category == "arithmetic")
    learnt = sample(transcript)
    move = [token for token, kind in zip(learnt.tokens, learnt.kinds, strict=True) if kind == MOVE]
    text = shipped().decode(move)
    assert f"Action: calculate: {transcript.task.gold_actions[0].expr}\nObservation:" in text
    assert f"Answer: {transcript.task.answer.accepted[0]}\n\nQuestion:" in text
    assert shipped().encode("x 1905 048").tokens == ["x", "Ġ", "190", "5", "Ġ", "048"]


def test_llama_cpp_reads_text_as_the_tokenizer_does(episodes: list[Transcript]) -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    from pico.tokenizer import ids

    model = llama_cpp.Llama(str(SHIPPED[0]), vocab_only=True, verbose=False)
    odd = [
        "",
        "a  b\n\n c",
        "\t\tx \n",
        "２½²٣ 4.5e-6",
        "東京は 12 km²",
        "don't “quote” 3,000",
    ]
    for text in [few_shot().text, *odd, *(t.text for t in episodes[:60])]:
        assert model.tokenize(text.encode(), add_bos=False, special=False) == ids(text), text
    control = model.tokenize(b"<|end|>", add_bos=False, special=True)
    assert control == [0]
    forged = model.tokenize(b"<|end|>", add_bos=False, special=False)
    assert 0 not in forged, "the name of a control token in a text is text"
    assert model.detokenize(forged) == b"<|end|>"


# --- how they begin -----------------------------------------------------------------------


@pytest.mark.parametrize("size", shapes.SIZES)
def test_a_model_that_has_learnt_nothing_copies_better_than_chance(size: str) -> None:
    torch = pytest.importorskip("torch")
    from pico.beginning import begin
    from pico.model import Llama

    torch.manual_seed(1)
    model = Llama(shapes.SIZES[size])
    once = torch.randint(1, shapes.VOCAB, (2, 80))

    def copied() -> float:
        guesses = model(torch.cat((once, once), 1))[:, 80:-1].argmax(-1)
        return float((guesses == once[:, 1:]).float().mean())

    chance = copied()
    begin(model)
    assert chance < 0.02 < 0.05 < copied()


# --- export -------------------------------------------------------------------------------

TINY = shapes.Shape(width=64, layers=2, hidden=96, vocab=shapes.VOCAB)


BEHIND = {"prompt_sha256": few_shot().sha256}


def test_every_engine_computes_what_torch_computes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    llama_cpp = pytest.importorskip("llama_cpp")
    from pico import checkpoint, huggingface
    from pico.export import export, read_f16
    from pico.model import Llama

    torch.manual_seed(5)
    model = Llama(TINY).half().float()
    weights = {name: weight.detach().half().numpy() for name, weight in model.named_parameters()}
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(checkpoint.Checkpoint("tiny", TINY, weights, (BEHIND,)), path)
    full, q8, q4 = export(path, tmp_path)
    assert full.stat().st_size > q8.stat().st_size > q4.stat().st_size

    tokens = torch.randint(1, TINY.vocab, (1, 40))
    there = llama_cpp.Llama(str(full), n_ctx=64, logits_all=True, n_threads=1, verbose=False)
    there.eval(tokens[0].tolist())
    here = model(tokens)[0].detach().numpy()
    assert np.abs(there.scores[:40] - here).max() < 1e-2
    shared = model(tokens[:, 25:], model.read(tokens[:, :25]))[0].detach().numpy()
    assert np.abs(shared - here[25:]).max() < 1e-4

    again = read_f16(full)
    assert (again.size, again.shape, again.history[-1]) == ("tiny", TINY, BEHIND)
    assert again.weights.keys() == weights.keys()
    assert all((again.weights[name] == weight).all() for name, weight in weights.items())

    transformers = pytest.importorskip("transformers")
    other = transformers.AutoModelForCausalLM.from_pretrained(
        huggingface.write(again, tmp_path / "folder"), dtype=torch.float32
    )
    assert np.abs(other(tokens).logits[0].detach().numpy() - here).max() < 1e-3


def test_the_prefix_grows_between_bare_and_whole() -> None:
    pytest.importorskip("torch")
    from pico.train import shown

    assert [shown(done, 0.0, 0.0) for done in (0.0, 0.5, 1.0)] == [1, 1, 1]
    assert [shown(done, 1.0, 0.0) for done in (0.0, 0.5)] == [0, 0]
    assert [shown(done, 0.2, 0.6) for done in (0.1, 0.4, 0.6, 0.9)] == pytest.approx([0, 0.5, 1, 1])


def test_sizes_are_what_their_names_say() -> None:
    for name, shape in shapes.SIZES.items():
        assert shape.params == pytest.approx(float(name[:-1]) * 1e6, rel=0.1)
        assert shape.width % 32 == shape.hidden % 32 == 0


def test_every_size_ships_in_three_precisions() -> None:
    names = {f"pico-{size}-{kind}" for size in shapes.SIZES for kind in ("q4", "q8", "f16")}
    assert {path.stem for path in SHIPPED} == names


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_hold_as_many_weights_as_their_names_say(path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    name = path.stem.split("-")[1]
    file = gguf.GGUFReader(path)
    held = sum(int(np.prod(tensor.shape)) for tensor in file.tensors)
    row = registry.read_rows()[path.stem]
    assert held == shapes.SIZES[name].params == row.model.params
    trained_behind = file.get_field("pico.prompt_sha256").contents()
    assert trained_behind == few_shot().sha256, "the few-shot prompt is not the one trained on"
