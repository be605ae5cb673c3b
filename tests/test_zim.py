"""A ZIM file as a world: what is found, and that a damaged file is nobody's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tools import Toolbox
from harness.types import UserError, WorldSpec
from harness.worlds import open_world, pin_world
from harness.worlds.frozen import FrozenWorld
from harness.worlds.html import read_page

libzim = pytest.importorskip("libzim.writer")

PAGES = {
    "Ray Charles": "<h1>Ray Charles</h1><table><tr><td><p>Born 1930</p></td></tr></table>"
    "<p><b>Ray Charles</b> was a pianist<sup>[1]</sup> of soul.</p><p>He was blind from the age of seven.</p>",
    "Ray Charles in Person": "<p>Ray Charles in Person is an album. Ray Charles, Ray Charles.</p>",
    "Lake Sennet": "<p>Lake Sennet is a lake. Its depth is 90 metres.</p><script>alert(1)</script>",
    "Mercury": "<p>Mercury may refer to:</p><ul><li><a href='M1'>Mercury (planet)</a>, a planet</li>"
    "<li><a href='M2'>Mercury (element)</a></li><li>nothing</li></ul>",
    "Mercury (planet)": "<p>Mercury is the planet nearest to the Sun.</p>",
    "Empty": "<div></div>",
}
REDIRECTS = {"Brother Ray": "Ray Charles", "Sennet": "Lake Sennet"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zim") / "small.zim"
    write(path)
    return path


def write(path: Path) -> None:
    class Page(libzim.Item):  # type: ignore[misc,name-defined]
        def __init__(self, title: str, html: str) -> None:
            super().__init__()
            self.title, self.html = title, html

        def get_path(self) -> str:
            return self.title.replace(" ", "_")

        def get_title(self) -> str:
            return self.title

        def get_mimetype(self) -> str:
            return "text/html"

        def get_contentprovider(self) -> Any:
            return libzim.StringProvider(f"<html><body>{self.html}</body></html>")

        def get_hints(self) -> dict[Any, int]:
            return {libzim.Hint.FRONT_ARTICLE: 1}

    with libzim.Creator(path).config_indexing(True, "eng") as creator:
        creator.set_mainpath("Ray_Charles")
        for title, html in PAGES.items():
            creator.add_item(Page(title, html))
        for title, target in REDIRECTS.items():
            creator.add_redirection(
                title.replace(" ", "_"),
                title,
                target.replace(" ", "_"),
                {libzim.Hint.FRONT_ARTICLE: 1},
            )
        creator.add_metadata("Language", "eng")


@pytest.fixture(scope="module")
def toolbox(file: Path) -> Toolbox:
    return Toolbox(("wikipedia", "search"), open_world("zim", str(file)))


@pytest.mark.parametrize(
    ("title", "outcome", "text"),
    [
        (
            "Ray Charles",
            "ok",
            "Ray Charles was a pianist of soul. He was blind from the age of seven.",
        ),
        (
            "ray_Charles",
            "ok",
            "Ray Charles was a pianist of soul. He was blind from the age of seven.",
        ),
        (
            "Sennet",
            "ok",
            '(redirected to "Lake Sennet") Lake Sennet is a lake. Its depth is 90 metres.',
        ),
        ("Mercury", "ok", '"Mercury" may refer to: Mercury (planet); Mercury (element).'),
        ("Bagpipes", "not_found", 'No article "Bagpipes".'),
        ("Empty", "not_found", 'No article "Empty".'),
        ("", "bad_argument", None),
        ("\x00", "not_found", None),
        ("\ud800", "not_found", None),
    ],
)
def test_a_title_is_looked_up(toolbox: Toolbox, title: str, outcome: str, text: str | None) -> None:
    observation = toolbox.call("wikipedia", title)
    assert observation.outcome == outcome and text in (None, observation.text)


def test_near_titles_are_offered(toolbox: Toolbox) -> None:
    assert '"Ray Charles in Person"' in toolbox.call("wikipedia", "Ray Char").text


def test_the_title_comes_before_the_text_in_a_search(toolbox: Toolbox) -> None:
    assert toolbox.call("search", "Ray Charles").text.startswith('"Ray Charles": ')
    assert (
        toolbox.call("search", "What is the depth of the lake?").text
        == '"Lake Sennet": Lake Sennet is a lake.'
    )
    assert toolbox.call("search", "bagpipes").outcome == "not_found"
    assert toolbox.call("search", 'title:"( OR -').outcome in ("ok", "not_found")


@given(st.text())
def test_any_html_is_a_page(text: str) -> None:
    page = read_page(f"<p>Oru may refer to:</p><ul><li><a>Oru (town)</a></ul>{text}")
    assert page.meanings[0] == "Oru (town)" and page.text.startswith("Oru may refer to:")
    assert all(line == " ".join(line.split()) for line in page.text.split("\n"))


def test_a_snapshot_can_be_built_from_it(file: Path, tmp_path: Path) -> None:
    from harness.cli import main

    out = tmp_path / "world.sqlite"
    assert main(["worlds", "build", "--zim", str(file), "-o", str(out)]) == 0
    world = FrozenWorld(out)
    assert world.count == 5
    page = world.article("Brother Ray")
    assert (
        page and page.title == "Ray Charles" and page.text.startswith("Ray Charles was a pianist")
    )


def test_the_identifier_is_read_without_opening_the_file(file: Path, tmp_path: Path) -> None:
    from libzim.reader import Archive

    identifier = f"zim-{Archive(file).uuid}"
    (tmp_path / "begins.zim").write_bytes(file.read_bytes()[:1000])
    for path in (file, tmp_path / "begins.zim"):
        assert pin_world(WorldSpec("zim", str(path))).sha256 == identifier


def test_the_wrong_edition_is_not_the_one_of_the_run(file: Path) -> None:
    world = open_world("zim", str(file))
    assert open_world("zim", str(file), world.sha256)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="another edition"):
        open_world("zim", str(file), "zim-0")


@pytest.mark.parametrize("at", [0.0, 0.02, 0.5, 0.9])
def test_a_damaged_file_is_said_at_once(file: Path, tmp_path: Path, at: float) -> None:
    data = bytearray(file.read_bytes())
    position = int(at * (len(data) - 1))
    data[position : position + 8] = bytes(byte ^ 0x5A for byte in data[position : position + 8])
    (tmp_path / "bad.zim").write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        open_world("zim", str(tmp_path / "bad.zim"))


@pytest.mark.parametrize("size", [0, 10, 1000])
def test_a_cut_or_foreign_file_is_said_at_once(file: Path, tmp_path: Path, size: int) -> None:
    (tmp_path / "bad.zim").write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match="damaged"):
        open_world("zim", str(tmp_path / "bad.zim"))
    with pytest.raises(UserError, match="no such file"):
        open_world("zim", str(tmp_path / "none.zim"))
