"""From rows to a JSON report and to the table of Docs/benchmarks.md."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from statistics import fmean

from rd.frames import KLT, KLT_PAYLOAD, PAYLOAD_FROM_RATIO, PERIGEE, PERIGEE_PAYLOAD, PLACES, PLAIN, RATIOS, Row

BEGIN, END = "<!-- bench-rd begin -->", "<!-- bench-rd end -->"
TITLES = {
    PLAIN: "OpenJPEG, 12 bands",
    KLT: "OpenJPEG, per-frame KLT",
    PERIGEE: "**Perigee**",
    KLT_PAYLOAD: "OpenJPEG, per-frame KLT, no main header",
    PERIGEE_PAYLOAD: "**Perigee**, no packet metadata",
}
PAIRS = ((PERIGEE, KLT), (PERIGEE_PAYLOAD, KLT_PAYLOAD))


def machine() -> dict[str, object]:
    """Processor, cores and system of the machine that measured."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return {"processor": model, "cores": cores, "system": platform.system(), "python": platform.python_version()}


def commit(root: Path) -> str:
    """The commit measured, with `-dirty` where tracked files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _select(rows: list[Row], codec: str, ratio: int, place: str | None = None) -> list[Row]:
    found = [r for r in rows if r["codec"] == codec and r["ratio"] == ratio and r["fits"]]
    return [r for r in found if place is None or r["place"] == place]


def _mean(rows: list[Row], field: str) -> float | None:
    values = [float(str(r[field])) for r in rows if r.get(field) is not None]
    return fmean(values) if values else None


def differences(rows: list[Row], ours: str, peer: str, ratio: int, place: str | None = None) -> list[float]:
    """PSNR of ours minus the peer's, frame by frame, where both fit."""
    theirs = {(r["place"], r["season"]): float(str(r["psnr"])) for r in _select(rows, peer, ratio, place)}
    mine = {(r["place"], r["season"]): float(str(r["psnr"])) for r in _select(rows, ours, ratio, place)}
    return [value - theirs[key] for key, value in mine.items() if key in theirs]


def summary(rows: list[Row]) -> dict[str, object]:
    """Means over the frames for every codec and ratio, and mean differences in all and per place."""
    count = len({(r["place"], r["season"]) for r in rows})
    codecs: dict[str, object] = {}
    for codec in TITLES:
        for ratio in RATIOS:
            found = _select(rows, codec, ratio)
            if found:
                means = {f: _mean(found, f) for f in ("psnr", "ssim", "sam", "ndvi", "octets")}
                codecs[f"{codec}@{ratio}"] = means | {"frames": len(found), "of": count}
    gains: dict[str, object] = {}
    for ours, peer in PAIRS:
        for ratio in RATIOS:
            all_frames = differences(rows, ours, peer, ratio)
            if all_frames:
                places = {p: fmean(d) for p in PLACES if (d := differences(rows, ours, peer, ratio, p))}
                gains[f"{ours}-{peer}@{ratio}"] = {
                    "mean": fmean(all_frames),
                    "least": min(all_frames),
                    "most": max(all_frames),
                    "places": places,
                }
    return {"codecs": codecs, "psnr_gain": gains}


def _cell(rows: list[Row], codec: str, ratio: int) -> str:
    found, count = _select(rows, codec, ratio), len({(r["place"], r["season"]) for r in rows})
    if not found:
        payload_only = codec in (KLT_PAYLOAD, PERIGEE_PAYLOAD) and ratio < PAYLOAD_FROM_RATIO
        return "-" if payload_only else "does not fit"
    if len(found) < count:
        return f"fits {len(found)} of {count}"
    psnr, ssim, sam, ndvi = (_mean(found, f) or 0.0 for f in ("psnr", "ssim", "sam", "ndvi"))
    return f"{psnr:.2f} / {ssim:.4f} / {sam:.2f} / {ndvi:.4f}"


def _gain(values: list[float], count: int) -> str:
    if not values:
        return "-"
    text = f"{fmean(values):+.2f} ({min(values):+.2f} .. {max(values):+.2f})"
    return text if len(values) == count else f"{text}, {len(values)} of {count} frames"


def table(rows: list[Row]) -> str:
    """The Markdown tables: means, then differences per frame."""
    codecs = [c for c in TITLES if any(r["codec"] == c for r in rows)]
    head = "| | " + " | ".join(f"{r:,}x" for r in RATIOS) + " |\n|---|" + "---|" * len(RATIOS) + "\n"
    lines = [
        "PSNR dB / SSIM / spectral angle, degrees / NDVI error; mean over 8 frames, 264 x 264, 12 bands.\n\n",
        head,
    ]
    for codec in codecs:
        lines.append(f"| {TITLES[codec]} | " + " | ".join(_cell(rows, codec, r) for r in RATIOS) + " |\n")
    pairs = [(o, p) for o, p in PAIRS if o in codecs]
    if pairs:
        lines.append(
            "\nPSNR, Perigee minus OpenJPEG on a per-frame KLT: mean of the differences per frame (least .. most).\n\n"
        )
        lines.append(head)
    for ours, peer in pairs:
        title = "payload against payload" if ours == PERIGEE_PAYLOAD else "all bytes"
        for place in (None, *PLACES):
            cells = []
            for ratio in RATIOS:
                d = differences(rows, ours, peer, ratio, place)
                cells.append(_gain(d, len({(r["place"], r["season"]) for r in rows if place in (None, r["place"])})))
            lines.append(f"| {title}, {place or 'both places'} | " + " | ".join(cells) + " |\n")
    return "".join(lines)


def write_document(path: Path, text: str) -> None:
    """Replaces what stands between the markers of `path`."""
    page = path.read_text()
    before, rest = page.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
