"""Spectral bases of the peers: bands as they are, a fixed KLT of training frames, a KLT of the frame itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """A basis (rows are components, strongest first) and the band means, as the decoder has them."""

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

    @classmethod
    def of_corpus(cls, frames: Iterable[NDArray[np.generic]]) -> Basis:
        """The KLT of all pixels of training frames together; both ends have it, so it costs nothing."""
        total, products, count = np.zeros(1), np.zeros((1, 1)), 0
        for frame in frames:
            pixels = frame.reshape(frame.shape[0], -1).astype(np.float64)
            total, products = total + pixels.sum(axis=1), products + pixels @ pixels.T
            count += pixels.shape[1]
        if not count:
            raise ValueError("no training frame has these bands: a fixed basis needs one")
        mean = total / count
        _, vectors = np.linalg.eigh(products / count - np.outer(mean, mean))
        return cls(mean, vectors[:, ::-1].T)

    def forward(self, frame: Planes) -> Planes:
        """Components [components, rows, columns] of a frame [bands, rows, columns]."""
        return np.einsum("kb,brc->krc", self.rows, frame - self.mean[:, None, None])

    def inverse(self, components: Planes) -> Planes:
        """The frame of the first components; the others count as zero."""
        return np.einsum("kb,krc->brc", self.rows[: len(components)], components) + self.mean[:, None, None]
