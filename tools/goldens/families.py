#!/usr/bin/env python3
"""Tiny random checkpoints of each model family, and what a plain PyTorch implementation makes of them.

Written from the papers and the published key layouts; no diffusion library is used.
Run: python3 families.py OUTDIR
"""
import json
import math
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_grad_enabled(False)
torch.set_num_threads(1)
OUT = sys.argv[1] if len(sys.argv) > 1 else "."

NAMES = {torch.float16: "F16", torch.float32: "F32", torch.bfloat16: "BF16", torch.float8_e4m3fn: "F8_E4M3",
         torch.int64: "I64"}


def save(name, tensors, meta):
    head, offset, blobs = {"__metadata__": meta}, 0, []
    for key in sorted(tensors):
        tensor = tensors[key].contiguous()
        blob = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        head[key] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                     "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(OUT, name + ".safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class Params(dict):
    """Random weights by name; each name has a generator of its own, so that order does not matter."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def rnd(self, key, *shape):
        generator = torch.Generator().manual_seed(self.seed * 1000003 + zlib.crc32(key.encode()))
        return torch.randn(*shape, generator=generator)

    def lin(self, key, o, i, bias=True, gain=1.0):
        self[key + ".weight"] = self.rnd(key + ".w", o, i) * (gain / math.sqrt(i))
        if bias:
            self[key + ".bias"] = self.rnd(key + ".b", o) * 0.05

    def conv(self, key, o, i, k, gain=1.0, bias=True):
        self[key + ".weight"] = self.rnd(key + ".w", o, i, k, k) * (gain / math.sqrt(i * k * k))
        if bias:
            self[key + ".bias"] = self.rnd(key + ".b", o) * 0.05

    def norm(self, key, c):
        self[key + ".weight"] = 1 + 0.1 * self.rnd(key + ".w", c)
        self[key + ".bias"] = 0.1 * self.rnd(key + ".b", c)

    def stored(self, dtype, heavy=None):
        """What a file holds (large tensors in the heavy dtype), and the float32 numbers a reader gets out of it."""
        file = {k: v.to(heavy if heavy is not None and v.numel() > 2048 else dtype) for k, v in self.items()}
        numbers = Numbers({k: v.float() for k, v in file.items()})
        return file, numbers


class Numbers(dict):
    def lin(self, key, x):
        return F.linear(x, self[key + ".weight"], self.get(key + ".bias"))

    def conv(self, key, x, stride=1, pad=1):
        return F.conv2d(x, self[key + ".weight"], self.get(key + ".bias"), stride, pad)

    def gn(self, key, x, eps):
        return F.group_norm(x, 32, self[key + ".weight"], self[key + ".bias"], eps)

    def ln(self, key, x):
        return F.layer_norm(x, x.shape[-1:], self[key + ".weight"], self[key + ".bias"], 1e-5)


def attention(q, k, v, heads, mask=None):
    b, n, d = q.shape

    def split(t):
        return t.reshape(b, -1, heads, d // heads).transpose(1, 2)

    a = (split(q) @ split(k).transpose(-1, -2)) * (d // heads) ** -0.5
    if mask is not None:
        a = a + mask
    return (torch.softmax(a, -1) @ split(v)).transpose(1, 2).reshape(b, n, d)


def waves(t, dim):
    half = dim // 2
    f = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
    a = t.float()[:, None] * f[None]
    return torch.cat([a.cos(), a.sin()], -1)


# ------------------------------------------------------------------ UNet
class UNet:
    """One residual block per level; transformer depths per level; everything else as in the papers."""

    def __init__(self, prefix, mc, mult, depths, context, in_ch=4, adm=0, linear=True, head_dim=64, heads=0, mid=1):
        self.p, self.mc, self.mult, self.depths, self.context = prefix, mc, mult, depths, context
        self.in_ch, self.adm, self.linear, self.head_dim, self.heads, self.mid = in_ch, adm, linear, head_dim, heads, mid
        inputs, chans, ch = [[("conv", in_ch, mc)]], [mc], mc
        for level, m in enumerate(mult):
            block = [("res", ch, m * mc)]
            ch = m * mc
            if depths[level]:
                block.append(("st", ch, depths[level]))
            inputs.append(block)
            chans.append(ch)
            if level != len(mult) - 1:
                inputs.append([("down", ch)])
                chans.append(ch)
        middle = [("res", ch, ch), ("st", ch, mid), ("res", ch, ch)]
        self.down_chans = list(chans)
        outputs = []
        for level, m in reversed(list(enumerate(mult))):
            for i in range(2):
                block = [("res", ch + chans.pop(), m * mc)]
                ch = m * mc
                if depths[level]:
                    block.append(("st", ch, depths[level]))
                if level and i == 1:
                    block.append(("up", ch))
                outputs.append(block)
        self.inputs, self.middle, self.outputs = inputs, middle, outputs

    def make(self, P, only_down=False):
        p, te = self.p, 4 * self.mc
        P.lin(p + "time_embed.0", te, self.mc)
        P.lin(p + "time_embed.2", te, te)
        if self.adm:
            P.lin(p + "label_emb.0.0", te, self.adm)
            P.lin(p + "label_emb.0.2", te, te)

        def block(pre, mods):
            for j, m in enumerate(mods):
                k = f"{pre}.{j}"
                if m[0] == "conv":
                    P.conv(k, m[2], m[1], 3)
                elif m[0] == "res":
                    P.norm(k + ".in_layers.0", m[1])
                    P.conv(k + ".in_layers.2", m[2], m[1], 3)
                    P.lin(k + ".emb_layers.1", m[2], te)
                    P.norm(k + ".out_layers.0", m[2])
                    P.conv(k + ".out_layers.3", m[2], m[2], 3, 0.7)
                    if m[1] != m[2]:
                        P.conv(k + ".skip_connection", m[2], m[1], 1)
                elif m[0] == "st":
                    c = m[1]
                    P.norm(k + ".norm", c)
                    for name, gain in (("proj_in", 1.0), ("proj_out", 0.7)):
                        P.lin(f"{k}.{name}", c, c, True, gain) if self.linear else P.conv(f"{k}.{name}", c, c, 1, gain)
                    for d in range(m[2]):
                        b = f"{k}.transformer_blocks.{d}"
                        for a, ctx in (("attn1", c), ("attn2", self.context)):
                            P.lin(f"{b}.{a}.to_q", c, c, False)
                            P.lin(f"{b}.{a}.to_k", c, ctx, False)
                            P.lin(f"{b}.{a}.to_v", c, ctx, False)
                            P.lin(f"{b}.{a}.to_out.0", c, c)
                        for n in ("norm1", "norm2", "norm3"):
                            P.norm(f"{b}.{n}", c)
                        P.lin(b + ".ff.net.0.proj", 8 * c, c)
                        P.lin(b + ".ff.net.2", c, 4 * c)
                elif m[0] == "down":
                    P.conv(k + ".op", m[1], m[1], 3)
                elif m[0] == "up":
                    P.conv(k + ".conv", m[1], m[1], 3)

        for n, b in enumerate(self.inputs):
            block(f"{p}input_blocks.{n}", b)
        block(p + "middle_block", self.middle)
        if only_down:
            return
        for n, b in enumerate(self.outputs):
            block(f"{p}output_blocks.{n}", b)
        P.norm(p + "out.0", self.mc)
        P.conv(p + "out.2", 4, self.mc, 3)

    def embed(self, N, t, y):
        p = self.p
        e = N.lin(p + "time_embed.2", F.silu(N.lin(p + "time_embed.0", waves(t, self.mc))))
        if self.adm:
            e = e + N.lin(p + "label_emb.0.2", F.silu(N.lin(p + "label_emb.0.0", y)))
        return e

    def run(self, N, pre, mods, h, e, ctx, perturbed=False):
        for j, m in enumerate(mods):
            k = f"{pre}.{j}"
            if m[0] == "conv":
                h = N.conv(k, h)
            elif m[0] == "res":
                r = N.conv(k + ".in_layers.2", F.silu(N.gn(k + ".in_layers.0", h, 1e-5)))
                r = r + N.lin(k + ".emb_layers.1", F.silu(e))[:, :, None, None]
                r = N.conv(k + ".out_layers.3", F.silu(N.gn(k + ".out_layers.0", r, 1e-5)))
                h = (N.conv(k + ".skip_connection", h, 1, 0) if k + ".skip_connection.weight" in N else h) + r
            elif m[0] == "st":
                h = self.transformer(N, k, m, h, ctx, perturbed)
            elif m[0] == "down":
                h = N.conv(k + ".op", h, 2, 1)
            elif m[0] == "up":
                h = N.conv(k + ".conv", F.interpolate(h, scale_factor=2, mode="nearest"))
        return h

    def transformer(self, N, k, m, x, ctx, perturbed):
        B, c, H, W = x.shape
        heads = self.heads or max(1, c // self.head_dim)
        n = N.gn(k + ".norm", x, 1e-6)
        if self.linear:
            h = N.lin(k + ".proj_in", n.permute(0, 2, 3, 1).reshape(B, H * W, c))
        else:
            h = N.conv(k + ".proj_in", n, 1, 0).permute(0, 2, 3, 1).reshape(B, H * W, c)
        for d in range(m[2]):
            b = f"{k}.transformer_blocks.{d}"
            y = N.ln(b + ".norm1", h)
            v = N.lin(b + ".attn1.to_v", y)
            q, key = N.lin(b + ".attn1.to_q", y), N.lin(b + ".attn1.to_k", y)
            a = v if perturbed else self.attend(b, q, key, v, heads)
            h = h + N.lin(b + ".attn1.to_out.0", a)
            y = N.ln(b + ".norm2", h)
            a = attention(N.lin(b + ".attn2.to_q", y), N.lin(b + ".attn2.to_k", ctx), N.lin(b + ".attn2.to_v", ctx), heads)
            h = h + N.lin(b + ".attn2.to_out.0", a)
            v, g = N.lin(b + ".ff.net.0.proj", N.ln(b + ".norm3", h)).chunk(2, -1)
            h = h + N.lin(b + ".ff.net.2", v * F.gelu(g))
        if self.linear:
            return N.lin(k + ".proj_out", h).reshape(B, H, W, c).permute(0, 3, 1, 2) + x
        return N.conv(k + ".proj_out", h.reshape(B, H, W, c).permute(0, 3, 1, 2), 1, 0) + x

    def attend(self, place, q, k, v, heads):
        """Self-attention of the transformer block of that name."""
        return attention(q, k, v, heads)

    def joined(self, h, s):
        """What goes into a block of the upward half: hidden state, and what is looked back at."""
        return [h, s]

    def __call__(self, N, x, t, ctx, y=None, control=None, adapter=None, perturbed=False):
        p, e = self.p, self.embed(N, t, y)
        h, hs = x, []
        for n, b in enumerate(self.inputs):
            h = self.run(N, f"{p}input_blocks.{n}", b, h, e, ctx)
            if adapter and n in adapter:
                h = h + adapter[n]
            hs.append(h)
        h = self.run(N, p + "middle_block", self.middle, h, e, ctx, perturbed)
        if control:
            h = h + control[1]
        for n, b in enumerate(self.outputs):
            s = hs.pop()
            if control:
                s = s + control[0][len(hs)]
            h = self.run(N, f"{p}output_blocks.{n}", b, torch.cat(self.joined(h, s), 1), e, ctx)
        return N.conv(p + "out.2", F.silu(N.gn(p + "out.0", h, 1e-5)))


# ------------------------------------------------------------------ text encoders
class Clip:
    """A CLIP text transformer under either library's names. Token ids: start 126, end 127, of 128."""

    START, END, VOCAB = 126, 127, 128

    def __init__(self, prefix, width, layers, ff, quick, open_names, pad):
        self.p, self.d, self.layers, self.ff, self.quick, self.open, self.pad = prefix, width, layers, ff, quick, open_names, pad
        self.heads = max(1, width // 64)

    def make(self, P):
        p, d = self.p, self.d
        if not self.open:
            P[p + "embeddings.token_embedding.weight"] = P.rnd(p + "tok", self.VOCAB, d) * 0.5
            P[p + "embeddings.position_embedding.weight"] = P.rnd(p + "pos", 77, d) * 0.1
            for n in range(self.layers):
                q = f"{p}encoder.layers.{n}."
                P.norm(q + "layer_norm1", d)
                P.norm(q + "layer_norm2", d)
                for x in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    P.lin(q + "self_attn." + x, d, d)
                P.lin(q + "mlp.fc1", self.ff, d)
                P.lin(q + "mlp.fc2", d, self.ff)
            P.norm(p + "final_layer_norm", d)
            return
        P[p + "token_embedding.weight"] = P.rnd(p + "tok", self.VOCAB, d) * 0.5
        P[p + "positional_embedding"] = P.rnd(p + "pos", 77, d) * 0.1
        P[p + "text_projection"] = P.rnd(p + "proj", d, d) / math.sqrt(d)
        for n in range(self.layers):
            q = f"{p}transformer.resblocks.{n}."
            P.norm(q + "ln_1", d)
            P.norm(q + "ln_2", d)
            P[q + "attn.in_proj_weight"] = P.rnd(q + "in", 3 * d, d) / math.sqrt(d)
            P[q + "attn.in_proj_bias"] = P.rnd(q + "inb", 3 * d) * 0.05
            P.lin(q + "attn.out_proj", d, d)
            P.lin(q + "mlp.c_fc", self.ff, d)
            P.lin(q + "mlp.c_proj", d, self.ff)
        P.norm(p + "ln_final", d)

    def ids(self, words):
        out = [self.START] + list(words) + [self.END]
        return torch.tensor([out + [self.END if self.pad is None else self.pad] * (77 - len(out))])

    def __call__(self, N, words):
        """All hidden states, the last one after the final norm, and the projected summary."""
        p, ids = self.p, self.ids(words)
        tok = N[p + ("token_embedding.weight" if self.open else "embeddings.token_embedding.weight")]
        pos = N[p + ("positional_embedding" if self.open else "embeddings.position_embedding.weight")]
        x, hidden = tok[ids] + pos, []
        mask = torch.full((77, 77), float("-inf")).triu(1)
        for n in range(self.layers):
            q = f"{p}transformer.resblocks.{n}." if self.open else f"{p}encoder.layers.{n}."
            h = N.ln(q + ("ln_1" if self.open else "layer_norm1"), x)
            if self.open:
                a, b, c = F.linear(h, N[q + "attn.in_proj_weight"], N[q + "attn.in_proj_bias"]).chunk(3, -1)
                x = x + N.lin(q + "attn.out_proj", attention(a, b, c, self.heads, mask))
                h = N.lin(q + "mlp.c_fc", N.ln(q + "ln_2", x))
            else:
                a, b, c = [N.lin(f"{q}self_attn.{s}_proj", h) for s in "qkv"]
                x = x + N.lin(q + "self_attn.out_proj", attention(a, b, c, self.heads, mask))
                h = N.lin(q + "mlp.fc1", N.ln(q + "layer_norm2", x))
            h = h * torch.sigmoid(1.702 * h) if self.quick else F.gelu(h)
            x = x + N.lin(q + ("mlp.c_proj" if self.open else "mlp.fc2"), h)
            hidden.append(x)
        last = N.ln(p + ("ln_final" if self.open else "final_layer_norm"), x)
        end = (ids[0] == self.END).int().argmax()
        pooled = last[:, end]
        if self.open:
            pooled = pooled @ N[p + "text_projection"]
        return hidden, last, pooled

    def final(self, N, x):
        return N.ln(self.p + ("ln_final" if self.open else "final_layer_norm"), x)


# ------------------------------------------------------------------ schedule and one run
betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2
ac = torch.cumprod(1 - betas, 0)
sigma64 = ((1 - ac) / ac) ** 0.5
SG, LG = sigma64.float(), sigma64.log().float()


def timestep(s):
    return (s.log() - LG).abs().argmin()


def sigma_of(t):
    lo, hi, w = t.floor().long(), t.ceil().long(), t.frac()
    return ((1 - w) * LG[lo] + w * LG[hi]).exp()


def normal_sigmas(n):
    return torch.cat([torch.stack([sigma_of(t) for t in torch.linspace(999, 0, n)]), torch.zeros(1)])


def euler(model, seed, steps, cfg, shape, velocity=False):
    """model(x, t, which) for which = 1 (prompt) or 0 (negative)."""
    sig = normal_sigmas(steps)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * torch.sqrt(1 + sig[0] ** 2)
    for i in range(steps):
        s = sig[i]
        t = timestep(s).reshape(1)
        scaled = x / (s ** 2 + 1) ** 0.5
        means = []
        for which in (0, 1):
            out = model(scaled, t, which)
            means.append(x / (s ** 2 + 1) - out * s / (s ** 2 + 1) ** 0.5 if velocity else x - s * out)
        d = means[0] + (means[1] - means[0]) * cfg
        x = x + (x - d) / s * (sig[i + 1] - s)
    return x


def calm(P, unet):
    """Makes the output small beside the input, so that a run of a random network stays tame."""
    P[unet.p + "out.2.weight"] *= 0.3


WORDS = [5, 17, 30, 42, 7, 7, 123, 99, 64, 1]
META = {"note": "random tiny model in the published key layout"}


def fixed(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def label(pooled, numbers):
    return torch.cat([pooled] + [waves(torch.tensor([float(n)]), 256) for n in numbers], -1)


def config(**more):
    return {**META, "config": json.dumps({"bos": Clip.START, "eos": Clip.END, **more})}


def sdxl():
    P = Params(1)
    unet = UNet("model.diffusion_model.", 32, [1, 2], [0, 2], 128, adm=64 + 6 * 256, head_dim=16, mid=2)
    unet.make(P)
    calm(P, unet)
    L = Clip("conditioner.embedders.0.transformer.text_model.", 64, 2, 128, True, False, None)
    G = Clip("conditioner.embedders.1.model.", 64, 3, 128, False, True, 0)
    L.make(P)
    G.make(P)
    file, N = P.stored(torch.float16, torch.float8_e4m3fn)
    save("tiny_sdxl", file, config(num_head_channels=16))
    E = {}
    hl, _, _ = L(N, WORDS)
    hg, _, pooled = G(N, WORDS)
    nl, _, _ = L(N, [])
    ng, _, npooled = G(N, [])
    cond, uncond = torch.cat([hl[-2], hg[-2]], -1), torch.cat([nl[-2], ng[-2]], -1)
    E["clip.positive"], E["clip.pooled"], E["clip.negative"], E["clip.negative_pooled"] = cond, pooled, uncond, npooled
    E["tokens"] = torch.tensor([WORDS])
    y = label(pooled, [128, 96, 8, 16, 120, 88])
    x = fixed(7, 1, 4, 16, 12)
    t = torch.tensor([250])
    E["label"], E["unet.x"], E["unet.t"], E["unet.eps"] = y, x, t, unet(N, x, t, cond, y)
    ys = [label(npooled, [128, 96, 0, 0, 128, 96]), label(pooled, [128, 96, 0, 0, 128, 96])]
    E["euler.latent"] = euler(lambda x, t, w: unet(N, x, t, (uncond, cond)[w], ys[w]), 42, 3, 5.0, (1, 4, 16, 12)) / 0.13025
    E["unet.perturbed"] = unet(N, x, t, cond, y, perturbed=True)
    save("tiny_sdxl_expected", E, META)
    return P, N, unet, cond, y, x, t


def refiner():
    P = Params(2)
    unet = UNet("model.diffusion_model.", 32, [1, 2], [1, 0], 64, adm=64 + 5 * 256, head_dim=16)
    unet.make(P)
    calm(P, unet)
    G = Clip("conditioner.embedders.0.model.", 64, 2, 128, False, True, 0)
    G.make(P)
    file, N = P.stored(torch.float8_e4m3fn)
    save("tiny_refiner", file, config(num_head_channels=16))
    h, _, pooled = G(N, WORDS)
    nh, _, npooled = G(N, [])
    ys = [label(npooled, [128, 96, 0, 0, 2.5]), label(pooled, [128, 96, 0, 0, 6.0])]
    latent = euler(lambda x, t, w: unet(N, x, t, (nh[-2], h[-2])[w], ys[w]), 42, 3, 5.0, (1, 4, 16, 12)) / 0.13025
    save("tiny_refiner_expected", {"tokens": torch.tensor([WORDS]), "clip.positive": h[-2], "clip.pooled": pooled,
                                   "euler.latent": latent}, META)


def sd2():
    P = Params(3)
    unet = UNet("model.diffusion_model.", 32, [1, 2], [1, 1], 64, head_dim=16)
    unet.make(P)
    calm(P, unet)
    H = Clip("cond_stage_model.model.", 64, 3, 128, False, True, 0)
    H.make(P)
    file, N = P.stored(torch.bfloat16, torch.float8_e4m3fn)
    file["v_pred"] = torch.zeros(0)
    save("tiny_sd2", file, config(num_head_channels=16))
    h, _, _ = H(N, WORDS)
    nh, _, _ = H(N, [])
    cond, uncond = H.final(N, h[-2]), H.final(N, nh[-2])
    latent = euler(lambda x, t, w: unet(N, x, t, (uncond, cond)[w]), 42, 3, 5.0, (1, 4, 16, 12), velocity=True) / 0.18215
    save("tiny_sd2_expected", {"tokens": torch.tensor([WORDS]), "clip.positive": cond, "euler.latent": latent}, META)


def inpaint():
    P = Params(4)
    unet = UNet("model.diffusion_model.", 32, [1, 1], [1, 0], 64, in_ch=9, linear=False, heads=8)
    unet.make(P)
    calm(P, unet)
    file, N = P.stored(torch.float8_e4m3fn)
    save("tiny_inpaint", file, config())
    cond, uncond = fixed(11, 1, 77, 64), fixed(12, 1, 77, 64)
    mask = torch.zeros(1, 1, 16, 12)
    mask[:, :, 4:12, 3:9] = 1
    shown = fixed(13, 1, 4, 16, 12)
    beside = torch.cat([mask, shown * 0.18215], 1)
    grey = torch.tensor([0.8223, -0.6876, 0.6364, 0.1380]).reshape(1, 4, 1, 1).expand(1, 4, 16, 12)
    blank = torch.cat([torch.ones(1, 1, 16, 12), grey], 1)
    E = {"positive": cond, "negative": uncond, "mask": mask[0], "shown": shown}
    for name, extra in (("euler.latent", beside), ("euler.blank", blank)):
        E[name] = euler(lambda x, t, w: unet(N, torch.cat([x, extra], 1), t, (uncond, cond)[w]), 42, 3, 5.0,
                        (1, 4, 16, 12)) / 0.18215
    save("tiny_inpaint_expected", E, META)


# ------------------------------------------------------------------ what is added to a model
class Control:
    def __init__(self, unet):
        self.unet = UNet("control_model.", unet.mc, unet.mult, unet.depths, unet.context, adm=unet.adm,
                         linear=unet.linear, head_dim=unet.head_dim, mid=unet.mid)
        self.widths = [8, 8, 8, 8, 12, 12, 16]

    def make(self, P):
        p = self.unet.p
        self.unet.make(P, only_down=True)
        for n, c in enumerate(self.unet.down_chans):
            P.conv(f"{p}zero_convs.{n}.0", c, c, 1)
        c = self.unet.middle[-1][2]
        P.conv(p + "middle_block_out.0", c, c, 1)
        i = 3
        for n, o in enumerate(self.widths + [self.unet.mc]):
            P.conv(f"{p}input_hint_block.{2 * n}", o, i, 3, 1.5)
            i = o

    def __call__(self, N, x, hint, t, ctx, y):
        u, p = self.unet, self.unet.p
        g = hint
        for n in range(8):
            g = N.conv(f"{p}input_hint_block.{2 * n}", g, 2 if n in (2, 4, 6) else 1)
            if n < 7:
                g = F.silu(g)
        e, h, outs = u.embed(N, t, y), x, []
        for n, b in enumerate(u.inputs):
            h = u.run(N, f"{p}input_blocks.{n}", b, h, e, ctx)
            if n == 0:
                h = h + g
            outs.append(N.conv(f"{p}zero_convs.{n}.0", h, 1, 0))
        h = u.run(N, p + "middle_block", u.middle, h, e, ctx)
        return outs, N.conv(p + "middle_block_out.0", h, 1, 0)


def controlnet(base):
    _, N, unet, cond, y, x, t = base
    P = Params(5)
    net = Control(unet)
    net.make(P)
    file, C = P.stored(torch.float8_e4m3fn)
    save("tiny_controlnet", file, config(num_head_channels=16))
    hint = torch.rand(1, 3, 128, 96, generator=torch.Generator().manual_seed(21))
    outs, mid = net(C, x, hint, t, cond, y)
    half = ([o * 0.5 for o in outs], mid * 0.5)
    E = {"hint": hint.movedim(1, -1), "eps": unet(N, x, t, cond, y, control=half), "middle": mid,
         "skip3": outs[3], "hint_features": outs[0]}
    save("tiny_controlnet_expected", E, META)


def adapter(name, seed, hint_seed, chans, unshuffle, halved):
    """A T2I-Adapter: pixels as channels, four levels of two blocks, some of them halved before."""
    P = Params(seed)
    P.conv("conv_in", chans[0], 3 * unshuffle * unshuffle, 3)
    c = chans[0]
    for i, o in enumerate(chans):
        for j in range(2):
            k = f"body.{2 * i + j}"
            if c != o:
                P.conv(k + ".in_conv", o, c, 1)
            P.conv(k + ".block1", o, o, 3)
            P.conv(k + ".block2", o, o, 1)
            c = o
    file, N = P.stored(torch.float8_e4m3fn)
    save(name, file, META)
    hint = torch.rand(1, 3, 128, 64, generator=torch.Generator().manual_seed(hint_seed))
    x, feats = N.conv("conv_in", F.pixel_unshuffle(hint, unshuffle)), []
    for i in range(4):
        for j in range(2):
            k = f"body.{2 * i + j}"
            if i in halved and j == 0:
                x = F.avg_pool2d(x, 2, 2)
            if k + ".in_conv.weight" in N:
                x = N.conv(k + ".in_conv", x, 1, 0)
            x = x + N.conv(k + ".block2", F.relu(N.conv(k + ".block1", x)), 1, 0)
        feats.append(x)
    save(name + "_expected", {"hint": hint.movedim(1, -1), **{f"level{i}": f for i, f in enumerate(feats)}}, META)


def esrgan():
    P = Params(7)
    P.conv("conv_first", 16, 3, 3)
    for n in range(2):
        for m in (1, 2, 3):
            for k in range(5):
                P.conv(f"body.{n}.rdb{m}.conv{k + 1}", 8 if k < 4 else 16, 16 + 8 * k, 3)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        P.conv(name, 16, 16, 3)
    P.conv("conv_last", 3, 16, 3, 0.5)
    file, N = P.stored(torch.float16)
    save("tiny_esrgan", file, META)

    def act(v):
        return F.leaky_relu(v, 0.2)

    pixels = torch.rand(1, 3, 24, 20, generator=torch.Generator().manual_seed(41))
    first = N.conv("conv_first", pixels)
    h = first
    for n in range(2):
        r = h
        for m in (1, 2, 3):
            xs = r
            for k in range(4):
                xs = torch.cat([xs, act(N.conv(f"body.{n}.rdb{m}.conv{k + 1}", xs))], 1)
            r = N.conv(f"body.{n}.rdb{m}.conv5", xs) * 0.2 + r
        h = r * 0.2 + h
    h = first + N.conv("conv_body", h)
    for name in ("conv_up1", "conv_up2"):
        h = act(N.conv(name, F.interpolate(h, scale_factor=2, mode="nearest")))
    h = N.conv("conv_last", act(N.conv("conv_hr", h)))
    save("tiny_esrgan_expected", {"pixels": pixels.movedim(1, -1), "raw": h.movedim(1, -1),
                                  "image": h.clamp(0, 1).movedim(1, -1)}, META)


def taesd():
    P, c = Params(8), 16

    def block(k):
        for i in (0, 2, 4):
            P.conv(f"{k}.conv.{i}", c, c, 3, 0.7)

    def run(N, k, x):
        h = F.relu(N.conv(k + ".conv.0", x))
        h = F.relu(N.conv(k + ".conv.2", h))
        return F.relu(N.conv(k + ".conv.4", h) + x)

    d = "taesd_decoder."
    P.conv(d + "1", c, 4, 3)
    n, plan = 3, [("relu",)]
    for _ in range(3):
        for _ in range(3):
            block(d + str(n))
            plan.append(("block", d + str(n)))
            n += 1
        plan.append(("up",))
        n += 1
        P.conv(d + str(n), c, c, 3, bias=False)
        plan.append(("conv", d + str(n)))
        n += 1
    block(d + str(n))
    plan.append(("block", d + str(n)))
    P.conv(d + str(n + 1), 3, c, 3, 0.3)
    plan.append(("conv", d + str(n + 1)))
    e, eplan = "taesd_encoder.", [("conv", "taesd_encoder.0"), ("block", "taesd_encoder.1")]
    P.conv(e + "0", c, 3, 3)
    block(e + "1")
    n = 2
    for _ in range(3):
        P.conv(e + str(n), c, c, 3, bias=False)
        eplan.append(("down", e + str(n)))
        n += 1
        for _ in range(3):
            block(e + str(n))
            eplan.append(("block", e + str(n)))
            n += 1
    P.conv(e + str(n), 4, c, 3)
    eplan.append(("conv", e + str(n)))
    file, N = P.stored(torch.float16)
    save("tiny_taesd", file, META)

    def go(plan, x):
        for step in plan:
            if step[0] == "relu":
                x = F.relu(x)
            elif step[0] == "up":
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            elif step[0] == "conv":
                x = N.conv(step[1], x)
            elif step[0] == "down":
                x = N.conv(step[1], x, 2, 1)
            else:
                x = run(N, step[1], x)
        return x

    z = fixed(51, 1, 4, 6, 5)  # in the VAE's terms
    image = go(plan, N.conv(d + "1", torch.tanh(z * 0.18215 / 3) * 3))
    pixels = torch.rand(1, 3, 48, 40, generator=torch.Generator().manual_seed(52))
    save("tiny_taesd_expected", {"z": z, "image": image.clamp(0, 1).movedim(1, -1), "pixels": pixels.movedim(1, -1),
                                 "latent": go(eplan, pixels) / 0.18215}, META)


def lora(base):
    """Every kind of change, each to another module of the SDXL UNet and its text encoders."""
    P, N, unet, cond, y, x, t = base
    p, T = "model.diffusion_model.", {}
    W = Numbers(N)
    strength = 0.7

    def small(key, *shape):
        return Params(9).rnd(key, *shape) * 0.3

    def put(**tensors):
        out = {k: v.half() for k, v in tensors.items()}
        return {k: v.float() for k, v in out.items()}, out

    def add(module, delta):
        W[p + module + ".weight"] = W[p + module + ".weight"] + strength * delta.reshape(W[p + module + ".weight"].shape)

    # kohya, with alpha, under Diffusers' underscored name
    v, f = put(up=small("a", 64, 4), down=small("b", 4, 64), alpha=torch.tensor(2.0))
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    T.update({name + ".lora_up.weight": f["up"], name + ".lora_down.weight": f["down"], name + ".alpha": f["alpha"]})
    add("input_blocks.3.1.transformer_blocks.0.attn1.to_q", v["up"] @ v["down"] * (2.0 / 4))
    # Diffusers' own form, no alpha
    v, f = put(up=small("c", 64, 4), down=small("d", 4, 128))
    name = "unet.mid_block.attentions.0.transformer_blocks.1.attn2.to_k"
    T.update({name + ".lora_B.weight": f["up"], name + ".lora_A.weight": f["down"]})
    add("middle_block.1.transformer_blocks.1.attn2.to_k", v["up"] @ v["down"])
    # LoCon: a convolution, and one with a Tucker core, under our own names
    v, f = put(up=small("e", 64, 4, 1, 1), down=small("f", 4, 64, 3, 3), alpha=torch.tensor(4.0))
    name = "lora_unet_middle_block_0_in_layers_2"
    T.update({name + ".lora_up.weight": f["up"], name + ".lora_down.weight": f["down"], name + ".alpha": f["alpha"]})
    add("middle_block.0.in_layers.2", v["up"].flatten(1) @ v["down"].flatten(1))
    v, f = put(up=small("g", 64, 4, 1, 1), down=small("h", 4, 64, 1, 1), mid=small("i", 4, 4, 3, 3))
    name = "lora_unet_middle_block_0_out_layers_3"
    T.update({name + ".lora_up.weight": f["up"], name + ".lora_down.weight": f["down"], name + ".lora_mid.weight": f["mid"]})
    add("middle_block.0.out_layers.3", torch.einsum("oa,abkl,bi->oikl", v["up"].flatten(1), v["mid"], v["down"].flatten(1)))
    # LoHa, plain and with Tucker cores
    v, f = put(w1a=small("j", 64, 4), w1b=small("k", 4, 64), w2a=small("l", 64, 4), w2b=small("m", 4, 64), alpha=torch.tensor(4.0))
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_v"
    T.update({f"{name}.hada_w{i}_{c}": f[f"w{i}{c}"] for i in "12" for c in "ab"})
    T[name + ".alpha"] = f["alpha"]
    add("middle_block.1.transformer_blocks.0.attn1.to_v", (v["w1a"] @ v["w1b"]) * (v["w2a"] @ v["w2b"]))
    v, f = put(w1a=small("n", 4, 64), w1b=small("o", 4, 64), t1=small("p", 4, 4, 3, 3),
               w2a=small("q", 4, 64), w2b=small("r", 4, 64), t2=small("s", 4, 4, 3, 3))
    name = "lora_unet_mid_block_resnets_1_conv1"
    T.update({f"{name}.hada_w{i}_{c}": f[f"w{i}{c}"] for i in "12" for c in "ab"})
    T.update({name + ".hada_t1": f["t1"], name + ".hada_t2": f["t2"]})

    def tucker(core, b, a):
        return torch.einsum("ijkl,jr,ip->prkl", core, b, a)

    add("middle_block.2.in_layers.2", tucker(v["t1"], v["w1b"], v["w1a"]) * tucker(v["t2"], v["w2b"], v["w2a"]))
    # LoKr: a full and a factorised matrix, and a convolution
    v, f = put(w1=small("t", 8, 8), w2a=small("u", 8, 2), w2b=small("v", 2, 8), alpha=torch.tensor(1.0))
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_k"
    T.update({name + ".lokr_w1": f["w1"], name + ".lokr_w2_a": f["w2a"], name + ".lokr_w2_b": f["w2b"], name + ".alpha": f["alpha"]})
    add("middle_block.1.transformer_blocks.0.attn1.to_k", torch.kron(v["w1"], v["w2a"] @ v["w2b"]) * (1.0 / 2))
    v, f = put(w1=small("w", 8, 8), w2=small("x", 8, 8, 3, 3))
    name = "lora_unet_mid_block_resnets_1_conv2"
    T.update({name + ".lokr_w1": f["w1"], name + ".lokr_w2": f["w2"]})
    add("middle_block.2.out_layers.3", torch.kron(v["w1"][:, :, None, None], v["w2"]))
    # DoRA, lengths per row and per column
    eps = torch.finfo(torch.float32).eps
    for name, module, rows in (
            ("lora_unet_mid_block_attentions_0_transformer_blocks_1_attn1_to_q", "middle_block.1.transformer_blocks.1.attn1.to_q", True),
            ("lora_unet_mid_block_attentions_0_transformer_blocks_1_ff_net_2", "middle_block.1.transformer_blocks.1.ff.net.2", False)):
        w = W[p + module + ".weight"]
        o, i = w.shape
        scale = (1 + small("y" + name, o, 1).abs()) if rows else (1 + small("y" + name, 1, i).abs())
        v, f = put(up=small("z" + name, o, 4), down=small("1" + name, 4, i), scale=scale)
        T.update({name + ".lora_up.weight": f["up"], name + ".lora_down.weight": f["down"], name + ".dora_scale": f["scale"]})
        moved = w + v["up"] @ v["down"]
        norm = w.norm(dim=1, keepdim=True) if rows else moved.norm(dim=0, keepdim=True)
        W[p + module + ".weight"] = w + strength * (moved * (v["scale"] / (norm + eps)) - w)
    # a plain difference of a bias
    v, f = put(b=small("2", 64))
    T["lora_unet_mid_block_resnets_0_conv1.diff_b"] = f["b"]
    W[p + "middle_block.0.in_layers.2.bias"] = W[p + "middle_block.0.in_layers.2.bias"] + strength * v["b"]
    # text encoders: CLIP-L, and the queries of OpenCLIP's packed matrix
    v, f = put(up=small("3", 128, 4), down=small("4", 4, 64))
    T.update({"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": f["up"],
              "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": f["down"]})
    k = "conditioner.embedders.0.transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    W[k] = W[k] + strength * v["up"] @ v["down"]
    v, f = put(up=small("5", 64, 4), down=small("6", 4, 64))
    T.update({"lora_te2_text_model_encoder_layers_1_self_attn_k_proj.lora_up.weight": f["up"],
              "lora_te2_text_model_encoder_layers_1_self_attn_k_proj.lora_down.weight": f["down"]})
    k = "conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_weight"
    W[k] = torch.cat([W[k][:64], W[k][64:128] + strength * v["up"] @ v["down"], W[k][128:]])
    save("tiny_lora", T, META)
    L = Clip("conditioner.embedders.0.transformer.text_model.", 64, 2, 128, True, False, None)
    G = Clip("conditioner.embedders.1.model.", 64, 3, 128, False, True, 0)
    hl, _, _ = L(W, WORDS)
    hg, _, pooled = G(W, WORDS)
    changed = [k for k in W if not torch.equal(W[k], N[k])]
    E = {"clip.positive": torch.cat([hl[-2], hg[-2]], -1), "clip.pooled": pooled, "unet.eps": unet(W, x, t, cond, y)}
    E.update({"weight." + k: W[k] for k in changed if "mid" not in k or "attn1" in k})
    save("tiny_lora_expected", E, META)


if __name__ == "__main__":
    base = sdxl()
    refiner()
    sd2()
    inpaint()
    controlnet(base)
    adapter("tiny_t2i", 6, 31, [32, 32, 32, 64], 8, (1, 2, 3))
    adapter("tiny_t2i_xl", 8, 32, [32, 32, 64, 64], 16, (2,))
    esrgan()
    taesd()
    lora(base)
    for name in sorted(os.listdir(OUT)):
        if name.startswith("tiny_") and name.endswith(".safetensors"):
            print(name, os.path.getsize(os.path.join(OUT, name)))
