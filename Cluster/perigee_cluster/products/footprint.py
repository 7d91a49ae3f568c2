"""Outlines of frames in WGS 84."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from rasterio.errors import CRSError
from rasterio.warp import transform_geom

from perigee_cluster.data.grid import Grid

STEPS = 4
"""Into which an edge is divided, as a straight edge of the CRS is none in degrees."""


def footprint(grid: Grid) -> dict[str, Any] | None:
    """GeoJSON of the outline, counter-clockwise, cut at the antimeridian; None where the CRS is not known."""
    outline = {"type": "Polygon", "coordinates": [list(_outline(grid))]}
    try:
        found = transform_geom(grid.crs, "EPSG:4326", outline, antimeridian_cutting=True, precision=7)
    except CRSError:
        return None
    polygons = found["coordinates"] if found["type"] == "MultiPolygon" else [found["coordinates"]]
    rings = [_counter_clockwise([list(point[:2]) for point in polygon[0]]) for polygon in polygons]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def bbox(geometry: dict[str, Any]) -> list[float]:
    """West, south, east, north; west is the greater one across the antimeridian (RFC 7946)."""
    if geometry["type"] == "Polygon":
        rings = geometry["coordinates"]
    else:
        rings = [polygon[0] for polygon in geometry["coordinates"]]
    south = min(point[1] for ring in rings for point in ring)
    north = max(point[1] for ring in rings for point in ring)
    spans = sorted((min(point[0] for point in ring), max(point[0] for point in ring)) for ring in rings)
    if len(spans) > 1:
        return [spans[-1][0], south, spans[0][1], north]
    return [spans[0][0], south, spans[0][1], north]


def _outline(grid: Grid) -> Iterator[tuple[float, float]]:
    a, b, c, d, e, f = grid.transform
    corners = [(0, 0), (0, grid.rows), (grid.columns, grid.rows), (grid.columns, 0), (0, 0)]
    for (column, row), (to_column, to_row) in pairwise(corners):
        for step in range(STEPS):
            x = column + (to_column - column) * step / STEPS
            y = row + (to_row - row) * step / STEPS
            yield a * x + b * y + c, d * x + e * y + f
    yield c, f


def _counter_clockwise(ring: list[list[float]]) -> list[list[float]]:
    area = sum(one[0] * two[1] - two[0] * one[1] for one, two in pairwise(ring))
    return ring if area > 0 else ring[::-1]
