"""Changes put into single dates: what share of their amplitude comes back, without memory and with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from history.memory import BUDGETS, Codec
from history.series import clear, dense
from perigee_codec import Model

# Rows and columns of the change: 10 x 10 pixels, off every power of two.
AREA = (slice(27, 37), slice(21, 31))
EVERY = 4
TOLERANCE = 0.03
# Budgets at which what is asked for holds: 100x to 1,000x. Below, 10 x 10 pixels cannot survive.
ASKED = (448, 149, 44)
# Share of the reflectance that fire leaves.
BURNED = {"B02": 0.8, "B03": 0.75, "B04": 0.8, "B05": 0.65, "B06": 0.5, "B07": 0.45, "B08": 0.45, "B8A": 0.45}
BURNED |= {"B11": 0.9, "B12": 1.25}
# DN of turbid water and of bright roofs.
FLOODED = {"B02": 700, "B03": 800, "B04": 700, "B05": 650, "B06": 450, "B07": 430, "B08": 400, "B8A": 350, "B11": 180}
FLOODED |= {"B12": 130}
BUILT = {"B02": 1800, "B03": 2000, "B04": 2200, "B05": 2300, "B06": 2400, "B07": 2500, "B08": 2600, "B8A": 2600}
BUILT |= {"B11": 2800, "B12": 2600}
CHANGES = ("burned", "flooded", "built")


@dataclass(frozen=True)
class Kept:
    """One change in one date at one budget: share of the amplitude and error inside, DN, without memory and with it."""

    place: str
    day: int
    change: str
    budget: int
    plain: float
    predicted: float
    plain_error: float
    predicted_error: float

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        return asdict(self)


def changed(samples: NDArray[np.uint16], bands: tuple[str, ...], change: str) -> NDArray[np.uint16]:
    """The samples with the change in its area; a tenth of the old texture stays on what replaces the ground."""
    made = samples.astype(np.float64)
    for index, band in enumerate(bands):
        old = made[(index, *AREA)]
        if change == "burned":
            made[(index, *AREA)] = old * BURNED[band]
        else:
            level = (FLOODED if change == "flooded" else BUILT)[band]
            made[(index, *AREA)] = level + 0.1 * (old - old.mean())
    return np.clip(np.rint(made), 1, 65_535).astype(np.uint16)


def kept(before: NDArray[np.uint16], after: NDArray[np.uint16], decoded: NDArray[np.uint16]) -> tuple[float, float]:
    """Share of the change from `before` to `after` that `decoded` shows inside the area, and its RMSE there."""
    old, new, shown = (samples[(slice(None), *AREA)].astype(np.float64) for samples in (before, after, decoded))
    step = new - old
    share = float(((shown - old) * step).sum() / (step * step).sum())
    return share, float(np.sqrt(np.mean((shown - new) ** 2)))


def planted(model: Model, folder: str, place: str) -> list[Kept]:
    """Every fourth clear date, each with memory of the dates before it, in which nothing had happened yet."""
    dates = clear(dense(folder, place))
    codec = Codec(model, dates[0].samples, dates[0].bands)
    states = codec.chain(dates)
    found = []
    for index in range(1, len(dates), EVERY):
        one = dates[index]
        for change in CHANGES:
            after = changed(one.samples, one.bands, change)
            reference, _ = codec.remembered(states[:index], after)
            for budget in BUDGETS[1:]:
                plain, predicted = codec.encode(after, [budget], None), codec.encode(after, [budget], reference)
                if plain is None or predicted is None:
                    continue
                share, error = kept(one.samples, after, codec.decode(plain.layers, None))
                its_share, its_error = kept(one.samples, after, codec.decode(predicted.layers, reference))
                found.append(Kept(place, one.day, change, budget, share, its_share, error, its_error))
    return found
