"""What the history benchmark computes by itself, on hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest

from history.bars import Bar, by_position, gap_bars, position_bars
from history.gaps import Gain, Position
from history.planted import AREA, CHANGES, changed, kept
from history.wrong import cubic, shifted

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")


def ramp() -> np.ndarray:
    rows, columns = np.mgrid[0:64, 0:64]
    return np.stack([1_000 + 10 * rows + 4 * columns + 50 * band for band in range(len(BANDS))]).astype(np.uint16)


def test_weights_of_a_shift_add_up_and_whole_ones_pick_a_sample() -> None:
    for by in (0.0, 0.25, 0.5, 1.0):
        assert sum(cubic(by)) == pytest.approx(1)
    assert cubic(0.0) == (0, 0, 1, 0)
    assert cubic(1.0) == (0, 1, 0, 0)


def test_a_shift_moves_down_and_to_the_right() -> None:
    moved = shifted(ramp(), 1.0)
    assert (moved[:, 1:, 1:] == ramp()[:, :-1, :-1]).all()
    half = shifted(ramp(), 0.5)
    assert (half[:, 2:-2, 2:-2] == ramp()[:, 2:-2, 2:-2] - 7).all()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_lies_in_its_area_alone_and_its_share_is_known(change: str) -> None:
    before = ramp()
    after = changed(before, BANDS, change)
    outside = np.ones(before.shape, bool)
    outside[(slice(None), *AREA)] = False
    assert (after[outside] == before[outside]).all()
    assert (after != before).sum() == 10 * 10 * len(BANDS)
    assert kept(before, after, after) == (pytest.approx(1), 0)
    assert kept(before, after, before)[0] == 0
    half = ((before.astype(np.float64) + after) / 2).astype(np.uint16)
    assert kept(before, after, half)[0] == pytest.approx(0.5, abs=0.01)


def test_bars_say_on_which_side_a_figure_must_lie() -> None:
    assert Bar("gain", 1.0, 1.0).is_met
    assert not Bar("gain", 0.9, 1.0).is_met
    assert Bar("time", 1.6, 1.6, is_ceiling=True).is_met
    assert not Bar("time", 1.7, 1.6, is_ceiling=True).is_met


def test_bars_of_gaps_take_means_and_the_worst_date() -> None:
    rows = [Gain("p", day, 0, 149, 5, 30.0, 30.0 + gain, True, 30.0) for day, gain in enumerate((-0.1, 2.3))]
    bars = {bar.name: bar for bar in gap_bars(rows)}
    assert bars["p, 2 to 5 days, 149 B"].value == pytest.approx(1.1)
    assert bars["p, 2 to 5 days, 149 B"].is_met
    assert not bars["p, 2 to 5 days, 149 B, loss of a prefix"].is_met
    assert not bars["p, worst single date"].is_met


def test_a_loop_that_drifts_is_seen() -> None:
    rows = [Position("p", position, 0, 31 - 0.02 * position, 30, 30) for position in range(1, 60)]
    assert [count for _, count, _, _ in by_position(rows)] == [4, 5, 10, 10, 30]
    assert not position_bars(rows)[0].is_met
    assert position_bars([Position("p", position, 0, 31, 30, 30) for position in range(1, 60)])[0].is_met
