"""Rate-distortion curves as SVG, drawn by hand: small, the same every time, readable on white and on dark pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from rd.measure import PERIGEE
from rd.peers import PAYLOAD, Row
from rd.subjects import RATIOS
from rd.summary import by_frame, mean, names, places_worth_naming, select

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 400, 270, 2
LEFT, TOP, RIGHT, BOTTOM = 46, 26, 12, 34
LEGEND_HEIGHT = 28
CURVES = {
    PERIGEE: ("Perigee", "#c1121f", ""),
    "openjpeg-klt": ("OpenJPEG, per-frame KLT", "#1d3557", ""),
    "jpegxl-klt": ("JPEG XL, per-frame KLT", "#2a9d8f", "6 3"),
    "openjpeg-fixed-klt": ("OpenJPEG, fixed KLT", "#457b9d", "2 3"),
    "openjpeg": ("OpenJPEG, bands", "#888888", "8 3 2 3"),
}
SETS = {"dolomites": "dolomites", "wc-be2": "wc-be2", "eurosat": "EuroSAT", "hls": "Harmonized Landsat Sentinel"}


@dataclass(frozen=True)
class Panel:
    """One plot: points (ratio, PSNR) of every codec; only ratios at which all frames fit."""

    title: str
    curves: dict[str, list[tuple[int, float]]]


def panel(title: str, rows: list[Row]) -> Panel:
    """Means over the frames of `rows`, payload against payload."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for codec in CURVES:
        points = []
        for ratio in RATIOS:
            found = select(rows, codec=codec, counting=PAYLOAD, ratio=ratio)
            value = mean(found, "psnr")
            if value is not None and len(by_frame(found, "psnr")) == len(found):
                points.append((ratio, value))
        curves[codec] = points
    return Panel(title, curves)


def _curve(points: list[tuple[float, float]], colour: str, dashes: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points)
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{style}/>{dots}'


def draw_panel(given: Panel, left: float, top: float) -> str:
    """One panel with its axes at a place in the figure."""
    values = [value for points in given.curves.values() for _, value in points]
    low, high = math.floor(min(values) - 0.5), math.ceil(max(values) + 0.5)
    width, height = PANEL_WIDTH - LEFT - RIGHT, PANEL_HEIGHT - TOP - BOTTOM
    coarse, fine = math.log(max(RATIOS)), math.log(min(RATIOS))

    def x(ratio: float) -> float:
        return left + LEFT + width * (coarse - math.log(ratio)) / (coarse - fine)

    def y(value: float) -> float:
        return top + TOP + height * (high - value) / (high - low)

    parts = [f'<text x="{left + LEFT:.0f}" y="{top + 16:.0f}" font-weight="bold">{given.title}</text>']
    step = max(1, round((high - low) / 6))
    for value in range(low, high + 1, step):
        line = f'x1="{x(max(RATIOS)):.1f}" x2="{x(min(RATIOS)):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"'
        parts.append(f'<line {line} stroke="#dddddd"/>')
        parts.append(f'<text x="{left + LEFT - 5:.0f}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for ratio in RATIOS:
        parts.append(
            f'<text x="{x(ratio):.1f}" y="{top + TOP + height + 16:.0f}" text-anchor="middle">{ratio:,}x</text>'
        )
    for codec in reversed(CURVES):
        points = [(x(ratio), y(value)) for ratio, value in given.curves[codec]]
        if points:
            parts.append(_curve(points, *CURVES[codec][1:]))
    return "\n".join(parts)


def draw(panels: list[Panel]) -> str:
    """A figure: legend, then panels in rows of two."""
    rows = math.ceil(len(panels) / COLUMNS)
    width, height = PANEL_WIDTH * COLUMNS, LEGEND_HEIGHT + PANEL_HEIGHT * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="6" y="{height - 6}" fill="#555555">PSNR, dB (mean over frames) against ratio, payload</text>',
    ]
    for index, (title, colour, dashes) in enumerate(CURVES.values()):
        left = 12 + index * (width - 12) / len(CURVES)
        parts.append(_curve([(left, 14), (left + 24, 14)], colour, dashes))
        parts.append(f'<text x="{left + 30:.0f}" y="18">{title}</text>')
    for index, given in enumerate(panels):
        left, top = PANEL_WIDTH * (index % COLUMNS), LEGEND_HEIGHT + PANEL_HEIGHT * (index // COLUMNS)
        parts.append(draw_panel(given, left, top))
    return "\n".join(parts) + "\n</svg>\n"


def write(rows: list[Row], folder: Path) -> list[tuple[str, str]]:
    """Writes the figures; names of files and what they show."""
    folds = select(rows, set="folds")
    others = [name for name in names(rows, "set") if name != "folds"]
    figures = {
        "rd-folds.svg": (
            "Rate and distortion on four places, each left out of training",
            [panel(place, select(folds, place=place)) for place in places_worth_naming(folds)],
        ),
        "rd-others.svg": (
            "Rate and distortion on the other test places, shipped bundle",
            [panel(SETS[name], select(rows, set=name)) for name in others],
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (title, panels) in figures.items():
        if panels:
            (folder / name).write_text(draw(panels))
            written.append((name, title))
    return written
