"""calculate gives the right number or says what to write instead, whatever it is handed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tools.calculate import MAX_DIGITS, CannotCalculate, calculate, evaluate
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

REFUSED = [
    # what people write and Python does not: the fix is named
    ("2^10", "write powers with **, not ^"),
    ("1,234 + 5", "write numbers without commas"),
    ("3,5 + 1", "write numbers without commas"),
    ("15% of 80", "write 15% as 15 / 100"),
    ("15% * 80", "write 15% as 15 / 100"),
    ("200 + 7.5%", "write 7.5% as 7.5 / 100"),
    ("4 × 7 ÷ 3", "write *, not ×"),
    ("4 ÷ 2", "write /, not ÷"),
    ("5 − 3", "write -, not −"),
    ("１２＋３", "write 1, not １"),
    ("٣ + ٤", '"٣" is not supported'),
    ("$1,200 * 2", "leave out $"),
    ("12 apples * 3", '"apples" is not a number or a function'),
    ("68 million * 2", '"million" is not a number or a function'),
    ("7!", "write factorial(n), not n!"),
    ("3 + 4 =", "leave out ="),
    ("x = 3; x + 4", "leave out ="),
    ('"3 + 4"', "leave out the quotation marks"),
    ("`3+4`", "leave out the quotation marks"),
    ("10 mod 3", "write the remainder with %, not mod"),
    ("2(3+4)", "write * between"),
    ("(1+2)(3+4)", "write * between"),
    ("4 x 7", "write * to multiply, not x"),
    ("3+4\n5+6", "give one expression only"),
    ("5 > 3", "comparisons are not arithmetic"),
    # not a whole expression
    ("", "it is empty"),
    ("   ", "it is empty"),
    ("2 +", "not a complete Python expression"),
    ("007 + 1", "not a complete Python expression"),
    # no value
    ("0/0", "division by zero"),
    ("1/0", "division by zero"),
    ("5//0", "division by zero"),
    ("0**-1", "division by zero"),
    ("(-8)**(1/3)", "not a real number"),
    ("sqrt(-1)", "sqrt is not defined there"),
    ("log(0)", "log is not defined there"),
    ("sqrt(1, 2)", "sqrt does not take these numbers"),
    ("factorial(2.5)", "factorial does not take these numbers"),
    ("max(3)", "max does not take these numbers"),
    ("sqrt", "sqrt is a function: write sqrt(...)"),
    ("pi(3)", "pi is not a function"),
    # too much of it
    ("9**9**9", "too large"),
    ("9**99999", "too large"),
    ("9.0**999", "too large"),
    ("2**(2**40)", "too large"),
    ("10**400 / 3", "too large"),
    ("10**400", "more than 300 digits"),
    ("1e308*10", "too large"),
    ("1e999", "too large"),
    ("factorial(10**7)", "too large"),
    ("1" + "+1" * 50_000, "longer than 500 characters"),
    ("1" + "+1" * 2000, "longer than 500 characters"),
    ("1" + "+1" * 200, "nested too deeply"),
    ("(" * 10_000, "longer than 500 characters"),
    ("-" * 10_000 + "1", "longer than 500 characters"),
    ("-" * 1000 + "1", "longer than 500 characters"),
    ("-" * 480 + "1", "nested too deeply"),
    ("9" * 5000, "longer than 500 characters"),
    ("sqrt(" * 80 + "1" + ")" * 80, "nested too deeply"),
    # a language, not arithmetic
    ("'a'*10**10", "leave out the quotation marks"),
    ("'a'*10", "leave out the quotation marks"),
    ("[0]*10**9", "use round brackets only"),
    ("__import__('os').system('echo ran')", "leave out the quotation marks"),
    ("().__class__.__bases__[0].__subclasses__()", "use round brackets only"),
    ("().__class__", '".__class__" is not a number'),
    ("open('/etc/passwd').read()", "leave out the quotation marks"),
    ("open(0)", '"open" is not a number or a function'),
    ("nan", '"nan" is not a number or a function'),
    ("float('nan')", "leave out the quotation marks"),
    ("inf", '"inf" is not a number or a function'),
    ("3j*3j", '"3j" is not a number'),
    ("0x10", '"0x10" is not a number'),
    ("1.2.3", '"1.2.3" is not a number'),
    ("True+1", '"True" is not a number or a function'),
    ("None", '"None" is not a number or a function'),
    ("1 if 1 else 2", '"if" is not a number or a function'),
    ("1if 1else 2", '"1if" is not a number'),
    ("[x for x in range(10**9)]", "use round brackets only"),
    ("(lambda: 1)()", '":" is not supported'),
    ("sum([1,2,3])", "use round brackets only"),
    ("1 << 10**9", "shifts are not arithmetic"),
    ("f'{1}'", "leave out the quotation marks"),
    ("'%1000000000d' % 1", "leave out the quotation marks"),
    ("print(1)", '"print" is not a number or a function'),
    ("exit()", '"exit" is not a number or a function'),
    ("range(10**9)", '"range" is not a number or a function'),
    ("max(*1)", "not arithmetic"),
    ("max(**2)", "not arithmetic"),
    ("math.sqrt", "sqrt is a function: write sqrt(...)"),
    ("math", '"math" is not a number or a function'),
    ("1 @ 2", '"@" is not supported'),
    ("1\x00", "U+0000 is not supported"),
]


@pytest.mark.parametrize(("expression", "value"), VALUES)
def test_a_python_expression_has_its_value(expression: str, value: str) -> None:
    observation = calculate(expression, NoWorld())
    assert (observation.outcome, observation.text) == ("ok", value)


@pytest.mark.parametrize(("expression", "reason"), REFUSED, ids=lambda text: ascii(text[:40]))
def test_anything_else_is_refused_with_the_reason(expression: str, reason: str) -> None:
    observation = calculate(expression, NoWorld())
    assert observation.outcome == "bad_argument"
    assert reason in observation.text


def test_a_refusal_quotes_the_input_in_one_line_of_bounded_length() -> None:
    assert calculate("2^10", NoWorld()).text == (
        'Error: cannot calculate "2^10": write powers with **, not ^.'
    )
    assert calculate("one\n two", NoWorld()).text == (
        'Error: cannot calculate "one two": give one expression only.'
    )
    assert calculate("y" * 90, NoWorld()).text.startswith(f'Error: cannot calculate "{"y" * 60}": ')


PIECES = st.sampled_from(
    [
        *"0129()+-*/%,.e",
        "3.5",
        "1e300",
        "10**9",
        "2**99",
        "//",
        "**",
        "pi",
        "sqrt(",
        "factorial(",
        "round(",
        "max(",
        "log(",
        "gcd(",
        "lcm(",
        "hypot(",
        "floor(",
        "exp(",
        "pow(",
        "int(",
    ]
)


@given(
    st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join), st.text("0123456789().*/-+%e"))
)
def test_any_text_gives_a_short_answer(expression: str) -> None:
    observation = calculate(expression, NoWorld())
    assert observation.outcome in ("ok", "bad_argument")
    assert len(observation.text) <= max(MAX_DIGITS, 250)
    assert "\n" not in observation.text


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
    except CannotCalculate:
        assert not math.isfinite(left * right)
    else:
        assert found == left * right
