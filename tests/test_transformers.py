"""The transformers engine on tiny random models of every kind of state, on the CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

import torch
from engine_contract import EngineContract, OpenEngine
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from harness.common.clock import awake
from harness.engines import create
from harness.engines.transformers.text import FolderTokeniser, TokenText
from harness.types import Completion, EngineSettings, Generate, Model, Piece, Sampling, UserError

torch.set_num_threads(1)  # matrices of 64 by 64: more threads only wait for each other

PREFIX = "Answer in turns.\n\nQuestion: What is 2 + 2?\nThought: easy.\nAnswer: 4\n\nQuestion:"
TEXT = (
    PREFIX + " How high is the tower?\nThought: I look.\nAction: wikipedia: Tower\nObservation: 41"
)
SMALL: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 4}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
WIDE = {**SMALL, **HEADS, "intermediate_size": 128}
WINDOW = {"sliding_window": 24, "layer_types": ["sliding_attention", "full_attention"] * 2}
STATE = {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 16}
# Attention with positions turned, learnt and relative; a sliding window shorter than the
# text; a recurrent state; and both kinds in one model.
KINDS: dict[str, dict[str, Any]] = {
    "llama": WIDE,
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 1024},
    "bloom": {"hidden_size": 64, "n_layer": 2, "n_head": 4},
    "gemma3_text": {**WIDE, **WINDOW, "head_dim": 16},
    "rwkv": {**SMALL, "context_length": 1024},
    "mamba": SMALL,
    "lfm2": {**WIDE, "layer_types": ["conv", "full_attention"] * 2},
    "falcon_h1": {**WIDE, **STATE},
}


def byte_tokenizer() -> Any:
    """Byte-level, as GPT-2's and most since."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator([TEXT], trainer)
    inner.add_tokens([AddedToken("<think>", special=False), AddedToken("    ", special=False)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")


def space_tokenizer() -> Any:
    """As SentencePiece's: a space in front of every text, bytes for what is unknown."""
    inner = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    inner.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special[:3], show_progress=False)
    inner.train_from_iterator([TEXT], trainer)
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    vocabulary = inner.get_vocab()
    for byte in special[3:]:
        vocabulary[byte] = len(vocabulary)
    merges = [tuple(pair) for pair in _merges(inner)]
    inner.model = models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>")
    inner.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def _merges(tokenizer: Any) -> list[list[str]]:
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    return merges


@dataclass
class Folders:
    """Model folders, made when first asked for."""

    root: Path

    def __call__(self, kind: str) -> Path:
        folder = self.root / kind
        if not folder.exists():
            tokenizer = byte_tokenizer()
            torch.manual_seed(3)
            # Large weights, so that what was read long ago still matters to the next token.
            config = AutoConfig.for_model(
                kind,
                vocab_size=len(tokenizer),
                initializer_range=0.2,
                **{"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1},
                **KINDS[kind],
            )
            network = AutoModelForCausalLM.from_config(config)
            network.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("hf"))


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def open_engine(
    folder: Path,
    slots: int = 3,
    episode_tokens: int = 400,
    temperature: float = 0.0,
    **options: object,
) -> Any:
    settings = EngineSettings(
        slots=slots, episode_tokens=episode_tokens, sampling=Sampling(temperature=temperature)
    )
    options = {"quantisation": "none", "device": "cpu", **options}
    return create(Model("tiny", "transformers", str(folder), options=options), settings)


@pytest.fixture
def llama(folders: Folders) -> Iterator[Any]:
    engine = open_engine(folders("llama"))
    engine.start([Piece(PREFIX)])
    yield engine
    engine.close()


class Contract(EngineContract):
    """What every engine must do, for one kind of state."""

    marker = "</s>"
    kind = "llama"

    @pytest.fixture
    def open_engine(self, folders: Folders) -> OpenEngine:
        options = {"quantisation": "none", "device": "cpu"}
        model = Model("tiny", "transformers", str(folders(self.kind)), options=options)
        return lambda settings: create(model, settings)


class TestAttention(Contract):
    pass


class TestRecurrent(Contract):
    kind = "rwkv"


class TestHybrid(Contract):
    kind = "lfm2"


def ask(text: str, max_tokens: int = 10, stop: tuple[str, ...] = (), seed: int = 0) -> Generate:
    return Generate((Piece(text),), stop, max_tokens, seed)


def run(engine: Any, *wanted: str) -> dict[str, Completion]:
    """Step until these episodes have ended their generations."""
    ended: dict[str, Completion] = {}
    for _ in range(600):
        ended.update(engine.step())
        if set(wanted) <= set(ended):
            return ended
    raise AssertionError(f"no end of {set(wanted) - set(ended)}")


class Reference:
    """The same model asked the plain way: the whole history again for every token."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.histories: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def turn(self, episode: str, text: str, max_tokens: int) -> str:
        history = self.histories.setdefault(episode, self.encode(PREFIX))
        history += self.encode(text)
        made: list[int] = []
        while len(made) < max_tokens:
            with torch.inference_mode():
                logits = self.network(input_ids=torch.tensor([history + made])).logits
            made.append(int(logits[0, -1].argmax()))
            if made[-1] == 1:
                made.pop()
                break
        history += made
        text = self.tokenizer.decode(made)
        return text


def test_interleaved_episodes_read_as_if_each_were_alone(folders: Folders, kind: str) -> None:
    """Turns of unequal length, begun and ended at different times, batched and copied from
    one shared prefix, give token for token what the plain way gives."""
    engine, reference = open_engine(folders(kind)), Reference(folders(kind))
    engine.start([Piece(PREFIX)])
    turns = {
        "a": [(" How high?\nThought:", 9), (" A tower.\nThought:", 5), (" 7\nThought:", 6)],
        "b": [(" Who was it, and where did it all begin?\nThought:", 4), (" Yes.\nThought:", 12)],
        "c": [(" Why?\nThought:", 15), (" An observation that is longer.\nThought:", 3)],
    }
    expected = {n: [reference.turn(n, t, m) for t, m in rows] for n, rows in turns.items()}
    got: dict[str, list[str]] = {name: [] for name in turns}
    waiting = {name: list(rows) for name, rows in turns.items()}
    for name in ("a", "b", "c"):  # each begins one step after the other
        engine.submit(name, ask(*waiting[name].pop(0)))
        for ended, completion in engine.step():
            got[ended].append(completion.text)
    while any(len(got[name]) < len(turns[name]) for name in turns):
        for name, completion in engine.step():
            assert completion.finish in ("length", "eos"), completion
            got[name].append(completion.text)
            if waiting[name]:
                engine.submit(name, ask(*waiting[name].pop(0)))
    assert got == expected
    engine.close()


def test_what_each_kind_bears_is_measured(folders: Folders, kind: str) -> None:
    """In transformers, mamba forgets its state when several tokens follow it, and rwkv mixes
    the rows of a batch up when one token does; the engine goes round both."""
    facts = open_engine(folders(kind)).facts
    assert facts["chunked"] is (kind != "mamba")
    assert facts["batched"] is (kind != "rwkv")


def test_a_stop_string_ends_the_text_and_stays_in_the_history(folders: Folders, kind: str) -> None:
    reference = Reference(folders(kind))
    whole = reference.turn("x", " How high?\nThought:", 12)
    assert len(whole) > 4
    stop = whole[3:5]
    engine = open_engine(folders(kind))
    engine.start([Piece(PREFIX)])
    engine.submit("x", ask(" How high?\nThought:", 12, (stop,)))
    first = run(engine, "x")["x"]
    assert first.finish == "stop" and first.stop == stop
    assert first.text == whole[: whole.index(stop)]
    assert whole.startswith(first.text + first.stop + first.tail)
    # The next turn goes on behind what was really generated, stop string and all.
    again = Reference(folders(kind))
    written = again.turn("x", " How high?\nThought:", first.tokens)
    assert written == first.text + first.stop + first.tail
    engine.submit("x", ask(" 9\nThought:", 5))
    assert run(engine, "x")["x"].text == again.turn("x", " 9\nThought:", 5)
    engine.close()


def test_tokens_are_counted(llama: Any) -> None:
    llama.submit("x", ask(" How high?", 7))
    done = run(llama, "x")["x"]
    assert done.tokens == 7 and done.finish == "length"
    assert done.prompt_tokens == len(llama._tokeniser.continuation([Piece(" How high?")]))
    assert done.masked == -1 and done.seconds > 0


def test_the_prefix_is_counted_and_hashed(folders: Folders) -> None:
    engine = open_engine(folders("gpt2"))
    assert engine.start([Piece(PREFIX)]) == engine.facts["prefix_tokens"] > 20
    first = engine.facts["prefix_tokens_sha256"]
    engine.start([Piece(PREFIX + " x")])
    assert engine.facts["prefix_tokens_sha256"] != first


def test_an_episode_may_begin_with_no_prefix(folders: Folders, kind: str) -> None:
    engine = open_engine(folders(kind))
    assert engine.start([]) == 0
    for name in "ab":
        engine.submit(name, ask("Thought:", 3))
    done = run(engine, "a", "b")
    assert done["a"].text == done["b"].text
    engine.submit("c", Generate((), (), 3, 0))
    assert run(engine, "c")["c"].finish == "error"


def test_draws_depend_on_the_seed_alone(folders: Folders) -> None:
    engine = open_engine(folders("llama"), temperature=1.0)
    engine.start([Piece(PREFIX)])
    engine.submit("alone", ask(" How?", 20, seed=5))
    alone = run(engine, "alone")["alone"].text
    engine.finish("alone")
    for name, seed in (("other", 6), ("same", 5), ("third", 7)):
        engine.submit(name, ask(" How?", 20, seed=seed))
    crowd = run(engine, "other", "same", "third")
    assert crowd["same"].text == alone != crowd["other"].text


def test_past_its_deadline_a_generation_ends(llama: Any) -> None:
    llama.submit("late", ask(" How?", 50), deadline=awake() - 1)
    llama.submit("fine", ask(" How?", 5), deadline=awake() + 600)
    done = run(llama, "late", "fine")
    assert (done["late"].finish, done["fine"].finish) == ("deadline", "length")


def test_an_episode_ends_where_its_room_does(folders: Folders) -> None:
    engine = open_engine(folders("llama"), episode_tokens=30)
    engine.start([Piece(PREFIX)])
    engine.submit("x", ask(" a b", 100))
    done = run(engine, "x")["x"]
    assert done.finish == "context" and done.prompt_tokens + done.tokens == 30
    engine.submit("x", ask(" more", 5))
    assert run(engine, "x")["x"] == Completion("", "context")
    engine.submit("y", ask(" word" * 40, 5))
    assert run(engine, "y")["y"] == Completion("", "context")


def test_the_model_itself_may_have_less_room(folders: Folders) -> None:
    engine = open_engine(folders("gpt2"), episode_tokens=9999)
    count = engine.start([Piece(PREFIX)])
    assert engine.facts["episode_tokens"] == 1024 - count
    with pytest.raises(UserError, match="room for 1024"):
        engine.start([Piece("word " * 2000)])


def test_an_episode_dropped_in_mid_batch_harms_no_other(llama: Any, folders: Folders) -> None:
    for name in "abc":
        llama.submit(name, ask(f" {name} how?", 8))
    for _ in range(4):
        assert llama.step() == []
    llama.finish("a")
    done = run(llama, "b", "c")
    reference = Reference(folders("llama"))
    assert {n: c.text for n, c in done.items()} == {
        n: reference.turn(n, f" {n} how?", 8) for n in "bc"
    }


def test_a_model_that_makes_no_numbers_is_an_engine_fault(folders: Folders) -> None:
    engine = open_engine(folders("llama"))
    engine.start([Piece(PREFIX)])
    with torch.no_grad():
        engine._network.model.lm_head.weight.fill_(float("nan"))
    engine.submit("x", ask(" how?"))
    done = run(engine, "x")["x"]
    assert done.finish == "error" and "not numbers" in done.error


def test_the_end_of_a_turn_is_what_the_folder_says(folders: Folders, tmp_path: Path) -> None:
    reference = Reference(folders("llama"))
    reference.turn("x", " How high?\nThought:", 8)
    written = reference.histories["x"][len(reference.encode(PREFIX + " How high?\nThought:")) :]
    assert len(written) == 8
    folder = copy_folder(folders("llama"), tmp_path / "ends")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, written[3]]}))
    engine = open_engine(folder)
    engine.start([Piece(PREFIX)])
    engine.submit("x", ask(" How high?\nThought:", 8))
    done = run(engine, "x")["x"]
    assert done.finish == "eos"
    assert done.text == reference.tokenizer.decode(written[: done.tokens - 1])


# --- tokens


@pytest.fixture(params=[byte_tokenizer, space_tokenizer])
def tokens(request: pytest.FixtureRequest) -> FolderTokeniser:
    return FolderTokeniser(request.param())


@pytest.mark.parametrize(
    "hostile", ["</s>", "<s>", "<think>", "a</s>b<think></s>", "<s><s>", "</s"]
)
@pytest.mark.parametrize("lead", ["", " "])
def test_data_never_becomes_a_control_token(
    tokens: FolderTokeniser, hostile: str, lead: str
) -> None:
    control = {
        i
        for i, t in tokens.tokenizer.added_tokens_decoder.items()
        if "s" in t.content or "think" in t.content
    }
    control -= {tokens.tokenizer.unk_token_id}
    ids = tokens.continuation([Piece(lead + hostile)])
    assert control.isdisjoint(ids)
    assert tokens.decode([*tokens.continuation([Piece(":")]), *ids]).endswith(lead + hostile)
    opening = tokens.opening([Piece(hostile)])
    assert control.isdisjoint(
        opening[1:] if opening[:1] == [tokens.tokenizer.bos_token_id] else opening
    )


def test_a_template_s_own_pieces_may_be_control_tokens(tokens: FolderTokeniser) -> None:
    ids = tokens.continuation([Piece("</s>", special=True), Piece("</s>")])
    assert ids.count(tokens.tokenizer.eos_token_id) == 1
    assert tokens.opening([Piece("<s>x", special=True)]).count(tokens.tokenizer.bos_token_id) == 1


def test_pieces_give_the_tokens_of_the_whole(tokens: FolderTokeniser) -> None:
    cuts = [
        TEXT[: len(PREFIX)],
        " How high is the tower?\nThought:",
        " I look.\nAction: wikipedia: Tower\nObservation:",
        " 41",
    ]
    assert "".join(cuts) == TEXT
    ids = tokens.opening([Piece(cuts[0])])
    for cut in cuts[1:]:
        ids += tokens.continuation([Piece(cut)])
    assert ids == tokens.opening([Piece(TEXT)])


def test_text_that_no_encoding_allows_is_still_taken(tokens: FolderTokeniser) -> None:
    assert tokens.continuation([Piece("a\ud800b\x00c")])
    assert tokens.continuation([Piece("")]) == [] == tokens.continuation([])


@pytest.mark.parametrize("text", [" plain words\nAction: x", " 富士山 é 👍🏽!", "\n\n  two", ""])
def test_text_comes_back_as_it_is_made(tokens: FolderTokeniser, text: str) -> None:
    ids = tokens.continuation([Piece(text)])
    reader = TokenText(tokens, tokens.continuation([Piece(" Thought:")]))
    parts = [reader.add(index) for index in ids]
    assert "".join(parts) + reader.end() == text
    assert all("\ufffd" not in part for part in parts)


def test_a_character_never_completed_is_shown_as_damaged() -> None:
    tokens = FolderTokeniser(byte_tokenizer())
    half = tokens.continuation([Piece("富")])[:2]
    reader = TokenText(tokens, [])
    assert [reader.add(index) for index in half] == ["", ""]
    assert reader.end() == "\ufffd"


# --- quantised


@pytest.mark.parametrize(
    ("said", "recipe"),
    [
        ({}, ("fp32", 32, "file")),
        ({"quant_method": "gptq", "bits": 4}, ("gptq-4", 4, "file")),
        ({"quant_method": "awq", "w_bit": 4}, ("awq-4", 4, "file")),
        ({"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, ("nf4", 4, "file")),
        ({"load_in_8bit": True}, ("int8", 8, "file")),
        ({"quant_method": "fp8"}, ("fp8", 8, "measured")),
    ],
)
def test_a_folder_that_is_quantised_already_says_how(
    folders: Folders, said: dict[str, object], recipe: tuple[str, int, str]
) -> None:
    from harness.engines.transformers.load import _recipe

    network = AutoModelForCausalLM.from_pretrained(folders("llama"))
    if said:
        network.config.quantization_config = said
    assert _recipe(network, measured=8.3) == recipe


@pytest.mark.parametrize("quantisation", ["nf4", "int8"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "rwkv"])
def test_quantised_models_run(folders: Folders, kind: str, quantisation: str) -> None:
    pytest.importorskip("bitsandbytes")
    plain, engine = (
        open_engine(folders(kind)),
        open_engine(folders(kind), quantisation=quantisation),
    )
    facts = engine.facts
    assert (plain.facts["recipe"], plain.facts["bits"]) == ("fp32", 32)
    assert (facts["recipe"], facts["bits"]) == (quantisation, 4 if quantisation == "nf4" else 8)
    assert facts["params"] == plain.facts["params"]
    assert facts["params_stored"] == plain.facts["params_stored"]
    assert facts["bits_per_weight"] < plain.facts["bits_per_weight"]
    assert facts["memory_bytes"] < plain.facts["memory_bytes"]
    engine.start([Piece(PREFIX)])
    for name in "ab":
        engine.submit(name, ask(" How high?\nThought:", 6))
    done = run(engine, "a", "b")
    assert done["a"].finish in ("length", "eos") and done["a"].text == done["b"].text
    engine.submit("a", ask(" 41\nThought:", 6))
    assert run(engine, "a")["a"].finish in ("length", "eos")
    engine.close()


def test_rwkv_stays_nf4(folders: Folders) -> None:
    """Rescaling while it runs would quantise the blocks again, as fp4."""
    pytest.importorskip("bitsandbytes")
    engine = open_engine(folders("rwkv"), quantisation="nf4")
    engine.start([Piece(PREFIX)])
    engine.submit("x", ask(" How?", 4))
    run(engine, "x")
    kinds = {
        p.quant_state.quant_type
        for p in engine._network.model.parameters()
        if hasattr(p, "quant_state")
    }
    assert kinds == {"nf4"}
    assert engine._network.model.config.rescale_every == 0


# --- what the manifest records, and what the user did wrong


def test_facts_tell_what_ran(folders: Folders) -> None:
    folder = folders("llama")
    facts = open_engine(folder, dtype="bfloat16").facts
    assert facts["architecture"] == "LlamaForCausalLM" and facts["device"] == "cpu"
    assert facts["dtype"] == "bfloat16" and facts["slots"] == 3
    assert set(facts["files"]) >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert all(len(digest) == 64 for digest in facts["files"].values())
    assert facts["config"]["num_hidden_layers"] == 4
    assert {"transformers", "torch"} <= set(facts["versions"])
    json.dumps(facts)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"quantisation": "q4"}, "no quantisation 'q4'; there are nf4, int8, none"),
        ({"dtype": "int3"}, "no dtype 'int3'"),
        ({"device": "tpu"}, "no device 'tpu' here; there is cpu"),
        ({"device": "cpu", "colour": "red"}, "no option 'colour'"),
    ],
)
def test_wrong_options_are_named(folders: Folders, options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        open_engine(folders("llama"), **options)


def copy_folder(folder: Path, target: Path, leave: str = "") -> Path:
    target.mkdir()
    for path in folder.iterdir():
        if path.name != leave:
            (target / path.name).write_bytes(path.read_bytes())
    return target


def test_folders_that_cannot_be_opened(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        open_engine(tmp_path / "nothing")
    pickled = copy_folder(folders("llama"), tmp_path / "pickled", leave="model.safetensors")
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(UserError, match="could run code"):
        open_engine(pickled)
    strange = copy_folder(folders("llama"), tmp_path / "strange")
    (strange / "config.json").write_text('{"model_type": "warp-drive"}')
    with pytest.raises(UserError, match="warp-drive"):
        open_engine(strange)
    cut = copy_folder(folders("llama"), tmp_path / "cut")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UserError, match="cannot open"):
        open_engine(cut)


def test_code_in_a_folder_is_never_run(folders: Folders, tmp_path: Path) -> None:
    folder = copy_folder(folders("llama"), tmp_path / "code")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: ...\n")
    (folder / "config.json").write_text(
        '{"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C"}}'
    )
    with pytest.raises(UserError, match="runs no code"):
        open_engine(folder)
    assert not (tmp_path / "ran").exists()


def test_a_repository_that_is_not_here_is_not_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"models pull tiny"):
        create(Model("tiny", "transformers", "hf:nobody/nothing-at-all"), EngineSettings())
