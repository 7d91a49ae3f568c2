"""From processor seconds to ratios, to JSON, and to the table of Docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from speed.contenders import RATIOS, Contender

PERIGEE, PEERS = "perigee", ("openjpeg-klt8", "openjpeg-bands")
TITLES = {
    PERIGEE: "**Perigee**",
    "openjpeg-klt8": "OpenJPEG, 8 KLT components",
    "openjpeg-bands": "OpenJPEG, 12 bands",
}


@dataclass(frozen=True)
class Measured:
    """A contender and its processor seconds, one a round."""

    contender: Contender
    seconds: list[float]

    @property
    def median(self) -> float:
        """Seconds of one operation."""
        return median(self.seconds)

    @property
    def speed(self) -> float:
        """Megapixels of ground a second."""
        return self.contender.megapixels / self.median

    @property
    def spread(self) -> float:
        """Range of the rounds over their median."""
        return (max(self.seconds) - min(self.seconds)) / self.median

    def as_dict(self) -> dict[str, object]:
        """One row of the JSON."""
        c = self.contender
        return {
            "scene": c.scene, "codec": c.codec, "operation": c.operation, "ratio": c.ratio, "octets": c.octets,
            "seconds": self.median, "spread": round(self.spread, 4), "megapixels_per_second": round(self.speed, 4),
            "rounds": self.seconds,
        }  # fmt: skip


def _find(rows: list[Measured], scene: str, codec: str, operation: str, ratio: int) -> Measured:
    for row in rows:
        c = row.contender
        if (c.scene, c.codec, c.operation, c.ratio) == (scene, codec, operation, ratio):
            return row
    raise KeyError(f"nothing measured for {codec} {operation} {ratio} on {scene}")


def _scenes(rows: list[Measured]) -> list[str]:
    return list(dict.fromkeys(row.contender.scene for row in rows))


def _times_peer(rows: list[Measured], scene: str, peer: str, operation: str, ratio: int) -> float:
    """How often Perigee runs in the time of the peer: median of the rounds' quotients."""
    ours, theirs = (_find(rows, scene, codec, operation, ratio).seconds for codec in (PERIGEE, peer))
    return median(b / a for a, b in zip(ours, theirs, strict=True))


def summary(rows: list[Measured]) -> dict[str, float]:
    """Perigee's speed over each peer's, per scene, operation and ratio."""
    return {
        f"{scene} {operation} {ratio} over {peer}": round(_times_peer(rows, scene, peer, operation, ratio), 3)
        for scene in _scenes(rows)
        for operation in ("encode", "decode")
        for ratio in RATIOS
        for peer in PEERS
    }


def table(rows: list[Measured], repetitions: int) -> str:
    """One Markdown table an operation and a scene to a row group."""
    lines = [
        f"Megapixel/s of one core, median of {repetitions} rounds (range over median); below, Perigee over the peer.\n"
    ]
    for operation in ("encode", "decode"):
        lines.append(
            f"\n| {operation} | | "
            + " | ".join(f"{r:,}x" for r in RATIOS)
            + " |\n|---|---|"
            + "---|" * len(RATIOS)
            + "\n"
        )
        for scene in _scenes(rows):
            for codec, title in TITLES.items():
                found = [_find(rows, scene, codec, operation, r) for r in RATIOS]
                cells = " | ".join(f"{m.speed:.2f} ({100 * m.spread:.0f} %)" for m in found)
                lines.append(f"| {scene} | {title} | {cells} |\n")
            for peer in PEERS:
                cells = " | ".join(f"{_times_peer(rows, scene, peer, operation, r):.2f}" for r in RATIOS)
                lines.append(f"| {scene} | Perigee over {TITLES[peer]} | {cells} |\n")
    return "".join(lines)


def profile_table(shares: dict[str, dict[str, float]]) -> str:
    """Shares of the stages in percent, a row for each operation and ratio; nothing where there is no profile."""
    if not shares:
        return "\nWhere time goes: not measured, perf was not to be had.\n"
    stages = list(dict.fromkeys(stage for found in shares.values() for stage in found))
    lines = ["\n| where time goes, % | " + " | ".join(stages) + " |\n|---|" + "---|" * len(stages) + "\n"]
    for name, found in shares.items():
        operation, ratio = name.split()
        cells = " | ".join(f"{100 * found.get(stage, 0):.0f}" for stage in stages)
        lines.append(f"| {operation}, {int(ratio):,}x | {cells} |\n")
    return "".join(lines)
