# SPDX-License-Identifier: Apache-2.0
"""Brushes: batched, anti-aliased, per-pixel functions that the scenes are put together from.

Coordinates are in picture heights: u runs from 0 to W/H, v from 0 (top) to 1 (bottom). Scalars of one
picture are [B,1,1], fields are [B,H,W], colours are [B,3,1,1] or [B,3,H,W], values 0..1.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def mix(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return a + (b - a) * t


def smooth(lo: Tensor | float, hi: Tensor | float, x: Tensor) -> Tensor:
    t = ((x - lo) / (hi - lo)).clamp(0, 1)
    return t * t * (3 - 2 * t)


class Canvas:
    """One batch of pictures of one size, with the random numbers that belong to it."""

    def __init__(self, batch: int, height: int, width: int, seed: int, device: torch.device):
        self.B, self.H, self.W, self.device = batch, height, width, device
        self.rng = np.random.default_rng(seed)
        self.px = 1.0 / height
        ys = (torch.arange(height, device=device) + 0.5) / height
        xs = (torch.arange(width, device=device) + 0.5) / height
        self.v, self.u = torch.meshgrid(ys, xs, indexing="ij")
        self.u, self.v = self.u[None], self.v[None]
        self.aspect = width / height
        self.img = torch.zeros(batch, 3, height, width, device=device)

    # ---------------------------------------------------------------- random numbers

    def tensor(self, a: np.ndarray | list) -> Tensor:
        return torch.as_tensor(np.asarray(a, dtype=np.float32), device=self.device)

    def rand(self, lo: float = 0.0, hi: float = 1.0) -> Tensor:
        """One number a picture, [B,1,1]."""
        return self.tensor(self.rng.uniform(lo, hi, self.B)).view(-1, 1, 1)

    def color(self, rgb: list | np.ndarray, jitter: float = 0.03) -> Tensor:
        """rgb: one colour or one a picture -> [B,3,1,1], jittered."""
        c = np.broadcast_to(np.asarray(rgb, dtype=np.float32), (self.B, 3))
        c = c + self.rng.normal(0, jitter, (self.B, 3)) * 0.6 + self.rng.normal(0, jitter, (self.B, 1)) * 0.6
        return self.tensor(c).view(-1, 3, 1, 1).clamp(0, 1)

    # ---------------------------------------------------------------- noise

    def table(self) -> Tensor:
        """A lattice of random numbers for noise2 and noise1, [B,1,65,65], wrapping at 64."""
        t = self.rng.random((self.B, 64, 64), dtype=np.float32)
        t = np.pad(t, ((0, 0), (0, 1), (0, 1)), mode="wrap")
        return self.tensor(t)[:, None]

    def noise2(self, table: Tensor, x: Tensor, y: Tensor, octaves: int = 3, gain: float = 0.5,
               ridged: bool = False) -> Tensor:
        """Value noise with a few octaves, about 0..1, [B,H,W]."""
        x, y = torch.broadcast_tensors(x, y)
        total, norm, amp = 0.0, 0.0, 1.0
        for o in range(octaves):
            px, py = torch.remainder(x + 17.3 * o, 64.0), torch.remainder(y + 9.7 * o, 64.0)
            ix, iy = px.floor(), py.floor()
            fx, fy = px - ix, py - iy
            sx, sy = fx * fx * fx * (fx * (fx * 6 - 15) + 10), fy * fy * fy * (fy * (fy * 6 - 15) + 10)
            grid = torch.stack([(ix + sx) / 32 - 1, (iy + sy) / 32 - 1], -1)
            grid = grid.expand(self.B, -1, -1, -1)
            n = F.grid_sample(table, grid, mode="bilinear", align_corners=True)[:, 0]
            if ridged:
                n = 1 - (2 * n - 1).abs()
            total = total + amp * n
            norm += amp
            amp *= gain
            x, y = x * 2.0, y * 2.0
        return total / norm

    def noise1(self, table: Tensor, x: Tensor, octaves: int = 4, gain: float = 0.5, ridged: bool = False,
               row: float = 3.0) -> Tensor:
        return self.noise2(table, x, torch.full_like(x, row), octaves, gain, ridged)

    # ---------------------------------------------------------------- paint

    def over(self, color: Tensor, alpha: Tensor) -> None:
        """Lays a colour over the picture where alpha [B,H,W] says."""
        self.img = self.img + (color - self.img) * alpha[:, None]

    def add(self, color: Tensor, amount: Tensor) -> None:
        """Adds light (screen blend)."""
        self.img = 1 - (1 - self.img) * (1 - (color * amount[:, None]).clamp(0, 1))

    def edge(self, d: Tensor) -> Tensor:
        """Coverage of a signed distance in picture heights, positive inside."""
        return (d / self.px + 0.5).clamp(0, 1)

    def box(self, cx: Tensor, cy: Tensor, hw: Tensor | float, hh: Tensor | float) -> Tensor:
        return self.edge(hw - (self.u - cx).abs()) * self.edge(hh - (self.v - cy).abs())

    def disc(self, cx: Tensor, cy: Tensor, r: Tensor) -> Tensor:
        return self.edge(r - ((self.u - cx) ** 2 + (self.v - cy) ** 2).sqrt())

    def triangle(self, cx: Tensor, top: Tensor, bottom: Tensor, hw: Tensor, lean: Tensor | float = 0.0) -> Tensor:
        """Isosceles, apex up; lean moves the apex sideways."""
        t = ((self.v - top) / (bottom - top)).clamp(0, 1)
        return self.edge(hw * t - (self.u - cx - lean * (1 - t)).abs()) * self.edge(self.v - top) \
            * self.edge(bottom - self.v)

    def cells(self, table: Tensor, size: float, x: Tensor, y: Tensor, row: int = 0) -> tuple[Tensor, ...]:
        """Scatter: for each pixel the offset (dx,dy, in the units of x) to its cell's point and three randoms."""
        cx, cy = (x / size).floor(), (y / size).floor()
        b = torch.arange(self.B, device=self.device).view(-1, 1, 1)
        flat = table[:, 0, :64, :64].reshape(self.B, -1)

        def pick(k: int) -> Tensor:
            i = torch.remainder(cx * 7 + cy * 13 + k * 29 + row, 64).long()
            j = torch.remainder(cy * 11 + cx * 3 + k * 17 + row * 5, 64).long()
            return flat[b, i * 64 + j]

        r = [pick(k) for k in range(5)]
        dx = x - (cx + 0.2 + 0.6 * r[0]) * size
        dy = y - (cy + 0.2 + 0.6 * r[1]) * size
        return dx, dy, r[2], r[3], r[4]
