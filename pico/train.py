"""Train one pico model: python -m pico.train --size 2M --minutes 6 --data DIR --out DIR.

Three phases, so that a laptop's CPU gets far: episodes without the few-shot prefix, behind
more and more of its end, and behind all of it. There the prefix is evaluated once for each step, and all of the step's episodes
attend to its keys and values and teach it through them. A larger model may grow from a smaller.
Knows tokens only; episodes come from pico.data. The budget is wall time, so the learning
rate follows the clock.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from pico import checkpoint, corpus
from pico.beginning import begin
from pico.checkpoint import Checkpoint
from pico.corpus import MOVE, Corpus, Ints
from pico.episodes import few_shot
from pico.growth import grown
from pico.model import Llama, Past
from pico.muon import Muon
from pico.shapes import SIZES
from pico.tokenizer import prefix_tokens

WEIGHTS = (0.0, 1.0, 3.0)  # of a token in the loss, by corpus kind
PEAK_RATES = {"0.3M": 4e-3, "0.8M": 3e-3, "2M": 2e-3, "4.5M": 1.5e-3}
LONGEST = 448  # tokens; the one in a hundred that is longer would pad its whole group
GROUPS = 12  # of like length, so that little is padded
TOGETHER = 8  # episodes of one group in a step
WARM_UP, WARM_AGAIN = 200, 20  # steps, of a new model and of one that goes on


@dataclass(frozen=True)
class Settings:
    """What the command line says. ``batch`` is episodes a step; ``rate`` the peak. Until ``bare``
    of the time is over there is no prefix, from ``whole`` on all of it."""

    size: str
    minutes: float
    data: Path
    out: Path
    device: str
    batch: int
    rate: float
    seed: int
    compile: bool
    resume: Path | None
    bare: float
    whole: float


@dataclass(frozen=True)
class Batch:
    """Episodes padded to one length: ids, what each token counts, and its kind."""

    tokens: Tensor
    kinds: Tensor
    episodes: Tensor


class Feed:
    """A corpus on the device, cut into groups of like length."""

    def __init__(self, data: Corpus, device: str) -> None:
        self.tokens = torch.from_numpy(data.tokens).to(device)
        self.kinds = torch.from_numpy(data.kinds).to(device)
        self.starts = torch.from_numpy(data.starts).to(device)
        self.groups = [
            (torch.from_numpy(part).to(device), length)
            for part, length in corpus.groups(data.lengths, GROUPS, LONGEST)
        ]

    def sample(self, count: int) -> Iterator[Batch]:
        """``count`` random episodes, ``TOGETHER`` at a time from groups taken at random."""
        for group in torch.randint(len(self.groups), (max(1, count // TOGETHER),)).tolist():
            part, length = self.groups[group]
            picks = torch.randint(len(part), (min(count, TOGETHER),), device=part.device)
            yield self.gather(part[picks], length)

    def everything(self, count: int) -> Iterator[Batch]:
        """Every episode once, at most ``count`` at a time."""
        for part, length in self.groups:
            for chunk in part.split(count):
                yield self.gather(chunk, length)

    def gather(self, episodes: Tensor, length: int) -> Batch:
        spread = torch.arange(length, device=episodes.device)
        first, end = self.starts[episodes, None], self.starts[episodes + 1, None]
        where = (first + spread).clamp_max(len(self.tokens) - 1)
        inside = first + spread < end
        return Batch(
            torch.where(inside, self.tokens[where], 0).long(),
            torch.where(inside, self.kinds[where], 0).long(),
            episodes,
        )


class Trainer:
    """Weights, optimiser and clock of one run."""

    def __init__(self, settings: Settings) -> None:
        torch.manual_seed(settings.seed)
        torch.set_float32_matmul_precision("high")
        self.settings = settings
        self.model = Llama(SIZES[settings.size]).to(settings.device)
        self.history: tuple[Mapping[str, object], ...] = ()
        if settings.resume:
            before = _load(settings.resume)
            self.history = before.history
            self.model.load_state_dict(grown(before, self.model))
        else:
            begin(self.model)
        if settings.compile:
            for block in self.model.blocks:
                block.compile(dynamic=False)
        self.optimisers = self._optimisers()
        self.prefix = torch.tensor([prefix_tokens()], device=settings.device)
        self.weights = torch.tensor(WEIGHTS, device=settings.device)
        self.steps = 0
        self.warm_up = WARM_AGAIN if settings.resume else WARM_UP

    def _optimisers(self) -> list[torch.optim.Optimizer]:
        """Muon for the blocks' matrices, AdamW for the rest."""
        matrices = [w for w in self.model.blocks.parameters() if w.dim() == 2]
        rest = [
            w for name, w in self.model.named_parameters() if "blocks" not in name or w.dim() < 2
        ]
        rate, fused = self.settings.rate, self.settings.device.startswith("cuda")
        return [
            Muon(matrices, lr=rate),
            torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=fused),
        ]

    def precision(self) -> AbstractContextManager[object]:
        cuda = self.settings.device.startswith("cuda")
        return torch.autocast("cuda", torch.bfloat16) if cuda else nullcontext()

    def step(self, feed: Feed, done: float) -> Tensor:
        """One optimiser step at fraction ``done`` of the budget; the loss, not yet waited for."""
        with self.precision():
            past = self._before(done)
            parts = [self.loss(b.tokens, b.kinds, past) for b in feed.sample(self.settings.batch)]
        losses, counts = zip(*parts, strict=True)
        loss = torch.stack(losses).sum() / torch.stack(counts).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.settings.rate * schedule(done, (self.steps + 1) / self.warm_up)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.steps += 1
        return loss.detach()

    def _before(self, done: float) -> list[Past] | None:
        """Keys and values of as much of the prefix, its end, as the schedule says."""
        share = shown(done, self.settings.bare, self.settings.whole)
        length = round(share * self.prefix.shape[1])
        return self.model.read(self.prefix[:, -length:]) if length else None

    def loss(self, tokens: Tensor, kinds: Tensor, past: list[Past] | None) -> tuple[Tensor, Tensor]:
        """Weighted sum of cross-entropies, and the sum of the weights."""
        hidden = self.model.hidden(tokens[:, :-1], past)
        own = kinds[:, 1:] > 0  # only these need the output matrix
        logits = self.model.logits(hidden[own]).float()
        each = F.cross_entropy(logits, tokens[:, 1:][own], reduction="none")
        weight = self.weights[kinds[:, 1:][own]]
        return (each * weight).sum(), weight.sum()

    def run(self, feed: Feed) -> None:
        """Train until the minutes are spent, saving about every minute."""
        began = saved = time.monotonic()
        budget = self.settings.minutes * 60
        total = torch.zeros((), device=self.settings.device)
        while (spent := time.monotonic() - began) < budget:
            total += self.step(feed, spent / budget)
            if self.steps == 1 or self.steps % 200 == 0:
                mean = total.item() / (1 if self.steps == 1 else 200)
                total.zero_()
                print(
                    f"{self.settings.size} {spent:5.0f} s  step {self.steps:6}  loss {mean:.4f}",
                    flush=True,
                )
            if time.monotonic() - saved > 60:
                saved = time.monotonic()
                self.save(saved - began)
        spent = time.monotonic() - began
        print(
            f"{self.settings.size} done: {self.steps} steps, {self.steps / spent:.1f} a second",
            flush=True,
        )
        self.save(spent)

    def save(self, seconds: float) -> None:
        weights = {
            name: weight.detach().to("cpu", torch.float16).numpy()
            for name, weight in self.model.named_parameters()
        }
        this = {
            "steps": self.steps,
            "episodes_a_step": self.settings.batch,
            "seconds": round(seconds),
            "peak_rate": self.settings.rate,
            "bare": self.settings.bare,
            "whole": self.settings.whole,
            "seed": self.settings.seed,
            "prompt_sha256": few_shot().sha256,
        }
        path = self.settings.out / f"pico-{self.settings.size}.safetensors"
        saved = Checkpoint(self.settings.size, self.model.shape, weights, (*self.history, this))
        checkpoint.save(saved, path)

    @torch.no_grad()
    def check(self, data: Corpus) -> dict[str, tuple[float, float]]:
        """Per category: the share of turns, and of episodes, whose moves are right to the token.

        The model is shown the true text before each token, its own thoughts included.
        """
        feed = Feed(data, self.settings.device)
        turns: list[Tensor] = []
        with self.precision(), torch.compiler.set_stance("force_eager"):
            past = self.model.read(self.prefix)
            for batch in feed.everything(128):
                turns.append(_turns(self.model(batch.tokens[:, :-1], past), batch))
        return _by_category(torch.cat(turns).cpu().numpy(), data)


def _load(path: Path) -> Checkpoint:
    if path.suffix != ".gguf":
        return checkpoint.load(path)
    from pico.export import read_f16

    return read_f16(path)


def schedule(done: float, warm: float) -> float:
    """Share of the peak rate: up over the first steps, and half a cosine down to 1 %."""
    fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return fall * min(1.0, warm)


def shown(done: float, bare: float, whole: float) -> float:
    """Share of the prefix that stands before the episodes: none, then more and more, then all."""
    if done < bare:
        return 0.0
    return (done - bare) / (whole - bare) if done < whole else 1.0


def _turns(logits: Tensor, batch: Batch) -> Tensor:
    """Rows of (episode, turns, wrong turns)."""
    kinds = batch.kinds[:, 1:]
    own = kinds > 0
    starts = own & ~F.pad(own, (1, 0))[:, :-1]
    number = starts.cumsum(1)
    wrong = (logits.argmax(-1) != batch.tokens[:, 1:]) & (kinds == MOVE)
    bad = torch.zeros(len(kinds), int(number.max()) + 1, device=kinds.device)
    bad.scatter_add_(1, number, wrong.float())
    return torch.stack((batch.episodes, number[:, -1], (bad > 0).sum(1)), 1)


def _by_category(turns: Ints, data: Corpus) -> dict[str, tuple[float, float]]:
    found = {}
    for index, name in enumerate(data.names):
        rows = turns[data.categories[turns[:, 0]] == index]
        if len(rows):
            turns_right = 1 - float(rows[:, 2].sum() / rows[:, 1].sum())
            found[name] = (turns_right, float((rows[:, 2] == 0).mean()))
    return found


def parse() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m pico.train")
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder that pico.data wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=192, help="episodes a step")
    parser.add_argument("--rate", type=float, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="torch.compile each block")
    parser.add_argument(
        "--resume",
        type=Path,
        help="checkpoint or f16 GGUF to go on from, of this size or smaller",
    )
    parser.add_argument(
        "--bare", type=float, default=0.0, help="share of the time, at the start, without prefix"
    )
    parser.add_argument(
        "--whole", type=float, default=0.0, help="share of the time after which it is all there"
    )
    given = parser.parse_args()
    given.rate = given.rate or PEAK_RATES[given.size]
    return Settings(**vars(given))


def main() -> None:
    settings = parse()
    settings.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(settings)
    trainer.run(Feed(corpus.load(settings.data.glob("train-*.npz")), settings.device))
    held_out = trainer.check(corpus.load(settings.data.glob("held-*.npz")))
    for name, (turns, episodes) in held_out.items():
        print(
            f"{settings.size} held out  {name:24} turns {turns:6.1%}  episodes {episodes:6.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
