"""lookup: the next sentence with a keyword on the page that was opened last.

Which page that is, and how often the keyword was asked for, depends on the episode. A tool
depends on its input alone. So ``complete_lookups`` wraps the loop of an episode and completes
the input to three lines: keyword, number and title. See the ReAct paper, section 3.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from harness.common.text import cut, one_line, sentences, title_key
from harness.tools.tool import Loop
from harness.types import Act, Episode, Observation, World

_SENTENCE_CHARS = 480
_ECHO_CHARS = 60


def lookup(input: str, world: World) -> Observation:
    """lookup: capital
    Returns the next sentence with that word in the article looked up last with wikipedia."""
    word, number, title = _parts(input)
    article = world.article(title) if title and number.isdecimal() and number.isascii() else None
    if not word or article is None:
        return Observation(lookup_refusal(f"{word}\n\n"), "bad_argument")
    text = article.text or "; ".join(article.meanings)
    found = [line for line in sentences(text) if title_key(word) in title_key(line)]
    at = max(1, int(number[:6]))
    if at > len(found):
        more = "more " if found else ""
        return Observation(
            f'No {more}results for "{cut(word, _ECHO_CHARS)}" in "{article.title}".', "not_found"
        )
    return Observation(f"(Result {at} of {len(found)}) {cut(found[at - 1], _SENTENCE_CHARS)}")


def lookup_refusal(input: str) -> str:
    """Why there is nothing to look for: no word, or no page is open. "" when there is."""
    word, _, title = _parts(input)
    if not word:
        return "Error: no word to look for; write for example lookup: capital."
    if not title:
        shown = cut(word, _ECHO_CHARS)
        return (
            f'Error: no page is open to find "{shown}" in; open one, for example wikipedia: Japan.'
        )
    return ""


def _parts(input: str) -> tuple[str, str, str]:
    """Keyword, number and title, "" for what is not there."""
    keyword, number, title = (*input.split("\n"), "", "")[:3]
    return one_line(keyword), number, title


def complete_lookups(loop: Loop) -> Loop:
    """The same loop, with its calls of lookup completed: which page is open, and how often the
    word was asked for on it."""
    title, counts = "", Counter[str]()
    request = next(loop)
    while True:
        asked = request
        if isinstance(request, Act) and request.tool == "lookup":
            word = one_line(request.input)
            counts[title_key(word)] += 1
            asked = replace(request, input=f"{word}\n{counts[title_key(word)]}\n{title}")
        answer = yield asked
        opened = isinstance(request, Act) and request.tool == "wikipedia"
        if opened and isinstance(answer, Observation) and answer.outcome == "ok":
            assert isinstance(request, Act)
            title, counts = one_line(request.input), Counter()
        try:
            request = loop.send(answer)
        except StopIteration as stop:
            episode: Episode = stop.value
            return episode
