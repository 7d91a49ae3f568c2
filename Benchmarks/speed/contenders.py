"""What takes turns: Perigee to three ratios and back, OpenJPEG on eight KLT components and on all bands, and back.

Each contender is a function without arguments; only what it does is timed. Both encoders meet the same budget: the
peer's quality target is bisected to it beforehand, untimed, so it encodes once where a user would have to search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from perigee_codec import Model, Stream
from rd.basis import Basis
from rd.openjpeg import SAMPLE_OFFSET, SAMPLE_SCALE
from speed.scenes import Scene

LADDER = (10_000, 3_000, 1_000, 300, 100)
RATIOS = (100, 300, 1_000)
KLT_COMPONENTS = 8
OCTETS_PER_SAMPLE = 2
BISECTIONS = 8
SENSOR = "sentinel-2-l2a"


@dataclass(frozen=True)
class Contender:
    """One operation on one scene; `octets` is the size of the stream that it writes or reads."""

    scene: str
    codec: str
    operation: str
    ratio: int
    octets: int
    megapixels: float
    run: Callable[[], object]


def contenders(scene: Scene, model: Model) -> list[Contender]:
    """All of them, ratio by ratio, ours and the peer's beside each other."""
    found: list[Contender] = []
    stream = Stream(model, SENSOR, scene.samples.shape, bands=scene.bands, lanes=1)
    planes = {"openjpeg-klt8": _klt_planes(scene.samples), "openjpeg-bands": _band_planes(scene.samples)}
    for ratio in RATIOS:
        found += _perigee(scene, stream, ratio)
        for codec, image in planes.items():
            found += _openjpeg(scene, codec, image, ratio)
    return found


def _budget(scene: Scene, ratio: int) -> int:
    return scene.samples.size * OCTETS_PER_SAMPLE // ratio


def ladder(scene: Scene, ratio: int) -> list[int]:
    """Budgets of all layers from the coarsest to the one of `ratio`."""
    return [_budget(scene, step) for step in LADDER if step >= ratio]


def _perigee(scene: Scene, stream: Stream, ratio: int) -> list[Contender]:
    budgets = ladder(scene, ratio)
    layers = stream.encode(scene.samples, budgets)
    octets = sum(map(len, layers))
    return [
        Contender(
            scene.name, "perigee", "encode", ratio, octets, scene.megapixels,
            lambda: stream.encode(scene.samples, budgets),
        ),
        Contender(scene.name, "perigee", "decode", ratio, octets, scene.megapixels, lambda: stream.decode(layers)),
    ]  # fmt: skip


def _klt_planes(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The peer's components as it gets them; making them is not counted against it."""
    frame = samples.astype(np.float64)
    basis = Basis.of_frame(frame)
    components = np.einsum("kb,brc->krc", basis.rows[:KLT_COMPONENTS], frame - basis.mean[:, None, None])
    return _interleaved(np.clip(np.round(components * SAMPLE_SCALE) + SAMPLE_OFFSET, 0, 65_535).astype(np.uint16))


def _band_planes(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return _interleaved(samples)


def _interleaved(planes: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def _openjpeg_encode(image: NDArray[np.uint16], quality: float) -> bytes:
    return imagecodecs.jpeg2k_encode(image, level=quality, codecformat="j2k", reversible=False, mct=False, numthreads=1)


def _openjpeg(scene: Scene, codec: str, image: NDArray[np.uint16], ratio: int) -> list[Contender]:
    quality = _quality(image, _budget(scene, ratio))
    codestream = _openjpeg_encode(image, quality)
    return [
        Contender(
            scene.name, codec, "encode", ratio, len(codestream), scene.megapixels,
            lambda: _openjpeg_encode(image, quality),
        ),
        Contender(
            scene.name, codec, "decode", ratio, len(codestream), scene.megapixels,
            lambda: imagecodecs.jpeg2k_decode(codestream, numthreads=1),
        ),
    ]  # fmt: skip


def _quality(image: NDArray[np.uint16], budget: int) -> float:
    """The highest quality target whose codestream fits the budget, or the lowest that was tried."""
    low, high = 2.0, 100.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if len(_openjpeg_encode(image, middle)) <= budget:
            low = middle
        else:
            high = middle
    return low
