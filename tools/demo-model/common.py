# SPDX-License-Identifier: Apache-2.0
"""What both trainers share: a moving average of the weights, a learning-rate schedule over time, contact sheets."""
from __future__ import annotations

import math
import time
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn


class Clock:
    """The run's time limit: the trainers stop by the clock, and the learning rate follows it."""

    def __init__(self, minutes: float, begin: float = 0.0, end: float = 1.0):
        self.start, self.seconds, self.begin, self.end = time.time(), minutes * 60, begin, end
        self.prepared = 0.0

    def elapsed(self) -> float:
        return time.time() - self.start

    def done(self) -> bool:
        return self.elapsed() >= self.seconds

    def mark(self) -> None:
        """Preparation is over: the schedule counts from here, the end of the run stays where it was."""
        self.prepared = self.elapsed()

    def share(self) -> float:
        """How much of the whole schedule is over, 0..1; one run covers begin..end of it."""
        done = (self.elapsed() - self.prepared) / max(1e-9, self.seconds - self.prepared)
        return self.begin + (self.end - self.begin) * min(1.0, done)


def learning_rate(peak: float, step: int, share: float, warmup: int, hold: float = 0.3) -> float:
    """Linear warm-up, constant until `hold` of the schedule, then half a cosine down to 2 % of the peak."""
    rate = peak * min(1.0, (step + 1) / warmup)
    if share > hold:
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (share - hold) / (1 - hold)))
    return rate


class Ema:
    """Exponential moving average of a module's parameters."""

    def __init__(self, module: nn.Module, decay: float):
        self.params = list(module.parameters())
        self.names = [n for n, _ in module.named_parameters()]
        self.shadow = [p.detach().clone() for p in self.params]
        self.decay, self.n = decay, 0

    @torch.no_grad()
    def update(self) -> None:
        self.n += 1
        decay = min(self.decay, (1 + self.n) / (10 + self.n))
        torch._foreach_lerp_(self.shadow, self.params, 1 - decay)

    def state(self) -> dict[str, Tensor]:
        return dict(zip(self.names, (s.detach().clone() for s in self.shadow)))


def save_state(path: Path, state: dict[str, Tensor]) -> None:
    """Half precision, by way of a temporary name."""
    tmp = path.with_suffix(".tmp")
    torch.save({k: v.half().cpu() for k, v in state.items()}, tmp)
    tmp.replace(path)


def sheet(path: Path, rows: list[list[Tensor]] | Tensor, columns: int = 8) -> None:
    """Saves pictures [3,H,W] in 0..1 of one size as a grid."""
    if isinstance(rows, Tensor):
        rows = [list(rows[i:i + columns]) for i in range(0, len(rows), columns)]
    lines = [torch.cat([p.float().cpu() for p in row], 2) for row in rows]
    width = max(line.shape[2] for line in lines)
    lines = [torch.nn.functional.pad(line, (0, width - line.shape[2])) for line in lines]
    grid = torch.cat(lines, 1).clamp(0, 1)
    Image.fromarray((grid.permute(1, 2, 0).numpy() * 255).astype("uint8")).save(path)
