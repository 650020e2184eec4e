# SPDX-License-Identifier: Apache-2.0
"""Makes pictures from the exported checkpoint: Euler, `normal` scheduler, float32, PyTorch's CPU noise.

python3 sample.py --checkpoint models/checkpoints/quartet-demo.safetensors --merges bpe_simple_vocab_16e6.txt \\
    --positive "beautiful landscape, high quality" --negative "bad quality, blurry" --seed 123456 --out picture.png
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import checkpoint
from model import LATENT_SCALE, PREFIXES, ClipText, UNet, Vae
from sampler import euler
from tokenizer import Tokenizer


def load(path: Path, device: str = "cpu") -> tuple[ClipText, UNet, Vae]:
    tensors, metadata = checkpoint.read(path)
    cfg = json.loads(metadata["config"])
    parts: list[nn.Module] = []
    for name, kind in (("clip", ClipText), ("unet", UNet), ("vae", Vae)):
        module = kind(cfg)
        module.load_state_dict(checkpoint.part(tensors, PREFIXES[name]))
        parts.append(module.eval().requires_grad_(False).to(device))
    return parts[0], parts[1], parts[2]


def to_bytes(pixels: Tensor) -> np.ndarray:
    """[3,H,W] about -1..1 -> bytes [H,W,3], truncated as the engine does."""
    return (((pixels + 1) / 2).clamp(0, 1) * 255).permute(1, 2, 0).cpu().numpy().astype(np.uint8)


def largest_activation(modules: tuple[nn.Module, ...]) -> dict[str, float]:
    """Watches every layer's output; the dictionary fills while the modules run."""
    seen = {"max": 0.0}

    def hook(_: nn.Module, __: tuple, out: Tensor) -> None:
        if isinstance(out, Tensor):
            seen["max"] = max(seen["max"], out.abs().max().item())

    for module in modules:
        for m in module.modules():
            m.register_forward_hook(hook)
    return seen


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--merges", required=True)
    p.add_argument("--positive", default="beautiful landscape, high quality")
    p.add_argument("--negative", default="bad quality, blurry")
    p.add_argument("--seed", type=int, default=123456)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--cfg", type=float, default=8.0)
    p.add_argument("--width", type=int, default=512, help="a multiple of 64")
    p.add_argument("--height", type=int, default=512, help="a multiple of 64")
    p.add_argument("--device", default="cpu")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--latent", type=Path, help="also writes the final latent (divided by the scale) as safetensors")
    p.add_argument("--measure", action="store_true", help="prints the largest activation")
    a = p.parse_args()
    clip, unet, vae = load(a.checkpoint, a.device)
    seen = largest_activation((clip, unet, vae)) if a.measure else None
    tok = Tokenizer(a.merges)
    with torch.no_grad():
        positive, negative = (clip(torch.tensor([tok.encode(t)], device=a.device)) for t in (a.positive, a.negative))
        noise = torch.randn(1, 4, a.height // 8, a.width // 8, generator=torch.manual_seed(a.seed)).to(a.device)
        latent = euler(unet, noise, positive, negative, a.steps, a.cfg) / LATENT_SCALE
        pixels = vae.decode(latent)[0]
    Image.fromarray(to_bytes(pixels)).save(a.out, optimize=True)
    if a.latent:
        checkpoint.write(a.latent, {"latent": latent.float()}, {"note": "float32, CPU, divided by 0.18215"})
    print(f"{a.out}: latent std {(latent * LATENT_SCALE).std():.3f}"
          + (f", largest activation {seen['max']:.0f}" if seen else ""))


if __name__ == "__main__":
    main()
