"""Products that agree with what was received: coefficients are brought into their intervals until samples that are
rounded and clipped have theirs inside. Suffixes: B bands, H rows, W columns, K components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.archive.tokens import TokenStream
from perigee_cluster.reconstruction.deviation import unit
from perigee_cluster.reconstruction.mallat import layout
from perigee_cluster.reconstruction.values import Agreement
from perigee_codec import Intervals

# Share of an interval kept free at each end, so that rounding to whole numbers does not leave it.
MARGIN = 0.02
# DN that rounding to whole numbers moves a coefficient by at most, in practice: five deviations of a third of a DN.
ROUNDING = 1.5
# Intervals narrower than this many roundings cannot be promised for whole numbers: the decode itself leaves them. They
# are widened by one rounding. At 16 bits that is near lossless, at 8 bits from about 30x.
NARROW = 4
ROUNDS = 12


@dataclass(frozen=True)
class Projected:
    """Samples in the type of the stream, how they agree, and which tiles were given up [rows, columns of tiles]."""

    samples_BHW: NDArray[np.generic]
    agreement: Agreement
    fallen: NDArray[np.bool_]


def agreement(tokens: TokenStream, known: Intervals, samples_BHW: NDArray[np.generic]) -> Agreement:
    """How the strict forward transform of whole samples lies in the received intervals: without slack but in intervals
    that are narrower than what rounding does."""
    coefficients, _ = tokens.stream.forward(samples_BHW, choice=known.choice)
    sent = _sent(known)
    held = _held(known, coefficients, _rounding(tokens))
    return Agreement(int(sent.sum()), int((sent & held).sum()))


def _rounding(tokens: TokenStream) -> float:
    stream = tokens.stream
    return ROUNDING * unit(stream) if stream.dtype.kind in "ui" else 0.0


def _held(known: Intervals, coefficients_KHW: NDArray[np.float32], rounding: float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        slack = np.where(known.width_KHW < NARROW * rounding, np.float32(rounding), np.float32(0))
    return (known.lower_KHW - slack <= coefficients_KHW) & (coefficients_KHW <= known.upper_KHW + slack)


def _sent(known: Intervals) -> NDArray[np.bool_]:
    return known.is_measurement_KHW & (np.isfinite(known.lower_KHW) | np.isfinite(known.upper_KHW))


def _inner(known: Intervals, rounding: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The intervals shrunk; one-sided ones by their least margin."""
    with np.errstate(invalid="ignore"):
        width = known.width_KHW
        margin = np.where(np.isfinite(width), np.minimum(np.maximum(MARGIN * width, rounding), width / 2), rounding)
    return known.lower_KHW + margin, known.upper_KHW - margin


def project(
    tokens: TokenStream,
    known: Intervals,
    wanted_KHW: NDArray[np.float32],
    decoded_BHW: NDArray[np.generic],
    valid_BHW: NDArray[np.bool_] | None,
) -> Projected:
    """The samples nearest to the coefficients that are wanted and agree with all that was received.

    Tiles where that cannot be had take the coefficients of `decoded_BHW`, the deterministic decode; at last the frame.
    """
    stream = tokens.stream
    lower, upper = _inner(known, _rounding(tokens))
    sent = _sent(known)
    masks = None if valid_BHW is None else valid_BHW[stream.coding_order]
    tile_N, (down, across) = layout(*stream.shape[1:]).tiles()
    tile_HW = tile_N.reshape(stream.shape[1:])
    fallen = np.zeros(down * across, np.bool_)
    wanted = np.where(sent, np.clip(wanted_KHW, lower, upper), wanted_KHW)
    plain = None
    for _ in range(down * across + 1):
        samples, outside = _settle(tokens, known, wanted, (lower, upper, sent), masks)
        if not outside.any():
            held = int(sent.sum())
            return Projected(samples, Agreement(held, held), fallen.reshape(down, across))
        bad = np.zeros_like(fallen)
        bad[np.unique(tile_HW[outside.any(axis=0)])] = True
        if not (bad & ~fallen).any():
            break
        fallen |= bad
        if plain is None:
            plain, _ = stream.forward(decoded_BHW, choice=known.choice)
        wanted = np.where(fallen[tile_HW], plain, wanted)
    fallen[:] = True
    return Projected(decoded_BHW, agreement(tokens, known, decoded_BHW), fallen.reshape(down, across))


def _settle(
    tokens: TokenStream,
    known: Intervals,
    wanted_KHW: NDArray[np.float32],
    inner: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]],
    masks_BHW: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Samples after a bounded number of rounds between pixels and intervals, and which coefficients are outside."""
    stream = tokens.stream
    lower, upper, sent = inner
    coefficients = wanted_KHW
    for _ in range(ROUNDS):
        samples = stream.inverse(coefficients, known.choice, masks_BHW)
        strict, _ = stream.forward(samples, choice=known.choice)
        outside = sent & ~_held(known, strict, _rounding(tokens))
        if not outside.any():
            break
        coefficients = np.where(sent, np.clip(strict, lower, upper), strict)
    return samples, outside
