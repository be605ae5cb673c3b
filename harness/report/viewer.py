"""Makes the trace viewer: one run as one HTML file that needs no network.

Text of models, tools and task files never runs: ``_say`` makes it printable and escapes it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from harness.common.files import write_whole
from harness.common.printable import printable
from harness.report.data import Result, row
from harness.report.words import move_words, target_words, verdict_words
from harness.scoring.records import EpisodeScore, StepScore
from harness.types import Episode, Step, Task, UserError

_CSS = """
:root { color-scheme: light dark; --line: #8884; --good: #2a8a4a; --bad: #c0392b; --warn: #b7791f }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem }
summary { cursor: pointer } summary b { font-weight: 600 }
.right { color: var(--good) } .wrong { color: var(--bad) } .unscored { color: var(--warn) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; padding: .5rem .7rem; border-left: 3px solid var(--line) }
pre.model { border-color: #0072B2 } pre.tool { border-color: #009E73; opacity: .85 }
.tag { font-size: .8rem; border: 1px solid var(--line); border-radius: 4px; padding: 0 .35rem; margin-left: .3rem }
.tag.error { color: var(--bad) } .tag.repair { color: var(--warn) }
nav { position: sticky; top: 0; background: Canvas; padding: .5rem 0; border-bottom: 1px solid var(--line) }
"""
# The only script: it shows and hides, and reads nothing but class names.
_SCRIPT = """
document.querySelectorAll('nav button').forEach(button => button.onclick = () =>
  document.querySelectorAll('details').forEach(each =>
    each.hidden = button.dataset.show !== 'all' && !each.classList.contains(button.dataset.show)))
"""
_PAGE = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>\
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">\
<meta name="viewport" content="width=device-width"><style>{style}</style></head>\
<body><h1>{title}</h1><p>{about}<br>{path}</p><nav>{buttons}</nav>
{body}
<script>{script}</script></body></html>
"""


def write_viewer(result: Result, path: Path) -> None:
    """Write the page to a file. Raises UserError when it cannot be written."""
    try:
        write_whole(path, viewer_page(result), sync=False)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def viewer_page(result: Result) -> str:
    """The whole HTML text."""
    by_id = {task.id: task for task in result.tasks}
    pairs = zip(result.episodes, result.scores, strict=True)
    body = "\n".join(_episode(by_id[e.task_id], e, s) for e, s in pairs)
    buttons = " ".join(
        f'<button data-show="{name}">{name} ({count})</button>'
        for name, count in _counts(result.scores).items()
    )
    about = row(result)
    state = f"{about['state']}: " if about["mark"] else ""
    return _PAGE.format(
        title=_say(f"{result.name} on {about['suite']}"),
        about=_say(f"{about['heading']}; {state}{about['progress']} tasks"),
        path=_say(str(result.path)),
        buttons=buttons,
        body=body,
        style=_CSS,
        script=_SCRIPT,
    )


def _counts(scores: Sequence[EpisodeScore]) -> dict[str, int]:
    verdicts = [verdict_words(score) for score in scores]
    names = ("right", "wrong", "unscored")
    return {"all": len(scores), **{name: verdicts.count(name) for name in names}}


def _episode(task: Task, episode: Episode, score: EpisodeScore) -> str:
    verdict = verdict_words(score)
    pairs = zip(episode.steps, score.steps, strict=False)
    steps = "".join(_step(step, graded) for step, graded in pairs)
    answer = f"answer: {episode.answer or '(none)'} | target: {target_words(task)}"
    answer += f" | {score.verdict.rule} | {episode.status}"
    detail = f'<p class="unscored">{_say(episode.detail)}</p>' if episode.detail else ""
    return (
        f'<details class="{verdict}"><summary><b class="{verdict}">{verdict}</b> '
        f"{_say(task.id)}: {_say(task.question)}</summary>"
        f"{steps}{detail}<p>{_say(answer)}</p></details>"
    )


def _step(step: Step, graded: StepScore) -> str:
    tags = "".join(f'<span class="tag error">{_say(name)}</span>' for name in graded.errors)
    for name in graded.repairs:
        tags += f'<span class="tag repair">repaired: {_say(name)}</span>'
    move, seen = step.parsed.move, step.observation
    said = f'<pre class="model">Thought:{_say(step.completion.text)}</pre>'
    note = f"<div>read as: {_say(move_words(move))}{tags}</div>" if tags or not move else ""
    heard = f'<pre class="tool">Observation: {_say(seen.text)}</pre>' if seen else ""
    return said + note + heard


def _say(text: str) -> str:
    return html.escape(printable(text), quote=True)
