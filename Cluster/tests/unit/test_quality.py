"""Metrics against values worked out by hand or by a second, slower way."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from perigee_cluster.metrics.quality import measure, ndvi, psnr, spectral_angle, ssim


def test_psnr_of_a_known_error() -> None:
    zeros = np.zeros((2, 3, 3))
    assert psnr(zeros, zeros + 10, 10000) == pytest.approx(60)
    assert psnr(zeros, zeros, 10000) == math.inf


def test_reconstruction_is_rounded_and_clipped_first() -> None:
    original = np.zeros((1, 4, 4), np.uint16)
    assert measure(original, original - 0.4, 10000).psnr == math.inf
    assert measure(original, original - 5000.0, 10000).psnr == math.inf
    assert measure(original, original + 1.2, 10000).psnr == pytest.approx(80)


def test_spectral_angle_in_degrees() -> None:
    a = np.array([1.0, 0.0]).reshape(2, 1, 1)
    b = np.array([1.0, 1.0]).reshape(2, 1, 1)
    assert spectral_angle(a, b) == pytest.approx(45)
    assert spectral_angle(a, np.zeros_like(a)) == pytest.approx(90)


def test_ndvi_of_nothing_is_zero() -> None:
    red, near = np.array([[0.0, 1000.0]]), np.array([[0.0, 3000.0]])
    assert ndvi(red, near).tolist() == [[0.0, 0.5]]


def test_ssim_against_a_pixel_by_pixel_window() -> None:
    rng = np.random.default_rng(7)
    a = rng.uniform(0, 10000, (1, 13, 17))
    b = np.clip(a + rng.normal(0, 600, a.shape), 0, 10000)
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(taps, taps) / taps.sum() ** 2
    pa, pb = (np.pad(x[0], 5, mode="symmetric") for x in (a, b))
    scores = []
    for row in range(5, 8):
        for column in range(5, 12):
            u, v = (p[row : row + 11, column : column + 11] for p in (pa, pb))
            mu, mv = (window * u).sum(), (window * v).sum()
            vu, vv = (window * (u - mu) ** 2).sum(), (window * (v - mv) ** 2).sum()
            cov = (window * (u - mu) * (v - mv)).sum()
            score = (2 * mu * mv + 100.0**2) * (2 * cov + 300.0**2)
            scores.append(score / ((mu**2 + mv**2 + 100.0**2) * (vu + vv + 300.0**2)))
    assert ssim(a, b, 10000) == pytest.approx(np.mean(scores), abs=1e-10)
    assert ssim(a, a, 10000) == pytest.approx(1)


def test_agrees_with_the_vectors_of_perigee_compare() -> None:
    """Vectors without nodata or offset: these metrics are for whole frames of reflectance."""
    folder = Path(__file__).resolve().parents[3] / "Tests" / "Vectors" / "quality" / "1"
    compared = 0
    for vector in json.loads((folder / "frames.json").read_text()):
        expected = vector["expected"]
        if vector["nodata"] is not None or vector["offset"] != 0 or vector["type"] not in ("uint8", "uint16"):
            continue
        if not all(isinstance(expected.get(key), float) for key in ("psnr", "ssim", "sam", "ndvi_error")):
            continue
        shape = tuple(vector["shape"])
        original = np.frombuffer(bytes.fromhex(vector["original"]), vector["type"]).reshape(shape)
        other = np.frombuffer(bytes.fromhex(vector["other"]), vector["other_type"]).reshape(shape)
        quality = measure(original, other.astype(np.float64), vector["peak"], vector["red"], vector["nir"])
        found = (quality.psnr, quality.ssim, quality.sam, quality.ndvi)
        assert found == pytest.approx([expected[k] for k in ("psnr", "ssim", "sam", "ndvi_error")], abs=1e-6)
        compared += 1
    assert compared >= 2
