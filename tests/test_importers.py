"""Importers: tiny files in each data set's form become suites that check and run.

The files are written here; nothing in them is from a data set.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.scoring.answers import match
from harness.suites import tasks
from harness.suites.importers import DATASETS, Dataset, Imported, Source, import_files
from harness.suites.importers.source import target
from harness.types import Article, GoldAction, Suite, Task, UserError


def jsonl(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def bring(tmp_path: Path, name: str, *files: str, more: tuple[str, ...] = ()) -> Suite:
    """Import files by the command, and load what it wrote."""
    out = tmp_path / "out"
    assert main(["tasks", "import", name, *files, "--out", str(out), "--unverified", *more]) == 0
    return tasks.load_suite(str(out))


def refusal(tmp_path: Path, name: str, *files: str, more: tuple[str, ...] = ()) -> str:
    """The one line in which the command refuses; nothing is left behind."""
    out = tmp_path / "out"
    with pytest.raises(UserError) as caught:
        import_files(DATASETS[name], files, unverified=True)
    assert main(["tasks", "import", name, *files, "--out", str(out), "--unverified", *more]) == 2
    assert not out.exists()
    text = str(caught.value)
    assert "\n" not in text
    return text


# --- GSM8K and MGSM ---------------------------------------------------------------------

SUMS = [
    {"question": "Two  boxes\nof 6 eggs?", "answer": "It is 2*6=<<2*6=12>>12.\n#### 12"},
    {"question": "A third of 200?", "answer": "<<200/3=66.67>>66.67, up <<66+1=67>>67\n#### 67"},
    {"question": "25% of $1,200?", "answer": "So $<<1,200*25%=300>>300.\n#### $300"},
    {"question": "Says one thing?", "answer": "<<3+3=7>>7\n#### 1,007"},
    {"question": "No sum marked?", "answer": "Just so.\n#### -5"},
]


def test_gsm8k_marks_become_gold_calculate_actions(tmp_path: Path) -> None:
    suite = bring(tmp_path, "gsm8k", jsonl(tmp_path / "test.jsonl", SUMS))
    assert [task.answer.accepted[0] for task in suite.tasks] == ["12", "67", "300", "1007", "-5"]
    assert suite.tasks[0].question == "Two boxes of 6 eggs?"
    assert suite.tasks[0].gold_actions == (
        GoldAction("calculate", expr="2*6", observation_contains="12"),
    )
    rounded, whole = suite.tasks[1].gold_actions
    assert (rounded.expr, rounded.observation_contains) == ("200/3", "66.6666666667")
    assert (whole.expr, whole.observation_contains) == ("66+1", "67")
    assert suite.tasks[2].gold_actions[0].expr == "1200*(25/100)"
    assert [task.difficulty for task in suite.tasks] == [1, 2, 1, 1, 1]


def test_a_gold_sum_that_is_wrong_is_dropped_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = bring(tmp_path, "gsm8k", jsonl(tmp_path / "test.jsonl", SUMS))
    assert [len(task.gold_actions) for task in suite.tasks] == [1, 2, 1, 0, 0]
    said = capsys.readouterr().out
    assert "1 tasks keep no gold actions" in said and suite.tasks[3].id in said
    assert "1 of 5 worked answers mark no sum" in said


def test_an_import_states_licence_count_and_metric_and_the_command_that_runs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = bring(tmp_path, "gsm8k", jsonl(tmp_path / "test.jsonl", SUMS))
    said = capsys.readouterr().out
    for part in ("MIT", "5 tasks of 5 records", "after ####", f"--suite {tmp_path / 'out'}"):
        assert part in said
    text = (tmp_path / "out" / "tasks.toml").read_text("utf-8")
    assert "# metric of its papers: exact match" in text
    side = tomllib.loads(text)
    assert side["licence"] == suite.licence == "MIT"
    assert "test.jsonl (not a known file), sha256" in side["source"]
    assert not suite.world and not (tmp_path / "out" / "world.sqlite").exists()


def test_mgsm_problems_share_a_cluster_over_languages_and_take_gsm8k_s_sums(tmp_path: Path) -> None:
    file = tmp_path / "mgsm_ja.tsv"
    file.write_text('卵が6個入った箱が2つ。\t12\n"200の三分の一" は？\t67\n', "utf-8")
    sums = jsonl(tmp_path / "test.jsonl", SUMS[:2])
    suite = bring(tmp_path, "mgsm", str(file), sums)
    assert [task.cluster for task in suite.tasks] == ["gsm8k-test-0000", "gsm8k-test-0001"]
    assert {task.language for task in suite.tasks} == {"ja"}
    assert [len(task.gold_actions) for task in suite.tasks] == [1, 2]
    assert suite.tasks[1].question == '"200の三分の一" は？'
    wrong = jsonl(tmp_path / "wrong.jsonl", SUMS[1:3])
    assert "answer 67 to gsm8k-0000, but 12" in refusal(tmp_path / "b", "mgsm", str(file), wrong)
    other = tmp_path / "problems.tsv"
    other.write_bytes(file.read_bytes())
    assert "name the file mgsm_CODE.tsv" in refusal(tmp_path / "b", "mgsm", str(other))


# --- HotpotQA ---------------------------------------------------------------------------

HOTPOT = {
    "id": "h1",
    "question": "Where was the founder of Oru Mills born?",
    "answer": "Pell",
    "type": "bridge",
    "level": "hard",
    "supporting_facts": [["Ada Venn", 0], ["Oru Mills", 0], ["Ada Venn", 1], ["Not there", 0]],
    "context": [
        ["Oru Mills", ["Oru Mills is a mill.", " Ada Venn founded it."]],
        ["Ada Venn", ["Ada Venn is a miller.", " She was born in Pell."]],
        ["Zed", ["Zed is a letter."]],
    ],
}


def test_hotpotqa_passages_become_a_world_that_its_gold_actions_work_in(tmp_path: Path) -> None:
    yes = {
        **HOTPOT,
        "id": "h2",
        "question": "Are both mills?",
        "answer": "no",
        "type": "comparison",
    }
    suite = bring(tmp_path, "hotpotqa", jsonl(tmp_path / "h.jsonl", [HOTPOT, yes]))
    first, second = suite.tasks
    assert [gold.input_any[0] for gold in first.gold_actions] == ["Oru Mills", "Ada Venn"]
    assert [gold.observation_contains for gold in first.gold_actions] == ["", "Pell"]
    assert (first.category, first.difficulty) == ("two_hop", 4)
    assert (second.category, second.answer.type) == ("comparison", "yesno")
    assert suite.world.endswith("world.sqlite") and suite.licence == "CC-BY-SA-4.0"
    assert main(["tasks", "check", str(tmp_path / "out")]) == 0


def test_hotpotqa_reads_a_json_list_as_well_and_evidence_out_of_sight_is_dropped(
    tmp_path: Path,
) -> None:
    far = ["Ada Venn is a miller.", *[f" Sentence {n} tells little." for n in range(40)], " Pell."]
    row = {**HOTPOT, "context": [HOTPOT["context"][0], ["Ada Venn", far]]}
    row["_id"] = row.pop("id")
    file = tmp_path / "h.json"
    file.write_text(json.dumps([row]))
    suite = bring(tmp_path, "hotpotqa", str(file))
    assert suite.tasks[0].id == "h1"
    assert [gold.observation_contains for gold in suite.tasks[0].gold_actions] == ["", ""]


def test_hotpotqa_dev_takes_react_s_shuffle(tmp_path: Path) -> None:
    rows = [{"question": f"Q{n}?", "answer": f"A {n}", "type": "bridge"} for n in range(7405)]
    file = tmp_path / "dev.json"
    file.write_text(json.dumps(rows))
    suite = bring(tmp_path, "hotpotqa-dev", str(file))
    assert len(suite.tasks) == 500
    assert [task.question for task in suite.tasks[:3]] == ["Q3687?", "Q6238?", "Q5388?"]
    assert suite.tasks[0].id == "hotpotqa-dev-3687"


# --- FEVER, Bamboogle, JEMHopQA ---------------------------------------------------------


def test_fever_labels_are_three_answers_and_a_claim_said_twice_is_one_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "id": 1,
            "label": "SUPPORTS",
            "claim": "Oru is a film.",
            "evidence": [[[5, 6, "Oru_-LRB-film-RRB-", 0], [5, 7, "Pell", 1]]],
        },
        {
            "id": 2,
            "label": "NOT ENOUGH INFO",
            "claim": "Oru is long.",
            "evidence": [[[7, None, None, None]]],
        },
        {
            "id": 3,
            "label": "SUPPORTS",
            "claim": "Oru is a film.",
            "evidence": [[[5, 6, "Pell", 0]]],
        },
    ]
    suite = bring(tmp_path, "fever", jsonl(tmp_path / "f.jsonl", rows))
    first, unknown, again = suite.tasks
    assert [gold.input_any for gold in first.gold_actions] == [("Oru (film)",), ("Pell",)]
    assert first.cluster == again.cluster != unknown.cluster
    for said, right in (
        ("SUPPORTS", True),
        ("supported", True),
        ("REFUTES", False),
        ("yes", False),
    ):
        assert match(first.answer, said).strict is right
    assert match(unknown.answer, "Not enough information.").strict
    assert not match(unknown.answer, "supports").lenient
    assert "--world live" in capsys.readouterr().out


def test_bamboogle_s_broken_dates_are_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "test.csv"
    file.write_text(
        'Question,Answer\nWhen was A born?,29-May-32\n"Who, then?",Ada Venn\n'
        'When did B die?,"June 20, 1837"\nHow many?,"1,200"\nIs it so?,Yes\n'
    )
    suite = bring(tmp_path, "bamboogle", str(file))
    assert [t.answer.type for t in suite.tasks] == ["string", "date", "number", "yesno"]
    assert suite.tasks[0].id == "bamboogle-002"
    assert match(suite.tasks[1].answer, "20 June 1837").strict
    said = capsys.readouterr().out
    assert "4 tasks of 5 records" in said and "left out: lines 2;" in said


def test_bamboogle_s_corrected_file_has_several_right_answers(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    file.write_text(json.dumps([{"Question": "Who?", "answer": ["Ada Venn", "A. Venn"]}]))
    (task,) = bring(tmp_path, "bamboogle", str(file)).tasks
    assert match(task.answer, "A. Venn").strict and match(task.answer, "Ada Venn").strict


JEM = [
    {
        "qid": "q1",
        "type": "comparison",
        "question": "オル市とペル市は同じ県ですか？",
        "answer": "NO",
        "derivations": [["オル市", "県", ["北県"]], ["ペル市", "県", ["南県"]]],
        "time_dependent": False,
    },
    {
        "qid": "q2",
        "type": "compositional",
        "question": "オル市の市長の生年月日は？",
        "answer": "1950年4月2日",
        "derivations": [["オル市", "市長", ["辺見音"]], ["辺見音", "生年月日", ["1950年4月2日"]]],
        "time_dependent": True,
    },
]


def test_jemhopqa_facts_become_articles_and_a_second_file_adds_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dev = tmp_path / "dev.json"
    dev.write_text(json.dumps(JEM, ensure_ascii=False), "utf-8")
    cards = jsonl(
        tmp_path / "cards.jsonl", [{"title": "ゼド町", "facts": {"県": ["東県", "西県"]}}]
    )
    suite = bring(tmp_path, "jemhopqa", str(dev), cards)
    first, second = suite.tasks
    assert match(first.answer, "いいえ", "ja").strict and match(first.answer, "NO", "ja").strict
    assert second.answer.type == "date"
    assert [g.input_any[0] for g in second.gold_actions] == ["オル市", "辺見音"]
    said = capsys.readouterr().out
    assert "4 articles" in said and "1 answers depend on when" in said
    assert main(["tasks", "check", str(tmp_path / "out")]) == 0
    assert main(["worlds", "show", suite.world, "--article", "オル市"]) == 0
    assert "オル市の県は北県。オル市の市長は辺見音。" in capsys.readouterr().out


# --- any table --------------------------------------------------------------------------


def test_a_table_is_read_through_a_map_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "quiz.csv"
    file.write_text(
        "Nr,Frage,Antwort,Art,Stufe\na,Who?,Ada Venn; A. Venn,,2\nb,首都は？,東京,string,\n"
        'c,Which two?,"x; y",list,3\n',
        "utf-8",
    )
    columns = "question=Frage,answer=Antwort,id=Nr,type=Art,difficulty=Stufe"
    more = ("--columns", columns, "--licence", "CC0-1.0")
    suite = bring(tmp_path, "table", str(file), more=more)
    assert [task.id for task in suite.tasks] == ["a", "b", "c"]
    assert [task.language for task in suite.tasks] == ["en", "ja", "en"]
    assert [task.difficulty for task in suite.tasks] == [2, 1, 3]
    assert match(suite.tasks[0].answer, "A. Venn").strict
    assert match(suite.tasks[2].answer, "y and x").strict
    assert suite.licence == "CC0-1.0"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    "content",
    [
        b'{"question": "Who?", "answer": "Ada"}\n{"question": "When?", "answer": 1911}\n',
        b'[{"question": "Who?", "answer": "Ada"}, {"question": "When?", "answer": "1911"}]',
        b"question,answer\nWho?,Ada\nWhen?,1911\n",
        b"question;answer\r\nWho?;Ada\r\nWhen?;1911\r\n",
        b"id;question;answer, short\n",
        b"question\tanswer\nWho?\tAda\nWhen?\t1911\n",
        b"question | answer\nWho? | Ada\nWhen? | 1911\n",
    ],
)
def test_a_table_is_read_whatever_parts_its_cells(
    tmp_path: Path, content: bytes, mark: bytes
) -> None:
    file = tmp_path / "quiz"
    file.write_bytes(mark + content)
    if content.startswith(b"id;"):
        assert f"{file}:1: a head and no rows" in refusal(tmp_path, "table", str(file))
        return
    suite = bring(tmp_path, "table", str(file))
    assert [task.question for task in suite.tasks] == ["Who?", "When?"]
    assert [task.answer.accepted for task in suite.tasks] == [("Ada",), ("1911",)]


def test_several_answers_in_a_cell_of_a_table_with_semicolons_are_quoted(tmp_path: Path) -> None:
    file = tmp_path / "quiz.csv"
    file.write_text("question;answer\nWho?;Ada Venn; A. Venn\n")
    said = refusal(tmp_path, "table", str(file))
    assert said.startswith(f"{file}:2: 3 fields, but the head has 2, parted by semicolons; put")
    file.write_text('question;answer\nWho?;"Ada Venn; A. Venn"\n')
    assert bring(tmp_path, "table", str(file)).tasks[0].answer.accepted == ("Ada Venn", "A. Venn")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("TRUE", "yes"), ("False", "no"), ("yes", "yes"), ("いいえ", "no"), ("True; yes", "yes")],
)
def test_true_and_false_are_yes_and_no(tmp_path: Path, written: str, meant: str) -> None:
    file = tmp_path / "quiz.csv"
    for kind in ("", "yesno"):
        folder = tmp_path / f"type{kind}"
        folder.mkdir()
        file.write_text(f"question,answer,type\nIs it?,{written},{kind}\n", "utf-8")
        answer = bring(folder, "table", str(file)).tasks[0].answer
        assert (answer.type, answer.accepted) == ("yesno", (meant,))
        assert match(answer, written.split(";")[0]).strict
    rows = [{"question": "Is it?", "answer": meant == "yes"}]
    answer = bring(tmp_path, "table", jsonl(tmp_path / "t.jsonl", rows)).tasks[0].answer
    assert (answer.type, answer.accepted) == ("yesno", (meant,))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "quiz.csv"
    file.write_text("question,answer, answer\nWho?,Ada,Bo\n")
    assert refusal(tmp_path, "table", str(file)) == (
        f"{file}:1: 2 columns have the name 'answer'; rename all but one"
    )
    file.write_text('{"question": "Q", "answer": "A"}\n{"question": "Q", "answer": 1, "answer": 2}')
    assert f'{file}:2: not JSON: it has the field "answer" twice' in refusal(
        tmp_path, "table", str(file)
    )


def test_a_table_may_be_jsonl_with_lists_of_answers(tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": 12}, {"question": "Who?", "answer": ["A", "B"]}]
    suite = bring(tmp_path, "table", jsonl(tmp_path / "t.jsonl", rows))
    assert [task.answer.accepted for task in suite.tasks] == [("12",), ("A", "B")]


# --- an importer of one's own -----------------------------------------------------------


def read_capitals(sources: Sequence[Source], columns: Mapping[str, str]) -> Imported:
    """Lines such as `Norway: Oslo`."""
    tasks = []
    for number, line in enumerate(sources[0].text().splitlines(), 1):
        land, colon, city = line.partition(": ")
        if not colon:
            raise UserError(f"{sources[0].path}:{number}: expected land, colon, city")
        question = f"What is the capital of {land}?"
        tasks.append(
            Task(f"c{number}", question, target(city), "capital", provenance=f"line {number}")
        )
    return Imported(tuple(tasks), len(tasks), (Article("Norway", "Its capital is Oslo."),))


CAPITALS = Dataset("Capitals", "CC0-1.0", "exact match", "", ("capitals.txt",), read_capitals)


def test_a_new_importer_is_one_value_and_one_line_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DATASETS, "capitals", CAPITALS)
    assert main(["tasks", "import"]) == 0
    assert "capitals: Capitals, CC0-1.0" in capsys.readouterr().out
    file = tmp_path / "capitals.txt"
    file.write_text("Norway: Oslo\nEstonia: Tallinn\n")
    suite = bring(tmp_path, "capitals", str(file))
    assert [task.answer.accepted[0] for task in suite.tasks] == ["Oslo", "Tallinn"]
    assert suite.tasks[1].provenance == "imported: line 2"
    assert suite.licence == "CC0-1.0" and suite.world
    assert main(["tasks", "check", str(tmp_path / "out")]) == 0
    file.write_text("Norway: Oslo\nEstonia\n")
    assert refusal(tmp_path / "again", "capitals", str(file)).startswith(f"{file}:2: expected land")


# --- wrong files ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "table"])
def test_a_file_with_another_hash_is_refused_unless_asked_for(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = jsonl(tmp_path / "some.jsonl", SUMS)
    out = tmp_path / "out"
    assert main(["tasks", "import", name, file, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "is none of the files known here" in said and "--unverified" in said
    assert said.count("\n") == 1 and not out.exists()


@pytest.mark.parametrize("name", sorted(DATASETS))
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"something": "else"}\n', "some.file"),
        (b"[1, 2]", "some.file"),
        (b'{"question": 1', "some.file"),
        (b"one line of prose\n", "some.file"),
        (b'{"question": "Q", "answer": {"a": []}, "label": [], "context": 3}\n', "some.file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_names_it(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / "some.file"
    file.write_bytes(content)
    assert said in refusal(tmp_path, name, str(file))


def test_a_bad_row_is_named_by_its_line(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "test.jsonl", [*SUMS[:2], {"question": "Q", "answer": "no mark"}])
    assert refusal(tmp_path, "gsm8k", file).startswith(f"{file}:3: expected an answer that ends in")
    table = tmp_path / "t.csv"
    table.write_text("question,answer\nQ,A\nQ\n")
    assert refusal(tmp_path, "table", str(table)).startswith(
        f"{table}:3: 1 fields, but the head has 2"
    )


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("questions,answer\nQ,A\n")
    said = refusal(tmp_path, "table", str(table))
    assert "give --columns question=COLUMN; did you mean questions?" in said


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    file = jsonl(tmp_path / "h.jsonl", [HOTPOT, HOTPOT])
    assert "2 records have the id 'h1'" in refusal(tmp_path, "hotpotqa", file)


GOOD: dict[str, Any] = {
    "gsm8k": SUMS[0],
    "hotpotqa": HOTPOT,
    "hotpotqa-dev": HOTPOT,
    "jemhopqa": JEM[1],
    "fever": {"id": 1, "label": "SUPPORTS", "claim": "C", "evidence": [[[1, 2, "P", 0]]]},
    "bamboogle": {"Question": "Q?", "answer": ["A"]},
    "table": {"question": "Q?", "answer": "A", "id": "1", "type": "string", "difficulty": 2},
}
JUNK: tuple[Any, ...] = (
    None,
    0,
    -1.5,
    True,
    "",
    " ",
    "\n",
    "x",
    "\ud800",
    [],
    [None],
    ["x"],
    [[]],
    [["x", 1]],
    [["x", "y", []]],
    [[[]]],
    {},
    {"x": {}},
    [{"x": 1}],
    "9" * 5000,
    "#### 1",
    "<<1=>>\n#### 2",
)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_junk_in_any_field_is_refused_or_read_and_never_a_crash(tmp_path: Path, name: str) -> None:
    file = tmp_path / "some.json"
    for field in GOOD[name]:
        for junk in JUNK:
            file.write_text(json.dumps([{**GOOD[name], field: junk}]))
            try:
                imported, _ = import_files(DATASETS[name], [str(file)], unverified=True)
            except UserError as error:
                assert str(file) in str(error)
            else:
                lines = "\n".join(map(tasks.dump_task, imported.tasks))
                assert tasks.parse_tasks(lines, "again") == imported.tasks


def test_a_canary_is_passed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = jsonl(
        tmp_path / "t.jsonl", [{"question": "Q?", "answer": "A", "note": "canary GUID 12"}]
    )
    bring(tmp_path, "table", file)
    assert "keep this folder out of public places" in capsys.readouterr().out


def test_without_a_name_the_importers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "import"]) == 0
    said = capsys.readouterr().out
    for name, dataset in DATASETS.items():
        assert f"{name}: " in said and dataset.metric in said and dataset.licence in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gsmk", "x", "--out", "o"], "no data set 'gsmk'; did you mean gsm8k or mgsm?"),
        (["gsm8k"], "tasks import gsm8k FILE --out DIR"),
        (["gsm8k", "no-such-file", "--out", "o"], "no-such-file: cannot be read"),
        (["gsm8k", "a", "b", "--out", "o"], "expected test.jsonl; got 2 files"),
    ],
)
def test_mistakes_on_the_command_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tasks", "import", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_docs_name_every_importer_and_their_example_is_a_task() -> None:
    text = (Path(__file__).parent.parent / "docs" / "extending.md").read_text("utf-8")
    for name in DATASETS:
        assert f"| `{name}` |" in text
    (example,) = [line for line in text.splitlines() if line.startswith('{"id"')]
    assert tasks.parse_tasks(example, "docs")[0].gold_actions[0].tool == "wikipedia"
