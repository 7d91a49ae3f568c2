"""Runs methods over cases."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from perigee_cluster.evaluation.cases import GAPS, RATIOS, Case, Coder, cases
from perigee_cluster.evaluation.measures import Row, row
from perigee_cluster.evaluation.places import Place
from perigee_cluster.reconstruction import Deterministic, Reconstructor, RegressProject
from perigee_cluster.reconstruction.simple import Weighted, last_clear, seasonal_mean
from perigee_codec import Model

log = logging.getLogger(__name__)

METHODS: tuple[Reconstructor, ...] = (
    Deterministic(),
    RegressProject(),
    Weighted("last clear frame", last_clear),
    Weighted("seasonal mean", seasonal_mean),
)
# Dates of history in the tables by ratio and gap; places without times have three other seasons.
DEPTH, SEASONS = 4, 3
# Of long series every so many dates are targets.
LONG, EVERY = 20, 2


def targets(place: Place) -> list[int]:
    """Dates that are coded."""
    return list(range(0, len(place.dates), EVERY if len(place.dates) > LONG else 1))


def measured(coder: Coder, some: Iterable[Case], methods: Sequence[Reconstructor] = METHODS) -> list[Row]:
    """Rows of all cases that fit their ratio."""
    found = []
    for case in some:
        request = coder.request(case)
        if request is None:
            continue
        original = coder.place.dates[case.target]
        found += [
            row(
                case.place, original, method.reconstruct(request), ratio=case.ratio, depth=case.depth, gap=case.gap
            )
            for method in methods
        ]  # fmt: skip
    return found


def by_ratio_and_gap(model: Model, places: Iterable[Place]) -> list[Row]:
    """Every method on every place."""
    found = []
    begin = time.monotonic()
    for place in places:
        depth = DEPTH if place.has_times else SEASONS
        found += measured(Coder(model, place), cases(place, targets(place), RATIOS, (depth,), tuple(GAPS)))
        log.info("%s by ratio and gap, %.0f s", place.name, time.monotonic() - begin)
    return sorted(found, key=lambda one: (list(GAPS).index(one.gap), one.ratio))
