"""`make train-smoke`: the whole of training on generated frames, twice, and frames coded with what came out.

python -m perigee_cluster.training.smoke [--output FOLDER]. Needs no sample data and less than three minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.training.codec import ROOT, train
from perigee_cluster.training.config import CodecConfig, HistoryConfig, SpectralConfig, TableConfig
from perigee_cluster.training.corpus import REFERENCE_BANDS, TrainingFrame
from perigee_cluster.training.pairs import HistoryPair
from perigee_cluster.training.safetensors import Tensors, pack, parse
from perigee_codec import Model, Part, Stream

CONFIG = CodecConfig(
    "smoke", "1", SpectralConfig(sets=3, shrinkage=1.0, distortion=400.0, reference_pixels=4_096),
    TableConfig(ratio=20.0, passes=2, seed=1),
    HistoryConfig(reach=1, memory=(20.0,), ratios=(20.0, 400.0), crops=1, crop=48, passes=1, seed=2),
)  # fmt: skip
SIDE = 96
L2A = tuple(band for band in range(len(REFERENCE_BANDS)) if REFERENCE_BANDS[band] != "B10")
# of REFERENCE_BANDS, micrometres
WAVELENGTHS = (0.4427, 0.4927, 0.5598, 0.6646, 0.7041, 0.7405, 0.7828, 0.8328, 0.8647, 0.9451, 1.3735, 1.6137, 2.2024)
log = logging.getLogger("smoke")


def generated(seed: int, bands: tuple[int, ...] = tuple(range(len(REFERENCE_BANDS)))) -> NDArray[np.uint16]:
    """Fields of a few materials under relief and noise, [bands, SIDE, SIDE]; another seed, another place."""
    random = np.random.default_rng(seed)
    wavelength = np.linspace(0, 1, len(REFERENCE_BANDS))
    materials = 900 + 700 * random.random((5, 1)) + 1_800 * random.random((5, 1)) * wavelength ** random.uniform(0.3, 3)
    y, x = np.mgrid[:SIDE, :SIDE]
    share = np.stack([np.sin(x / random.uniform(3, 30) + y / random.uniform(3, 30) + p) for p in range(5)])
    owner = np.eye(5)[share.argmax(axis=0)]
    relief = 1 + 0.15 * np.sin(x / random.uniform(8, 40)) * np.cos(y / random.uniform(8, 40))
    frame = np.einsum("yxm,mb->byx", owner, materials) * relief
    frame += random.normal(0, 6, frame.shape)
    return np.clip(np.round(frame[list(bands)]), 1, 10_000).astype(np.uint16)


def frames(count: int = 12) -> list[TrainingFrame]:
    """Frames to train on, with all bands and as a product that lacks one in turn."""
    made = []
    for seed in range(count):
        bands = L2A if seed % 2 else tuple(range(len(REFERENCE_BANDS)))
        samples = generated(seed, bands)
        digest = hashlib.sha256(samples.tobytes()).hexdigest()
        made.append(TrainingFrame(f"generated/{seed:02d}_nodate.tif", digest, samples, np.array(bands, np.intp)))
    return made


def another_day(samples: NDArray[np.uint16], seed: int) -> NDArray[np.uint16]:
    """The same place under other light, with other noise and a new field in a corner."""
    random = np.random.default_rng(seed)
    seen = samples * random.uniform(0.9, 1.1) + random.normal(0, 6, samples.shape)
    seen[:, : SIDE // 3, : SIDE // 4] = 3_000 + random.normal(0, 6, (len(samples), SIDE // 3, SIDE // 4))
    return np.clip(np.round(seen), 1, 10_000).astype(np.uint16)


def pairs(count: int = 4) -> list[HistoryPair]:
    """Pairs to learn prediction from, in both directions of time."""
    made = []
    bands = tuple(REFERENCE_BANDS[band] for band in L2A)
    for seed in range(count):
        days = generated(seed, L2A), another_day(generated(seed, L2A), seed)
        files = [f"generated/{seed:02d}_{day}.tif" for day in (1, 2)]
        made += [HistoryPair((files[i], files[1 - i]), bands, days[i], days[1 - i]) for i in (0, 1)]
    return made


def psnr(
    model: Model, samples: NDArray[np.uint16], budget: int, earlier: NDArray[np.uint16] | None = None
) -> tuple[list[bytes], float]:
    """A frame coded to a budget, predicted from what an earlier one left, and how well it comes back (peak 10,000)."""
    profile = {
        "name": "smoke", "sampleType": "uint16", "peak": 10_000,
        "bands": [{"name": str(band), "centerWavelength": float(value)} for band, value in enumerate(WAVELENGTHS)],
    }  # fmt: skip
    stream = Stream(model, profile, samples.shape, nodata="none")
    reference = None
    if earlier is not None:
        known = stream.decode(stream.encode(earlier, [earlier.nbytes // 20]))
        reference = stream.reference([Part(stream, known)])
    layers = stream.encode(samples, [budget], reference=reference)
    decoded = stream.decode(layers, reference=reference if layers.is_predicted else None)
    error = np.mean((decoded.astype(np.float64) - samples) ** 2)
    return layers, float(10 * np.log10(10_000**2 / error))


def smoke(folder: Path) -> None:
    """Trains twice into `folder`; an AssertionError says what differs or is no better than before."""
    started = time.monotonic()
    bundles = [folder / name for name in ("first", "second")]
    identities = [train(CONFIG, bundle, frames(), pairs()) for bundle in bundles]
    assert identities[0] == identities[1], f"two trainings gave {identities}"
    names = sorted(path.name for path in bundles[0].iterdir())
    for name in names:
        assert (bundles[0] / name).read_bytes() == (bundles[1] / name).read_bytes(), f"{name} differs"
    log.info("two trainings, the same %d files, %.0f s", len(names), time.monotonic() - started)
    tensors = parse((bundles[0] / "model.safetensors").read_bytes())
    untrained = Model.parse(pack({name: values for name, values in tensors.items() if name.startswith("spectral/")}))
    unseen = [generated(seed) for seed in (100, 101, 102)]
    gains = []
    for samples in unseen:
        coded = [psnr(Model.open(bundle), samples, samples.nbytes // 40) for bundle in bundles]
        assert coded[0] == coded[1], "the same bundle codes the same frame otherwise"
        gains.append(coded[0][1] - psnr(untrained, samples, samples.nbytes // 40)[1])
    assert np.mean(gains) > 0, f"trained tables gain {gains} dB over untrained ones"
    log.info("unseen frames gain %s dB by trained tables", ", ".join(f"{gain:.2f}" for gain in gains))
    check_history(Model.open(bundles[0]), tensors, unseen)


def check_history(model: Model, tensors: Tensors, places: list[NDArray[np.uint16]]) -> None:
    """Places that were seen a day before gain by it, and more so by what was learned of history."""
    without = {name: found for name, found in tensors.items() if not name.startswith("history/")}
    assert len(without) < len(tensors), "the bundle has no history"
    plain = Model.parse(pack(without))
    gains, learned = [], []
    for seed, samples in enumerate(places):
        today, budget = another_day(samples, 200 + seed), samples.nbytes // 100
        _, alone = psnr(model, today, budget)
        _, known = psnr(model, today, budget, samples)
        _, untrained = psnr(plain, today, budget, samples)
        gains.append(known - alone)
        learned.append(known - untrained)
    assert min(gains) > 0, f"history gains {gains} dB"
    assert np.mean(learned) > 0, f"trained prediction gains {learned} dB over untrained one"
    log.info("history gains %s dB, of that by training %.2f dB", ", ".join(f"{g:.2f}" for g in gains), np.mean(learned))


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(prog="train-smoke", description="Trains a tiny bundle on generated frames, twice.")
    parser.add_argument("--output", type=Path, default=ROOT / ".build" / "train-smoke")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    smoke(arguments.output)


if __name__ == "__main__":
    main()
