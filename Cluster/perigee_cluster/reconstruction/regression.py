"""History regressed onto what was received, and brought into the received intervals: no network, the baseline of all.

The plain decode puts zero where nothing was sent. Here it is what the place's past lets expect there, as far as the
packets themselves bear it out (`evidence`), and never outside of what they said (`projection`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.history.frame import HistoryFrame
from perigee_cluster.reconstruction import deviation, evidence, model
from perigee_cluster.reconstruction.censored import cut, touched
from perigee_cluster.reconstruction.deterministic import Decoded, Deterministic, decode
from perigee_cluster.reconstruction.mallat import Layout, layout
from perigee_cluster.reconstruction.matching import filled, matched
from perigee_cluster.reconstruction.model import Settings, Singles
from perigee_cluster.reconstruction.projection import project
from perigee_cluster.reconstruction.series import least_gap, weights_near
from perigee_cluster.reconstruction.values import Flag, Reconstruction, Request
from perigee_codec import Stream

# Frames of history that enter; more cost time and gain nothing measurable.
FRAMES = 8
# Finer than this ratio of raw octets to octets the decode leaves nothing to add.
FINEST_RATIO = 60
# Pixels over which contrast is looked at.
CONTRAST = 16


@dataclass(frozen=True)
class RegressProject:
    """The reconstruction of a received frame from the place's history."""

    settings: Settings = field(default_factory=Settings)
    name: str = "regressed-1"

    def reconstruct(self, request: Request) -> Reconstruction:
        """The product; the plain decode where there is no history or nothing to add."""
        decoded = decode(request)
        frames, samples, masks = matched(request)
        plain = Deterministic()
        if decoded.known is None or not frames:
            return plain.product(request, decoded)
        if decoded.ratio < FINEST_RATIO:
            return plain.product(request, decoded, notes=("received finer than history could help",))
        if _is_open(decoded):
            return plain.product(
                request, decoded, notes=("finer layers may turn the bases: coarse levels have no bounds",)
            )
        weights = weights_near([frame.time for frame in frames], request.time)
        chosen = np.sort(np.argsort(-weights, kind="stable")[:FRAMES])
        whole = filled([samples[i] for i in chosen], [masks[i] for i in chosen], decoded.samples_BHW.astype(np.float32))
        frames_FKN = _coefficients(decoded.tokens.stream, whole, decoded.known.choice)
        frame_layout = layout(*decoded.tokens.stream.shape[1:])
        estimate = estimated(decoded, frames_FKN, weights[chosen] / weights[chosen].sum(), frame_layout, self.settings)
        return self._product(request, decoded, estimate, [frames[i] for i in chosen])

    def _product(
        self, request: Request, decoded: Decoded, estimate: Estimate, used: Sequence[HistoryFrame]
    ) -> Reconstruction:
        shape = decoded.tokens.stream.shape
        assert decoded.known is not None
        projected = project(
            decoded.tokens, decoded.known, estimate.mean_KN.reshape(shape), decoded.samples_BHW, request.valid_BHW
        )
        made = projected.samples_BHW.astype(np.float32)
        flags = decoded.flags(request)
        flags[dominated(made, decoded.samples_BHW)] |= int(Flag.HISTORY_DOMINATED)
        fallen = _tiles(projected.fallen, shape[1:])
        flags[fallen] = (flags[fallen] | int(Flag.FALLBACK)) & ~np.uint8(Flag.HISTORY_DOMINATED)
        flags[(flags & int(Flag.NO_DATA)) > 0] = Flag.NO_DATA
        spread = deviation.calibrated(
            deviation.of_coefficients(decoded, estimate.variance_KN), made, request.bands, self.name,
            ratio=decoded.ratio, gap=least_gap([frame.time for frame in used], request.time),
        )  # fmt: skip
        return Reconstruction(
            made,
            spread,
            flags,
            projected.agreement,
            tuple(frame.id for frame in used),
            self.name,
            ("a tile fell back to the decode",) if fallen.any() else (),
        )


def _is_open(decoded: Decoded) -> bool:
    """Whether layers that did not come may still turn the basis of a level: none of its coefficients has a bound then,
    and nothing that was received could judge what history says of it."""
    assert decoded.known is not None
    components, *size = decoded.tokens.stream.shape
    frame_layout = layout(*size)
    bounded = np.isfinite(decoded.known.lower_KHW) | np.isfinite(decoded.known.upper_KHW)
    bounded_N = bounded.reshape(components, -1).any(axis=0)
    seen = np.bincount(frame_layout.level_N, weights=bounded_N, minlength=frame_layout.levels)
    return bool(((seen == 0) & (frame_layout.count_L > 0)).any())


def _coefficients(stream: Stream, frames: NDArray[np.float32], choice: bytes) -> Singles:
    whole = frames
    if stream.dtype.kind in "ui":
        # the least number is what most sensors write where they have nothing
        info = np.iinfo(stream.dtype)
        whole = np.clip(np.rint(frames), info.min + 1, info.max)
    return np.stack(
        [stream.forward(frame.astype(stream.dtype), choice=choice)[0].reshape(stream.shape[0], -1) for frame in whole]
    )


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mean and variance of every coefficient, given intervals and history."""

    mean_KN: Singles
    variance_KN: Singles


def estimated(
    decoded: Decoded,
    frames_FKN: Singles,
    weights_F: NDArray[np.float64],
    frame_layout: Layout,
    settings: Settings,
) -> Estimate:
    """Regression, gate and the mean inside each interval."""
    assert decoded.known is not None
    components = decoded.tokens.stream.shape[0]
    lower, upper = (bounds.reshape(components, -1) for bounds in (decoded.known.lower_KHW, decoded.known.upper_KHW))
    own = decoded.coefficients_KN
    known = model.past(frames_FKN, weights_F, frame_layout, settings)
    predicted = model.predict(known, lower, upper, frame_layout, settings)
    # a predicted frame's decode is a mean that both ends believe in: history must beat that one
    plain = np.zeros_like(own) if decoded.tokens.reference is None else own
    judged = evidence.judge(known, predicted, lower, upper, plain, frame_layout)
    level = frame_layout.level_N
    gain = judged.gain_KL.astype(np.float32)[:, level]
    calm, noise = evidence.news(predicted.crossed_KN * gain, predicted.noise_KL, lower, upper, frame_layout)
    mean = own.copy()
    variance = np.empty_like(mean)
    for k in range(components):
        history = _inside(predicted.mean_KN[k] * gain[k], np.sqrt(noise[k])[level] * calm, lower[k], upper[k])
        alone = _inside(own[k], np.sqrt(judged.plain_KL[k])[level].astype(np.float32), lower[k], upper[k])
        weight = judged.weight_KL[k][level].astype(np.float32)
        step = history[0] - own[k]
        mean[k] = own[k] + weight * step
        # of a mixture: the variance inside each, and how far the two stand from what is given
        missed = alone[1] + (alone[0] - mean[k]) ** 2
        variance[k] = weight * (history[1] + ((1 - weight) * step) ** 2) + (1 - weight) * missed
    return Estimate(mean, variance)


def _inside(mean_N: Singles, deviation_N: NDArray, lower_N: Singles, upper_N: Singles) -> tuple[Singles, Singles]:
    """Mean and variance of each coefficient within its interval."""
    deviation_N = deviation_N.astype(np.float32)
    mean, variance = mean_N.copy(), deviation_N**2
    active = touched(mean_N, deviation_N, lower_N, upper_N)
    picked = (plane[active].astype(np.float64) for plane in (mean_N, deviation_N, lower_N, upper_N))
    moments = cut(*picked)
    mean[active], variance[active] = moments.mean, moments.variance
    return mean, variance


def dominated(made_BHW: NDArray, decoded_BHW: NDArray) -> NDArray[np.bool_]:
    """Where more of the contrast within some pixels comes from history than from the decode."""
    added, own = (_contrast(samples) for samples in (made_BHW - decoded_BHW, decoded_BHW))
    return added > own


def _contrast(samples_BHW: NDArray) -> NDArray[np.float64]:
    """Variance about the mean of the pixels around, summed over bands."""
    samples_BHW = np.nan_to_num(samples_BHW.astype(np.float32))
    return np.maximum(_box(samples_BHW**2) - _box(samples_BHW) ** 2, 0).sum(axis=0)


def _box(planes: NDArray[np.float32]) -> NDArray[np.float64]:
    for axis in (1, 2):
        size = planes.shape[axis]
        total = np.concatenate(
            [np.zeros_like(planes.take([0], axis), np.float64), planes.cumsum(axis, np.float64)], axis
        )
        first = np.clip(np.arange(size) - CONTRAST // 2, 0, size)
        last = np.clip(np.arange(size) + CONTRAST // 2 + 1, 0, size)
        width = (last - first).reshape((-1, 1) if axis == 1 else (-1,))
        planes = (total.take(last, axis) - total.take(first, axis)) / width
    return planes


def _tiles(fallen: NDArray[np.bool_], size: Sequence[int]) -> NDArray[np.bool_]:
    """The pixels of tiles."""
    row, column = (
        np.minimum(np.arange(length) // 512, count - 1) for length, count in zip(size, fallen.shape, strict=True)
    )
    return fallen[row[:, None], column]
