"""The tables of Docs/reconstruction.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from perigee_cluster.evaluation.changes import Shown
from perigee_cluster.evaluation.measures import Row
from perigee_cluster.evaluation.tables import (
    ANY_DATE,
    DECODE,
    FEW,
    REGRESSED,
    cells,
    gain_table,
    gains,
    head,
    line,
    mean,
    methods_table,
)

# dB: what history must gain at 1,000x and above with four clear dates near in time; what it may cost; any date.
MUST, MAY_COST, ANY_DATE_MUST = 0.5, 0.1, 0.5
COVERED = {True: (0.78, 0.97), False: (0.85, 0.95)}


@dataclass
class Part:
    """What was measured on one kind of places."""

    name: str
    rows: list[Row]
    any_date: list[Row] = field(default_factory=list)
    depth: list[Row] = field(default_factory=list)
    wrong: list[Row] = field(default_factory=list)
    changes: list[Shown] = field(default_factory=list)

    def as_dict(self) -> dict[str, list[dict[str, object]]]:
        """Lists for the JSON."""
        lists: dict[str, Sequence[Row] | Sequence[Shown]] = {
            "rows": self.rows, "any_date": self.any_date, "depth": self.depth, "wrong": self.wrong,
            "changes": self.changes,
        }  # fmt: skip
        return {name: [one.as_dict() for one in rows] for name, rows in lists.items()}


def _pair(rows: Sequence[Row]) -> list[float]:
    own, plain = ([row for row in rows if row.method == method] for method in (REGRESSED, DECODE))
    return gains(own, plain)


def any_date_table(rows: Sequence[Row]) -> str:
    """Every method on dates that it was not told of."""
    lines = [head("dates known", "method", "targets", "PSNR", "SSIM", "SAM", "NDVI error", "in the 90 % interval")]
    for (gap, method), own in cells(rows, lambda row: (row.gap, row.method)).items():
        few = "" if len(own) >= FEW else " (direction only)"
        covered = mean(row.coverage for row in own) if method == ANY_DATE else None
        lines.append(
            line(
                gap, method, f"{len(own)}{few}", f"{mean(r.psnr for r in own):.2f}", f"{mean(r.ssim for r in own):.3f}",
                f"{mean(r.sam for r in own):.2f}", f"{mean(r.ndvi for r in own):.3f}",
                "-" if covered is None else f"{covered:.0%}",
            )
        )  # fmt: skip
    return "".join(lines)


def changes_table(changes: Sequence[Shown]) -> str:
    """Recall at equal false alarms and share of the amplitude, decode → regressed."""
    ratios = list(dict.fromkeys(one.ratio for one in changes))
    lines = [head("change, found (amplitude): decode → regressed", *(f"{ratio:,}x" for ratio in ratios))]
    for kind in dict.fromkeys(one.change for one in changes):
        shown = []
        for ratio in ratios:
            both = []
            for method in (DECODE, REGRESSED):
                own = [one for one in changes if (one.change, one.ratio, one.method) == (kind, ratio, method)]
                both.append(f"{fmean(one.is_found for one in own):.0%} ({fmean(one.amplitude for one in own):.2f})")
            shown.append(" → ".join(both))
        lines.append(line(kind, *shown))
    return "".join(lines)


def wrong_table(rows: Sequence[Row]) -> str:
    """dB over the decode with history of other ground, mean and least."""
    ratios = list(dict.fromkeys(row.ratio for row in rows))
    lines = [head("history of other ground", *(f"{ratio:,}x" for ratio in ratios))]
    shown = [_pair([row for row in rows if row.ratio == ratio]) for ratio in ratios]
    lines.append(line("dB over the decode (least)", *(f"{fmean(gain):+.3f} ({min(gain):+.2f})" for gain in shown)))
    return "".join(lines)


def depth_table(rows: Sequence[Row]) -> str:
    """dB over the decode by dates of history."""
    by_depth = cells(rows, lambda row: (row.depth,))
    lines = [head("dates of history", *(depth for (depth,) in by_depth))]
    shown = [_pair(own) for own in by_depth.values()]
    lines.append(line(f"dB over the decode, {rows[0].ratio:,}x", *(f"{fmean(gain):+.2f}" for gain in shown)))
    return "".join(lines)


def misses(part: Part) -> list[str]:
    """What is not where it must be."""
    found = []
    for (gap, ratio), own in cells(part.rows, lambda row: (row.gap, row.ratio)).items():
        gain, is_real = fmean(_pair(own)), own[0].is_real
        name = f"{part.name}, {ratio:,}x, {gap}"
        if gain < -MAY_COST:
            found.append(f"{name}: {gain:+.2f} dB over the decode, at least {-MAY_COST:+.2f}")
        if gap == "2-20" and gain < MUST:
            found.append(f"{name}: {gain:+.2f} dB over the decode, must {MUST:+.2f}")
        made = [row for row in own if row.method == REGRESSED]
        if any(row.agreement < 1 for row in made):
            found.append(f"{name}: agreement {min(row.agreement for row in made):.4%}, must 100 %")
        least, most = COVERED[is_real]
        covered = mean(row.coverage for row in made)
        if not least <= covered <= most:
            found.append(f"{name}: {covered:.0%} in the 90 % interval, must {least:.0%} to {most:.0%}")
    for (ratio,), own in cells(part.wrong, lambda row: (row.ratio,)).items():
        if (gain := fmean(_pair(own))) < -MAY_COST:
            found.append(f"{part.name}, wrong history, {ratio:,}x: {gain:+.2f} dB, at least {-MAY_COST:+.2f}")
    inside = cells([row for row in part.any_date if row.gap == "both sides"], lambda row: (row.method,))
    if inside:
        level = {str(method): mean(row.psnr for row in own) for (method,), own in inside.items()}
        gain = level[ANY_DATE] - max(value for method, value in level.items() if method != ANY_DATE)
        if gain < ANY_DATE_MUST:
            found.append(f"{part.name}, any date: {gain:+.2f} dB over the better guess, must {ANY_DATE_MUST:+.2f}")
    for (kind, ratio), own in cells_of(part.changes).items():
        decode, regressed = (fmean(one.is_found for one in own if one.method == m) for m in (DECODE, REGRESSED))
        if regressed < decode:
            found.append(f"{part.name}, {kind}, {ratio:,}x: found {regressed:.0%}, in the decode {decode:.0%}")
    return found


def cells_of(changes: Sequence[Shown]) -> dict[tuple[str, int], list[Shown]]:
    """By kind and ratio."""
    found: dict[tuple[str, int], list[Shown]] = {}
    for one in changes:
        found.setdefault((one.change, one.ratio), []).append(one)
    return found


def document(parts: Sequence[Part], times: Sequence[dict[str, object]]) -> str:
    """Everything between the markers but the provenance."""
    text = []
    for part in parts:
        text.append(f"### {part.name[0].upper()}{part.name[1:]}\n")
        text.append(f"dB over the deterministic decode, coded without memory:\n\n{gain_table(part.rows)}\n")
        text.append(methods_table(part.rows) + "\n")
        if part.depth:
            text.append(depth_table(part.depth) + "\n")
        if part.wrong:
            text.append(wrong_table(part.wrong) + "\n")
        if part.any_date:
            text.append(f"Dates that nobody observed:\n\n{any_date_table(part.any_date)}\n")
        if part.changes:
            text.append(changes_table(part.changes) + "\n")
    text.append("### Cost\n" + head("method, one core", "frame", "seconds", "megapixel/s (all bands)"))
    for one in times:
        size = f"{one['bands']} x {one['rows']} x {one['columns']}"
        speed, seconds = (float(str(one[name])) for name in ("megapixels_per_second", "seconds"))
        text.append(line(one["method"], size, f"{seconds:.3f}", f"{speed:.2f}"))
    missed = [miss for part in parts for miss in misses(part)]
    text.append("\nNot where it must be:\n\n" + "".join(f"- {miss}\n" for miss in missed) if missed else "\nAll met.\n")
    return "".join(text) + "\n"
