"""calculate: arithmetic as Python writes it, and as people do.

Total and bounded: any text gives a number or a reason within milliseconds, because the
size of a result is known before it is worked out. Nothing is executed. What is not Python
but has one reading (``loose``) is worked out only where repairs are on, and says so.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable

from harness.common.text import cut, one_line
from harness.tools.loose import Reading, read
from harness.tools.loose.tokens import ARITY, PLAIN, CannotRead
from harness.types import Observation, World

MAX_CHARS = 500
MAX_DEPTH = 60
MAX_BITS = 4096  # of any whole number on the way
MAX_DIGITS = 300  # of the result
MAX_FACTORIAL = 400
ECHO_CHARS = 60

Number = int | float


class CannotCalculate(ValueError):
    """The text can be read and has no value; the message says why."""


def calculate(input: str, world: World) -> Observation:
    """calculate: 4 * 7 / 3
    Works out an arithmetic expression written as in Python and returns the number."""
    return _answer(input, repair=False)


def calculate_loosely(input: str, world: World) -> Observation:
    """The same, and what is not Python is read where it has one reading: then ``repairs``
    names what was mended."""
    return _answer(input, repair=True)


def _answer(input: str, repair: bool) -> Observation:
    try:
        value, reading = work_out(input)
        if reading.repairs and not repair:
            raise CannotRead(reading.piece, f"write {_example(reading.text)}")
        return Observation(show(value), repairs=reading.repairs)
    except CannotRead as error:
        piece, whole = cut(one_line(error.piece), ECHO_CHARS), cut(one_line(input), ECHO_CHARS)
        within = "" if piece == whole else f' in "{whole}"'
        return Observation(f'Error: cannot read "{piece}"{within}; {error.advice}.', "bad_argument")
    except CannotCalculate as error:
        echo = cut(one_line(input), ECHO_CHARS)
        return Observation(f'Error: cannot calculate "{echo}": {error}.', "bad_argument")


def _example(text: str) -> str:
    return text if len(text) <= ECHO_CHARS else "it as Python does, for example 1234 * 0.35"


def work_out(expression: str) -> tuple[Number, Reading]:
    """The value, and how the text was read: with repairs only where it is not Python.

    Raises CannotRead where there is no one reading, and CannotCalculate where that has no
    value."""
    try:
        return evaluate(expression), Reading(expression)
    except CannotRead as error:
        reading = read(expression) if len(expression) <= MAX_CHARS else Reading(expression)
        if not reading.repairs:
            raise error from None
        return _evaluate(reading.text), reading


def evaluate(expression: str) -> Number:
    """The value of a Python expression. Raises CannotRead when the text is none, and
    CannotCalculate when it has no value."""
    if len(expression) > MAX_CHARS:
        raise CannotRead(expression, f"write {MAX_CHARS} characters at most")
    return _evaluate(expression.partition("#")[0].strip())


def _evaluate(text: str) -> Number:
    _check_spelling(text)
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise CannotRead(text, "it is not complete; " + PLAIN) from None
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

_DIGITS = r"\d(?:_?\d)*"
_NUMBER = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_WORD = re.compile(rf"(?P<number>{_NUMBER})(?![\w.])|(?P<digits>[\d.][\w.]*)|(?P<name>[\w.]+)")


def _check_spelling(text: str) -> None:
    if not text:
        raise CannotRead("", PLAIN)
    for char in text:
        if not char.isascii() or not (char.isalnum() or char in " \t+-*/%().,_"):
            raise CannotRead(char if char.isprintable() else f"U+{ord(char):04X}")
    for word in _WORD.finditer(text):
        name = word["name"]
        if word["digits"] or (name and name.removeprefix("math.") not in ARITY):
            raise CannotRead(word[0])


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
            raise CannotRead(",", "write numbers without commas")
    raise CannotRead(ast.unparse(node)[:ECHO_CHARS])


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
    raise CannotRead(ast.unparse(node)[:ECHO_CHARS], "write * between the things to multiply")


def _constant(name: str) -> Number:
    if name not in _CONSTANTS:
        raise CannotRead(name, f"write {name}(2)")
    return _CONSTANTS[name]


def _call(name: str, values: list[Number]) -> Number:
    if name not in _FUNCTIONS:
        raise CannotRead(name, f"{name} is a number: write {name} * 2")
    try:
        return _FUNCTIONS[name](*values)
    except TypeError:
        raise CannotRead(name, _usage(name)) from None
    except CannotCalculate:
        raise
    except ValueError:
        raise CannotCalculate(f"{name} is not defined there") from None


def _usage(name: str) -> str:
    most = ARITY[name]
    return f"write {name}(2)" if most == 1 else f"write {name}(8, 2)"


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
