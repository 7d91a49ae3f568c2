"""Linear regression on quantities of which only intervals are known.

A coefficient is m + noise of variance s², m linear in features; received is that it lies between `lower` and `upper`.
Means and variances are those of the normal distribution cut to the interval; weights are found by Newton's method on
the likelihood of the intervals with a normal prior. All arrays are flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Beyond so many deviations inside its interval a coefficient learns nothing from it.
REACH = 4.0
# Beyond so many deviations outside, the distribution is that of the tail's own slope.
TAIL = 8.0
HALF_LOG_TAU = 0.9189385332046727
# Complementary error function, relative error 1.2e-7 everywhere (Chebyshev fit; Numerical Recipes, 6.2).
ERFC = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
)  # fmt: skip


def below(x: Doubles) -> Doubles:
    """Share of a normal distribution below x; exact to seven digits in the lower tail."""
    z = np.abs(x) * (0.5**0.5)
    t = 1 / (1 + 0.5 * z)
    power = np.zeros_like(t)
    for term in ERFC:
        power = power * t + term
    tail = 0.5 * t * np.exp(power - z * z)
    return np.where(x < 0, tail, 1 - tail)


def density(x: Doubles) -> Doubles:
    """Of the normal distribution."""
    bounded = np.clip(x, -38, 38)
    return np.exp(-0.5 * bounded * bounded) / 2.5066282746310002


@dataclass(frozen=True)
class Moments:
    """Mean, variance and logarithm of the probability of each interval."""

    mean: Doubles
    variance: Doubles
    log_probability: Doubles


def cut(mean: Doubles, deviation: Doubles, lower: Doubles, upper: Doubles) -> Moments:
    """Moments of normal distributions given that they fall between lower and upper."""
    a, b = (lower - mean) / deviation, (upper - mean) / deviation
    # the lower tail is the exact one: mirror what lies in the upper
    mirrored = a > 0
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    pa, pb = density(a), density(b)
    mass = np.maximum(below(b) - below(a), 1e-300)
    bounded_a, bounded_b = np.clip(a, -38, 38), np.clip(b, -38, 38)
    shift = (pa - pb) / mass
    variance = 1 + (bounded_a * pa - bounded_b * pb) / mass - shift * shift
    log_mass = np.log(mass)
    # intervals narrow beside the deviation are flat, their difference of shares mere rounding
    narrow = b - a < 1e-3
    shift = np.where(narrow, (bounded_a + bounded_b) / 2, shift)
    variance = np.where(narrow, (b - a) ** 2 / 12, variance)
    log_mass = np.where(narrow, np.log(np.maximum(b - a, 1e-12)) - 0.5 * bounded_b**2 - HALF_LOG_TAU, log_mass)
    far = b < -TAIL
    rate = np.maximum(-b, 1)
    shift = np.where(far, b - 1 / rate, shift)
    variance = np.where(far, 1 / rate**2, variance)
    log_mass = np.where(far, -0.5 * b * b - np.log(rate) - HALF_LOG_TAU, log_mass)
    shift = np.clip(shift, a, b)
    shift = np.where(mirrored, -shift, shift)
    return Moments(mean + deviation * shift, np.clip(variance, 1e-6, 1) * deviation**2, log_mass)


def touched(mean: NDArray, deviation: NDArray, lower: NDArray, upper: NDArray, reach: float = REACH) -> NDArray:
    """Numbers of those whose interval says something of them."""
    margin = reach * deviation
    return np.flatnonzero((mean - margin < lower) | (mean + margin > upper))


@dataclass(frozen=True)
class Observed:
    """The coefficients of one component at which something was learned, in double precision."""

    features_RA: Doubles
    lower_A: Doubles
    upper_A: Doubles
    level_A: NDArray[np.int8]
    count_L: NDArray[np.int64]
    """Of all coefficients by level, also those not in A."""

    def only(self, mask_A: NDArray[np.bool_]) -> Observed:
        """Some of them."""
        return Observed(
            self.features_RA[:, mask_A], self.lower_A[mask_A], self.upper_A[mask_A], self.level_A[mask_A], self.count_L
        )


@dataclass(frozen=True)
class Prior:
    """Normal prior of the weights, and variances of noise by level with the weight of so many coefficients."""

    weights_R: Doubles
    precision_R: Doubles
    noise_L: Doubles
    noise_count: float


def fit(
    observed: Observed, prior: Prior, start_R: Doubles, noise_L: Doubles, steps: int, *, learn_noise: bool = True
) -> tuple[Doubles, Doubles]:
    """Weights [R] and variances of noise [L]."""
    weights, noise = start_R.copy(), noise_L.copy()
    levels = len(noise)
    seen_L = np.bincount(observed.level_A, minlength=levels)
    for _ in range(steps):
        mean = weights @ observed.features_RA
        variance = noise[observed.level_A]
        moments = cut(mean, np.sqrt(variance), observed.lower_A, observed.upper_A)
        curvature = np.maximum(1 - moments.variance / variance, 0) / variance
        slope = (moments.mean - mean) / variance
        matrix = (observed.features_RA * curvature) @ observed.features_RA.T + np.diag(prior.precision_R)
        gradient = observed.features_RA @ slope - prior.precision_R * (weights - prior.weights_R)
        weights = weights + np.linalg.solve(matrix, gradient)
        if learn_noise:
            spread = np.bincount(observed.level_A, (moments.mean - mean) ** 2 + moments.variance, levels)
            # where nothing is learned the variance stays what it was
            spread = spread + (observed.count_L - seen_L) * noise
            noise = (spread + prior.noise_count * prior.noise_L) / (observed.count_L + prior.noise_count)
    return weights, noise
