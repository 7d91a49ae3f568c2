"""Fits the models of time: `python -m perigee_cluster.evaluation.fit_time`, on places for training and validation.

Draws models at random, measures how each gives back known dates at each scale, and keeps those that are best somewhere.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.evaluation.cases import Coder
from perigee_cluster.evaluation.places import ROOT, Place, World, real, simulated
from perigee_cluster.reconstruction.any_date import nearest
from perigee_cluster.reconstruction.pyramid import SCALES, split
from perigee_cluster.reconstruction.series import MODELS, Candidates, TimeModel, days
from perigee_codec import Model

log = logging.getLogger("fit_time")

DRAWN, KEPT, SEED = 120, 24, 1
# Days to the nearest date on each side.
REACH = 30
# Where the fit looks: two rhythms of the simulator beside the real series.
WORLDS = (
    World("train", 4, visits=14, revisit_days=15, size=64),
    World("train", 4, visits=30, revisit_days=5, start="2024-04-10T10:36:00Z", size=64, first_place=20),
)


def drawn(count: int) -> tuple[TimeModel, ...]:
    """Models at random."""
    random = np.random.default_rng(SEED)

    def between(least: float, most: float) -> float:
        return round(float(np.exp(random.uniform(np.log(least), np.log(most)))), 3)

    return tuple(
        TimeModel(
            between(8, 300), bool(random.integers(2)), between(1, 100), float(random.choice([0, 0.3, 1])),
            float(random.choice([0, 0.3, 1])), between(0.01, 2),
        )
        for _ in range(count)
    )  # fmt: skip


def errors(coder: Coder, models: Candidates, *, is_inside: bool) -> NDArray[np.float64] | None:
    """Logarithm of the squared error of each model over that of the plain line [C, S], mean over dates; None of 0."""
    place = coder.place
    origin = place.dates[0].time
    assert origin is not None
    when = days([date.time for date in place.dates], origin)
    history = [split(coder.history(number).samples) for number in range(len(when))]
    truth = [split(date.samples_BHW.astype(np.float32)) for date in place.dates]
    # inner products of all dates with each other say the error of any weights
    flat = [[np.stack([one[scale].ravel() for one in part]) for scale in range(SCALES)] for part in (history, truth)]
    among = [known @ known.T / known.shape[1] for known in flat[0]]
    across = [real @ known.T / known.shape[1] for known, real in zip(*flat, strict=True)]
    own = [(real * real).mean(axis=1) for real in flat[1]]
    found = []
    for target in range(len(when)):
        apart = when - when[target]
        others = np.flatnonzero(apart != 0 if is_inside else apart < 0)
        after = apart[apart > 0]
        too_far = is_inside and (not (apart < 0).any() or not len(after) or after.min() > REACH)
        if too_far or len(others) < 2 or (is_inside and -apart[apart < 0].max() > REACH):
            continue
        used = others[nearest(apart[others])]
        weights = models.weights(apart[used])
        row = np.zeros((len(weights), SCALES))
        for scale in range(SCALES):
            inner = np.einsum("ci,ij,cj->c", weights, among[scale][np.ix_(used, used)], weights)
            row[:, scale] = inner - 2 * weights @ across[scale][target, used] + own[scale][target]
        row = np.maximum(row, 0)
        found.append(np.log((row + 1) / (row[0] + 1)))
    return np.mean(found, axis=0) if found else None


def fitted(groups: Sequence[Iterable[Place]], model: Model) -> Candidates:
    """The models that are best somewhere, with what they gain by scale; each group of places counts alike."""
    models = drawn(DRAWN)
    zero = np.zeros((DRAWN + 1, SCALES))
    every = Candidates(models, zero, zero)
    tables = {}
    for is_inside in (True, False):
        means = []
        for group in groups:
            coders = [Coder(model, place) for place in group if place.has_times]
            own = [one for one in (errors(coder, every, is_inside=is_inside) for coder in coders) if one is not None]
            means.append(np.mean(own, axis=0))
            log.info("inside=%s, %d places", is_inside, len(own))
        tables[is_inside] = (np.mean(means, axis=0), means)
    # of every group, scale and task the best ones in turn, until there are enough
    ranks = [
        np.argsort(table[1:, scale]) for mean, means in tables.values() for table in (mean, *means)
        for scale in range(SCALES)
    ]  # fmt: skip
    kept: list[int] = []
    for place in range(DRAWN):
        kept += [int(rank[place]) for rank in ranks if int(rank[place]) not in kept]
        kept = list(dict.fromkeys(kept))
        if len(kept) >= KEPT:
            break
    kept = kept[:KEPT]
    rows = [0, *(number + 1 for number in kept)]
    return Candidates(tuple(models[number] for number in kept), tables[True][0][rows], tables[False][0][rows])


def main() -> None:
    """Writes time_models.json."""
    parser = argparse.ArgumentParser(prog="fit_time", description=__doc__)
    parser.add_argument("--scratch", type=Path, default=ROOT / ".build" / "bench-reconstruction")
    parser.add_argument("--program", type=Path, default=ROOT / ".build" / "release" / "perigee")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = [[*real("train"), *real("validation")]]
    for number, world in enumerate(WORLDS):
        groups.append(simulated(world, arguments.scratch / f"train-{number}", arguments.program))
    found = fitted(groups, Model.open(ROOT / "Firmware" / "perigee-1"))
    provenance = {
        "made_by": "python -m perigee_cluster.evaluation.fit_time", "reach_days": REACH,
        "places": [[place.name for place in group if place.has_times] for group in groups],
        "worlds": [" ".join(world.words) for world in WORLDS],
    }  # fmt: skip
    lines = [f' "{name}": {json.dumps(value)}' for name, value in (provenance | found.as_dict()).items()]
    MODELS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    log.info("%d models written to %s", len(found.models), MODELS)


if __name__ == "__main__":
    main()
