"""What memory costs: time of the encoder, and octets of the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from history.memory import SENSOR
from history.series import season_samples
from perigee_codec import Layers, Model, Part, Reference, Stream

# Cumulative ratios of a station's layers; memory keeps those up to the last.
LADDER = (10_000, 3_000, 1_000, 300, 100)
ROUNDS = {"frame": 9, "mosaic": 5}
MOSAIC = 4
TIME_LIMIT = 1.6
PIXEL_KM = 0.01
# What a place is, for the megabytes of a million: 2,560 m a side.
PLACE_KM2 = 2.56**2
# Octets of an entry beside its layers: tables, indexes and slack of pages, as ScaleTests measures them.
ENTRY = 268
# What stays of a place as a rule (Docs/memory.md, section 4): ratios of the key and of the newest clear frame.
RULES: tuple[tuple[str, int, int | None], ...] = (
    ("a key alone, at 100x", 100, None),
    ("as shipped: target 300x", 300, 300),
    ("as shipped, and the newest frame as expected: 1,000x", 300, 1_000),
    ("key_target 100x, target 300x", 100, 300),
    ("target 100x", 100, 100),
)


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


def stored(model: Model, place: str) -> list[dict[str, object]]:
    """Octets of the entries that memory keeps of one place by each rule; each update from the season before."""
    seasons, bands = season_samples(place)
    stream = Stream(model, SENSOR, seasons[0].shape, bands=bands, nodata="none")
    area = seasons[0].shape[1] * seasons[0].shape[2] * PIXEL_KM**2

    def coded(samples: NDArray[np.uint16], ratio: int, reference: Reference | None) -> Layers:
        return stream.encode(samples, [samples.nbytes // one for one in LADDER if one >= ratio], reference=reference)

    found: list[dict[str, object]] = []
    for name, key_ratio, update_ratio in RULES:
        keys, updates = [], []
        for earlier, samples in zip(seasons, seasons[1:] + seasons[:1], strict=True):
            key = coded(earlier, key_ratio, None)
            keys.append(sum(map(len, key)))
            if update_ratio is not None:
                reference = stream.reference([Part(stream, stream.decode(key))])
                updates.append(sum(map(len, coded(samples, update_ratio, reference))))
        sizes = [fmean(part) for part in (keys, updates) if part]
        million = sum(sizes) / area * PLACE_KM2 + len(sizes) * ENTRY
        found.append(
            {
                "place": place, "bands": len(bands), "rule": name, "key": sizes[0], "update": [*sizes, 0.0][1],
                "octets_per_km2": sum(sizes) / area, "megabytes_of_a_million_places": million,
            }
        )  # fmt: skip
    return found
