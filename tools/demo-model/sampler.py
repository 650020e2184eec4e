# SPDX-License-Identifier: Apache-2.0
"""SD1.5's noise schedule, the `normal` scheduler, classifier-free guidance and Euler's method."""
from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

BETAS = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2
ALPHAS = torch.cumprod(1 - BETAS, 0)
_SIGMAS64 = ((1 - ALPHAS) / ALPHAS) ** 0.5
SIGMAS, LOG_SIGMAS = _SIGMAS64.float(), _SIGMAS64.log().float()


def timestep_of(sigma: Tensor) -> Tensor:
    return (sigma.log() - LOG_SIGMAS).abs().argmin()


def sigma_of(t: Tensor) -> Tensor:
    low, high, w = t.floor().long(), t.ceil().long(), t.frac()
    return ((1 - w) * LOG_SIGMAS[low] + w * LOG_SIGMAS[high]).exp()


def normal_schedule(steps: int) -> Tensor:
    return torch.cat([torch.stack([sigma_of(t) for t in torch.linspace(999, 0, steps)]), torch.zeros(1)])


@torch.no_grad()
def euler(eps: Callable[[Tensor, Tensor, Tensor], Tensor], noise: Tensor, positive: Tensor, negative: Tensor,
          steps: int, cfg: float) -> Tensor:
    """noise [B,4,h,w]; positive and negative [B,77,D] -> model latent [B,4,h,w]."""
    sigmas, n, dev = normal_schedule(steps), len(noise), noise.device
    x = noise * (1 + sigmas[0] ** 2).sqrt().to(dev)
    for i in range(steps):
        s = sigmas[i].to(dev)
        t = timestep_of(sigmas[i]).to(dev)
        inp = x / (s ** 2 + 1) ** 0.5
        if cfg == 1.0:
            d = eps(inp, t.expand(n), positive)
        else:
            u, c = eps(inp.repeat(2, 1, 1, 1), t.expand(2 * n), torch.cat([negative, positive])).float().chunk(2)
            d = u + (c - u) * cfg
        x = x + d.float() * (sigmas[i + 1].to(dev) - s)
    return x
