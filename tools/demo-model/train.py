# SPDX-License-Identifier: Apache-2.0
"""Trains the UNet and the text encoder together, on latents of drawn pictures.

python3 train.py --merges bpe_simple_vocab_16e6.txt --vae DIR/vae.pt --out DIR --minutes 10
python3 train.py ... --minutes 9 --begin 0 --end .6 --state DIR/state.pt --latents DIR/latents.pt, then
python3 train.py ... --minutes 6 --begin .6 --end 1 --resume DIR/state.pt --latents DIR/latents.pt
It may be started beside train_vae.py: it draws and compiles first and then waits for vae.pt.
Writes DIR/unet.pt and DIR/clip.pt (moving averages, half precision) and contact sheets.
"""
from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import dataset
from common import Clock, Ema, learning_rate, save_state, sheet
from model import CONFIG, LATENT_SCALE, ClipText, UNet, Vae
from sampler import ALPHAS, euler
from tokenizer import Tokenizer

# height, width, pictures, share of the steps, batch
BUCKETS = [(512, 512, 10000, .78, 128), (256, 256, 5000, .08, 384), (512, 768, 1200, .06, 80), (384, 384, 1000, .03, 224),
           (768, 512, 600, .02, 80), (448, 640, 800, .03, 112)]
PROMPTS = ["beautiful landscape, high quality", "sunset over the sea", "snowy mountains at night", "a lake with mountains, morning",
           "forest in fog", "lighthouse at night, stars", "hot air balloon over hills, day", "desert dunes at sunset",
           "beach, blue sky, sailboat", "a house in the countryside, autumn"]
NEGATIVE = "bad quality, blurry"


class Bucket:
    """Latents [N,4,h,w] (half precision, model space) and caption ids [N,variants,77] of one picture size."""

    def __init__(self, latents: Tensor, ids: Tensor, share: float, batch: int):
        self.latents, self.ids, self.share, self.batch = latents, ids, share, batch

    def sample(self, n: int) -> tuple[Tensor, Tensor]:
        pick = torch.randint(len(self.latents), (n,), device=self.latents.device)
        variant = torch.randint(self.ids.shape[1], (n,), device=self.latents.device)
        # the same strides as the warm-up's tensors: others would be compiled a second time
        return self.latents[pick].float().contiguous(), self.ids[pick, variant].long()


@torch.no_grad()
def draw(merges: str, seed: int, scale: float, variants: int, dev: torch.device) -> list[tuple[Tensor, Tensor]]:
    """The data set before encoding: for each bucket pictures [N,3,H,W] (bytes) and caption ids [N,variants,77]."""
    out = []
    with ProcessPoolExecutor(12 if dev.type == "cuda" else 2) as pool:
        for height, width, count, _, _ in BUCKETS:
            count = max(8, int(count * scale))
            images, jobs, facts = [], [], []
            for img, f in dataset.pictures(count, height, width, seed, dev):
                images.append((img * 255).round().byte())
                facts += f
                if len(facts) >= 512 or sum(map(len, images)) == count:
                    jobs.append(pool.submit(dataset.caption_ids, (merges, seed + len(jobs) + height * 31 + width, facts, variants)))
                    facts = []
            ids = torch.from_numpy(np.concatenate([j.result() for j in jobs])).to(dev)
            out.append((torch.cat(images), ids))
    return out


@torch.no_grad()
def encode(vae: Vae, images: Tensor) -> Tensor:
    """Pictures [N,3,H,W] (bytes) -> model latents [N,4,H/8,W/8], half precision."""
    parts = []
    for i in range(0, len(images), 64):
        x = (images[i:i + 64].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, dtype=torch.float16, enabled=x.is_cuda):
            parts.append((vae.encode(x)[0] * LATENT_SCALE).half().contiguous())
    return torch.cat(parts)


class Model(torch.nn.Module):
    """Text encoder and UNet as one module."""

    def __init__(self, cfg: dict):
        super().__init__()
        self.clip, self.unet = ClipText(cfg), UNet(cfg)
        torch.nn.init.normal_(self.clip.embeddings.token_embedding.weight, std=.02)
        torch.nn.init.normal_(self.clip.embeddings.position_embedding.weight, std=.01)
        for m in self.unet.modules():  # residual branches start at zero
            for name in ("proj_out",):
                if hasattr(m, name):
                    torch.nn.init.zeros_(getattr(m, name).weight)
            if hasattr(m, "out_layers"):
                torch.nn.init.zeros_(m.out_layers[3].weight)
        torch.nn.init.zeros_(self.unet.out[2].weight)

    def forward(self, x: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        return self.unet(x, t, self.clip(ids))


@torch.no_grad()
def show(out: Path, tag: str, model: Model, vae: Vae, tok: Tokenizer, dev: torch.device, size: int = 512) -> None:
    """Contact sheets: prompts by seeds; guidance scales with and without the negative prompt; other sizes."""
    def text(s: str) -> Tensor:
        return model.clip(torch.tensor([tok.encode(s)], device=dev))

    def run(prompt: str, negative: str, cfg: float, h: int, w: int, seeds: list[int]) -> list[Tensor]:
        noise = torch.cat([torch.randn(1, 4, h // 8, w // 8, generator=torch.Generator().manual_seed(s)) for s in seeds]).to(dev)
        n = len(seeds)
        with torch.autocast(dev.type, dtype=torch.float16, enabled=dev.type == "cuda"):
            z = euler(model.unet, noise, text(prompt).expand(n, -1, -1), text(negative).expand(n, -1, -1), 20, cfg)
            return list(((vae.decode(z / LATENT_SCALE).float() + 1) / 2).clamp(0, 1))

    seeds = [123456, 1, 2, 3]
    for part, prompts in enumerate((PROMPTS[:5], PROMPTS[5:])):
        sheet(out / f"sheet{tag}_{part}.png", [run(p, NEGATIVE, 8., size, size, seeds) for p in prompts])
    rows = [sum((run(p, neg, cfg, size, size, [123456]) for cfg in (1., 2., 4., 8., 10.)), [])
            for p in (PROMPTS[0], PROMPTS[1]) for neg in ("", NEGATIVE)]
    sheet(out / f"cfg{tag}.png", rows)
    sheet(out / f"wide{tag}.png", [run(p, NEGATIVE, 8., size, size * 3 // 2, seeds[:2]) for p in PROMPTS[:3]])


def load_vae(path: Path, dev: torch.device) -> Vae:
    vae = Vae(CONFIG)
    vae.load_state_dict({k: v.float() for k, v in torch.load(path).items()})
    return vae.to(dev, memory_format=torch.channels_last).eval().requires_grad_(False)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--merges", required=True)
    p.add_argument("--vae", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--state", type=Path, help="where the whole state (with the optimizer) is kept")
    p.add_argument("--latents", type=Path, help="file that keeps the encoded data set between runs")
    p.add_argument("--resume", type=Path, help="a state file of an earlier run")
    p.add_argument("--resume-ema", type=Path, help="or the folder with its unet.pt and clip.pt")
    p.add_argument("--minutes", type=float, default=9)
    p.add_argument("--begin", type=float, default=0.)
    p.add_argument("--end", type=float, default=1.)
    p.add_argument("--scale", type=float, default=1., help="size of the data set")
    p.add_argument("--variants", type=int, default=6)
    p.add_argument("--lr", type=float, default=8e-4)
    p.add_argument("--batch-scale", type=float, default=1.)
    p.add_argument("--seed", type=int, default=5)
    p.add_argument("--compile", type=int, default=3, help="compile for the first so many picture sizes")
    p.add_argument("--tag", default="")
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(a.minutes, a.begin, a.end)
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(a.seed + int(1000 * a.begin))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    tok = Tokenizer(a.merges)
    model = Model(CONFIG).to(dev)
    model.unet = model.unet.to(memory_format=torch.channels_last)
    ema = Ema(model, .9993)
    table = [p for n, p in model.named_parameters() if "embedding" in n]
    rest = [p for n, p in model.named_parameters() if "embedding" not in n]
    opt = torch.optim.AdamW([dict(params=rest, weight_decay=.01), dict(params=table, weight_decay=0.)], lr=a.lr,
                            betas=(.9, .98), fused=dev.type == "cuda")
    step = 0
    if a.resume and a.resume.exists():
        kept = torch.load(a.resume, map_location=dev)
        model.load_state_dict(kept["model"])
        opt.load_state_dict(kept["opt"])
        ema.shadow, ema.n, step = kept["ema"], kept["n"], kept["step"]
    elif a.resume_ema:
        model.clip.load_state_dict({k: v.float() for k, v in torch.load(a.resume_ema / "clip.pt").items()})
        model.unet.load_state_dict({k: v.float() for k, v in torch.load(a.resume_ema / "unet.pt").items()})
        ema = Ema(model, .9993)

    alphas = ALPHAS.to(dev)
    snr = (alphas / (1 - alphas)).float()
    # weight on the error of the clean picture: SNR + 1/4, at most 5 (as min-SNR, with more care for the noisy end)
    weight = torch.minimum(snr + .25, torch.tensor(5., device=dev)) / snr
    root_a, root_1a = alphas.sqrt().float(), (1 - alphas).sqrt().float()
    empty = torch.tensor(tok.encode(""), device=dev)

    def loss_of(x0: Tensor, ids: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        ra, r1 = root_a[t].view(-1, 1, 1, 1), root_1a[t].view(-1, 1, 1, 1)
        # sampling starts from noise alone, so the last steps see noise alone and must still point at the picture
        pure = (t >= 996).view(-1, 1, 1, 1)
        x = torch.where(pure, noise, ra * x0 + r1 * noise)
        target = torch.where(pure, (noise - ra * x0) / r1, noise)
        with torch.autocast(dev.type, dtype=torch.bfloat16):
            eps = model(x.contiguous(memory_format=torch.channels_last), t, ids)
        return ((eps.float() - target).square().mean((1, 2, 3)) * weight[t]).mean()

    compiled = torch.compile(loss_of, dynamic=False)
    ready: set[int] = set()  # buckets whose shape is compiled
    if a.latents and a.latents.exists():
        buckets = [Bucket(*b) for b in torch.load(a.latents, map_location=dev)]
    else:
        drawn = draw(a.merges, a.seed, a.scale, a.variants, dev)
        print(f"pictures drawn after {clock.elapsed():.0f} s", flush=True)
        for k, (h, w, _, _, batch) in enumerate(BUCKETS):
            # compiles while the VAE is still training
            if k < a.compile and not (k and a.vae.exists()):
                n = max(2, int(batch * a.batch_scale))
                x0 = torch.randn(n, 4, h // 8, w // 8, device=dev)
                compiled(x0, empty.repeat(n, 1), torch.randint(1000, (n,), device=dev), torch.randn_like(x0)).backward()
                opt.zero_grad(set_to_none=True)
                ready.add(k)
                print(f"bucket {k} compiled after {clock.elapsed():.0f} s", flush=True)
        while not a.vae.exists() and not clock.done():
            time.sleep(.5)
        vae = load_vae(a.vae, dev)
        buckets = [Bucket(encode(vae, img), ids, share, batch) for (img, ids), (*_, share, batch) in zip(drawn, BUCKETS)]
        del drawn
        if a.latents:
            torch.save([(b.latents, b.ids, b.share, b.batch) for b in buckets], a.latents)
    std = buckets[0].latents.float().std(dim=(0, 2, 3))
    print(f"data ready after {clock.elapsed():.0f} s: {[len(b.latents) for b in buckets]}, latent std {std.tolist()}", flush=True)
    clock.mark()

    chance = np.cumsum([b.share for b in buckets])
    rng = np.random.default_rng(int(1e6 * a.begin) + a.seed)
    shown, total, first = time.time(), torch.zeros((), device=dev), step
    while not clock.done():
        share = clock.share()
        k = int(np.searchsorted(chance, rng.random() * chance[-1]))
        b = buckets[k]
        n = max(2, int(b.batch * a.batch_scale))
        x0, ids = b.sample(n)
        t = torch.randint(1000, (n,), device=dev)
        t = torch.where(torch.rand(n, device=dev) < .02, 999, t)
        # captions: some dropped, some exchanged; more at the noisy end, which tempers strong guidance there
        wrong = torch.rand(n, device=dev) < .03 + .40 * ((t - 700).clamp(min=0) / 299.) ** 2
        ids = torch.where(wrong[:, None], ids.roll(1, 0), ids)
        ids = torch.where((torch.rand(n, device=dev) < .12)[:, None], empty, ids)
        for g in opt.param_groups:
            g["lr"] = learning_rate(a.lr, step, share, 300)
        fn = compiled if k in ready else loss_of
        loss = fn(x0, ids, t, torch.randn_like(x0))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        ema.update()
        step += 1
        total += loss.detach()
        if (step - first) % 200 == 0 or step - first in (1, 20):
            print(f"step {step} after {clock.elapsed():.0f} s, {(time.time() - shown):.1f} s since the last line, "
                  f"share {share:.3f} loss {total.item() / ((step - first) % 200 or 200):.4f}", flush=True)
            if (step - first) % 200 == 0:
                total.zero_()
            shown = time.time()
        if step % 3000 == 0:
            keep(a.out, ema)

    keep(a.out, ema)
    if a.state:
        torch.save(dict(model=model.state_dict(), opt=opt.state_dict(), ema=ema.shadow, n=ema.n, step=step), a.state)
    model.load_state_dict(ema.state())
    print(f"{step} steps, {clock.elapsed():.0f} s", flush=True)
    if dev.type == "cuda":
        show(a.out, a.tag, model.eval(), load_vae(a.vae, dev), tok, dev)


def keep(out: Path, ema: Ema) -> None:
    state = ema.state()
    for part in ("unet", "clip"):
        save_state(out / f"{part}.pt", {k[len(part) + 1:]: v for k, v in state.items() if k.startswith(part + ".")})


if __name__ == "__main__":
    main()
