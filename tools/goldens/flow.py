#!/usr/bin/env python3
"""Samplers on a model of rectified flow: x = (1 - s) * signal + s * noise, dx/ds = (x - D) / s.

NumPy in float64, from the papers' formulas. Samplers that integrate in the log of the signal-to-noise ratio are
written for a signal of 1 (y = x / (1 - s), noise r = s / (1 - s)), as for Stable Diffusion, and taken there and back.
Four samplers, as ComfyUI runs them, take a flow's sigma for the noise beside a signal of 1, which adds too much of it.
Run: python3 flow.py OUTDIR   (needs numpy, scipy; checks itself first)
"""
import json
import math
import os
import struct
import sys

import numpy as np
from scipy import integrate
from scipy.special import betaincinv

SHAPE, SEED, CFG = (1, 4, 4, 4), 42, 3.0
INDEX = np.arange(64.0).reshape(SHAPE)
WARM, COLD = 0.7 * np.cos(0.1 * INDEX), 0.2 * np.sin(0.05 * INDEX)
LATENT = 0.5 * np.cos(0.3 * INDEX)


# ---- noise: torch's CPU generator, and the Brownian tree of torchsde -------------------------------------------------

class Generator:
    """mt19937 with Box-Muller in blocks of 16, as torch.randn draws 16 values or more at once on a CPU."""

    def __init__(self, seed):
        self.words = np.random.RandomState(seed & 0xFFFFFFFF)

    def uniforms(self, n):
        return (self.words.randint(0, 1 << 32, n, dtype=np.uint32) & 0xFFFFFF).astype(np.float64) * 2.0 ** -24

    def randn(self, shape):
        n = int(np.prod(shape))
        assert n % 16 == 0
        u = self.uniforms(n).reshape(-1, 2, 8)
        radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), 2 * np.pi * u[:, 1]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(shape)


def word(entropy, key):
    """First word of numpy's SeedSequence with the pool that torchsde chooses."""
    return int(np.random.SeedSequence(entropy=entropy, spawn_key=key, pool_size=24).generate_state(1)[0])


class Brownian:
    """Noise between two sigmas, from a dyadic bridge over all sigmas of a run."""

    def __init__(self, shape, sigmas, seed=SEED):
        self.shape, self.seed = shape, seed
        low, high = float(min(s for s in sigmas if s > 0)), float(max(sigmas))
        self.low, self.high = round(low, 6), round(high, 6)
        self.whole = Generator(word(seed, ())).randn(shape) * math.sqrt(high - low)

    def part(self, key, depth, a, b, value, start, end):
        if start == a and end == b:
            return value
        m = round(0.5 * (a + b), 6)
        fresh = Generator(word(self.seed, (key, depth))).randn(self.shape)
        left = value * (m - a) / (b - a) + math.sqrt((m - a) * (b - m) / (b - a)) * fresh
        total = np.zeros(self.shape)
        if start < m:
            total = total + self.part(2 * key, depth + 1, a, m, left, start, min(end, m))
        if end > m:
            total = total + self.part(2 * key + 1, depth + 1, m, b, value - left, max(start, m), end)
        return total

    def __call__(self, sigma, after):
        start, end = sorted((float(np.float32(sigma)), float(np.float32(after))))
        start, end = (round(min(max(v, self.low), self.high), 6) for v in (start, end))
        sign = 1 if sigma < after else -1
        if start == end:
            return np.zeros(self.shape)
        return sign * self.part(0, 0, self.low, self.high, self.whole, start, end) / math.sqrt(abs(after - sigma))


# ---- schedules -------------------------------------------------------------------------------------------------------

class Shifted:
    """Stable Diffusion 3 (multiplier 1000) and AuraFlow (1)."""

    def __init__(self, shift, multiplier):
        self.shift, self.multiplier = shift, multiplier
        self.table = np.array([self.sigma(k / 1000 * multiplier) for k in range(1, 1001)])

    def sigma(self, t):
        u = t / self.multiplier
        return self.shift * u / (1 + (self.shift - 1) * u)

    def timestep(self, sigma):
        return sigma * self.multiplier

    def percent(self, p):
        return 1.0 if p <= 0 else 0.0 if p >= 1 else self.sigma((1 - p) * self.multiplier)


class Flux:
    def __init__(self, width, height, most=1.15, base=0.5):
        tokens = width * height / 256
        self.mu = base + (most - base) * (tokens - 256) / (4096 - 256)
        self.multiplier = 1
        self.table = np.array([self.sigma(k / 10000) for k in range(1, 10001)])

    def sigma(self, t):
        return math.exp(self.mu) / (math.exp(self.mu) + 1 / t - 1)

    def timestep(self, sigma):
        return sigma

    def percent(self, p):
        return 1.0 if p <= 0 else 0.0 if p >= 1 else self.sigma(1 - p)


def simple(m, n):
    return [m.table[len(m.table) - 1 - int(k * len(m.table) / n)] for k in range(n)] + [0.0]


def sgm_uniform(m, n):
    return [m.sigma(t) for t in np.linspace(m.timestep(m.table[-1]), m.timestep(m.table[0]), n + 1)[:-1]] + [0.0]


def normal(m, n):
    return [m.sigma(t) for t in np.linspace(m.timestep(m.table[-1]), m.timestep(m.table[0]), n)] + [0.0]


def karras(m, n):
    high, low = m.table[-1] ** (1 / 7), m.table[0] ** (1 / 7)
    return [(high + k / (n - 1) * (low - high)) ** 7 for k in range(n)] + [0.0]


def beta(m, n):
    places = np.rint(betaincinv(0.6, 0.6, 1 - np.arange(n) / n) * (len(m.table) - 1)).astype(int)
    return [m.table[p] for i, p in enumerate(places) if i == 0 or p != places[i - 1]] + [0.0]


# ---- denoisers -------------------------------------------------------------------------------------------------------

class Toy:
    """D_m = (0.64 (1-s) x + m s^2) / (0.64 (1-s)^2 + s^2) + 0.1 s tanh(x), guided by 3."""

    def __call__(self, x, s):
        warm, cold = [(0.64 * (1 - s) * x + m * s * s) / (0.64 * (1 - s) ** 2 + s * s) + 0.1 * s * np.tanh(x)
                      for m in (WARM, COLD)]
        self.cold = cold
        return cold + (warm - cold) * CFG


class Gauss:
    """The exact denoiser of pictures of mean 0.3 and deviation 0.8, beside a signal of 1 - s or another."""

    def __init__(self, signal=lambda s: 1 - s):
        self.signal = signal

    def __call__(self, x, s):
        k = self.signal(s)
        self.cold = (0.64 * k * x + 0.3 * s * s) / (0.64 * k ** 2 + s * s)
        return self.cold


# ---- samplers in sigma -----------------------------------------------------------------------------------------------

def slope(x, d, s):
    return (x - d) / s


def euler(D, x, S, run):
    for a, b in zip(S, S[1:]):
        x = x + (b - a) * slope(x, D(x, a), a)
    return x


def heun(D, x, S, run):
    for a, b in zip(S, S[1:]):
        k = slope(x, D(x, a), a)
        if b > 0:
            y = x + (b - a) * k
            k = (k + slope(y, D(y, b), b)) / 2
        x = x + (b - a) * k
    return x


def dpm_2(D, x, S, run):
    for a, b in zip(S, S[1:]):
        k = slope(x, D(x, a), a)
        if b > 0:
            m = math.sqrt(a * b)
            y = x + (m - a) * k
            k = slope(y, D(y, m), m)
        x = x + (b - a) * k
    return x


def lms(D, x, S, run):
    history = []
    for i, (a, b) in enumerate(zip(S, S[1:])):
        d = D(x, a)
        history = [slope(x, d, a)] + history[:3]
        if b == 0:
            return d
        nodes = [S[i - j] for j in range(len(history))]
        for j, k in enumerate(history):
            others = [n for n in nodes if n != nodes[j]]
            x = x + k * integrate.quad(lambda t: math.prod((t - o) / (nodes[j] - o) for o in others), a, b)[0]
    return x


def dpmpp_2m(D, x, S, run):
    old = None
    for i, (a, b) in enumerate(zip(S, S[1:])):
        d = D(x, a)
        if b == 0:
            return d
        e = d if old is None else d + (d - old) * math.log(a / b) / (2 * math.log(S[i - 1] / a))
        x, old = b / a * x + (1 - b / a) * e, d
    return x


def renoised(x, a, b, step, run):
    """A step beyond b, scaled to b's share of the signal, and the noise that is missing there."""
    down = b * b / a
    keep = (1 - b) / (1 - down)
    return keep * step(down) + run.noise() * math.sqrt(b * b - (keep * down) ** 2)


def euler_ancestral(D, x, S, run):
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d
        x = renoised(x, a, b, lambda to: d + to / a * (x - d), run)
    return x


def dpm_2_ancestral(D, x, S, run):
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d

        def step(to):
            m = math.sqrt(a * to)
            y = d + m / a * (x - d)
            return x + (to - a) * slope(y, D(y, m), m)

        x = renoised(x, a, b, step, run)
    return x


def dpmpp_2s_ancestral(D, x, S, run):
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d

        def step(to):
            r = math.inf if a >= 1 else math.sqrt(a / (1 - a) * to / (1 - to))
            m = 0.9999 if a >= 1 else r / (1 + r)
            half = D(d + m / a * (x - d), m)
            return half + to / a * (x - half)

        x = renoised(x, a, b, step, run)
    return x


def lcm(D, x, S, run):
    for a, b in zip(S, S[1:]):
        x = D(x, a)
        if b > 0:
            x = (1 - b) * x + b * run.noise()
    return x


def uni_pc(D, x, S, run, bh2=False):
    """In variance-preserving terms of sigma, as if it lay beside a signal of 1: the slope dx/dsigma is the same."""
    T = list(S[:-1]) + [0.001 if S[-1] == 0 else S[-1]]
    alpha = lambda s: 1 / math.sqrt(s * s + 1)
    lam = lambda s: -math.log(s)
    clean = lambda y, s: D(y / alpha(s), s)
    y, n = alpha(T[0]) * x, len(T) - 1
    order, known = min(3, n - 1), [(T[0], clean(alpha(T[0]) * x, T[0]))]
    for i in range(1, n):
        for target in ((i,) if i < n - 1 or i < order else (i, i + 1)):
            now = i if i < order else min(order, n + 1 - target)
            (s0, m0), t = known[-1], T[target]
            h = lam(t) - lam(s0)
            ratios = [(lam(s) - lam(s0)) / h for s, _ in reversed(known[-now:-1])] if now > 1 else []
            diffs = [(m - m0) / r for r, (_, m) in zip(ratios, reversed(known[-now:-1]))] if now > 1 else []
            ratios = ratios + [1.0]
            B = math.expm1(-h) if bh2 else -h
            phi, moments, factorial = math.expm1(-h) / -h - 1, [], 1
            for k in range(1, now + 1):
                moments.append(phi * factorial / B)
                factorial *= k + 1
                phi = phi / -h - 1 / factorial
            powers = np.array([[r ** k for r in ratios] for k in range(now)])
            base = alpha(t) * t / (alpha(s0) * s0) * y - alpha(t) * math.expm1(-h) * m0
            rho = [] if now == 1 else [0.5] if now == 2 else np.linalg.solve(powers[:-1, :-1], moments[:-1])
            y = base - alpha(t) * B * sum((w * q for w, q in zip(rho, diffs)), 0 * x)
            if target < n:
                m = clean(y, t)
                rho = [0.5] if now == 1 else np.linalg.solve(powers, moments)
                y = base - alpha(t) * B * (sum((w * q for w, q in zip(rho, diffs)), 0 * x) + rho[-1] * (m - m0))
                known.append((t, m))
    return y / alpha(T[-1])


# ---- samplers beside a signal of 1 -----------------------------------------------------------------------------------

def beside_one(sampler, offset=True):
    """Runs a sampler of y = signal + r * noise on a flow."""

    def run_it(D, x, S, run):
        S = list(S)
        if offset and S[0] >= 1:
            S[0] = run.model.percent(1e-4)
        r = [s / (1 - s) for s in S]

        class Hat:
            """The denoiser, and noise by the flow's own sigmas."""

            def __init__(self):
                self.model, self.noise, self.cold = run.model, run.noise, None

            def __call__(self, y, level):
                s = level / (1 + level)
                d = D(y * (1 - s), s)
                self.cold = D.cold
                return d

            def brownian(self, a, b):
                return run.brownian(a / (1 + a), b / (1 + b))

        return sampler(Hat(), x / (1 - S[0]), r) * (1 - S[-1])

    return run_it


def split(a, b):
    """Deviation to step down to and of fresh noise, all of it."""
    up = min(b, b * math.sqrt(1 - (b / a) ** 2))
    return math.sqrt(b * b - up * up), up


def dpmpp_sde(H, y, r):
    for a, b in zip(r, r[1:]):
        d = H(y, a)
        if b == 0:
            return d
        m = math.sqrt(a * b)
        down, up = split(a, m)
        half = H(d + down / a * (y - d) + up * H.brownian(a, m), m)
        down, up = split(a, b)
        y = half + down / a * (y - half) + up * H.brownian(a, b)
    return y


def dpmpp_2m_sde(H, y, r, heun_like=False):
    old = old_h = None
    for a, b in zip(r, r[1:]):
        d = H(y, a)
        if b == 0:
            return d
        h, gain = math.log(a / b), 1 - (b / a) ** 2
        new = (b / a) ** 2 * y + gain * d
        if old is not None:
            new = new + ((1 - gain / (2 * h)) if heun_like else 0.5 * gain) * h / old_h * (d - old)
        y, old, old_h = new + b * math.sqrt(gain) * H.brownian(a, b), d, h
    return y


def dpmpp_3m_sde(H, y, r):
    past = []
    for a, b in zip(r, r[1:]):
        d = H(y, a)
        if b == 0:
            return d
        h, gain = math.log(a / b), 1 - (b / a) ** 2
        new, p2 = (b / a) ** 2 * y + gain * d, 1 - gain / (2 * h)
        if len(past) == 1:
            new = new + p2 * (d - past[0][0]) * h / past[0][1]
        elif past:
            (d1, h1), (d2, h2) = past
            u, v = (d - d1) * h / h1, (d1 - d2) * h / h2
            new = new + p2 * (u + (u - v) * h1 / (h1 + h2)) - (p2 / (2 * h) - 0.5) * (u - v) * h / (h1 + h2)
        y, past = new + b * math.sqrt(gain) * H.brownian(a, b), [(d, h)] + past[:1]
    return y


def er_sde(H, y, r):
    g = lambda v: v * (np.exp(v ** 0.3) + 10)
    past = []
    for i, (a, b) in enumerate(zip(r, r[1:])):
        d = H(y, a)
        if b == 0:
            return d
        q, dt = g(b) / g(a), b - a
        new = q * y + (1 - q) * d
        at = b + np.arange(200) * -dt / 200
        if i:
            first = (d - past[0]) / (a - r[i - 1])
            new = new + (dt + np.sum(1 / g(at)) * -dt / 200 * g(b)) * first
            if i > 1:
                second = 2 * (first - past[1]) / (a - r[i - 2])
                new = new + (dt * dt / 2 + np.sum((at - a) / g(at)) * -dt / 200 * g(b)) * second
            past = [d, first]
        else:
            past = [d, None]
        y = new + H.noise() * math.sqrt(max(0.0, b * b - (a * q) ** 2))
    return y


def phi_2(q):
    return (math.expm1(q) - q) / q


def seeds_2(H, y, r, eta=1.0, c=0.5, second=False):
    for a, b in zip(r, r[1:]):
        d = H(y, a)
        if b == 0:
            return d
        h = math.log(a / b)
        he, m = h * (1 + eta), a * (b / a) ** c
        z = eta and math.sqrt(-math.expm1(-2 * c * h)) * H.noise()
        inner = H(math.exp(-c * he) * y - math.expm1(-c * he) * d + m * z, m)
        b2 = phi_2(-he) / c if second else math.expm1(-he) / (2 * c)
        y = math.exp(-he) * y - (math.expm1(-he) - b2) * d - b2 * inner
        if eta:
            back = (c - 1) * h
            y = y + b * (math.exp(back) * z + math.sqrt(-math.expm1(2 * back)) * H.noise())
    return y


def seeds_3(H, y, r):
    c1, c2 = 1 / 3, 2 / 3
    for a, b in zip(r, r[1:]):
        d = H(y, a)
        if b == 0:
            return d
        h = math.log(a / b)
        s1, s2 = a * (b / a) ** c1, a * (b / a) ** c2
        carry = lambda z, g: math.exp(g) * z + math.sqrt(-math.expm1(2 * g)) * H.noise()
        z = math.sqrt(-math.expm1(-2 * c1 * h)) * H.noise()
        d1 = H(math.exp(-2 * c1 * h) * y - math.expm1(-2 * c1 * h) * d + s1 * z, s1)
        w = c2 / c1 * phi_2(-2 * c2 * h)
        z = carry(z, (c1 - c2) * h)
        d2 = H(math.exp(-2 * c2 * h) * y - (math.expm1(-2 * c2 * h) - w) * d - w * d1 + s2 * z, s2)
        w = phi_2(-2 * h) / c2
        z = carry(z, (c2 - 1) * h)
        y = math.exp(-2 * h) * y - (math.expm1(-2 * h) - w) * d - w * d2 + b * z
    return y


def adams(nodes, values, s, t, tau):
    """Integral of the polynomial through the values against m e^(m (u - t)), m = 1 + tau^2."""
    m, total = 1 + tau * tau, 0
    for j, value in enumerate(values):
        others = [n for k, n in enumerate(nodes) if k != j]
        f = lambda u: m * math.exp(m * (u - t)) * math.prod((u - o) / (nodes[j] - o) for o in others)
        total = total + value * integrate.quad(f, s, t, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
    return total


def sa_solver(H, y, r, again=False):
    level = lambda s: s / (1 - s)
    high, low = level(H.model.percent(0.2)), level(H.model.percent(0.8))
    L, last = [math.inf if v == 0 else -math.log(v) for v in r], len(r) - 1
    x = guess = y
    known, tau, z = [], 0, 0
    for i in range(last):
        a, b = r[i], r[i + 1]
        d = H(guess, a)
        known = (known + [d])[-4:]
        predictor, corrector = min(3, len(known)), 0 if i == 0 or (b == 0 and not again) else min(4, len(known))
        if r[-1] == 0:
            predictor, corrector = min(predictor, last - 1 - i), min(corrector, last - i)
        if corrector == 0:
            x = guess
        else:
            x = (a / r[i - 1]) ** (1 + tau * tau) * x + z + adams(
                L[i - corrector + 1:i + 1], known[-corrector:], L[i - 1], L[i], tau)
            if again:
                d = known[-1] = H(x, a)
        if b == 0:
            return d
        tau = 1 if high >= b > low else 0
        guess = (b / a) ** (1 + tau * tau) * x + adams(
            L[i - predictor + 1:i + 1], known[-predictor:], L[i], L[i + 1], tau)
        z = H.noise() * b * math.sqrt(1 - (b / a) ** (2 * tau * tau)) if tau else 0
        guess = guess + z
    return guess


def euler_cfg_pp(D, x, S, run, eta=0):
    """Signal and noise of the next sigma, the latter along what the negative prompt calls noise."""
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d
        noise = (x - (1 - a) * D.cold) / a
        down, up = b, 0
        if eta:
            ratio = b / (1 - b) * (1 - a) / a
            down, up = b * ratio, b * math.sqrt(1 - ratio * ratio)
        x = (1 - b) * d + down * noise + (up * run.noise() if eta else 0)
    return x


# ---- samplers that take a flow for noise beside a signal of 1 -------------------------------------------------------

def ddpm(D, x, S, run):
    """A step back is the Gaussian between the latent and its picture, whatever both are scaled by."""
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d
        x = d + (b / a) ** 2 * (x - d) + b * math.sqrt(1 - (b / a) ** 2) * run.noise()
    return x


def dpmpp_2s_ancestral_cfg_pp(D, x, S, run):
    for a, b in zip(S, S[1:]):
        d = D(x, a)
        if b == 0:
            return d
        moved = x + d - D.cold
        down, up = split(a, b)
        m = math.sqrt(a * down)
        half = D(d + m / a * (moved - d), m)
        x = half + down / a * (moved - half) + up * run.noise()
    return x


def res_multistep_ancestral(D, x, S, run, cfg_pp=False):
    """Two predictions make a line in the log of sigma, as far apart as the last step and its noise leave them."""
    old = back = None
    for i, (a, b) in enumerate(zip(S, S[1:])):
        d = D(x, a)
        if b == 0:
            return d
        base = D.cold if cfg_pp else d
        down, up = split(a, b)
        if old is None:
            y = d + down / a * (x - base)
        else:
            y = down / a * (x + d - base) + adams(
                [math.log(back / S[i - 1]), 0.0], [old, base], 0.0, math.log(a / down), 0)
        x, old, back = y + up * run.noise(), base, down
    return x


DETERMINISTIC = {
    "euler": euler, "heun": heun, "dpm_2": dpm_2, "lms": lms, "dpmpp_2m": dpmpp_2m, "uni_pc": uni_pc,
    "uni_pc_bh2": lambda D, x, S, run: uni_pc(D, x, S, run, True),
    "exp_heun_2_x0": beside_one(lambda H, y, r: seeds_2(H, y, r, 0.0, 1.0, True)),
}
STOCHASTIC = {
    "euler_ancestral": euler_ancestral, "dpm_2_ancestral": dpm_2_ancestral,
    "dpmpp_2s_ancestral": dpmpp_2s_ancestral, "lcm": lcm,
    "dpmpp_sde": beside_one(dpmpp_sde), "dpmpp_2m_sde": beside_one(dpmpp_2m_sde),
    "dpmpp_2m_sde_heun": beside_one(lambda H, y, r: dpmpp_2m_sde(H, y, r, True)),
    "dpmpp_3m_sde": beside_one(dpmpp_3m_sde), "er_sde": beside_one(er_sde), "seeds_2": beside_one(seeds_2),
    "exp_heun_2_x0_sde": beside_one(lambda H, y, r: seeds_2(H, y, r, 1.0, 1.0, True)),
    "seeds_3": beside_one(seeds_3), "sa_solver": beside_one(sa_solver),
    "sa_solver_pece": beside_one(lambda H, y, r: sa_solver(H, y, r, True)),
}
GUIDED = {"euler_cfg_pp": euler_cfg_pp,
          "euler_ancestral_cfg_pp": lambda D, x, S, run: euler_cfg_pp(D, x, S, run, 1)}
EXPLODING = {"ddpm": ddpm, "dpmpp_2s_ancestral_cfg_pp": dpmpp_2s_ancestral_cfg_pp,
             "res_multistep_ancestral": res_multistep_ancestral,
             "res_multistep_ancestral_cfg_pp": lambda D, x, S, run: res_multistep_ancestral(D, x, S, run, True)}
ALL = {**DETERMINISTIC, **STOCHASTIC, **GUIDED, **EXPLODING}
DROPS = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}


class Run:
    """What a sampler needs besides: the schedule and noise."""

    def __init__(self, model, noise, brownian):
        self.model, self.noise, self.brownian = model, noise, brownian


def sigmas(name, model, scheduler, steps, denoise=1.0):
    count = steps if denoise == 1 else int(steps / denoise)
    values = scheduler(model, count + 1 if name in DROPS else count)
    if name in DROPS:
        values = values[:-2] + values[-1:]
    # What a run walks is float32.
    return [float(np.float32(v)) for v in values[-(steps + 1):]]


def final(name, model, S):
    fresh = Generator(SEED + 1)
    run = Run(model, lambda: fresh.randn(SHAPE), Brownian(SHAPE, S))
    x = S[0] * Generator(SEED).randn(SHAPE) + (1 - S[0]) * LATENT
    return ALL[name](Toy(), x, S, run) / (1 - S[-1])


MODELS = {"sd3": Shifted(3.0, 1000), "aura": Shifted(1.73, 1.0), "flux": Flux(1024, 768)}
RUNS = [("sd3", simple, 8, 1.0), ("sd3", simple, 21, 1.0), ("sd3", karras, 8, 1.0), ("sd3", simple, 8, 0.6),
        ("aura", sgm_uniform, 8, 1.0), ("aura", normal, 20, 1.0), ("flux", beta, 8, 1.0), ("flux", simple, 21, 1.0)]


def check():
    """Solvers of the ODE agree, and noise leaves a Gaussian as it is."""
    model, x = MODELS["sd3"], Generator(SEED).randn(SHAPE)
    exact = heun(Toy(), x, simple(model, 1000), None)
    for name, sampler in DETERMINISTIC.items():
        distance = np.abs(sampler(Toy(), x, simple(model, 250), Run(model, None, None)) - exact).mean()
        assert distance < 0.02, (name, distance)
    free = np.random.default_rng(7)
    many = (100, 200)
    for name, sampler in {**STOCHASTIC, **GUIDED}.items():
        run = Run(model, lambda: free.standard_normal(many), lambda a, b: free.standard_normal(many))
        end = sampler(Gauss(), free.standard_normal(many), simple(model, 500), run)
        if name != "lcm":  # which forgets the latent between steps, so its deviation is smaller
            assert abs(end.mean() - 0.3) < 0.02 and abs(end.std() - 0.8) < 0.02, (name, end.mean(), end.std())
    levels = list(np.geomspace(80, 0.002, 500)) + [0.0]
    for name, sampler in EXPLODING.items():
        run = Run(None, lambda: free.standard_normal(many), None)
        end = sampler(Gauss(lambda s: 1), levels[0] * free.standard_normal(many), levels, run)
        assert abs(end.mean() - 0.3) < 0.02 and abs(end.std() - 0.8) < 0.02, (name, end.mean(), end.std())


def save(path, tensors, note):
    head, offset, blobs = {"__metadata__": {"note": note}}, 0, []
    for key in sorted(tensors):
        blob = np.asarray(tensors[key], dtype="<f4").tobytes()
        head[key] = {"dtype": "F32", "shape": [len(blob) // 4], "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


if __name__ == "__main__":
    check()
    tensors = {}
    for model in MODELS:
        tensors[f"table/{model}"] = MODELS[model].table[::37]
        tensors[f"percent/{model}"] = [MODELS[model].percent(p) for p in (0, 0.0001, 0.2, 0.5, 0.8, 1)]
    for model, scheduler, steps, denoise in RUNS:
        for name in ALL:
            key = f"{name}/{model}/{scheduler.__name__}/{steps}/{denoise}"
            S = sigmas(name, MODELS[model], scheduler, steps, denoise)
            tensors["sigmas/" + key] = S
            tensors[key] = final(name, MODELS[model], S).reshape(64)
    bad = [key for key, value in tensors.items() if not np.isfinite(value).all()]
    assert not bad, bad
    save(os.path.join(sys.argv[1] if len(sys.argv) > 1 else ".", "flow.safetensors"), tensors,
         "final latents of flow.py, seed 42")
    print(len(tensors), "tensors")
