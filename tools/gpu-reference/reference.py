# SPDX-License-Identifier: Apache-2.0
"""Full-size SD1.5 and SDXL checkpoints with seeded random weights, PyTorch's pictures of them, and PyTorch's speed.

  reference.py make FILE [sdxl]     write a checkpoint (float16; 2.1 GB, sdxl 6.9 GB)
  reference.py pictures FILE DIR    float32 latents and pixels for the prompts of GpuBench (modules/bench), euler, dpmpp_2m, dpmpp_2m_sde
  reference.py compare DIR OTHER    PSNR of OTHER's raw pixels against DIR's
  reference.py speed FILE           UNet (float16, NHWC) eagerly and as a CUDA graph, VAE decode

The networks are tools/demo-model/model.py at full size, and xl.py. Random weights would let a sampler run away, so the
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
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/demo-model"))
sys.path.insert(0, str(ROOT / "modules/testkit/src/main/resources/quartet/goldens"))
import model  # noqa: E402
import sampler  # noqa: E402
import xl  # noqa: E402
from brownian_ref import BrownianNoise  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402

SD15 = dict(
    model_channels=320, channel_mult=[1, 2, 4, 4], num_res_blocks=2, attn_levels=[0, 1, 2], num_heads=8,
    context_dim=768, in_channels=4, out_channels=4,
    clip_layers=12, clip_heads=12, clip_ff=3072, vocab=49408, positions=77, bos=49406, eos=49407,
    vae_ch=128, vae_mult=[1, 2, 4, 4], vae_res=2, z=4,
)
POSITIVE, NEGATIVE = "beautiful landscape, high quality", "bad quality, blurry"
SEED, STEPS, CFG = 123456, 20, 8.0
DEVICE = "cuda"


class Sd15:
    """What the UNet gets besides latent and time: the text [1,77,768]."""

    extent, latent_scale, context_dim = 64, model.LATENT_SCALE, 768
    prefixes = model.PREFIXES

    def networks(self) -> dict[str, nn.Module]:
        return {"unet": model.UNet(SD15), "vae": model.Vae(SD15), "clip": model.ClipText(SD15)}

    def embed(self, nets: dict[str, nn.Module], text: str) -> tuple[Tensor, ...]:
        return (nets["clip"](tokens(text)),)

    def random_text(self, count: int, gen: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(count, 77, self.context_dim, generator=gen, device=DEVICE),)


class Sdxl(Sd15):
    """The texts of both encoders side by side [1,77,2048], and summary with sizes [1,2816]."""

    extent, latent_scale, context_dim = 128, 0.13025, 2048
    prefixes = {**model.PREFIXES, "clip": "conditioner.embedders.0.transformer.text_model.",
                "open_clip": "conditioner.embedders.1.model."}

    def networks(self) -> dict[str, nn.Module]:
        return {"unet": xl.UNet(xl.SDXL), "vae": model.Vae(SD15), "clip": xl.ClipText(SD15),
                "open_clip": xl.OpenClipText(xl.OPEN_CLIP)}

    def embed(self, nets: dict[str, nn.Module], text: str) -> tuple[Tensor, ...]:
        ids = tokens(text)
        hidden, summary = nets["open_clip"](ids)
        return torch.cat([nets["clip"](ids), hidden], -1), xl.label(summary, 8 * self.extent, 8 * self.extent)

    def random_text(self, count: int, gen: torch.Generator) -> tuple[Tensor, ...]:
        summary = torch.randn(1, 1280, generator=gen, device=DEVICE)
        return (*super().random_text(count, gen), xl.label(summary, 1024, 1024).expand(count, -1))


def tokens(text: str) -> Tensor:
    vocabulary = ROOT / "modules/tokenizer/src/main/resources/quartet/tokenizer/bpe_simple_vocab_16e6.txt.gz"
    return torch.tensor([Tokenizer(vocabulary).encode(text)], device=DEVICE)


@torch.no_grad()
def randomize(net: nn.Module, gen: torch.Generator) -> None:
    """Weights that keep variances about 1; what is added to a residual stream is a third of it."""
    small = ("out_layers.3", "proj_out", "to_out.0", "ff.net.2", "conv2", "out_proj", "fc2", "c_proj")
    for name, p in net.named_parameters():
        owner = name.rsplit(".", 1)[0]
        random = torch.randn(p.shape, generator=gen, device=DEVICE)
        if p.dim() > 1:
            gain = 0.35 if owner.endswith(small) else 1.0
            scale = 0.02 if "embedding" in name else gain / math.sqrt(p[0].numel())
            p.copy_(random * scale)
        elif name.endswith("weight"):
            p.copy_(1 + 0.1 * random)
        else:
            p.copy_(0.05 * random)


@torch.no_grad()
def fit_output(family: Sd15, unet: nn.Module, gen: torch.Generator) -> None:
    conv, features = unet.out[2], []
    hook = conv.register_forward_pre_hook(lambda _, args: features.append(args[0]))
    count = 9 * SD15["model_channels"] + 1
    left = torch.zeros(count, count, dtype=torch.float64, device=DEVICE)
    right = torch.zeros(count, 4, dtype=torch.float64, device=DEVICE)
    for t in (999, 900, 700, 400, 150, 20):
        x = torch.randn(4, 4, 32, 32, generator=gen, device=DEVICE)
        features.clear()
        unet(x, torch.full((4,), t, device=DEVICE), *family.random_text(4, gen))
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
def make(file: str, family_name: str = "sd15") -> None:
    gen = torch.Generator(DEVICE).manual_seed(20260601)
    family = {"sd15": Sd15, "sdxl": Sdxl}[family_name]()
    nets = on_device(family)
    for net in nets.values():
        randomize(net, gen)
    fit_output(family, nets["unet"], gen)
    nets["vae"].decoder.conv_out.weight.mul_(0.4)
    tensors = {family.prefixes[part] + key: value.half().contiguous()
               for part, net in nets.items() for key, value in net.state_dict().items()}
    save_file(tensors, file, {"note": "random full-size weights for measurements"})
    print(f"wrote {file}, {sum(t.numel() for t in tensors.values()) / 1e6:.0f} M parameters")


def on_device(family: Sd15) -> dict[str, nn.Module]:
    with torch.device(DEVICE):
        return family.networks()


def load(file: str, dtype: torch.dtype) -> tuple[Sd15, dict[str, nn.Module]]:
    tensors = load_file(file, DEVICE)
    family = Sdxl() if any(key.startswith("conditioner.") for key in tensors) else Sd15()
    nets = on_device(family)
    for part, net in nets.items():
        prefix = family.prefixes[part]
        net.load_state_dict({k[len(prefix):]: v.float() for k, v in tensors.items() if k.startswith(prefix)})
        net.to(dtype).eval()
    return family, nets


@torch.no_grad()
def pictures(file: str, folder: str) -> None:
    """Everything in float32, without TF32."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    family, nets = load(file, torch.float32)
    positive, negative = family.embed(nets, POSITIVE), family.embed(nets, NEGATIVE)
    positive[0].cpu().numpy().tofile(out / "positive.f32")
    both = [torch.cat(pair) for pair in zip(negative, positive)]
    shape = (1, 4, family.extent, family.extent)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))
    sigmas = sampler.normal_schedule(STEPS)

    def denoise(x: Tensor, i: int) -> Tensor:
        s = sigmas[i].item()
        t = sampler.timestep_of(sigmas[i]).to(DEVICE)
        pair = (x / math.sqrt(s * s + 1)).repeat(2, 1, 1, 1)
        u, c = nets["unet"](pair, t.expand(2), *both).chunk(2)
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
        latent = run() / family.latent_scale
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
    family, nets = load(file, torch.float16)
    gen = torch.Generator(DEVICE).manual_seed(SEED)
    unet = nets["unet"].to(memory_format=torch.channels_last)
    for images in (1, 4):
        x = torch.randn(2 * images, 4, family.extent, family.extent, device=DEVICE, dtype=torch.float16)
        x = x.to(memory_format=torch.channels_last)
        t = torch.full((2 * images,), 500, device=DEVICE)
        text = [value.half() for value in family.random_text(2 * images, gen)]
        with FlopCounterMode(display=False) as counter:
            unet(x, t, *text)
        print(f"UNet, batch {images} with CFG: {counter.get_total_flops() / 1e12:.3f} TFLOP")
        print(f"PyTorch UNet, batch {images} with CFG, eager: {timed(lambda: unet(x, t, *text)):.2f} ms")
        graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            unet(x, t, *text)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            unet(x, t, *text)
        print(f"PyTorch UNet, batch {images} with CFG, CUDA graph: {timed(graph.replay):.2f} ms")
    vae = nets["vae"].to(memory_format=torch.channels_last)
    for extent in (family.extent, 2 * family.extent):
        z = torch.randn(1, 4, extent, extent, device=DEVICE, dtype=torch.float16).to(memory_format=torch.channels_last)
        with FlopCounterMode(display=False) as counter:
            vae.decode(z)
        print(f"VAE decode {8 * extent}²: {counter.get_total_flops() / 1e12:.3f} TFLOP")
        print(f"PyTorch VAE decode {8 * extent}²: {timed(lambda: vae.decode(z), 10):.2f} ms")


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    {"make": make, "pictures": pictures, "compare": compare, "speed": speed}[sys.argv[1]](*sys.argv[2:])
