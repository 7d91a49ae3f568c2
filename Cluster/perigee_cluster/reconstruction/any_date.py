"""A date that nobody observed, from the dates around it.

Each scale of the place goes its own way through time: fine texture lasts, the light of the day does not. So at each
scale dates are weighted by models of time (`series`), chosen by how well they give back the place's own known dates.
Suffixes: C candidates, F frames, S scales, B bands, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.reconstruction import deviation
from perigee_cluster.reconstruction.matching import filled, matched
from perigee_cluster.reconstruction.pyramid import join, split
from perigee_cluster.reconstruction.series import Candidates, candidates, days
from perigee_cluster.reconstruction.values import Agreement, Flag, Reconstruction, Request

Doubles = NDArray[np.float64]
Planes = NDArray[np.float32]

# Dates of history that enter, the nearest on each side always among them.
FRAMES = 12
# How much the error on the place's own dates, and that where models were fitted, count in the choice of a model.
OWN, PRIOR = 10.0, 30.0
# Known dates that must have been given back before the place's own error counts.
LEAST_TRIALS = 2
# Share of a sample, and of the mean sample, that a date may be off where nothing was there to measure it.
GUESSED_SHARE, GUESSED_FLOOR = 0.15, 0.03
# Share of a scale's energy below which errors are all the same.
SLIGHT = 1e-6


@dataclass(frozen=True)
class AnyDate:
    """Smoothing between dates on both sides, or a forecast from one side; looks at no packet of the date itself."""

    name: str = "any-date-1"

    def reconstruct(self, request: Request) -> Reconstruction:
        """The product; a ValueError where no history serves or times are missing."""
        if request.time is None:
            raise ValueError("time is None: say for which date")
        frames, samples, masks = matched(request)
        dated = [number for number, frame in enumerate(frames) if frame.time is not None]
        if not dated:
            raise ValueError(
                "history holds no dated frame for these bands and this grid: nothing is known of the place"
            )
        apart = days([frames[number].time for number in dated], request.time)
        kept = [dated[number] for number in nearest(apart)]
        known = days([frames[number].time for number in kept], request.time)
        stack = filled([samples[number] for number in kept], [masks[number] for number in kept], None)
        made, variance = estimate(stack, known, candidates())
        made = np.maximum(made, 0)
        is_inside = bool((known <= 0).any() and (known > 0).any())
        seen = np.any([masks[number].any(axis=0) for number in kept], axis=0)
        flags = np.where(seen, Flag.SMOOTHED if is_inside else Flag.FORECAST, Flag.NO_DATA).astype(np.uint8)
        method = "smoothed" if is_inside else "forecast"
        spread = deviation.calibrated(
            np.sqrt(variance), made, request.bands, method, gap=float(np.abs(known).min())
        )  # fmt: skip
        return Reconstruction(
            made * seen, spread, flags, Agreement(0, 0), tuple(frames[number].id for number in kept), method
        )


def nearest(apart: Doubles) -> list[int]:
    """Numbers of the dates that enter, in order of time."""
    order = [int(number) for number in np.argsort(np.abs(apart), kind="stable")]
    first = [next((n for n in order if apart[n] <= 0), None), next((n for n in order if apart[n] > 0), None)]
    kept = [number for number in first if number is not None]
    kept += [number for number in order if number not in kept][: max(FRAMES - len(kept), 0)]
    return sorted(kept, key=lambda number: float(apart[number]))


def estimate(stack_FBHW: Planes, known: Doubles, models: Candidates) -> tuple[Planes, Planes]:
    """Samples and their variance."""
    parts = [split(frame) for frame in stack_FBHW]
    scales = len(parts[0])
    grams = np.stack([_gram([part[scale] for part in parts]) for scale in range(scales)])
    tried = trials(known)
    own = _own_errors(grams, known, models, tried)
    is_inside = bool((known <= 0).any() and (known > 0).any())
    prior = models.smoothing_CS if is_inside else models.forecast_CS
    wanted, variance = [], np.zeros_like(stack_FBHW[0])
    for scale in range(scales):
        odds = -PRIOR * prior[:, scale]
        if len(tried) >= LEAST_TRIALS:
            slight = SLIGHT * float(grams[scale].trace()) / len(known) + 1e-30
            odds = odds - OWN * np.log((own[:, scale] + slight) / (own[0, scale] + slight))
        share = np.exp(odds - odds.max())
        share /= share.sum()
        planes = [part[scale] for part in parts]
        wanted.append(_mixed(share @ models.weights(known), planes))
        variance += _pixels(_missed(planes, known, models, share, tried), variance.shape[1:])
    made = join(wanted)
    if not tried:
        variance = (GUESSED_SHARE * np.abs(made) + GUESSED_FLOOR * float(np.abs(made).mean())) ** 2
    return made, variance


def trials(known: Doubles) -> list[tuple[int, list[int]]]:
    """Dates that can be given back from others as the one that is asked for is: from both sides, or from the past."""
    order = range(len(known))
    if bool((known <= 0).any() and (known > 0).any()):
        return [(target, [one for one in order if one != target]) for target in order[1:-1]]
    # a forecast, or a look back: towards day 0 the order of time is that of distance
    far = sorted(order, key=lambda one: -abs(float(known[one])))
    return [(target, sorted(far[:rank])) for rank, target in enumerate(far) if rank >= 2]


def _own_errors(
    grams_SFF: Doubles, known: Doubles, models: Candidates, tried: Sequence[tuple[int, list[int]]]
) -> Doubles:
    """Mean squared error [C, S] of each model on the place's own dates."""
    total = np.zeros((len(models.models) + 1, len(grams_SFF)))
    for target, others in tried:
        weights = models.weights(known[others] - known[target])
        for scale, gram in enumerate(grams_SFF):
            inner = np.einsum("ci,ij,cj->c", weights, gram[np.ix_(others, others)], weights)
            total[:, scale] += inner - 2 * weights @ gram[others, target] + gram[target, target]
    return np.maximum(total, 0) / max(len(tried), 1)


def _missed(
    planes: Sequence[Planes], known: Doubles, models: Candidates, share: Doubles, tried: Sequence[tuple[int, list[int]]]
) -> Planes:
    """Mean squared error of each sample of one scale when the place's own dates are given back."""
    total = np.zeros_like(planes[0])
    for target, others in tried:
        weights = share @ models.weights(known[others] - known[target])
        total += (_mixed(weights, [planes[one] for one in others]) - planes[target]) ** 2
    return total / max(len(tried), 1)


def _gram(planes: Sequence[Planes]) -> Doubles:
    flat = np.stack([plane.ravel() for plane in planes]).astype(np.float64)
    return flat @ flat.T / flat.shape[1]


def _mixed(weights: Doubles, planes: Sequence[Planes]) -> Planes:
    made = np.zeros_like(planes[0])
    for weight, plane in zip(weights, planes, strict=True):
        made += np.float32(weight) * plane
    return made


def _pixels(planes: Planes, shape: tuple[int, ...]) -> Planes:
    """Variances of a scale on the grid of the frame, each with its neighbours."""
    for axis, size in ((1, shape[0]), (2, shape[1])):
        around = np.arange(planes.shape[axis])
        before, after = np.maximum(around - 1, 0), np.minimum(around + 1, planes.shape[axis] - 1)
        planes = (planes.take(before, axis) + planes + planes.take(after, axis)) / 3
        repeat = -(-size // planes.shape[axis])
        side = 1 << (repeat - 1).bit_length()
        planes = planes.repeat(side, axis).take(np.arange(size), axis)
    return planes
