# SPDX-License-Identifier: Apache-2.0
"""A full-size SD1.5 checkpoint with seeded random weights, PyTorch's pictures of it, and PyTorch's speed.

  reference.py make FILE            write the checkpoint (2.1 GB, float16)
  reference.py pictures FILE DIR    float32 latents and pixels for the prompts of GpuBench (modules/bench), euler, dpmpp_2m, dpmpp_2m_sde
  reference.py compare DIR OTHER    PSNR of OTHER's raw pixels against DIR's
  reference.py speed FILE           UNet (float16, NHWC) eagerly and as a CUDA graph, VAE decode

The networks are tools/demo-model/model.py at full size. Random weights would let a sampler run away, so the
last convolution is fitted by ridge regression to give back the input's noise, as a trained network does.
"""
from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/demo-model"))
sys.path.insert(0, str(ROOT / "modules/testkit/src/main/resources/quartet/goldens"))
import checkpoint  # noqa: E402
import model  # noqa: E402
import sampler  # noqa: E402
from brownian_ref import BrownianNoise  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402

SD15 = dict(
    model_channels=320, channel_mult=[1, 2, 4, 4], num_res_blocks=2, attn_levels=[0, 1, 2], num_heads=8,
    context_dim=768, in_channels=4, out_channels=4,
    clip_layers=12, clip_heads=12, clip_ff=3072, vocab=49408, positions=77, bos=49406, eos=49407,
    vae_ch=128, vae_mult=[1, 2, 4, 4], vae_res=2, z=4,
)
POSITIVE, NEGATIVE = "beautiful landscape, high quality", "bad quality, blurry"
SEED, STEPS, CFG, EXTENT = 123456, 20, 8.0, 64
DEVICE = "cuda"


def networks() -> dict[str, nn.Module]:
    return {"unet": model.UNet(SD15), "vae": model.Vae(SD15), "clip": model.ClipText(SD15)}


@torch.no_grad()
def randomize(net: nn.Module, gen: torch.Generator) -> None:
    """Weights that keep variances about 1; what is added to a residual stream is a third of it."""
    small = ("out_layers.3", "proj_out", "to_out.0", "ff.net.2", "conv2", "out_proj", "fc2")
    for name, p in net.named_parameters():
        owner = name.rsplit(".", 1)[0]
        if p.dim() > 1:
            gain = 0.35 if owner.endswith(small) else 1.0
            scale = 0.02 if "embedding" in name else gain / math.sqrt(p[0].numel())
            p.copy_(torch.randn(p.shape, generator=gen) * scale)
        elif name.endswith("weight"):
            p.copy_(1 + 0.1 * torch.randn(p.shape, generator=gen))
        else:
            p.copy_(0.05 * torch.randn(p.shape, generator=gen))


@torch.no_grad()
def fit_output(unet: nn.Module, gen: torch.Generator) -> None:
    conv, features = unet.out[2], []
    hook = conv.register_forward_pre_hook(lambda _, args: features.append(args[0]))
    count = 9 * SD15["model_channels"] + 1
    left = torch.zeros(count, count, dtype=torch.float64, device=DEVICE)
    right = torch.zeros(count, 4, dtype=torch.float64, device=DEVICE)
    for t in (999, 900, 700, 400, 150, 20):
        x = torch.randn(4, 4, 32, 32, generator=gen).to(DEVICE)
        context = torch.randn(4, 77, SD15["context_dim"], generator=gen).to(DEVICE)
        features.clear()
        unet(x, torch.full((4,), t, device=DEVICE), context)
        rows = F.unfold(features[0], 3, padding=1).transpose(1, 2).reshape(-1, count - 1)
        rows = torch.cat([rows, torch.ones(len(rows), 1, device=DEVICE)], 1).double()
        left += rows.T @ rows
        right += rows.T @ x.permute(0, 2, 3, 1).reshape(-1, 4).double()
    hook.remove()
    ridge = 1e-3 * left.diagonal().mean() * torch.eye(count, dtype=torch.float64, device=DEVICE)
    solved = torch.linalg.solve(left + ridge, right).float()
    conv.weight.copy_(solved[:-1].T.reshape(conv.weight.shape))
    conv.bias.copy_(solved[-1])


@torch.no_grad()
def make(file: str) -> None:
    gen = torch.Generator().manual_seed(20260601)
    nets = networks()
    for net in nets.values():
        randomize(net, gen)
        net.to(DEVICE)
    fit_output(nets["unet"], gen)
    out = nets["vae"].decoder.conv_out
    out.weight.mul_(0.4)
    tensors = {}
    for part, net in nets.items():
        for key, value in net.state_dict().items():
            tensors[model.PREFIXES[part] + key] = value.half()
    checkpoint.write(file, tensors, {"note": "random SD1.5-sized weights for measurements"})
    print(f"wrote {file}, {sum(t.numel() for t in tensors.values()) / 1e6:.0f} M parameters")


def load(file: str, dtype: torch.dtype) -> dict[str, nn.Module]:
    tensors, _ = checkpoint.read(file)
    nets = networks()
    for part, net in nets.items():
        net.load_state_dict(checkpoint.part(tensors, model.PREFIXES[part]))
        net.to(DEVICE, dtype).eval()
    return nets


def embed(clip: nn.Module, text: str) -> Tensor:
    vocabulary = ROOT / "modules/tokenizer/src/main/resources/quartet/tokenizer/bpe_simple_vocab_16e6.txt.gz"
    return clip(torch.tensor([Tokenizer(vocabulary).encode(text)], device=DEVICE))


@torch.no_grad()
def pictures(file: str, folder: str) -> None:
    """Everything in float32, without TF32."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    nets = load(file, torch.float32)
    positive, negative = embed(nets["clip"], POSITIVE), embed(nets["clip"], NEGATIVE)
    positive.cpu().numpy().tofile(out / "positive.f32")
    shape = (1, 4, EXTENT, EXTENT)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))
    sigmas = sampler.normal_schedule(STEPS)

    def denoise(x: Tensor, i: int) -> Tensor:
        s = sigmas[i].item()
        t = sampler.timestep_of(sigmas[i]).to(DEVICE)
        pair = (x / math.sqrt(s * s + 1)).repeat(2, 1, 1, 1)
        u, c = nets["unet"](pair, t.expand(2), torch.cat([negative, positive])).chunk(2)
        return x - s * (u + (c - u) * CFG)

    def euler(x: Tensor) -> Tensor:
        for i in range(STEPS):
            d = denoise(x, i)
            x = x + (x - d) / sigmas[i].item() * (sigmas[i + 1] - sigmas[i]).item()
        return x

    def second_order(x: Tensor, noises: BrownianNoise | None) -> Tensor:
        old, old_h = None, 0.0
        for i in range(STEPS):
            s, nxt = sigmas[i].item(), sigmas[i + 1].item()
            d = denoise(x, i)
            if nxt == 0:
                return d
            h = math.log(s) - math.log(nxt)
            if noises is None:
                estimate = d
                if old is not None:
                    r = old_h / h
                    estimate = (1 + 1 / (2 * r)) * d - 1 / (2 * r) * old
                x = nxt / s * x - math.expm1(-h) * estimate
            else:
                gain = -math.expm1(-2 * h)
                y = nxt / s * math.exp(-h) * x + gain * d
                if old is not None:
                    y = y + 0.5 * gain / (old_h / h) * (d - old)
                x = y + nxt * math.sqrt(gain) * noises(sigmas[i], sigmas[i + 1]).to(DEVICE)
            old, old_h = d, h
        return x

    start = (noise * (1 + sigmas[0] ** 2).sqrt()).to(DEVICE)
    runs = {
        "euler": lambda: euler(start),
        "dpmpp_2m": lambda: second_order(start, None),
        "dpmpp_2m_sde": lambda: second_order(
            start, BrownianNoise(shape, sigmas[sigmas > 0].min().item(), sigmas.max().item(), SEED)),
    }
    for name, run in runs.items():
        latent = run() / model.LATENT_SCALE
        pixels = ((nets["vae"].decode(latent) + 1) / 2).clamp(0, 1).movedim(1, -1)
        latent.cpu().numpy().tofile(out / f"{name}.latent.f32")
        pixels.cpu().numpy().tofile(out / f"{name}.image.f32")
        print(f"{name}: latent std {latent.std():.3f}, pixels mean {pixels.mean():.3f} std {pixels.std():.3f}, "
              f"clipped {((pixels == 0) | (pixels == 1)).float().mean():.3f}")


def compare(folder: str, other: str) -> None:
    for path in sorted(Path(folder).glob("*.f32")):
        a = np.fromfile(path, np.float32)
        b = np.fromfile(Path(other) / path.name, np.float32)
        relative = float(np.linalg.norm(a - b) / np.linalg.norm(a))
        line = f"{path.name}: relative error {relative:.2e}"
        if "image" in path.name:
            error = float(np.mean((a.astype(np.float64) - b) ** 2))
            line += f", PSNR {10 * math.log10(1 / max(error, 1e-20)):.1f} dB"
        print(line)


def timed(work, repeats: int = 20) -> float:
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1e3 * sorted(times)[len(times) // 2]


@torch.no_grad()
def speed(file: str) -> None:
    torch.backends.cudnn.benchmark = True
    nets = load(file, torch.float16)
    unet = nets["unet"].to(memory_format=torch.channels_last)
    for images in (1, 4):
        x = torch.randn(2 * images, 4, EXTENT, EXTENT, device=DEVICE, dtype=torch.float16)
        x = x.to(memory_format=torch.channels_last)
        t = torch.full((2 * images,), 500, device=DEVICE)
        context = torch.randn(2 * images, 77, 768, device=DEVICE, dtype=torch.float16)
        with FlopCounterMode(display=False) as counter:
            unet(x, t, context)
        print(f"UNet, batch {images} with CFG: {counter.get_total_flops() / 1e12:.3f} TFLOP")
        print(f"PyTorch UNet, batch {images} with CFG, eager: {timed(lambda: unet(x, t, context)):.2f} ms")
        graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            unet(x, t, context)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            unet(x, t, context)
        print(f"PyTorch UNet, batch {images} with CFG, CUDA graph: {timed(graph.replay):.2f} ms")
    vae = nets["vae"].to(memory_format=torch.channels_last)
    for extent in (64, 128):
        z = torch.randn(1, 4, extent, extent, device=DEVICE, dtype=torch.float16).to(memory_format=torch.channels_last)
        with FlopCounterMode(display=False) as counter:
            vae.decode(z)
        print(f"VAE decode {8 * extent}²: {counter.get_total_flops() / 1e12:.3f} TFLOP")
        print(f"PyTorch VAE decode {8 * extent}²: {timed(lambda: vae.decode(z), 10):.2f} ms")


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    {"make": make, "pictures": pictures, "compare": compare, "speed": speed}[sys.argv[1]](*sys.argv[2:])
