"""Memory that is wrong: shifted by parts of a pixel, under cloud, of another place. It may cost the flag, no more."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from history.memory import BUDGETS, REMEMBERED, Codec
from history.series import CLOUDY, Date, clear, dense, season_samples
from perigee_codec import Model

# Pixels by which memory lies too far down and to the right.
SHIFTS = (0.0, 0.25, 0.5, 1.0)
OTHER_PLACE = "0121563"
EVERY = 3
LIMIT = 0.05


@dataclass(frozen=True)
class Wrong:
    """One date at one budget: dB over no memory with memory of some kind, and whether it was used."""

    place: str
    day: int
    memory: str
    budget: int
    gain: float
    is_predicted: bool

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self)


def shifted(samples: NDArray[np.uint16], by: float) -> NDArray[np.uint16]:
    """The samples moved down and to the right, resampled with Keys' cubic kernel; borders are repeated."""
    weights = cubic(by)
    result = samples.astype(np.float64)
    for axis in (1, 2):
        size = result.shape[axis]
        rows = np.arange(size)
        taps = [np.take(result, np.clip(rows + step, 0, size - 1), axis=axis) for step in (-2, -1, 0, 1)]
        result = sum(weight * tap for weight, tap in zip(weights, taps, strict=True))
    return np.clip(np.rint(result), 1, 65_535).astype(np.uint16)


def cubic(by: float) -> tuple[float, float, float, float]:
    """Weights of the samples 2 and 1 before, at, and 1 behind the place that lies `by` before a sample, 0 to 1."""

    def kernel(distance: float) -> float:
        x = abs(distance)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    return kernel(2 - by), kernel(1 - by), kernel(by), kernel(1 + by)


def wrong(model: Model, folder: str, place: str) -> list[Wrong]:
    """Every third clear date of a series."""
    everything = dense(folder, place)
    dates = clear(everything)
    codec = Codec(model, dates[0].samples, dates[0].bands)
    cloudy = [one for one in everything if one.cloud >= CLOUDY]
    seasons, bands = season_samples(OTHER_PLACE)
    order = [bands.index(band) for band in dates[0].bands]
    found = []
    for index in range(1, len(dates), EVERY):
        one, before = dates[index], dates[index - 1].samples
        memories = {f"shifted by {by:g}": shifted(before, by) for by in SHIFTS}
        memories |= {"under cloud": nearest(cloudy, one).samples} if cloudy else {}
        rows, columns = one.samples.shape[1:]
        memories["of another place"] = seasons[index % len(seasons)][order, :rows, :columns]
        found += _with(codec, place, one, memories)
    return found


def nearest(dates: list[Date], one: Date) -> Date:
    """The one nearest in time."""
    return min(dates, key=lambda other: abs(other.day - one.day))


def _with(codec: Codec, place: str, one: Date, memories: dict[str, NDArray[np.uint16]]) -> list[Wrong]:
    plain = {budget: codec.encode(one.samples, [budget], None) for budget in BUDGETS}
    found = []
    for name, samples in memories.items():
        remembered = codec.encode(np.ascontiguousarray(samples), [REMEMBERED], None)
        if remembered is None:
            continue
        reference = codec.reference(codec.decode(remembered.layers, None))
        for budget, without in plain.items():
            coded = codec.encode(one.samples, [budget], reference)
            if coded and without:
                found.append(Wrong(place, one.day, name, budget, coded.psnr - without.psnr, coded.is_predicted))
    return found
