"""The plain-Python synthesis against the frozen digests of the strict transform: Tests/Vectors/transform/1."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import reference_container as container
import reference_tokens as tokens
import reference_transform as transform

VECTORS = Path(__file__).resolve().parents[3] / "Tests" / "Vectors" / "transform" / "1" / "manifest.json"
CASES = json.loads(VECTORS.read_text())["cases"]
WAVELENGTHS = [0.45, 0.56, 0.66, 0.84, 1.61]
FITTED = bytes([200, 190, 180, 170, 100, 90, 206, 80, 170, 60])
MASK = (1 << 64) - 1


def splitmix(seed: int, count: int) -> list[int]:
    """Steele et al. 2014."""
    numbers = []
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        value = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(value ^ (value >> 31))
    return numbers


def spectral() -> transform.SpectralTensors:
    covariance = np.array(
        [
            [
                [
                    [
                        (1 + 0.1 * float(min(i, j)))
                        / (1 + abs(WAVELENGTHS[i] - WAVELENGTHS[j]) / (float(set_ + 1) * (0.2 + 0.05 * float(index))))
                        / 5.0
                        for j in range(5)
                    ]
                    for i in range(5)
                ]
                for index in range(10)
            ]
            for set_ in range(2)
        ]
    )
    return transform.SpectralTensors(WAVELENGTHS, [1300.5, 1200.25, 1100.0, 2300.125, 2000.0], covariance)


def declared(rows: int, columns: int) -> container.Declaration:
    bands = [
        container.Band("blue", 0.45, 10.0), container.Band("green", 0.56, 10.0),
        container.Band("edge", 0.72, 20.0), container.Band("swir", 1.61, 20.0),
    ]  # fmt: skip
    profile = container.Profile("test", "uint16", 10_000.0, 1.0, 0.0, None, bands, known=False)
    return container.Declaration(1, profile, [0, 1, 2, 3], rows, columns, "uint16", None, 1.0, 0.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rows']}x{case['columns']} mode {case['mode']}")
def test_synthesis_has_the_frozen_digest(case: dict[str, int | str]) -> None:
    rows, columns, mode = int(case["rows"]), int(case["columns"]), int(case["mode"])
    count = 4 * rows * columns
    numbers = splitmix(rows * 1_000 + columns, 2 * count)[count:]
    components = np.array([((number >> 40) - (1 << 23)) / 256 for number in numbers], np.float32)
    stream = declared(rows, columns)
    tiles = [(tokens.tile_subbands(rows, columns, 0), mode, [])]
    values = transform.synthesise(components.reshape(4, rows, columns), tiles, FITTED, stream, spectral())
    samples = transform.to_samples(values, stream, np.ones(values.shape, np.bool_))
    assert hashlib.sha256(samples.astype("<u2").tobytes()).hexdigest() == case["samples"]
