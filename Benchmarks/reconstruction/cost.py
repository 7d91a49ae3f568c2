"""What a product costs: processor seconds of one core."""

from __future__ import annotations

import time

from perigee_cluster.evaluation.cases import Case, Coder
from perigee_cluster.evaluation.places import Place
from perigee_cluster.evaluation.run import DEPTH
from perigee_cluster.reconstruction import AnyDate, Deterministic, RegressProject
from perigee_codec import Model

ROUNDS = 3
RATIO = 1_000


def timed(model: Model, place: Place) -> list[dict[str, object]]:
    """Least of some rounds, each method on the last date with the dates before it."""
    coder = Coder(model, place)
    target = len(place.dates) - 1
    request = coder.request(Case(place, target, RATIO, DEPTH, "", tuple(range(target - 1, target - 1 - DEPTH, -1))))
    assert request is not None
    bands, rows, columns = request.size
    found = []
    for method in (Deterministic(), RegressProject(), AnyDate()):
        seconds = []
        for _ in range(ROUNDS):
            begin = time.process_time()
            method.reconstruct(request)
            seconds.append(time.process_time() - begin)
        found.append(
            {
                "method": method.name, "bands": bands, "rows": rows, "columns": columns, "seconds": min(seconds),
                "megapixels_per_second": rows * columns / 1e6 / min(seconds),
            }
        )  # fmt: skip
    return found
