"""From rows to what is said of them: means, differences frame by frame, frames below the peer, falls of PSNR."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from rd.peers import ALL, PAYLOAD, Row
from rd.subjects import RATIOS

METRICS = ("psnr", "ssim", "sam", "ndvi")
LISTED = ("budget", "native_ratio", "octets", *METRICS)
REFERENCE_PEER = "openjpeg-klt"
# Where no frame may lie below the peer.
WATCHED_RATIOS = (100, 300, 1000)
MONOTONE_SLACK_DB = 0.01


@dataclass(frozen=True)
class Comparison:
    """Ours minus the peer's on the frames where both fit; PSNR and SSIM up is better, SAM and NDVI error down."""

    frames: int
    of: int
    mean: float
    least: float
    most: float
    below: int
    ssim: float
    sam: float
    ndvi: float

    def as_dict(self) -> dict[str, object]:
        """The fields by name, for JSON."""
        return {name: _short(getattr(self, name)) for name in self.__dataclass_fields__}


def _short(value: object) -> object:
    """Digits enough for any use."""
    return round(value, 6) if isinstance(value, float) else value


def select(rows: Iterable[Row], **wanted: object) -> list[Row]:
    """The rows whose fields have these values; a field given as None may be anything."""
    return [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())]


def by_frame(rows: Iterable[Row], metric: str) -> dict[str, float]:
    """A metric by name of frame, for the rows that fit and have it."""
    return {str(r["frame"]): float(str(r[metric])) for r in rows if r["fits"] and r.get(metric) is not None}


def compare(
    rows: list[Row], ours: tuple[str, str], peer: tuple[str, str], ratio: int, **about: object
) -> Comparison | None:
    """The (codec, counting) `ours` against `peer` at a ratio, on the rows of `about` (set, place).

    None where no frame has both.
    """
    mine = select(rows, codec=ours[0], counting=ours[1], ratio=ratio, **about)
    theirs = select(rows, codec=peer[0], counting=peer[1], ratio=ratio, **about)
    differences: dict[str, list[float]] = {}
    for metric in METRICS:
        left, right = by_frame(mine, metric), by_frame(theirs, metric)
        differences[metric] = [left[frame] - right[frame] for frame in left if frame in right]
    psnr = differences["psnr"]
    if not psnr:
        return None
    return Comparison(
        frames=len(psnr),
        of=len(mine),
        mean=fmean(psnr),
        least=min(psnr),
        most=max(psnr),
        below=sum(value < 0 for value in psnr),
        ssim=fmean(differences["ssim"]),
        sam=fmean(differences["sam"]),
        ndvi=fmean(differences["ndvi"]),
    )


def mean(rows: list[Row], metric: str) -> float | None:
    """Mean over the frames that fit; None where none does."""
    values = by_frame(rows, metric)
    return fmean(values.values()) if values else None


def falls(rows: list[Row], codec: str, counting: str) -> list[str]:
    """Where more octets gave a lower PSNR by more than 0.01 dB: frame and the two ratios."""
    found = []
    for frame in dict.fromkeys(str(row["frame"]) for row in rows):
        mine = [r for r in select(rows, frame=frame, codec=codec, counting=counting) if r["fits"]]
        steps = sorted((-int(str(r["ratio"])), float(str(r["psnr"]))) for r in mine)
        found += [
            f"{frame} {-coarse[0]}x to {-fine[0]}x"
            for coarse, fine in pairwise(steps)
            if fine[1] < coarse[1] - MONOTONE_SLACK_DB
        ]
    return found


def names(rows: Iterable[Row], field: str) -> list[str]:
    """The values of a field in the order in which they come."""
    return list(dict.fromkeys(str(row[field]) for row in rows))


def summarise(rows: list[Row], ours: tuple[str, ...]) -> dict[str, object]:
    """The whole summary for JSON: by set; means by codec, comparisons with every peer in all and by place, falls."""
    report: dict[str, object] = {}
    for name in names(rows, "set"):
        of_set = select(rows, set=name)
        codecs, comparisons = names(of_set, "codec"), {}
        means = {
            f"{codec} {counting} {ratio}x": {metric: _short(mean(found, metric)) for metric in METRICS}
            | {"frames": sum(bool(row["fits"]) for row in found), "of": len(found)}
            for codec in codecs
            for counting in (ALL, PAYLOAD)
            for ratio in RATIOS
            if (found := select(of_set, codec=codec, counting=counting, ratio=ratio))
        }
        for codec in ours:
            for peer in (c for c in codecs if c not in ours):
                for counting in (ALL, PAYLOAD):
                    for ratio in RATIOS:
                        key = f"{codec} over {peer} {counting} {ratio}x"
                        for place in (None, *places_worth_naming(of_set)):
                            found = compare(of_set, (codec, counting), (peer, counting), ratio, place=place)
                            if found:
                                comparisons[key if place is None else f"{key} {place}"] = found.as_dict()
        watched = {
            f"{codec} {counting}": below(of_set, codec, counting) for codec in ours for counting in (ALL, PAYLOAD)
        }
        fallen = {
            f"{codec} {counting}": falls(of_set, codec, counting) for codec in ours for counting in (ALL, PAYLOAD)
        }
        report[name] = {"means": means, "comparisons": comparisons, "below_reference_peer": watched, "falls": fallen}
    return report


def below(rows: list[Row], codec: str, counting: str) -> int:
    """Frames at 100x to 1,000x whose PSNR is lower than that of OpenJPEG on a per-frame KLT."""
    found = (compare(rows, (codec, counting), (REFERENCE_PEER, counting), ratio) for ratio in WATCHED_RATIOS)
    return sum(comparison.below for comparison in found if comparison)


def places_worth_naming(rows: list[Row]) -> list[str]:
    """The places of a set where it has several of more than one frame each."""
    frames: dict[str, set[str]] = {}
    for row in rows:
        frames.setdefault(str(row["place"]), set()).add(str(row["frame"]))
    return [] if len(frames) == 1 or min(map(len, frames.values())) == 1 else list(frames)


def compact(rows: list[Row]) -> list[dict[str, object]]:
    """Rows for JSON: one for each frame, codec and counting, with a list over RATIOS in every field; null: no fit."""
    found: dict[tuple[str, str, str], dict[str, object]] = {}
    for row in rows:
        key = (str(row["frame"]), str(row["codec"]), str(row["counting"]))
        about = {name: row[name] for name in ("set", "place", "frame", "codec", "counting")}
        entry = found.setdefault(key, about | {name: [None] * len(RATIOS) for name in LISTED})
        for name in LISTED:
            values, value = entry[name], row.get(name)
            assert isinstance(values, list)
            values[RATIOS.index(int(str(row["ratio"])))] = _short(value)
    return list(found.values())
