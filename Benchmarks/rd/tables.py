"""The tables of Docs/benchmarks.md and of README.md, as Markdown."""

from __future__ import annotations

from rd.measure import PERIGEE, PREFIX
from rd.peers import ALL, PAYLOAD, Row
from rd.subjects import RATIOS
from rd.summary import (
    REFERENCE_PEER,
    Comparison,
    below,
    by_frame,
    compare,
    falls,
    mean,
    names,
    places_worth_naming,
    select,
)

TITLES = {
    "openjpeg": "OpenJPEG, bands",
    "openjpeg-fixed-klt": "OpenJPEG, fixed KLT",
    "openjpeg-klt": "OpenJPEG, per-frame KLT",
    "jpegxl-klt": "JPEG XL, per-frame KLT",
    PERIGEE: "**Perigee**",
    PREFIX: "**Perigee**, prefixes of one stream",
}
COUNTINGS = {
    ALL: "All octets against all octets",
    PAYLOAD: "Payload against payload (peer without headers, Perigee without packet metadata)",
}
OURS = {ALL: (PERIGEE,), PAYLOAD: (PERIGEE, PREFIX)}
SETS = {
    "folds": "Four places of SSL4EO-S12, 264 x 264, 12 bands, each by a bundle that has not seen it",
    "dolomites": "dolomites, 384 x 384, 4 bands of 10 m, shipped bundle",
    "wc-be2": "wc-be2, 64 x 64, 10 bands, clear and cloudy dates, shipped bundle",
    "eurosat": "EuroSAT, 64 x 64, 13 bands, shipped bundle",
    "hls": "Harmonized Landsat Sentinel, 128 x 128, 7 bands, shipped bundle (which has seen no such sensor)",
}


def head(rows: list[Row], first: str = "") -> str:
    """Ratios, with octets of a frame under them; these differ by a few where frames differ in size."""
    cells = []
    for ratio in RATIOS:
        octets = sorted({int(str(row["budget"])) for row in select(rows, ratio=ratio)})
        size = f"{octets[0]:,}" if len(octets) == 1 else f"{octets[0]:,} to {octets[-1]:,}"
        native = max(float(str(row["native_ratio"])) for row in select(rows, ratio=ratio))
        cells.append(f"{ratio:,}x ({native:,.0f}x native), {size} B")
    return f"| {first} | " + " | ".join(cells) + " |\n|---|" + "---|" * len(RATIOS) + "\n"


def means(rows: list[Row], counting: str) -> str:
    """Every codec at every ratio: the four metrics, means over frames."""
    lines = [head(rows)]
    for codec, title in TITLES.items():
        found = select(rows, codec=codec, counting=counting)
        if found:
            lines.append(
                f"| {title} | " + " | ".join(_metrics(select(found, ratio=ratio)) for ratio in RATIOS) + " |\n"
            )
    return "".join(lines)


def _metrics(rows: list[Row]) -> str:
    fitting = by_frame(rows, "psnr")
    if not fitting:
        return "does not fit"
    psnr, ssim, sam, ndvi = (mean(rows, metric) or 0.0 for metric in ("psnr", "ssim", "sam", "ndvi"))
    text = f"{psnr:.2f} / {ssim:.3f} / {sam:.2f} / {ndvi:.4f}"
    return text if len(fitting) == len(rows) else f"{text} (fits {len(fitting)} of {len(rows)})"


def gains(rows: list[Row], counting: str, codec: str = PERIGEE) -> str:
    """PSNR over the reference peer: all frames, then places, then what SAM and NDVI do."""
    lines = [head(rows)]
    found = {r: compare(rows, (codec, counting), (REFERENCE_PEER, counting), r) for r in RATIOS}
    lines.append("| PSNR, dB | " + " | ".join(_gain(found[r]) for r in RATIOS) + " |\n")
    for place in places_worth_naming(rows):
        parts = [compare(rows, (codec, counting), (REFERENCE_PEER, counting), r, place=place) for r in RATIOS]
        lines.append(f"| {place} | " + " | ".join(_gain(part) for part in parts) + " |\n")
    for metric, title, digits in (("sam", "angle, degrees", 2), ("ndvi", "NDVI error", 4), ("ssim", "SSIM", 4)):
        cells = [f"{getattr(c, metric):+.{digits}f}" if (c := found[r]) else "-" for r in RATIOS]
        lines.append(f"| {title} | " + " | ".join(cells) + " |\n")
    return "".join(lines)


def _gain(found: Comparison | None) -> str:
    if found is None:
        return "the peer does not fit"
    text = f"{found.mean:+.2f} ({found.least:+.2f} .. {found.most:+.2f})"
    return text if found.frames == found.of else f"{text}, {found.frames} of {found.of} frames"


def notes(rows: list[Row]) -> str:
    """What the tables do not show: frames below the peer, and falls of PSNR as octets grow."""
    lines = []
    for counting in (ALL, PAYLOAD):
        for codec in OURS[counting]:
            count, fallen = below(rows, codec, counting), falls(rows, codec, counting)
            name = "prefixes of one stream, " if codec == PREFIX else ""
            name += "all octets" if counting == ALL else "payload"
            fall = ", ".join(fallen) if fallen else "never"
            lines.append(
                f"- {name}: {count} of the comparisons at 100x to 1,000x below the peer;"
                f" PSNR falls as octets grow: {fall}.\n"
            )
    return "".join(lines)


def document(rows: list[Row]) -> str:
    """Everything between the markers of Docs/benchmarks.md but the line of provenance."""
    parts = []
    for name in names(rows, "set"):
        of_set = select(rows, set=name)
        frames = len(names(of_set, "frame"))
        count = "1 frame" if frames == 1 else f"{frames} frames"
        parts.append(f"### {SETS[name]}\n{count}. Means of PSNR dB / SSIM / spectral angle, degrees / NDVI error.\n\n")
        for counting, title in COUNTINGS.items():
            parts.append(f"{title}:\n\n{means(of_set, counting)}\n")
            for codec in OURS[counting]:
                what = "prefixes of one stream" if codec == PREFIX else "each ratio encoded for itself"
                parts.append(
                    f"Perigee ({what}) minus OpenJPEG on a per-frame KLT, mean of differences per frame (least ..\n"
                    f"most):\n\n{gains(of_set, counting, codec)}\n"
                )
        parts.append(notes(of_set) + "\n")
    return "".join(parts)


def readme(rows: list[Row]) -> str:
    """The short table of README.md: the folds, over the strongest classical peer."""
    folds = select(rows, set="folds")
    lines = ["| PSNR over OpenJPEG on a KLT of the same frame, dB | " + " | ".join(f"{r:,}x" for r in RATIOS) + " |\n"]
    lines.append("|---|" + "---|" * len(RATIOS) + "\n")
    for counting, title in ((ALL, "all octets"), (PAYLOAD, "without headers")):
        found = [compare(folds, (PERIGEE, counting), (REFERENCE_PEER, counting), r) for r in RATIOS]
        cells = []
        for comparison in found:
            whole = comparison is not None and comparison.frames == comparison.of
            cells.append(f"{comparison.mean:+.2f}" if whole and comparison else "the peer does not always fit")
        lines.append(f"| {title} | " + " | ".join(cells) + " |\n")
    return "".join(lines)
