"""wikipedia: the beginning of the article with a title.

It looks up the title as it is written. For a title that there is not, it names similar
ones and leaves the choice to the model.
"""

from __future__ import annotations

from harness.common.text import cut, lead, one_line, title_key
from harness.types import Observation, World

_ARTICLE_CHARS = 480
_ECHO_CHARS = 120


def wikipedia(input: str, world: World) -> Observation:
    """wikipedia: Japan
    Returns the beginning of the encyclopedia article with that title."""
    title = one_line(input)
    article = world.article(title)
    if article is None:
        return Observation(_not_found(title, world), "not_found")
    if article.meanings:
        meanings = cut("; ".join(article.meanings), _ARTICLE_CHARS)
        return Observation(f'"{article.title}" may refer to: {meanings}.')
    text = lead(article.text, _ARTICLE_CHARS) or f'The article "{article.title}" has no text.'
    if title_key(title) != title_key(article.title):
        text = f'(redirected to "{article.title}") {text}'
    return Observation(text)


def _not_found(title: str, world: World) -> str:
    near = ", ".join(f'"{other}"' for other in world.similar(title))
    return f'No article "{cut(title, _ECHO_CHARS)}".' + (
        f" Similar titles: {near}." if near else ""
    )
