"""The written suites: core, dev and examples, and the encyclopedia behind them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from harness.cli import main
from harness.prompts import PROMPTS_FOLDER as PROMPTS
from harness.scoring.answers import match
from harness.suites.articles import read_articles
from harness.suites.check import check_suite
from harness.suites.tasks import load_suite
from harness.tools import TOOLS, Toolbox
from harness.types import Article, Suite, Task, UserError
from harness.worlds import frozen

TASKS = Path(__file__).parent.parent / "tasks"
SUITES = ("core", "dev", "examples")
PAGES = [
    page for file in sorted((TASKS / "articles").glob("*.txt")) for page in read_articles(file)
]


def suite(name: str) -> Suite:
    return load_suite(name, TASKS)


CORE = suite("core").tasks


@pytest.fixture(scope="module")
def toolbox() -> Toolbox:
    core = suite("core")
    return Toolbox(tuple(TOOLS), frozen.FrozenWorld(core.world, core.world_sha256))


def kind(task: Task) -> set[str]:
    """What the provenance says about a task, such as alias or tempting page."""
    return set(task.provenance.split("; "))


# --- the suites -------------------------------------------------------------------------


@pytest.mark.parametrize("name", SUITES)
def test_every_gold_action_replays_and_every_answer_scores_as_it_should(
    name: str, toolbox: Toolbox
) -> None:
    assert check_suite(suite(name), toolbox) == []


@pytest.mark.parametrize(
    "task", [t for t in CORE if t.answer.type != "abstain"], ids=lambda t: t.id
)
def test_no_answer_to_another_core_task_passes_even_leniently(task: Task) -> None:
    others = [t for t in CORE if t.answer.type != "abstain" and t.id != task.id]
    passing = [
        other.id
        for other in others
        if match(task.answer, other.answer.accepted[0], task.language).lenient
        and not (task.cluster and task.cluster == other.cluster)
    ]
    assert passing == []


@pytest.mark.parametrize(
    "task", [t for t in CORE if t.answer.type == "abstain"], ids=lambda t: t.id
)
def test_an_unanswerable_task_takes_abstention_and_no_other_answer(task: Task) -> None:
    assert match(task.answer, "unknown", task.language).strict
    answers = [t.answer.accepted[0] for t in CORE if t.answer.type != "abstain"]
    assert [a for a in answers if match(task.answer, a, task.language).lenient] == []


def test_no_constant_answer_but_abstention_is_right_for_3_percent_of_core() -> None:
    common = Counter(a for task in CORE for a in task.answer.accepted).most_common(40)
    for answer in ["yes", "no", "0", "1", "はい", *(text for text, _ in common)]:
        answerable = [t for t in CORE if t.answer.type != "abstain"]
        right = sum(match(t.answer, answer, t.language).lenient for t in answerable)
        assert right < 0.03 * len(CORE), answer


CATEGORY_COUNTS = """
no_tool en 14 ja 6, arithmetic en 30 ja 14, lookup en 34 ja 18, search en 13 ja 7,
two_hop en 24 ja 12, comparison en 10 ja 6, lookup_calculate en 21 ja 11, unanswerable en 14 ja 6
"""
KIND_COUNTS = {
    "long": 14,
    "rounding": 8,
    "several steps": 4,
    "alias": 8,
    "disambiguation": 8,
    "absent fact": 12,
    "false premise": 8,
    "tempting page": 10,
}


def test_core_has_the_categories_that_it_promises() -> None:
    found = Counter((t.category, t.language) for t in CORE)
    for row in CATEGORY_COUNTS.split(","):
        category, *counts = row.split()
        for language, count in zip(counts[::2], counts[1::2], strict=True):
            assert found.pop((category, language)) == int(count), (category, language)
    assert not found


def test_core_has_the_kinds_of_task_that_it_promises() -> None:
    kinds = Counter(word for t in CORE for word in kind(t))
    assert {word: kinds[word] for word in KIND_COUNTS} == KIND_COUNTS


def test_core_spans_four_difficulties_and_much_of_it_is_easy() -> None:
    assert Counter(t.difficulty for t in CORE) == {1: 105, 2: 65, 3: 43, 4: 27}
    assert all(len(t.gold_actions) <= 1 for t in CORE if t.difficulty == 1)
    assert all(len(t.gold_actions) >= 2 for t in CORE if t.difficulty >= 3)
    assert sum(len(t.gold_actions) <= 1 for t in CORE) >= 0.4 * len(CORE)
    assert max(len(t.gold_actions) for t in CORE) <= 4  # under a limit of 7 steps


def test_forty_core_tasks_have_a_japanese_twin_with_the_same_steps() -> None:
    twins: dict[str, list[Task]] = {}
    for task in CORE:
        if task.cluster:
            twins.setdefault(task.cluster, []).append(task)
    assert len(twins) == 40
    for english, japanese in twins.values():
        assert (english.language, japanese.language) == ("en", "ja")
        assert [g.tool for g in english.gold_actions] == [g.tool for g in japanese.gold_actions]
        assert (english.category, english.difficulty) == (japanese.category, japanese.difficulty)
        if english.answer.type in ("number", "date"):
            assert match(japanese.answer, english.answer.accepted[0], "ja").strict


def test_in_comparisons_the_first_one_named_is_right_half_of_the_time() -> None:
    for language in ("en", "ja"):
        tasks = [t for t in CORE if t.category == "comparison" and t.language == language]
        first = sum(_first_named(t) for t in tasks)
        assert first == len(tasks) / 2
        assert all(t.answer.type in ("string", "number") for t in tasks)


def _first_named(task: Task) -> bool:
    right, wrong = task.answer.accepted[0], task.answer.rejected[0]
    at = (task.question.rindex(right), task.question.rindex(wrong))
    return at[0] < at[1]


def test_a_search_task_names_no_title_and_its_hits_do_not_give_the_answer(toolbox: Toolbox) -> None:
    for task in CORE:
        if task.category != "search":
            continue
        search, lookup = task.gold_actions
        assert lookup.input_any[0].casefold() not in task.question.casefold()
        hits = toolbox.call("search", search.input_any[0]).text.casefold()
        assert not any(answer.casefold() in hits for answer in task.answer.accepted), task.id
        assert lookup.input_any[0] in toolbox.call("search", task.question).text, task.id


def test_most_of_core_is_about_things_that_no_model_can_remember() -> None:
    looked_up = [t for t in CORE if any(g.tool != "calculate" for g in t.gold_actions)]
    assert sum("real" in kind(t) for t in looked_up) < 0.1 * len(looked_up)


@pytest.mark.parametrize("prompt", sorted(PROMPTS.glob("*.txt")), ids=lambda p: p.name)
def test_no_prompt_gives_away_a_core_or_dev_task(prompt: Path) -> None:
    text = prompt.read_text("utf-8")
    for task in (*CORE, *suite("dev").tasks):
        entities = {re.sub(r" ?[(（].*", "", title) for title in task.evidence}
        assert task.question not in text
        assert not [name for name in entities if re.search(rf"\b{re.escape(name)}", text)], task.id


def test_the_suites_share_no_task_and_examples_come_in_both_languages() -> None:
    ids = [t.id for name in SUITES for t in suite(name).tasks]
    questions = [t.question for name in SUITES for t in suite(name).tasks]
    assert len(set(ids)) == len(ids) == 24 + 24 + 240
    assert len(set(questions)) == len(questions)
    examples = suite("examples").tasks
    assert set(Counter(t.cluster for t in examples).values()) == {2}
    assert {t.category for t in examples} == {t.category for t in CORE}


@pytest.mark.parametrize(
    ("english", "japanese"), [("react.txt", "react-ja.txt")], ids=lambda name: name
)
def test_the_japanese_prompt_takes_the_same_steps_as_the_english_one(
    english: str, japanese: str
) -> None:
    left, right = ((PROMPTS / name).read_text("utf-8").split("\n") for name in (english, japanese))
    labels = re.compile(r"(Question|Thought|Action|Observation|Answer):( \w+:)?")

    def steps(lines: list[str]) -> list[str]:
        return [m[0] if m[1] == "Action" else m[1] for line in lines if (m := labels.match(line))]

    assert steps(left)[3:] == steps(right)[3:]  # after the three lines that explain the labels


def test_what_the_prompts_show_of_an_article_is_what_the_tool_returns(toolbox: Toolbox) -> None:
    for name in ("react.txt", "react-ja.txt"):
        text = (PROMPTS / name).read_text("utf-8")
        shown = re.findall(r"^Action: (wikipedia|calculate): (.*)\nObservation: (.*)$", text, re.M)
        assert len(shown) == 4
        for tool, input, observation in shown:
            assert toolbox.call(tool, input).text == observation


def test_the_lines_of_a_suite_are_written_the_same_way_throughout() -> None:
    for name in SUITES:
        for line in (TASKS / f"{name}.jsonl").read_text("utf-8").splitlines():
            assert json.dumps(json.loads(line), ensure_ascii=False) == line


# --- the encyclopedia -------------------------------------------------------------------


def test_the_snapshot_holds_exactly_the_article_files(toolbox: Toolbox) -> None:
    world = toolbox.world
    assert isinstance(world, frozen.FrozenWorld)
    assert list(world.articles()) == sorted(PAGES, key=lambda page: page.title)


def test_building_the_snapshot_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first = frozen.build_snapshot(PAGES, tmp_path / "one.sqlite")
    again = frozen.build_snapshot(reversed(PAGES), tmp_path / "two.sqlite")
    assert first == again == hashlib.sha256((tmp_path / "two.sqlite").read_bytes()).hexdigest()


def test_the_article_files_make_the_very_file_that_the_suites_name(tmp_path: Path) -> None:
    """What `make worlds` does."""
    out, files = str(tmp_path / "core.sqlite"), map(str, (TASKS / "articles").glob("*.txt"))
    words = ["--title", "The core encyclopedia", "--licence", "CC0-1.0"]
    assert main(["worlds", "build", *files, "-o", out, *words]) == 0
    for name in SUITES:
        frozen.FrozenWorld(out, suite(name).world_sha256).close()


def test_pages_are_short_and_disambiguation_leads_somewhere() -> None:
    titles = {page.title for page in PAGES}
    for page in PAGES:
        assert len(page.text) <= 450, page.title
        assert set(page.meanings) <= titles, page.title
    languages = Counter(page.language for page in PAGES)
    assert languages["en"] >= 150 and languages["ja"] >= 80


# task -> what the pages that its question names must not say
ABSENT_WORDS = r"""
en-unans-01: deep|depth
en-unans-02: husband|married
en-unans-03: Low Water\W+\w+ songs
en-unans-04: cost|price
en-unans-05: words|libretto
en-unans-06: weigh|\bg\b
en-unans-07: 1960
en-unans-08: 1900
ja-unans-01: 水深|深さ
ja-unans-02: 1960年
ja-unans-04: 建設費|費用|円
ja-unans-05: 村長
"""


def test_a_fact_that_core_calls_absent_stands_on_no_page_that_its_question_names() -> None:
    """Where the question asks for a number, no page about the same thing may hold a new one:
    the numbers on it are exactly those that the task knows as wrong answers or as noise."""
    by_name = {name: page for page in PAGES for name in (page.title, *page.aliases)}
    words = dict(row.split(": ") for row in ABSENT_WORDS.strip().splitlines())
    absent = {t.id: t for t in CORE if "absent fact" in kind(t)}
    assert set(absent) == set(words)
    for task in absent.values():
        for title in task.evidence:
            assert not re.search(words[task.id], by_name[title].text), task.id


# --- reading article files --------------------------------------------------------------


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pages.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_has_a_title_fields_and_a_text_of_several_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# a comment\nlanguage: en\n\nOru\naliases: Oru Town; Old Oru\nOru is a town.\nIt is old.\n\n\n"
        "# another\nPell\nmeanings: Pell (river); Oru\n",
    )
    assert read_articles(path) == [
        Article("Oru", "Oru is a town. It is old.", "en", ("Oru Town", "Old Oru")),
        Article("Pell", "", "en", (), ("Pell (river)", "Oru")),
    ]


def test_japanese_lines_join_without_a_space(tmp_path: Path) -> None:
    path = write(tmp_path, "language: ja\n\n白い町\n白い町は、\n町である。\n")
    assert read_articles(path) == [Article("白い町", "白い町は、町である。", "ja")]


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("", ":1:", "language: en"),
        ("Oru\nOru is a town.\n", ":1:", "language: en"),
        ("language:\n\nOru\nText.\n", ":1:", "expected `language: en`"),
        ("language: en\n\nOru\n", ":3:", "expected a text or `meanings:`"),
        ("language: en\n\nOru\nmeanings: A; B\nText.\n", ":3:", "one of the two"),
        ("language: en\n\naliases: Oru\nText.\n", ":3:", "expected a title"),
        ("language: en\n\nOru\naliases: A\naliases: B\nText.\n", ":5:", "a second time"),
        ("language: en\n\nOru\naliases: ;\nText.\n", ":4:", "is empty"),
        (
            "language: en\n\nOru\nText.\n\nPell\naliases: oru\nText.\n",
            ":6:",
            "already leads to 'Oru'",
        ),
    ],
)
def test_a_bad_article_file_is_told_by_line(
    tmp_path: Path, text: str, where: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_articles(write(tmp_path, text))
    assert f"pages.txt{where}" in str(caught.value)
    assert said in str(caught.value)


def test_files_that_cannot_be_read_are_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"language: en\n\nCaf\xe9\nText.\n")
    with pytest.raises(UserError, match=r"latin\.txt:3: not UTF-8"):
        read_articles(tmp_path / "latin.txt")
    with pytest.raises(UserError, match=r"none\.txt: cannot be read: No such file"):
        read_articles(tmp_path / "none.txt")


def test_an_article_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "marked.txt").write_bytes(
        b"\xef\xbb\xbflanguage: en\r\n\r\nOru\r\nOru is a town.\r\n"
    )
    assert read_articles(tmp_path / "marked.txt") == [Article("Oru", "Oru is a town.")]
