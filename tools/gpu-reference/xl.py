# SPDX-License-Identifier: Apache-2.0
"""SDXL base's UNet and its second text encoder, at full size, under the keys of a published checkpoint.

What differs from SD1.5 (Podell et al. 2023, arXiv 2307.01952, table 1 and §2.2): transformers of several blocks
between linear projections, heads of 64 numbers, two text encoders side by side, and the picture's sizes and the
text's summary in the time embedding.

Shape letters: B batch, C channels, H W height and width, T tokens, D width.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import model

HEAD = 64
SIZES = 6
WAVES = 256
SDXL = dict(model_channels=320, channel_mult=[1, 2, 4], num_res_blocks=2, depths=[0, 2, 10], context_dim=2048,
            label_dim=1280 + SIZES * WAVES, in_channels=4, out_channels=4)
OPEN_CLIP = dict(width=1280, layers=32, heads=20, ff=5120, vocab=49408, positions=77)


class Transformer(nn.Module):
    """Blocks over the H*W positions, between two linear layers."""

    def __init__(self, dim: int, context: int, depth: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, dim, eps=1e-6)
        self.proj_in = nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList(
            model.TransformerBlock(dim, context, dim // HEAD) for _ in range(depth))
        self.proj_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(b, h * w, c))
        for block in self.transformer_blocks:
            y = block(y, context)
        return x + self.proj_out(y).reshape(b, h, w, c).permute(0, 3, 1, 2)


class UNet(nn.Module):
    def __init__(self, cfg: dict):
        super().__init__()
        mc, mult, depths, context = cfg["model_channels"], cfg["channel_mult"], cfg["depths"], cfg["context_dim"]
        wide = 4 * mc
        self.model_channels = mc
        self.time_embed = nn.Sequential(nn.Linear(mc, wide), nn.SiLU(), nn.Linear(wide, wide))
        self.label_emb = nn.Sequential(
            nn.Sequential(nn.Linear(cfg["label_dim"], wide), nn.SiLU(), nn.Linear(wide, wide)))

        def block(cin: int, cout: int, depth: int) -> list[nn.Module]:
            return [model.ResBlock(cin, cout, wide)] + ([Transformer(cout, context, depth)] if depth else [])

        inputs, skips, ch = [nn.ModuleList([nn.Conv2d(cfg["in_channels"], mc, 3, padding=1)])], [mc], mc
        for level, m in enumerate(mult):
            for _ in range(cfg["num_res_blocks"]):
                inputs.append(nn.ModuleList(block(ch, m * mc, depths[level])))
                ch = m * mc
                skips.append(ch)
            if level != len(mult) - 1:
                inputs.append(nn.ModuleList([model.Downsample(ch)]))
                skips.append(ch)
        self.input_blocks = nn.ModuleList(inputs)
        self.middle_block = nn.ModuleList(
            [model.ResBlock(ch, ch, wide), Transformer(ch, context, depths[-1]), model.ResBlock(ch, ch, wide)])
        outputs = []
        for level, m in reversed(list(enumerate(mult))):
            for i in range(cfg["num_res_blocks"] + 1):
                modules = block(ch + skips.pop(), m * mc, depths[level])
                ch = m * mc
                if level and i == cfg["num_res_blocks"]:
                    modules.append(model.Upsample(ch))
                outputs.append(nn.ModuleList(modules))
        self.output_blocks = nn.ModuleList(outputs)
        self.out = nn.Sequential(nn.GroupNorm(32, ch), nn.SiLU(), nn.Conv2d(ch, cfg["out_channels"], 3, padding=1))

    @staticmethod
    def _run(modules: nn.ModuleList, h: Tensor, emb: Tensor, context: Tensor) -> Tensor:
        for m in modules:
            if isinstance(m, model.ResBlock):
                h = m(h, emb)
            elif isinstance(m, Transformer):
                h = m(h, context)
            else:
                h = m(h)
        return h

    def forward(self, x: Tensor, t: Tensor, context: Tensor, label: Tensor) -> Tensor:
        """x [B,4,H,W] (already scaled by c_in), t [B], context [B,77,2048], label [B,2816] -> eps [B,4,H,W]."""
        emb = self.time_embed(model.timestep_embedding(t, self.model_channels).to(x.dtype)) + self.label_emb(label)
        h, skips = x, []
        for modules in self.input_blocks:
            h = self._run(modules, h, emb, context)
            skips.append(h)
        h = self._run(self.middle_block, h, emb, context)
        for modules in self.output_blocks:
            h = self._run(modules, torch.cat([h, skips.pop()], 1), emb, context)
        return self.out(h)


class OpenClipAttention(nn.Module):
    def __init__(self, d: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d, d))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * d))
        self.out_proj = nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        return self.out_proj(model.attention(q, k, v, self.heads, causal=True))


class OpenClipLayer(nn.Module):
    def __init__(self, d: int, heads: int, ff: int):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = OpenClipAttention(d, heads)
        self.mlp = nn.Module()
        self.mlp.c_fc, self.mlp.c_proj = nn.Linear(d, ff), nn.Linear(ff, d)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x))))


class OpenClipText(nn.Module):
    """OpenCLIP's text transformer; end token 49407, padding 0."""

    END = 49407

    def __init__(self, cfg: dict):
        super().__init__()
        d = cfg["width"]
        self.token_embedding = nn.Embedding(cfg["vocab"], d)
        self.positional_embedding = nn.Parameter(torch.empty(cfg["positions"], d))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(
            OpenClipLayer(d, cfg["heads"], cfg["ff"]) for _ in range(cfg["layers"]))
        self.ln_final = nn.LayerNorm(d)
        self.text_projection = nn.Parameter(torch.empty(d, d))

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """ids [1,77] as CLIP-L pads them -> the last hidden state but one [1,77,D] and the summary [1,D]."""
        end = int((ids[0] == self.END).int().argmax())
        ids = ids.clone()
        ids[0, end + 1:] = 0
        x = self.token_embedding(ids) + self.positional_embedding
        hidden = x
        for layer in self.transformer.resblocks:
            hidden, x = x, layer(x)
        return hidden, self.ln_final(x)[:, end] @ self.text_projection


class ClipText(model.ClipText):
    """CLIP-L as SDXL reads it: the last hidden state but one, without the final norm."""

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embeddings(ids)
        for layer in self.encoder.layers[:-1]:
            x = layer(x)
        return x


def label(summary: Tensor, height: int, width: int) -> Tensor:
    """summary [1,1280], the picture's sizes in pixels, uncropped -> [1,2816]."""
    sizes = torch.tensor([height, width, 0, 0, height, width], device=summary.device)
    return torch.cat([summary, model.timestep_embedding(sizes, WAVES).reshape(1, -1).to(summary.dtype)], 1)
