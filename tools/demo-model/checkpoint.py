# SPDX-License-Identifier: Apache-2.0
"""Reading and writing safetensors files, with nothing but numpy and torch."""
from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_TYPES = {"F16": (torch.float16, np.float16), "F32": (torch.float32, np.float32), "I64": (torch.int64, np.int64)}


def write(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Writes the tensors in the order of their names; the header is padded so that data starts 8-aligned."""
    names = {torch_type: name for name, (torch_type, _) in _TYPES.items()}
    header: dict = {"__metadata__": metadata}
    blobs, offset = [], 0
    for key in sorted(tensors):
        t = tensors[key].detach().cpu().contiguous()
        blob = t.numpy().tobytes()
        header[key] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)))
        f.write(text)
        f.writelines(blobs)


def read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns (tensors, metadata)."""
    data = Path(path).read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for key, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[8 + n + begin:8 + n + end], dtype=_TYPES[entry["dtype"]][1])
        tensors[key] = torch.from_numpy(array.copy()).reshape(entry["shape"])
    return tensors, metadata


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below a prefix, with the prefix taken off, as float32."""
    return {k[len(prefix):]: v.float() for k, v in tensors.items() if k.startswith(prefix)}
