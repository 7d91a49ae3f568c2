"""Runs methods over cases."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from perigee_cluster.evaluation.cases import GAPS, RATIOS, Case, Coder, cases
from perigee_cluster.evaluation.measures import Row, row
from perigee_cluster.evaluation.places import Place
from perigee_cluster.history.frame import HistoryFrame
from perigee_cluster.reconstruction import AnyDate, Deterministic, Reconstructor, RegressProject, Request
from perigee_cluster.reconstruction.series import days
from perigee_cluster.reconstruction.simple import Weighted, last_clear, linear, seasonal_mean
from perigee_codec import Model

log = logging.getLogger(__name__)

RECEIVED: tuple[Reconstructor, ...] = (Deterministic(), RegressProject())
# These look at no packet of the date.
GUESSED: tuple[Reconstructor, ...] = (
    Weighted("last clear frame", last_clear),
    Weighted("seasonal mean", seasonal_mean),
)
INTERPOLATED: tuple[Reconstructor, ...] = (
    AnyDate(),
    Weighted("last clear frame", last_clear),
    Weighted("linear", linear),
)
# Dates of history in the tables by ratio and gap; places without times have three other seasons.
DEPTH, SEASONS = 4, 3
DEPTHS, DEPTH_RATIO = (0, 1, 2, 4, 8), 3_000
# Of long series every so many dates are targets.
LONG, EVERY = 20, 2
# Days to the nearest clear dates of a date that is made from those on both sides.
REACH = 30

Alter = Callable[[Request], Request]


def targets(place: Place, most: int | None = None) -> list[int]:
    """Dates that are coded: all, of long series every second one; the last of them where `most` says how many."""
    every = list(range(0, len(place.dates), EVERY if len(place.dates) > LONG else 1))
    return every if most is None else every[-most:]


def measured(
    coder: Coder, some: Iterable[Case], guessed: Sequence[Reconstructor] = GUESSED, alter: Alter | None = None
) -> list[Row]:
    """Rows of all cases that fit their ratio; `alter` may change what the decoder is told."""
    found: list[Row] = []
    known: dict[tuple[object, ...], Row] = {}
    for case in some:
        request = coder.request(case)
        if request is None:
            continue
        if alter is not None:
            request = alter(request)
        original = coder.place.dates[case.target]
        for method in RECEIVED:
            made = replace(method.reconstruct(request), method=method.name)
            found.append(row(case.place, original, made, ratio=case.ratio, depth=case.depth, gap=case.gap))
        for method in guessed if case.depth else ():
            key = (method.name, case.target, case.history)
            if key not in known:
                made = method.reconstruct(request)
                known[key] = row(case.place, original, made, ratio=case.ratio, depth=case.depth, gap=case.gap)
            found.append(replace(known[key], ratio=case.ratio, depth=case.depth, gap=case.gap))
    return found


def by_ratio_and_gap(model: Model, places: Iterable[Place], most: int | None = None) -> list[Row]:
    """Every method on every place."""
    found = []
    begin = time.monotonic()
    for place in places:
        depth = DEPTH if place.has_times else SEASONS
        some = cases(place, targets(place, most), RATIOS, (depth,), tuple(GAPS))
        found += measured(Coder(model, place), some)
        log.info("%s by ratio and gap, %.0f s", place.name, time.monotonic() - begin)
    return sorted(found, key=lambda one: (list(GAPS).index(one.gap), one.ratio))


def by_depth(model: Model, places: Iterable[Place], most: int | None = None) -> list[Row]:
    """More or less history, the nearest dates first."""
    found = []
    for place in places:
        if place.has_times:
            gap = next(iter(GAPS))
            some = cases(place, targets(place, most), (DEPTH_RATIO,), DEPTHS, (gap,))
            found += measured(Coder(model, place), some, ())
    return sorted(found, key=lambda one: one.depth)


def wrong(model: Model, places: Iterable[Place], most: int | None = None) -> list[Row]:
    """History of other ground: the place's own, mirrored and moved."""
    found = []
    for place in places:
        depth = DEPTH if place.has_times else SEASONS
        some = cases(place, targets(place, most), RATIOS, (depth,), tuple(GAPS))
        found += measured(Coder(model, place), some, (), _elsewhere)
    return sorted(found, key=lambda one: one.ratio)


def _elsewhere(request: Request) -> Request:
    def moved(frame: HistoryFrame) -> HistoryFrame:
        rows, columns = frame.samples.shape[1:]
        samples = np.roll(frame.samples[:, ::-1], (rows // 3, columns // 5), (1, 2))
        return replace(frame, samples=np.ascontiguousarray(samples))

    return replace(request, history=[moved(frame) for frame in request.history])


def any_date(model: Model, places: Iterable[Place], most: int | None = None) -> list[Row]:
    """Dates that are left out and made from those on both sides, and from those before alone."""
    found = []
    begin = time.monotonic()
    for place in places:
        if not place.has_times:
            continue
        coder = Coder(model, place)
        when = days([date.time for date in place.dates], place.dates[0].time)  # type: ignore[arg-type]
        for target in _between(place, most):
            before, after = when[target] - when[target - 1], when[target + 1] - when[target]
            if max(before, after) <= REACH:
                rest = [number for number in range(len(when)) if number != target]
                found += _unseen(coder, target, rest, "both sides")
            if before <= REACH and target > 1:
                found += _unseen(coder, target, list(range(target)), "past only")
        log.info("%s at any date, %.0f s", place.name, time.monotonic() - begin)
    return sorted(found, key=lambda one: one.gap)


def _between(place: Place, most: int | None) -> list[int]:
    """Dates with others on both sides, spread over the series where `most` says how many."""
    inner = [target for target in targets(place) if 0 < target < len(place.dates) - 1]
    if most is None or len(inner) <= most:
        return inner
    return [inner[round((number + 0.5) * len(inner) / most - 0.5)] for number in range(most)]


def _unseen(coder: Coder, target: int, known: list[int], gap: str) -> list[Row]:
    original = coder.place.dates[target]
    history = [coder.history(number) for number in known]
    request = Request(None, original.time, coder.place.bands, history, shape=original.samples_BHW.shape)
    return [
        row(
            coder.place, original, replace(method.reconstruct(request), method=method.name),
            ratio=0, depth=len(known), gap=gap,
        )
        for method in INTERPOLATED
    ]  # fmt: skip
