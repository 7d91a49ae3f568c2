"""Sensors and band lists: one that training never saw, and subsets of bands, with the shipped bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perigee_cluster.data.frames import read_frame
from perigee_codec import Model, Stream

ROOT = Path(__file__).resolve().parents[3]
BUNDLE = ROOT / "Firmware" / "perigee-1"
OPTICAL = ("B02", "B03", "B04", "B05", "B06", "B07")
IDENTITY, FITTED = b"\x0e", 15
LANDSAT_FOLDERS = ("worldcereal-timeseries-l8", "cloud38-landsat8", "landsat7-olinda", "hls-water")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(BUNDLE)


def psnr(original: NDArray[np.uint16], decoded: NDArray[np.uint16]) -> float:
    """Over samples that are not nodata (0), peak 10,000."""
    errors = (original.astype(float) - decoded)[original != 0]
    return float(10 * np.log10(10_000**2 / np.mean(errors**2)))


def test_no_landsat_frame_is_in_the_training_list() -> None:
    trained = json.loads((BUNDLE / "manifest.json").read_text())["training"]["frames"]
    assert len(trained) > 50
    for file in trained:
        assert not file.startswith(LANDSAT_FOLDERS), file
        assert "landsat" not in file.lower()
        assert not file.split("/")[1].startswith("l8-")


def landsat_frames(data: Path) -> list[tuple[NDArray[np.uint16], list[str]]]:
    """Landsat 8 frames of the validation place, without much nodata or wrapped negative reflectance."""
    frames = []
    for path in sorted((data / "worldcereal-timeseries-l8").glob("wc-be1_2*.tif")):
        frame = read_frame(path)
        bands = [name for name in frame.bands if name in OPTICAL]
        samples = np.ascontiguousarray(frame.samples[[frame.bands.index(name) for name in bands]], np.uint16)
        if np.mean(samples > 20_000) < 0.001 and np.mean(samples == 0) < 0.02:
            frames.append((samples, bands))
    return frames


def test_a_sensor_that_training_never_saw_gets_a_basis_by_its_wavelengths(model: Model, data: Path) -> None:
    """Bases made of wavelengths beat none by far, and are near ones fitted to each frame: mean over 21 frames.

    Measured at 30x, 100x, 300x: +3.5, +2.2, +2.0 dB over the identity; -1.0, -0.3, -0.1 dB against fitted ones; with
    the rotations that the encoder adds -0.2, -0.2, 0.0 dB.
    """
    frames = landsat_frames(data)
    assert len(frames) > 10
    rows = []
    for samples, bands in frames:
        stream = Stream(model, "landsat-8-oli", samples.shape, bands=bands, nodata=0)
        # without octets nothing but a trained set; without wavelengths, a fitted basis wherever it helps
        by_wavelength = stream.forward(samples, budget=0)[1]
        unknown = {"name": "unknown", "sampleType": "uint16", "peak": 10_000, "bands": [{"name": b} for b in bands]}
        fitted = Stream(model, unknown, samples.shape, nodata=0).forward(samples, budget=1 << 40)[1]
        assert fitted[0] == FITTED
        for ratio in (30, 100, 300):
            budgets = [samples.nbytes // ratio]
            rows.append(
                [
                    psnr(samples, stream.decode(stream.encode(samples, budgets, choice=choice)))
                    for choice in (by_wavelength, IDENTITY, fitted, b"")
                ]
            )
    mean = np.array(rows).reshape(len(frames), 3, 4).mean(axis=0)
    for (wavelength, identity, fitted_db, own), below in zip(mean, (1.5, 0.6, 0.5), strict=True):
        assert wavelength > identity + 1
        assert wavelength > fitted_db - below
        assert own > max(wavelength, fitted_db) - 0.4


@pytest.mark.parametrize("count", [1, 4, 12])
def test_subsets_of_bands_are_coded_whatever_their_order(model: Model, data: Path, count: int) -> None:
    frame = read_frame(sorted((data / "terracodec-ssl4eos12").glob("ssl4eos12-0121563_s*.tif"))[0])
    every = np.ascontiguousarray(frame.samples, np.uint16)
    names = {1: ["B08"], 4: ["B02", "B03", "B04", "B08"], 12: list(frame.bands)}[count]
    chosen = [frame.bands.index(name) for name in names]
    samples = np.ascontiguousarray(every[chosen])
    budgets = [samples.nbytes // 1_000, samples.nbytes // 100]
    stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=names, nodata="none")
    layers = stream.encode(samples, budgets)
    assert np.all(np.cumsum([len(layer) for layer in layers]) <= budgets)

    order = np.random.default_rng(count).permutation(count)
    shuffled = Stream(model, "sentinel-2-l2a", samples.shape, bands=[names[i] for i in order], nodata="none")
    assert shuffled.encode(np.ascontiguousarray(samples[order]), budgets) == layers
    decoded = stream.decode(layers)
    assert np.array_equal(shuffled.decode(layers), decoded[order])

    # the same octets for fewer bands give these bands more
    whole = Stream(model, "sentinel-2-l2a", every.shape, bands=list(frame.bands), nodata="none")
    same = whole.decode(whole.encode(every, [budgets[-1]]))[chosen]
    assert psnr(samples, decoded) >= psnr(samples, same)
    assert psnr(samples, decoded) > 35
