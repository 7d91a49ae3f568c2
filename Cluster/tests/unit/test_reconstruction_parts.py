"""The parts of a reconstruction, each against its definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perigee_cluster.data.grid import Band, Grid
from perigee_cluster.evaluation.changes import KINDS, area, found, planted
from perigee_cluster.evaluation.places import profile_bands
from perigee_cluster.history.frame import HistoryFrame, Quality
from perigee_cluster.reconstruction import AnyDate, Flag, Request
from perigee_cluster.reconstruction.censored import cut
from perigee_cluster.reconstruction.cover import COVERS, cover
from perigee_cluster.reconstruction.mallat import layout
from perigee_cluster.reconstruction.matching import filled, matched
from perigee_cluster.reconstruction.pyramid import join, split
from perigee_cluster.reconstruction.series import candidates, plain_weights

S2 = profile_bands(("B02", "B03", "B04", "B08", "B8A", "B11", "B12"))
L8 = tuple(
    Band(name, wavelength, width)
    for name, wavelength, width in (
        ("B2", 0.482, 0.06), ("B3", 0.561, 0.057), ("B4", 0.655, 0.037), ("B5", 0.865, 0.028), ("B6", 1.609, 0.085),
        ("B7", 2.201, 0.187),
    )
)  # fmt: skip
START = np.datetime64("2024-06-01", "ms")
DAY = np.timedelta64(1, "D")


def frame(samples: np.ndarray, day: float, bands: tuple[Band, ...], grid: Grid | None = None) -> HistoryFrame:
    quality = Quality(1_000, 1, 500.0, 1.0, (), "test", 0)
    when = START + np.timedelta64(round(day * 24), "h")
    valid = np.ones(samples.shape, np.bool_)
    return HistoryFrame(f"s/1/{day}", samples.astype(np.float32), valid, when, "s", bands, grid, quality)


def test_moments_of_a_cut_normal_distribution_are_those_of_draws() -> None:
    random = np.random.default_rng(4)
    draws = random.normal(0, 1, 2_000_000)
    for lower, upper in ((-0.5, 0.5), (0.3, 1.0), (-2.5, -1.8), (-1e9, 0.2), (1.0, np.inf), (-6, 6)):
        inside = draws[(draws >= lower) & (draws <= upper)]
        got = cut(*(np.array([value]) for value in (10.0, 3.0, 10 + 3 * lower, 10 + 3 * upper)))
        assert got.mean[0] == pytest.approx(10 + 3 * inside.mean(), abs=0.02)
        assert got.variance[0] == pytest.approx(9 * inside.var(), rel=0.02, abs=1e-3)
        assert got.log_probability[0] == pytest.approx(np.log(len(inside) / len(draws)), abs=0.03)


def test_moments_stay_inside_however_far_the_interval_is() -> None:
    for lower, upper in ((50.0, 51.0), (-4_000.0, -3_900.0), (8.0, np.inf), (7.9, 8.1), (0.0, 1e-6)):
        got = cut(np.zeros(1), np.ones(1), np.array([lower]), np.array([upper]))
        assert lower <= got.mean[0] <= upper
        assert 0 < got.variance[0] <= 1
        assert np.isfinite(got.log_probability[0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (64, 64), (37, 52), (520, 800)])
def test_every_coefficient_has_one_place(shape: tuple[int, int]) -> None:
    made = layout(*shape)
    assert made.level_N.min() >= 1
    assert made.count_L.sum() == shape[0] * shape[1]
    assert set(np.unique(made.fold_N)) <= {0, 1, 2}
    tiles, (down, across) = made.tiles()
    assert tiles.max() == down * across - 1
    energy = np.ones((2, shape[0] * shape[1]), np.float32)
    total = sum(made.spread(made.energy(energy, level), level).sum() for level in range(1, made.levels))
    # blocks at the border reach beyond the frame, never the other way round
    assert 0.2 * energy.sum() < total <= energy.sum() * 1.001 + 4


@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 5, 64), (3, 61, 90)])
def test_scales_sum_up_to_the_frame(shape: tuple[int, int, int]) -> None:
    planes = np.random.default_rng(1).normal(0, 100, shape).astype(np.float32)
    assert np.allclose(join(split(planes)), planes, atol=1e-3)


def test_landsat_stands_in_for_sentinel_by_wavelength() -> None:
    samples = np.arange(6 * 4).reshape(6, 2, 2)
    request = Request(None, START, S2, [frame(samples, 0, L8)], shape=(7, 2, 2))
    (_,), (made,), (valid,) = matched(request)
    assert np.array_equal(made[4], samples[3])
    assert valid[[0, 1, 2, 4, 5, 6]].all()


def test_history_lies_on_the_grid_that_is_asked_for() -> None:
    here = Grid("EPSG:32631", (10, 0, 500_000, 0, -10, 5_600_000), 4, 5)
    moved = replace(here, transform=(10, 0, 500_020, 0, -10, 5_600_010))
    bands = S2[:1]
    values = np.arange(20.0).reshape(1, 4, 5)
    history = [frame(values, 0, bands, moved), frame(values, 1, bands, replace(here, crs="EPSG:32632"))]
    (used,), (made,), (valid,) = matched(Request(None, START, bands, history, here, (1, 4, 5)))
    assert used is history[0]
    assert np.array_equal(made[0, 0:3, 2:5], values[0, 1:4, 0:3])
    assert valid[0, :3, 2:].all()
    assert not valid[0, :, :2].any()
    (_,), (made,), _ = matched(Request(None, START, bands, [frame(values, 0, bands)], here, (1, 4, 5)))
    assert np.array_equal(made, values)


def test_holes_are_filled_from_the_other_dates_at_the_level_of_their_own() -> None:
    dates = [np.full((1, 4, 4), 100.0, np.float32), np.full((1, 4, 4), 300.0, np.float32)]
    masks = [np.ones((1, 4, 4), np.bool_), np.ones((1, 4, 4), np.bool_)]
    dates[1][0, 0], masks[1][0, 0] = 9_999, False
    masks[0][0, 3], masks[1][0, 3] = False, False
    made = filled(dates, masks, None)
    assert np.allclose(made[1, 0, 0], 200)
    assert np.allclose(made[:, 0, 3], [[100] * 4, [300] * 4])
    assert np.allclose(filled(dates, masks, np.full((1, 4, 4), 7, np.float32))[:, 0, 3], 7)


def test_a_line_is_drawn_between_both_sides() -> None:
    assert plain_weights(np.array([-30.0, -10.0, 30.0])).tolist() == [0, 0.75, 0.25]
    assert plain_weights(np.array([-30.0, -10.0])).tolist() == [0, 1]
    for weights in candidates().weights(np.array([-20.0, -5.0, 5.0, 40.0])):
        assert 0.5 < weights.sum() < 1.2


def test_any_date_smooths_between_and_forecasts_beyond() -> None:
    random = np.random.default_rng(2)
    base = random.uniform(500, 3_000, (2, 40, 40))
    days = np.arange(-50, 51, 10)
    days = days[days != 0]
    bands = S2[:2]

    def scene(day: float) -> np.ndarray:
        return base * (1 + 0.002 * day)

    frames = [frame(scene(day) + random.normal(0, 40, base.shape), day, bands) for day in days]
    made = AnyDate().reconstruct(Request(None, START, bands, frames))
    line = (frames[4].samples + frames[5].samples) / 2
    assert made.method == "smoothed"
    assert (made.flags_HW == Flag.SMOOTHED).all()
    assert len(made.used) == 10
    assert np.mean((made.samples_BHW - scene(0)) ** 2) < 0.9 * np.mean((line - scene(0)) ** 2)
    ahead = AnyDate().reconstruct(Request(None, START, bands, frames[:5]))
    assert ahead.method == "forecast"
    assert (ahead.flags_HW == Flag.FORECAST).all()
    assert np.sqrt(np.mean((ahead.samples_BHW - scene(0)) ** 2)) < 150
    one = AnyDate().reconstruct(Request(None, START, bands, frames[:1]))
    assert np.array_equal(np.rint(one.samples_BHW), np.rint(frames[0].samples)) or np.isfinite(one.samples_BHW).all()
    assert (one.deviation_BHW > 0).all()


def test_any_date_says_where_nothing_was_ever_seen() -> None:
    values = np.full((2, 30, 30), 1_000.0)
    frames = [frame(values, day, S2[:2]) for day in (-10, 10)]
    for one in frames:
        one.valid[:, :5] = False
    made = AnyDate().reconstruct(Request(None, START, S2[:2], frames))
    assert (made.flags_HW[:5] == Flag.NO_DATA).all()
    assert (made.samples_BHW[:, :5] == 0).all()
    assert np.allclose(made.samples_BHW[:, 5:], 1_000, rtol=0.05)


def test_cover_follows_reflectance() -> None:
    bands = profile_bands(("B02", "B04", "B08"))
    pixels = np.array([[300, 400, 300], [400, 500, 4_000], [500, 1_500, 2_500], [5_000, 5_000, 5_000]], np.float32)
    found_cover = cover(pixels.T[:, :, None], bands)[:, 0]
    assert [COVERS[number] for number in found_cover] == ["water", "vegetation", "other", "bright"]
    assert not cover(pixels.T[:, :, None], tuple(Band(str(n)) for n in range(3))).any()


def test_the_detector_sees_a_change_and_not_its_absence() -> None:
    random = np.random.default_rng(3)
    noise = random.normal(0, 0.02, (128, 128))
    where = area(noise.shape)
    quiet = noise.copy()
    quiet[where] = 0
    assert not found(quiet)
    for change in KINDS:
        names = ("B04", "B08")
        before = np.full((2, 128, 128), 2_000, np.uint16)
        after = planted(before, names, change)
        assert (after != before)[(slice(None), *where)].any()
        assert (after == before)[:, :40].all()
    loud = noise.copy()
    loud[where] = -0.3
    assert found(loud)
