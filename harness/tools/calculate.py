"""calculate: arithmetic as Python writes it, and nothing else.

Total and bounded: any text gives a number or a reason within milliseconds, because the
size of a result is known before it is worked out. Nothing is executed. What people write
that Python does not (2^10, 1,234, 15% of 80, 3 × 4) is refused with the fix, never guessed
at: whether a model writes its input well is what the harness measures.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import unicodedata
from collections.abc import Callable

from harness.text import one_line
from harness.types import Observation, World

MAX_CHARS = 500
MAX_DEPTH = 60
MAX_BITS = 4096  # of any whole number on the way
MAX_DIGITS = 300  # of the result
MAX_FACTORIAL = 400
ECHO_CHARS = 60

Number = int | float


class CannotCalculate(ValueError):
    """The text has no value; the message says why, and the fix where there is one."""


def calculate(input: str, world: World) -> Observation:
    """calculate: 4 * 7 / 3
    Works out an arithmetic expression written as in Python and returns the number."""
    try:
        return Observation(show(evaluate(input)))
    except CannotCalculate as reason:
        echo = one_line(input)[:ECHO_CHARS]
        return Observation(f'Error: cannot calculate "{echo}": {reason}.', "bad_argument")


def evaluate(expression: str) -> Number:
    """The value of an expression; raises CannotCalculate when it has none."""
    text = expression.partition("#")[0].strip()
    if len(expression) > MAX_CHARS:
        raise CannotCalculate(f"it is longer than {MAX_CHARS} characters")
    _check_spelling(text)
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise CannotCalculate("it is not a complete Python expression") from None
    try:
        return _value(tree.body)
    except ZeroDivisionError:
        raise CannotCalculate("division by zero") from None
    except OverflowError:
        raise CannotCalculate("the result is too large") from None


def show(number: Number) -> str:
    """A result as text: whole numbers exact, floats to 12 digits, 12.0 as Python has it."""
    if isinstance(number, float):
        text = repr(number) if number.is_integer() else f"{number:.12g}"
        return f"{text}.0" if text.lstrip("-").isdecimal() else text
    text = str(number)
    if len(text) > MAX_DIGITS:
        raise CannotCalculate(f"the result has more than {MAX_DIGITS} digits")
    return text


# --- spelling: what is not even a Python number, name or sign -----------------------------

_HINTS = [  # what people write -> how Python writes it; {0} is what the group caught
    (r"\^", "write powers with **, not ^"),
    (r"(\d[\d.]*)\s*%\s*(?:of\b|[*/)]|$)", "% is the remainder; write {0}% as {0} / 100"),
    (r"!(?!=)", "write factorial(n), not n!"),
    (r"\bmod\b", "write the remainder with %, not mod"),
    (r"\d\s+[xX]\s+\d|[1-9][xX]\d", "write * to multiply, not x"),
    (r"[\"'`“”‘’「」]", "leave out the quotation marks"),
    (r"([$€£¥￥])", "leave out {0}"),
    (r"<<|>>", "shifts are not arithmetic"),
    (r"[<>]|[=!]=", "comparisons are not arithmetic"),
    (r"=", "leave out ="),
    (r"[;\n\r]", "give one expression only"),
    (r"[\[\]{}]", "use round brackets only"),
]
_SIGNS = {
    "×": "*",
    "⋅": "*",
    "·": "*",
    "∗": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "—": "-",
    "√": "sqrt()",
    "π": "pi",
    "²": "**2",
    "³": "**3",
}
_DIGITS = r"\d(?:_?\d)*"
_NUMBER = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_WORD = re.compile(rf"(?P<number>{_NUMBER})(?![\w.])|(?P<digits>[\d.][\w.]*)|(?P<name>[\w.]+)")


def _check_spelling(text: str) -> None:
    if not text:
        raise CannotCalculate("it is empty")
    for pattern, hint in _HINTS:
        if found := re.search(pattern, text, re.ASCII):
            raise CannotCalculate(hint.format(*found.groups()))
    for char in text:
        if not char.isascii() or not (char.isalnum() or char in " \t+-*/%().,_"):
            raise CannotCalculate(_about_char(char))
    for word in _WORD.finditer(text):
        if word["digits"]:
            raise CannotCalculate(f'"{word["digits"]}" is not a number')
        if word["name"] and word["name"].removeprefix("math.") not in _NAMES:
            raise CannotCalculate(f'"{word["name"]}" is not a number or a function')


def _about_char(char: str) -> str:
    plain = _SIGNS.get(char) or unicodedata.normalize("NFKC", char)
    if plain != char and plain.isascii() and plain.isprintable():
        return f"write {plain}, not {char}"
    shown = f'"{char}"' if char.isprintable() else f"U+{ord(char):04X}"
    return f"{shown} is not supported"


# --- values -----------------------------------------------------------------------------


def _value(node: ast.expr, depth: int = 0) -> Number:
    if depth > MAX_DEPTH:
        raise CannotCalculate("it is nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.UnaryOp(op, operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, depth + 1))
        case ast.BinOp(left, op, right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func, args, keywords) if not keywords:
            return _bounded(_call(_name(func), [_value(arg, depth + 1) for arg in args]))
        case ast.Name() | ast.Attribute():
            return _constant(_name(node))
        case ast.Tuple():
            raise CannotCalculate("write numbers without commas")
    raise CannotCalculate("it is not arithmetic")


def _bounded(value: object) -> Number:
    if isinstance(value, complex):
        raise CannotCalculate("the result is not a real number")
    assert isinstance(value, int | float)
    if not math.isfinite(value) if isinstance(value, float) else value.bit_length() > MAX_BITS:
        raise CannotCalculate("the result is too large")
    return value


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("math"), name):
            return name
    raise CannotCalculate("write * between the things to multiply")


def _constant(name: str) -> Number:
    if name not in _CONSTANTS:
        raise CannotCalculate(f"{name} is a function: write {name}(...)")
    return _CONSTANTS[name]


def _call(name: str, values: list[Number]) -> Number:
    if name not in _FUNCTIONS:
        raise CannotCalculate(f"{name} is not a function")
    try:
        return _FUNCTIONS[name](*values)
    except TypeError:
        raise CannotCalculate(f"{name} does not take these numbers") from None
    except CannotCalculate:
        raise
    except ValueError:
        raise CannotCalculate(f"{name} is not defined there") from None


def _times(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        _reserve(left.bit_length() + right.bit_length())
    return left * right


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 0:
        _reserve(base.bit_length() * exponent)
    power: Number = base**exponent
    return _bounded(power)


def _factorial(number: Number) -> int:
    if isinstance(number, int) and number > MAX_FACTORIAL:
        raise CannotCalculate("the result is too large")
    return math.factorial(number)  # type: ignore[arg-type]  # a float is a TypeError, said so


def _round(number: Number, places: Number | None = None) -> Number:
    if isinstance(places, int):  # beyond these, more places change nothing
        places = max(-MAX_BITS // 3, min(places, MAX_FACTORIAL))
    return round(number, places)  # type: ignore[arg-type]


def _reserve(bits: int) -> None:
    if bits > MAX_BITS:
        raise CannotCalculate("the result is too large")


_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs, "round": _round, "min": min, "max": max, "int": int, "float": float,
    "pow": _power, "sqrt": math.sqrt, "exp": math.exp, "factorial": _factorial,
    "log": math.log, "log10": math.log10, "log2": math.log2,
    "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc,
    "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "degrees": math.degrees, "radians": math.radians,
    "gcd": math.gcd, "lcm": math.lcm, "hypot": math.hypot,
}  # fmt: skip
_NAMES = _FUNCTIONS.keys() | _CONSTANTS.keys()
