"""What the table of a series says of a date."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perigee_cluster.history.frame import Grade, Quality
from perigee_cluster.history.lattice import Window


class DamagedHistoryError(ValueError):
    """A part of the history that does not read; the text ends with the remedy."""


@dataclass(frozen=True)
class Record:
    """A date: its frame, what that rests on, and where the samples lie."""

    id: str
    time: np.datetime64 | None
    quality: Quality
    grade: Grade
    part: Window
    """What the frame covers, in the samples of the series; the clear share is that of this part."""
    replaces: str | None
    """Id of the frame that this one was sent again for."""
    slot: int
    """Place along the first axis of the arrays."""
    checksum: int
    """CRC-32C of the samples' octets, then those of the mask."""

    @property
    def is_drawn(self) -> bool:
        """Whether a model made it up."""
        return self.grade == "drawn"

    def to_json(self) -> dict[str, Any]:
        """For the attributes of a Zarr group."""
        quality = self.quality
        return {
            "id": self.id,
            "time": None if self.time is None else int(self.time.astype("datetime64[ms]").astype(np.int64)),
            "grade": self.grade,
            "octets": quality.octets,
            "layers": quality.layers,
            "interval_width": None if math.isnan(quality.interval_width) else quality.interval_width,
            "clear_share": quality.clear_share,
            "packets": _ranges(quality.packet_ids),
            "decoder": quality.decoder,
            "firmware": f"{quality.firmware:08x}",
            "part": [self.part.row, self.part.column, self.part.rows, self.part.columns],
            "replaces": self.replaces,
            "slot": self.slot,
            "checksum": f"{self.checksum:08x}",
        }

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> Record:
        """What `to_json` gave."""
        try:
            width, time = fields["interval_width"], fields["time"]
            if fields["grade"] not in ("measured", "drawn"):
                raise ValueError(f"grade is {fields['grade']!r}")
            quality = Quality(
                octets=int(fields["octets"]),
                layers=int(fields["layers"]),
                interval_width=math.nan if width is None else float(width),
                clear_share=float(fields["clear_share"]),
                packet_ids=tuple(number for first, last in fields["packets"] for number in range(first, last + 1)),
                decoder=str(fields["decoder"]),
                firmware=int(fields["firmware"], 16),
            )
            return cls(
                str(fields["id"]), None if time is None else np.datetime64(int(time), "ms"), quality, fields["grade"],
                Window(*map(int, fields["part"])), fields["replaces"], int(fields["slot"]), int(fields["checksum"], 16),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedHistoryError(f"a date of the table lacks {error}: `perigee-cluster history rebuild`") from None


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Rising numbers as first and last of each run."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
