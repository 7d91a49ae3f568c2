"""The plain decode, as a product; and what every reconstruction of a received frame begins with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.tokens import TokenStream
from perigee_cluster.reconstruction import deviation
from perigee_cluster.reconstruction.projection import agreement
from perigee_cluster.reconstruction.values import Agreement, Flag, Reconstruction, Request
from perigee_codec import CodecError, Intervals


@dataclass(frozen=True, eq=False)
class Decoded:
    """A received frame: its decode, and what is known of its coefficients (None of frames sent verbatim)."""

    tokens: TokenStream
    samples_BHW: NDArray[np.generic]
    known: Intervals | None
    coefficients_KN: NDArray[np.float32]

    @property
    def ratio(self) -> float:
        """Raw octets of the samples over octets of the layers."""
        return self.samples_BHW.nbytes / max(sum(map(len, self.tokens.layers)), 1)

    def flags(self, request: Request) -> NDArray[np.uint8]:
        """`MEASURED`, or `NO_DATA` where no band has a value."""
        flags = np.full(self.samples_BHW.shape[1:], Flag.MEASURED, np.uint8)
        if request.valid_BHW is not None:
            flags[~request.valid_BHW.any(axis=0)] = Flag.NO_DATA
        return flags


def decode(request: Request) -> Decoded:
    """What was received; a ValueError where nothing was."""
    tokens = request.tokens
    if tokens is None:
        raise ValueError("tokens is None: nobody observed this date; ask a model of any date for it")
    samples = tokens.decode()
    try:
        known = tokens.intervals()
    except CodecError:
        # sent without a transform: every sample is known as it is
        return Decoded(tokens, samples, None, np.zeros((samples.shape[0], 0), np.float32))
    coefficients, _ = tokens.stream.forward(samples, choice=known.choice)
    return Decoded(tokens, samples, known, coefficients.reshape(samples.shape[0], -1))


@dataclass(frozen=True)
class Deterministic:
    """The decode of the packets at hand, and how far the scene may be from it."""

    name: str = "deterministic"

    def reconstruct(self, request: Request) -> Reconstruction:
        """The decode."""
        return self.product(request, decode(request))

    def product(self, request: Request, decoded: Decoded, notes: tuple[str, ...] = ()) -> Reconstruction:
        """The same of a frame that was decoded already."""
        made = decoded.samples_BHW.astype(np.float32)
        if decoded.known is None:
            spread, agrees = np.zeros_like(made), Agreement(0, 0)
        else:
            variance = deviation.of_decode(decoded)
            spread = deviation.calibrated(
                deviation.of_coefficients(decoded, variance), made, request.bands, self.name, ratio=decoded.ratio
            )
            agrees = agreement(decoded.tokens, decoded.known, decoded.samples_BHW)
        return Reconstruction(made, spread, decoded.flags(request), agrees, (), self.name, notes)
