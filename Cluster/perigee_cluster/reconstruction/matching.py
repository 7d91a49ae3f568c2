"""Frames of history on the bands and the grid of what is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.history.frame import HistoryFrame
from perigee_cluster.history.matching import band_numbers, serve_as
from perigee_cluster.reconstruction.values import Request

log = logging.getLogger(__name__)

# A frame with less than this share of valid samples on the ground asked for says too little.
LEAST_SHARE = 0.1


def matched(request: Request) -> tuple[list[HistoryFrame], list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """The frames that can serve, their samples [B, H, W] on the bands and grid of the request, and which are valid.

    Frames of grade *drawn* never serve.
    """
    frames, samples, masks = [], [], []
    for frame in request.history:
        if frame.grade != "measured":
            log.debug("history of grade %s left out: frame=%s", frame.grade, frame.id)
            continue
        placed = _placed(request, frame)
        if placed is None or placed[1].mean() < LEAST_SHARE:
            log.debug("history that does not cover the request left out: frame=%s", frame.id)
            continue
        frames.append(frame)
        samples.append(placed[0])
        masks.append(placed[1])
    return frames, samples, masks


def _placed(request: Request, frame: HistoryFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    if request.grid is not None and frame.grid is not None and frame.grid != request.grid:
        served = serve_as(frame, request.bands, request.grid, frame.scale, frame.offset)
        return (served.samples, served.valid) if served is not None else None
    if frame.samples.shape[1:] != request.size[1:]:
        return None
    made = np.zeros(request.size, np.float32)
    valid = np.zeros(request.size, np.bool_)
    for band, number in enumerate(band_numbers(request.bands, frame.bands)):
        if number is not None:
            made[band], valid[band] = frame.samples[number], frame.valid[number]
    return made, valid


def filled(
    samples: Sequence[NDArray[np.float32]],
    masks: Sequence[NDArray[np.bool_]],
    otherwise_BHW: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """All frames [K, B, H, W] with something in place of what is not valid: the mean of the frames that have it there,
    moved to the level of the frame; where none has it, `otherwise_BHW` or the mean of the frame's band."""
    stack, valid = np.stack(samples), np.stack(masks)
    if valid.all():
        return stack
    count = valid.sum(axis=0)
    mean = np.where(valid, stack, 0).sum(axis=0) / np.maximum(count, 1)
    for one, mask in zip(stack, valid, strict=True):
        for band in range(len(one)):
            if mask[band].all():
                continue
            known, both = count[band] > 0, mask[band] & (count[band] > 1)
            level = float((one[band][both] - mean[band][both]).mean()) if both.any() else 0.0
            rest = otherwise_BHW[band] if otherwise_BHW is not None else _mean(one[band], mask[band], mean[band], known)
            one[band] = np.where(mask[band], one[band], np.where(known, mean[band] + level, rest))
    return stack


def _mean(plane: NDArray, mask: NDArray, mean: NDArray, known: NDArray) -> float:
    if mask.any():
        return float(plane[mask].mean())
    return float(mean[known].mean()) if known.any() else 0.0
