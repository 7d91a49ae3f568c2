"""Which pixels lie near tile borders, and where the same content lies away from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REACH = 8


@dataclass(frozen=True)
class Line:
    """One axis of a mosaic. A position p means the line between samples p - 1 and p.

    `borders`: of tiles. `mirrors`: where the content is reflected. `join`: the mirror at which another frame begins.
    """

    size: int
    borders: tuple[int, ...]
    mirrors: tuple[int, ...]
    join: int

    def is_near(self) -> NDArray[np.bool_]:
        """Which samples lie within REACH of a tile border."""
        near = np.zeros(self.size, bool)
        for border in self.borders:
            near[border - REACH : border + REACH] = True
        return near

    def image(self, border: int) -> int:
        """Where the content around `border` lies mirrored in the same frame, as far as can be from all that is special.

        Special are tile borders, the join and the ends.
        """
        start, end = (0, self.join) if border < self.join else (self.join, self.size)
        special = (*self.borders, start, end)
        images = [
            2 * mirror - border
            for mirror in self.mirrors
            if start < mirror < end and start + REACH <= 2 * mirror - border <= end - REACH
        ]
        if not images:
            raise ValueError(f"the content around {border} has no mirror image between {start} and {end}")
        return max(images, key=lambda image: min(abs(image - other) for other in special))


@dataclass(frozen=True)
class Strip:
    """Mean squared errors of the samples around one tile border and of their mirror image, where no border lies."""

    axis: str
    border: int
    image: int
    error: float
    image_error: float


def strips(error_HW: NDArray[np.float64], line: Line) -> Iterator[Strip]:
    """Every border of both axes, of a square mosaic whose axes are `line`; without the crossings of borders."""
    away = ~line.is_near()
    for axis, error in (("column", error_HW), ("row", error_HW.T)):
        for border in line.borders:
            image = line.image(border)
            means = [float(error[away, at - REACH : at + REACH].mean()) for at in (border, image)]
            yield Strip(axis, border, image, *means)


def near_and_else(error_HW: NDArray[np.float64], line: Line) -> tuple[float, float]:
    """Mean squared error of all pixels near a tile border of either axis, and of all others."""
    near = line.is_near()
    is_near = near[:, None] | near[None, :]
    return float(error_HW[is_near].mean()), float(error_HW[~is_near].mean())
