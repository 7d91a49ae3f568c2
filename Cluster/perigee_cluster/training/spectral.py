"""Spectral statistics: how bands vary together at each wavelet level, in several sets that an encoder chooses from.

A covariance is taken inside one frame, level by level, and scaled to trace 1: neither bright frames nor brightness
differences between frames own the bases. Legend: B bands, L levels (0 = low band, 1 = finest, 9 = level 9 and coarser),
S sets, F frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.training.wavelet import subbands

Array = NDArray[np.float64]

LEVEL_COUNT = 10
RIDGE = 1e-4
PARTIAL_WEIGHT = 6.0


@dataclass(frozen=True)
class FrameStatistics:
    """What one frame tells. Bands that the sensor lacks are False in `present_B`, their entries are 0.

    covariance_LBB: mean product of coefficients at each level, DN squared; count_L: coefficients of a band; mean_B: DN.
    """

    name: str
    weight: float
    present_B: NDArray[np.bool_]
    mean_B: Array
    covariance_LBB: Array
    count_L: Array

    def normalised(self) -> Array:
        """Covariances of trace 1 (levels without energy stay 0)."""
        trace_L = np.trace(self.covariance_LBB, axis1=1, axis2=2)
        return self.covariance_LBB / np.where(trace_L > 0, trace_L, 1)[:, None, None]


@dataclass(frozen=True)
class SpectralModel:
    """What goes into the firmware: mean_B in DN, covariance_SLBB of trace 1, the last set common to all frames."""

    mean_B: Array
    covariance_SLBB: Array


def frame_statistics(
    name: str, samples: NDArray[np.generic], reference: NDArray[np.intp], band_count: int, reference_pixels: int
) -> FrameStatistics:
    """Statistics of samples [bands, rows, columns] whose bands have the indices `reference` among `band_count`.

    The weight is the square root of the share of `reference_pixels`: a small patch says less, but not in proportion. A
    product that lacks bands (L2A, the usual one) counts six times, since most training patches are L1C.
    """
    planes = samples.astype(np.float64)
    mean = planes.mean(axis=(1, 2))
    covariance = np.zeros((LEVEL_COUNT, band_count, band_count))
    count = np.zeros(LEVEL_COUNT)
    for level, coefficients in subbands(planes - mean[:, None, None]):
        if level == 0:
            continue
        values = coefficients.reshape(len(reference), -1)
        index = min(level, LEVEL_COUNT - 1)
        covariance[index][np.ix_(reference, reference)] += values @ values.T
        count[index] += values.shape[1]
    covariance /= np.maximum(count, 1)[:, None, None]
    present, mean_B = np.zeros(band_count, bool), np.zeros(band_count)
    present[reference], mean_B[reference] = True, mean
    weight = float(np.sqrt(planes[0].size / reference_pixels)) * (1.0 if present.all() else PARTIAL_WEIGHT)
    return FrameStatistics(name, weight, present, mean_B, covariance, count)


def complete(frames: list[FrameStatistics]) -> list[FrameStatistics]:
    """Fills in the bands that a sensor product lacks (B10 of L2A) by linear regression on the bands it has.

    The regression and its residual variance come from the frames that have every band, level by level, normalised. The
    result is a covariance: the one of the joint Gaussian whose conditional law is the regression's.
    """
    whole = [frame for frame in frames if frame.present_B.all()]
    if not whole:
        raise ValueError("no training frame has every reference band: add an L1C frame")
    pooled_LBB = _weighted_mean([frame.normalised() for frame in whole], [frame.weight for frame in whole])
    mean_B = np.average([frame.mean_B for frame in whole], axis=0, weights=[frame.weight for frame in whole])
    return [frame if frame.present_B.all() else _completed(frame, pooled_LBB, mean_B) for frame in frames]


def _completed(frame: FrameStatistics, pooled_LBB: Array, mean_B: Array) -> FrameStatistics:
    have, lack = np.flatnonzero(frame.present_B), np.flatnonzero(~frame.present_B)
    covariance = frame.covariance_LBB.copy()
    for level in range(1, LEVEL_COUNT):
        pooled, known = pooled_LBB[level], frame.covariance_LBB[level][np.ix_(have, have)]
        own = pooled[np.ix_(have, have)]
        own = own + RIDGE * np.trace(own) / len(have) * np.eye(len(have))
        slope = np.linalg.solve(own, pooled[np.ix_(have, lack)]).T
        residual = pooled[np.ix_(lack, lack)] - slope @ own @ slope.T
        cross = slope @ known
        covariance[level][np.ix_(lack, have)] = cross
        covariance[level][np.ix_(have, lack)] = cross.T
        covariance[level][np.ix_(lack, lack)] = cross @ slope.T + residual * np.trace(known) / np.trace(own)
    means = np.where(frame.present_B, frame.mean_B, mean_B)
    return FrameStatistics(frame.name, frame.weight, np.ones_like(frame.present_B), means, covariance, frame.count_L)


def _weighted_mean(covariances: list[Array], weights: list[float]) -> Array:
    """Weighted mean for each level over the frames that have energy there, trace 1 again.

    A level that no frame has is taken from the next finer one.
    """
    stack_FLBB = np.stack(covariances)
    weight_FL = np.asarray(weights)[:, None] * (np.trace(stack_FLBB, axis1=2, axis2=3) > 0)
    total_LBB = np.einsum("fl,flab->lab", weight_FL, stack_FLBB)
    trace_L = np.trace(total_LBB, axis1=1, axis2=2)
    mean_LBB = total_LBB / np.where(trace_L > 0, trace_L, 1)[:, None, None]
    for level in range(2, LEVEL_COUNT):
        if trace_L[level] == 0:
            mean_LBB[level] = mean_LBB[level - 1]
    return mean_LBB


def bases(covariance_LBB: Array) -> Array:
    """Orthonormal rows for each level, strongest first."""
    _, vectors_LBB = np.linalg.eigh(covariance_LBB)
    return vectors_LBB[:, :, ::-1].swapaxes(1, 2)


def cost(frame: FrameStatistics, basis_LBB: Array, variance: float) -> float:
    """About how many nats the frame takes in this basis down to a distortion of `variance`, as an encoder judges."""
    values_LB = np.einsum("lkb,lbc,lkc->lk", basis_LBB[1:], frame.covariance_LBB[1:], basis_LBB[1:]) / variance
    nats_LB = np.where(values_LB > 1, 1 + np.log(np.maximum(values_LB, 1)), values_LB)
    return float((frame.count_L[1:, None] * nats_LB).sum())


def cluster(
    frames: list[FrameStatistics], set_count: int, shrinkage: float, variance: float, restarts: int = 12, seed: int = 1
) -> Array:
    """covariance_SLBB of `set_count` sets: clusters of frames shrunk to the common covariance, the last set."""
    normalised = [frame.normalised() for frame in frames]
    weights = [frame.weight for frame in frames]
    common = _weighted_mean(normalised, weights)
    reference_F = np.array([cost(frame, bases(common), variance) for frame in frames])
    random = np.random.default_rng(seed)
    best: tuple[float, list[Array]] | None = None
    for _ in range(restarts if set_count > 1 else 0):
        chosen = random.integers(0, set_count - 1, len(frames))
        score = np.inf
        for _ in range(20):
            sets = []
            for index in range(set_count - 1):
                members = np.flatnonzero(chosen == index)
                if not len(members):
                    members = random.integers(0, len(frames), 1)
                own = _weighted_mean([normalised[i] for i in members], [weights[i] for i in members])
                sets.append((own + shrinkage * common) / (1 + shrinkage))
            set_bases = [bases(covariance) for covariance in [*sets, common]]
            cost_FS = np.array([[cost(frame, basis, variance) for basis in set_bases] for frame in frames])
            chosen = cost_FS[:, : set_count - 1].argmin(axis=1)
            now = float((np.asarray(weights) * cost_FS.min(axis=1) / np.maximum(reference_F, 1)).sum())
            if now >= score - 1e-9:
                break
            score = now
        if best is None or score < best[0]:
            best = (score, sets)
    return np.stack([*(best[1] if best else []), common])


def low_band(frames: list[FrameStatistics], mean_B: Array) -> Array:
    """Covariance of frame means about `mean_B`, trace 1: the only level that differences between frames belong to."""
    weight_F = np.array([frame.weight for frame in frames])
    difference_FB = np.stack([frame.mean_B for frame in frames]) - mean_B
    covariance = np.einsum("f,fa,fb->ab", weight_F, difference_FB, difference_FB)
    return covariance / np.trace(covariance)


def fit(frames: list[FrameStatistics], set_count: int, shrinkage: float, variance: float) -> SpectralModel:
    """The model of a firmware: means, and `set_count` sets of covariances with the low band at level 0 of each."""
    whole = complete(frames)
    mean_B = np.average([f.mean_B for f in whole], axis=0, weights=[f.weight for f in whole])
    covariance_SLBB = cluster(whole, set_count, shrinkage, variance)
    covariance_SLBB[:, 0] = low_band(whole, mean_B)
    return SpectralModel(mean_B, covariance_SLBB)
