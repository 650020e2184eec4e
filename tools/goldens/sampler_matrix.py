#!/usr/bin/env python3
"""Every sampler under every scheduler, 8 and 20 steps, on the closed-form denoiser of samplers_gen.py.

Schedulers are written here from their definitions (numpy float64 and torch float32), independent of Quartet.
Run: python3 sampler_matrix.py OUTDIR   (needs torch, numpy, scipy)
"""
import math
import os
import sys
import warnings

import numpy as np
import torch
from scipy.special import betaincinv

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(HERE, "../../modules/testkit/src/main/resources/quartet/goldens")
sys.path.insert(0, GOLDENS)
warnings.filterwarnings("ignore")
OUT = sys.argv[1] if len(sys.argv) > 1 else "."
sys.argv = sys.argv[:1]
import samplers_gen as samplers  # noqa: E402
import families  # noqa: E402

families.OUT = OUT

SG, LG = samplers.SG, samplers.LG
N = len(SG)


def sigma(t):
    t = t.clamp(0, N - 1)
    lo, hi, w = t.floor().long(), t.ceil().long(), t.frac()
    return ((1 - w) * LG[lo] + w * LG[hi]).exp()


def zero(values):
    return torch.cat([torch.as_tensor(values, dtype=torch.float32), torch.zeros(1)])


def simple(n):
    return zero([SG[N - 1 - int(k * (N / n))] for k in range(n)])


def normal(n):
    return zero(torch.stack([sigma(t) for t in torch.linspace(999, 0, n)]))


def sgm_uniform(n):
    return zero(torch.stack([sigma(t) for t in torch.linspace(999, 0, n + 1)[:-1]]))


def exponential(n):
    return zero(torch.linspace(math.log(float(SG[-1])), math.log(float(SG[0])), n).exp())


def ddim_uniform(n):
    step = max(N // n, 1)
    return zero([SG[i] for i in reversed(range(1, N, step))])


def beta(n):
    p = 1 - np.linspace(0, 1, n, endpoint=False)
    t = np.rint(betaincinv(0.6, 0.6, p) * (N - 1)).astype(int)
    kept = [int(v) for i, v in enumerate(t) if i == 0 or v != t[i - 1]]
    return zero([SG[i] for i in kept])


def linear_quadratic(n):
    half = n // 2
    rest = n - half
    d = half - 0.025 * n
    q = d / (half * rest ** 2)
    lin = 0.025 / half - 2 * d / rest ** 2
    c = q * half ** 2
    v = [i * 0.025 / half for i in range(half)] + [q * i * i + lin * i + c for i in range(half, n)] + [1.0]
    return torch.tensor([1 - x for x in v], dtype=torch.float32) * SG[-1]


def kl_optimal(n):
    j = torch.arange(n, dtype=torch.float32) / (n - 1)
    low, high = torch.tensor(math.atan(float(SG[0]))), torch.tensor(math.atan(float(SG[-1])))
    return zero((j * low + (1 - j) * high).tan())


SCHEDULERS = {"simple": simple, "sgm_uniform": sgm_uniform, "karras": samplers.karras, "exponential": exponential,
              "ddim_uniform": ddim_uniform, "beta": beta, "normal": normal, "linear_quadratic": linear_quadratic,
              "kl_optimal": kl_optimal}


def run(name, scheduler, steps):
    if name in samplers.DISCARD:
        s = SCHEDULERS[scheduler](steps + 1)
        s = torch.cat([s[:-2], s[-1:]])
    else:
        s = SCHEDULERS[scheduler](steps)
    full = math.isclose(float(SG[-1]), float(s[0]), rel_tol=1e-5) or float(s[0]) > float(SG[-1])
    noise = torch.randn(samplers.SHAPE, generator=torch.Generator().manual_seed(samplers.SEED))
    x = noise * (torch.sqrt(1.0 + s[0] ** 2.0) if full else s[0])
    return samplers.ALL[name](samplers.Toy(), x, s.clone()), s


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    tensors = {}
    for scheduler in SCHEDULERS:
        for steps in (8, 20):
            for name in samplers.ALL:
                value, _ = run(name, scheduler, steps)
                tensors[f"{name}/{scheduler}/{steps}"] = value.float().reshape(64)
    families.save("sampler_matrix", tensors, {"note": "final state of the toy run of samplers.json, seed 42"})
    bad = [k for k, v in tensors.items() if not torch.isfinite(v).all()]
    print(len(tensors), "runs,", len(bad), "not finite:", bad[:20])
