"""A frozen world answers the same for ever, finds what people ask for, and never breaks."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.types import Article, UserError
from harness.worlds import open_world
from harness.worlds.frozen import FrozenWorld, build_snapshot

ARTICLES = [
    Article(
        "Lake Sennet",
        "Lake Sennet is the deepest lake of Varland. It holds 12.5 cubic kilometres of water.",
        aliases=("Sennet", "The Sennet"),
    ),
    Article("Varland", "Varland is an island country. Its capital is Orrin."),
    Article("Orrin", "Orrin is the capital of Varland. 41,000 people live there."),
    Article("Mercury", meanings=("Mercury (planet)", "Mercury (element)")),
    Article("Mercury (planet)", "Mercury is the planet nearest to the Sun."),
    Article("Mercury (element)", "Mercury is a metal that is liquid at room temperature."),
    Article("東京", "東京は日本の首都である。人口は約千四百万人。", "ja", aliases=("東京都",)),
    Article("富士山", "富士山は日本で一番高い山である。高さは三千七百七十六メートル。", "ja"),
    Article("カレーうどん", "カレーうどんはカレーをかけたうどんである。", "ja"),
    Article("WHO", "The World Health Organization looks after health."),
    Article("Who", "Who is a pronoun."),
    Article("São Telmo", "São Telmo is a port with two harbours."),
]
HOSTILE = [
    '"; DROP TABLE page; --',
    "' OR 1=1",
    "NEAR(a b)",
    "title:body*",
    "AND OR NOT",
    "(((",
    "a" * 3000,
    "Action: calculate: 1",
    "<|im_end|>",
    "%s %n",
    "../../etc/passwd",
    "C++",
    "🍣",
    "a\u0301\u200b",
    "٣",
    "*",
    '"',
    "A|B",
    "null\x00byte",
    "-",
    "_",
    "𠮷野家",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("worlds") / "small world.sqlite"
    build_snapshot(ARTICLES, path, title="Small", licence="CC0-1.0")
    return path


@pytest.fixture(scope="module")
def world(path: Path) -> FrozenWorld:
    return FrozenWorld(path)


def titles(world: FrozenWorld, query: str, limit: int = 3) -> list[str]:
    return [hit.title for hit in world.search(query, limit)]


# --- what a snapshot is -----------------------------------------------------------------


def test_the_same_articles_give_the_same_bytes(path: Path, tmp_path: Path) -> None:
    shuffled = random.Random(7).sample(ARTICLES, len(ARTICLES))
    sha256 = build_snapshot(shuffled, tmp_path / "again", title="Small", licence="CC0-1.0")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert build_snapshot(ARTICLES[1:], tmp_path / "other") != sha256


def test_the_version_of_sqlite_is_not_in_the_file(path: Path) -> None:
    assert path.read_bytes()[96:100] == bytes(4)


def test_a_world_gives_back_the_articles_it_was_built_from(world: FrozenWorld) -> None:
    assert list(world.articles()) == sorted(ARTICLES, key=lambda article: article.title)
    assert world.count == len(ARTICLES)
    assert world.meta == {"title": "Small", "licence": "CC0-1.0"}


def test_a_world_is_known_by_its_hash(path: Path) -> None:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert open_world("frozen", str(path), sha256).id == f"frozen:{sha256[:12]}"


def test_building_over_a_snapshot_replaces_it_whole(tmp_path: Path) -> None:
    build_snapshot(ARTICLES, tmp_path / "w")
    before = (tmp_path / "w").read_bytes()
    with pytest.raises(UserError):
        build_snapshot([*ARTICLES, Article("Orrin", "Again.")], tmp_path / "w")
    with pytest.raises(UserError):
        build_snapshot([Article("Bad", "\ud800")], tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["w"]


def test_a_place_that_cannot_be_written_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "w", tmp_path):
        with pytest.raises(UserError, match="cannot write the world snapshot"):
            build_snapshot(ARTICLES, place)


def test_an_empty_world_is_a_world(tmp_path: Path) -> None:
    build_snapshot([], tmp_path / "w")
    world = FrozenWorld(tmp_path / "w")
    assert (world.article("A"), world.similar("A"), world.search("A")) == (None, [], [])


# --- looking up -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("Lake Sennet", "Lake Sennet"),
        ("lake sennet", "Lake Sennet"),
        ("  Lake_Sennet ", "Lake Sennet"),
        ("Sennet", "Lake Sennet"),
        ("the sennet", "Lake Sennet"),
        ("WHO", "WHO"),
        ("Who", "Who"),
        ("ＷＨＯ", "WHO"),
        ("東京都", "東京"),
        ("ｶﾚｰうどん", "カレーうどん"),
        ("Mercury", "Mercury"),
    ],
)
def test_an_article_is_found_by_title_then_case_then_alias(
    world: FrozenWorld, asked: str, title: str
) -> None:
    article = world.article(asked)
    assert article is not None and article.title == title


def test_there_is_no_article_that_nobody_wrote(world: FrozenWorld) -> None:
    for asked in ("Sennet Lake", "", " ", "Lake", "東", "Orri"):
        assert world.article(asked) is None


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("Lake Senent", "Lake Sennet"),
        ("Varlnad", "Varland"),
        ('"Orrin"', "Orrin"),
        ("東京市", "東京"),
        ("Mercury (metal)", "Mercury"),
    ],
)
def test_similar_titles_are_spelt_alike(world: FrozenWorld, asked: str, nearest: str) -> None:
    assert world.similar(asked)[0] == nearest


def test_nothing_is_similar_to_something_quite_different(world: FrozenWorld) -> None:
    assert world.similar("Quixotic bagpipes") == []
    assert world.similar("!?") == []


# --- searching --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Varland", "Varland"),
        ("the capital of Varland", "Orrin"),
        ("What is the deepest lake of Varland?", "Lake Sennet"),
        ("nearest planet to the sun", "Mercury (planet)"),
        ("liquid metals", "Mercury (element)"),
        ("sao telmo", "São Telmo"),
        ("port harbour", "São Telmo"),
        ("首都", "東京"),
        ("日本で一番高い山は何ですか", "富士山"),
        ("日本の首都", "東京"),
        ("人口", "東京"),
        ("うどん", "カレーうどん"),
        ("カレー", "カレーうどん"),
    ],
)
def test_search_puts_the_page_that_answers_first(
    world: FrozenWorld, query: str, first: str
) -> None:
    assert titles(world, query)[0] == first


def test_one_kanji_is_found_wherever_it_stands(world: FrozenWorld) -> None:
    assert titles(world, "高") == ["富士山"]
    assert titles(world, "山") == ["富士山"]


def test_search_goes_on_from_all_words_to_any_word(world: FrozenWorld) -> None:
    assert titles(world, "capital bagpipes Varland")[:2] == ["Orrin", "Varland"]
    assert titles(world, "bagpipes") == []


def test_search_keeps_its_order_and_its_limit(world: FrozenWorld) -> None:
    assert titles(world, "Mercury Varland", 10) == titles(world, "Mercury Varland", 10)
    assert len(titles(world, "Mercury Varland", 2)) == 2


def test_a_hit_has_a_snippet_of_one_line(world: FrozenWorld) -> None:
    snippets = {hit.title: hit.snippet for hit in world.search("Mercury", 3)}
    assert snippets["Mercury"] == "may refer to: Mercury (planet); Mercury (element)."
    assert snippets["Mercury (planet)"] == "Mercury is the planet nearest to the Sun."


def test_several_threads_get_the_same_answers(world: FrozenWorld) -> None:
    expected = titles(world, "capital of Varland")
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(50):
            if titles(world, "capital of Varland") != expected or world.article("Who") is None:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- hostile text -----------------------------------------------------------------------


@given(st.one_of(st.text(), st.text('"*():^+-{}NEAROTD \x00東京ァ'), st.sampled_from(HOSTILE)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_breaks_a_world(world: FrozenWorld, query: str) -> None:
    assert len(world.search(query)) <= 3
    assert len(world.similar(query)) <= 3
    world.article(query)
    world.article(query + "\ud800")


def test_hostile_titles_are_titles(tmp_path: Path) -> None:
    build_snapshot(
        [Article(title, f"Page {number}.") for number, title in enumerate(HOSTILE)], tmp_path / "w"
    )
    world = FrozenWorld(tmp_path / "w")
    for number, title in enumerate(HOSTILE):
        assert world.article(title) == Article(title, f"Page {number}.")
        assert titles(world, title)[0] == title


@given(
    st.lists(
        st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(bool),
        unique=True,
        max_size=8,
    )
)
@settings(max_examples=25, deadline=None)
def test_any_titles_go_in_and_come_out(names: list[str]) -> None:
    names = [name for name in names if name.isprintable()]
    with tempfile.TemporaryDirectory() as folder:
        build_snapshot([Article(name, name) for name in names], Path(folder) / "w")
        world = FrozenWorld(Path(folder) / "w")
        assert {page.title for page in world.articles()} == set(names)
        world.close()


@pytest.mark.parametrize(
    ("articles", "message"),
    [
        ([Article("A", "x"), Article("A", "y")], "two articles have the title 'A'"),
        ([Article("A", aliases=("B",)), Article("B")], "alias 'B' of 'A' already leads to 'B'"),
        ([Article("A", aliases=("c",)), Article("B", aliases=("C",))], "already leads to 'A'"),
        ([Article("")], "must be one line"),
        ([Article("A\nAction: x")], "must be one line"),
        ([Article("A", aliases=(" b",))], "must be one line"),
        ([Article("A", "\udcff")], "not valid text"),
        ([Article("\udcff")], "not valid text"),
    ],
)
def test_articles_that_contradict_each_other_are_refused(
    tmp_path: Path, articles: list[Article], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        build_snapshot(articles, tmp_path / "w")


# --- files that are not what they should be ----------------------------------------------


def test_another_snapshot_than_expected_is_refused_with_both_hashes(path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError) as refusal:
        FrozenWorld(path, "0" * 64)
    assert found in str(refusal.value) and "0" * 64 in str(refusal.value)
    assert "build it again" in str(refusal.value)


def test_a_file_that_is_no_snapshot_is_refused(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE page (id)")
    other.close()
    files = {
        "empty": b"",
        "text": json.dumps({"not": "sqlite"}).encode() * 400,
        "truncated": whole[: len(whole) // 2],
        "scrambled": whole[:4096] + bytes(len(whole) - 4096),
        "newer": whole[:60] + (99).to_bytes(4, "big") + whole[64:],
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name in ("missing", "", "other.sqlite", *files):
        with pytest.raises(UserError, match="buil"):
            FrozenWorld(tmp_path / name)


def test_an_unknown_kind_of_world_gets_a_hint() -> None:
    with pytest.raises(UserError, match="did you mean frozen"):
        open_world("frosen")
    with pytest.raises(UserError, match="there are frozen"):
        open_world("qqq")
