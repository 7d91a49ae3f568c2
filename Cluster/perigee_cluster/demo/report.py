"""The table of the demo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perigee_cluster.demo.measured import Answer
from perigee_cluster.evaluation.measures import Row

HEADER = (
    "last pass",
    "octets",
    "predicted",
    "method",
    "PSNR dB",
    "SSIM",
    "SAM deg",
    "NDVI error",
    "agreement",
    "in 90 %",
)
TEXT = (0, 3)
"""Columns that stand left."""


def table(answers: Sequence[Answer]) -> str:
    """Means over places, by what was sent and by method. A dash: the method gives no such figure."""
    lines = [HEADER]
    for sent in dict.fromkeys(answer.sent for answer in answers):
        some = [answer for answer in answers if answer.sent == sent]
        octets = f"{sum(answer.octets for answer in some) / len(some):,.0f}"
        predicted = f"{sum(answer.is_predicted for answer in some)} of {len(some)}"
        for number, method in enumerate(some[0].made):
            rows = [row for answer in some for row in answer.rows if row.method == method]
            is_seen = any(answer.octets for answer in some) and number < 2
            first = (sent, octets, predicted) if number == 0 else ("", "", "")
            lines.append((*first, method, *_figures(rows, is_seen)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in TEXT else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _figures(rows: Sequence[Row], is_seen: bool) -> tuple[str, ...]:
    def mean(values: Sequence[float | None], digits: int, factor: float = 1, unit: str = "") -> str:
        known = [value for value in values if value is not None and np.isfinite(value)]
        return f"{factor * float(np.mean(known)):.{digits}f}{unit}" if known else "-"

    return (
        mean([row.psnr for row in rows], 2), mean([row.ssim for row in rows], 3), mean([row.sam for row in rows], 2),
        mean([row.ndvi for row in rows], 3),
        mean([row.agreement for row in rows], 1, 100, " %") if is_seen else "-",
        mean([row.coverage for row in rows], 1, 100, " %"),
    )  # fmt: skip
