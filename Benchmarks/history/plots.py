"""Gain against rate for each gap class, as SVG in the manner of the other figures."""

from __future__ import annotations

from math import ceil, floor
from pathlib import Path
from statistics import fmean

from history.bars import cell
from history.gaps import GAP_NAMES, Gain
from history.memory import BUDGETS

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 400, 270, 46, 46, 12, 34
COLOURS = ("#c1121f", "#1d3557", "#2a9d8f", "#888888")


def figure(panels: dict[str, list[Gain]]) -> str:
    """Places beside each other, a curve for each gap class."""
    width = WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{HEIGHT}" fill="white"/>',
        f'<text x="6" y="{HEIGHT - 4}" fill="#555555">dB over no memory, mean over dates, against octets</text>',
    ]
    for index, (place, gains) in enumerate(panels.items()):
        parts.append(_panel(place, gains, WIDTH * index))
    return "\n".join(parts) + "\n</svg>\n"


def _panel(place: str, gains: list[Gain], left: int) -> str:
    curves = []
    for gap in range(len(GAP_NAMES)):
        rows = {budget: cell(gains, gap, budget) for budget in BUDGETS}
        curves.append({budget: fmean(row.gain for row in found) for budget, found in rows.items() if found})
    values = [0.0] + [value for curve in curves for value in curve.values()]
    low, high = floor(min(values)), ceil(max(values))
    inner = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)

    def x(budget: int) -> float:
        return left + LEFT + inner[0] * BUDGETS.index(budget) / (len(BUDGETS) - 1)

    def y(value: float) -> float:
        return TOP + inner[1] * (high - value) / max(high - low, 1)

    parts = [f'<text x="{left + LEFT}" y="16" font-weight="bold">{place}</text>']
    for value in range(low, high + 1):
        line = f'x1="{x(BUDGETS[0]):.1f}" x2="{x(BUDGETS[-1]):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line {line} stroke="#dddddd"/>')
        parts.append(f'<text x="{left + LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for budget in BUDGETS:
        parts.append(f'<text x="{x(budget):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{budget:,} B</text>')
    for gap, (name, colour, curve) in enumerate(zip(GAP_NAMES, COLOURS, curves, strict=True)):
        points = [(x(budget), y(value)) for budget, value in curve.items()]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in points]
        at = left + LEFT + 84 * gap
        parts.append(f'<text x="{at}" y="32" fill="{colour}">{name} days</text>')
    return "\n".join(parts)


def write(panels: dict[str, list[Gain]], folder: Path) -> list[tuple[str, str]]:
    """Writes the figure; names of files and what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.svg").write_text(figure(panels))
    return [("history.svg", "What memory gains, by rate and by its age")]
