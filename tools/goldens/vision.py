#!/usr/bin/env python3
"""Tiny CLIP vision towers, a style adapter and an unCLIP model, and what plain PyTorch makes of them.

Written from the papers and the published key layouts; no diffusion library is used.
Run: python3 vision.py OUTDIR
"""
import math

import torch
import torch.nn.functional as F

from families import META, Params, UNet, attention, calm, config, fixed, normal_sigmas, save, timestep, waves

PATCH, GRID, WIDTH, HEADS, LAYERS, FF, OUT = 14, 3, 64, 4, 3, 128, 32
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).reshape(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).reshape(1, 3, 1, 1)


def preprocess(images, crop=True):
    """[B, H, W, 3] in 0..1 to what the tower was trained on."""
    size, x = PATCH * GRID, images.movedim(-1, 1)
    height, width = x.shape[2:]
    scale = size / min(height, width)
    to = (round(scale * height), round(scale * width)) if crop else (size, size)
    x = F.interpolate(x, size=to, mode="bicubic", antialias=True)
    top, left = (to[0] - size) // 2, (to[1] - size) // 2
    x = (x[:, :, top:top + size, left:left + size] * 255).clamp(0, 255).round() / 255
    return (x - MEAN) / STD


class Block:
    """A transformer block under OpenCLIP's names, or under transformers' if they are not open."""

    def __init__(self, key, width, ff, heads, quick, is_open):
        self.k, self.d, self.ff, self.heads, self.quick, self.open = key, width, ff, heads, quick, is_open
        self.n1, self.n2 = ("ln_1", "ln_2") if is_open else ("layer_norm1", "layer_norm2")
        self.m1, self.m2 = ("mlp.c_fc", "mlp.c_proj") if is_open else ("mlp.fc1", "mlp.fc2")

    def make(self, P):
        k, d = self.k, self.d
        P.norm(k + self.n1, d)
        P.norm(k + self.n2, d)
        if self.open:
            P[k + "attn.in_proj_weight"] = P.rnd(k + "in", 3 * d, d) / math.sqrt(d)
            P[k + "attn.in_proj_bias"] = P.rnd(k + "inb", 3 * d) * 0.05
            P.lin(k + "attn.out_proj", d, d)
        else:
            for x in ("q_proj", "k_proj", "v_proj", "out_proj"):
                P.lin(k + "self_attn." + x, d, d)
        P.lin(k + self.m1, self.ff, d)
        P.lin(k + self.m2, d, self.ff)

    def __call__(self, N, x):
        k, h = self.k, N.ln(self.k + self.n1, x)
        if self.open:
            q, key, v = F.linear(h, N[k + "attn.in_proj_weight"], N[k + "attn.in_proj_bias"]).chunk(3, -1)
            out = "attn.out_proj"
        else:
            q, key, v = [N.lin(f"{k}self_attn.{s}_proj", h) for s in "qkv"]
            out = "self_attn.out_proj"
        x = x + N.lin(k + out, attention(q, key, v, self.heads))
        h = N.lin(k + self.m1, N.ln(k + self.n2, x))
        h = h * torch.sigmoid(1.702 * h) if self.quick else F.gelu(h)
        return x + N.lin(k + self.m2, h)


class Tower:
    def __init__(self, prefix, quick, is_open):
        self.p, self.open = prefix, is_open
        if is_open:
            self.names = [prefix + n for n in ("class_embedding", "conv1.weight", "positional_embedding", "ln_pre",
                                               "ln_post", "proj")]
            place = prefix + "transformer.resblocks."
        else:
            v = prefix + "vision_model."
            self.names = [v + "embeddings.class_embedding", v + "embeddings.patch_embedding.weight",
                          v + "embeddings.position_embedding.weight", v + "pre_layrnorm", v + "post_layernorm",
                          prefix + "visual_projection.weight"]
            place = v + "encoder.layers."
        self.blocks = [Block(f"{place}{n}.", WIDTH, FF, HEADS, quick, is_open) for n in range(LAYERS)]

    def make(self, P):
        first, patch, positions, pre, post, projection = self.names
        P[first] = P.rnd(first, WIDTH) * 0.3
        P[patch] = P.rnd(patch, WIDTH, 3, PATCH, PATCH) / math.sqrt(3 * PATCH * PATCH)
        P[positions] = P.rnd(positions, GRID * GRID + 1, WIDTH) * 0.3
        P.norm(pre, WIDTH)
        P.norm(post, WIDTH)
        P[projection] = P.rnd(projection, *((WIDTH, OUT) if self.open else (OUT, WIDTH))) / math.sqrt(WIDTH)
        for block in self.blocks:
            block.make(P)

    def __call__(self, N, pixels):
        """The last layer's state of all tokens, and the picture's summary."""
        first, patch, positions, pre, post, projection = self.names
        x = F.conv2d(pixels, N[patch], stride=PATCH).flatten(2).transpose(1, 2)
        x = torch.cat([N[first].expand(x.shape[0], 1, -1), x], 1) + N[positions]
        x = N.ln(pre, x)
        for block in self.blocks:
            x = block(N, x)
        matrix = N[projection].T if self.open else N[projection]
        return x, F.linear(N.ln(post, x[:, 0]), matrix)


def pictures():
    generator = torch.Generator().manual_seed(61)
    return torch.rand(2, 50, 66, 3, generator=generator), torch.rand(2, 20, 24, 3, generator=generator)


def tower():
    P = Params(20)
    vision = Tower("", True, False)
    vision.make(P)
    file, N = P.stored(torch.float16)
    save("tiny_vision", file, config(encoder="l", vision_heads=HEADS))
    large, small = pictures()
    E = {"large": large, "small": small}
    for name, images, crop in (("large", large, True), ("small", small, True), ("large_whole", large, False)):
        pixels = preprocess(images, crop)
        E[name + ".pixels"] = pixels
        E[name + ".hidden"], E[name + ".embeds"] = vision(N, pixels)
    save("tiny_vision_expected", E, META)
    return E["large.hidden"]


def style(hidden):
    """T2I-Adapter's style adapter: learnt tokens look at a picture's."""
    P, tokens, context = Params(21), 4, 64
    P["style_embedding"] = P.rnd("style", 1, tokens, WIDTH)
    P["proj"] = P.rnd("proj", WIDTH, context) / math.sqrt(WIDTH)
    P.norm("ln_pre", WIDTH)
    P.norm("ln_post", WIDTH)
    blocks = [Block(f"transformer_layes.{n}.", WIDTH, 4 * WIDTH, 8, True, True) for n in range(2)]
    for block in blocks:
        block.make(P)
    file, N = P.stored(torch.float16)
    save("tiny_style", file, META)
    x = torch.cat([hidden, N["style_embedding"].expand(hidden.shape[0], -1, -1)], 1)
    x = N.ln("ln_pre", x)
    for block in blocks:
        x = block(N, x)
    x = N.ln("ln_post", x[:, -tokens:]) @ N["proj"]
    save("tiny_style_expected", {"tokens": x}, META)


def augmented(embed, level, generator):
    """An embedding as after that many steps of noise, and the level as waves."""
    def share(t):
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = torch.tensor([min(1 - share((i + 1) / 1000) / share(i / 1000), 0.999) for i in range(1000)],
                         dtype=torch.float64)
    kept = torch.cumprod(1 - betas, 0)
    noise = torch.randn(embed.shape, generator=generator)
    z = kept.sqrt().float()[level] * embed + (1 - kept).sqrt().float()[level] * noise
    return z, waves(torch.tensor([level]), OUT)


def seen(uses, seed):
    """What the network is told of pictures: (embedding [1, OUT], strength, noise) each."""
    labels = []
    for embed, strength, noise in uses:
        generator = torch.Generator().manual_seed(seed - 10)
        labels.append(torch.cat(augmented(embed, round(999 * noise), generator), -1) * strength)
    if len(labels) == 1:
        return labels[0]
    return torch.cat(augmented(sum(labels)[:, :OUT], round(999 * 0.05), generator), -1)


def unclip():
    P = Params(22)
    unet = UNet("model.diffusion_model.", 32, [1, 2], [1, 0], 64, adm=2 * OUT, head_dim=16)
    unet.make(P)
    calm(P, unet)
    vision = Tower("embedder.model.visual.", False, True)
    vision.make(P)
    file, N = P.stored(torch.float16, torch.float8_e4m3fn)
    save("tiny_unclip", file, config(encoder="h", vision_heads=HEADS, num_head_channels=16, unclip=1))
    large, _ = pictures()
    hidden, embeds = vision(N, preprocess(large))
    texts = fixed(71, 1, 77, 64), fixed(72, 1, 77, 64)
    one = [(embeds[:1], 0.8, 0.3)]
    two = one + [(embeds[1:], 1.0, 0.0)]
    E = {"negative": texts[0], "positive": texts[1], "images": large, "hidden": hidden, "embeds": embeds,
         "label.one": seen(one, 42), "label.two": seen(two, 42)}
    for name in ("one", "two"):
        sigmas, shape = normal_sigmas(3), (1, 4, 16, 12)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(42)) * torch.sqrt(1 + sigmas[0] ** 2)
        for i in range(3):
            s = sigmas[i]
            means = []
            for text, label in ((texts[0], torch.zeros(1, 2 * OUT)), (texts[1], E["label." + name])):
                out = unet(N, x / (s ** 2 + 1) ** 0.5, timestep(s).reshape(1), text, label)
                means.append(x / (s ** 2 + 1) - out * s / (s ** 2 + 1) ** 0.5)
            d = means[0] + (means[1] - means[0]) * 5.0
            x = x + (x - d) / s * (sigmas[i + 1] - s)
        E["run." + name] = x / 0.18215
    save("tiny_unclip_expected", E, META)


if __name__ == "__main__":
    style(tower())
    unclip()
