"""lookup: the next sentence with a keyword on the page that was opened last.

Which page that is, and how often was asked, depends on the episode; a tool depends on
nothing but its input. So ``follow`` stands between the loop and the tools and completes
the input: keyword, number and title, a line each. See the ReAct paper, section 3.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import replace

from harness.common.text import cut, one_line, sentences, title_key
from harness.types import Act, Completion, Episode, Generate, Observation, World

SENTENCE_CHARS = 480
ECHO_CHARS = 60

Loop = Generator[Generate | Act, Completion | Observation, Episode]


def lookup(input: str, world: World) -> Observation:
    """lookup: capital
    Returns the next sentence with that word in the article looked up last with wikipedia."""
    word, number, title = _parts(input)
    article = world.article(title) if title and number.isdecimal() and number.isascii() else None
    if not word or article is None:
        return Observation(refusal(f"{word}\n\n"), "bad_argument")
    text = article.text or "; ".join(article.meanings)
    found = [line for line in sentences(text) if title_key(word) in title_key(line)]
    at = max(1, int(number[:6]))
    if at > len(found):
        more = "more " if found else ""
        return Observation(
            f'No {more}results for "{cut(word, ECHO_CHARS)}" in "{article.title}".', "not_found"
        )
    return Observation(f"(Result {at} of {len(found)}) {cut(found[at - 1], SENTENCE_CHARS)}")


def refusal(input: str) -> str:
    """Why it cannot be looked for, "" when it can: no word, or no page is open."""
    word, _, title = _parts(input)
    if not word:
        return "Error: no word to look for; write for example lookup: capital."
    if not title:
        shown = cut(word, ECHO_CHARS)
        return (
            f'Error: no page is open to find "{shown}" in; open one, for example wikipedia: Japan.'
        )
    return ""


def _parts(input: str) -> tuple[str, str, str]:
    """Keyword, number and title, "" for what is not there."""
    keyword, number, title = (*input.split("\n"), "", "")[:3]
    return one_line(keyword), number, title


def follow(loop: Loop) -> Loop:
    """The same loop, its calls of lookup completed with the page and the count so far."""
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
