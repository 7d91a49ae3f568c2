"""The table of Docs/benchmarks.md and the summary of the JSON."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from rd.subjects import RATIOS
from seams.measure import Seam, pooled, psnr

LIMIT = 0.3
LIMIT_RATIOS = (100, 300, 1000)

FIGURES: tuple[tuple[str, Callable[[Seam], float], str], ...] = (
    ("within 8 pixels of a tile border", lambda seam: psnr(seam.near), ".2f"),
    ("everywhere else", lambda seam: psnr(seam.elsewhere), ".2f"),
    ("**(a)** border minus everywhere else", lambda seam: seam.from_elsewhere, "+.2f"),
    ("strips around tile borders", lambda seam: psnr(seam.strip), ".2f"),
    ("their mirror images", lambda seam: psnr(seam.image), ".2f"),
    ("**(b)** strip minus mirror image", lambda seam: seam.from_image, "+.2f"),
)


def _places(rows: list[Seam]) -> list[str]:
    return list(dict.fromkeys(row.place for row in rows))


def _at(rows: list[Seam], ratio: int) -> list[Seam]:
    """One for each place."""
    return [pooled([row for row in rows if (row.place, row.ratio) == (place, ratio)]) for place in _places(rows)]


def summary(rows: list[Seam]) -> dict[str, dict[str, float | bool]]:
    """Both differences at every ratio, mean over places and the worst of them."""
    found: dict[str, dict[str, float | bool]] = {}
    for ratio in RATIOS:
        plain = [row.from_elsewhere for row in _at(rows, ratio)]
        matched = [row.from_image for row in _at(rows, ratio)]
        found[str(ratio)] = {
            "from_elsewhere": fmean(plain), "from_elsewhere_least": min(plain),
            "from_image": fmean(matched), "from_image_least": min(matched),
        }  # fmt: skip
        if ratio in LIMIT_RATIOS:
            found[str(ratio)]["within_limit"] = min(plain) >= -LIMIT
    return found


def _strips(rows: list[Seam], ratio: int) -> str:
    gaps = sorted(psnr(s.error) - psnr(s.image_error) for row in _at(rows, ratio) for s in row.strips)
    return f"{gaps[0]:+.2f} .. {gaps[-1]:+.2f}"


def _row(title: str, cells: list[str]) -> str:
    return f"| {title} | " + " | ".join(cells) + " |\n"


def table(rows: list[Seam]) -> str:
    """A group of rows for each place, then the means."""
    lines = ["| PSNR, dB | " + " | ".join(f"{r:,}x" for r in RATIOS) + " |\n|---|" + "---|" * len(RATIOS) + "\n"]
    for place in _places(rows):
        mine = [row for row in rows if row.place == place]
        for title, figure, form in FIGURES:
            lines.append(_row(f"{place}, {title}", [format(figure(_at(mine, r)[0]), form) for r in RATIOS]))
    for title, figure, form in FIGURES:
        if form.startswith("+"):
            means = [format(fmean(map(figure, _at(rows, r))), form) for r in RATIOS]
            lines.append(_row(f"mean, {title}", means))
    lines.append(_row("(b), least and most of the single strips", [_strips(rows, r) for r in RATIOS]))
    return "".join(lines)
