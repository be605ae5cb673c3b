"""calculate: works out arithmetic, as Python writes it and as people do.

Any text gives a number or a reason within milliseconds: the size of a result is known before
it is worked out. Nothing is executed. What is not Python but has one reading (see ``loose``)
is worked out only where repairs are on, and the observation names the repairs.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable

from harness.common.text import cut, one_line
from harness.tools.loose import Reading, read_sum
from harness.tools.loose.tokens import ARITY, PLAIN, CannotRead
from harness.types import Observation, World

_MAX_CHARS = 500
_MAX_DEPTH = 60
_MAX_BITS = 4096  # of any whole number on the way
_MAX_DIGITS = 300  # of the result
_MAX_FACTORIAL = 400
_ECHO_CHARS = 60

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


def same_value(a: str, b: str) -> bool:
    """Whether two expressions give the same number, mended where need be."""
    try:
        return math.isclose(work_out(a)[0], work_out(b)[0], rel_tol=1e-9)
    except (CannotCalculate, CannotRead, OverflowError):
        return False


def repairs_of(expression: str) -> tuple[str, ...]:
    """What must be mended to read an expression; nothing where it cannot be read."""
    try:
        return work_out(expression)[1].repairs
    except (CannotCalculate, CannotRead):
        return ()


def _answer(input: str, repair: bool) -> Observation:
    try:
        value, reading = work_out(input)
        if reading.repairs and not repair:
            raise CannotRead(reading.piece, f"write {_example(reading.text)}")
        return Observation(number_text(value), repairs=reading.repairs)
    except CannotRead as error:
        piece, whole = cut(one_line(error.piece), _ECHO_CHARS), cut(one_line(input), _ECHO_CHARS)
        within = "" if piece == whole else f' in "{whole}"'
        return Observation(f'Error: cannot read "{piece}"{within}; {error.advice}.', "bad_argument")
    except CannotCalculate as error:
        echo = cut(one_line(input), _ECHO_CHARS)
        return Observation(f'Error: cannot calculate "{echo}": {error}.', "bad_argument")


def _example(text: str) -> str:
    return text if len(text) <= _ECHO_CHARS else "it as Python does, for example 1234 * 0.35"


def work_out(expression: str) -> tuple[Number, Reading]:
    """The value, and how the text was read: with repairs only where it is not Python.

    Raises CannotRead where there is no one reading, and CannotCalculate where that has no
    value."""
    try:
        return evaluate(expression), Reading(expression)
    except CannotRead as error:
        reading = read_sum(expression) if len(expression) <= _MAX_CHARS else Reading(expression)
        if not reading.repairs:
            raise error from None
        return _evaluate(reading.text), reading


def evaluate(expression: str) -> Number:
    """The value of a Python expression. Raises CannotRead when the text is none, and
    CannotCalculate when it has no value."""
    if len(expression) > _MAX_CHARS:
        raise CannotRead(expression, f"write {_MAX_CHARS} characters at most")
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


def number_text(number: Number) -> str:
    """A result as text: whole numbers exact, floats to 12 digits, 12.0 as Python has it."""
    if isinstance(number, float):
        text = repr(number) if number.is_integer() else f"{number:.12g}"
        return f"{text}.0" if text.lstrip("-").isdecimal() else text
    text = str(number)
    if len(text) > _MAX_DIGITS:
        raise CannotCalculate(f"the result has more than {_MAX_DIGITS} digits")
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
    if depth > _MAX_DEPTH:
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
    raise CannotRead(ast.unparse(node)[:_ECHO_CHARS])


def _bounded(value: object) -> Number:
    if isinstance(value, complex):
        raise CannotCalculate("the result is not a real number")
    assert isinstance(value, int | float)
    if not math.isfinite(value) if isinstance(value, float) else value.bit_length() > _MAX_BITS:
        raise CannotCalculate("the result is too large")
    return value


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("math"), name):
            return name
    raise CannotRead(ast.unparse(node)[:_ECHO_CHARS], "write * between the things to multiply")


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
    if isinstance(number, int) and number > _MAX_FACTORIAL:
        raise CannotCalculate("the result is too large")
    return math.factorial(number)  # type: ignore[arg-type]  # a float is a TypeError, said so


def _round(number: Number, places: Number | None = None) -> Number:
    if isinstance(places, int):  # beyond these, more places change nothing
        places = max(-_MAX_BITS // 3, min(places, _MAX_FACTORIAL))
    return round(number, places)  # type: ignore[arg-type]


def _reserve(bits: int) -> None:
    if bits > _MAX_BITS:
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
_PLAIN_FUNCTIONS: tuple[Callable[..., Number], ...] = (
    *(abs, min, max, int, float, math.sqrt, math.exp, math.log, math.log10, math.log2),
    *(math.floor, math.ceil, math.trunc, math.sin, math.cos, math.tan),
    *(math.asin, math.acos, math.atan, math.degrees, math.radians),
    *(math.gcd, math.lcm, math.hypot),
)
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    **{function.__name__: function for function in _PLAIN_FUNCTIONS},
    "round": _round,
    "pow": _power,
    "factorial": _factorial,
}
