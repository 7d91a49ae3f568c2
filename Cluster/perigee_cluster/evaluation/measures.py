"""One product against its original."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from perigee_cluster.evaluation.places import PEAK, Date, Place
from perigee_cluster.metrics.quality import measure
from perigee_cluster.reconstruction.deviation import NINE_OF_TEN
from perigee_cluster.reconstruction.values import Flag, Reconstruction


@dataclass(frozen=True)
class Row:
    """One case by one method. PSNR in dB, SAM in degrees; agreement and coverage are shares."""

    place: str
    is_real: bool
    target: str
    ratio: int
    depth: int
    gap: str
    method: str
    psnr: float
    ssim: float
    sam: float
    ndvi: float | None
    agreement: float
    coverage: float
    dominated: float

    def as_dict(self) -> dict[str, object]:
        """The fields by name, for JSON; what a method does not give is None."""
        fields = asdict(self)
        return {name: None if value != value else value for name, value in fields.items()}


def coverage(made: Reconstruction, original: Date) -> float:
    """Share of true samples within the 90 % interval; NaN where the method gives none."""
    reach = NINE_OF_TEN * made.deviation_BHW
    if np.isnan(reach).any():
        return float("nan")
    return float((np.abs(original.samples_BHW - made.samples_BHW) <= reach).mean())


def row(place: Place, original: Date, made: Reconstruction, *, ratio: int, depth: int, gap: str) -> Row:
    """All measures."""
    quality = measure(original.samples_BHW, made.samples_BHW, PEAK, place.band("B04"), place.band("B08"))
    return Row(
        place.name, place.is_real, original.name, ratio, depth, gap, made.method, quality.psnr, quality.ssim,
        quality.sam, quality.ndvi, made.agreement.share, coverage(made, original),
        float(((made.flags_HW & int(Flag.HISTORY_DOMINATED)) > 0).mean()),
    )  # fmt: skip
