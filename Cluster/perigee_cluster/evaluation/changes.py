"""Changes put into a date that history knows nothing of: does the product still show them?

The detector takes the difference of NDVI between product and last clear frame, means over blocks of the size of the
change, and calls a block changed where it stands out more than all but a twentieth of the blocks of that product: so
each product pays for its own noise, and recall is compared at equal false alarms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.evaluation.cases import GAPS, RATIOS, Coder, cases
from perigee_cluster.evaluation.places import Place
from perigee_cluster.evaluation.run import DEPTH, RECEIVED, targets
from perigee_cluster.metrics.quality import ndvi
from perigee_codec import Model

# Pixels to a side of a change, and rows and columns from the middle: off every power of two.
SIDE = 10
OFFSET = (-5, -11)
FALSE_ALARMS = 0.05
# Factors of reflectance, or DN with a tenth of the old texture; bands that are not named stay.
BURNED = {"B02": 0.8, "B03": 0.75, "B04": 0.8, "B05": 0.65, "B06": 0.5, "B07": 0.45, "B08": 0.45, "B8A": 0.45}
BURNED |= {"B11": 0.9, "B12": 1.25}
LEVELS = {
    "flooded": {
        "B02": 700, "B03": 800, "B04": 700, "B05": 650, "B06": 450, "B07": 430, "B08": 400, "B8A": 350, "B11": 180,
        "B12": 130,
    },
    "built": {
        "B02": 1800, "B03": 2000, "B04": 2200, "B05": 2300, "B06": 2400, "B07": 2500, "B08": 2600, "B8A": 2600,
        "B11": 2800, "B12": 2600,
    },
    "new field": {
        "B02": 350, "B03": 650, "B04": 350, "B05": 950, "B06": 3000, "B07": 3900, "B08": 4200, "B8A": 4300,
        "B11": 1900, "B12": 900,
    },
}  # fmt: skip
KINDS = ("burned", *LEVELS)


@dataclass(frozen=True)
class Shown:
    """One change in one product: share of its amplitude that is there, and whether it is found."""

    place: str
    is_real: bool
    target: str
    ratio: int
    change: str
    method: str
    amplitude: float
    is_found: bool

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def area(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the change."""
    row, column = (size // 2 + shift for size, shift in zip(shape, OFFSET, strict=True))
    return slice(row, row + SIDE), slice(column, column + SIDE)


def planted(samples_BHW: NDArray[np.uint16], names: tuple[str, ...], change: str) -> NDArray[np.uint16]:
    """The samples with the change in its area."""
    made = samples_BHW.astype(np.float64)
    where = area(samples_BHW.shape[1:])
    for number, name in enumerate(names):
        old = made[(number, *where)]
        if change == "burned":
            made[(number, *where)] = old * BURNED.get(name, 1.0)
        elif name in LEVELS[change]:
            made[(number, *where)] = LEVELS[change][name] + 0.1 * (old - old.mean())
    return np.clip(np.rint(made), 1, 65_535).astype(np.uint16)


def found(difference_HW: NDArray[np.float64]) -> bool:
    """Whether the detector calls the area changed."""
    where = area(difference_HW.shape)
    rows, columns = (size // SIDE for size in difference_HW.shape)
    blocks = difference_HW[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE).mean(axis=(1, 3))
    # blocks that share pixels with the change are no measure of noise
    own = [range(part.start // SIDE, (part.stop - 1) // SIDE + 1) for part in where]
    elsewhere = np.ones(blocks.shape, bool)
    elsewhere[
        np.ix_(*(np.array([n for n in one if n < size]) for one, size in zip(own, blocks.shape, strict=True)))
    ] = 0
    noise = np.abs(blocks[elsewhere] - np.median(blocks[elsewhere]))
    here = abs(float(difference_HW[where].mean()) - float(np.median(blocks[elsewhere])))
    return here > float(np.quantile(noise, 1 - FALSE_ALARMS))


def recall(model: Model, places: Iterable[Place], most: int | None = None) -> list[Shown]:
    """Every change in every target that has history near in time."""
    made: list[Shown] = []
    for place in places:
        red, near = place.band("B04"), place.band("B08")
        if not place.has_times or red is None or near is None:
            continue
        coder = Coder(model, place)
        names = tuple(band.name for band in place.bands)
        for case in cases(place, targets(place, most), RATIOS, (DEPTH,), (next(iter(GAPS)),)):
            old = place.dates[case.target].samples_BHW
            last = coder.history(case.history[0]).samples.astype(np.float64)
            for change in KINDS:
                new = planted(old, names, change)
                request = coder.request(case, new)
                if request is None:
                    continue
                where = (slice(None), *area(old.shape[1:]))
                step = new[where].astype(np.float64) - old[where]
                for method in RECEIVED:
                    product = method.reconstruct(request).samples_BHW.astype(np.float64)
                    share = float(((product[where] - old[where]) * step).sum() / (step * step).sum())
                    difference = ndvi(product[red], product[near]) - ndvi(last[red], last[near])
                    made.append(
                        Shown(
                            place.name, place.is_real, place.dates[case.target].name, case.ratio, change, method.name,
                            share, found(difference),
                        )
                    )  # fmt: skip
    return sorted(made, key=lambda one: one.ratio)
