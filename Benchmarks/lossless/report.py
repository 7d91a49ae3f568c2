"""From rows to the table of Docs/benchmarks.md."""

from __future__ import annotations

from statistics import fmean

from lossless.frames import BOUND, SETS, Row

TITLES = {
    "perigee": "**Perigee**",
    "jpeg_xl": "JPEG XL, effort 7",
    "jpeg_ls": "JPEG-LS",
    "zstd": "zstd -19",
    "perigee_near": f"**Perigee**, error {BOUND}",
    "jpeg_ls_near": f"JPEG-LS, error {BOUND}",
}


def bits(rows: list[Row], codec: str) -> float:
    """Bits a sample, mean over frames."""
    return fmean(8 * float(str(r[codec])) / float(str(r["samples"])) for r in rows)


def shares(rows: list[Row], ours: str, peer: str) -> list[float]:
    """Octets of ours over the peer's, frame by frame."""
    return [float(str(r[ours])) / float(str(r[peer])) for r in rows]


def summary(rows: list[Row]) -> dict[str, object]:
    """Means by set."""
    result: dict[str, object] = {}
    for group in SETS:
        found = [r for r in rows if r["set"] == group]
        part = shares(found, "perigee", "jpeg_xl")
        result[group] = {codec: bits(found, codec) for codec in TITLES} | {
            "frames": len(found),
            "perigee_over_jpeg_xl": {
                "mean": fmean(part),
                "least": min(part),
                "most": max(part),
            },
        }
    return result


def table(rows: list[Row], speed: dict[str, float]) -> str:
    """Bits a sample by set, and how much smaller than JPEG XL."""
    lines = ["Bits a sample, mean over the frames of each set; all octets of the file counted.\n\n"]
    lines.append("| | frames | " + " | ".join(TITLES.values()) + " | smaller than JPEG XL (least .. most) |\n")
    lines.append("|---|" + "---|" * (len(TITLES) + 2) + "\n")
    for group in SETS:
        found = [r for r in rows if r["set"] == group]
        cells = [f"{bits(found, codec):.3f}" for codec in TITLES]
        part = [100 * (1 - share) for share in shares(found, "perigee", "jpeg_xl")]
        gain = f"{fmean(part):.1f} % ({min(part):.1f} .. {max(part):.1f})"
        lines.append(f"| {group} | {len(found)} | " + " | ".join(cells) + f" | {gain} |\n")
    lines.append(
        f"\nOne core, processor time, {speed['frames']:.0f} frames of 12 bands: encode {speed['encode']:.1f}, "
        f"decode {speed['decode']:.1f} million samples a second; JPEG XL encode {speed['jpeg_xl_encode']:.1f}.\n"
    )
    return "".join(lines)
