#!/usr/bin/env python3
"""What options inside a network and second predictions do to a tiny UNet with blocks 1, 2 and 4 times as wide.

Plain PyTorch, from the papers and from how ComfyUI behaves; no diffusion library is used.
Run: python3 patches.py OUTDIR
"""
import math

import torch
import torch.nn.functional as F

from families import META, Numbers, Params, UNet, attention, calm, config, fixed, normal_sigmas, save, timestep

PREFIX = "model.diffusion_model."
MIDDLE = PREFIX + "middle_block.1.transformer_blocks.0"


class Patched(UNet):
    """The UNet with whatever is set on it."""

    freeu = hypertile = None
    watch = None  # index of the batch's part that is to be avoided, while it is watched

    def __call__(self, N, x, t, ctx, **more):
        self.shape = x.shape
        return super().__call__(N, x, t, ctx, **more)

    def joined(self, h, s):
        if self.freeu is None:
            return [h, s]
        b1, b2, s1, s2, by_mean = self.freeu
        chosen = {4 * self.mc: (b1, s1), 2 * self.mc: (b2, s2)}.get(h.shape[1])
        if chosen is None:
            return [h, s]
        b, low = chosen
        factor = torch.full_like(h[:, :1], b)
        if by_mean:
            mean = h.mean(1, keepdim=True)
            lowest, highest = mean.amin((1, 2, 3), keepdim=True), mean.amax((1, 2, 3), keepdim=True)
            factor = 1 + (b - 1) * (mean - lowest) / (highest - lowest)
        half = h.shape[1] // 2
        f = torch.fft.fft2(s)
        for row in (-1, 0):
            for column in (-1, 0):
                f[..., row, column] *= low
        return [torch.cat([h[:, :half] * factor, h[:, half:]], 1), torch.fft.ifft2(f).real]

    def attend(self, place, q, k, v, heads):
        if place == MIDDLE and self.watch is not None:
            self.seen = self.attention_got(q, k, heads)
        if self.hypertile is None:
            return attention(q, k, v, heads)
        return self.tiled(q, k, v, heads)

    def attention_got(self, q, k, heads):
        b, n, d = q.shape
        parts = [t.reshape(b, n, heads, d // heads).transpose(1, 2) for t in (q, k)]
        weights = torch.softmax(parts[0] @ parts[1].transpose(-1, -2) * (d // heads) ** -0.5, -1)
        items = b // 2
        return weights.mean(1).sum(1)[self.watch * items:(self.watch + 1) * items]

    def tiled(self, q, k, v, heads):
        tile, swap, max_depth, scale_depth = self.hypertile
        height, width = self.shape[2:]
        sizes = [height / 2 ** i * (width / 2 ** i) for i in range(max_depth + 1)]
        tokens = q.shape[1]
        if tokens not in sizes:
            return attention(q, k, v, heads)
        rows, columns = round(math.sqrt(tokens * width / height)), round(math.sqrt(tokens * height / width))
        smallest = max(32, tile) // 8 * (2 ** sizes.index(tokens) if scale_depth else 1)

        def parts(extent):
            return next(extent // i for i in range(min(smallest, extent), extent + 1) if extent % i == 0)

        down, across = parts(rows), parts(columns)
        b, _, d = q.shape
        # queries: rectangles; keys and values: as many strips of consecutive tokens
        cut = q.reshape(b, down, rows // down, across, columns // across, d).transpose(2, 3)
        cut = cut.reshape(b * down * across, -1, d)
        out = attention(cut, k.reshape(b * down * across, -1, d), v.reshape(b * down * across, -1, d), heads)
        out = out.reshape(b, down, across, rows // down, columns // across, d).transpose(2, 3)
        return out.reshape(b, tokens, d)


def blur(x, sigma):
    places = torch.linspace(-4, 4, 9)
    taps = torch.exp(-0.5 * (places / sigma) ** 2)
    taps = taps / taps.sum()
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 9, 9)
    return F.conv2d(F.pad(x, (4, 4, 4, 4), mode="reflect"), kernel, groups=x.shape[1])


def run(unet, N, texts, shape, guide, steps=3, cfg=5.0):
    """Three steps of Euler; guide(x, sigma, ask, negative, positive) gives the guided prediction."""
    sigmas = normal_sigmas(steps)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(42)) * torch.sqrt(1 + sigmas[0] ** 2)
    for i in range(steps):
        s = sigmas[i]

        def ask(at, which, **more):
            """Predictions under several texts, in one batch."""
            n = shape[0]
            scaled = torch.cat([at / (s ** 2 + 1) ** 0.5] * len(which))
            ctx = torch.cat([texts[w].expand(n, -1, -1) for w in which])
            out = unet(N, scaled, timestep(s).expand(n * len(which)), ctx, **more)
            return [at - s * o for o in out.split(n)]

        negative, positive = ask(x, (0, 1))
        d = guide(x, s, ask, negative, positive, negative + (positive - negative) * cfg)
        x = x + (x - d) / s * (sigmas[i + 1] - s)
    return x / 0.18215


def main():
    P = Params(12)
    unet = Patched(PREFIX, 32, [1, 2, 4], [1, 1, 0], 32, linear=False, heads=8)
    unet.make(P)
    # Sharper than random attention, so that some tokens get much more of it than others.
    for place in ("to_q", "to_k"):
        P[f"{MIDDLE}.attn1.{place}.weight"] *= 2.5
    calm(P, unet)
    file, N = P.stored(torch.float8_e4m3fn)
    save("tiny_patches", file, config())
    texts = fixed(31, 1, 77, 32), fixed(32, 1, 77, 32), fixed(33, 1, 77, 32)
    E = {"negative": texts[0], "positive": texts[1], "empty": texts[2]}
    small, large = (2, 4, 16, 12), (1, 4, 32, 20)
    x, t = fixed(34, *small), torch.tensor([250, 250])
    ctx = texts[1].expand(2, -1, -1)
    E["x"] = x
    E["plain"] = unet(N, x, t, ctx)
    for name, choice in (("freeu", (1.1, 1.2, 0.9, 0.2, False)), ("freeu_v2", (1.3, 1.4, 0.9, 0.2, True))):
        unet.freeu = choice
        E[name] = unet(N, x, t, ctx)
    unet.freeu = None
    for name, choice in (("tiles", (32, 2, 0, False)), ("tiles_deep", (32, 2, 1, False)),
                         ("tiles_scaled", (32, 2, 1, True))):
        unet.hypertile = choice
        E[name] = unet(N, x, t, ctx)
    unet.hypertile = None

    def plain(x, s, ask, negative, positive, guided):
        return guided

    E["run.plain"] = run(unet, N, texts, small, plain)

    def pag(x, s, ask, negative, positive, guided):
        return guided + (positive - ask(x, (1,), perturbed=True)[0]) * 3.0

    E["run.pag"] = run(unet, N, texts, small, pag)

    def perp(x, s, ask, negative, positive, guided):
        empty = ask(x, (2,))[0]
        p, n = positive - empty, negative - empty
        away = n - (n * p).sum() / p.norm() ** 2 * p
        return empty + 5.0 * (p - away * 0.8)

    E["run.perpneg"] = run(unet, N, texts, small, perp)
    looked = []

    def sag(x, s, ask, negative, positive, guided):
        unet.watch = 0
        ask(x, (0, 1))
        unet.watch = None
        rows = math.ceil(x.shape[2] / 4)  # two halvings
        mask = (unet.seen > 1.0).float().reshape(x.shape[0], 1, rows, -1)
        looked.append(mask.mean().item())
        mask = F.interpolate(mask, x.shape[2:])
        degraded = blur(negative, 2.0) * mask + negative * (1 - mask)
        worse = ask(degraded + x - negative, (0,))[0]
        return guided + (degraded - worse) * 0.75

    E["run.sag"] = run(unet, N, texts, large, sag)
    print("share that is looked at:", looked)
    save("tiny_patches_expected", E, META)


if __name__ == "__main__":
    main()
