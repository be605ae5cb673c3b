"""The grammar as llama.cpp itself understands it: what it compiles, accepts and writes."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.protocol import DIALECTS, Protocol
from harness.protocol.grammar import write_grammar
from harness.types import Action, Answer, Completion

np = pytest.importorskip("numpy")
llama_cpp = pytest.importorskip("llama_cpp")
pytest.importorskip("gguf")

TOOLS = ("calculate", "wikipedia", "google_search")


class Vocabulary:
    """One token a byte: what a grammar lets through can be tried character by character."""

    def __init__(self, path: Path) -> None:
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        self.pointer = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.pointer)
        self.end = llama_cpp.llama_vocab_eos(self.pointer)
        self.ids = {
            piece: token for token in range(self.size) if len(piece := self.piece(token)) == 1
        }

    def piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        size = llama_cpp.llama_token_to_piece(self.pointer, token, buffer, 64, 0, True)
        return buffer.raw[: max(size, 0)]


class Automaton:
    """A compiled grammar, fed byte by byte."""

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        self.vocabulary = vocabulary
        self.sampler = llama_cpp.llama_sampler_init_grammar(
            vocabulary.pointer, text.encode(), b"root"
        )
        assert self.sampler, "the grammar does not compile"

    def allowed(self) -> list[int]:
        """The byte tokens that may follow, and the end token where the text is whole."""
        vocabulary = self.vocabulary
        tokens = [*vocabulary.ids.values(), vocabulary.end]
        data = (llama_cpp.llama_token_data * len(tokens))(*((token, 0.0, 0.0) for token in tokens))
        array = llama_cpp.llama_token_data_array(data, len(tokens), -1, False)
        llama_cpp.llama_sampler_apply(self.sampler, ctypes.byref(array))
        return [data[i].id for i in range(len(tokens)) if np.isfinite(data[i].logit)]

    def accepts(self, text: str) -> bool:
        """Whether the whole text, and nothing more, is in the language."""
        for byte in text.encode():
            token = self.vocabulary.ids[bytes([byte])]
            if token not in self.allowed():
                return False
            llama_cpp.llama_sampler_accept(self.sampler, token)
        return self.vocabulary.end in self.allowed()

    def write(self, rng: random.Random, longest: int = 400) -> str | None:
        """A random text of the language, in ASCII where it may; None where it runs long."""
        written = b""
        while len(written) < longest:
            allowed = self.allowed()
            plain = [
                t for t in allowed if t == self.vocabulary.end or self.vocabulary.piece(t) < b"\x7f"
            ]
            choices = plain or allowed
            newline = self.vocabulary.ids[b"\n"]
            ends = [
                t for t in choices if t in (newline, self.vocabulary.end, self.vocabulary.ids[b"]"])
            ]
            token = rng.choice(ends if ends and rng.random() < 0.15 else choices)
            if token == self.vocabulary.end:
                return written.decode()
            llama_cpp.llama_sampler_accept(self.sampler, token)
            written += self.vocabulary.piece(token)
        return None


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    from tests.tiny_gguf import write_tiny

    yield Vocabulary(write_tiny(tmp_path_factory.mktemp("vocabulary") / "tiny.gguf"))


GOOD = [
    ("colon", " I look it up.\nAction: wikipedia: Japan\nObservation:"),
    ("colon", " 12 is half of 24.\nAction: calculate: -3 * (4 + 5)\nObservation:"),
    ("colon", " I know it.\nAnswer: Star Wars: A New Hope\n\nQuestion:"),
    ("colon", " I know it.\nAnswer: -5\nQuestion:"),
    ("colon", " I look it up.\nAction: wikipedia: Observatory of Oslo\nObservation:"),
    ("bracket", " I look it up.\nAction 1: wikipedia[Creed (band)]\nObservation"),
    ("bracket", " I know it.\nAction: Finish[1,800 to 7,000 ft]\nQuestion:"),
    ("two_line", " I look it up.\nAction: wikipedia\nAction Input: Japan\nObservation:"),
    ("two_line", " I know it.\nFinal Answer: Tokyo\nQuestion:"),
    ("deck", " I look it up.\nAnswer: google_search: France population\n"),
    ("colon-ja", " 東京を調べる。\n行動: wikipedia: 東京\n観察:"),
]
BAD = [
    ("colon", " I look it up.\nAction: bing: Japan\nObservation:"),  # no such tool
    ("colon", "\nAction: wikipedia: Japan\nObservation:"),  # no thought
    ("colon", " I look.\nAction: wikipedia: \nObservation:"),  # no input
    ("colon", " I look.\nAction: wikipedia: Japan\nAction: wikipedia: Tokyo\nObservation:"),
    ("colon", " I look.\nAction: wikipedia: Japan\nObservation: Japan is a country."),
    ("colon", " I look.\nAction: wikipedia: Japan Observation: Japan is a country.\nObservation:"),
    ("colon", " I look.\nAction: wikipedia: Observation: x\nObservation:"),
    ("colon", ' I look.\nAction: wikipedia: "Japan"\nObservation:'),
    ("colon", " Action: wikipedia: Japan\nAnswer: x\nQuestion:"),  # a label in the thought
    ("colon", " I look.\nAnswer: \nQuestion:"),
    ("colon", " I look."),
    ("bracket", " I look.\nAction: wikipedia: Japan\nObservation"),
    ("two_line", " I look.\nAction: wikipedia: Japan\nObservation:"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_compiles(vocabulary: Vocabulary, dialect: str) -> None:
    text = write_grammar(Protocol(TOOLS, dialect))
    Automaton(vocabulary, text)
    rules = [line.partition(" ::= ")[0] for line in text.splitlines()]
    assert all(rule.replace("-", "").isalpha() and rule.islower() for rule in rules)


@pytest.mark.parametrize(("dialect", "text"), GOOD)
def test_the_form_is_let_through(vocabulary: Vocabulary, dialect: str, text: str) -> None:
    assert Automaton(vocabulary, write_grammar(Protocol(TOOLS, dialect))).accepts(text)


@pytest.mark.parametrize(("dialect", "text"), BAD)
def test_anything_else_is_not(vocabulary: Vocabulary, dialect: str, text: str) -> None:
    assert not Automaton(vocabulary, write_grammar(Protocol(TOOLS, dialect))).accepts(text)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_whatever_it_writes_is_well_formed(vocabulary: Vocabulary, dialect: str) -> None:
    rng = random.Random(7)
    texts = [
        Automaton(vocabulary, write_grammar(Protocol(TOOLS, dialect))).write(rng) for _ in range(25)
    ]
    whole = [text for text in texts if text is not None]
    assert len(whole) >= 12
    kinds = set()
    for text in whole:
        for stop in DIALECTS[dialect].stops:  # as the engine cuts it
            if text.endswith(stop):
                text = text.removesuffix(stop)
                break
        else:
            stop = ""
        parsed = Protocol(TOOLS, dialect).read(Completion(text, "stop", stop))
        assert not parsed.errors, (text, parsed)
        kinds.add(type(parsed.move))
    assert kinds == ({Action} if dialect == "deck" else {Action, Answer})


def test_a_tool_name_with_any_character_is_quoted(vocabulary: Vocabulary) -> None:
    text = write_grammar(Protocol(['say "hi"\\', "日本"]))
    assert Automaton(vocabulary, text).accepts(" I say.\nAction: 日本: x\nObservation:")


def test_without_tools_only_an_answer_is_left(vocabulary: Vocabulary) -> None:
    text = write_grammar(Protocol([]))
    assert Automaton(vocabulary, text).accepts(" I know it.\nAnswer: 4\nQuestion:")
    assert not Automaton(vocabulary, text).accepts(" I look.\nAction: wikipedia: x\nObservation:")
