"""The bench of reconstructions says what is not where it must be."""

from __future__ import annotations

import numpy as np

from perigee_cluster.evaluation.calibrate import LEAST, Sampled, factors, quantile
from perigee_cluster.evaluation.cases import cases, pasts
from perigee_cluster.evaluation.changes import Shown
from perigee_cluster.evaluation.measures import Row
from perigee_cluster.evaluation.places import Date, Place, profile_bands
from perigee_cluster.evaluation.tables import ANY_DATE, DECODE, REGRESSED, gain_table, gains, methods_table
from perigee_cluster.reconstruction.deviation import NINE_OF_TEN
from reconstruction.report import Part, document, misses


def row(method: str, psnr: float, target: str = "a", gap: str = "2-20", coverage: float = 0.9, **fields: float) -> Row:
    agreement = fields.get("agreement", 1.0)
    return Row("p", False, target, 1_000, 4, gap, method, psnr, 0.9, 3.0, 0.05, agreement, coverage, 0.1)


def place(days: list[int]) -> Place:
    start = np.datetime64("2024-01-01", "ms")
    samples = np.ones((2, 4, 4), np.uint16)
    dates = tuple(Date(str(day), start + np.timedelta64(day, "D"), samples) for day in days)
    return Place("p", False, profile_bands(("B04", "B08")), dates)


def test_history_is_chosen_by_the_gap_to_its_nearest_date() -> None:
    one = place([0, 10, 20, 30, 100])
    assert pasts(one, 3, "2-20", 2) == (2, 1)
    assert pasts(one, 3, "2-20", 4) is None
    assert pasts(one, 4, "2-20", 1) is None
    assert pasts(one, 4, "over 60", 3) == (3, 2, 1)
    assert pasts(one, 3, "2-20", 0) == ()
    assert [case.ratio for case in cases(one, [3], (300, 1_000), (2,), ("2-20", "seasons"))] == [300, 1_000]


def test_what_misses_its_figure_is_named() -> None:
    good = Part("simulated", [row(DECODE, 30), row(REGRESSED, 31)])
    assert misses(good) == []
    rows = [row(DECODE, 30), row(REGRESSED, 30.2, coverage=0.6, agreement=0.999)]
    bad = Part("simulated", rows, wrong=[row(DECODE, 30), row(REGRESSED, 29.8)])
    bad.any_date = [row(ANY_DATE, 30.2, gap="both sides"), row("linear", 30, gap="both sides")]
    bad.changes = [
        Shown("p", False, "a", 1_000, "burned", DECODE, 0.8, True),
        Shown("p", False, "a", 1_000, "burned", REGRESSED, 0.8, False),
    ]
    text = "\n".join(misses(bad))
    for word in ("must +0.50", "agreement 99.9", "60% in the 90 %", "wrong history", "any date: +0.20", "burned"):
        assert word in text
    whole = document([good, bad], [])
    assert "Not where it must be" in whole
    assert "direction only" in whole


def test_gains_are_taken_target_by_target() -> None:
    rows = [row(DECODE, 30), row(DECODE, 20, "b"), row(REGRESSED, 32), row(REGRESSED, 21, "b")]
    assert gains(rows[2:], rows[:2]) == [2, 1]
    assert "+1.50 (least +1.00, 2)" in gain_table(rows)
    assert "+1.50 (+1.00)" in methods_table(rows)


def test_factors_bring_nine_of_ten_inside() -> None:
    random = np.random.default_rng(5)

    def some(is_real: bool, spread: float) -> Sampled:
        errors = np.abs(random.normal(0, spread, 20_000)).astype(np.float32)
        return Sampled("m", is_real, 1, 0, np.zeros(20_000, np.uint8), errors)

    rows, gaps = factors([some(True, 2.0), some(False, 2.0)])
    assert abs(rows[1][0] - 2) < 0.05
    assert abs(gaps[0] - 1) < 0.02
    few = np.full(LEAST // 4, 9.0, np.float32)
    many = np.abs(random.normal(0, 1, 50_000)).astype(np.float32)
    factor = quantile([(few, True), (many, False)])
    assert factor is not None
    assert factor * NINE_OF_TEN < 2
    assert quantile([(few, True)]) is None
