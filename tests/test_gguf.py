"""What a GGUF file is read as, and what is said about files that are no model."""

from __future__ import annotations

import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gguf as gguf_package
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_gguf import ARCHITECTURES, quantise_file, write_shapes, write_tiny

from harness.models import gguf
from harness.models.gguf.tables import RECIPES, TENSOR_TYPES, Recipe
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
    assert (facts.recipe, facts.recipe_source) == (quantise.upper(), "file")
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
    assert dict(facts.tensor_types) == counts
    assert facts.params == facts.params_stored == sum(counts.values())
    size = sum(int(tensor.n_bytes) for tensor in reader.tensors)
    assert facts.bits_per_weight == pytest.approx(8 * size / sum(counts.values()), abs=0.001)


def test_block_sizes_agree_with_the_gguf_package() -> None:
    for kind, (block, size) in gguf_package.GGML_QUANT_SIZES.items():
        if kind.name != "Q8_1":  # never stored; the package counts it as it once was
            assert TENSOR_TYPES[kind.value] == (kind.name, block, size)


def test_recipes_are_numbered_and_named_as_llama_cpp_does() -> None:
    theirs = {kind.value: kind.name for kind in gguf_package.LlamaFileType}
    assert set(theirs) - set(RECIPES) == {1024}  # the mark of a guess
    types = {name for name, _, _ in TENSOR_TYPES.values()}
    for number, recipe in RECIPES.items():
        name = theirs.get(number, recipe.name)  # the package may be older than this table
        assert recipe.name == re.sub("^(MOSTLY|ALL)_|_MOE$", "", name)
        assert str(recipe.bits) in recipe.name and recipe.base in types


def blocks(kind: str, row: int = 256, **others: str) -> dict[str, tuple[str, int, int]]:
    """Two blocks of matrices of one type, or of another where their name is given."""
    names = ("attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    return {
        f"blk.{i}.{name}.weight": (others.get(name, kind), row, 64)
        for i in (0, 1)
        for name in names
    }


def embedding(kind: str, row: int = 256, rows: int = 1024) -> dict[str, tuple[str, int, int]]:
    return {"token_embd.weight": (kind, row, rows)}


def read_width(path: Path) -> tuple[str, int, str]:
    facts = gguf.inspect(path)
    return facts.recipe, facts.bits, facts.recipe_source


@pytest.mark.parametrize(
    "number", sorted(set(RECIPES) & {kind.value for kind in gguf_package.LlamaFileType})
)
def test_every_recipe_is_read_from_the_header(tmp_path: Path, number: int) -> None:
    recipe = RECIPES[number]
    path = write_shapes(tmp_path / "m.gguf", blocks(recipe.base) | embedding("Q8_0"), number)
    assert read_width(path) == (recipe.name, recipe.bits, "file")


@pytest.mark.parametrize(("width", "architecture"), [(64, "llama"), (96, "lfm2"), (256, "gemma3")])
@pytest.mark.parametrize(
    "kind",
    [
        "q2_k",
        "q3_k_s",
        "q3_k_l",
        "q4_0",
        "q4_1",
        "q4_k_m",
        "q5_k_m",
        "q6_k",
        "iq4_nl",
        "iq4_xs",
        "tq1_0",
    ],
)
def test_what_llama_cpp_quantises_keeps_its_name_at_any_shape(
    tmp_path: Path, kind: str, width: int, architecture: str
) -> None:
    """Rows of 64 and 96 weights take no K or I blocks: nearly all matrices are of other types."""
    path = write_tiny(
        tmp_path / "m.gguf", architecture, width=width, feed=2 * width, layers=8, quantise=kind
    )
    assert read_width(path) == (kind.upper(), int(next(filter(str.isdigit, kind))), "file")


def test_a_small_model_is_as_wide_as_its_recipe_not_as_its_embedding(tmp_path: Path) -> None:
    """As Gemma 3 270M is stored: rows of 640 weights, two thirds of all in the embedding."""
    tensors = embedding("Q8_0", 640, 2048) | blocks("Q5_0", 640)
    tensors |= {
        "blk.0.ffn_down.weight": ("Q6_K", 2048, 64),
        "blk.1.ffn_down.weight": ("Q4_K", 2048, 64),
    }
    path = write_shapes(tmp_path / "m.gguf", tensors, 15)
    assert read_width(path) == ("Q4_K_M", 4, "file")
    assert gguf.inspect(path).bits_per_weight > 7


Q4_K_M, F16, MXFP4 = 15, 1, 38
CONTRADICTIONS = {
    "all Q8_0": (blocks("Q8_0"), Q4_K_M, ("Q8_0", 8)),
    "all Q8_0, in rows that take no K blocks": (blocks("Q8_0", 64), Q4_K_M, ("Q8_0", 8)),
    "another recipe of the same width": (blocks("Q4_0"), Q4_K_M, ("Q4_0", 4)),
    "nearly all F16": (blocks("F16", attn_q="Q4_K"), Q4_K_M, ("mixed", 13)),
    "stand-ins where none are needed": (blocks("Q5_0"), Q4_K_M, ("Q5_0", 5)),
    "experts of 4 bits in an F16 file": (blocks("MXFP4", attn_q="F16"), F16, ("mixed", 6)),
    "no experts in a recipe for experts": (blocks("Q8_0"), MXFP4, ("Q8_0", 8)),
    "half precision called Q8_0": (blocks("BF16"), 7, ("BF16", 16)),
    "4 bits called Q8_0": (blocks("Q4_K"), 7, ("Q4_K", 4)),
    "no file type": (blocks("Q4_1"), None, ("Q4_1", 4)),
    "no file type, several types": (blocks("Q4_K", ffn_down="Q6_K"), None, ("mixed", 4)),
    "a guess of llama.cpp's": (blocks("Q8_0"), 1024 | 7, ("Q8_0", 8)),
    "a dropped file type": (blocks("Q4_0"), 33, ("Q4_0", 4)),
    "a file type of the future": (blocks("Q6_K"), 99, ("Q6_K", 6)),
}


@pytest.mark.parametrize(("tensors", "said", "found"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_the_tensors_do_not_bear_out_is_measured(
    tmp_path: Path,
    tensors: dict[str, tuple[str, int, int]],
    said: int | None,
    found: tuple[str, int],
) -> None:
    path = write_shapes(tmp_path / "m.gguf", tensors | embedding("Q8_0", rows=8), said)
    assert read_width(path) == (*found, "measured")


MIXES = {
    "Q3_K_L of a model with one matrix for query, key and value": (
        13,
        {
            "attn_qkv": ("Q4_K", 3),
            "attn_output": ("Q5_K", 1),
            "ffn_up": ("Q3_K", 4),
            "ffn_down": ("Q5_K", 4),
        },
    ),
    "Q2_K of a model with shared heads": (
        10,
        {
            "attn_q": ("Q2_K", 4),
            "attn_k": ("Q2_K", 1),
            "attn_v": ("Q4_K", 1),
            "attn_output": ("Q3_K", 4),
            "ffn_gate": ("Q2_K", 12),
            "ffn_up": ("Q2_K", 12),
            "ffn_down": ("Q3_K", 12),
        },
    ),
    "IQ3_XXS without a matrix of importances": (
        23,
        {
            "attn_q": ("IQ2_S", 4),
            "attn_k": ("IQ2_S", 1),
            "attn_v": ("IQ3_S", 1),
            "attn_output": ("IQ3_S", 4),
            "ffn_gate": ("IQ3_XXS", 12),
            "ffn_up": ("IQ3_XXS", 12),
            "ffn_down": ("Q3_K", 12),
        },
    ),
    "Q4_K_M around experts that were trained at 4 bits": (
        15,
        {
            "attn_q": ("Q5_K", 4),
            "attn_output": ("Q4_K", 1),
            "ffn_gate_exps": ("MXFP4", 40),
        },
    ),
}


@pytest.mark.parametrize(("number", "matrices"), MIXES.values(), ids=MIXES)
def test_a_recipes_own_mixture_is_no_contradiction(
    tmp_path: Path, number: int, matrices: dict[str, tuple[str, int]]
) -> None:
    tensors = {f"blk.0.{name}.weight": (kind, 256, 8 * n) for name, (kind, n) in matrices.items()}
    path = write_shapes(tmp_path / "m.gguf", tensors | embedding("Q6_K"), number)
    recipe: Recipe = RECIPES[number]
    assert read_width(path) == (recipe.name, recipe.bits, "file")


def test_an_importance_matrix_is_noted_where_the_file_says_so(tmp_path: Path) -> None:
    plain = write_shapes(tmp_path / "a.gguf", blocks("Q4_K"), 15)
    with_it = write_shapes(tmp_path / "b.gguf", blocks("Q4_K"), 15, ("quantize.imatrix.file",))
    assert [gguf.inspect(path).imatrix for path in (plain, with_it)] == [False, True]


ENDS = {
    "as one type": {"output_tensor": "Q8_0", "token_embedding": "Q8_0"},
    "as Qwen 0.5B has them": {"output_tensor": "Q8_0", "token_embedding": "Q5_0"},
    "as Qwen 1.5B has them": {"output_tensor": "Q6_K", "token_embedding": "Q4_K"},
    "coarse": {"output_tensor": "Q6_K", "token_embedding": "Q2_K"},
    "unquantised and not": {"output_tensor": "F16", "token_embedding": "IQ4_XS"},
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_an_embedding_that_is_stored_twice_counts_once(
    tmp_path: Path, ends: dict[str, str]
) -> None:
    counted = {}
    for tied in (True, False):
        raw = write_tiny(tmp_path / f"{tied}.gguf", width=256, tied=tied)
        quantise_file(raw, tmp_path / "m.gguf", "q4_k_m", **ends)
        facts = counted[tied] = gguf.inspect(tmp_path / "m.gguf")
        assert facts.recipe == "Q4_K_M"
    assert counted[False].params == counted[False].params_stored == counted[True].params_stored
    assert counted[True].params == counted[False].params - 256 * counted[True].vocab


def test_an_embedding_stored_in_another_part_counts_once(tmp_path: Path) -> None:
    write_tiny(tmp_path / "m.gguf", split=8, tied=True)
    facts = gguf.inspect(min(tmp_path.glob("m-*.gguf")))
    assert facts.params == facts.params_stored - 64 * facts.vocab


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
    with pytest.raises(UserError, match=r"no such file.*did you mean good\.gguf"):
        gguf.inspect(good.parent / "goood.gguf")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("rwkv", "transformers"),
        ("gptj", "transformers"),
        ("bert", "encoder"),
        ("clip", "language model"),
        ("qwen33", "did you mean .*qwen3"),
        ("zaya\x1b", r"'zaya\\"),
    ],
)
def test_architectures_that_cannot_run_are_explained(name: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        gguf.check_architecture(gguf.GgufFacts("m.gguf", name), known=False)


def test_a_new_architecture_is_left_to_a_build_that_knows_it() -> None:
    gguf.check_architecture(gguf.GgufFacts("m.gguf", "brandnew"), known=True)
    gguf.check_architecture(gguf.GgufFacts("m.gguf", "llama"))
    with pytest.raises(UserError, match="does not know the architecture"):
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
