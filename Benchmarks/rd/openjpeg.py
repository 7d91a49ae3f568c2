"""OpenJPEG: one multi-component 16-bit codestream, 9/7, rate allocated over all components by its quality target."""

from __future__ import annotations

from typing import ClassVar

import imagecodecs
import numpy as np

from rd.basis import Planes
from rd.search import Encoded

SAMPLE_SCALE = 2.0
SAMPLE_OFFSET = 32768
START_OF_DATA = b"\xff\x93"
END_OCTETS = 2


def main_header_octets(codestream: bytes) -> int:
    """Octets that a fixed profile could omit: main header and tile-part header up to the first data, and the end."""
    return codestream.index(START_OF_DATA) + len(START_OF_DATA) + END_OCTETS


class OpenJPEG:
    """Planes in, one codestream out. Component counts as in the reference notes, which tuned it so."""

    qualities = (2.0, 100.0)
    enough = 0.03
    components: ClassVar[dict[int, tuple[int, ...]]] = {
        100: (8,),
        300: (5, 8),
        1000: (3, 5),
        3000: (2, 3),
        10000: (1, 2),
    }
    version = f"openjpeg {imagecodecs.jpeg2k_version().split()[-1]}"

    def encode(self, planes: Planes, quality: float) -> Encoded:
        """All planes with one quality target in dB, in one thread."""
        samples = np.clip(np.round(planes * SAMPLE_SCALE) + SAMPLE_OFFSET, 0, 65535).astype(np.uint16)
        image = np.ascontiguousarray(np.moveaxis(samples, 0, -1))
        if image.shape[2] == 1:
            image = image[:, :, 0]
        stream = imagecodecs.jpeg2k_encode(
            image, level=quality, codecformat="j2k", reversible=False, mct=False, numthreads=1
        )
        return Encoded([stream], len(stream), main_header_octets(stream), quality)

    def decode(self, encoded: Encoded, shape: tuple[int, ...]) -> Planes:
        """Planes of `shape`."""
        image = imagecodecs.jpeg2k_decode(encoded.streams[0]).astype(np.float64)
        return (np.moveaxis(image.reshape(*shape[1:], shape[0]), -1, 0) - SAMPLE_OFFSET) / SAMPLE_SCALE
