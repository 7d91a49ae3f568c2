"""What memory costs: time of the encoder, and octets of the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from history.memory import SENSOR
from history.series import season_samples
from perigee_codec import Layers, Model, Part, Stream

# Cumulative ratios of a station's layers; memory keeps those up to the last.
LADDER = (10_000, 3_000, 1_000, 300, 100)
ROUNDS = {"frame": 9, "mosaic": 5}
MOSAIC = 4
TIME_LIMIT = 1.6
PIXEL_KM = 0.01
# What a place is, for the megabytes of a million: 2,560 m a side.
PLACE_KM2 = 2.56**2


def _frames(place: str) -> tuple[dict[str, tuple[NDArray[np.uint16], NDArray[np.uint16]]], tuple[str, ...]]:
    """A frame and a mosaic of 4 x 4 frames, each with what was there a season earlier."""
    seasons, bands = season_samples(place)

    def mosaic(shift: int) -> NDArray[np.uint16]:
        cells = [[seasons[(row + column + shift) % len(seasons)] for column in range(MOSAIC)] for row in range(MOSAIC)]
        return np.ascontiguousarray(np.block(cells))

    return {"frame": (seasons[1], seasons[0]), "mosaic": (mosaic(1), mosaic(0))}, bands


def timed(model: Model, place: str) -> list[dict[str, object]]:
    """Processor seconds of one core, without memory and with it, taking turns; medians."""
    pairs, bands = _frames(place)
    found = []
    for name, (samples, earlier) in pairs.items():
        stream = Stream(model, SENSOR, samples.shape, bands=bands, nodata="none", lanes=1)
        budgets = [samples.nbytes // ratio for ratio in LADDER]
        before = stream.encode(earlier, budgets)
        decoded = stream.decode(before)
        reference = stream.reference([Part(stream, decoded)])
        works: dict[str, Callable[[], object]] = {
            "plain": lambda s=stream, x=samples, b=budgets: s.encode(x, b),
            "predicted": lambda s=stream, x=samples, b=budgets, r=reference: s.encode(x, b, reference=r),
            "reference": lambda s=stream, d=decoded: s.reference([Part(s, d)]),
            "decode": lambda s=stream, made=before: s.decode(made),
        }
        seconds: dict[str, list[float]] = {work: [] for work in works}
        for _ in range(ROUNDS[name]):
            for work, run in works.items():
                begin = time.process_time()
                run()
                seconds[work].append(time.process_time() - begin)
        medians = {work: median(times) for work, times in seconds.items()}
        coded = works["predicted"]()
        assert isinstance(coded, Layers)
        found.append(
            {
                "place": place, "what": name, "shape": list(samples.shape), "is_predicted": coded.is_predicted,
                "seconds": medians, "over_plain": medians["predicted"] / medians["plain"],
            }
        )  # fmt: skip
    return found


def stored(model: Model, place: str) -> dict[str, object]:
    """Octets of the layers that memory keeps of one place: up to 100x, seasons in turn, each with the one before."""
    seasons, bands = season_samples(place)
    stream = Stream(model, SENSOR, seasons[0].shape, bands=bands, nodata="none")
    budgets = [seasons[0].nbytes // ratio for ratio in LADDER]
    sizes: list[int] = []
    reference = None
    for samples in seasons:
        layers = stream.encode(samples, budgets, reference=reference)
        sizes.append(sum(map(len, layers)))
        decoded = stream.decode(layers, reference=reference if layers.is_predicted else None)
        reference = stream.reference([Part(stream, decoded)])
    area = seasons[0].shape[1] * seasons[0].shape[2] * PIXEL_KM**2
    each = sum(sizes) / len(sizes) / area
    return {
        "place": place, "bands": len(bands), "octets": sizes, "octets_per_km2": each,
        "megabytes_of_a_million_places": each * PLACE_KM2,
    }  # fmt: skip
