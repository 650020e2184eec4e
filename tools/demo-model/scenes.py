# SPDX-License-Identifier: Apache-2.0
"""The pictures: landscapes drawn from random parameters, one kind of landscape a batch.

``draw(kind, canvas)`` paints a batch and returns, for each picture, a dictionary of what is in it;
captions.py turns that into words.
"""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from paint import Canvas, mix, smooth

# top, middle, horizon, sun or moon, light on the ground, haze, cloud light, cloud shadow
TIMES: dict[str, list[tuple[float, float, float]]] = {
    "day": [(.16, .42, .84), (.40, .68, .95), (.80, .92, .98), (1., .98, .86), (1., 1., .97), (.74, .86, .95),
            (1., 1., 1.), (.76, .83, .92)],
    "sunrise": [(.38, .50, .78), (.88, .70, .72), (1., .86, .60), (1., .95, .78), (.98, .84, .74), (.95, .78, .68),
                (1., .88, .78), (.74, .62, .72)],
    "sunset": [(.22, .19, .46), (.84, .36, .40), (1., .68, .28), (1., .90, .58), (.92, .70, .60), (.92, .56, .44),
               (1., .62, .38), (.50, .28, .45)],
    "dusk": [(.09, .10, .30), (.34, .26, .54), (.88, .50, .54), (1., .8, .7), (.46, .42, .64), (.58, .40, .58),
             (.76, .48, .60), (.26, .22, .44)],
    "night": [(.015, .035, .12), (.045, .09, .25), (.12, .21, .40), (.95, .96, 1.), (.24, .31, .52), (.15, .24, .44),
              (.24, .31, .50), (.08, .12, .26)],
    "overcast": [(.50, .55, .62), (.65, .69, .74), (.80, .83, .85), (.95, .95, .95), (.78, .81, .84), (.76, .79, .82),
                 (.86, .88, .90), (.58, .62, .68)],
}
TIME_NAMES = list(TIMES)
TIME_WEIGHTS = [.26, .14, .22, .12, .18, .08]
KINDS = ["mountains", "lake", "sea", "beach", "hills", "desert", "forest"]
KIND_WEIGHTS = [.20, .18, .18, .10, .16, .08, .10]
SNOW, ROCK = (.94, .96, 1.0), (.44, .42, .45)
GRASS = {"summer": (.36, .58, .24), "spring": (.48, .70, .28), "autumn": (.66, .52, .24), "winter": (.90, .93, .98)}
LEAF = {"summer": (.18, .42, .20), "spring": (.36, .60, .26), "autumn": (.84, .42, .13), "winter": (.72, .78, .84)}
FIR = {"summer": (.09, .27, .20), "spring": (.12, .33, .20), "autumn": (.16, .27, .17), "winter": (.42, .53, .60)}


class Scene:
    """A canvas with the light of its pictures: time of day, season and weather."""

    def __init__(self, kind: str, c: Canvas):
        self.kind, self.c = kind, c
        rng, n = c.rng, c.B
        self.time = rng.choice(len(TIME_NAMES), n, p=TIME_WEIGHTS)
        season = ["summer", "spring", "autumn", "winter"]
        self.season = np.array(season)[rng.choice(4, n, p=[.46, .14, .2, .2])]
        if kind in ("sea", "beach", "desert"):
            self.season[:] = "summer"
        self.weather = np.array(["clear", "cloudy", "fog", "rain", "snowfall"])[
            rng.choice(5, n, p=[.36, .36, .14, .07, .07])]
        grey = np.isin(self.weather, ["rain", "snowfall"]) & (rng.random(n) < .7)
        self.time[grey & (self.time != 4)] = 5
        self.weather[(self.weather == "clear") & (self.time == 5)] = "cloudy"
        snow = self.weather == "snowfall"
        if kind in ("sea", "beach", "desert"):
            self.weather[snow] = "cloudy"
        else:
            self.season[snow] = "winter"
        pal = np.array([TIMES[t] for t in TIME_NAMES], dtype=np.float32)[self.time]
        (self.top, self.mid, self.low, self.sun_color, self.light, self.haze, self.cloud_lit,
         self.cloud_dark) = (c.color(pal[:, i], .02 if i != 4 else .01) for i in range(8))
        self.is_night = c.tensor(self.time == 4).view(-1, 1, 1)
        self.tags: dict[str, np.ndarray] = {"time": np.array(TIME_NAMES)[self.time], "season": self.season,
                                            "weather": self.weather}

    def flag(self, p: float, where: np.ndarray | bool = True) -> np.ndarray:
        return (self.c.rng.random(self.c.B) < p) & where

    def mask(self, flags: np.ndarray) -> Tensor:
        return self.c.tensor(flags).view(-1, 1, 1)

    def lit(self, color: Tensor) -> Tensor:
        return color * self.light

    def material(self, table: dict[str, tuple], jitter: float = .03) -> Tensor:
        return self.c.color(np.array([table[s] for s in self.season]), jitter)

    # -------------------------------------------------------------------------------- sky

    def sky(self, horizon: Tensor) -> None:
        """Gradient, stars, sun or moon, clouds. horizon [B,1,1] is its height in the picture."""
        c = self.c
        t = (c.v / horizon).clamp(0, 1)[:, None]
        c.img = mix(mix(self.top, self.mid, smooth(0., .68, t)), self.low, smooth(.45, 1.02, t)).expand(
            c.B, 3, c.H, c.W).clone()
        clear = np.isin(self.weather, ["clear", "cloudy", "fog"])
        night = self.time == 4
        stars = self.flag(.85, night & clear)
        self.tags["stars"] = stars
        # stars: one candidate a cell, a few big ones
        table = c.table()
        dx, dy, r, r2, _ = c.cells(table, .052, c.u.expand(c.B, -1, -1), c.v.expand(c.B, -1, -1))
        size = (.0011 + .0013 * r2 * r2).clamp(min=.75 * c.px)
        glow = torch.exp(-(dx * dx + dy * dy) / (2 * size * size)) * (r < .55) * (.35 + .65 * r2)
        c.add(c.color((.95, .97, 1.)), glow * self.mask(stars) * smooth(1., .35, c.v / horizon))
        # sun or moon
        low_sun = np.isin(self.time, [1, 2])
        p_orb = np.where(low_sun, .8, np.where(self.time == 4, .7, np.where(self.time == 0, .4, 0.)))
        orb = (c.rng.random(c.B) < p_orb) & (clear | (c.rng.random(c.B) < .2))
        self.tags["sun"], self.tags["moon"] = orb & ~night, orb & night
        self.sun_u = c.rand(.12, .88) * c.aspect
        height = np.where(low_sun, c.rng.uniform(.68, .98, c.B), c.rng.uniform(.18, .55, c.B))
        self.sun_v = horizon * c.tensor(height).view(-1, 1, 1)
        self.orb = self.mask(orb)
        radius = c.rand(.026, .05) * c.tensor(np.where(low_sun, 1.35, 1.)).view(-1, 1, 1)
        dist = ((c.u - self.sun_u) ** 2 + (c.v - self.sun_v) ** 2).sqrt()
        halo = self.mask(low_sun) * .55 + self.is_night * .28 + .22
        c.add(self.sun_color, self.orb * halo * (torch.exp(-dist / .13) * .75 + torch.exp(-dist / .40) * .40))
        disc = c.edge(radius - dist)
        crescent = self.mask(self.flag(.45, night))
        disc = disc * (1 - crescent * c.disc(self.sun_u + radius * .5, self.sun_v - radius * .25, radius * .95))
        c.over(mix(self.sun_color, torch.ones_like(self.sun_color), torch.full_like(self.sun_color, .35)),
               disc * self.orb)
        self.clouds(horizon)

    def clouds(self, horizon: Tensor) -> None:
        c = self.c
        amount = np.where(self.weather == "cloudy", c.rng.uniform(.5, .85, c.B),
                          np.where(self.weather == "clear", 0., np.where(self.weather == "fog", .25, .9)))
        amount = c.tensor(amount).view(-1, 1, 1)
        table, stretch = c.table(), c.rand(1.5, 3.2)
        scale = c.rand(2.2, 3.6)
        x = c.u * scale + c.rand(0, 40)
        y = c.v * scale * stretch * (.7 + .9 * c.v / horizon)
        n = c.noise2(table, x, y, 4, .48)
        up = c.noise2(table, x - .10, y - .22, 3, .45)
        lo = 1.02 - .62 * amount
        cover = smooth(lo, lo + .17, n + .12) * smooth(1.0, .80, c.v / horizon) * (amount > .05)
        shade = smooth(-.10, .13, n - up)[:, None]
        c.over(mix(self.cloud_lit, self.cloud_dark, shade), cover * .93)

    # -------------------------------------------------------------------------------- land

    def mountains(self, base: Tensor, far: int, snow: np.ndarray) -> None:
        """Layers of ridges from far to near, standing on base [B,1,1]."""
        c = self.c
        rock = c.color(ROCK, .05)
        green = c.color((.30, .40, .30), .04)
        side = (self.sun_u < c.aspect / 2).float() * 2 - 1
        snow_mask = self.mask(snow)
        for k in range(far):
            near = (k + 1) / far
            table = c.table()
            jag = c.noise2(table, c.u * 7 + 5, c.v * 7, 4) - .5
            peak = c.rand(.30, .46) * (1.10 - .50 * near)
            steep = c.rand(1.05, 1.6) * (1.15 - .35 * near)
            # the highest of six jagged cones gives the outline, the side of its axis the light
            best = torch.full_like(c.u.expand(c.B, -1, -1), -9.)
            axis, apex = torch.zeros_like(best), torch.zeros_like(best)
            for j in range(6):
                cx = (c.rand(-.12, .12) + j / 5) * (c.aspect + .2) - .1
                top = peak * c.rand(.45, 1.)
                rise = top - (c.u - cx + .10 * jag).abs() * steep - .05 * jag * smooth(0, .12, top - best.clamp(min=0))
                higher = rise > best
                best = torch.where(higher, rise, best)
                axis, apex = torch.where(higher, cx.expand_as(best), axis), torch.where(higher, top.expand_as(best), apex)
            foot = base + .012 * k
            depth = c.v - (foot - best)
            below = c.v - (foot - apex)
            fold = c.noise2(table, c.u * 6 + 30, c.v * 10, 3) - .5
            lit = smooth(-.008, .008, -(c.u - axis + jag * .12 + fold * (.02 + .30 * below)) * side)[:, None]
            body = mix(rock, green, (c.rand(0, .8) * near * (1 - .6 * snow_mask))[:, None])
            tone = mix(body * .60, body * 1.15, lit)
            white = c.color(SNOW, .01)
            line = peak * c.rand(.30, .65)
            cap = smooth(.012, -.012, below - line + (jag + fold) * .26 * (.5 + line)) * snow_mask
            tone = mix(tone, mix(white * c.color((.60, .69, .86), .01), white, lit), cap[:, None])
            tone = self.lit(tone)
            haze = (.62 * (1 - near) + .06) * (.7 + .6 * smooth(.05, .35, below))
            c.over(mix(tone, self.haze, haze.clamp(0, .9)[:, None]), c.edge(depth))

    def hills(self, base: Tensor, layers: int, ground: dict[str, tuple] = GRASS, bottom: float = 1.0) -> list[Tensor]:
        """Rolling layers below base; returns the height of each layer as [B,H,W] fields."""
        c, tops = self.c, []
        color = self.material(ground, .035)
        for k in range(layers):
            near = (k + 1) / layers
            y0 = base + (bottom - base) * (k / layers) * .92
            amp = c.rand(.03, .075) * (.7 + near)
            x = c.u * c.rand(.8, 1.8) + c.rand(0, 50)
            h = y0 - amp * (2 * c.noise1(c.table(), x, 2, .3) - 1)
            depth = c.v - h
            tone = color * c.color((.93, .93, .93), .06) * (1.16 - .26 * near) * (1.10 - .9 * depth.clamp(0, .4)[:, None])
            patch = c.noise2(c.table(), c.u * 5, c.v * 16, 2)[:, None]
            tone = self.lit(tone * (.93 + .14 * patch))
            rim = torch.exp(-depth.clamp(min=0) / .018)[:, None] * .16
            tone = mix(tone, self.sun_color * .6 + tone * .6, rim)
            c.over(mix(tone, self.haze, (.48 * (1 - near) * torch.ones_like(c.u))[:, None].clamp(0, 1)), c.edge(depth))
            tops.append(h)
        return tops

    def firs(self, base: Tensor, size: float | Tensor, spacing: float, near: float, on: Tensor, gap: float = .15,
             dark: float = 1.0) -> None:
        """A row of conifers whose feet stand on base ([B,1,1] or [B,H,W])."""
        c = self.c
        flat, b = c.table()[:, 0, 0], torch.arange(c.B, device=c.device).view(-1, 1, 1)
        cover = torch.zeros_like(c.u.expand(c.B, -1, -1))
        cell0 = (c.u / spacing).floor()
        for j in (-1, 0, 1):
            cell = cell0 + j
            i = torch.remainder(cell, 21).long().expand(c.B, c.H, c.W)
            r0, r1, r2 = flat[b, i], flat[b, i + 21], flat[b, i + 42]
            cx = (cell + .25 + .5 * r0) * spacing
            height = size * (.62 + .55 * r1)
            rel = (c.v - (base - height)) / height
            saw = torch.remainder(rel * (5 + 2 * r2.round()), 1.0)
            half = height * .23 * rel * (.66 + .42 * saw)
            inside = c.edge(half - (c.u - cx).abs()) * c.edge(c.v - (base - height)) * c.edge(base + .01 - c.v)
            cover = torch.maximum(cover, inside * (r2 > gap))
        tone = self.lit(self.material(FIR, .025) * dark)
        tone = tone * (1.12 - .24 * smooth(-.1, .0, c.v - base)[:, None])
        c.over(mix(tone, self.haze, torch.full_like(tone, .62 * (1 - near))), cover * on)

    def trees(self, base: Tensor, size: Tensor | float, spacing: float, near: float, on: Tensor) -> None:
        """Broad-leaved trees: a trunk and a round crown, lit from above."""
        c = self.c
        flat, b = c.table()[:, 0, 1], torch.arange(c.B, device=c.device).view(-1, 1, 1)
        leaf, bark = self.material(LEAF, .04), c.color((.30, .21, .15))
        cell0, table = (c.u / spacing).floor(), c.table()
        wob = c.noise2(table, c.u * 16, c.v * 16, 2) - .5
        for j in (-1, 0, 1):
            cell = cell0 + j
            i = torch.remainder(cell, 21).long().expand(c.B, c.H, c.W)
            r0, r1, r2 = flat[b, i], flat[b, i + 21], flat[b, i + 42]
            cx, height = (cell + .25 + .5 * r0) * spacing, size * (.7 + .45 * r1)
            keep = (r2 > .35) * on
            c.over(mix(self.lit(bark), self.haze, torch.full_like(bark, .5 * (1 - near))),
                   c.box(cx, base - height * .22, height * .045, height * .25) * keep)
            ex, ey = (c.u - cx) / (.40 * height), (c.v - (base - .62 * height)) / (.42 * height)
            d = (ex * ex + ey * ey).sqrt() + wob * .42
            shade = smooth(-.7, .8, ey + ex * .35 + wob)[:, None]
            tone = self.lit(leaf * (.92 + .2 * r2[:, None])) * mix(torch.full_like(shade, 1.18), torch.full_like(shade, .62),
                                                                  shade)
            c.over(mix(tone, self.haze, torch.full_like(tone, .5 * (1 - near))), c.edge((1 - d) * .40 * height) * keep)

    # -------------------------------------------------------------------------------- water

    def water(self, top: Tensor, bottom: Tensor, calm: float, color: Tensor) -> None:
        """Mirrors what stands above top into the area between top and bottom ([B,1,1] or [B,H,W])."""
        c = self.c
        d = (c.v - top).clamp(min=0)
        table = c.table()
        z = 1 / (d + .045)
        wave = c.noise2(table, c.u * 2.2 * z.clamp(max=9) ** .5 + 3, z * 3.2, 2, .5) - .5
        ripple = wave * (1 - calm) * (.02 + .35 * d)
        su = (c.u + ripple * .25) / c.aspect
        sv = top - d * (1. if calm > .5 else .8) + ripple
        grid = torch.stack([su * 2 - 1, (sv * 2 - 1).clamp(-1, 1)], -1)
        mirror = F.grid_sample(c.img, grid.expand(c.B, -1, -1, -1), mode="bilinear", padding_mode="border",
                               align_corners=False)
        tint = self.lit(color)
        body = mix(mirror * .93, tint, (.16 + .22 * (1 - calm) + .9 * d.clamp(0, .5) * (1.25 - calm))[:, None].clamp(0, .8))
        crest = smooth(.08, .26, wave) * smooth(.0, .06, d) * (1 - calm) * .30
        body = mix(body, self.low * .8 + .2 * tint, crest[:, None])
        inside = c.edge(c.v - top) * c.edge(bottom - c.v)
        c.over(body, inside)
        path = torch.exp(-((c.u - self.sun_u) / (.035 + .20 * d)) ** 2) * self.orb
        glint = smooth(-.06, .16, wave + .05 * torch.sin(c.v * 260)) * .8 + .12
        c.add(self.sun_color, path * glint * inside * (.75 + .1 * self.is_night))
        c.add(self.low, torch.exp(-d / .012) * .25 * inside)

    # -------------------------------------------------------------------------------- things

    def house(self, cx: Tensor, foot: Tensor, s: Tensor, on: Tensor) -> None:
        c = self.c
        wall = self.lit(c.color((.93, .86, .74), .07))
        roof = self.lit(c.color((.66, .24, .18), .07))
        warm = c.color((1., .82, .40), .02)
        dark = 1 - self.light.mean(1)
        c.over(roof * .6, c.box(cx + .5 * s, foot - 1.45 * s, .10 * s, .30 * s) * on)
        c.over(wall, c.box(cx, foot - .45 * s, .78 * s, .5 * s) * on)
        c.over(wall * .80, c.box(cx + .5 * s, foot - .45 * s, .28 * s, .5 * s) * on)
        t = ((c.v - (foot - 1.62 * s)) / (.72 * s)).clamp(0, 1)
        roof_in = c.edge((.42 + .52 * t) * s - (c.u - cx).abs()) * c.edge(c.v - (foot - 1.62 * s)) \
            * c.edge(foot - .90 * s - c.v)
        c.over(roof, roof_in * on)
        c.over(self.lit(c.color((.36, .22, .14))), c.box(cx - .05 * s, foot - .25 * s, .13 * s, .29 * s) * on)
        window = mix(self.lit(c.color((.45, .62, .78))), warm, smooth(.25, .5, dark)[:, None])
        for k in (-.46, .44):
            c.over(window, c.box(cx + k * s, foot - .5 * s, .13 * s, .15 * s) * on)
        glow = ((c.u - cx) ** 2 + (c.v - foot + .5 * s) ** 2).sqrt()
        c.add(warm, torch.exp(-glow / (.8 * s)) * .35 * smooth(.3, .6, dark) * on)

    def boat(self, cx: Tensor, foot: Tensor, s: Tensor, on: Tensor) -> None:
        c = self.c
        sail = self.lit(c.color((.97, .95, .90), .03)) * .9 + .1 * self.low
        hull = self.lit(c.color((.50, .22, .16), .08))
        t = ((c.v - (foot - .30 * s)) / (.30 * s)).clamp(0, 1)
        c.over(hull, c.edge((.86 - .26 * t) * s - (c.u - cx).abs()) * c.edge(.15 * s - (c.v - foot + .15 * s).abs()) * on)
        c.over(hull * .5, c.box(cx, foot - 1.1 * s, .025 * s, .85 * s) * on)
        t = ((c.v - (foot - 1.95 * s)) / (1.5 * s)).clamp(0, 1)
        rows = c.edge(c.v - (foot - 1.95 * s)) * c.edge(foot - .45 * s - c.v)
        right = c.edge(.70 * s * t - (c.u - cx - .05 * s)) * c.edge(c.u - cx - .05 * s) * rows
        left = c.edge(.52 * s * t - (cx - .05 * s - c.u)) * c.edge(cx - .05 * s - c.u) * rows
        c.over(sail, right * on)
        c.over(sail * .84, left * on)

    def lighthouse(self, cx: Tensor, foot: Tensor, s: Tensor, on: Tensor) -> None:
        c = self.c
        table = c.table()
        rock = c.noise2(table, c.u * 14, c.v * 14, 3) - .5
        mound = .55 * s * torch.exp(-((c.u - cx) / (1.25 * s)) ** 2) * (1 + rock * .8) - (foot - c.v) - .06 * s
        c.over(self.lit(c.color((.33, .30, .30), .03)) * (1 + rock * .7)[:, None], c.edge(mound) * c.edge(foot - c.v) * on)
        f = foot - .38 * s
        t = ((c.v - (f - 2.2 * s)) / (2.2 * s)).clamp(0, 1)
        column = c.edge((.20 + .13 * t) * s - (c.u - cx).abs()) * c.edge(c.v - (f - 2.2 * s)) * c.edge(f - c.v)
        band = c.edge((.25 - (torch.remainder(t * 2.5, 1.0) - .5).abs()) * .88 * s)[:, None]
        tone = mix(c.color((.96, .95, .92), .02), c.color((.80, .16, .14), .03), band)
        tone = self.lit(tone) * (1.05 - .35 * smooth(-.2, .3, (c.u - cx) / s)[:, None])
        c.over(tone, column * on)
        c.over(self.lit(c.color((.2, .2, .22))), c.box(cx, f - 2.22 * s, .28 * s, .04 * s) * on)
        lamp = mix(self.lit(c.color((.85, .9, .92))), c.color((1., .93, .62), .01), torch.full((1, 1, 1, 1), .7, device=c.device))
        c.over(lamp, c.box(cx, f - 2.42 * s, .13 * s, .17 * s) * on)
        c.over(self.lit(c.color((.80, .16, .14), .03)), c.triangle(cx, f - 2.85 * s, f - 2.56 * s, .22 * s) * on)
        dark = smooth(.3, .6, 1 - self.light.mean(1))
        d = ((c.u - cx) ** 2 + (c.v - f + 2.42 * s) ** 2).sqrt()
        c.add(c.color((1., .92, .65), .01), torch.exp(-d / (.7 * s)) * .8 * dark * on)

    def balloon(self, cx: Tensor, cy: Tensor, r: Tensor, on: Tensor) -> None:
        c = self.c
        x, y = (c.u - cx) / r, (c.v - cy) / r
        taper = 1 - .42 * smooth(.2, 1.35, y)
        d = torch.where(y > 0, (x / taper) ** 2 + (y / 1.25) ** 2, x * x + y * y).sqrt()
        stripe = torch.remainder(x / (1.02 - (y * .72).clamp(-1, 1) ** 2).clamp(min=.05).sqrt() * 1.9 + .25, 1.0)
        hue = c.rng.random(c.B)
        first = c.color(np.stack([.55 + .4 * np.cos(6.28 * (hue + k)) for k in (0, .67, .33)], 1), .01)
        tone = mix(first, c.color((.98, .93, .80), .03), c.edge((.25 - (stripe - .5).abs()) * r)[:, None])
        tone = tone * mix(torch.ones_like(self.light), self.light, torch.full_like(self.light, .8))
        c.over(tone * (1.08 - .30 * smooth(-.6, .9, x)[:, None]), c.edge((1 - d) * r) * on)
        c.over(self.lit(c.color((.42, .27, .16))), c.box(cx, cy + 1.62 * r, .16 * r, .12 * r) * on)
        c.over(self.lit(c.color((.3, .2, .12))), c.edge(.012 * r + .4 * c.px - ((c.u - cx).abs() - .14 * r).abs())
               * c.box(cx, cy + 1.38 * r, r, .16 * r) * .8 * on)

    def birds(self, horizon: Tensor, on: Tensor) -> None:
        c = self.c
        x0, y0 = c.rand(.2, .7) * c.aspect, horizon * c.rand(.2, .55)
        for _ in range(5):
            s = c.rand(.011, .020)
            dx = (c.u - x0 - c.rand(-.12, .12)) / s
            dy = (c.v - y0 - c.rand(-.06, .06)) / s
            wing = dy - (-.9 * dx.abs() + .75 * dx * dx)
            c.over(self.mid * .25, c.edge((.14 * (1.15 - dx.abs())) * s + .25 * c.px - wing.abs() * s * .8)
                   * c.edge((1 - dx.abs()) * s) * on)

    # -------------------------------------------------------------------------------- weather

    def finish(self, horizon: Tensor) -> None:
        """Fog, rain and falling snow over everything."""
        c = self.c
        fog = self.mask(self.weather == "fog")
        n = c.noise2(c.table(), c.u * 2.0, c.v * 6.0, 3)
        band = torch.exp(-((c.v - horizon - .03) / .20) ** 2) * (.35 + .9 * n)
        c.over(mix(self.haze, self.low, torch.full_like(self.low, .4)), (band * .92).clamp(0, .92) * fog)
        rain = self.mask(self.weather == "rain")
        c.over(self.haze * .8, .26 * rain * torch.ones_like(c.u))
        x = (c.u + c.v * .22).expand(c.B, -1, -1)
        dx, dy, r, _, _ = c.cells(c.table(), .05, x * 1.6, (c.v * .45).expand(c.B, -1, -1))
        streak = smooth(.0034, .0008, dx.abs()) * smooth(.016, .004, dy.abs()) * (r < .75)
        c.over(torch.ones_like(self.haze) * (.45 + .5 * self.light), streak * .42 * rain)
        snow = self.mask(self.weather == "snowfall")
        for size, radius in ((.05, .0032), (.10, .0062)):
            dx, dy, r, r2, _ = c.cells(c.table(), size, c.u.expand(c.B, -1, -1), c.v.expand(c.B, -1, -1))
            rad = radius * (.7 + .6 * r2)
            flake = smooth(1.25, .55, (dx * dx + dy * dy).sqrt() / rad) * (r < .7)
            c.over(torch.ones_like(self.haze) * (.55 + .45 * self.light), flake * .9 * snow)
        c.img = c.img.clamp(0, 1)


def _things(s: Scene, horizon: Tensor, boats: float = 0., lights: float = 0., boat_from: Tensor | None = None,
            water_depth: float = .3) -> None:
    """Boats and lighthouses on water, balloons and birds in the sky."""
    c = s.c
    clear = np.isin(s.weather, ["clear", "cloudy", "fog"])
    balloon = s.flag(.09, clear)
    birds = s.flag(.12, clear & np.isin(s.time, [0, 1, 2, 5])) & ~balloon
    s.balloon(c.rand(.2, .8) * c.aspect, horizon * c.rand(.30, .50), c.rand(.055, .10), s.mask(balloon))
    s.birds(horizon, s.mask(birds))
    s.tags["balloon"], s.tags["birds"] = balloon, birds
    light = s.flag(lights)
    boat = s.flag(boats)
    if lights:
        side = c.tensor(np.where(c.rng.random(c.B) < .5, .2, .8)).view(-1, 1, 1) * c.aspect
        s.lighthouse(side + c.rand(-.06, .06), horizon + .012, c.rand(.085, .125), s.mask(light))
        s.tags["lighthouse"] = light
    s.tags["boat"] = boat


def _floating(s: Scene, horizon: Tensor, depth: float) -> None:
    c = s.c
    far = c.rand(.05, 1.)
    s.boat(c.rand(.2, .8) * c.aspect, horizon + .02 + depth * far * .6, .028 + .05 * far, s.mask(s.tags["boat"]))


def mountains(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.58, .74)
    s.sky(horizon)
    snow = s.flag(.55) | (s.season == "winter")
    s.tags["snow"] = snow
    _things(s, horizon * .7)
    s.mountains(horizon + .03, 3, snow)
    row = s.flag(.55)
    s.firs(horizon + .045 + .0 * c.u, c.rand(.04, .07), .022, .45, s.mask(row), .05)
    tops = s.hills(horizon + .03, 2)
    near = s.flag(.45)
    s.firs(tops[1] + .03, c.rand(.10, .20), .085, .95, s.mask(near), .30)
    house = s.flag(.16, ~near)
    s.house(c.rand(.25, .75) * c.aspect, tops[0] * .0 + horizon + c.rand(.12, .18), c.rand(.035, .055), s.mask(house))
    s.tags.update(house=house, firs=row | near)
    s.finish(horizon)


def lake(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.50, .62)
    s.sky(horizon)
    snow = s.flag(.55) | (s.season == "winter")
    s.tags["snow"] = snow
    _things(s, horizon * .7, boats=.25)
    s.mountains(horizon + .02, 2, snow)
    row = s.flag(.75)
    s.firs(horizon + .006, c.rand(.045, .09), .028, .65, s.mask(row), .08)
    shore = s.lit(s.material(GRASS)) * .8
    c.over(shore, c.edge(.010 - (c.v - horizon).abs() + .012 * (c.noise1(c.table(), c.u * 3) - .4)))
    s.water(horizon + .006 + .0 * c.u, torch.full_like(horizon, 2.), .78, c.color((.16, .36, .46), .04))
    _floating(s, horizon, .3)
    front = s.flag(.45)
    y = .95 - .10 * (2 * c.noise1(c.table(), c.u * 1.6, 2, .3) - 1) * c.rand(.3, 1.) + (1 - s.mask(front)) * .5
    ground = s.lit(s.material(GRASS)) * .72
    c.over(ground * (1.1 - .8 * (c.v - y).clamp(0, .3)[:, None]), c.edge(c.v - y))
    firs = s.flag(.6, front)
    s.firs(y + .03, c.rand(.16, .30), .12, 1., s.mask(firs), .45, .8)
    s.tags.update(firs=row | firs)
    s.finish(horizon)


def sea(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.44, .60)
    s.sky(horizon)
    island = s.flag(.28)
    h = horizon + .01 - c.rand(.06, .14) * (c.noise1(c.table(), c.u * 2.2 + 9, 4) - .42).clamp(min=0) * 4 * s.mask(island)
    c.over(mix(s.lit(c.color((.30, .38, .34), .04)), s.haze, torch.full_like(s.haze, .45)),
           c.edge(c.v - h) * s.mask(island))
    _things(s, horizon * .9, boats=.42)
    s.tags["island"] = island
    s.water(horizon + .0 * c.u, torch.full_like(horizon, 2.), .25, c.color((.05, .30, .46), .04))
    light = s.flag(.22)
    side = c.tensor(np.where(c.rng.random(c.B) < .5, .2, .8)).view(-1, 1, 1) * c.aspect
    s.lighthouse(side + c.rand(-.06, .06), horizon + c.rand(.05, .09), c.rand(.10, .15), s.mask(light))
    s.tags["lighthouse"] = light
    _floating(s, horizon, .3)
    s.finish(horizon)


def beach(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.38, .50)
    s.sky(horizon)
    _things(s, horizon * .9, boats=.3)
    s.water(horizon + .0 * c.u, torch.full_like(horizon, 2.), .3, c.color((.08, .48, .58), .04))
    _floating(s, horizon, .12)
    slope = c.rand(-.16, .16)
    shore = horizon + c.rand(.18, .30) + slope * (c.u - c.aspect / 2) + .05 * (c.noise1(c.table(), c.u * 2.5, 2) - .5)
    d = c.v - shore
    sand = s.lit(c.color((.93, .82, .60), .03))
    grain = c.noise2(c.table(), c.u * 5, c.v * 22, 2)[:, None]
    wet = mix(sand * .72, sand, smooth(.0, .07, d)[:, None]) * (.94 + .12 * grain)
    c.over(wet, c.edge(d))
    foam = smooth(.012, .003, (d + .004).abs()) + .6 * smooth(.008, .002, (d + .035 + .01 * grain[:, 0]).abs())
    c.over(torch.ones_like(sand) * (.25 + .75 * s.light), foam.clamp(0, 1) * .9)
    s.finish(horizon)


def hills(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.46, .60)
    s.sky(horizon)
    s.tags["snow"] = s.season == "winter"
    _things(s, horizon * .9)
    tops = s.hills(horizon, 4)
    wood = s.flag(.6)
    s.trees(tops[1] + .012, c.rand(.06, .09), .075, .55, s.mask(wood))
    house = s.flag(.42)
    s.house(c.rand(.2, .8) * c.aspect, horizon + c.rand(.20, .26), c.rand(.05, .085), s.mask(house))
    near = s.flag(.4)
    s.trees(tops[3] + .02, c.rand(.18, .30), .22, 1., s.mask(near))
    s.tags.update(trees=wood | near, house=house)
    s.finish(horizon)


def desert(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.46, .60)
    s.sky(horizon)
    _things(s, horizon * .9)
    sand = c.color((.92, .68, .38), .04)
    side = (s.sun_u < c.aspect / 2).float() * 2 - 1
    for k in range(4):
        near = (k + 1) / 4
        y0 = horizon + (1 - horizon) * (k / 4) * .9
        amp = c.rand(.05, .10) * (.45 + near)
        freq, off, table = c.rand(.9, 1.7) / (.5 + .6 * near), c.rand(0, 50), c.table()
        x = c.u * freq + off
        h = y0 - amp * (c.noise1(table, x, 2, .18, ridged=True) - .5)
        d = c.v - h
        xs = x + d * side * .9 * freq
        slope = (c.noise1(table, xs + .02, 1, ridged=True) - c.noise1(table, xs - .02, 1, ridged=True)) * side
        lit = smooth(-.004, .006, slope)[:, None]
        ripple = torch.sin((c.v * 150 + 5 * c.noise2(table, c.u * 4, c.v * 4, 2)) / (.5 + near)) * .02 * near
        tone = s.lit(mix(sand * c.color((.62, .54, .60), .02), sand * 1.06, lit) * (1 + ripple[:, None]))
        c.over(mix(tone, s.haze, torch.full_like(tone, .50 * (1 - near))), c.edge(d))
    s.finish(horizon)


def forest(s: Scene) -> None:
    c = s.c
    horizon = c.rand(.50, .62)
    s.sky(horizon)
    s.tags["snow"] = s.season == "winter"
    _things(s, horizon * .6)
    for k, (size, spacing) in enumerate(((.12, .038), (.18, .06), (.27, .095))):
        near = (k + 1) / 4
        base = horizon + .03 + .075 * k + .02 * (c.noise1(c.table(), c.u * 2, 2) - .5)
        s.firs(base, size * c.rand(.85, 1.15), spacing, near, torch.ones_like(horizon), .0)
        fill = s.lit(s.material(FIR, .02))
        c.over(mix(fill, s.haze, torch.full_like(fill, .62 * (1 - near))), c.edge(c.v - base))
    y = .90 - .06 * (2 * c.noise1(c.table(), c.u * 1.3, 2, .3) - 1)
    ground = s.lit(s.material(GRASS))
    c.over(ground * (1.02 - .9 * (c.v - y).clamp(0, .3)[:, None]), c.edge(c.v - y))
    s.firs(y + .05, c.rand(.38, .55), .23, 1., torch.ones_like(horizon), .35, .75)
    s.tags.update(firs=np.ones(c.B, bool))
    s.finish(horizon)


_DRAW = dict(mountains=mountains, lake=lake, sea=sea, beach=beach, hills=hills, desert=desert, forest=forest)


def draw(kind: str, canvas: Canvas) -> tuple[Tensor, list[dict]]:
    """Paints a batch: returns pictures [B,3,H,W] in 0..1 and what is in each of them."""
    scene = Scene(kind, canvas)
    _DRAW[kind](scene)
    facts = []
    for i in range(canvas.B):
        fact = {k: v[i].item() for k, v in scene.tags.items()}
        fact["kind"] = kind
        facts.append(fact)
    return canvas.img, facts
