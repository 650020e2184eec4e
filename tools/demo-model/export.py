# SPDX-License-Identifier: Apache-2.0
"""Puts vae.pt, unet.pt and clip.pt together into one SD1.5-style checkpoint.

python3 export.py --in DIR --vae DIR/vae.pt --out models/checkpoints/quartet-demo.safetensors
"""
from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch

import checkpoint
from model import CONFIG, PREFIXES, ClipText, UNet, Vae


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--in", dest="folder", type=Path, required=True)
    p.add_argument("--vae", type=Path)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    tensors = {}
    for part, kind in (("vae", Vae), ("unet", UNet), ("clip", ClipText)):
        state = torch.load(a.vae if part == "vae" and a.vae else a.folder / f"{part}.pt")
        kind(CONFIG).load_state_dict(state)
        for key, value in state.items():
            if not value.isfinite().all():
                raise ValueError(f"{key} is not finite")
            tensors[PREFIXES[part] + key] = value.half().contiguous()
    checkpoint.write(a.out, tensors, {
        "config": json.dumps(CONFIG),
        "license": "CC0-1.0",
        "title": "Quartet demo landscapes",
        "description": "A tiny SD1.5-style text-to-image model of drawn landscapes, trained on synthetic pictures only.",
    })
    data = a.out.read_bytes()
    print(f"{a.out}: {len(tensors)} tensors, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
