# SPDX-License-Identifier: Apache-2.0
"""The three networks of an SD1.5-style checkpoint, at any (small) size.

Module names are chosen so that ``state_dict()`` keys are exactly the keys of an SD1.5 checkpoint
below its prefixes (``model.diffusion_model.``, ``first_stage_model.``,
``cond_stage_model.transformer.text_model.``).

Shape letters: B batch, C channels, H W height and width, T tokens, D width, N heads, S head size.
"""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENT_SCALE = 0.18215
PREFIXES = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "clip": "cond_stage_model.transformer.text_model.",
}

CONFIG: dict = dict(
    model_channels=64, channel_mult=[1, 1, 2, 2], num_res_blocks=1, attn_levels=[1, 2], num_heads=8,
    context_dim=64, in_channels=4, out_channels=4,
    clip_layers=4, clip_heads=4, clip_ff=256, vocab=49408, positions=77, bos=49406, eos=49407,
    vae_ch=32, vae_mult=[1, 1, 2, 2], vae_res=2, z=4,
)


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int, causal: bool = False) -> Tensor:
    """Scaled dot-product attention; q [B,T,D], k and v [B,T',D] -> [B,T,D]."""
    b, t, d = q.shape
    q, k, v = (x.reshape(b, -1, heads, d // heads).transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(b, t, d)


# ------------------------------------------------------------------------------------------ UNet


class ResBlock(nn.Module):
    """GroupNorm-SiLU-conv twice, with the time embedding added between the convolutions."""

    def __init__(self, cin: int, cout: int, temb: int):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(32, cin), nn.SiLU(), nn.Conv2d(cin, cout, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(temb, cout))
        self.out_layers = nn.Sequential(nn.GroupNorm(32, cout), nn.SiLU(), nn.Identity(),
                                        nn.Conv2d(cout, cout, 3, padding=1))
        self.skip_connection = nn.Conv2d(cin, cout, 1) if cin != cout else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """x [B,Cin,H,W], emb [B,4*model_channels] -> [B,Cout,H,W]."""
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class CrossAttention(nn.Module):
    def __init__(self, dim: int, context: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context, dim, bias=False)
        self.to_v = nn.Linear(context, dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(dim, dim))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        return self.to_out(attention(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class GEGLU(nn.Module):
    def __init__(self, dim: int, inner: int):
        super().__init__()
        self.proj = nn.Linear(dim, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.net = nn.Sequential(GEGLU(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, dim: int, context: int, heads: int):
        super().__init__()
        self.attn1 = CrossAttention(dim, dim, heads)
        self.attn2 = CrossAttention(dim, context, heads)
        self.ff = FeedForward(dim)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """One transformer block over the H*W positions, between two 1x1 convolutions."""

    def __init__(self, dim: int, context: int, heads: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, dim, eps=1e-6)
        self.proj_in = nn.Conv2d(dim, dim, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(dim, context, heads)])
        self.proj_out = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(b, h * w, c)
        for block in self.transformer_blocks:
            y = block(y, context)
        return x + self.proj_out(y.reshape(b, h, w, c).permute(0, 3, 1, 2))


class Downsample(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.op = nn.Conv2d(c, c, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def timestep_embedding(t: Tensor, dim: int) -> Tensor:
    """t [B] -> [B,dim], the cosine half first."""
    half = dim // 2
    freqs = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=t.device) / half)
    angle = t.float()[:, None] * freqs[None]
    return torch.cat([angle.cos(), angle.sin()], -1)


class UNet(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        mc, mult, res = cfg["model_channels"], cfg["channel_mult"], cfg["num_res_blocks"]
        ctx, heads, levels = cfg["context_dim"], cfg["num_heads"], cfg["attn_levels"]
        temb = 4 * mc
        self.model_channels = mc
        self.time_embed = nn.Sequential(nn.Linear(mc, temb), nn.SiLU(), nn.Linear(temb, temb))

        def block(cin: int, cout: int, level: int) -> list[nn.Module]:
            mods: list[nn.Module] = [ResBlock(cin, cout, temb)]
            if level in levels:
                mods.append(SpatialTransformer(cout, ctx, heads))
            return mods

        blocks = [nn.ModuleList([nn.Conv2d(cfg["in_channels"], mc, 3, padding=1)])]
        skips, ch = [mc], mc
        for level, m in enumerate(mult):
            for _ in range(res):
                blocks.append(nn.ModuleList(block(ch, m * mc, level)))
                ch = m * mc
                skips.append(ch)
            if level != len(mult) - 1:
                blocks.append(nn.ModuleList([Downsample(ch)]))
                skips.append(ch)
        self.input_blocks = nn.ModuleList(blocks)
        self.middle_block = nn.ModuleList(
            [ResBlock(ch, ch, temb), SpatialTransformer(ch, ctx, heads), ResBlock(ch, ch, temb)])
        blocks = []
        for level, m in reversed(list(enumerate(mult))):
            for i in range(res + 1):
                mods = block(ch + skips.pop(), m * mc, level)
                ch = m * mc
                if level and i == res:
                    mods.append(Upsample(ch))
                blocks.append(nn.ModuleList(mods))
        self.output_blocks = nn.ModuleList(blocks)
        self.out = nn.Sequential(nn.GroupNorm(32, ch), nn.SiLU(), nn.Conv2d(ch, cfg["out_channels"], 3, padding=1))

    @staticmethod
    def _run(mods: nn.ModuleList, h: Tensor, emb: Tensor, context: Tensor) -> Tensor:
        for m in mods:
            if isinstance(m, ResBlock):
                h = m(h, emb)
            elif isinstance(m, SpatialTransformer):
                h = m(h, context)
            else:
                h = m(h)
        return h

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """x [B,4,H,W] (already scaled by c_in), t [B] integer steps, context [B,T,D] -> eps [B,4,H,W]."""
        emb = self.time_embed(timestep_embedding(t, self.model_channels).to(x.dtype))
        h, skips = x, []
        for mods in self.input_blocks:
            h = self._run(mods, h, emb, context)
            skips.append(h)
        h = self._run(self.middle_block, h, emb, context)
        for mods in self.output_blocks:
            h = self._run(mods, torch.cat([h, skips.pop()], 1), emb, context)
        return self.out(h)


# ------------------------------------------------------------------------------------------- VAE


class VaeResBlock(nn.Module):
    def __init__(self, cin: int, cout: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(32, cin, eps=1e-6)
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, cout, eps=1e-6)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1)
        if cin != cout:
            self.nin_shortcut = nn.Conv2d(cin, cout, 1)
        self.same = cin == cout

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (x if self.same else self.nin_shortcut(x)) + h


class VaeAttention(nn.Module):
    """Self-attention with one head over all H*W positions."""

    def __init__(self, c: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, c, eps=1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(c, c, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = self.norm(x)
        q, k, v = (m(y).reshape(b, c, h * w).transpose(1, 2) for m in (self.q, self.k, self.v))
        return x + self.proj_out(attention(q, k, v, 1).transpose(1, 2).reshape(b, c, h, w))


class VaeMid(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = VaeResBlock(c, c), VaeAttention(c), VaeResBlock(c, c)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class VaeDownsample(nn.Module):
    def __init__(self, c: int):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class VaeLevel(nn.Module):
    """Residual blocks of one resolution, then (or not) a change of resolution."""

    def __init__(self, cin: int, cout: int, blocks: int, change: str | None):
        super().__init__()
        self.block = nn.ModuleList(VaeResBlock(cin if i == 0 else cout, cout) for i in range(blocks))
        if change == "down":
            self.downsample = VaeDownsample(cout)
        elif change == "up":
            self.upsample = Upsample(cout)
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        for b in self.block:
            x = b(x)
        if self.change == "down":
            x = self.downsample(x)
        elif self.change == "up":
            x = self.upsample(x)
        return x


class Encoder(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        ch, mult, res = cfg["vae_ch"], cfg["vae_mult"], cfg["vae_res"]
        self.conv_in = nn.Conv2d(3, ch, 3, padding=1)
        levels, c = [], ch
        for i, m in enumerate(mult):
            levels.append(VaeLevel(c, ch * m, res, "down" if i != len(mult) - 1 else None))
            c = ch * m
        self.down = nn.ModuleList(levels)
        self.mid = VaeMid(c)
        self.norm_out = nn.GroupNorm(32, c, eps=1e-6)
        self.conv_out = nn.Conv2d(c, 2 * cfg["z"], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        ch, mult, res = cfg["vae_ch"], cfg["vae_mult"], cfg["vae_res"]
        c = ch * mult[-1]
        self.conv_in = nn.Conv2d(cfg["z"], c, 3, padding=1)
        self.mid = VaeMid(c)
        levels: list[nn.Module] = [nn.Identity()] * len(mult)
        for i, m in reversed(list(enumerate(mult))):
            levels[i] = VaeLevel(c, ch * m, res + 1, "up" if i else None)
            c = ch * m
        self.up = nn.ModuleList(levels)
        self.norm_out = nn.GroupNorm(32, c, eps=1e-6)
        self.conv_out = nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Vae(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        self.encoder, self.decoder = Encoder(cfg), Decoder(cfg)
        self.quant_conv = nn.Conv2d(2 * cfg["z"], 2 * cfg["z"], 1)
        self.post_quant_conv = nn.Conv2d(cfg["z"], cfg["z"], 1)

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """pixels [B,3,H,W] in -1..1 -> (mean, logvar), each [B,4,H/8,W/8], not yet times LATENT_SCALE."""
        return self.quant_conv(self.encoder(pixels)).chunk(2, 1)

    def decode(self, z: Tensor) -> Tensor:
        """z [B,4,h,w] (model latent divided by LATENT_SCALE) -> pixels [B,3,8h,8w], about -1..1."""
        return self.decoder(self.post_quant_conv(z))

    def forward(self, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logvar = self.encode(pixels)
        logvar = logvar.clamp(-30, 20)
        return self.decode(mean + (0.5 * logvar).exp() * noise), mean, logvar


# ------------------------------------------------------------------------------------------ CLIP


class ClipAttention(nn.Module):
    def __init__(self, d: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.out_proj(attention(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, causal=True))


class ClipMlp(nn.Module):
    def __init__(self, d: int, ff: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, ff), nn.Linear(ff, d)

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x)
        return self.fc2(h * torch.sigmoid(1.702 * h))


class ClipLayer(nn.Module):
    def __init__(self, d: int, heads: int, ff: int):
        super().__init__()
        self.self_attn, self.mlp = ClipAttention(d, heads), ClipMlp(d, ff)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class ClipEmbeddings(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        self.token_embedding = nn.Embedding(cfg["vocab"], cfg["context_dim"])
        self.position_embedding = nn.Embedding(cfg["positions"], cfg["context_dim"])

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight


class ClipText(nn.Module):
    """CLIP's text transformer: pre-LN, causal, quick GELU; output of the last layer after the final LN."""

    def __init__(self, cfg: dict):
        super().__init__()
        d = cfg["context_dim"]
        self.embeddings = ClipEmbeddings(cfg)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(
            ClipLayer(d, cfg["clip_heads"], cfg["clip_ff"]) for _ in range(cfg["clip_layers"]))
        self.final_layer_norm = nn.LayerNorm(d)

    def forward(self, ids: Tensor) -> Tensor:
        """ids [B,77] -> hidden states [B,77,D]."""
        x = self.embeddings(ids)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)


# --------------------------------------------------------------------------------------- counting


def count_macs(module: nn.Module, *args: Tensor) -> int:
    """Multiply-accumulates of one call: convolutions, linear layers and attention products."""
    total = 0
    hooks = []

    def conv(m: nn.Conv2d, _: tuple, out: Tensor) -> None:
        nonlocal total
        total += out.numel() * m.in_channels * m.kernel_size[0] * m.kernel_size[1]

    def linear(m: nn.Linear, _: tuple, out: Tensor) -> None:
        nonlocal total
        total += out.numel() * m.in_features

    def attn(m: nn.Module, inp: tuple, _: Tensor) -> None:
        nonlocal total
        x = inp[0]
        if x.dim() == 4:
            total += 2 * x.shape[0] * x.shape[1] * (x.shape[2] * x.shape[3]) ** 2
        else:
            total += 2 * x.numel() * inp[-1].shape[1]

    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            hooks.append(m.register_forward_hook(conv))
        elif isinstance(m, nn.Linear):
            hooks.append(m.register_forward_hook(linear))
        elif isinstance(m, (CrossAttention, VaeAttention, ClipAttention)):
            hooks.append(m.register_forward_hook(attn))
    with torch.no_grad():
        module(*args)
    for h in hooks:
        h.remove()
    return total
