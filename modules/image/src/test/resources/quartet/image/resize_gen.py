"""Expected values of resizing: torch.nn.functional.interpolate, and Pillow's LANCZOS in 8 bits.

Usage: python resize_gen.py resize.json      (torch 2.13 CPU, Pillow 12)
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIZES = [((7, 5), (11, 13)), ((9, 8), (4, 3)), ((5, 6), (5, 9)), ((1, 98), (1, 41)), ((1, 2), (1, 98)),
         ((6, 7), (6, 7))]


def picture(height, width):
    """[1, 3, H, W], a wave that no axis is a mirror of."""
    n = torch.arange(3 * height * width, dtype=torch.float64)
    return (0.5 + 0.45 * torch.sin(n * 0.7 + n * n * 0.013)).float().reshape(1, height, width, 3).permute(0, 3, 1, 2)


def rounded(values):
    return [float(f"{v:.8g}") for v in values]


cases = []
for (h, w), (th, tw) in SIZES:
    x = picture(h, w)
    for mode in ("nearest-exact", "bilinear", "area", "bicubic"):
        kw = {"align_corners": False} if mode in ("bilinear", "bicubic") else {}
        y = F.interpolate(x, size=(th, tw), mode=mode, **kw).permute(0, 2, 3, 1)
        cases.append({"method": mode, "from": [h, w], "to": [th, tw], "values": rounded(y.flatten().tolist())})
    eight = np.clip(255.0 * x[0].permute(1, 2, 0).numpy(), 0, 255).astype(np.uint8)
    y = np.asarray(Image.fromarray(eight).resize((tw, th), Image.Resampling.LANCZOS))
    cases.append({"method": "lanczos", "from": [h, w], "to": [th, tw], "bytes": y.flatten().tolist()})
with open(sys.argv[1], "w") as f:
    f.write('{"pictures": {\n')
    f.write(",\n".join(f'"{h}x{w}": ' + json.dumps(rounded(picture(h, w).permute(0, 2, 3, 1).flatten().tolist()))
                       for h, w in sorted({s for s, _ in SIZES})))
    f.write('},\n"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "]}\n")
