"""calculate gives the right number or says what to write instead, whatever it is handed."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.tools.calculate import (
    _CONSTANTS,
    _FUNCTIONS,
    CannotCalculate,
    calculate,
    calculate_loosely,
    evaluate,
    work_out,
)
from harness.tools.loose import SUM_REPAIRS, read_sum
from harness.tools.loose.tokens import ARITY, CannotRead
from harness.types import Article, Hit


class NoWorld:
    """calculate asks the world nothing."""

    id = "none"

    def article(self, title: str) -> Article | None:
        raise AssertionError(title)

    def similar(self, title: str, limit: int = 3) -> list[str]:
        raise AssertionError(title)

    def search(self, query: str, limit: int = 3) -> list[Hit]:
        raise AssertionError(query)


VALUES = [
    ("4 * 7 / 3", "9.33333333333"),
    ("2**10", "1024"),
    ("10 % 3", "1"),
    ("sqrt(2)", "1.41421356237"),
    ("math.sqrt(2)", "1.41421356237"),
    ("(" * 150 + "1" + ")" * 150, "1"),
    ("factorial(5)", "120"),
    ("log(100)", "4.60517018599"),
    ("log10(100)", "2.0"),
    ("sin(30)", "-0.988031624093"),
    ("pi * 2**2", "12.5663706144"),
    ("3+4 # c", "7"),
    ("1_000*2", "2000"),
    ("max(1,2,3)", "3"),
    ("round(3.14159,2)", "3.14"),
    ("0.1+0.2", "0.3"),
    ("1/3", "0.333333333333"),
    ("(67750000 - 125100000) * 2", "-114700000"),
    ("4 * 7 / 3.", "9.33333333333"),
    ("round(2**0.5, 10**9)", "1.41421356237"),
    ("floor(2.7)", "2"),
    # and how results are printed
    ("12 / 1", "12.0"),
    ("0.1 * 3 * 10", "3.0"),
    ("-0.5 * 2", "-1.0"),
    ("123456789012345.0 + 0", "123456789012345.0"),
    ("1e20", "1e+20"),
    ("2**200", str(2**200)),
    ("  7 ", "7"),
    ("-7 // 2", "-4"),
    ("--+5", "5"),
    ("10**-2", "0.01"),
    ("1**(10**12)", "1"),
    ("round(5, -10**9)", "0"),
    ("round(1234, -2)", "1200"),
    ("math.pi", "3.14159265359"),
]

# As people write it: what it comes to, and the repairs that are named.
READ = [
    ("5,069 * 4,387", "22237703", "grouping"),
    ("(83,002,915 + 9,648,377)", "92651292", "grouping"),
    ("1,234.5 + 1", "1235.5", "grouping"),
    ("5 069 * 4 387", "22237703", "grouping"),
    ("5\u202f069 * 2", "10138", "fullwidth grouping"),
    ("1'234'567 + 1", "1234568", "grouping"),
    ("5,069 % 7", "1", "grouping"),
    ("max(1, 2,5 × 2)", "10", "math_signs"),
    # a comma between the numbers that a function takes; where it cannot be one, it groups
    ("sqrt(1,234)", "35.1283361405", "grouping"),
    ("round(5,069 * 4,387, 2)", "22237703", "grouping"),
    ("pow(1,234, 2)", "1522756", "grouping"),
    ("log(1,000, 10)", "3.0", "grouping"),
    ("4 × 7 ÷ 2", "14.0", "math_signs"),
    ("5 − 3 – 1", "1", "math_signs"),
    ("2^10", "1024", "math_signs"),
    ("-2^2", "-4", "math_signs"),
    ("5² + 10⁻²", "25.01", "math_signs"),
    ("√16 + √(9 + 16)", "9.0", "math_signs"),
    ("π * 2", "6.28318530718", "math_signs"),
    ("½ * 80", "40.0", "math_signs"),
    ("2½ * 2", "5.0", "math_signs"),
    ("7!", "5040", "math_signs"),
    ("2x3", "6", "math_signs"),
    ("2 x 3 X (1 + 1)", "12", "math_signs"),
    ("1.5 × 10^3", "1500.0", "math_signs"),
    ("35%", "0.35", "percent"),
    ("35% * 80", "28.0", "percent"),
    ("35 % of 80", "28.0", "words percent"),
    ("200 + 35% of 80", "228.0", "words percent"),
    ("35 percent of $1,200", "420.0", "grouping words units percent"),
    ("80の35%", "28.0", "words percent"),
    ("(1 - 35%) * 80", "52.0", "percent"),
    ("(100% - 35%) * 80", "52.0", "percent"),
    ("5% + 3%", "0.08", "percent"),
    ("80 / 5%", "1600.0", "percent"),
    ("１２＋３", "15", "fullwidth"),
    ("８００＊（１－０．１５）", "680.0", "fullwidth"),
    ("１，２３４×２＝", "2468", "fullwidth equals grouping math_signs"),
    ("3 + 4 =", "7", "equals"),
    ("3 + 4 = ?", "7", "equals"),
    ("= 3 + 4", "7", "equals"),
    ("3 + 4 = 7", "7", "equals"),
    ("3 + 4 = 8", "7", "equals"),
    ("total cost = 3 + 4", "7", "equals"),
    ("x = 3 x 4", "12", "equals math_signs"),
    ("(3 + 4)?", "7", "equals"),
    ('"3 + 4"', "7", "quotes"),
    ("`3+4`", "7", "quotes"),
    ("「3 × 4」", "12", "quotes math_signs"),
    ("$1,200 * 2", "2400", "grouping units"),
    ("1,200円 + 300円", "1500", "grouping units"),
    ("5 USD * 2", "10", "units"),
    ("(2023 - 1985) years", "38", "units"),
    ("30 °C - 12 °C", "18", "units"),
    ("36歳 − 9歳", "27", "math_signs units"),
    ("120 km / 2 h", "60.0", "units"),
    ("80 km/h * 2 h", "160", "units"),
    ("30 km² / 5 km", "6.0", "math_signs units"),
    ("68 million * 2", "136000000", "words"),
    ("$1.2 million / 4", "300000.0", "words units"),
    ("1億2,345万 + 1", "123450001", "grouping words"),
    ("3万5000円 * 2", "70000", "words units"),
    ("12 divided by 4", "3.0", "words"),
    ("5かける3", "15", "words"),
    ("10 mod 3", "1", "words"),
    ("SQRT(16)", "4.0", "words"),
    ("ln(1)", "0.0", "words"),
    (r"\frac{1}{2} \times 4", "2.0", "tex math_signs brackets"),
    (r"$5{,}069 \cdot 2$", "10138", "tex grouping math_signs"),
    (r"\sqrt{16} + 2^{10}", "1028.0", "tex math_signs brackets"),
    (r"\left( 5 + 3 \right) \div 2", "4.0", "tex math_signs"),
    ("[5 + (3 * 2)] * 4", "44", "brackets"),
    ("2(3 + 4)", "14", "brackets"),
    ("pi(3)", "9.42477796077", "brackets"),
    ("(1+2)(3+4)", "21", "brackets"),
]

# No reading, or more than one -> the piece that the error names.
UNREAD = [
    # a comma that may part two numbers, or be a decimal comma
    ("3,5 + 1", "3,5"),
    ("0,500 * 2", "0,500"),
    ("1234,567 + 1", "1234,567"),
    ("12,34,567", "34,567"),
    ("1,234, 5", "1,234"),
    ("1.234,56", "1.234,56"),
    ("1.234.567", "1.234.567"),
    ("12 345,678", "12 345,678"),
    ("max(5,069, 3)", "5,069"),
    ("max(1,234 × 2, 5)", "1,234"),
    ("round(1,234.5)", "1,234.5"),
    # 215 or 200.075, a remainder or a percentage
    ("200 + 7.5%", "7.5%"),
    ("100 - 35%", "35%"),
    ("2 * 100% - 35%", "35%"),
    ("5% + 3 × 2", "5% +"),
    ("10 / 35% of 80", "of"),
    ("2 of 5", "of"),
    # a mixed number, or a quotient
    ("2 1/2", "2 1"),
    ("12 345/400", "12 345/"),
    (r"2\frac{1}{2}", "\\frac"),
    ("6/2(1+2)", "2("),
    ("2^3(4)", "3("),
    ("2e", "2e"),
    ("0x10", "x"),
    ("3·5", "·"),
    ("007 + 1", "007"),
    ("5 plus 3 times 2", "plus"),
    # a unit that changes the number, or a word that may
    ("5 km + 300 m", "km, m"),
    ("80 km/h * 30 min", "km/h, min"),
    ("5 km + 3 kg", "km, kg"),
    ("30 °C - 12 °F", "°C, °F"),
    ("5 ft 11 in", "ft, in"),
    ("6 feet 200", "6 200"),
    ("5 km ^ 2", "km"),
    ("$5m * 2", "$5m"),
    ("1.2M * 2", "M"),
    ("1.5k * 2", "k"),
    ("12 apples * 3", "apples"),
    ("2 dozen * 3", "dozen"),
    ("5 squared", "squared"),
    ("3分の1", "の"),
    ("sin(30°)", "°"),
    # not one sum
    ("x = 3; x + 4", ";"),
    ("2 + 3 = 5 * 1", "= 5 * 1"),
    ("2x = 10", "x"),
    ("3+4\n5+6", "3+4"),
    ("5 > 3", ">"),
    ("5 == 3", "=="),
    ("2 +", "2 +"),
    ("(5,069", "("),
    ("[5 + 3)", ")"),
    ("٣ + ٤", "٣"),
    ("sqrt", "sqrt"),
    ("sqrt 16", "sqrt"),
    ("sqrt(1, 2)", "1, 2"),
    ("max(3)", "max"),
    ("factorial(2.5)", "factorial"),
    ("√9!", "√9!"),
    # a language, not arithmetic
    ("'a'*10**10", "'"),
    ("[0, 1]*10**9", "0, 1"),
    ("__import__('os').system('echo ran')", "_"),
    ("().__class__.__bases__[0].__subclasses__()", "_"),
    ("open('/etc/passwd').read()", "'"),
    ("open(0)", "open"),
    ("nan", "nan"),
    ("inf", "inf"),
    ("3j*3j", "j"),
    ("True+1", "True"),
    ("1 if 1 else 2", "if"),
    ("(lambda: 1)()", ":"),
    ("sum([1,2,3])", "1,2"),
    ("1 << 10**9", "<<"),
    ("f'{1}'", "'"),
    ("'%1000000000d' % 1", "'"),
    ("print(1)", "print"),
    ("math", "math"),
    ("1 @ 2", "@"),
    ("1\x00", "U+0000"),
]

NO_VALUE = [
    ("0/0", "division by zero"),
    ("1,000 ÷ 0", "division by zero"),
    ("5//0", "division by zero"),
    ("0**-1", "division by zero"),
    ("(-8)**(1/3)", "not a real number"),
    ("sqrt(-1)", "sqrt is not defined there"),
    ("log(0)", "log is not defined there"),
    ("9**9**9", "too large"),
    ("9^9^9", "too large"),
    ("9**99999", "too large"),
    ("9.0**999", "too large"),
    ("2**(2**40)", "too large"),
    ("10**400 / 3", "too large"),
    ("10**400", "more than 300 digits"),
    ("1e308*10", "too large"),
    ("1e999", "too large"),
    ("factorial(10**7)", "too large"),
    ("9999999!", "too large"),
    ("1" + "+1" * 200, "nested too deeply"),
    ("-" * 480 + "1", "nested too deeply"),
    ("sqrt(" * 80 + "1" + ")" * 80, "nested too deeply"),
]

TOO_LONG = ["1" + "+1" * 50_000, "(" * 10_000, "-" * 1000 + "1", "9" * 5000, "1,000×" * 200]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_a_python_expression_has_its_value_and_needs_no_repair(expression: str, value: str) -> None:
    for tool in (calculate, calculate_loosely):
        observation = tool(expression, NoWorld())
        assert (observation.outcome, observation.text) == ("ok", value)
        assert observation.repairs == ()


@pytest.mark.parametrize(("text", "value", "repairs"), READ)
def test_what_people_write_is_read_as_a_named_repair(text: str, value: str, repairs: str) -> None:
    observation = calculate_loosely(text, NoWorld())
    assert (observation.outcome, observation.text) == ("ok", value)
    assert set(observation.repairs) == set(repairs.split())


@pytest.mark.parametrize(("text", "value", "repairs"), READ)
def test_without_repairs_it_is_refused_and_the_fix_is_shown(
    text: str, value: str, repairs: str
) -> None:
    observation = calculate(text, NoWorld())
    assert (observation.outcome, observation.repairs) == ("bad_argument", ())
    fix = observation.text.rpartition("; write ")[2].removesuffix(".")
    assert calculate(fix, NoWorld()).text == value


@pytest.mark.parametrize(("text", "piece"), UNREAD, ids=lambda text: ascii(text[:40]))
def test_what_has_no_one_reading_is_refused_and_named(text: str, piece: str) -> None:
    for tool in (calculate, calculate_loosely):
        observation = tool(text, NoWorld())
        assert (observation.outcome, observation.repairs) == ("bad_argument", ())
        assert observation.text.startswith(f'Error: cannot read "{piece}"')
        assert "; " in observation.text and "write" in observation.text


@pytest.mark.parametrize(("text", "reason"), NO_VALUE, ids=lambda text: ascii(text[:40]))
def test_what_has_no_value_says_why(text: str, reason: str) -> None:
    observation = calculate_loosely(text, NoWorld())
    assert observation.outcome == "bad_argument" and reason in observation.text


@pytest.mark.parametrize("text", TOO_LONG, ids=lambda text: ascii(text[:10]))
def test_a_long_input_is_not_looked_at(text: str) -> None:
    for tool in (calculate, calculate_loosely):
        assert tool(text, NoWorld()).text.endswith("; write 500 characters at most.")


def test_a_refusal_quotes_the_input_in_one_line_of_bounded_length() -> None:
    assert calculate("2^10", NoWorld()).text == 'Error: cannot read "^" in "2^10"; write 2**10.'
    assert calculate("83,002,915 + 1", NoWorld()).text == (
        'Error: cannot read "83,002,915" in "83,002,915 + 1"; write 83002915 + 1.'
    )
    assert calculate("35% of 80", NoWorld()).text == (
        'Error: cannot read "35%" in "35% of 80"; write (35/100) * 80.'
    )
    assert calculate("one\n two", NoWorld()).text == (
        'Error: cannot read "one" in "one two"; write one expression in one line.'
    )
    assert calculate("y" * 90, NoWorld()).text == (
        f'Error: cannot read "{"y" * 59}…"; write plain arithmetic, for example (12 + 3.5) * 4.'
    )


def test_the_lists_agree() -> None:
    assert {*_FUNCTIONS, *_CONSTANTS} == set(ARITY)
    named = {name for _, _, repairs in READ for name in repairs.split()}
    assert named == set(SUM_REPAIRS)


# --- every spelling of one sum -----------------------------------------------------------

NUMBERS = st.one_of(st.integers(1, 10**12), st.integers(1, 10**7).map(lambda n: n / 100)).map(
    lambda n: f"{n}" if isinstance(n, int) else f"{n:.2f}"
)
SUMS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"sqrt({text})"),
    ),
    max_leaves=6,
)


def grouped(text: str, mark: str) -> str:
    """The sum with its whole numbers in groups of three."""
    words = text.replace("(", "( ").replace(")", " )").split(" ")
    return " ".join(_grouped(word, mark) for word in words)


def _grouped(word: str, mark: str) -> str:
    whole, point, part = word.partition(".")
    return f"{int(whole):,}".replace(",", mark) + point + part if whole.isdigit() else word


def respelt(text: str, chance: random.Random) -> str:
    """Every sign in one of its other spellings, at random."""
    others = {"*": "*×⋅", "/": "/÷", "-": "-−–"}
    return "".join(chance.choice(others.get(char, char)) for char in text)


WIDE = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
ROUND = ["{} =", "{} = ?", "= {}", "x = {}", '"{}"', "`{}`", "「{}」", "${}$", "\\({}\\)"]
ROUND += ["[{}]", "{}"]


@given(SUMS, st.sampled_from([",", " ", "'"]), st.sampled_from(ROUND), st.randoms(), st.booleans())
def test_another_spelling_has_the_same_value(
    text: str, mark: str, round_it: str, chance: random.Random, wide: bool
) -> None:
    try:
        value = evaluate(text)
    except CannotCalculate:
        assume(False)
    spelt = round_it.replace("{}", respelt(grouped(text, mark), chance))
    assume(len(spelt) <= 500)
    found, reading = work_out(spelt.translate(WIDE) if wide and "'" not in spelt else spelt)
    assert found == value
    assert set(reading.repairs) <= set(SUM_REPAIRS)


PIECES = st.sampled_from(
    [
        *"0129()+-*/%,.e ×÷−^√²½!='\"x$円万{}[]\\の",
        *("3.5", "1,234", "35%", "1e300", "10**9", "2**99", "//", "**", "pi", "９", "，", "％"),
        *("sqrt(", "factorial(", "round(", "max(", "log(", "gcd(", "lcm(", "hypot(", "floor("),
        *("exp(", "pow(", "int(", " of ", " km", " million", " times ", "\\frac{", "\\times "),
    ]
)
TEXTS = st.one_of(
    st.text(), st.lists(PIECES, max_size=60).map("".join), st.text("0123456789().,*/-+%e ")
)


@given(TEXTS)
def test_any_text_gives_a_short_answer(expression: str) -> None:
    for tool in (calculate, calculate_loosely):
        observation = tool(expression, NoWorld())
        assert observation.outcome in ("ok", "bad_argument")
        assert len(observation.text) <= 300
        assert "\n" not in observation.text


@given(TEXTS)
def test_what_is_python_is_never_mended_and_what_is_mended_is_python(expression: str) -> None:
    strictly, loosely = calculate(expression, NoWorld()), calculate_loosely(expression, NoWorld())
    if strictly.outcome == "ok":
        assert loosely == strictly
    if loosely.outcome == "ok" and loosely.repairs:
        assert calculate(read_sum(expression).text, NoWorld()).text == loosely.text


@given(
    st.integers(-(10**30), 10**30),
    st.sampled_from(["+", "-", "*", "//", "%"]),
    st.integers(1, 10**30),
)
def test_whole_numbers_are_exact(left: int, sign: str, right: int) -> None:
    expected = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "//": left // right,
        "%": left % right,
    }[sign]
    assert evaluate(f"({left}) {sign} ({right})") == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_floats_are_pythons(left: float, right: float) -> None:
    try:
        found = evaluate(f"({left!r}) * ({right!r})")
    except (CannotCalculate, CannotRead):
        assert not math.isfinite(left * right)
    else:
        assert found == left * right
