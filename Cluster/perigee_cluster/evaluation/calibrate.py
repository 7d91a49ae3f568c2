"""Fits the factors of the deviation: `python -m perigee_cluster.evaluation.calibrate`, on validation places only.

Conformal: of each class the factor that brings nine of ten true samples within 1.645 deviations, real and simulated
places weighing the same.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.evaluation.cases import GAPS, RATIOS, Coder, cases
from perigee_cluster.evaluation.places import ROOT, Place, World, real, simulated
from perigee_cluster.evaluation.run import DEPTH, LONG, RECEIVED, SEASONS, targets
from perigee_cluster.reconstruction import AnyDate, Reconstruction, Request
from perigee_cluster.reconstruction.cover import COVERS, cover
from perigee_cluster.reconstruction.deviation import (
    CALIBRATION,
    GAP_CLASSES,
    NINE_OF_TEN,
    RATIO_CLASSES,
    calibration,
    class_of,
)
from perigee_cluster.reconstruction.series import least_gap
from perigee_codec import Model

log = logging.getLogger("calibrate")

SHARE = 0.9
# Samples below which a class takes the factor of its method.
LEAST = 400
# Every so many pixels count.
STEP = 5
WORLD = World("validation", 4, visits=12, revisit_days=15, size=96)
# Targets of a place, from the last date back.
MOST = 6


@dataclass(frozen=True, eq=False)
class Sampled:
    """Errors in deviations of one product, with what covers each."""

    method: str
    is_real: bool
    ratio: int
    gap: int
    cover_N: NDArray[np.uint8]
    scaled_N: NDArray[np.float32]


def sampled(place: Place, target: int, made: Reconstruction, ratio: float | None, gap: float | None) -> Sampled:
    """The errors of a product before any factor."""
    original = place.dates[target].samples_BHW
    scaled = np.abs(made.samples_BHW - original) / np.maximum(made.deviation_BHW, 1e-3)
    covers = np.broadcast_to(cover(made.samples_BHW, place.bands), scaled.shape)
    pick = (slice(None), slice(None, None, STEP), slice(None, None, STEP))
    return Sampled(
        made.method, place.is_real, class_of(ratio, RATIO_CLASSES), class_of(gap, GAP_CLASSES),
        covers[pick].ravel(), scaled[pick].ravel(),
    )  # fmt: skip


def products(model: Model, places: list[Place]) -> Iterator[Sampled]:
    """All methods on all places."""
    for place in places:
        coder = Coder(model, place)
        depth = DEPTH if place.has_times else SEASONS
        few = targets(place)[::-1][:: 4 if len(place.dates) > LONG else 1][:MOST]
        for case in cases(place, few, RATIOS, (depth,), tuple(GAPS)):
            request = coder.request(case)
            if request is None:
                continue
            assert request.tokens is not None
            ratio = case.place.dates[case.target].samples_BHW.nbytes / sum(map(len, request.tokens.layers))
            near = least_gap([frame.time for frame in request.history], request.time)
            for method in RECEIVED:
                yield sampled(place, case.target, method.reconstruct(request), ratio, near)
        if place.has_times:
            yield from _unseen(coder, few)
        log.info("%s", place.name)


def _unseen(coder: Coder, few: list[int]) -> Iterator[Sampled]:
    dates = coder.place.dates
    for target in few:
        for known in ([n for n in range(len(dates)) if n != target], list(range(target))):
            if len(known) < 3:
                continue
            history = [coder.history(number) for number in known]
            shape = dates[target].samples_BHW.shape
            made = AnyDate().reconstruct(Request(None, dates[target].time, coder.place.bands, history, shape=shape))
            near = least_gap([frame.time for frame in history], dates[target].time)
            yield sampled(coder.place, target, made, None, near)


def quantile(some: list[tuple[NDArray[np.float32], bool]]) -> float | None:
    """The factor of errors in deviations, real and simulated ones weighing the same; None of too few."""
    if sum(len(values) for values, _ in some) < LEAST:
        return None
    values = np.concatenate([values for values, _ in some])
    total = {kind: sum(len(v) for v, is_real in some if is_real == kind) for kind in (True, False)}
    # a handful of one kind must not weigh as much as all of the other
    even = min(total.values()) >= LEAST
    weights = np.concatenate([np.full(len(v), 1 / total[is_real] if even else 1.0) for v, is_real in some])
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, SHARE * share[-1])]) / NINE_OF_TEN


def factors(some: list[Sampled]) -> tuple[list[list[float]], list[float]]:
    """Of one method: by ratio class and cover, and by gap class on top."""
    everything = quantile([(one.scaled_N, one.is_real) for one in some]) or 1.0
    rows = []
    for ratio in range(len(RATIO_CLASSES)):
        own = [one for one in some if one.ratio == ratio]
        whole = quantile([(one.scaled_N, one.is_real) for one in own]) or everything
        row = [
            quantile([(one.scaled_N[one.cover_N == number], one.is_real) for one in own]) or whole
            for number in range(len(COVERS))
        ]
        rows.append([round(value, 3) for value in row])
    gaps = []
    for gap in range(len(GAP_CLASSES)):
        own = [one for one in some if one.gap == gap]
        left = [(one.scaled_N / np.array(rows[one.ratio], np.float32)[one.cover_N], one.is_real) for one in own]
        gaps.append(round(quantile(left) or 1.0, 3))
    return rows, gaps


def main() -> None:
    """Writes calibration.json."""
    parser = argparse.ArgumentParser(prog="calibrate", description=__doc__)
    parser.add_argument("--scratch", type=Path, default=ROOT / ".build" / "bench-reconstruction")
    parser.add_argument("--program", type=Path, default=ROOT / ".build" / "release" / "perigee")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    CALIBRATION.unlink(missing_ok=True)
    calibration.cache_clear()
    places = real("validation") + simulated(WORLD, arguments.scratch / "validation", arguments.program)
    model = Model.open(ROOT / "Firmware" / "perigee-1")
    found = list(products(model, places))
    methods = dict.fromkeys(one.method for one in found)
    fitted = {method: factors([one for one in found if one.method == method]) for method in methods}
    made = {
        "made_by": "python -m perigee_cluster.evaluation.calibrate",
        "places": [place.name for place in places], "world": " ".join(WORLD.words),
        "firmware": f"{model.firmware:08x}", "share": SHARE, "covers": list(COVERS),
        "ratio_classes": list(RATIO_CLASSES), "gap_classes": list(GAP_CLASSES),
        "factors": {method: rows for method, (rows, _) in fitted.items()},
        "gaps": {method: gaps for method, (_, gaps) in fitted.items()},
    }  # fmt: skip
    lines = [f' "{name}": {json.dumps(value)}' for name, value in made.items()]
    CALIBRATION.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    log.info("written to %s", CALIBRATION)


if __name__ == "__main__":
    main()
