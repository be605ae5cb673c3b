"""Invented worlds: the same everywhere, fair, solvable with the tools, and never shared
between training and benchmark."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.suites import tasks
from harness.suites.check import check_suite
from harness.suites.invent import CATEGORIES, Invented, Split, invent, may_use, side_of
from harness.suites.invent.drafts import whole_result
from harness.suites.invent.draw import NUMBER
from harness.suites.writing import write_suite
from harness.tools import Toolbox
from harness.types import Suite
from harness.worlds.frozen import FrozenWorld, build_snapshot

TOOLS = ("calculate", "wikipedia", "search")
SHIPPED = Path(__file__).parent.parent / "tasks"
SEEDS = range(4)
SIDE = {"title": "An invented world", "licence": "CC0-1.0"}


def everything(invented: Invented) -> str:
    """All text of a world that a model may come to see or say."""
    lines = [f"{article.title} {article.text}" for article in invented.articles]
    for task in invented.tasks:
        lines += [task.question, *task.answer.accepted]
        lines += [text for gold in task.gold_actions for text in (gold.expr, *gold.input_any)]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def shipped() -> Suite:
    return tasks.load_suite("generated", SHIPPED)


@pytest.fixture(scope="module")
def worlds() -> dict[str, list[Invented]]:
    return {split: [invent(seed, 70, split=split) for seed in SEEDS] for split in ("eval", "train")}


def test_a_seed_gives_the_same_world_in_any_process() -> None:
    code = "from harness.suites.invent import invent; print(hash(repr(0)), repr(invent(5, 21)), sep='|')"
    outputs = set()
    for salt in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": salt}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, check=True
        )
        outputs.add(done.stdout.partition(b"|")[2])
    assert outputs == {repr(invent(5, 21)).encode() + b"\n"}


def test_another_seed_gives_another_world() -> None:
    assert not {a.title for a in invent(1, 7).articles} & {a.title for a in invent(2, 7).articles}


def test_training_and_benchmark_share_no_name_and_no_number(
    worlds: dict[str, list[Invented]],
) -> None:
    names = {split: {n for w in made for n in w.names} for split, made in worlds.items()}
    texts = {split: "\n".join(map(everything, made)) for split, made in worlds.items()}
    numbers = {
        split: {n for n in NUMBER.findall(text) if len(n) > 1} for split, text in texts.items()
    }
    assert not names["eval"] & names["train"]
    assert not numbers["eval"] & numbers["train"]
    words = set(re.findall(r"\w+", texts["train"]))
    assert not {name for name in names["eval"] if name in words}
    for split in ("eval", "train"):  # and not by luck: a rule decides, whatever the seed
        assert {side_of(text) for text in names[split] | numbers[split]} == {split}
        assert len(numbers[split]) > 500


def test_every_article_is_short_and_says_what_it_is_about(
    worlds: dict[str, list[Invented]],
) -> None:
    for article in (a for made in worlds.values() for world in made for a in world.articles):
        sentences = article.text.split(". ")
        assert article.text.isascii() and len(article.text) <= 480
        assert 4 <= len(sentences) <= 7
        assert article.title in sentences[0] and len(sentences[0]) < 120
        assert " a i" not in article.text and " a o" not in article.text


def test_any_first_tasks_are_a_fair_sample(shipped: Suite) -> None:
    for first in (7, 14, 70, 140):
        counts = Counter(task.category for task in shipped.tasks[:first])
        assert set(counts) == set(CATEGORIES) and len(set(counts.values())) == 1
    assert len(shipped.tasks) == 140
    assert max(Counter(task.cluster for task in shipped.tasks).values()) <= 4
    assert len({task.question for task in shipped.tasks}) == 140
    assert {1, 2, 3, 4} == {task.difficulty for task in shipped.tasks}


def test_the_shipped_suite_passes_its_own_tests(shipped: Suite) -> None:
    world = FrozenWorld(shipped.world, shipped.world_sha256)
    assert check_suite(shipped, Toolbox(TOOLS, world)) == []


def test_the_shipped_suite_is_what_the_generator_makes(tmp_path: Path, shipped: Suite) -> None:
    made = shipped.tasks[0].provenance
    seed = int(made.removeprefix("invented, seed "))
    write_suite(tmp_path / "again", (new := invent(seed, 140)).tasks, new.articles, SIDE)
    again = tasks.load_suite(str(tmp_path / "again"))
    assert again.tasks == shipped.tasks
    assert again.sha256 == shipped.sha256
    worlds = [FrozenWorld(suite.world, suite.world_sha256) for suite in (again, shipped)]
    assert list(worlds[0].articles()) == list(worlds[1].articles())


@pytest.mark.parametrize("split", ["eval", "train"])
def test_gold_actions_work_in_any_world(
    tmp_path: Path, split: str, worlds: dict[str, list[Invented]]
) -> None:
    for number, invented in enumerate(worlds[split]):
        path = tmp_path / f"{number}.sqlite"
        build_snapshot(invented.articles, path)
        box = Toolbox(TOOLS, FrozenWorld(path))
        for task in invented.tasks:
            for gold in task.gold_actions:
                seen = box.call(gold.tool, gold.expr or gold.input_any[0])
                assert gold.observation_contains in seen.text, (task.question, seen.text)
                if gold.tool == "search":
                    assert seen.text.startswith(f'"{gold.observation_contains}"')


def test_plans_tell_how_the_answer_comes_about(worlds: dict[str, list[Invented]]) -> None:
    for invented in worlds["eval"]:
        for task, plan in zip(invented.tasks, invented.plans, strict=True):
            assert plan.answer == task.answer.accepted[0]
            assert plan.because
            assert [hop.tool for hop in plan.hops] == [gold.tool for gold in task.gold_actions]
            if task.category in ("lookup", "search", "two_hop") and task.answer.type != "list":
                assert plan.hops[-1].finds == plan.answer
            if task.category == "lookup_calculate":
                found = {hop.finds for hop in plan.hops} | {v for h in plan.hops for _, v in h.also}
                operands = NUMBER.findall(plan.hops[-1].input)
                assert sum(operand in found for operand in operands) >= len(operands) - 1


def test_what_is_unanswerable_is_not_in_the_world(worlds: dict[str, list[Invented]]) -> None:
    for invented in worlds["eval"]:
        titles = {article.title for article in invented.articles}
        for task, plan in zip(invented.tasks, invented.plans, strict=True):
            if task.category == "unanswerable":
                assert task.answer.type == "abstain" and not plan.hops[-1].finds
                assert (plan.hops[-1].input in titles) == bool(task.evidence)


def test_the_right_side_of_a_comparison_is_balanced(shipped: Suite) -> None:
    pairs = [task for task in shipped.tasks if task.category == "comparison"]
    first = sum(
        task.question.index(task.answer.accepted[0]) < task.question.index(task.answer.rejected[0])
        for task in pairs
    )
    assert first == len(pairs) / 2


def test_a_searched_title_is_not_in_the_question(shipped: Suite) -> None:
    for task in shipped.tasks:
        if task.category == "search":
            assert task.evidence[0] not in task.question


@pytest.mark.parametrize("count", [0, 1, 8, 700])
def test_any_number_of_tasks(count: int) -> None:
    invented = invent(9, count, split="train")
    assert len(invented.tasks) == len(invented.plans) == count
    assert len({task.id for task in invented.tasks}) == count


def test_a_written_suite_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    def digests(folder: Path) -> list[str]:
        made = invent(3, 14)
        write_suite(folder, made.tasks, made.articles, SIDE)
        return [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())]

    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert len(digests(tmp_path / "c")) == 3


@pytest.mark.parametrize(
    ("seed", "tasks", "split", "sha256"),
    [
        (5, 21, "eval", "f24a4a47a6298e9e16c70a498c39b622fc2f9a7849aebdf02b70a60f44df50dc"),
        (9, 70, "train", "ead979a17f7a9fa59988143c2ef2db617786e7bcc3f634055c55beb79ddb2cc7"),
    ],
)
def test_english_worlds_are_what_they_always_were(
    seed: int, tasks: int, split: Split, sha256: str
) -> None:
    """The pico models were trained on these, and results are compared over them."""
    made = repr(invent(seed, tasks, split=split))
    assert hashlib.sha256(made.encode()).hexdigest() == sha256


def test_expressions_are_exact() -> None:
    assert whole_result("(376 + 467) * 78") == 65754
    assert whole_result("10 / 5 - 3") == -1
    assert whole_result("10 / 4") is None


def test_numbers_of_one_digit_belong_to_both_sides() -> None:
    assert may_use("7 of 9", "eval") and may_use("7 of 9", "train")
    assert may_use("66400", "eval") != may_use("66400", "train")
