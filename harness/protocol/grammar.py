"""Writes a protocol as a GBNF grammar, for decoding that cannot leave the form.

A text that the grammar lets through is strictly well-formed when it is read again. There are
two exceptions: an Answer that is itself written as a call, and characters that cannot be
seen. A thought has no colon, so no label begins inside it. An input may have one, but not
the label at which generation stops, so the text ends before the Observation.
"""

from __future__ import annotations

import re

from harness.protocol import Protocol

# Bodies of negated classes: controls, what could be a template's mark or markup; and what
# a strict text does not begin with. ASCII only: llama.cpp refuses a token that is the
# first byte of a character when any character behind that byte is left out, so that one
# full-width space would forbid all kana to a vocabulary that splits them.
_NEVER = r"\x00-\x1F\x7F<`\\\["
_NOT_FIRST = r" '*{~\""
_NUMBER = '( " " [1-9] [0-9]? )?'


def write_grammar(protocol: Protocol) -> str:
    """GBNF for one completion after ``Thought:``, up to and with its stop string.

    A thought of one line, then an Action of one of the tools with an input, or an Answer,
    then the label at which generation stops. Without tools, an Answer only.
    """
    form = protocol.dialect
    closing = r"\]" if form.form == "bracket" else ""
    question = _literal(f"{form.labels.question}:")
    rules = {"thought": f"{_any_but(':' + _NOT_FIRST)} {_any_but(':')}*"}
    if protocol.tools:
        rules["tool"] = " | ".join(map(_literal, protocol.tools))
        end = "\n" if form.calls_only else f"\n{form.stops[0]}"
        rules["action"] = f"{_sequence(form.action_form)} {_literal(end)}"
    if form.answer_form:
        rules["answer"] = f'{_sequence(form.answer_form)} "\\n" "\\n"? {question}'
    moves = " | ".join(name for name in ("action", "answer") if name in rules)
    rules |= _text_without(f"{form.labels.observation}:", closing)
    root = f'root ::= " " thought "\\n" ( {moves} )\n'
    return root + "".join(f"{name} ::= {body}\n" for name, body in rules.items())


def _sequence(form: str) -> str:
    """A written form as a sequence: its slots are rules, the rest is as it stands."""
    pieces = re.split(r"\{(number|tool|text)\}", form)
    slots = {"number": _NUMBER, "tool": "tool", "text": "text"}
    literals = [_literal(piece) if piece else "" for piece in pieces[::2]]
    names = [*(slots[name] for name in pieces[1::2]), ""]
    return " ".join(part for pair in zip(literals, names, strict=True) for part in pair if part)


def _text_without(word: str, closing: str) -> dict[str, str]:
    """Rules for the rest of a line in which ``word`` does not occur: the automaton that
    searches for it, one rule a state, without the step that would complete it."""
    if not word.isascii():  # for the same reason: no colon is all that can be asked
        return {"text": f"{_any_but(':' + closing + _NOT_FIRST)} {_any_but(':' + closing)}*"}
    rules = {"text": _step(word, 0, closing + _NOT_FIRST)}
    for state in range(len(word)):
        rules[_state(state)] = f"( {_step(word, state, closing)} )?"
    return rules


def _step(word: str, state: int, never: str) -> str:
    """One character, none of ``never``, and the state that it leads to."""
    known = {char: _after(word, state, char) for char in dict.fromkeys(word)}
    towards = {char: to for char, to in known.items() if to}
    steps = [f"{_literal(char)} {_state(to)}" for char, to in towards.items() if to < len(word)]
    return " | ".join([*steps, f"{_any_but(''.join(towards) + never)} {_state(0)}"])


def _after(word: str, state: int, char: str) -> int:
    """How much of ``word`` is seen when ``char`` follows its first ``state`` characters."""
    seen = word[:state] + char
    return next(n for n in range(len(seen), -1, -1) if seen.endswith(word[:n]))


def _state(number: int) -> str:
    return f"rest-{chr(ord('a') + number)}"


def _any_but(body: str) -> str:
    """One character of a line, with those of a class body left out as well."""
    return f"[^{_NEVER}{body}]"


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
