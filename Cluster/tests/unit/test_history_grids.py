"""Lattices, cells and other sensors: where samples of history lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perigee_cluster.archive.places import Cell, cells
from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.history.frame import HistoryFrame, Quality
from perigee_cluster.history.lattice import Lattice, Window
from perigee_cluster.history.matching import band_numbers, serve_as
from perigee_cluster.history.store import Entry, History

QUALITY = Quality(10, 1, 1.0, 1.0, (1,), "test", 1)
SENTINEL = (
    Band("B02", 0.4927, 0.065, 10), Band("B04", 0.6646, 0.03, 10), Band("B05", 0.7041, 0.014, 20),
    Band("B08", 0.8324, 0.106, 10), Band("B8A", 0.8648, 0.02, 20),
)  # fmt: skip
LANDSAT = (Band("B2", 0.482, 0.06), Band("B4", 0.6546, 0.037), Band("B5", 0.8646, 0.028), Band("B8", 0.5895, 0.173))


def north_up(x: float, y: float, pixel: float, rows: int, columns: int) -> Grid:
    return Grid("EPSG:32631", (pixel, 0, x, 0, -pixel, y), rows, columns)


@pytest.mark.parametrize(("pixel", "x", "y"), [(10, 0, 0), (10, 3.7, 8.1), (30, 15, 15), (20, 0, 10), (250, 7, 9)])
def test_cells_share_a_lattice_without_gap_or_overlap(pixel: float, x: float, y: float) -> None:
    grid = north_up(500_000 + x, 5_000_000 + y, pixel, 700, 900)
    lattice, window = Lattice.of(grid)
    assert lattice.grid(window).transform == pytest.approx(grid.transform, abs=pixel / 1_000)
    counted = np.zeros((700, 900), int)
    for cell in cells(grid):
        part = lattice.window(cell).meet(window)
        if not part.is_empty:
            counted[part.within(window)] += 1
    assert (counted == 1).all()
    first = lattice.window(cells(grid)[0])
    neighbour = lattice.window(Cell(32_631, cells(grid)[0].size, cells(grid)[0].column + 1, cells(grid)[0].row))
    assert first.column + first.columns == neighbour.column


def test_windows_meet() -> None:
    first, second = Window(0, 0, 4, 4), Window(-2, 3, 4, 9)
    assert first.meet(second) == Window(0, 3, 2, 1)
    assert first.meet(Window(9, 9, 1, 1)).is_empty
    assert Window(0, 3, 2, 1).within(second) == (slice(2, 4), slice(0, 1))


def entry(name: str, grid: Grid, samples: np.ndarray, valid: np.ndarray | None = None) -> Entry:
    return Entry(
        name, np.datetime64("2024-06-01", "ms"), samples, np.ones(samples.shape, bool) if valid is None else valid,
        "sentinel-2-l2a", SENTINEL[: len(samples)], 0, 1e-4, 0.0, grid, tuple(cell.id for cell in cells(grid)), QUALITY,
    )  # fmt: skip


def test_frames_are_cut_into_cells_and_put_together_again(tmp_path: Path) -> None:
    random, history = np.random.default_rng(5), History(tmp_path)
    whole = random.integers(1, 9_999, (2, 700, 900), np.uint16)
    ground = north_up(500_000, 5_000_000, 10, 700, 900)
    history.append(entry("whole", ground, whole))
    part = north_up(500_000 + 3_000, 5_000_000 - 2_000, 10, 300, 300)
    valid = np.ones((2, 300, 300), bool)
    valid[:, :30] = False
    history.append(entry("part", part, whole[:, 200:500, 300:600].copy(), valid))
    for asked, rows, columns in ((ground, slice(0, 700), slice(0, 900)), (part, slice(200, 500), slice(300, 600))):
        found = {one.id: history.load(one, asked) for one in history.sightings(asked)}
        assert np.array_equal(found["whole"].samples, whole[:, rows, columns]) and found["whole"].valid.all()
        assert found["part"].grid == asked
        assert np.array_equal(found["part"].samples[found["part"].valid], found["whole"].samples[found["part"].valid])
    shares = {one.id: one.quality.clear_share for one in history.sightings(part)}
    assert shares == {"whole": 1, "part": pytest.approx(0.9, abs=0.02)}
    shares = {one.id: one.quality.clear_share for one in history.sightings(ground)}
    assert shares["part"] == pytest.approx(0.9 * 90_000 / 630_000, rel=0.02)


def test_bands_stand_for_each_other_by_wavelength() -> None:
    assert band_numbers(SENTINEL, LANDSAT) == [0, 1, None, 2, 2]
    assert band_numbers((Band("VV"), Band("scl", is_categorical=True)), (Band("VH"), Band("VV"))) == [1, None]


def landsat(samples: np.ndarray, grid: Grid, valid: np.ndarray | None = None) -> HistoryFrame:
    mask = np.ones(samples.shape, bool) if valid is None else valid
    return HistoryFrame(
        "l", samples.astype(np.float32), mask, None, "landsat-8-oli", LANDSAT[: len(samples)], grid, QUALITY,
        scale=2.75e-5, offset=-0.2,
    )  # fmt: skip


def test_landsat_serves_sentinel_in_its_units_on_its_grid() -> None:
    coarse, fine = north_up(500_015, 5_000_015, 30, 40, 40), north_up(500_200, 4_999_900, 10, 60, 60)
    centres_x = 500_015 + 30 * (np.arange(40) + 0.5)
    centres_y = 5_000_015 - 30 * (np.arange(40) + 0.5)
    reflectance = 0.1 + 1e-5 * (centres_x[None, :] - 500_000) + 2e-5 * (5_000_000 - centres_y[:, None])
    frame = landsat(np.stack([(reflectance + 0.2) / 2.75e-5] * 3), coarse)
    served = serve_as(frame, SENTINEL, fine, scale=1e-4, offset=0.0)
    assert served.grid == fine and served.bands == SENTINEL and served.sensor == "landsat-8-oli"
    x, y = 500_200 + 10 * (np.arange(60) + 0.5), 4_999_900 - 10 * (np.arange(60) + 0.5)
    expected = (0.1 + 1e-5 * (x[None, :] - 500_000) + 2e-5 * (5_000_000 - y[:, None])) * 1e4
    assert served.samples[1] == pytest.approx(expected, rel=1e-4)
    assert served.valid[[0, 1, 3, 4]].all() and not served.valid[2].any()


def test_holes_and_borders_stay_holes() -> None:
    coarse, fine = north_up(0, 300, 30, 10, 10), north_up(-300, 600, 10, 90, 90)
    valid = np.ones((3, 10, 10), bool)
    valid[:, 4:6, 4:6] = False
    served = serve_as(landsat(np.full((3, 10, 10), 10_000.0), coarse, valid), SENTINEL, fine, scale=1e-4)
    assert not served.valid[1, 43:47, 43:47].any() and not served.valid[1, :28].any()
    assert served.valid[1, 35:40, 35:60].all()
    assert served.samples[1][served.valid[1]] == pytest.approx(750, rel=1e-4)
    assert not served.samples[~served.valid].any()


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (2, -3), (9, 0)])
def test_frames_end_at_their_edges(right: int, down: int) -> None:
    source, target = north_up(500, 300, 10, 4, 5), north_up(500 + 10 * right, 300 - 10 * down, 10, 4, 5)
    served = serve_as(landsat(np.full((3, 4, 5), 9_000.0), source), SENTINEL, target)
    expected = np.zeros((4, 5), bool)
    expected[max(-down, 0) : max(4 - down, 0), max(-right, 0) : max(5 - right, 0)] = True
    assert np.array_equal(served.valid[1], expected)


def test_finer_samples_are_averaged() -> None:
    fine, coarse = north_up(0, 300, 10, 30, 30), north_up(0, 300, 30, 10, 10)
    random = np.random.default_rng(2).uniform(8_000, 12_000, (3, 30, 30))
    served = serve_as(landsat(random, fine), SENTINEL, coarse, scale=2.75e-5, offset=-0.2)
    means = random[1].reshape(10, 3, 10, 3).mean((1, 3))
    assert served.samples[1] == pytest.approx(means, rel=1e-5)


def test_what_cannot_serve_is_none() -> None:
    here = north_up(0, 300, 30, 10, 10)
    frame = landsat(np.ones((3, 10, 10)), here)
    assert serve_as(frame, SENTINEL, Grid("EPSG:32632", here.transform, 10, 10)) is None
    assert serve_as(frame, (Band("VV"),), here) is None


def test_history_of_another_sensor_is_found_for_a_grid(tmp_path: Path) -> None:
    history = History(tmp_path)
    coarse, fine = north_up(500_015, 5_000_015, 30, 100, 100), north_up(500_200, 4_999_900, 10, 60, 60)
    kind = entry("landsat", coarse, np.full((2, 100, 100), 3_000, np.uint16))
    history.append(kind)
    (sighting,) = history.sightings(fine)
    frame = history.load(sighting, fine)
    served = serve_as(frame, SENTINEL[:2], fine, scale=1e-4)
    assert served.valid.all() and served.samples == pytest.approx(3_000)
