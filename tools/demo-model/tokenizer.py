# SPDX-License-Identifier: Apache-2.0
"""CLIP's byte-pair tokenizer, enough of it for captions (plain text, one chunk, no weights).

The merges file is ``bpe_simple_vocab_16e6.txt`` (or ``.txt.gz``): a header line, then one merge a line.
"""
from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path

BOS, EOS, LENGTH = 49406, 49407, 77
# \w without digits and underscore stands for \p{L}: captions are plain English
_PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


class Tokenizer:
    def __init__(self, merges_file: str | Path):
        path = Path(merges_file)
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        merges = [tuple(line.split(" ")) for line in raw.decode("utf-8").split("\n")[1:48895]]
        keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
        rest = [b for b in range(256) if b not in keep]
        chars = [chr(b) for b in keep] + [chr(256 + i) for i in range(len(rest))]
        self._byte = dict(zip(keep + rest, chars))
        vocab = chars + [c + "</w>" for c in chars] + ["".join(m) for m in merges]
        self._id = {token: i for i, token in enumerate(vocab)}
        self._rank = {m: i for i, m in enumerate(merges)}
        self._word = lru_cache(maxsize=None)(self._merge)

    def _merge(self, word: str) -> tuple[int, ...]:
        symbols = [self._byte[b] for b in word.encode("utf-8")]
        symbols[-1] += "</w>"
        while len(symbols) > 1:
            pairs = list(zip(symbols, symbols[1:]))
            best = min(pairs, key=lambda p: self._rank.get(p, 1 << 30))
            if best not in self._rank:
                break
            merged, i = [], 0
            while i < len(symbols):
                if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == best:
                    merged.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    merged.append(symbols[i])
                    i += 1
            symbols = merged
        return tuple(self._id[s] for s in symbols)

    def words(self, text: str) -> list[int]:
        """The ids of a text, without start and end."""
        return [i for word in _PATTERN.findall(text.lower()) for i in self._word(word)]

    def encode(self, text: str) -> list[int]:
        """Start, at most 75 ids, end; padded with the end id to 77."""
        return pad(self.words(text))


def pad(ids: list[int]) -> list[int]:
    ids = [BOS, *ids[:LENGTH - 2], EOS]
    return ids + [EOS] * (LENGTH - len(ids))
