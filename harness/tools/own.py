"""Loads a user's own tools: functions with a docstring in a Python file of theirs.

The file runs with the user's rights. Whatever a tool does when it is called (raise, hang,
exit, print) ends neither the run nor another episode. docs/extending.md shows an example.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import re
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from harness.common.text import cut, one_line, redacted
from harness.tools.tool import Tool
from harness.types import Observation, ToolUnavailable, UserError, World

CALL_SECONDS = 30.0  # one call may take
_ECHO_CHARS = 60
_MOST_HANGS = 3  # after which a tool is not called any more
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def load_tools(path: str, seconds: float = CALL_SECONDS) -> dict[str, Tool]:
    """Every public function that the file defines, as a tool.

    The file is run once in a process, as long as its bytes stay the same. A call may take
    ``seconds``. Raises UserError, with file:line, when the file cannot be run or a function
    cannot be a tool.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"--tools-file {path}: not a Python file: {error.strerror}") from None
    return dict(_loaded(path, hashlib.sha256(data).hexdigest()[:12], seconds))


@functools.cache
def _loaded(path: str, version: str, seconds: float) -> dict[str, Tool]:
    module = _module(Path(path))
    found = {
        name: _tool(function, path, version, seconds)
        for name, function in vars(module).items()
        if isinstance(function, FunctionType)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }
    if not found:
        raise UserError(f"{path}: no function in it; a tool is a function with a docstring")
    return found


class _Guarded:
    """A function as a tool runs it: in a thread that can be left behind when it hangs."""

    def __init__(self, function: FunctionType, seconds: float) -> None:
        self.__doc__ = inspect.getdoc(function)
        self._name = function.__name__
        self._function = function
        self._wants_world = len(inspect.signature(function).parameters) == 2
        self._seconds = seconds
        self._hangs = 0

    def __call__(self, input: str, world: World) -> Observation:
        if self._hangs >= _MOST_HANGS:
            raise ToolUnavailable(
                f"did not come back {_MOST_HANGS} times; it is not called any more"
            )
        arguments = (input, world) if self._wants_world else (input,)
        result: list[Any] = []
        thread = threading.Thread(
            target=_run, args=(self._function, arguments, result), daemon=True
        )
        thread.start()
        thread.join(self._seconds)
        if not result:
            self._hangs += 1
            raise ToolUnavailable(f"did not come back within {self._seconds:g} s")
        return self._told(_observation(result[0]), input)

    def _told(self, observation: Observation, input: str) -> Observation:
        """The observation; of one that refuses the input, with the input and the example."""
        if observation.outcome != "bad_argument":
            return observation
        example = (self.__doc__ or "").split("\n")[0]
        reason = one_line(observation.text).removeprefix("Error: ").rstrip(".")
        text = f'Error: {self._name} cannot read "{cut(one_line(input), _ECHO_CHARS)}": {reason}'
        shown = "" if example in text else f"; write for example {example}"
        return Observation(f"{text}{shown}.", "bad_argument")


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"own_tools_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"--tools-file {path}: not a Python file (expected a name ending in .py)")
    module = importlib.util.module_from_spec(spec)
    vars(module)["print"] = _print  # a tool's progress notes are not the run's output
    sys.modules[module.__name__] = module  # dataclasses and pickle look a module up by name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else 1)
        raise UserError(f"{path}:{line}: {type(error).__name__}: {error}") from None
    return module


def _tool(function: FunctionType, path: str, version: str, seconds: float) -> Tool:
    where, name = f"{path}:{function.__code__.co_firstlineno}", function.__name__
    if not _NAME.fullmatch(name):
        raise UserError(f"{where}: {name!r} cannot be a tool's name: small letters and digits only")
    doc = (inspect.getdoc(function) or "").split("\n")
    if len(doc) != 2 or not doc[0].startswith(f"{name}: ") or not doc[1].strip():
        raise UserError(
            f"{where}: the docstring of {name} is what the model reads; expected two lines, an "
            f'example call "{name}: some input" and a sentence that says what comes back'
        )
    if len(inspect.signature(function).parameters) not in (1, 2):
        raise UserError(f"{where}: {name} should take the input, or the input and the world")
    return Tool(_Guarded(function, seconds), instant=False, version=version)


def _run(function: Callable[..., Any], arguments: tuple[Any, ...], result: list[Any]) -> None:
    try:
        result.append(function(*arguments))
    except BaseException as error:  # SystemExit too: a tool cannot end a run
        result.append(error)


def _observation(value: Any) -> Observation:
    if isinstance(value, ToolUnavailable):
        raise value
    if isinstance(value, BaseException):
        raise ToolUnavailable(f"{type(value).__name__}: {value}")
    if isinstance(value, Observation):
        return Observation(redacted(str(value.text)), value.outcome)
    if isinstance(value, str | int | float):
        return Observation(redacted(str(value)))
    raise ToolUnavailable(f"returned {one_line(type(value).__name__)}, expected text")


def _print(*_: object, **__: object) -> None:
    """Swallows what a tool prints."""
