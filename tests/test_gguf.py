"""What a GGUF file is read as, and what is said about files that are no model."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gguf as gguf_package
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_gguf import ARCHITECTURES, write_tiny

from harness.engines import gguf
from harness.engines._gguf_tables import TENSOR_TYPES
from harness.types import UserError


def header(*, version: int = 3, tensors: int = 0, keys: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + rest


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


ARCHITECTURE = pair("general.architecture", 8, text("llama"))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("gguf") / "good.gguf")


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(data: bytes, name: str = "model.gguf") -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("quantise", ["f32", "f16", "q8_0", "q4_0"])
def test_facts_come_from_the_file(tmp_path: Path, architecture: str, quantise: str) -> None:
    path = write_tiny(tmp_path / "x.gguf", architecture, quantise=quantise)
    facts = gguf.inspect(path)
    assert (facts.architecture, facts.name) == (architecture, f"tiny-{architecture}")
    assert (facts.context_length, facts.layers, facts.tokenizer) == (4096, 2, "gpt2")
    assert facts.quantisation == quantise.upper()
    assert facts.bits == {"f32": 32, "f16": 16, "q8_0": 8, "q4_0": 4}[quantise]
    assert facts.size_bytes == path.stat().st_size and facts.parts == (str(path),)
    assert facts.vocab == facts.eos_id + 4 and facts.bos_id == facts.eos_id


def test_parameters_and_types_agree_with_the_gguf_package(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "x.gguf", quantise="q4_0")
    reader = gguf_package.GGUFReader(path)
    counts: dict[str, int] = {}
    for tensor in reader.tensors:
        counts[tensor.tensor_type.name] = counts.get(tensor.tensor_type.name, 0) + int(
            tensor.n_elements
        )
    facts = gguf.inspect(path)
    assert dict(facts.tensor_types) == counts and facts.params == sum(counts.values())


def test_block_sizes_agree_with_the_gguf_package() -> None:
    for kind, (block, size) in gguf_package.GGML_QUANT_SIZES.items():
        if kind.name != "Q8_1":  # never stored; the package counts it as it once was
            assert TENSOR_TYPES[kind.value] == (kind.name, block, size)


def test_the_cache_of_a_token_is_counted_by_layer(tmp_path: Path) -> None:
    # 2 bytes x keys and values x 2 heads of 16, in 2 layers (one of them in the hybrid)
    assert gguf.inspect(write_tiny(tmp_path / "a.gguf")).kv_bytes == 2 * 2 * 2 * 16 * 2
    assert gguf.inspect(write_tiny(tmp_path / "b.gguf", "lfm2")).kv_bytes == 2 * 2 * 2 * 16
    assert gguf.inspect(write_tiny(tmp_path / "c.gguf", "mamba")).kv_bytes == 0


FOREIGN = {
    b"": "it is empty",
    b"lmgg" + bytes(60): "old ggml file",
    b"fmgg" + bytes(60): "old ggmf file",
    b"tjgg\x03\0\0\0" + bytes(60): "old ggjt file",
    b"\n<!DOCTYPE html><html>": "web page",
    b"version https://git-lfs.github.com/spec/v1\noid": "git lfs pull",
    b"PK\x03\x04" + bytes(30): "PyTorch",
    struct.pack("<Q", 80) + b'{"__metadata__"': "safetensors",
    b'{"error": "not found"}': "JSON",
    bytes(4096): "interrupted download",
    b"hello": "first bytes are not GGUF",
    header(version=1): "GGUF version 1",
    b"GGUF" + struct.pack(">I", 3) + bytes(16): "big-endian",
    header(version=99): "version 99",
    b"GGUF\x03\0": "ends inside its header",
}


@pytest.mark.parametrize(("data", "says"), FOREIGN.items(), ids=FOREIGN.values())
def test_what_is_no_model_is_named(save: Callable[..., Path], data: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        gguf.inspect(save(data))
    assert "model.gguf" in str(caught.value) and "\n" not in str(caught.value)


HUGE = 1 << 63
DAMAGED = {
    "a 49-byte file that claims a list of 2^63": header(
        keys=1, rest=text("x") + struct.pack("<IIQ", 9, 4, HUGE)
    ),
    "a list of 2^40 bytes": header(keys=1, rest=text("x") + struct.pack("<IIQ", 9, 0, 1 << 40)),
    "a list of 2^40 texts": header(
        keys=1, rest=text("x") + struct.pack("<IIQ", 9, 8, 1 << 40) + bytes(64)
    ),
    "texts longer than the file": header(
        keys=1, rest=text("x") + struct.pack("<IIQQ", 9, 8, 1, HUGE)
    ),
    "a list of lists": header(keys=1, rest=text("x") + struct.pack("<IIQ", 9, 9, 1) + bytes(64)),
    "a key of 2^63 letters": header(keys=1, rest=struct.pack("<Q", HUGE)),
    "2^63 keys": header(keys=HUGE),
    "2^63 tensors": header(tensors=HUGE),
    "metadata of type 77": header(keys=1, rest=pair("x", 77, bytes(8))),
    "a tensor of 9 dimensions": header(
        tensors=1, keys=1, rest=ARCHITECTURE + text("t") + struct.pack("<I", 9) + bytes(99)
    ),
    "a tensor of 2^126 weights": header(
        tensors=1,
        keys=1,
        rest=ARCHITECTURE + text("t") + struct.pack("<IQQIQ", 2, HUGE, HUGE, 0, 0),
    ),
    "a tensor of a dropped type": header(
        tensors=1, keys=1, rest=ARCHITECTURE + text("t") + struct.pack("<IQIQ", 1, 32, 4, 0)
    ),
    "a tensor of type 99": header(
        tensors=1, keys=1, rest=ARCHITECTURE + text("t") + struct.pack("<IQIQ", 1, 32, 99, 0)
    ),
    "an alignment of 0": header(keys=1, rest=pair("general.alignment", 4, bytes(4))),
    "no architecture": header(),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_claims_are_not_believed(save: Callable[..., Path], data: bytes) -> None:
    path = save(data)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"model\.gguf: not a usable GGUF file"):
        gguf.inspect(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_names_in_a_file_cannot_garble_a_terminal(save: Callable[..., Path]) -> None:
    data = header(
        tensors=1, keys=1, rest=ARCHITECTURE + text("\x1b[31m") + struct.pack("<I", 9) + bytes(99)
    )
    with pytest.raises(UserError) as caught:
        gguf.inspect(save(data))
    assert str(caught.value).isprintable()


def test_a_download_cut_short_says_how_much_there_should_be(
    good: Path, save: Callable[..., Path]
) -> None:
    data = good.read_bytes()
    with pytest.raises(UserError, match=f"cut short.*{len(data) - 5:,}"):
        gguf.inspect(save(data[:-5]))


@pytest.mark.parametrize("share", [0.01, 0.02, 0.1, 0.5, 0.99])
def test_a_file_cut_anywhere_is_the_users_to_mend(
    good: Path, save: Callable[..., Path], share: float
) -> None:
    data = good.read_bytes()
    with pytest.raises(UserError, match="download it again"):
        gguf.inspect(save(data[: int(len(data) * share)]))


@settings(max_examples=300, deadline=None)
@given(at=st.integers(4, 6000), junk=st.binary(min_size=1, max_size=12))
def test_any_damage_gives_facts_or_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good = folder / "fuzz-good.gguf"
    data = bytearray(good.read_bytes() if good.exists() else write_tiny(good).read_bytes())
    data[at : at + len(junk)] = junk
    (folder / "fuzz.gguf").write_bytes(data)
    try:
        gguf.check_architecture(gguf.inspect(folder / "fuzz.gguf"))
    except UserError as error:
        assert str(error).isprintable()


def test_folders_and_missing_files(good: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        gguf.inspect(good.parent)
    with pytest.raises(UserError, match=r"no such file.*nearest there: 'good\.gguf'"):
        gguf.inspect(good.parent / "goood.gguf")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rwkv", "transformers"),
        ("gptj", "transformers"),
        ("bert", "encoder"),
        ("clip", "language model"),
        ("qwen33", "nearest: .*qwen3"),
        ("zaya\x1b", r"'zaya\\"),
    ],
)
def test_architectures_that_cannot_run_are_explained(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        gguf.check_architecture(gguf.GgufFacts("m.gguf", name), known=False)


def test_a_new_architecture_is_left_to_a_build_that_knows_it() -> None:
    gguf.check_architecture(gguf.GgufFacts("m.gguf", "brandnew"), known=True)
    gguf.check_architecture(gguf.GgufFacts("m.gguf", "llama"))
    with pytest.raises(UserError, match="knows no architecture"):
        gguf.check_architecture(gguf.GgufFacts("m.gguf", "brandnew"))


def test_split_models_are_read_whole_from_their_first_file(tmp_path: Path) -> None:
    write_tiny(tmp_path / "m.gguf", split=8)
    first, second, third = sorted(tmp_path.glob("m-*.gguf"))
    whole, facts = gguf.inspect(write_tiny(tmp_path / "whole.gguf")), gguf.inspect(first)
    assert (facts.params, facts.tensor_types) == (whole.params, whole.tensor_types)
    assert facts.parts == (str(first), str(second), str(third))
    assert facts.size_bytes == sum(part.stat().st_size for part in (first, second, third))
    with pytest.raises(UserError, match="name the first one, m-00001-of-00003"):
        gguf.inspect(second)
    renamed = first.rename(tmp_path / "renamed.gguf")
    with pytest.raises(UserError, match="must keep their names"):
        gguf.inspect(renamed)
    renamed.rename(first)
    third.write_bytes(third.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"00003-of-00003\.gguf: cut short"):
        gguf.inspect(first)
    third.unlink()
    with pytest.raises(UserError, match=r"m-00003-of-00003\.gguf is missing"):
        gguf.inspect(first)
