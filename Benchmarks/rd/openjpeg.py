"""The peers: OpenJPEG on the bands as they are and on a per-frame KLT, at most N octets with all side information.

One multi-component 16-bit codestream, 9/7, rate allocation over all components by OpenJPEG's quality target, which is
bisected to the budget. Component count and downsampling factor: the best of a few, chosen by PSNR per frame and rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from rd.resample import down, up

Planes = NDArray[np.float64]

SAMPLE_SCALE = 2.0
SAMPLE_OFFSET = 32768
START_OF_DATA = b"\xff\x93"
BISECTIONS = 12

COMPONENTS = {100: (8,), 300: (5, 8), 1000: (3, 5), 3000: (2, 3), 10000: (1, 2)}
FACTORS = {100: (1,), 300: (1, 2), 1000: (1, 2, 4), 3000: (2, 4, 8), 10000: (8, 16)}


@dataclass(frozen=True)
class Basis:
    """A basis (rows are components) and the band means, as the decoder will see them."""

    mean: Planes
    rows: Planes

    @classmethod
    def identity(cls, bands: int) -> Basis:
        """Bands as they are."""
        return cls(np.zeros(bands), np.eye(bands))

    @classmethod
    def of_frame(cls, frame: Planes) -> Basis:
        """The KLT of one frame: means rounded to 16 bits, entries to 8 bits, orthonormal again as decoded."""
        pixels = frame.reshape(frame.shape[0], -1)
        mean = np.round(pixels.mean(axis=1))
        _, vectors = np.linalg.eigh(np.cov(pixels))
        sent = np.round(vectors[:, ::-1] * 127) / 127
        orthonormal, triangle = np.linalg.qr(sent)
        return cls(mean, (orthonormal * np.sign(np.diag(triangle))).T)


def klt_side_octets(bands: int) -> Callable[[int], int]:
    """Side information of the per-frame KLT: 8 bits for each entry of the rows sent, 16 bits for each mean."""
    return lambda components: bands * components + 2 * bands


def without_header(side: Callable[[int], int]) -> Callable[[int], int]:
    """Side information where the headers are not counted: 4 octets still say count, factor and quantiser."""
    return lambda components: side(components) + 4


@dataclass(frozen=True)
class Candidate:
    """The best reconstruction within a budget, and how it was made."""

    reconstruction: Planes
    octets: int
    components: int
    factor: int


def _codestream(planes: Planes, quality: float) -> bytes:
    samples = np.clip(np.round(planes * SAMPLE_SCALE) + SAMPLE_OFFSET, 0, 65535).astype(np.uint16)
    image = np.ascontiguousarray(np.moveaxis(samples, 0, -1))
    if image.shape[2] == 1:
        image = image[:, :, 0]
    return imagecodecs.jpeg2k_encode(image, level=quality, codecformat="j2k", reversible=False, mct=False, numthreads=1)


def _decode(codestream: bytes, shape: tuple[int, ...]) -> Planes:
    image = imagecodecs.jpeg2k_decode(codestream).astype(np.float64).reshape(shape[1], shape[2], shape[0])
    return (np.moveaxis(image, -1, 0) - SAMPLE_OFFSET) / SAMPLE_SCALE


def main_header_octets(codestream: bytes) -> int:
    """Octets up to the first data of the tile: main header and tile-part header, which a fixed profile could omit."""
    return codestream.index(START_OF_DATA) + len(START_OF_DATA) + 2


def _best_codestream(planes: Planes, budget: int, omit_header: bool) -> tuple[bytes, int] | None:
    low, high, best = 2.0, 100.0, None
    for _ in range(BISECTIONS):
        quality = (low + high) / 2
        codestream = _codestream(planes, quality)
        size = len(codestream) - (main_header_octets(codestream) if omit_header else 0)
        if size <= budget:
            if best is None or size >= best[1]:
                best = (codestream, size)
            low = quality
            if size > budget * 0.997:
                break
        else:
            high = quality
        if best is not None and high - low < 0.03:
            break
    return best


def best_reconstruction(
    frame: Planes, basis: Basis, budget: int, ratio: int, side: Callable[[int], int] | None, omit_header: bool
) -> Candidate | None:
    """The best reconstruction of `frame` in `budget` octets; None when even the smallest codestream does not fit.

    `side` counts the side information of a number of components; None sends all bands and no side information.
    """
    bands, rows, columns = frame.shape
    transformed = np.einsum("kb,brc->krc", basis.rows, frame - basis.mean[:, None, None])
    best: tuple[float, Candidate] | None = None
    for components in COMPONENTS[ratio] if side else (bands,):
        extra = side(components) if side else 0
        for factor in FACTORS[ratio]:
            if budget - extra < 20:
                continue
            planes = down(transformed[:components], factor)
            found = _best_codestream(planes, budget - extra, omit_header)
            if found is None:
                continue
            decoded = up(_decode(found[0], planes.shape), rows, columns)
            result = np.einsum("kb,krc->brc", basis.rows[:components], decoded) + basis.mean[:, None, None]
            error = float(((np.clip(np.round(result), 0, 65535) - frame) ** 2).mean())
            if best is None or error < best[0]:
                best = (error, Candidate(result, found[1] + extra, components, factor))
    return None if best is None else best[1]
