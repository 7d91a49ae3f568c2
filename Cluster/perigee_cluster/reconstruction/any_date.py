"""A date that nobody observed, from the dates around it.

Each scale of the place goes its own way through time: fine texture lasts, the light of the day does not. So does each
mixture of bands. At each scale dates are weighted by models of time (`series`), for mixtures from the steadiest to the
most restless, chosen by how well they give back the place's own known dates.
Suffixes: C candidates, F frames, S scales, B bands, K mixtures of them, N samples of a plane, H rows, W columns.
"""

from __future__ import annotations

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
# Of the mean variance, added to that of each band, so that no mixture lives on next to nothing.
REGULAR = 1e-3


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
    tried = trials(known)
    own = [(target, others, models.weights(known[others] - known[target])) for target, others in tried]
    is_inside = bool((known <= 0).any() and (known > 0).any())
    prior = models.smoothing_CS if is_inside else models.forecast_CS
    wanted, variance = [], np.zeros_like(stack_FBHW[0])
    for scale in range(len(parts[0])):
        stack = np.stack([part[scale] for part in parts])
        made, missed = _scale(stack, models.weights(known), own, prior[:, scale])
        wanted.append(made)
        variance += _pixels(missed, variance.shape[1:])
    made = join(wanted)
    if not tried:
        variance = (GUESSED_SHARE * np.abs(made) + GUESSED_FLOOR * float(np.abs(made).mean())) ** 2
    return made, variance


Trials = list[tuple[int, list[int], Doubles]]


def _scale(stack_FBHW: Planes, weights_CF: Doubles, own: Trials, prior_C: Doubles) -> tuple[Planes, Planes]:
    """One scale of the date that is asked for, and the squared error when known dates are given back."""
    frames, bands = stack_FBHW.shape[:2]
    flat = stack_FBHW.reshape(frames, bands, -1)
    turn = _steadiness(flat, own) if len(own) >= LEAST_TRIALS else np.eye(bands)
    back = np.linalg.inv(turn)
    turned_FKN = np.einsum("kb,fbn->fkn", turn.astype(np.float32), flat)
    made = np.empty_like(turned_FKN[0])
    missed = np.zeros_like(turned_FKN, shape=(len(own), *made.shape))
    for k in range(bands):
        plane_FN = turned_FKN[:, k]
        gram = (plane_FN @ plane_FN.T).astype(np.float64)
        share = _shares(gram, own, prior_C)
        made[k] = (share @ weights_CF).astype(np.float32) @ plane_FN
        for number, (target, others, weights) in enumerate(own):
            missed[number, k] = (share @ weights).astype(np.float32) @ plane_FN[others] - plane_FN[target]
    error = np.einsum("bk,tkn->tbn", back.astype(np.float32), missed)
    shape = stack_FBHW.shape[1:]
    return (back.astype(np.float32) @ made).reshape(shape), (error**2).sum(axis=0).reshape(shape) / max(len(own), 1)


def _steadiness(flat_FBN: Planes, own: Trials) -> Doubles:
    """Mixtures of bands [K, B] from those that a straight line in time explains best to those it does not: greenness
    moves slowly, haze not at all, and each is smoothed in its own way."""
    frames, bands = flat_FBN.shape[:2]
    line = [flat_FBN[target] - np.tensordot(weights[0].astype(np.float32), flat_FBN[others], 1)
            for target, others, weights in own]  # fmt: skip
    jumps = sum((one @ one.T).astype(np.float64) for one in line) / len(line)
    apart = flat_FBN - flat_FBN.mean(axis=0)
    whole = np.einsum("fbn,fcn->bc", apart, apart).astype(np.float64) / frames
    whole += np.eye(bands) * (REGULAR * np.trace(whole) / bands + 1e-9)
    inverse = np.linalg.inv(np.linalg.cholesky(whole))
    _, vectors = np.linalg.eigh(inverse @ jumps @ inverse.T)
    return vectors.T @ inverse


def _shares(gram: Doubles, own: Trials, prior_C: Doubles) -> Doubles:
    """How much each model counts, by its error on the place's own dates and where models were fitted."""
    odds = -PRIOR * prior_C
    if len(own) >= LEAST_TRIALS:
        error = np.zeros(len(prior_C))
        for target, others, weights in own:
            inner = np.einsum("ci,ij,cj->c", weights, gram[np.ix_(others, others)], weights)
            error += inner - 2 * weights @ gram[others, target] + gram[target, target]
        error = np.maximum(error, 0) + SLIGHT * float(gram.trace()) + 1e-30
        odds = odds - OWN * np.log(error / error[0])
    share = np.exp(odds - odds.max())
    return share / share.sum()


def trials(known: Doubles) -> list[tuple[int, list[int]]]:
    """Dates that can be given back from others as the one that is asked for is: from both sides, or from the past."""
    order = range(len(known))
    if bool((known <= 0).any() and (known > 0).any()):
        return [(target, [one for one in order if one != target]) for target in order[1:-1]]
    # a forecast, or a look back: towards day 0 the order of time is that of distance
    far = sorted(order, key=lambda one: -abs(float(known[one])))
    return [(target, sorted(far[:rank])) for rank, target in enumerate(far) if rank >= 2]


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
