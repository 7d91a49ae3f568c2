"""Makes Tests/Vectors/quality/1: small frames, their changed copies, and the figures of quality_reference.py.

Run from the repository root: python3 Tests/python/make_quality_vectors.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from quality_reference import compare

FOLDER = Path("Tests/Vectors/quality/1")
# name, shape, type, other type, nodata, share missing, red, nir, scale, offset, peak
CASES = [
    ("whole", (4, 24, 31), "uint16", "uint16", None, 0.0, 0, 2, 1e-4, 0.0, 10_000.0),
    ("masked", (3, 20, 23), "uint16", "uint16", 0.0, 0.3, 0, 2, 1e-4, -0.1, 10_000.0),
    ("rounded", (2, 16, 16), "uint8", "float32", None, 0.0, 1, 0, 1.0, 0.0, 255.0),
    ("signed", (1, 13, 12), "int16", "int16", -3000.0, 0.1, None, None, 1e-4, 0.0, 10_000.0),
    ("decibels", (2, 12, 14), "int32", "int32", 0.0, 0.2, None, None, 1e-4, 0.0, 400_000.0),
    ("floats", (3, 15, 11), "float32", "float32", None, 0.2, 2, 1, 1.0, 0.0, 1.0),
    ("small", (3, 4, 7), "uint16", "uint16", None, 0.0, 0, 1, 1e-4, 0.0, 10_000.0),
    ("row", (2, 1, 40), "uint16", "uint16", None, 0.0, 0, 1, 1e-4, 0.0, 10_000.0),
    ("column", (2, 3, 1), "uint16", "uint16", None, 0.0, 0, 1, 1e-4, 0.0, 10_000.0),
    ("one", (1, 1, 1), "uint8", "uint8", None, 0.0, None, None, 1.0, 0.0, 255.0),
    ("missing", (2, 5, 6), "uint16", "uint16", 0.0, 1.0, 0, 1, 1e-4, 0.0, 10_000.0),
]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], low: float, high: float) -> np.ndarray:
    values = rng.random(shape)
    for axis in (1, 2):
        values = (values + np.roll(values, 1, axis) + np.roll(values, 2, axis)) / 3
    return low + (high - low) * values


def make(index: int, case: tuple) -> dict:
    name, shape, kind, other_kind, nodata, missing, red, nir, scale, offset, peak = case
    rng = np.random.default_rng([20_261_121, index])
    low, high = {"uint8": (0, 255), "int32": (-300_000, 50_000), "float32": (0, 1)}.get(kind, (50, 9_000))
    original = smooth_noise(rng, shape, low, high)
    other = original + rng.normal(0, (high - low) / 50, shape)
    if kind != "float32":
        original = np.rint(original)
    if other_kind != "float32":
        info = np.iinfo(other_kind)
        other = np.clip(np.rint(other), info.min, info.max)
    original, other = original.astype(kind), other.astype(other_kind)
    lost = rng.random(shape) < missing
    kept = lost & (rng.random(shape) < 0.95)  # a few samples are missing in one frame only
    if missing > 0:
        original[lost] = np.nan if nodata is None else nodata
        other[kept] = np.nan if nodata is None else nodata
    figures = compare(original, other, peak, nodata, scale, offset, red, nir)

    def octets(values: np.ndarray) -> str:
        return values.astype(values.dtype.newbyteorder("<")).tobytes().hex()

    return {
        "name": name, "shape": list(shape), "type": kind, "other_type": other_kind, "nodata": nodata, "red": red,
        "nir": nir, "scale": scale, "offset": offset, "peak": peak, "original": octets(original),
        "other": octets(other), "expected": figures,
    }  # fmt: skip


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps([make(index, case) for index, case in enumerate(CASES)], indent=1) + "\n"
    (FOLDER / "frames.json").write_text(text)
    manifest = {
        "format": "quality", "version": 1, "command": "python3 Tests/python/make_quality_vectors.py",
        "origin": "seeded noise; figures by Tests/python/quality_reference.py",
        "files": {"frames.json": hashlib.sha256(text.encode()).hexdigest()},
    }  # fmt: skip
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
