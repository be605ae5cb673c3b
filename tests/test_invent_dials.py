"""Invented worlds in Japanese, and with the difficulty dials turned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli import main
from harness.scoring.answers import match
from harness.suites import tasks
from harness.suites.check import check_suite
from harness.suites.invent import Dials, Invented, invent
from harness.tools import TOOLS, Toolbox
from harness.types import Suite
from harness.worlds.frozen import FrozenWorld, build_snapshot

SETTINGS = [
    Dials(),
    Dials(hops=3),
    Dials(hops=4),
    Dials(distractors=2),
    Dials(sentences=3),
    Dials(sentences=12),
    Dials(noise=1.0),
    Dials(hops=3, distractors=1, sentences=9, noise=0.5),
]


def toolbox(made: Invented, folder: Path) -> Toolbox:
    path = folder / "world.sqlite"
    build_snapshot(made.articles, path)
    return Toolbox(tuple(TOOLS), FrozenWorld(path))


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("dials", SETTINGS, ids=str)
def test_every_world_can_be_solved_with_the_real_tools(
    tmp_path: Path, language: str, dials: Dials
) -> None:
    made = invent(11, 70, language=language, dials=dials)
    box = toolbox(made, tmp_path)
    problems = check_suite(Suite("made", "", "", made.tasks, str(tmp_path / "world.sqlite")), box)
    # English as it was first made has no limit on how often one answer is right
    assert [p for p in problems if p.task or language == "ja" or dials != Dials()] == []
    assert len({task.question for task in made.tasks}) == len(made.tasks) == 70
    assert {task.language for task in made.tasks} == {language}


def test_japanese_worlds_have_no_english_left_in_them() -> None:
    made = invent(3, 140, language="ja", dials=Dials(distractors=1))
    texts = [article.title + article.text for article in made.articles]
    texts += [task.question for task in made.tasks]
    texts += [answer for task in made.tasks for answer in task.answer.accepted]
    assert not [text for text in texts if re.search("[A-Za-z{}]", text)]
    assert all(len(article.text) <= 480 for article in made.articles)
    names = " ".join(article.title for article in made.articles)
    assert re.search("[ァ-ヺ]{3}・", names) and re.search("[一-鿿]{2}[町市村]", names)


def test_a_japanese_answer_is_right_however_the_number_is_spelt() -> None:
    made = invent(3, 140, language="ja", dials=Dials(noise=1.0))
    large = [t for t in made.tasks if t.answer.type == "number" and "人口は何人" in t.question]
    assert large
    for task in large:
        number = int(task.answer.accepted[0])
        for said in (
            f"{number}人",
            f"{number:,}人",
            f"{number // 10000}万{number % 10000}人です。",
        ):
            assert match(task.answer, said, "ja").strict, (task.question, said)


@pytest.mark.parametrize("hops", [2, 3, 4])
def test_a_chain_goes_through_as_many_different_pages_as_asked(hops: int) -> None:
    made = invent(4, 70, dials=Dials(hops=hops))
    name = {2: "two_hop", 3: "three_hop", 4: "four_hop"}[hops]
    chains = [task for task in made.tasks if task.category == name]
    assert len(chains) == 10
    assert all(len(task.gold_actions) == len(set(task.evidence)) == hops for task in chains)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_distractors_look_alike_and_are_never_asked_about(language: str) -> None:
    plain = invent(6, 70, language=language)
    made = invent(6, 70, language=language, dials=Dials(distractors=2))
    ours = {article.title for article in plain.articles}
    beside = {article.title for article in made.articles} - ours
    assert len(made.articles) == 3 * len(plain.articles) and len(beside) == 2 * len(ours)
    assert not {title for task in made.tasks for title in task.evidence} & beside
    parts = {part for title in ours for part in re.split("[ ・]", title)}
    assert sum(any(part in title for part in parts) for title in beside) > 0.8 * len(beside)


def test_the_length_of_articles_follows_the_dial() -> None:
    sizes = []
    for sentences in (3, 6, 12):
        made = invent(8, 70, dials=Dials(sentences=sentences))
        assert all(article.text.count(". ") < sentences for article in made.articles)
        sizes.append(sum(len(article.text) for article in made.articles))
    assert sizes == sorted(sizes) and sizes[2] > 1.5 * sizes[0]


def test_noise_spells_large_quantities_so_that_they_cannot_be_copied(tmp_path: Path) -> None:
    made = invent(8, 140, dials=Dials(noise=1.0))
    box = toolbox(made, tmp_path)
    towns = [a.text for a in made.articles if re.search(r"\d,\d{3} (inhabitants|people)", a.text)]
    assert towns and "1,9" not in " ".join(re.findall(r"in [\d,]+\.", " ".join(towns)))
    summed = [
        task
        for task in made.tasks
        if task.gold_actions
        and task.gold_actions[-1].expr
        and task.evidence
        and any("," in gold.observation_contains for gold in task.gold_actions)
    ]
    assert summed
    for task in summed:
        assert box.call("calculate", task.gold_actions[-1].expr).text.startswith(
            task.gold_actions[-1].observation_contains
        )


def test_no_noise_means_no_other_spelling() -> None:
    texts = " ".join(article.text for article in invent(8, 140).articles)
    assert not re.search(r"\d,\d", texts)


# --- the command ------------------------------------------------------------------------


def test_generate_writes_a_folder_that_is_a_suite(tmp_path: Path) -> None:
    out = tmp_path / "made"
    dials = ["--language", "ja", "--hops", "3", "--distractors", "1", "--noise", "0.5"]
    assert (
        main(["tasks", "generate", "--seed", "5", "--tasks", "14", "--out", str(out), *dials]) == 0
    )
    suite = tasks.load_suite(str(out))
    assert suite.name == "made" and len(suite.tasks) == 14
    assert suite.title == "Invented world, seed 5, ja, hops 3, distractors 1, noise 0.5: 14 tasks"
    assert main(["tasks", "check", str(out)]) == 0


def test_generate_refuses_a_folder_that_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks", "generate", "--seed", "5", "--out", str(tmp_path)]) == 2
    assert "exists already; name a new folder" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
