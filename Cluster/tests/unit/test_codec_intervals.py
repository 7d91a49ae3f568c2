"""No interval that a prefix announces is ever false, for the strict transform of the filled original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perigee_cluster.data.frames import read_frame
from perigee_cluster.data.splits import load_splits
from perigee_codec import CodecError, Intervals, Model, Stream, prefix

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(next(path.parent for path in sorted(ROOT.glob("Firmware/*/manifest.json"))))


def scenery(shape: tuple[int, int, int], seed: int, peak: float = 10_000) -> NDArray[np.float64]:
    """Waves, fields with edges and noise, between 0.05 and 0.6 of the peak."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[1], : shape[2]]
    fields = (y // 17 * 7 + x // 23 * 5) % 11 / 11
    bands = [0.1 + 0.03 * band + 0.2 * fields + 0.04 * np.sin(x / 9 + band) * np.cos(y / 7) for band in range(shape[0])]
    return peak * (np.stack(bands) + generator.normal(0, 0.004, shape))


def lengths(layers: list[bytes], count: int) -> list[int]:
    """Prefixes from nothing to everything, denser where they are short."""
    whole = sum(map(len, layers))
    return sorted({0, 1, 2, 3, whole - 1, whole, *np.geomspace(1, whole, count).astype(int).tolist()})


def check(stream: Stream, samples: NDArray[np.generic], budgets: list[int], count: int) -> Intervals:
    """Every announced interval holds the strict coefficient, and none widens; the intervals of the whole."""
    layers = stream.encode(samples, budgets)
    strict: dict[bytes, NDArray[np.float32]] = {}
    widths = np.full(stream.shape, np.inf, np.float32)
    known = stream.intervals([])
    assert np.all(np.isinf(known.width_KHW))
    for length in lengths(layers, count):
        known = stream.intervals(prefix(layers, length))
        if known.choice not in strict:
            strict[known.choice] = stream.forward(samples, choice=known.choice)[0]
        held = known.contain(strict[known.choice])
        assert held.all(), f"{np.count_nonzero(~held)} coefficients outside at {length} octets"
        assert np.all(known.width_KHW <= widths), f"wider at {length} octets"
        widths = known.width_KHW
    assert np.isfinite(widths).all()
    return known


def test_intervals_of_real_frames_hold_at_every_length(model: Model, data: Path) -> None:
    splits = load_splits()
    files = [
        path
        for folder in ("terracodec-ssl4eos12", "worldcereal-timeseries")
        for path in sorted((data / folder).glob("*.tif"))
        if not path.name.endswith("_stack.tif") and splits.role(path.name.split("_")[0]) == "validation"
    ]
    assert files
    for path in [files[0], files[-1]]:
        frame = read_frame(path)
        samples = frame.samples.astype(np.uint16)
        stream = Stream(model, "sentinel-2-l2a", samples.shape, bands=frame.bands, nodata=0)
        known = check(stream, samples, [samples.nbytes // 1_000, samples.nbytes // 20], 12)
        if samples.min() > 0:
            assert known.is_measurement_KHW.all()


@pytest.mark.parametrize("seed", range(6))
def test_intervals_of_generated_frames_hold_at_every_length(model: Model, seed: int) -> None:
    shape = [(12, 61, 90), (3, 1, 200), (4, 257, 31), (1, 130, 130), (2, 40, 800), (13, 33, 20)][seed]
    profile = "sentinel-2-l1c" if shape[0] == 13 else "sentinel-2-l2a"
    bands = ["B02", "B03", "B04", "B08"][: shape[0]] if shape[0] < 12 else None
    samples = np.clip(np.round(scenery(shape, seed)), 1, 65_535).astype(np.uint16)
    holes = np.random.default_rng(seed).random(shape[1:]) < 0.05
    if seed % 2:
        samples[:, holes] = 0  # nodata
    stream = Stream(model, profile, samples.shape, bands=bands, nodata=0)
    known = check(stream, samples, [300, 3_000, samples.nbytes], 20)
    assert known.is_measurement_KHW.all() == (not holes.any() or not seed % 2)


@pytest.mark.parametrize("fill", [1e3, -1e30, 4e5])
def test_intervals_of_clipped_numbers_have_no_end(model: Model, fill: float) -> None:
    """Far beyond the peak the codec clips coefficients: what it then knows is a bound on one side."""
    samples = scenery((2, 70, 64), 3, peak=1).astype(np.float32)
    samples[:, 5:40, 9:50] = fill
    stream = Stream(model, _spelled(2), samples.shape, dtype=np.float32)
    layers = stream.encode(samples, [4 * samples.nbytes])
    known = stream.intervals(layers)
    assert known.contain(stream.forward(samples, choice=known.choice)[0]).all()


def _spelled(bands: int) -> dict[str, object]:
    return {
        "name": "spelled", "sampleType": "float32", "peak": 1,
        "bands": [{"name": str(band)} for band in range(bands)],
    }  # fmt: skip


def test_coefficients_that_touch_nodata_are_no_measurements(model: Model) -> None:
    """Against the definition: change what lies under the mask, and see which coefficients move."""
    samples = np.round(scenery((3, 45, 52), 8)).astype(np.float32)
    samples[:, 20:23, 30] = np.nan
    samples[1, 3, 3] = np.nan
    stream = Stream(model, _spelled(3) | {"peak": 10_000}, samples.shape, dtype=np.float32)
    free = Stream(model, _spelled(3) | {"peak": 10_000}, samples.shape, dtype=np.float32, nodata="none")
    for choice in (b"\x0e", _fitted()):
        known = stream.intervals(_with_choice(stream, samples, choice))
        assert known.choice == choice
        moved = np.zeros(samples.shape, bool)
        base = free.forward(np.nan_to_num(samples, nan=0), choice=choice)[0]
        for band, row, column in np.argwhere(np.isnan(samples)):
            touched = np.nan_to_num(samples, nan=0)
            touched[band, row, column] = 1e6
            moved |= free.forward(touched, choice=choice)[0] != base
        assert not (moved & known.is_measurement_KHW).any()
        # a float may swallow a small change, and only that may keep a flagged coefficient where it was
        assert np.count_nonzero(~known.is_measurement_KHW & ~moved) <= 0.02 * moved.sum()
    assert stream.intervals([]).is_measurement_KHW.all()


def _fitted() -> bytes:
    return bytes([15, 40, 40, 40, 90, 60, 50])


def _with_choice(stream: Stream, samples: NDArray[np.float32], choice: bytes) -> list[bytes]:
    """A stream of the frame whose head names another basis: the mask and its flags do not depend on it."""
    layers = stream.encode(samples, [200_000])
    chosen = stream.intervals(layers).choice
    head = bytes([(layers[0][0] & 0xF0) | choice[0]])
    return [head + choice[1:] + layers[0][len(chosen) :]]


def test_a_verbatim_or_broken_stream_has_no_intervals(model: Model) -> None:
    stream = Stream(model, "sentinel-2-l2a", (12, 8, 8))
    with pytest.raises(CodecError, match="frame head"):
        stream.intervals([b"\xff\x00"])
