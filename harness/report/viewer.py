"""The trace viewer: one run as one HTML file that needs no network and runs no foreign text.

Everything a model, a tool or a task file wrote passes ``_say``: made printable, then escaped.
"""

from __future__ import annotations

import html
from pathlib import Path

from harness.common.printable import printable
from harness.report.data import Result, row
from harness.types import Action, Episode, EpisodeScore, Step, StepScore, Task, UserError

STYLE = """
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
SCRIPT = """
document.querySelectorAll('nav button').forEach(button => button.onclick = () =>
  document.querySelectorAll('details').forEach(each =>
    each.hidden = button.dataset.show !== 'all' && !each.classList.contains(button.dataset.show)))
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def save(result: Result, path: Path) -> None:
    """Write the page. Raises UserError when it cannot be written."""
    try:
        path.write_text(page(result), "utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def page(result: Result) -> str:
    """The whole HTML text."""
    by_id = {task.id: task for task in result.tasks}
    pairs = zip(result.episodes, result.scores, strict=True)
    body = "\n".join(_episode(by_id[e.task_id], e, s) for e, s in pairs)
    buttons = "".join(
        f'<button data-show="{name}">{name} ({count})</button> '
        for name, count in _counts(result.scores)
    )
    title = _say(f"{result.name} on {result.manifest['config']['suite']['name']}")
    about = row(result)
    state = (
        f"{about['state']}: {about['progress']} tasks"
        if about["mark"]
        else about["progress"] + " tasks"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{_say(about['heading'])}; {_say(state)}<br>{_say(str(result.path))}</p><nav>{buttons}</nav>\n{body}\n"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _counts(scores: tuple[EpisodeScore, ...]) -> list[tuple[str, int]]:
    verdicts = [_verdict(score) for score in scores]
    return [
        ("all", len(scores)),
        *((name, verdicts.count(name)) for name in ("right", "wrong", "unscored")),
    ]


def _verdict(score: EpisodeScore) -> str:
    return "unscored" if score.fault else "right" if score.correct else "wrong"


def _episode(task: Task, episode: Episode, score: EpisodeScore) -> str:
    verdict = _verdict(score)
    steps = "".join(
        _step(step, graded) for step, graded in zip(episode.steps, score.steps, strict=False)
    )
    target = ", ".join(task.answer.accepted) or task.answer.type
    answer = f"answer: {episode.answer or '(none)'} | target: {target} | {score.verdict.rule} | {episode.status}"
    detail = f'<p class="unscored">{_say(episode.detail)}</p>' if episode.detail else ""
    return (
        f'<details class="{verdict}"><summary><b class="{verdict}">{verdict}</b> '
        f"{_say(task.id)}: {_say(task.question)}</summary>{steps}{detail}<p>{_say(answer)}</p></details>"
    )


def _step(step: Step, graded: StepScore) -> str:
    tags = "".join(f'<span class="tag error">{_say(name)}</span>' for name in graded.errors)
    tags += "".join(
        f'<span class="tag repair">repaired: {_say(name)}</span>' for name in graded.repairs
    )
    move = step.parsed.move
    reading = (
        f"{move.tool}: {move.input}"
        if isinstance(move, Action)
        else move.text
        if move
        else "unreadable"
    )
    said = f'<pre class="model">Thought:{_say(step.completion.text)}</pre>'
    heard = (
        f'<pre class="tool">Observation: {_say(step.observation.text)}</pre>'
        if step.observation
        else ""
    )
    note = f"<div>read as: {_say(reading)}{tags}</div>" if tags or not move else ""
    return said + note + heard


def _say(text: str) -> str:
    return html.escape(printable(text), quote=True)
