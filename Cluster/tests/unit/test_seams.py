"""The geometry of the seam benchmark on hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest

from seams.measure import pooled, seam, squared_error
from seams.mosaic import FRAME_SIZE, PHASES, line, reflected
from seams.report import summary, table
from seams.strips import REACH, Line, near_and_else, strips

# 96 samples, a tile border at 40; content folded at 15 and 55, another frame from 95 on
SMALL = Line(size=96, borders=(40,), mirrors=(15, 55, 95), join=95)


def test_reflection_repeats_both_ends() -> None:
    assert reflected(np.arange(-2, 8), 3).tolist() == [1, 0, 0, 1, 2, 2, 1, 0, 0, 1]


def test_near_are_eight_samples_on_each_side_of_a_border() -> None:
    assert np.flatnonzero(SMALL.is_near()).tolist() == list(range(32, 48))


def test_the_image_of_a_border_is_taken_inside_its_frame() -> None:
    # 15 would put it at -10, 95 at 150
    assert SMALL.image(40) == 70
    with pytest.raises(ValueError, match="no mirror image"):
        Line(size=96, borders=(40,), mirrors=(15,), join=95).image(40)


def test_the_image_farthest_from_borders_is_taken() -> None:
    # 55 would put it at 70, 2 from the border at 72; 30 puts it at 20, 20 from the border at 40
    assert Line(size=200, borders=(40, 72), mirrors=(30, 55), join=200).image(40) == 20


@pytest.mark.parametrize("phase", PHASES)
def test_every_strip_of_a_mosaic_shows_the_content_of_its_image_far_from_borders(phase: int) -> None:
    axis = line(phase)
    content = reflected(np.arange(axis.size) + phase, FRAME_SIZE)
    for mirror in axis.mirrors:
        assert content[mirror - 1] == content[mirror]
    for border in axis.borders:
        image = axis.image(border)
        mirrored = content[image - REACH : image + REACH][::-1]
        assert content[border - REACH : border + REACH].tolist() == mirrored.tolist()
        assert (border < axis.join) == (image < axis.join)
        assert min(abs(image - other) for other in (*axis.borders, axis.join, 0, axis.size)) >= 96
        assert min(abs(border - mirror) for mirror in axis.mirrors) >= 48


def test_phases_put_borders_at_twelve_places_of_a_frame() -> None:
    places = {int(reflected(np.array([b + p]), FRAME_SIZE)[0]) for p in PHASES for b in line(p).borders}
    assert len(places) == 12
    assert (min(places), max(places)) == (48, 215)


def test_errors_near_borders_elsewhere_and_in_images_are_told_apart() -> None:
    columns = np.full((96, 96), 2.0)
    columns[:, 32:48] = 10.0
    columns[:, 62:78] = 5.0
    found = {strip.axis: strip for strip in strips(columns, SMALL)}
    assert (found["column"].border, found["column"].image) == (40, 70)
    assert (found["column"].error, found["column"].image_error) == (10.0, 5.0)
    # along a row's strip every column counts but those near a border: 16 of 80 are of the image
    assert found["row"].error == found["row"].image_error == pytest.approx((64 * 2 + 16 * 5) / 80)
    near, elsewhere = near_and_else(columns, SMALL)
    assert near == pytest.approx((96 * 16 * 10 + 16 * (64 * 2 + 16 * 5)) / (96 * 16 + 80 * 16))
    assert elsewhere == pytest.approx((64 * 2 + 16 * 5) / 80)


def test_a_seam_made_by_hand_is_reported_in_db() -> None:
    axis = line(96)
    near = axis.is_near()
    error = np.where(near[:, None] | near[None, :], 200.0, 100.0)
    found = seam("a", 96, 100, 7, error)
    assert (found.near, found.elsewhere, found.strip, found.image) == (200.0, 100.0, 200.0, 100.0)
    assert found.from_elsewhere == found.from_image == pytest.approx(-3.0103, abs=1e-4)
    both = pooled([found, seam("a", 160, 100, 8, np.full_like(error, 100.0))])
    assert (both.phases, both.octets, len(both.strips)) == ((96, 160), 15, 12)
    assert (both.near, both.image) == (150.0, 100.0)
    assert both.from_elsewhere == pytest.approx(-1.7609, abs=1e-4)
    rows = [seam("a", 96, ratio, 7, error) for ratio in (100, 300, 1000, 3000, 10000)]
    assert summary(rows)["100"]["within_limit"] is False
    assert "within_limit" not in summary(rows)["3000"]
    assert "| mean, **(b)** strip minus mirror image | -3.01 | -3.01 | -3.01 | -3.01 | -3.01 |" in table(rows)


def test_squared_error_is_the_mean_over_bands() -> None:
    original = np.array([[[5, 0]], [[7, 65_535]]], np.uint16)
    decoded = np.array([[[8, 0]], [[6, 65_535]]], np.uint16)
    assert squared_error(original, decoded).tolist() == [[5.0, 0.0]]
