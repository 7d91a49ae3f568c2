"""What history says of the coefficients of a frame: low-rank ridge regression onto the received intervals.

Suffixes: F frames of history, K components, N coefficients of a plane (flat), R features, L levels, A active ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.reconstruction.censored import Observed, Prior, fit, touched
from perigee_cluster.reconstruction.mallat import Layout

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """Chosen on places for training and validation (Docs/reconstruction.md)."""

    rank: int = 10
    """Principal parts of the history that a component may lean on besides its own mean."""
    share: float = 0.3
    """Of the energy of a component's changes in time that one part is expected to explain."""
    noise_gain: float = 1.5
    """Variance about the mean of history that a new date is expected to have, over what dates of history have."""
    noise_floor: float = 25.0
    noise_count: float = 20.0
    steps: int = 5
    fold_steps: int = 2


@dataclass(frozen=True, eq=False)
class Past:
    """History in the coefficients of the frame."""

    frames_FKN: Singles
    weights_F: Doubles
    mean_KN: Singles
    parts_RN: Singles
    change_KL: Doubles
    """Variance in time by level."""

    @property
    def components(self) -> int:
        """K."""
        return self.mean_KN.shape[0]


def past(frames_FKN: Singles, weights_F: Doubles, layout: Layout, settings: Settings) -> Past:
    """Mean by weight, and the principal parts of how the frames differ from it, across dates and components."""
    frames, components, count = frames_FKN.shape
    mean = np.tensordot(weights_F.astype(np.float32), frames_FKN, 1)
    apart = (frames_FKN - mean).reshape(-1, count)
    variance = (apart.reshape(frames, components, count) ** 2).sum(axis=0) / max(frames - 1, 1)
    change = np.stack([np.bincount(layout.level_N, plane, layout.levels) for plane in variance])
    if frames > 1:
        _, vectors = np.linalg.eigh((apart @ apart.T).astype(np.float64))
        rank = min(settings.rank, frames * components - 1)
        parts = vectors[:, ::-1][:, :rank].T.astype(np.float32) @ frames_FKN.reshape(-1, count)
    else:
        # one date: its other components are the parts, and nothing is known of change but what the prior says
        parts = frames_FKN[0]
        energy = np.stack([np.bincount(layout.level_N, plane**2, layout.levels) for plane in mean])
        change = 0.25 * energy
    return Past(frames_FKN, weights_F, mean, parts, change / np.maximum(layout.count_L, 1))


@dataclass(frozen=True, eq=False)
class Predicted:
    """Coefficients as history alone has them, once fitted, with the variance of what it misses."""

    mean_KN: Singles
    crossed_KN: Singles
    """The same of weights that were fitted on the other half of the ground: what may be judged by what was received."""
    noise_KL: Doubles
    again_KL: Doubles
    """Gain with which each level of a date of history follows from the other dates, fitted where this frame was."""


def predict(past_: Past, lower_KN: Singles, upper_KN: Singles, layout: Layout, settings: Settings) -> Predicted:
    """Fits each component by itself, first on all the ground, then on each half of it."""
    made = [_component(past_, k, lower_KN[k], upper_KN[k], layout, settings) for k in range(past_.components)]
    mean, crossed, noise, again = zip(*made, strict=True)
    return Predicted(np.stack(mean), np.stack(crossed), np.stack(noise), np.stack(again))


def _component(
    past_: Past, k: int, lower_N: Singles, upper_N: Singles, layout: Layout, settings: Settings
) -> tuple[Singles, Singles, Doubles, Doubles]:
    features = np.concatenate([past_.mean_KN[k : k + 1], past_.parts_RN])
    count = layout.count_L.astype(np.float64)
    expected = settings.share * float(past_.change_KL[k] @ count)
    energy = np.einsum("rn,rn->r", features, features).astype(np.float64)
    start = np.zeros(len(features))
    start[0] = 1
    noise = past_.change_KL[k] * settings.noise_gain + settings.noise_floor
    prior = Prior(start, np.maximum(energy, 1e-9) / max(expected, 1e-9), noise, settings.noise_count)
    active = touched(features[0], np.sqrt(noise)[layout.level_N].astype(np.float32), lower_N, upper_N, 6.0)
    observed = Observed(
        features[:, active].astype(np.float64), lower_N[active].astype(np.float64),
        upper_N[active].astype(np.float64), layout.level_N[active], layout.count_L,
    )  # fmt: skip
    weights, noise = fit(observed, prior, start, noise, settings.steps)
    mean = weights.astype(np.float32) @ features
    crossed = mean.copy()
    fold_A = layout.fold_N[active]
    for fold in (0, 1):
        other, _ = fit(observed.only(fold_A != fold), prior, weights, noise, settings.fold_steps, learn_noise=False)
        here = layout.fold_N == fold
        crossed[here] = other.astype(np.float32) @ features[:, here]
    return mean, crossed, noise, _again(past_, k, active, noise, expected, layout)


def _again(
    past_: Past, k: int, active: NDArray[np.int64], noise_L: Doubles, expected: float, layout: Layout
) -> Doubles:
    """How well the levels of a date follow from other dates whose relation was found at the active coefficients only:
    it is there that textures which do not outlive a season are known before a packet could tell."""
    frames = past_.frames_FKN[:, k]
    if len(frames) < 3 or not len(active):
        return np.ones(layout.levels)
    products = np.zeros((2, layout.levels))
    weight = 1 / noise_L[layout.level_N[active]]
    for target in range(len(frames)):
        rest = [index for index in range(len(frames)) if index != target]
        own = past_.weights_F[rest] / max(past_.weights_F[rest].sum(), 1e-9)
        mean = own.astype(np.float32) @ frames[rest]
        features = np.concatenate([mean[None], frames[rest]])
        ridge = np.einsum("rn,rn->r", features, features).astype(np.float64) / max(expected, 1e-9)
        start = np.zeros(len(features))
        start[0] = 1
        known = features[:, active].astype(np.float64)
        matrix = (known * weight) @ known.T + np.diag(np.maximum(ridge, 1e-9))
        weights = np.linalg.solve(matrix, (known * weight) @ frames[target, active] + ridge * start)
        predicted = weights.astype(np.float32) @ features
        products[0] += np.bincount(layout.level_N, predicted * frames[target], layout.levels)
        products[1] += np.bincount(layout.level_N, predicted * predicted, layout.levels)
    return products[0] / np.maximum(products[1], 1e-9)


def groups(components: int) -> Sequence[slice]:
    """Components that share gains: each of the first two, the next two, the rest."""
    edges = [edge for edge in (0, 1, 2, 4) if edge < components]
    return [slice(a, b) for a, b in zip(edges, [*edges[1:], components], strict=True)]
