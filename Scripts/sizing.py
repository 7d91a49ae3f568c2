"""Writes the sizing table of Docs/operations.md from Benchmarks/results; `--check` only says whether it is true."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "Docs" / "operations.md"
BEGIN, END = "<!-- sizing begin -->", "<!-- sizing end -->"
# one megapixel of ground a second: 12 bands of 16 bits
RAW_OCTETS_PER_SECOND = 12 * 2 * 1_000_000
FRAMING = 0.95  # the least share of the line that carried packets, see Docs/benchmarks.md
DAY = 86_400


def results(name: str) -> dict[str, object]:
    return json.loads((ROOT / "Benchmarks" / "results" / f"{name}.json").read_text())


def slowest(ratio: int) -> float:
    """Megapixels a second that one core encodes, in the scene where it is slowest."""
    rows = [
        row["megapixels_per_second"]
        for row in results("speed")["measured"]
        if row["codec"] == "perigee" and row["operation"] == "encode" and row["ratio"] == ratio
    ]
    return min(rows)


def number(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def table() -> str:
    rows = []
    for ratio in (100, 300, 1_000):
        speed = slowest(ratio)
        octets = RAW_OCTETS_PER_SECOND / ratio
        rows.append(
            f"| {ratio:,}x | {speed:.2f} | {number(1 / speed)} | {number(octets * 8 / FRAMING / 1_000)} kbit/s |"
            f" {number(octets * DAY / 1e9)} GB |"
        )
    commit = results("speed")["commit"]
    return "\n".join(
        [
            BEGIN,
            "| target | one core encodes, Mpx/s | cores | line | spool for a day without it |",
            "|---|---|---|---|---|",
            *rows,
            "",
            (
                f"One megapixel of ground a second in 12 bands of 16 bits (24 MB/s raw). Encoding: the slowest scene of"
                f" Benchmarks/results/speed.json ({commit}); line: {FRAMING:.0%} of it carry packets."
            ),
            END,
        ]
    )


def main() -> int:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    wanted = before + table() + after
    if "--check" in sys.argv[1:]:
        if wanted != text:
            sys.stderr.write("Docs/operations.md is out of date: run `make docs`\n")
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
