"""Answer matching: the traps that other matchers fall into, and what must hold for any text."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.scoring.answers import MATCHERS, MAX_CHARACTERS, expects, match
from harness.scoring.dates import Date, find_dates
from harness.scoring.denial import denied
from harness.scoring.lists import readings
from harness.scoring.numbers import find_quantities
from harness.scoring.records import Verdict
from harness.scoring.text import loosen, match_form, normalise, occurs
from harness.types import Target


def number(*accepted: str, **rest: object) -> Target:
    return Target("number", accepted, **rest)  # type: ignore[arg-type]


def string(*accepted: str, **rest: object) -> Target:
    return Target("string", accepted, **rest)  # type: ignore[arg-type]


def listing(*accepted: str, **rest: object) -> Target:
    return Target("list", accepted, **rest)  # type: ignore[arg-type]


def date(*accepted: str, **rest: object) -> Target:
    return Target("date", accepted, **rest)  # type: ignore[arg-type]


ABSTAIN = Target("abstain")
YES, NO = Target("yesno", ("yes",)), Target("yesno", ("no",))

STRICT, LENIENT, WRONG = "strict", "lenient", "wrong"


def grade(target: Target, text: str, language: str = "en") -> str:
    verdict = match(target, text, language)
    return STRICT if verdict.strict else LENIENT if verdict.lenient else WRONG


# What matchers in use get wrong: every row is a text that one of them scores the other way.
TRAPS = [
    # string rules applied to numbers
    (number("35"), "3.5", WRONG),
    (number("5"), "-5", WRONG),
    (number("1.0"), "10", WRONG),
    (number("12"), "1/2", WRONG),
    (number("1"), "1.0", STRICT),
    (number("314"), "3.14", WRONG),
    # string rules applied to names
    (string("C++"), "C#", WRONG),
    (string("Vitamin A"), "vitamin", WRONG),
    (string("The The"), "", WRONG),
    (string("!!!"), "", WRONG),
    (string("The The"), "the", WRONG),
    (string("The The"), "The The.", STRICT),
    (string("!!!"), "!!!", STRICT),
    (string("!!!"), "!", WRONG),
    (string("The Who"), "Who", STRICT),
    (string("AC/DC"), "AC", WRONG),
    # Unicode
    (string("1844–1846"), "1844-1846", STRICT),
    (string("O'Brien"), "O’Brien", STRICT),
    (string("Café"), "Cafe\u0301", STRICT),
    (string("Beyoncé"), "Beyonce", LENIENT),
    (string("東京"), "東京。", STRICT),
    (number("2020"), "２０２０", STRICT),
    # Japanese has no spaces between words
    (string("東京"), "答えは東京です", LENIENT),
    (string("東京"), "東京です", STRICT),
    (string("東京"), "東京都", WRONG),
    (string("東京"), "東京ではありません", WRONG),
    # numbers compared as text
    (number("18"), "18.", STRICT),
    (number("18"), "18.00", STRICT),
    (number("18"), "#### $18", STRICT),
    # taking the last number
    (number("50"), "18 dollars, i.e. a 50% saving", WRONG),
    (number("18", unit="dollars"), "18 dollars, i.e. a 50% saving", LENIENT),
    (number("18"), "18 ...", STRICT),
    (number("2"), "18個（残り2個）", WRONG),
    (number("18"), "18個（残り2個）", LENIENT),
    (number("18"), "18万", WRONG),
    (number("180000"), "18万", STRICT),
    # what counts as a digit
    (number("18"), "１８", STRICT),
    (number("3"), "٣", WRONG),
    (number("2"), "²", WRONG),
    # five significant digits
    (number("123456"), "123457", WRONG),
    (number("123456"), "1.2346e+05", WRONG),
    # symbols dropped from text
    (string("-5"), "5", WRONG),
    (string("3.14"), "314", WRONG),
    # garbage is not abstention
    (ABSTAIN, "wikipedia(", WRONG),
    (ABSTAIN, "", WRONG),
    (ABSTAIN, "}{", WRONG),
    # short aliases inside longer words and sentences
    (string("Em"), "the item", WRONG),
    (string("US"), "because", WRONG),
    (string("US"), "Let us go there", WRONG),
    # similar is not the same
    (number("1996"), "1998年", WRONG),
    (string("1996年"), "1998年", WRONG),
    (string("東京都"), "東京", WRONG),
    (string("2020年"), "２０２０年", STRICT),
    (YES, "はい", STRICT),
    # exact Japanese matching
    (YES, "はい。", STRICT),
    (YES, "Yes,", STRICT),
    (string("2010年"), "２０１０年", STRICT),
    (string("794年"), "794", LENIENT),
    # what NFKC does besides
    (number("1"), "①", WRONG),
    (number("102"), "10²", WRONG),
    (number("100"), "10²", STRICT),
    (number("0.5"), "½", STRICT),
    (number("2.5"), "2½", STRICT),
    (number("1993"), "㍻5年", STRICT),
    (string("東京～大阪"), "東京〜大阪", STRICT),
    (number("-5"), "−5", STRICT),
    (string("髙橋"), "高橋", STRICT),
    (string("山﨑"), "山崎", STRICT),
    (string("ヴァイオリン"), "バイオリン", LENIENT),
    (string("斉藤"), "齋藤", LENIENT),
    # deleting a range mark joins its ends
    (string("5月7月"), "5月〜7月", WRONG),
    (string("5月〜7月"), "5月～7月", STRICT),
    # cutting at a slash
    (number("1"), "1/2", WRONG),
    (number("0.5"), "1/2", STRICT),
    # repeating oneself
    (listing("Paris; Rome"), "Paris, Paris, Paris", WRONG),
    (listing("Paris; Rome"), "Paris, Paris, Rome", LENIENT),
    # gold inside a longer answer
    (string("Ramsey County"), "It is not in Ramsey County", WRONG),
    (string("Che Guevara"), "Ernesto Che Guevara", LENIENT),
    # yes or no with the other one behind it
    (YES, "Yes and no", WRONG),
    (NO, "No, that is true", WRONG),
]


@pytest.mark.parametrize(("target", "text", "expected"), TRAPS)
def test_trap(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected, match(target, text)


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (number("44091979"), "44,091,979", STRICT),
        (number("44091979"), "The result is 44,091,979.", STRICT),
        (number("44091979"), "48613 * 907 - 12 = 44091979", LENIENT),
        (number("44091979"), "4409,1979", WRONG),
        (number("1234"), "1,234", STRICT),
        (number("1234"), "12,34", WRONG),
        (number("1.2"), "1.2.3", WRONG),
        (number("5"), "minus 5", WRONG),
        (number("-5"), "マイナス5", STRICT),
        (number("-5"), "-$5", STRICT),
        (number("0.3", abs_tol="0.5"), "-0.1", WRONG),
        (number("412.5", abs_tol="0.05", unit="人"), "412.5人/km²", STRICT),
        (number("412.5", abs_tol="0.05", unit="人"), "約412.54人です", STRICT),
        (number("412.5", abs_tol="0.05", unit="人"), "412.56人", WRONG),
        (number("100", rel_tol="0.01"), "101", STRICT),
        (number("100", rel_tol="0.01"), "101.1", WRONG),
        (number("41", unit="m", rejected=("1874",)), "41 metres", STRICT),
        (number("41", unit="m"), "4100 cm", STRICT),
        (number("41", unit="m"), "41 km", WRONG),
        (number("41", unit="m"), "41 minutes", WRONG),
        (number("41", unit="m"), "It was built in 1874 and is 41 m tall", LENIENT),
        (number("41"), "41 or 42", WRONG),
        (number("41"), "not 41", WRONG),
        (number("41"), "It isn't 41", WRONG),
        (number("41"), "more than 41", WRONG),
        (number("41"), "41以上", WRONG),
        (number("50", unit="%"), "50%", STRICT),
        (number("50", unit="%"), "50", STRICT),
        (number("50", unit="%"), "50パーセント", STRICT),
        (number("30", unit="%"), "3割", STRICT),
        (number("50"), "50%", WRONG),
        (number("0.5"), "50%", WRONG),
        (number("123450000"), "1億2,345万", STRICT),
        (number("1234"), "千二百三十四", STRICT),
        (number("2010"), "二〇一〇年", STRICT),
        (number("1700000"), "三重県の人口は170万人", STRICT),
        (number("3"), "three", STRICT),
        (number("21000"), "twenty-one thousand", STRICT),
        (number("3500000"), "3.5 million", STRICT),
        (number("1911"), "明治44年", STRICT),
        (number("44"), "明治44年", WRONG),
        (number("1911"), "May 6, 1911", LENIENT),
        (number("1844"), "1844–1846", WRONG),
        (number("1" + "0" * 40 + "1"), "1" + "0" * 40 + "1", STRICT),
        (number("1" + "0" * 40 + "1"), "1" + "0" * 40 + "2", WRONG),
        (number("5"), "CO2 is 5", STRICT),
    ],
)
def test_numbers(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected, match(target, text)


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (date("1911-05-06"), "6 May 1911", STRICT),
        (date("1911-05-06"), "It was on May 6th, 1911.", STRICT),
        (date("1911-05-06"), "1911年5月6日", STRICT),
        (date("1911-05-06"), "明治44年5月6日", STRICT),
        (date("1911-05-06"), "1911/5/6", STRICT),
        (date("1911-05-06"), "１９１１年５月６日です", STRICT),
        (date("1911-05-06"), "1911年5月6日（明治44年）", STRICT),
        (date("1911-05-06"), "May 1911", WRONG),
        (date("1911-05-06"), "5/6/1911", WRONG),
        (date("1911-05-06"), "6/5/11", WRONG),
        (date("1911-05-06"), "6 May '11", WRONG),
        (date("1911-05-06"), "7 May 1911", WRONG),
        (date("1911-05-06"), "6 May 1911 or 7 May 1911", WRONG),
        (date("1911-05-06"), "not on 6 May 1911", WRONG),
        (date("1911-05-13"), "13/5/1911", STRICT),
        (date("1911-05"), "6 May 1911", STRICT),
        (date("1911"), "1911", STRICT),
        (date("1911"), "1911年", STRICT),
        (date("1964-10-10"), "昭和三十九年十月十日", STRICT),
        (date("2019"), "令和元年", STRICT),
        (date("2019"), "平成99年", WRONG),
        (date("1999-02-28"), "31 February 1999", WRONG),
        (date("0044-03-15"), "44 BC", WRONG),
        (date("44 BC"), "紀元前44年", STRICT),
    ],
)
def test_dates(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected, match(target, text)


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (listing("Oslo; Bergen"), "Oslo and Bergen", STRICT),
        (listing("Oslo; Bergen"), "Bergen, Oslo.", STRICT),
        (listing("Oslo; Bergen"), "The towns are Oslo and Bergen", LENIENT),
        (listing("Oslo; Bergen"), "Oslo", WRONG),
        (listing("Oslo; Bergen"), "Oslo, Bergen, Moss", WRONG),
        (listing("Oslo; Bergen", ordered=True), "Bergen, Oslo", WRONG),
        (listing("Oslo; Bergen; Moss"), "Oslo, Bergen, and Moss", STRICT),
        (listing("東京; 大阪"), "東京と大阪", STRICT),
        (listing("東京; 大阪"), "大阪、東京です", STRICT),
        (listing("東京; 大阪"), "東京・大阪", STRICT),
        (listing("ジョン・スミス; メアリー"), "ジョン・スミスとメアリー", STRICT),
        (listing("1200; 7"), "1,200, 7", STRICT),
        (listing("1; 2; 3", ordered=True), "1,2,3", STRICT),
        (listing("Oslo; Bergen", rejected=("Oslo; Moss",)), "Moss, Oslo", WRONG),
    ],
)
def test_lists(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected, match(target, text)


def test_a_list_verdict_tells_how_many_items_were_found() -> None:
    assert match(listing("Oslo; Bergen; Moss"), "Oslo and Moss").rule == "list: 2 of 3 items"


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (string("Port Almeric"), "**Port Almeric**", STRICT),
        (string("Port Almeric"), '"the Port  Almeric".', STRICT),
        (string("Port Almeric"), "The town is Port Almeric", LENIENT),
        (string("Port Almeric", rejected=("Port Almeric South",)), "Port Almeric South", WRONG),
        (
            string("Port Almeric", rejected=("Port Almeric South",)),
            "It is Port Almeric South",
            WRONG,
        ),
        (string("Port Almeric", rejected=("Almeric",)), "It is Port Almeric", LENIENT),
        (string("Port Almeric"), "Port Almeric or Oslo", WRONG),
        (string("Port Almeric"), "Oslo, Port Almeric, Bergen", WRONG),
        (string("Port Almeric"), "Port Almeric and Oslo", WRONG),
        (string("Port Almeric"), "Port Almeric, Norway", LENIENT),
        (string("東京"), "東京と大阪", WRONG),
        (string("Port Almeric"), "I don't know Port Almeric", WRONG),
        (string("Port Almeric"), "Port Almeric " + "and so on " * 20, WRONG),
        (string("Em"), "The answer is Em.", LENIENT),
        (string("Em", rejected=("Um",)), "The answer is Um.", WRONG),
        (string("仁"), "答えは仁です", LENIENT),
        (string("Jean-Luc"), "Jean Luc", LENIENT),
        (string("St. Louis"), "St Louis", LENIENT),
        (string("雪国"), "『雪国』", STRICT),
        (string("雪国"), "雪 国", STRICT),
        (string("ジョン・スミス"), "ジョン スミス", LENIENT),
        (string("はまだ"), "はま", WRONG),
        (string("waiter", "a waiter"), "A waiter.", STRICT),
    ],
)
def test_strings(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected, match(target, text)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("unknown", "en", STRICT),
        ("Unknown.", "en", STRICT),
        ("I don’t know.", "en", STRICT),
        ("The answer is unknown", "en", STRICT),
        ("不明です。", "ja", STRICT),
        ("わかりません", "ja", STRICT),
        ("unknown", "ja", STRICT),
        ("わかりません", "en", WRONG),
        ("The article does not say who built it", "en", LENIENT),
        ("記事に記載がありません。", "ja", LENIENT),
        ("I don't know, maybe Oslo", "en", WRONG),
        ("Unknown, Oslo", "en", WRONG),
        ("unknown (1911)", "en", WRONG),
        ("分かりませんが、東京です", "ja", WRONG),
        ("Oslo", "en", WRONG),
        ("none", "en", WRONG),
    ],
)
def test_abstaining(text: str, language: str, expected: str) -> None:
    assert grade(ABSTAIN, text, language) == expected


def test_abstaining_never_answers_a_question_that_has_an_answer() -> None:
    for target in (number("5"), string("Paris"), YES, NO, date("1911"), listing("a; b")):
        verdict = match(target, "I don't know")
        assert (verdict.strict, verdict.lenient) == (False, False)
        assert verdict.rule == f"{target.type}: abstained"


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        (YES, "Yes, it is.", LENIENT),
        (YES, "The answer is yes", LENIENT),
        (YES, "It is not true", WRONG),
        (NO, "いいえ、違います", LENIENT),
        (NO, "いいえ", STRICT),
        (YES, "No", WRONG),
        (YES, "maybe", WRONG),
        (YES, "yesterday", WRONG),
    ],
)
def test_yes_and_no(target: Target, text: str, expected: str) -> None:
    assert grade(target, text) == expected


def test_the_verdict_says_what_was_compared_and_why() -> None:
    assert match(number("18"), "about 18.0 pieces") == Verdict(
        True, True, "18", "number: one number"
    )
    assert match(string("Oslo"), "") == Verdict(False, False, "", "string: not answered")
    assert expects(match(ABSTAIN, "Oslo")) == "abstain"


def test_a_new_matcher_is_one_function_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge_colour(target: Target, text: str) -> Verdict:
        right = text.strip("#").lower() == target.accepted[0]
        return Verdict(right, right, text, "same colour" if right else "another")

    monkeypatch.setitem(MATCHERS, "colour", judge_colour)  # type: ignore[misc]
    colour = Target("colour", ("ff0000",))  # type: ignore[arg-type]
    assert match(colour, "#FF0000") == Verdict(True, True, "#FF0000", "colour: same colour")
    assert match(colour, "I don't know").rule == "colour: abstained"


TYPES = st.sampled_from(["number", "string", "date", "list", "yesno", "abstain"])
PIECES = r"""
1 22 300 four half a third and of million m h min kg °F % 分の 半 千 時間 √ 第 + - × ^ \, { } $ not
but Paris wrong before May 1911 AD BC 明治 元年 ~ | [ ] 1. 2) • ①
"""
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789,.-−%万億千/ °€e×^²½()（）", max_size=20),
    st.text("年月日明治昭和平成元一二三十〇0123456789 ./-MayJunbc", max_size=20),
    st.text("abcABC ・と、;,and'\"「」です。だ的", max_size=30),
    st.lists(
        st.sampled_from([*PIECES.split(), " ", "\n", "\ue000"]),
        max_size=12,
    ).flatmap(lambda words: st.sampled_from(["", " "]).map(lambda gap: gap.join(words))),
)


@given(TYPES, TEXTS, TEXTS, TEXTS, st.sampled_from(["en", "ja", "xx"]))
def test_any_text_gets_a_verdict(kind: str, gold: str, bad: str, text: str, language: str) -> None:
    target = Target(kind, (gold,), (bad,), abs_tol=bad, unit=gold)  # type: ignore[arg-type]
    verdict = match(target, text, language)
    assert verdict.lenient or not verdict.strict
    assert verdict.rule.startswith(f"{kind}: ")


@given(TEXTS)
def test_normal_forms_are_stable(text: str) -> None:
    for form in (match_form, normalise, loosen):
        once = form(text)
        assert form(once) == once


@given(TEXTS)
def test_an_accepted_string_passes_however_it_is_dressed(text: str) -> None:
    assume(any(character.isalnum() for character in normalise(text)))
    target = string(text)
    for dressed in (text, f"  {text} ", f"“{text}”", f"{text}.", f"**{text}**"):
        assert match(target, dressed).strict, dressed


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12
    )
)
def test_an_accepted_number_passes_in_every_spelling(value: Decimal) -> None:
    for text in (
        f"{value:f}",
        f"{value:,f}",
        f"the result is {value:f}.",
        f"−{-value:f}" if value < 0 else f"{value:f}",
    ):
        assert match(number(f"{value:f}"), text).strict, text
    assert not match(number(f"{value:f}"), f"{value + 1:f}").lenient
    if value:
        assert not match(number(f"{value:f}"), f"{-value:f}").lenient


@given(st.dates())
def test_an_accepted_date_passes_in_every_spelling(day: object) -> None:
    iso = f"{day:%Y-%m-%d}"
    year, month, number_of_day = (int(part) for part in iso.split("-"))
    assume(year >= 1000)
    for text in (iso, f"{day:%d %B %Y}", f"{day:%B %d, %Y}", f"{year}年{month}月{number_of_day}日"):
        assert match(date(iso), text).strict, text


@given(TYPES, TEXTS, TEXTS)
def test_a_rejected_answer_fails(kind: str, gold: str, bad: str) -> None:
    verdict = match(Target(kind, (gold,), (bad,)), bad)  # type: ignore[arg-type]
    assert not verdict.strict and not verdict.lenient


@given(TYPES, TEXTS)
def test_an_answer_without_content_is_never_right(kind: str, gold: str) -> None:
    for text in ("", " ", "\n", "\u200b", "''"):
        assert not match(Target(kind, (gold, "", text)), text).lenient  # type: ignore[arg-type]


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_found_where_it_stands_alone(needle: str, text: str) -> None:
    at = occurs(needle, text)
    assert at == -1 or text[at : at + len(needle)] == needle
    if needle and "(" not in needle:
        assert occurs(needle, f"({needle})") == 1


def test_a_run_on_is_no_answer_and_costs_nothing() -> None:
    target = string("Oslo")
    assert match(target, "Oslo " * 1_000_000).rule == "string: too long"
    assert match(target, "x" * (MAX_CHARACTERS + 1)).rule == "string: too long"
    assert match(target, "x" * MAX_CHARACTERS).rule == "string: different"


REPEATED = r"""1,|1 |(|です。|1万|a-|1.|二|the |one |[(|5/|『|100 |1'|1 h |one and |half |1/2 |hundred |may |
5 may |$1|{|\frac{|not |- |1. |ー|ケ峰|分の|二・|5 ft |or |not a but """


@pytest.mark.parametrize("text", REPEATED.replace("\n", "").split("|"))
def test_reading_takes_time_in_proportion_to_length(text: str) -> None:
    def seconds(times: int) -> float:
        best = float("inf")
        for i in range(3):
            long = text * times + "?" * i  # a text that nothing remembers
            began = time.process_time()
            find_quantities(long), find_dates(long), normalise(long), loosen(long)
            readings(long, ["a and b"]), denied(long, 0, 1)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(8_000) < 8 * seconds(2_000) + 0.02


def test_dates_are_read_to_the_precision_given() -> None:
    assert find_dates("May 1911") == (Date(1911, 5, 0),)
    assert Date(1911, 5, 6).within(Date(1911, 5, 0))
    assert not Date(1911, 5, 0).within(Date(1911, 5, 6))
