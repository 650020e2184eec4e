# SPDX-License-Identifier: Apache-2.0
"""Endless pictures with captions: draws a batch, spoils a part of it on purpose, writes the captions."""
from __future__ import annotations

from typing import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import scenes
from captions import caption
from paint import Canvas
from tokenizer import Tokenizer, pad

FAULTS = ["blur", "blur", "noise", "pixels", "dull"]


def blur(img: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, sigma in pixels; img [B,3,H,W]."""
    r = max(1, int(2.5 * sigma))
    x = torch.arange(-r, r + 1, device=img.device, dtype=torch.float32)
    k = torch.exp(-x * x / (2 * sigma * sigma))
    k = (k / k.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    img = F.conv2d(F.pad(img, (r, r, 0, 0), mode="replicate"), k, groups=3)
    return F.conv2d(F.pad(img, (0, 0, r, r), mode="replicate"), k.transpose(2, 3), groups=3)


def spoil(img: Tensor, fault: str, rng: np.random.Generator) -> Tensor:
    """Makes a bad picture of a good one; img [1,3,H,W]."""
    h, w = img.shape[-2:]
    if fault == "blur":
        return blur(img, float(rng.uniform(.004, .018)) * h)
    if fault == "noise":
        gen = torch.Generator(img.device).manual_seed(int(rng.integers(1 << 31)))
        coarse = int(rng.integers(1, 3))
        n = torch.randn(1, 3, h // coarse, w // coarse, device=img.device, generator=gen)
        n = F.interpolate(n, size=(h, w), mode="bilinear")
        return (blur(img, 1.2) + n * float(rng.uniform(.06, .16))).clamp(0, 1)
    if fault == "pixels":
        f = int(rng.choice([6, 8, 12])) * h // 512
        return F.interpolate(F.interpolate(img, size=(h // max(f, 2), w // max(f, 2)), mode="area"), size=(h, w))
    grey = img.mean(1, keepdim=True)
    flat = grey + (img - grey) * float(rng.uniform(.1, .45))
    return blur(flat * float(rng.uniform(.35, .6)) + float(rng.uniform(.15, .4)), 1. + .004 * h * float(rng.random()))


def pictures(count: int, height: int, width: int, seed: int, device: torch.device, batch: int = 64,
             bad: float = .12) -> Iterator[tuple[Tensor, list[dict]]]:
    """Yields (pictures [B,3,H,W] in 0..1, facts) until count pictures are drawn."""
    rng = np.random.default_rng([seed, height, width])
    done = 0
    while done < count:
        n = min(batch, count - done)
        kind = rng.choice(scenes.KINDS, p=scenes.KIND_WEIGHTS)
        img, facts = scenes.draw(kind, Canvas(n, height, width, int(rng.integers(1 << 62)), device))
        if rng.random() < .5:
            img = img.flip(-1)
        img = img.contiguous()
        for i, fact in enumerate(facts):
            fact["fault"] = str(rng.choice(FAULTS)) if rng.random() < bad else None
            if fact["fault"]:
                img[i:i + 1] = spoil(img[i:i + 1], fact["fault"], rng)
        yield img, facts
        done += n


def caption_ids(job: tuple[str, int, list[dict], int]) -> np.ndarray:
    """[N, variants, 77] token ids of the pictures' captions; now and then with words that mean nothing."""
    merges, seed, facts, variants = job
    tok, rng = Tokenizer(merges), np.random.default_rng([seed, 77])
    out = np.empty((len(facts), variants, 77), np.int32)
    for i, fact in enumerate(facts):
        for k in range(variants):
            ids = tok.words(caption(rng, fact))
            if rng.random() < .12:
                for _ in range(int(rng.integers(1, 4))):
                    ids.insert(int(rng.integers(len(ids) + 1)), int(rng.integers(0, 49406)))
            out[i, k] = pad(ids)
    return out
