"""Rows of measures as tables of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isnan
from statistics import fmean

from perigee_cluster.evaluation.measures import Row
from perigee_cluster.reconstruction import AnyDate, Deterministic, RegressProject

DECODE, REGRESSED, ANY_DATE = Deterministic().name, RegressProject().name, AnyDate().name
Key = tuple[object, ...]
# Fewer targets than this show a direction, no more.
FEW = 20


def line(*cells: object) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def head(*cells: object) -> str:
    """Its first two lines."""
    return line(*cells) + "|" + "---|" * len(cells) + "\n"


def mean(values: Iterable[float | None]) -> float:
    """Of those that are numbers; NaN of none."""
    known = [value for value in values if value is not None and not isnan(value)]
    return fmean(known) if known else float("nan")


def cells(rows: Sequence[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Rows by key, in the order in which keys first appear."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def by_target(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """PSNR by place and target."""
    return {(row.place, row.target): row.psnr for row in rows}


def gains(rows: Sequence[Row], plain: Sequence[Row]) -> list[float]:
    """dB over the plain decode, one for each target."""
    base = by_target(plain)
    return [value - base[target] for target, value in by_target(rows).items()]


def methods_table(rows: Sequence[Row], against: str = DECODE) -> str:
    """Every method in every cell of ratio, gap and depth."""
    lines = [
        head(
            "ratio, days to history, dates of it", "method", "targets", "PSNR", "over decode (least)", "SSIM", "SAM",
            "NDVI error", "agreement", "in the 90 % interval", "history dominates",
        )
    ]  # fmt: skip
    for (ratio, gap, depth), cell in cells(rows, lambda row: (row.ratio, row.gap, row.depth)).items():
        by_method = cells(cell, lambda row: (row.method,))
        plain = by_method[(against,)]
        for (method,), own in by_method.items():
            gain = gains(own, plain)
            few = "" if len(own) >= FEW else " (direction only)"
            sent = method in (DECODE, REGRESSED)
            lines.append(
                line(
                    f"{ratio:,}x, {gap}, {depth}", method, f"{len(own)}{few}", f"{mean(r.psnr for r in own):.2f}",
                    "" if method == against else f"{mean(gain):+.2f} ({min(gain):+.2f})",
                    f"{mean(r.ssim for r in own):.3f}", f"{mean(r.sam for r in own):.2f}",
                    f"{mean(r.ndvi for r in own):.3f}", f"{mean(r.agreement for r in own):.4%}" if sent else "-",
                    _percent(mean(r.coverage for r in own)),
                    _percent(mean(r.dominated for r in own)) if method == REGRESSED else "-",
                )
            )  # fmt: skip
    return "".join(lines)


def gain_table(rows: Sequence[Row], method: str = REGRESSED, against: str = DECODE) -> str:
    """dB of one method over the plain decode: ratio across, gap and depth down."""
    ratios = list(dict.fromkeys(row.ratio for row in rows))
    lines = [head("days to history, dates of it", *(f"{ratio:,}x" for ratio in ratios))]
    for (gap, depth), cell in cells(rows, lambda row: (row.gap, row.depth)).items():
        shown = []
        for ratio in ratios:
            own = [row for row in cell if row.ratio == ratio]
            gain = gains([r for r in own if r.method == method], [r for r in own if r.method == against])
            shown.append(f"{mean(gain):+.2f} (least {min(gain):+.2f}, {len(gain)})" if gain else "-")
        lines.append(line(f"{gap}, {depth}", *shown))
    return "".join(lines)


def _percent(share: float) -> str:
    return "-" if isnan(share) else f"{share:.0%}"
