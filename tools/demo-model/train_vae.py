# SPDX-License-Identifier: Apache-2.0
"""Trains the VAE on drawn pictures and scales its latents to what SD1.5 expects.

python3 train_vae.py --out DIR --minutes 6
Writes DIR/vae.pt (half precision, latents normalised), DIR/vae.png (drawn above, decoded below).
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import dataset
from common import Clock, Ema, learning_rate, save_state, sheet
from model import CONFIG, LATENT_SCALE, Vae


def detail_loss(a: Tensor, b: Tensor) -> Tensor:
    """L1, L1 of the differences between neighbours, and L1 at two coarser scales."""
    d = a - b
    loss = d.abs().mean()
    loss = loss + .6 * ((d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean())
    for _ in range(2):
        d = F.avg_pool2d(d, 2)
        loss = loss + .5 * d.abs().mean()
    return loss


def normalise(vae: Vae, mean: Tensor, std: Tensor) -> None:
    """Folds (z - mean) / std / LATENT_SCALE into quant_conv, and its inverse into post_quant_conv."""
    with torch.no_grad():
        gain = 1 / (std * LATENT_SCALE)
        w, b = vae.quant_conv.weight, vae.quant_conv.bias
        w[:4] *= gain.view(-1, 1, 1, 1)
        b[:4] = (b[:4] - mean) * gain
        b[4:] += 2 * gain.log()
        w, b = vae.post_quant_conv.weight, vae.post_quant_conv.bias
        b += (w[:, :, 0, 0] * mean).sum(1)
        w /= gain.view(1, -1, 1, 1)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--minutes", type=float, default=6)
    p.add_argument("--pictures", type=int, default=20000)
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--crop", type=int, default=256)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--full-batch", type=int, default=4)
    p.add_argument("--full-share", type=float, default=.1, help="last share of the time: whole pictures, not crops")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--kl", type=float, default=1.5e-4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", type=Path, help="vae_raw.pt of an earlier run")
    p.add_argument("--begin", type=float, default=0., help="where in the schedule this run begins, 0..1")
    p.add_argument("--no-compile", action="store_true")
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(a.minutes, a.begin)
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(a.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True

    with torch.no_grad():
        pool = torch.cat([(img * 255).round().byte() for img, _ in
                          dataset.pictures(a.pictures, a.size, a.size, a.seed, dev, bad=.08)])
    print(f"{len(pool)} pictures drawn after {clock.elapsed():.0f} s", flush=True)

    vae = Vae(CONFIG).to(dev, memory_format=torch.channels_last)
    torch.nn.init.zeros_(vae.decoder.conv_out.bias)
    if a.resume and a.resume.exists():
        vae.load_state_dict({k: v.float() for k, v in torch.load(a.resume).items()})
        print("resumed", flush=True)
    ema = Ema(vae, .999)
    opt = torch.optim.AdamW(vae.parameters(), lr=a.lr, betas=(.9, .98), weight_decay=1e-3, fused=dev.type == "cuda")

    def loss_of(x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(dev.type, dtype=torch.bfloat16):
            y, mean, logvar = vae(x, noise)
        y, mean, logvar = y.float(), mean.float(), logvar.float()
        kl = .5 * (mean * mean + logvar.exp() - 1 - logvar).mean()
        detail = detail_loss(y, x)
        return detail + a.kl * kl, torch.stack([detail, kl, (y - x).square().mean()]).detach()

    step_fn = loss_of if a.no_compile else torch.compile(loss_of, dynamic=False)
    if not a.no_compile:
        x = torch.rand(a.batch, 3, a.crop, a.crop, device=dev).contiguous(memory_format=torch.channels_last)
        step_fn(x, torch.randn(a.batch, 4, a.crop // 8, a.crop // 8, device=dev))[0].backward()
        print(f"compiled after {clock.elapsed():.0f} s", flush=True)
    clock.mark()
    step, shown, sums = 0, time.time(), torch.zeros(3, device=dev)
    while not clock.done():
        share = clock.share()
        full = share > 1 - a.full_share
        n = a.full_batch if full else a.batch
        side = a.size if full else a.crop
        pick = torch.randint(len(pool), (n,), device=dev)
        if full:
            x = pool[pick]
        else:
            top, left = (int(torch.randint((a.size - side) // 8 + 1, ())) * 8 for _ in range(2))
            x = pool[pick, :, top:top + side, left:left + side]
        x = (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        noise = torch.randn(n, 4, side // 8, side // 8, device=dev)
        for g in opt.param_groups:
            g["lr"] = learning_rate(a.lr, step, share, 200)
        loss, parts = (loss_of if full else step_fn)(x, noise)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        opt.step()
        ema.update()
        step += 1
        sums += parts
        if step % 200 == 0:
            d, k, m = (sums / 200).tolist()
            sums.zero_()
            print(f"step {step} {200 / (time.time() - shown):.1f}/s share {share:.2f} detail {d:.4f} kl {k:.2f} "
                  f"psnr {10 * torch.tensor(4 / m).log10():.2f}", flush=True)
            shown = time.time()
        if step % 1000 == 0:
            save_state(a.out / "vae_raw.pt", ema.state())

    vae.load_state_dict(ema.state())
    vae.eval()
    with torch.no_grad(), torch.autocast(dev.type, dtype=torch.float16, enabled=dev.type == "cuda"):
        z = torch.cat([vae.encode(pool[i:i + 32].float() / 127.5 - 1)[0].float() for i in range(0, min(2048, len(pool)), 32)])
    mean, std = z.mean((0, 2, 3)), z.std((0, 2, 3))
    print("latent mean", mean.tolist(), "std", std.tolist())
    normalise(vae, mean, std)
    save_state(a.out / "vae.pt", vae.state_dict())
    with torch.no_grad():
        x = next(dataset.pictures(8, a.size, a.size, a.seed + 1000, dev, bad=0))[0]
        for s in range(1, 4):
            x = torch.cat([x, next(dataset.pictures(4, a.size, a.size, a.seed + 1000 + s, dev, bad=0))[0]])
        z = vae.encode(x * 2 - 1)[0]
        y = ((vae.decode(z) + 1) / 2).clamp(0, 1)
        shaky = ((vae.decode(z + torch.randn_like(z) * .1 / LATENT_SCALE) + 1) / 2).clamp(0, 1)
    mse = (y - x).square().mean((1, 2, 3))
    print(f"steps {step}, test psnr {(-10 * mse.log10()).mean():.2f}, with latent noise 0.1: "
          f"{(-10 * (shaky - x).square().mean((1, 2, 3)).log10()).mean():.2f}, latent std {(z * LATENT_SCALE).std():.3f}")
    sheet(a.out / "vae.png", [list(x[6:11]), list(y[6:11]), list(x[11:16]), list(y[11:16])])


if __name__ == "__main__":
    main()
