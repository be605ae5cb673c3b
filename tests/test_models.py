"""models.toml: every row can be used, and a mistake in one is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_gguf import write_shapes, write_tiny

from harness.cli.models import model_row
from harness.models import gguf, registry
from harness.models.prepare import disagreements
from harness.models.registry import Row, read_rows, resolve
from harness.types import UserError

ROOT = Path(__file__).parent.parent
ROWS = read_rows(ROOT / "models.toml")
TALK = (
    "alpaca-7b-q4",
    "vicuna-7b-q4",
    "vicuna-13b-q4",
    "gpt4all-13b-snoozy-q4",
    "rwkv6-14b-q4",
    "cerebras-gpt-13b-nf4",
    "llama3-8b-q4",
    "elyza-13b-fast-q4",
    "endpoint-server",
)
GOOD = '[a]\nparams = 10\nlicence = "MIT"\nq4 = { file = "a.gguf" }\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", TALK)
def test_every_system_of_the_talk_has_a_row_that_says_what_it_stands_for(name: str) -> None:
    row = ROWS[name]
    assert row.stands_for and row.model.note


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_says_enough_to_fetch_and_to_plot(row: Row) -> None:
    model, origin = row.model, row.origin
    assert model.licence and model.family
    if model.engine in ("llama_cpp", "transformers"):
        assert model.params > 0 and model.bits in (4, 8, 16)
    if model.engine == "llama_cpp" and model.family != "pico":
        assert origin.label and (origin.file or origin.url).endswith(".gguf")
        assert not origin.bytes or model.params * model.bits / 16 < 4 * origin.bytes
    for text in (model.licence, model.note, row.stands_for):
        assert text.isprintable()


def test_sizes_agree_with_parameters_and_bits() -> None:
    """A slip of a digit in either would show."""
    odd = [
        row.model.name
        for row in ROWS.values()
        if row.origin.size
        and not 0.8 < 8 * row.origin.size / row.model.params / row.model.bits < 2.2
    ]
    assert not odd


def test_non_commercial_terms_are_flagged() -> None:
    said = {name for name, row in ROWS.items() if "NC" in row.model.licence.split("-")}
    assert said and all(ROWS[name].non_commercial for name in said)
    assert "(NC)" in str(model_row(ROWS["qwen2.5-3b-q4"])["licence"])


def test_the_built_in_models_are_where_their_rows_say() -> None:
    pico = [row for row in ROWS.values() if row.model.family == "pico"]
    assert len(pico) == 12
    if list((ROOT / "pico" / "weights").glob("*.gguf")):
        assert [row.model.name for row in pico if not Path(row.model.source).is_file()] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace('licence = "MIT"\n', ""), "models.toml:1: [a]: the key 'licence' is missing"),
        (
            "\n" + GOOD.replace("params = 10\n", ""),
            "models.toml:2: [a]: the key 'params' is missing",
        ),
        (GOOD + GOOD, "('a',) twice (at line 5"),
        (GOOD + '[a.q8]\nfile = "b"\n[a-q4]\n', "the key 'params' is missing"),
        (GOOD.replace("params", "parms"), "unknown key 'parms'; did you mean params"),
        (GOOD.replace("q4", "q5"), "unknown key 'q5'"),
        (GOOD.replace('q4 = { file = "a.gguf" }', ""), "nothing to run"),
        (GOOD.replace("10", '"many"'), "params must be a number"),
        (GOOD.replace("10", "-1"), "params must be a number"),
        (GOOD.replace("10", "true"), "params must be a number"),
        (GOOD.replace('"a.gguf"', "1"), "file must be text"),
        (GOOD.replace("file", "path"), "must be a table with one of"),
        (GOOD.replace(" }", ', sha256 = "ABC" }'), "sha256 must be hexadecimal"),
        (GOOD + 'uncertain = ["q8"]\n', "uncertain names 'q8'"),
        ("a = 3\n", "expected a table"),
        ("[a\n", "models.toml: "),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        read_rows(write(tmp_path, text))
    assert says in str(error.value)


def test_names_globs_and_places_in_the_order_asked(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + GOOD.replace("[a]", "[b]"))
    found = [row.model.name for row in resolve(["b-q4", "*-q4", "./other/x.Q4.gguf"], path)]
    assert found == ["b-q4", "a-q4", "x.Q4"]
    assert resolve(["a-q4"], path)[0].model.source == str(tmp_path / "a.gguf")


def test_a_name_that_is_nothing_is_met_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"did you mean vicuna-13b-q4"):
        resolve(["vicuna-13-q4"], ROOT / "models.toml")


def test_one_file_name_in_two_folders_is_two_models() -> None:
    assert len(resolve(["one/m.gguf", "two/m.gguf"])) == 2


def test_a_repository_on_the_command_line() -> None:
    file, folder, pinned = resolve(
        ["hf:me/tiny-GGUF:a.Q8_0.gguf", "hf:me/tiny@int8", "hf:me/tiny@v1@nf4"]
    )
    assert (file.model.engine, file.model.name, file.origin.file) == (
        "llama_cpp",
        "a.Q8_0",
        "a.Q8_0.gguf",
    )
    assert (folder.model.engine, folder.model.name) == ("transformers", "tiny-int8")
    assert folder.model.options == {"quantisation": "int8"} and folder.model.bits == 8
    assert (pinned.origin.revision, pinned.model.bits) == ("v1", 4)
    for wrong in ("hf:tiny", "hf:me/tiny:a.bin", "hf:me/tiny:a.gguf@nf4", "hf:me/../tiny:a.gguf"):
        with pytest.raises(UserError, match=r"expected hf:|must be a \.gguf"):
            resolve([wrong])


def test_a_folder_on_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    with pytest.raises(UserError, match=r"without config\.json"):
        resolve([str(folder)])
    (folder / "config.json").write_text("{}")
    plain, small = resolve([str(folder), f"{folder}@nf4"])
    assert (plain.model.name, plain.model.options) == ("tiny", {"quantisation": "none"})
    assert (small.model.name, small.model.source) == ("tiny-nf4", str(folder))


def test_changed_bytes_are_another_model(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    (row,) = resolve([str(folder)])
    before = registry.identity(row.model)
    assert registry.identity(row.model) == before
    (folder / "model.safetensors").write_text("[]")
    assert registry.identity(row.model) != before


def test_a_table_shows_what_the_file_says(tmp_path: Path) -> None:
    """Not what its row says: a file of 8 bits behind a row's q4."""
    write_tiny(tmp_path / "a.gguf", quantise="q8_0", tied=True)
    (row,) = read_rows(write(tmp_path, GOOD)).values()
    shown = model_row(row)
    assert (shown["recipe"], shown["bits"], shown["recipe_source"]) == ("Q8_0", 8, "file")
    assert 8.5 <= float(str(shown["bits_per_weight"])) < 9
    assert 10 < int(str(shown["params"])) < int(str(shown["params_stored"]))


def test_a_row_that_its_file_contradicts_is_told_so(tmp_path: Path) -> None:
    (row,) = read_rows(write(tmp_path, GOOD)).values()
    shape = {"blk.0.ffn_up.weight": ("Q8_0", 256, 64)}
    said = {}
    for file_type in (15, 7):  # Q4_K_M, which the tensors contradict, and Q8_0
        path = write_shapes(tmp_path / "a.gguf", shape, file_type)
        (_, said[file_type]) = disagreements(row, gguf.inspect(path))
    assert said[7] == "a-q4: its row says 4 bits, the file is Q8_0: 8 bits (8.50 a weight)"
    assert said[15].endswith("the file is Q8_0: 8 bits (8.50 a weight, measured)")


def test_a_recipe_of_the_rows_width_is_no_disagreement(tmp_path: Path) -> None:
    """A small Q4_K_M has 5.5 bits a weight and more; it is what q4 means."""
    (row,) = read_rows(write(tmp_path, GOOD.replace("10", "16384"))).values()
    shape = {"blk.0.ffn_up.weight": ("Q5_0", 64, 256)}
    path = write_shapes(tmp_path / "a.gguf", shape, 15)
    assert disagreements(row, gguf.inspect(path)) == ()
