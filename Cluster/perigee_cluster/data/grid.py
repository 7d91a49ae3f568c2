"""Where samples lie, and what their bands see: the values that everything above shares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """A band of a frame; wavelength and width in micrometres, GSD in metres, None where not known."""

    name: str
    wavelength: float | None = None
    width: float | None = None
    gsd: float | None = None
    is_categorical: bool = False


@dataclass(frozen=True)
class Grid:
    """Where samples lie: x = a column + b row + c, y = d column + e row + f in units of the CRS, at corners."""

    crs: str
    """As STAC's `proj:code`: `EPSG:32631`."""
    transform: tuple[float, float, float, float, float, float]
    """a, b, c, d, e, f, as in STAC's `proj:transform`."""
    rows: int
    columns: int

    @property
    def is_north_up(self) -> bool:
        """Whether columns run east and rows south, with square samples."""
        a, b, _, d, e, _ = self.transform
        return b == 0 and d == 0 and a > 0 and e == -a

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least and greatest x and y of the corners: x0, y0, x1, y1."""
        a, b, c, d, e, f = self.transform
        x = [c + a * column + b * row for column in (0, self.columns) for row in (0, self.rows)]
        y = [f + d * column + e * row for column in (0, self.columns) for row in (0, self.rows)]
        return min(x), min(y), max(x), max(y)
